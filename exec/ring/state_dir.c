/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/trust.h"

#ifndef COROSYNC_STATE_DIR /* tests have another one */
#define COROSYNC_STATE_DIR "/var/lib/corosync"
#endif

/*
 * Check that a daemon has stored this file. Other users may be able to write to the folder, as in a sticky one. Then the file
 * may be theirs, or one of the daemon's user that they have linked.
 */
static int check_stored(int folder, const struct stat *file)
{
	struct stat status;

	if (!S_ISREG(file->st_mode))
		return -EBADMSG;
	if (fstat(folder, &status) < 0)
		return -errno;
	bool is_shared = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;

	return is_shared && (!trust_owner(file->st_uid) || file->st_nlink != 1) ? -EPERM : 0;
}

/* Read the file, and return its size. */
static int read_stored(int folder, int fd, void *bytes, size_t size)
{
	struct stat status;
	int rc = fstat(fd, &status) < 0 ? -errno : check_stored(folder, &status);

	if (rc == 0 && status.st_size > INT_MAX)
		rc = -EFBIG;
	if (rc == 0 && read(fd, bytes, size) < 0)
		rc = -errno;
	return rc < 0 ? rc : (int)status.st_size;
}

int state_file_read(const char *dir, const char *name, void *bytes, size_t size)
{
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return -errno;
	/* O_NONBLOCK: a FIFO by this name must not block the daemon. */
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int rc = fd < 0 ? -errno : read_stored(folder, fd, bytes, size);

	if (fd >= 0)
		close(fd);
	close(folder);
	return rc;
}

static int read_seq(const char *dir, const char *name, uint64_t *seq)
{
	unsigned char bytes[sizeof(*seq)];
	int rc = state_file_read(dir, name, bytes, sizeof(bytes));

	if (rc < 0)
		return rc;
	if (rc != (int)sizeof(*seq))
		return -EBADMSG;
	memcpy(seq, bytes, sizeof(*seq));
	return 0;
}

int state_ring_seq_load(const char *dir, uint32_t nodeid, uint64_t *seq)
{
	char name[32];

	snprintf(name, sizeof(name), "ringid_%u", nodeid);
	*seq = 0;
	int rc = read_seq(dir, name, seq);
	if (rc != -ENOENT)
		return rc;
	/* A node that changes from Corosync to Coterie continues after Corosync's last number. */
	if (read_seq(COROSYNC_STATE_DIR, name, seq) < 0)
		*seq = 0;
	return 0;
}

int state_ring_seq_store(const char *dir, uint32_t nodeid, uint64_t seq)
{
	char name[32];

	snprintf(name, sizeof(name), "ringid_%u", nodeid);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = state_file_replace(fd, name, &seq, sizeof(seq));
	close(fd);
	return rc;
}

int state_file_replace(int dir, const char *name, const void *bytes, size_t size)
{
	char temporary[64];
	int rc = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.new", name) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	/* Remove the temporary file of an earlier daemon. Never write to a file or a link of another user. */
	unlinkat(dir, temporary, 0);
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ssize_t written = write(fd, bytes, size);
	if (written != (ssize_t)size) {
		rc = written < 0 ? -errno : -ENOSPC;
		goto discard;
	}
	if (fsync(fd) < 0 || renameat(dir, temporary, dir, name) < 0 || fsync(dir) < 0)
		rc = -errno;
discard:
	close(fd);
	if (rc < 0)
		unlinkat(dir, temporary, 0);
	return rc;
}
