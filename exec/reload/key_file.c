/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/reload/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/trust.h"
#include "config/model.h"

static bool is_closed(int rc) { return rc == -EACCES || rc == -EPERM || rc == -EROFS; }

int key_file_open(struct key_file *file, const char *path)
{
	bool is_private;
	int rc;

	file->is_folder_closed = file->is_folder_shared = false;
	file->folder = trust_open_folder(path, file->name, &is_private);
	if (file->folder < 0) {
		rc = file->folder == -EISDIR ? -EINVAL : file->folder;
		file->is_folder_closed = is_closed(rc);
		file->is_folder_shared = rc == -ELOOP;
	} else if (!is_private && trust_is_needed()) {
		rc = -EPERM;
		file->is_folder_shared = true;
	} else {
		rc = strlen(file->name) + sizeof(".next") > NAME_MAX ? -ENAMETOOLONG : 0;
	}
	if (rc == 0)
		snprintf(file->next, sizeof(file->next), "%s.next", file->name);
	else
		key_file_close(file);
	return rc;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t written = write(fd, bytes + done, size - done);

		if (written > 0)
			done += (size_t)written;
		else if (written == 0)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * Set mode and owner of the new file to those of the key file. So a daemon that is later started as another user, or as
 * root, can read it. The mode is set first: after a change of the owner the process may have no right over the file.
 */
static int set_rights(const struct key_file *file, int fd)
{
	struct stat status;
	bool is_there = fstatat(file->folder, file->name, &status, AT_SYMLINK_NOFOLLOW) == 0;

	if (fchmod(fd, 0400 | (is_there ? status.st_mode & 0040 : 0)) < 0)
		return -errno;
	/* A process without the right to give files away stays the owner of the new file. */
	if (is_there && fchown(fd, status.st_uid, status.st_gid) < 0 && errno != EPERM)
		return -errno;
	return 0;
}

int key_file_write_next(struct key_file *file, const void *key, size_t size)
{
	int error = 0, fd = -1;

	/* Remove NAME.next of an earlier rotation. If that fails, return this error, and not EEXIST of openat(). */
	if (unlinkat(file->folder, file->next, 0) < 0 && errno != ENOENT)
		error = -errno;
	if (error == 0)
		fd = openat(file->folder, file->next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (error == 0 && fd < 0)
		error = -errno;
	if (error < 0) {
		file->is_folder_closed = is_closed(error);
		return error;
	}
	int rc = write_all(fd, key, size);

	if (rc == 0)
		rc = set_rights(file, fd);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0)
		rc = key_file_sync(file);
	if (rc < 0)
		key_file_drop_next(file);
	return rc;
}

int key_file_use_next(const struct key_file *file)
{
	return renameat(file->folder, file->next, file->folder, file->name) < 0 ? -errno : 0;
}

int key_file_settle(const struct key_file *file, const void *key, uint32_t size)
{
	int fd = openat(file->folder, file->next, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return 0; /* it is not there, or is no file that this process has written */
	bool is_in_use = config_file_has_key(fd, key, size);

	close(fd);
	return is_in_use ? key_file_use_next(file) : 0;
}

void key_file_drop_next(const struct key_file *file) { unlinkat(file->folder, file->next, 0); }

/* Write the folder to the disk. Some file systems cannot do that (EINVAL), and need not. */
int key_file_sync(const struct key_file *file) { return fsync(file->folder) < 0 && errno != EINVAL ? -errno : 0; }

void key_file_close(struct key_file *file)
{
	if (file->folder >= 0)
		close(file->folder);
	file->folder = -1;
}
