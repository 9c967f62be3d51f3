/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open a file without following links of other users. The kernel resolves a whole path at once and follows every link
 * on it. A check before or after that may see another path. So this code walks name by name, each in the folder that is
 * open already, and decides about each link itself.
 */
#include "common/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#define LINKS_MAX 40  /* as in the kernel: most links on a path */
#define GO_ON INT_MIN /* the walk is not complete: there is no descriptor yet, and no error */

struct walk {
	int folder;      /* folder that the walk has reached, O_PATH */
	bool is_trusted; /* other users cannot exchange any part of the path so far */
	bool is_private; /* other users cannot add anything to the folder */
	unsigned int links;
	char rest[PATH_MAX]; /* part of the path that is not walked yet */
};

/* Continue the walk in this folder. Takes over the descriptor, also on failure. */
static int enter(struct walk *walk, int folder)
{
	struct stat status;

	if (folder < 0)
		return -errno;
	if (walk->folder >= 0)
		close(walk->folder);
	walk->folder = folder;
	if (fstat(folder, &status) < 0)
		return -errno;
	bool is_writable = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
	walk->is_private = walk->is_trusted && trust_owner(status.st_uid) && !is_writable;
	walk->is_trusted = walk->is_trusted && trust_owner(status.st_uid) &&
			   (!is_writable || (status.st_mode & S_ISVTX) != 0);
	return 0;
}

/* Start at the root if the rest of the path is absolute. Trust that was lost on the way stays lost. */
static int enter_start(struct walk *walk)
{
	const char *start = walk->rest[0] == '/' ? "/" : walk->folder < 0 ? "." : NULL;

	if (walk->rest[0] == '\0')
		return -ENOENT;
	return start == NULL ? 0 : enter(walk, open(start, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/*
 * Return whether the folder is in procfs. The target text of a link there need not lead anywhere: "/proc/self/fd/2"
 * opens what that descriptor has open.
 */
static bool is_procfs(int folder)
{
	struct statfs status;

	return fstatfs(folder, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* Put the target of an open link in front of the rest of the path. */
static int follow(struct walk *walk, int link, const char *rest)
{
	char target[PATH_MAX];
	struct stat status;

	if (++walk->links > LINKS_MAX || fstat(link, &status) < 0 || !trust_owner(status.st_uid))
		return -ELOOP;
	ssize_t length = readlinkat(link, "", target, sizeof(target));
	if (length < 0)
		return -errno;

	size_t rest_length = strlen(rest), at = (size_t)length + (rest_length > 0);

	/* Without snprintf, which a signal handler must not call. `rest` may be a part of walk->rest. */
	if (at + rest_length >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + at, rest, rest_length + 1);
	if (rest_length > 0)
		walk->rest[length] = '/';
	memcpy(walk->rest, target, (size_t)length);
	return enter_start(walk);
}

/* Walk one name of the path, but not the last one. */
static int step(struct walk *walk, const char *name, const char *rest)
{
	struct stat status;
	int fd = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
		int rc = follow(walk, fd, rest);

		close(fd);
		return rc;
	}
	memmove(walk->rest, rest, strlen(rest) + 1);
	if (S_ISDIR(status.st_mode))
		return enter(walk, fd);
	close(fd);
	return -ENOTDIR;
}

/*
 * Walk the last name. @return fd; -errno; GO_ON: it is a link, and the walk goes on at its target
 */
static int finish(struct walk *walk, const char *name, int flags, mode_t mode)
{
	int fd = openat(walk->folder, name, flags | O_NOFOLLOW, mode);

	if (fd >= 0 || errno != ELOOP || !walk->is_private)
		return fd >= 0 ? fd : -errno;
	if (is_procfs(walk->folder)) {
		fd = openat(walk->folder, name, flags, mode);
		return fd >= 0 ? fd : -errno;
	}
	int link = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (link < 0)
		return -errno;
	int rc = follow(walk, link, "");
	close(link);
	return rc < 0 ? rc : GO_ON;
}

/* As finish(), but return the folder of the file. @return descriptor of the folder; -errno; GO_ON */
static int finish_folder(struct walk *walk, const char *name)
{
	struct stat status;
	int link = openat(walk->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (link >= 0 && fstat(link, &status) == 0 && S_ISLNK(status.st_mode)) {
		int rc = walk->is_private ? follow(walk, link, "") : -ELOOP;

		close(link);
		return rc < 0 ? rc : GO_ON;
	}
	if (link >= 0)
		close(link);

	int folder = openat(walk->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return folder < 0 ? -errno : folder;
}

/*
 * Walk the whole path.
 * @param last  out: NULL: open the file; otherwise open its folder, and store its name there: NAME_MAX + 1 bytes
 */
static int advance(struct walk *walk, int flags, mode_t mode, char *last)
{
	char name[NAME_MAX + 1];
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	const char *rest = start + length + strspn(start + length, "/");

	if (length == 0) /* the path is "/" */
		return last != NULL ? -EISDIR : finish(walk, ".", flags, mode);
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, length);
	name[length] = '\0';
	if (start[length] == '\0' && last != NULL)
		memcpy(last, name, length + 1);
	if (start[length] == '\0')
		return last != NULL ? finish_folder(walk, name) : finish(walk, name, flags, mode);
	int rc = step(walk, name, rest[0] != '\0' ? rest : ".");
	return rc < 0 ? rc : GO_ON;
}

static int walk_path(const char *path, int flags, mode_t mode, char *last, bool *is_private)
{
	struct walk walk = {.folder = -1, .is_trusted = true};
	size_t length = strlen(path);
	int rc = length < sizeof(walk.rest) ? 0 : -ENAMETOOLONG;

	/*
	 * The current folder of the process may belong to any user, so only an absolute path is trusted at the
	 * beginning.
	 */
	walk.is_trusted = path[0] == '/';
	if (rc == 0) {
		memcpy(walk.rest, path, length + 1);
		rc = enter_start(&walk);
	}
	if (rc == 0) {
		do
			rc = advance(&walk, flags, mode, last);
		while (rc == GO_ON);
	}
	*is_private = walk.is_private;
	if (walk.folder >= 0)
		close(walk.folder);
	return rc;
}

int trust_open(const char *path, int flags, mode_t mode, bool *is_private)
{
	return walk_path(path, flags, mode, NULL, is_private);
}

int trust_open_folder(const char *path, char *name, bool *is_private)
{
	return walk_path(path, 0, 0, name, is_private);
}
