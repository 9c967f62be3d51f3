/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/cage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "common/trust.h"
#include "exec/daemon/instance.h"
#include "exec/log/log.h"

#define EXIT_USER 39
#define CAPABILITY_MAX 63u

/*
 * Capabilities that the daemon needs. (Limits are sufficient for real-time priority and locked memory.) CAP_CHOWN: the
 * files of a connection belong to the client. CAP_DAC_READ_SEARCH: the key file, and maybe the config, belongs to root,
 * also at a reload. CAP_NET_ADMIN: receive buffers of a ring are larger than net.core.rmem_max. With these the daemon
 * cannot write files of other users, or connect to their sockets.
 */
static const unsigned int kept[] = {CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN};

struct user {
	const char *name;
	uid_t uid;
	gid_t gid;
};

__attribute__((format(printf, 3, 4))) static int fail(char *error, uint32_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, size, format, arguments);
	va_end(arguments);
	return EXIT_USER;
}

/* --- the user --- */

/*
 * Find a user by name or number. A number needs no entry in the user database. Without an entry, the number of the
 * user's group is the same.
 */
static bool find_user(const char *text, struct user *user)
{
	char *end;
	const struct passwd *entry = getpwnam(text);
	unsigned long number = strtoul(text, &end, 10);

	if (entry == NULL && (*text < '0' || *text > '9' || *end != '\0' || number >= UINT32_MAX))
		return false;
	if (entry == NULL)
		entry = getpwuid((uid_t)number);
	*user = (struct user){.name = NULL, .uid = (uid_t)number, .gid = (gid_t)number};
	if (entry != NULL)
		*user = (struct user){.name = entry->pw_name, .uid = entry->pw_uid, .gid = entry->pw_gid};
	return true;
}

/* --- folders --- */

/*
 * Give files of an earlier daemon of root in the folder to the user. A file with a second name may
 * belong to another program.
 */
static void give_file(int folder, const char *name, const struct user *user)
{
	int file = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (file < 0)
		return;
	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 && status.st_nlink == 1 &&
		fchownat(file, "", user->uid, user->gid, AT_EMPTY_PATH) < 0)
		log_line("MAIN", LOG_WARNING, "Cannot give file '%s' to user %u: %s", name, user->uid, strerror(errno));
	close(file);
}

static void give_files(int folder, const struct user *user)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		give_file(folder, entry->d_name, user);
	if (dir != NULL)
		closedir(dir);
	else if (copy >= 0)
		close(copy);
}

/*
 * Give a folder and its files to the user. The files are given first, while the folder still belongs to root. If the
 * folder belongs to the user already, it may have files of an earlier daemon that ran as root. A folder that others can
 * write is refused: another user may have placed a file of root there under one of our names, and the user would get
 * that file.
 */
static int give_open_folder(int folder, const char *path, const struct user *user, char *error, uint32_t error_size)
{
	struct stat status;

	if (fstat(folder, &status) < 0)
		return fail(error, error_size, "cannot look at folder '%s' (%s)", path, strerror(errno));
	bool is_open = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
	if (status.st_uid == user->uid) {
		if (!is_open)
			give_files(folder, user);
		return 0;
	}
	if (status.st_uid != 0)
		return fail(
			error, error_size, "folder '%s' belongs to user %u: chown %u", path, status.st_uid, user->uid);
	if (is_open)
		return fail(error, error_size,
			"cannot give folder '%s' to user %u, since others can write to it: chmod 755", path, user->uid);
	give_files(folder, user);
	if (fchown(folder, user->uid, user->gid) < 0)
		return fail(
			error, error_size, "cannot give folder '%s' to user %u (%s)", path, user->uid, strerror(errno));
	return 0;
}

static int give_folder(const char *path, const struct user *user, char *error, uint32_t error_size)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (folder < 0)
		return fail(
			error, error_size, "cannot give folder '%s' to user %u (%s)", path, user->uid, strerror(errno));
	int code = give_open_folder(folder, path, user, error, error_size);
	close(folder);
	return code;
}

static int give_folders(const struct user *user, const char *instance, char *error, uint32_t error_size)
{
	struct instance_dirs dirs;
	int code = instance_dirs_prepare(instance, NULL, NULL, &dirs, error, error_size);

	if (code != 0 || dirs.is_fallback)
		return code;
	code = give_folder(dirs.state, user, error, error_size);
	return code != 0 ? code : give_folder(dirs.run, user, error, error_size);
}

/* --- rights --- */

