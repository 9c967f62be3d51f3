/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COROSYNC_STATE_DIR "/var/lib/corosync"

int state_file_read(const char *dir, const char *name, void *bytes, size_t size)
{
	char path[4096 + 64];
	struct stat status;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	int rc = fstat(fd, &status) < 0 ? -errno : status.st_size > INT_MAX ? -EFBIG : (int)status.st_size;
	if (rc >= 0 && read(fd, bytes, size) < 0)
		rc = -errno;
	close(fd);
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
