/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_STATE_DIR 16
#define EXIT_LOCK 17
#define EXIT_RUNNING 18
#define EXIT_INSTANCE_DIR 37
#define LOCK_TRIES 100u /* more than the daemons that end during one start */

bool instance_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length >= 1 && length <= INSTANCE_NAME_LENGTH_MAX && name[0] != '-' && name[0] != '_' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/*
 * Check the rights of the effective user. access(2) checks the real user, which is root while a daemon of root becomes
 * another user.
 */
static int check_rights(const char *folder)
{
	return faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Make a folder, and missing folders above it. */
static int make_dirs(const char *path, mode_t mode)
{
	char part[4096];

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(part, slash == NULL ? mode : 0755) < 0 && errno != EEXIST)
			return -errno;
		if (slash == NULL)
			break;
		*slash = '/';
	}
	return check_rights(path);
}

__attribute__((format(printf, 2, 3))) static int join(char path[4096], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(path, 4096, format, arguments);
	va_end(arguments);
	return length >= 4096 ? -ENAMETOOLONG : 0;
}

static bool is_forbidden(int rc) { return rc == -EACCES || rc == -EPERM || rc == -EROFS; }

/*
 * Return the folder that the service manager made for the daemon (systemd.exec(5)), or NULL. If there are several, none
 * of them is used.
 */
static const char *from_manager(const char *variable)
{
	const char *dir = secure_getenv(variable);

	return dir != NULL && dir[0] == '/' && strchr(dir, ':') == NULL ? dir : NULL;
}

static int system_state(const char *suffix, const char *slash, char path[4096])
{
	const char *made = from_manager("STATE_DIRECTORY");

	return made != NULL ? join(path, "%s%s%s", made, slash, suffix)
			    : join(path, "%s/lib/coterie%s%s", LOCALSTATE_DIR, slash, suffix);
}

/* Get the state folder below the home folder of an ordinary user. A daemon of root uses a folder of the system. */
static int home_state(const char *suffix, const char *slash, char path[4096])
{
	const char *state = secure_getenv("XDG_STATE_HOME");
	const char *home = secure_getenv("HOME");

	if (state != NULL && state[0] == '/')
		return join(path, "%s/coterie%s%s", state, slash, suffix);
	if (home != NULL && home[0] == '/')
		return join(path, "%s/.local/state/coterie%s%s", home, slash, suffix);
	return -ENOENT;
}

