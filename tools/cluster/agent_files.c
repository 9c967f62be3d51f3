/*
 * Files of a node that are replaced together, or not at all.
 *
 * A new file is PATH.new until it is renamed to PATH. The file that it replaces is PATH.before until the change is
 * final. link(2) and rename(2) are used so that PATH exists at all times.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/trust.h"
#include "tools/cluster/agent.h"
#include "tools/ctl/daemon.h"

struct name {
	char text[4096 + 16];
};

static struct name with(const char *path, const char *ending)
{
	struct name name;

	snprintf(name.text, sizeof(name.text), "%s%s", path, ending);
	return name;
}

static int fail(struct files *files, const char *what, const char *path)
{
	int error = errno;

	snprintf(files->why, sizeof(files->why), "cannot %s '%.300s': %s", what, path, strerror(error));
	return error == 0 ? -EIO : -error;
}

/* --- folders --- */

static struct name folder_of(const char *path)
{
	struct name name = with(path, "");
	char *slash = strrchr(name.text, '/');

	if (slash == NULL)
		return with(".", "");
	slash[slash == name.text] = '\0';
	return name;
}

static int sync_folder(struct files *files, const char *path)
{
	struct name folder = folder_of(path);
	int fd = open(folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	/* EINVAL: some file systems cannot do this with a folder. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		rc = fail(files, "write the folder", folder.text);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int make_folder(struct files *files, const char *path)
{
	struct name folder = folder_of(path);

	if (mkdir(folder.text, 0755) == 0) {
		snprintf(files->made_folder, sizeof(files->made_folder), "%.4095s", folder.text);
		return 0;
	}
	return errno == EEXIST ? 0 : fail(files, "make the folder", folder.text);
}

/* --- one file --- */

static struct files_change *find(struct files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->list[i].path, path) == 0)
			return &files->list[i];
	if (files->count == FILES_MAX || strlen(path) >= sizeof(files->list[0].path)) {
		errno = ENOSPC;
		return NULL;
	}
	struct files_change *change = &files->list[files->count++];

	*change = (struct files_change){.had = false};
	snprintf(change->path, sizeof(change->path), "%s", path);
	return change;
}

static int fill(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return -1;
		at += written;
		size -= (size_t)written;
	}
	return fsync(fd);
}

/*
 * Set mode and owner of a new file. A secret file that root has made becomes the daemon's user's. Another one gets those
 * of the file that it replaces, which may have a key in it.
 */
static int set_rights(int fd, const char *path, bool is_secret)
{
	const struct passwd *user = is_secret && geteuid() == 0 ? getpwnam(DAEMON_USER) : NULL;
	struct stat old;

	if (!is_secret && lstat(path, &old) == 0 && S_ISREG(old.st_mode)) {
		if (fchown(fd, old.st_uid, old.st_gid) < 0 && geteuid() == 0)
			return -1;
		return fchmod(fd, old.st_mode & 0777);
	}
	if (user != NULL && fchown(fd, user->pw_uid, (gid_t)-1) < 0)
		return -1;
	return fchmod(fd, is_secret ? 0400 : 0644);
}

int files_write(struct files *files, const char *path, const void *bytes, size_t size, bool is_secret)
{
	struct name name = with(path, ".new");
	struct files_change *change = find(files, path);
	int rc = change == NULL ? fail(files, "write", path) : make_folder(files, path);

	if (rc < 0)
		return rc;
	/* Remove a file of this name that an interrupted change has left. */
	if (unlink(name.text) < 0 && errno != ENOENT)
		return fail(files, "remove", name.text);
	int fd = open(name.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(files, "write", name.text);
	change->is_new = true;
	if (set_rights(fd, path, is_secret) < 0 || fill(fd, bytes, size) < 0)
		rc = fail(files, "write", name.text);
	if (close(fd) < 0 && rc == 0)
		rc = fail(files, "write", name.text);
	return rc;
}

/* Link the present file to PATH.before. */
static int put_aside(struct files *files, struct files_change *change)
{
	struct name before = with(change->path, ".before");
	struct stat status;

	if (lstat(change->path, &status) < 0)
		return errno == ENOENT ? 0 : fail(files, "look at", change->path);
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return fail(files, "replace what is no regular file,", change->path);
	}
	if (unlink(before.text) < 0 && errno != ENOENT)
		return fail(files, "remove", before.text);
	if (link(change->path, before.text) < 0)
		return fail(files, "keep", change->path);
	change->had = true;
	return 0;
}

