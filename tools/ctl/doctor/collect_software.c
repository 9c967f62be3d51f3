/* SPDX-License-Identifier: BSD-3-Clause */
/* Collect other software on this host: versions of libraries, Corosync, and a second daemon of Coterie. */
#include "tools/ctl/doctor/collect.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- package managers --- */

/* Get the first line that a program prints. @return its exit status; -1: the program cannot be run */
static int run(const char *const *words, char *line, size_t size)
{
	char *arguments[8] = {NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2], status = -1;
	pid_t pid;

	line[0] = '\0';
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -1;
	for (size_t i = 0; i + 1 < sizeof(arguments) / sizeof(arguments[0]) && words[i] != NULL; i++)
		arguments[i] = strdup(words[i]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int rc = posix_spawnp(&pid, words[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (rc == 0) {
		FILE *output = fdopen(pipes[0], "r");
		char rest[256];

		if (output != NULL && fgets(line, (int)size, output) != NULL)
			line[strcspn(line, "\n")] = '\0';
		while (output != NULL && fgets(rest, sizeof(rest), output) != NULL)
			;
		if (output != NULL)
			fclose(output);
		if (waitpid(pid, &status, 0) < 0)
			status = -1;
	} else {
		close(pipes[0]);
	}
	for (size_t i = 0; arguments[i] != NULL; i++)
		free(arguments[i]);
	return rc == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Get the version of an installed package. debian, rpm: names of the package in Debian, and in distributions with rpm
 */
static bool find_version(const char *debian, const char *rpm, char version[64])
{
	const char *const of_debian[] = {"dpkg-query", "-W", "-f", "${Version}", debian, NULL};
	const char *const of_rpm[] = {"rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", rpm, NULL};

	if (run(of_debian, version, 64) == 0 && isdigit((unsigned char)version[0]))
		return true;
	return run(of_rpm, version, 64) == 0 && isdigit((unsigned char)version[0]);
}

/*
 * Return whether the package's changelog has a name, such as that of a vulnerability: distributions correct old
 * versions too.
 */
static bool is_mended(const char *debian, const char *rpm, const char *name)
{
	char file[128], command[160], line[256];

	snprintf(file, sizeof(file), "/usr/share/doc/%s/changelog.Debian.gz", debian);
	snprintf(command, sizeof(command), "rpm -q --changelog %s | grep -m 1 %s", rpm, name);
	const char *const of_debian[] = {"zgrep", "-m", "1", name, file, NULL};
	const char *const of_rpm[] = {"sh", "-c", command, NULL};
	return run(access(file, R_OK) == 0 ? of_debian : of_rpm, line, sizeof(line)) == 0;
}

static void look_at_libraries(struct doctor_facts *facts, struct host_collector *own)
{
	struct doctor_host *host = &facts->host;

	if (strcmp(doctor_transport(facts), "knet") == 0 && find_version("libknet1", "libknet1", own->knet_version)) {
		host->knet_version = own->knet_version;
		host->is_knet_mended = is_mended("libknet1", "libknet1", "CVE-2026-15813");
	}
	if (find_version("libqb100", "libqb", own->qb_version)) {
		host->qb_version = own->qb_version;
		host->is_qb_mended = is_mended("libqb100", "libqb", "CVE-2019-12779");
	}
}

/* --- units --- */

/* Return whether systemd starts the unit at boot, and the unit starts this program. */
static bool is_enabled(const char *unit, const char *program)
{
	char path[256], line[512];
	bool is_found = false;

	snprintf(path, sizeof(path), "/etc/systemd/system/multi-user.target.wants/%s.service", unit);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	/* The unit file is read, since Coterie's unit may have Corosync's name. */
	while (!is_found && fgets(line, sizeof(line), file) != NULL)
		is_found = strncmp(line, "ExecStart=", 10) == 0 && strstr(line, program) != NULL;
	fclose(file);
	return is_found;
}

/* --- processes --- */

static bool is_in_this_network(const char *pid)
{
	char path[64], own[64], other[64];

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	ssize_t own_length = readlink("/proc/self/ns/net", own, sizeof(own));
	ssize_t length = readlink(path, other, sizeof(other));
	return length > 0 && length == own_length && memcmp(own, other, (size_t)length) == 0;
}

/* Read the command line of a process. Each word ends with a NUL. */
static size_t read_words(const char *pid, char *words, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	FILE *file = fopen(path, "re");
	size_t got = file != NULL ? fread(words, 1, size - 1, file) : 0;

	if (file != NULL)
		fclose(file);
	words[got] = '\0';
	return got;
}

static const char *option(const char *words, size_t size, const char *name)
{
	for (const char *at = words; at < words + size; at += strlen(at) + 1)
		if (strcmp(at, name) == 0 && at + strlen(at) + 1 < words + size)
			return at + strlen(at) + 1;
	return NULL;
}

/*
 * Return whether a process is a second daemon for this node. A daemon that reads the same file is another node only if
 * it was started with another node's name.
 */
static bool is_twin(const struct doctor_facts *facts, const char *words, size_t size)
{
	const char *file = option(words, size, "-c"), *node = option(words, size, "--node");
	const struct doctor_member *self = facts->self != 0 ? doctor_member(facts, facts->self) : NULL;
	char one[PATH_MAX], other[PATH_MAX];

	if (file == NULL || facts->file_name == NULL || realpath(file, one) == NULL ||
		realpath(facts->file_name, other) == NULL || strcmp(one, other) != 0)
		return false;
	return node == NULL || self == NULL || strcmp(node, self->name) == 0;
}

static void look_at_process(struct doctor_facts *facts, const char *pid)
{
	struct doctor_host *host = &facts->host;
	char path[64], name[64] = "", words[4096];
	int64_t number = strtoll(pid, NULL, 10);

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(name, sizeof(name), file) == NULL)
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	bool is_corosync = strcmp(name, "corosync") == 0, is_coterie = strcmp(name, "coterie") == 0;
	if ((!is_corosync && !is_coterie) || number == host->pid || !is_in_this_network(pid))
		return;
	size_t size = read_words(pid, words, sizeof(words));
	if (is_corosync)
		host->corosync_pid = number;
	else if (facts->mode == DOCTOR_OF_DAEMON && is_twin(facts, words, size))
		host->other_pid = number;
}

void collect_software(struct doctor_facts *facts, struct host_collector *own)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	look_at_libraries(facts, own);
	facts->host.is_corosync_enabled = is_enabled("corosync", "corosync") && !is_enabled("corosync", "coterie");
	facts->host.is_coterie_enabled = is_enabled("coterie", "coterie");
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(facts, entry->d_name);
	if (folder != NULL)
		closedir(folder);
}
