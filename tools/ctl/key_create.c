/* SPDX-License-Identifier: BSD-3-Clause */
/* `key create`: make a file with the key that the nodes of a ring share. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "tools/ctl/daemon.h"

#define KEY_SIZE 256u
#define DEFAULT_FILE SYSCONF_DIR "/coterie/authkey"

static int fail(struct ctl *ctl, const char *what, const char *file)
{
	int error = errno;

	return ctl_fail(ctl, error == EACCES || error == EPERM ? CTL_DENIED : CTL_FAILED,
		error == ENOENT ? "make the folder first" : "the old file, if there is one, is as it was",
		"cannot %s '%.200s': %s", what, file, strerror(error));
}

/* Make the daemon's user the owner of the file. Without the rights of root the caller stays the owner. */
static int give_to_daemon(struct ctl *ctl, int fd, const char *file)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(DAEMON_USER) : NULL;

	if (user != NULL && fchown(fd, user->pw_uid, (gid_t)-1) < 0)
		return fail(ctl, "give to user " DAEMON_USER " the file", file);
	return 0;
}

static int fill(struct ctl *ctl, int fd, const char *file)
{
	uint8_t key[KEY_SIZE];
	size_t done = 0;
	int code = 0;

	/* Up to 256 bytes are returned at once. If the kernel has no randomness yet, the call waits. */
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		code = fail(ctl, "get random bytes for", file);
	while (code == 0 && done < sizeof(key)) {
		ssize_t size = write(fd, key + done, sizeof(key) - done);

		if (size > 0)
			done += (size_t)size;
		else if (size == 0 || errno != EINTR)
			code = fail(ctl, "write", file);
	}
	explicit_bzero(key, sizeof(key));
	if (code == 0 && (fchmod(fd, 0400) < 0 || fsync(fd) < 0))
		code = fail(ctl, "write", file);
	return code;
}

/* Write the folder to the disk: the file's name is on the disk only after that. */
static int sync_folder(struct ctl *ctl, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(file, slash == file ? 1 : (size_t)(slash - file));
	int fd = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = 0;

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		code = ctl_fail(ctl, CTL_FAILED, "the new key is in place, and may be lost at a power failure",
			"cannot write the folder of '%.200s': %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return code;
}

/*
 * Give the temporary file its name. Without is_forced, link(2) is used, since it does not replace a file that was
 * created meanwhile.
 */
static int put_in_place(struct ctl *ctl, const char *temporary, const char *file, bool is_forced)
{
	if (is_forced)
		return rename(temporary, file) < 0 ? fail(ctl, "replace", file) : 0;
	if (link(temporary, file) == 0) {
		unlink(temporary);
		return 0;
	}
	if (errno == EEXIST)
		return ctl_fail(ctl, CTL_REFUSED,
			"--force replaces it: nodes with the old key are then strangers until they have the new one",
			"'%.200s' is there already", file);
	return fail(ctl, "create", file);
}

static int create(struct ctl *ctl, const char *file, bool is_forced)
{
	struct stat status;
	char *temporary;

	if (lstat(file, &status) == 0 && !S_ISREG(status.st_mode) && is_forced)
		return ctl_fail(ctl, CTL_REFUSED, "name a file", "'%.200s' is no regular file", file);
	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		return ctl_fail(ctl, CTL_FAILED, NULL, "out of memory");
	int fd = mkostemp(temporary, O_CLOEXEC); /* creates the file with mode 0600 */
	int code = fd < 0 ? fail(ctl, "create", file) : 0;

	if (code == 0)
		code = fill(ctl, fd, file);
	if (code == 0)
		code = give_to_daemon(ctl, fd, file);
	if (fd >= 0 && close(fd) < 0 && code == 0)
		code = fail(ctl, "write", file);
	if (code == 0)
		code = put_in_place(ctl, temporary, file, is_forced);
	if (fd >= 0 && code != 0)
		unlink(temporary);
	free(temporary);
	return code != 0 ? code : sync_folder(ctl, file);
}

int key_create(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	const char *file = NULL;
	bool is_forced = false;
	char text[512];

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--force") == 0)
			is_forced = true;
		else if (argv[i][0] == '-' || argv[i][0] == '\0' || file != NULL)
			return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "key create [FILE] [--force]");
		else
			file = argv[i];
	}
	if (file == NULL)
		file = DEFAULT_FILE;
	int code = create(ctl, file, is_forced);

	if (code != 0)
		return code;
	snprintf(text, sizeof(text), "a new key is in %.300s: copy it to the other nodes over a safe way", file);
	put_text(data, "text", text);
	return CTL_GOOD;
}