int files_place(struct files *files, const char *path)
{
	struct files_change *change = find(files, path);
	int rc = change == NULL ? fail(files, "place", path) : put_aside(files, change);

	if (rc < 0)
		return rc;
	if (rename(with(path, ".new").text, path) < 0)
		return fail(files, "place", path);
	change->is_new = false;
	change->is_placed = true;
	return sync_folder(files, path);
}

int files_remove(struct files *files, const char *path)
{
	struct stat status;

	if (lstat(path, &status) < 0 && errno == ENOENT)
		return 0;
	struct files_change *change = find(files, path);
	int rc = change == NULL ? fail(files, "put aside", path) : put_aside(files, change);

	if (rc < 0)
		return rc;
	change->is_removed = true;
	if (unlink(path) < 0)
		return fail(files, "put aside", path);
	return sync_folder(files, path);
}

/* --- all files --- */

static int undo_one(struct files *files, const struct files_change *change)
{
	int rc = 0;

	if (change->is_new && unlink(with(change->path, ".new").text) < 0 && errno != ENOENT)
		rc = fail(files, "remove", with(change->path, ".new").text);
	/*
	 * If PATH could not be removed, it is the same file as PATH.before. Then rename(2) does nothing, and
	 * PATH.before is removed below.
	 */
	if (change->had && (change->is_placed || change->is_removed)) {
		if (rename(with(change->path, ".before").text, change->path) < 0)
			rc = fail(files, "put back", change->path);
	} else if (change->had) {
		unlink(with(change->path, ".before").text);
	} else if (change->is_placed && unlink(change->path) < 0 && errno != ENOENT) {
		rc = fail(files, "remove", change->path);
	}
	if (change->had && !change->is_placed)
		unlink(with(change->path, ".before").text);
	return rc;
}

int files_undo(struct files *files)
{
	int rc = 0;

	while (files->count > 0) {
		int one = undo_one(files, &files->list[--files->count]);

		rc = rc == 0 ? one : rc;
	}
	if (files->made_folder[0] != '\0')
		rmdir(files->made_folder);
	files->made_folder[0] = '\0';
	return rc;
}

void files_keep(struct files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct files_change *change = &files->list[i];

		if (change->is_new)
			unlink(with(change->path, ".new").text);
		if (change->had)
			rename(with(change->path, ".before").text, with(change->path, ".old").text);
		sync_folder(files, change->path);
	}
	files->count = 0;
	files->made_folder[0] = '\0';
}

ssize_t files_read(const char *path, size_t limit, uid_t owner, char **bytes)
{
	bool is_private;
	int fd = trust_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0, &is_private);
	struct stat status;
	size_t size = 0;
	ssize_t got = 1;

	*bytes = NULL;
	if (fd < 0)
		return fd;
	int rc = fstat(fd, &status) < 0 ? -errno : !S_ISREG(status.st_mode) ? -EINVAL : 0;

	if (rc == 0 && owner != FILES_ANY_OWNER && status.st_uid != owner)
		rc = -EPERM;

	/* One byte more than the limit shows that the file is too large. The other additional byte is for the NUL. */
	if (rc == 0 && (*bytes = malloc(limit + 2)) == NULL)
		rc = -ENOMEM;
	while (rc == 0 && got != 0 && size <= limit) {
		got = read(fd, *bytes + size, limit + 1 - size);
		if (got < 0 && errno != EINTR)
			rc = -errno;
		size += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (rc == 0 && size > limit)
		rc = -EFBIG;
	if (rc < 0) {
		free(*bytes);
		*bytes = NULL;
		return rc;
	}
	(*bytes)[size] = '\0';
	return (ssize_t)size;
}