/* Return whether make_dirs() would succeed, as far as the rights of the folders show. */
static int can_make(const char *path)
{
	char part[4096];
	int rc = check_rights(path);

	snprintf(part, sizeof(part), "%s", path);
	while (rc == -ENOENT && strlen(part) > 1) {
		char *slash = strrchr(part, '/');

		slash[slash == part ? 1 : 0] = '\0';
		rc = faccessat(AT_FDCWD, part, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
	}
	return rc;
}

int instance_state_dir(const char *instance, char path[4096])
{
	const char *slash = instance != NULL ? "/" : "", *suffix = instance != NULL ? instance : "";
	int rc = system_state(suffix, slash, path);

	return rc == 0 && is_forbidden(can_make(path)) ? home_state(suffix, slash, path) : rc;
}

static int fall_back(const char *suffix, const char *slash, struct instance_dirs *dirs)
{
	const char *run = secure_getenv("XDG_RUNTIME_DIR");
	int rc = home_state(suffix, slash, dirs->state);

	if (rc == 0)
		rc = make_dirs(dirs->state, 0700);
	if (rc == 0 && run != NULL && run[0] == '/')
		rc = join(dirs->run, "%s/coterie%s%s", run, slash, suffix);
	else if (rc == 0)
		rc = join(dirs->run, "%s/run", dirs->state);
	if (rc == 0)
		rc = make_dirs(dirs->run, 0700);
	dirs->is_fallback = true;
	return rc;
}

int instance_dirs_prepare(const char *instance, const char *state_dir, const char *run_dir, struct instance_dirs *dirs,
	char *error, uint32_t error_size)
{
	const char *slash = instance != NULL ? "/" : "";
	const char *suffix = instance != NULL ? instance : "";
	int code = instance != NULL ? EXIT_INSTANCE_DIR : EXIT_STATE_DIR;
	mode_t mode = instance != NULL ? 0700 : 0755;
	int rc;

	*dirs = (struct instance_dirs){.is_fallback = false};
	if (state_dir != NULL) {
		rc = check_rights(state_dir);
		if (rc < 0) {
			char remedy[32] = "create it";

			if (rc == -EACCES)
				snprintf(remedy, sizeof(remedy), "chown %u", (unsigned int)geteuid());
			snprintf(error, error_size,
				"cannot use state folder '%s' (%s): %s or change 'system.state_dir'", state_dir,
				strerror(-rc), remedy);
			return EXIT_STATE_DIR;
		}
		rc = join(dirs->state, "%s%s%s", state_dir, slash, suffix);
	} else {
		rc = system_state(suffix, slash, dirs->state);
	}
	if (rc == 0)
		rc = make_dirs(dirs->state, mode);
	if (rc == 0) {
		if (run_dir != NULL)
			rc = join(dirs->run, "%s%s%s", run_dir, slash, suffix);
		else if (from_manager("RUNTIME_DIRECTORY") != NULL)
			rc = join(dirs->run, "%s%s%s", from_manager("RUNTIME_DIRECTORY"), slash, suffix);
		else
			rc = join(dirs->run, "%s/coterie%s%s", RUNSTATE_DIR, slash, suffix);
		if (rc == 0)
			rc = make_dirs(dirs->run, mode);
		if (is_forbidden(rc) && state_dir != NULL)
			rc = join(dirs->run, "%s", dirs->state);
	}
	if (is_forbidden(rc) && state_dir == NULL)
		rc = fall_back(suffix, slash, dirs);
	if (rc < 0) {
		snprintf(error, error_size, "cannot make folder '%s' (%s): run as root or set 'system.state_dir'",
			dirs->run[0] != '\0' ? dirs->run : dirs->state, strerror(-rc));
		return code;
	}
	return 0;
}

static void lock_path(const struct instance_dirs *dirs, char path[4096 + 16])
{
	if (dirs->lock_file != NULL)
		snprintf(path, 4096 + 16, "%s", dirs->lock_file);
	else
		snprintf(path, 4096 + 16, "%s/coterie.pid", dirs->run);
}

/* Return whether the path still names the open file. */
static bool is_at(const char *path, int fd)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
	       opened.st_ino == named.st_ino;
}

/*
 * Open the file and lock it. Another daemon may have opened it before, and may remove it when it ends. A lock of a file
 * without a name would not keep a third daemon off. So try again with the file that has the name now.
 *
 * @return descriptor; -EXIT_LOCK, -EXIT_RUNNING: the error is set
 */
static int lock_file(const char *path, char *error, uint32_t error_size)
{
	for (uint32_t i = 0; i < LOCK_TRIES; i++) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		/* O_NONBLOCK: a FIFO by this name must not block the start. */
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);

		if (fd < 0) {
			snprintf(error, error_size, "cannot create lock file '%s' (%s): check the folder", path,
				strerror(errno));
			return -EXIT_LOCK;
		}
		if (fcntl(fd, F_SETLK, &lock) == 0 && is_at(path, fd))
			return fd;
		int saved = errno;
		bool is_gone = !is_at(path, fd);

		close(fd);
		if (is_gone)
			continue;
		if (saved == EACCES || saved == EAGAIN) {
			snprintf(error, error_size,
				"Another Corosync instance is already running. (lock file '%s' is held): stop it, "
				"or choose --instance NAME",
				path);
			return -EXIT_RUNNING;
		}
		snprintf(error, error_size, "cannot lock '%s' (%s): check the file system", path, strerror(saved));
		return -EXIT_LOCK;
	}
	snprintf(error, error_size, "cannot lock '%s' (it is replaced all the time): check what else uses it", path);
	return -EXIT_LOCK;
}

int instance_lock(const struct instance_dirs *dirs, char *error, uint32_t error_size)
{
	char path[4096 + 16];
	char text[16];

	lock_path(dirs, path);
	int fd = lock_file(path, error, error_size);
	if (fd < 0)
		return fd;
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)length) != length) {
		snprintf(error, error_size, "cannot write lock file '%s' (%s): check the file system", path,
			strerror(errno));
		close(fd);
		return -EXIT_LOCK;
	}
	return fd;
}

void instance_unlock(const struct instance_dirs *dirs, int fd)
{
	char path[4096 + 16];

	if (fd < 0)
		return;
	lock_path(dirs, path);
	/* If an operator has removed the file meanwhile, the one by this name is another daemon's. */
	if (is_at(path, fd))
		unlink(path);
	close(fd);
}
