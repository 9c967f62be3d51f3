/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/keygen.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/number.h"

enum {
	KEY_SIZE_MIN = 128,
	KEY_SIZE_MAX = 4096,
	KEY_SIZE_DEFAULT = 256,
	EXIT_CREATE = 2,
	EXIT_MODE = 3,
	EXIT_WRITE = 4,
	EXIT_CLOSE = 5,
};

/* The name in messages. It is the same whatever argv[0] is. */
static const char program[] = "corosync-keygen";

struct request {
	const char *key_file;
	const char *random_file;
	size_t size; /* bytes of the key */
};

static void print_usage(void)
{
	fputs("Usage: corosync-keygen [-k <keyfile>] [-s size] [-m <randomfile>] [-l] [-h]\n"
	      "     -k / --key-file=<filename> -  Write to the specified keyfile\n"
	      "            instead of the default " SYSCONF_DIR "/corosync/authkey.\n"
	      "     -r / --random-file -  Random number source file. Default is \n"
	      "            /dev/urandom. As an example /dev/random may be requested\n"
	      "            (that may require user input for entropy).\n"
	      "     -l / --less-secure - Not used, option is kept only\n"
	      "            for compatibility.\n"
	      "     -s / --size -  Length of key.\n"
	      "     -h / --help -  Print basic usage.\n"
	      "\n",
		stdout);
}

static bool parse_size(struct request *request, const char *text)
{
	long long number;

	if (!number_parse(text, KEY_SIZE_MIN, KEY_SIZE_MAX, &number)) {
		fprintf(stderr, "%s: Unsupported key size (supported <%d,%d>)\n\n", program, KEY_SIZE_MIN,
			KEY_SIZE_MAX);
		return false;
	}
	request->size = (size_t)number;
	return true;
}

/* Parse the command line. @return false: the tool must end with *status */
static bool parse(int argc, char **argv, struct request *request, int *status)
{
	static const struct option long_options[] = {
		{"key-file", required_argument, NULL, 'k'},
		{"random-file", required_argument, NULL, 'r'},
		{"size", required_argument, NULL, 's'},
		{"less-secure", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	*status = EXIT_FAILURE;
	while ((option = getopt_long(argc, argv, "k:r:s:lh", long_options, NULL)) != -1)
		switch (option) {
		case 'k':
			request->key_file = optarg;
			break;
		case 'r':
			request->random_file = optarg;
			break;
		case 's':
			if (!parse_size(request, optarg))
				return false;
			break;
		case 'l': /* accepted without effect */
			break;
		case 'h':
			print_usage();
			*status = EXIT_SUCCESS;
			return false;
		default:
			printf("Error parsing command line options.\n");
			return false;
		}
	return true;
}

static bool read_random(const struct request *request, unsigned char *key)
{
	bool is_slow = strcmp(request->random_file, "/dev/random") == 0;
	size_t done = 0;
	int fd = open(request->random_file, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "%s: Failed to open random source: %s\n", program, strerror(errno));
		return false;
	}
	if (is_slow)
		printf("Press keys on your keyboard to generate entropy.\n");
	while (done < request->size) {
		ssize_t size = read(fd, key + done, request->size - done);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			fprintf(stderr, "%s: Could not read %s: %s\n", program, request->random_file, strerror(errno));
		else if (size == 0)
			fprintf(stderr, "Unexpected end of %s\n", request->random_file);
		if (size <= 0)
			break;
		done += (size_t)size;
		if (is_slow && done < request->size)
			printf("Press keys on your keyboard to generate entropy (%zu bits still "
			       "needed).\n",
				(request->size - done) * 8);
	}
	close(fd);
	return done == request->size;
}

static int complain(const char *what, const char *path, int status)
{
	fprintf(stderr, "%s: %s %s: %s\n", program, what, path, strerror(errno));
	return status;
}

static int write_key(int fd, const struct request *request, const char *path, const unsigned char *key)
{
	size_t done = 0;

	if (fchmod(fd, 0400) < 0)
		return complain("Could not set permissions of", path, EXIT_MODE);
	while (done < request->size) {
		ssize_t size = write(fd, key + done, request->size - done);

		if (size < 0 && errno != EINTR)
			return complain("Could not write", path, EXIT_WRITE);
		if (size > 0)
			done += (size_t)size;
	}
	return fsync(fd) < 0 && errno != EINVAL ? complain("Could not write", path, EXIT_WRITE) : 0;
}

/*
 * Return whether a file exists and is not regular. Such a file, for example a device, is written to and not replaced.
 */
static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static int save_key(const struct request *request, const unsigned char *key)
{
	const char *path = request->key_file;
	char *temporary = NULL;
	int fd;

	if (is_special(path)) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	} else {
		/* A new file is written and renamed, so that a failure leaves the old key unchanged. */
		if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
			return EXIT_CREATE;
		fd = mkostemp(temporary, O_CLOEXEC);
	}
	if (fd < 0) {
		free(temporary);
		return complain("Could not create", path, EXIT_CREATE);
	}
	printf("Writing corosync key to %s.\n", path);
	fflush(stdout);
	int status = write_key(fd, request, path, key);
	if (close(fd) < 0 && status == 0)
		status = complain("Could not write", path, EXIT_CLOSE);
	if (temporary != NULL && status == 0 && rename(temporary, path) < 0)
		status = complain("Could not create", path, EXIT_CREATE);
	if (temporary != NULL && status != 0)
		unlink(temporary);
	free(temporary);
	return status;
}

int keygen_main(int argc, char **argv)
{
	struct request request = {
		.key_file = SYSCONF_DIR "/corosync/authkey",
		.random_file = "/dev/urandom",
		.size = KEY_SIZE_DEFAULT,
	};
	unsigned char key[KEY_SIZE_MAX];
	int status;

	if (!parse(argc, argv, &request, &status))
		return status;
	printf("Corosync Cluster Engine Authentication key generator.\n"
	       "Gathering %zu bits for key from %s.\n",
		request.size * 8, request.random_file);
	fflush(stdout);
	if (!read_random(&request, key))
		return EXIT_FAILURE;
	status = save_key(&request, key);
	explicit_bzero(key, sizeof(key));
	return status;
}
