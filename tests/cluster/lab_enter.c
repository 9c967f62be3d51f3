/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lab_enter PID [-r ROOT] [-s] [-t SECONDS] [NAME=VALUE]... COMMAND [ARGUMENT]...
 *
 * Become a command in the network and the mounts of a process, with more variables in the environment. The lab needs
 * this a thousand times, so it is one program in place of nsenter, chroot, setsid, timeout and env.
 *
 * -r ROOT: its root directory, as seen there
 * -s: a session of its own, which the scheduler prefers to others
 * -t SECONDS: SIGALRM ends it then
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_FD 9 /* lock of lab.sh on its lane. A program that inherited it would keep the lock */

static void join_namespace(const char *pid, const char *name, int type)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, type) < 0)
		err(125, "%s", path);
	close(fd);
}

static void begin_session(void)
{
	int fd;

	if (setsid() < 0)
		err(125, "setsid");
	fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return; /* this kernel has none */
	if (write(fd, "-15", 3) < 0)
		warn("autogroup");
	close(fd);
}

static unsigned seconds_of(const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*end != '\0' || seconds == 0 || seconds > 86400)
		errx(125, "no seconds: %s", text);
	return (unsigned)seconds;
}

int main(int argc, char **argv)
{
	const char *root = NULL;
	int option;

	if (argc < 3)
		errx(125, "PID [-r ROOT] [-s] [-t SECONDS] [NAME=VALUE]... COMMAND [ARGUMENT]...");
	close(LOCK_FD);

	const char *pid = argv[1];

	argc--;
	argv++;
	while ((option = getopt(argc, argv, "+r:st:")) != -1) {
		switch (option) {
		case 'r':
			root = optarg;
			break;
		case 's':
			begin_session();
			break;
		case 't':
			alarm(seconds_of(optarg));
			break;
		default:
			return 125;
		}
	}
	join_namespace(pid, "net", CLONE_NEWNET);
	join_namespace(pid, "mnt", CLONE_NEWNS);
	if (root && (chroot(root) < 0 || chdir("/") < 0))
		err(125, "%s", root);
	for (argv += optind; *argv && strchr(*argv, '='); argv++) {
		if (putenv(*argv) != 0)
			err(125, "%s", *argv);
	}
	if (!*argv)
		errx(125, "no command");
	execvp(*argv, argv);
	err(errno == ENOENT ? 127 : 126, "%s", *argv);
}