static bool is_kept(unsigned int capability)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i] == capability)
			return true;
	}
	return false;
}

/* Raise the limits. If this fails, the daemon warns when it reaches one of them. */
static void raise_limits(void)
{
	static const struct {
		int which;
		rlim_t limit;
	} limits[] = {{RLIMIT_MEMLOCK, RLIM_INFINITY}, {RLIMIT_RTPRIO, 99}, {RLIMIT_NICE, 40}};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = {limits[i].limit, limits[i].limit};

		(void)setrlimit((__rlimit_resource_t)limits[i].which, &limit);
	}
}

/* Remove all other capabilities from the bounding set: a program with file capabilities can get none of them. */
static int bound_capabilities(void)
{
	for (unsigned int i = 0; i <= CAPABILITY_MAX; i++) {
		if (!is_kept(i) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			return -errno;
	}
	return 0;
}

static int set_capabilities(bool may_return)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		data[kept[i] / 32].effective |= 1u << (kept[i] % 32);
		data[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
	}
	if (may_return)
		data[0].permitted |= 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_SETPCAP;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/*
 * Give up what programs could gain that the process runs. Each thread has these settings for itself, and inherits them from
 * the thread that starts it. So this is done before plugins start threads.
 */
static int give_up_gains(void)
{
	int rc = bound_capabilities();

	return rc < 0 ? rc : prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int change_user(const struct user *user)
{
	int rc = give_up_gains();

	if (rc < 0)
		return rc;
	if ((user->name != NULL ? initgroups(user->name, user->gid) : setgroups(0, NULL)) < 0 ||
		setresgid(user->gid, user->gid, user->gid) < 0 || setresuid((uid_t)-1, user->uid, 0) < 0)
		return -errno;
	return set_capabilities(true);
}

/* Set the effective user of this thread. The functions of the C library would change all threads. */
static void set_effective_user(uid_t uid)
{
	if (syscall(SYS_setresuid, (uid_t)-1, uid, (uid_t)-1) < 0)
		abort(); /* the kernel checks only the change away from root, and has allowed it once */
}

void cage_root_begin(const struct cage *cage)
{
	if (cage->is_open)
		set_effective_user(0);
}

void cage_root_end(const struct cage *cage)
{
	if (!cage->is_open)
		return;
	set_effective_user(cage->uid);
	if (set_capabilities(true) < 0)
		abort();
}

void cage_give_file(const struct cage *cage, const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	bool is_private = false;
	struct stat status;

	if (!cage->is_open)
		return;
	cage_root_begin(cage);
	int fd = trust_open(path, flags, 0, &is_private);
	if (fd == -ENOENT && is_private)
		fd = trust_open(path, flags | O_CREAT, 0640, &is_private);
	/* A file with a second name may belong to another program. */
	if (fd >= 0 && is_private && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 &&
		status.st_nlink == 1 && fchown(fd, cage->uid, cage->gid) < 0)
		log_line("MAIN", LOG_WARNING, "Cannot give file '%s' to user %u: %s", path, cage->uid, strerror(errno));
	if (fd >= 0)
		close(fd);
	cage_root_end(cage);
}

/*
 * Give up root in all threads. Other threads keep no capability: the kernel clears the capabilities of a thread that
 * gives up root.
 */
int cage_close(struct cage *cage)
{
	if (!cage->is_open)
		return 0;
	cage->is_open = false;
	cage_root_begin(&(struct cage){.is_open = true});
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setresuid(cage->uid, cage->uid, cage->uid) < 0)
		return -errno;
	int rc = set_capabilities(false);
	if (rc < 0)
		return rc;
	/* The change of the user has cleared this flag, and without it there are no core dumps. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

void cage_shed_ambient(void) { (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int cage_enter(struct cage *cage, const char *text, const char *instance, char *error, uint32_t error_size)
{
	struct user user;

	if (!find_user(text, &user))
		return fail(
			error, error_size, "there is no user '%s' on this host: create it, or take --user away", text);
	if (user.uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return fail(
			error, error_size, "cannot become user '%s': start the daemon as root or as that user", text);
	trust_user(user.uid);
	int code = give_folders(&user, instance, error, error_size);
	if (code != 0)
		return code;
	raise_limits();
	int rc = change_user(&user);
	if (rc < 0)
		return fail(error, error_size, "cannot become user '%s' (%s): take --user away", text, strerror(-rc));
	umask(027);
	*cage = (struct cage){.uid = user.uid, .gid = user.gid, .is_open = true};
	return 0;
}
