/*
 * A connection's folder in /dev/shm. It belongs to the client, whose library opens the files in it by their path. So all
 * is made while the folder is still ours, by descriptor, and it is handed over at the end: no path that the client can
 * redirect is ever written to. At the end only names in a folder with the same inode are removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/qb/private.h"

int qbs_folder_make(struct qbs_connection *connection, int *fd)
{
	struct stat status;

	snprintf(connection->folder, sizeof(connection->folder), "/dev/shm/qb-%d-%d-%d-XXXXXX", (int)getpid(),
		(int)connection->peer.pid, connection->fd);
	if (mkdtemp(connection->folder) == NULL) {
		connection->folder[0] = '\0';
		return -errno;
	}
	*fd = open(connection->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &status) < 0) {
		int rc = -errno;

		if (*fd >= 0)
			close(*fd);
		rmdir(connection->folder);
		connection->folder[0] = '\0';
		return rc;
	}
	connection->folder_device = status.st_dev;
	connection->folder_inode = status.st_ino;
	return 0;
}

/* Owners change only where the daemon may change them: one that is not root has clients of its own uid alone. */
static int give(const struct qbs_connection *connection, int fd, mode_t mode)
{
	if (fchown(fd, connection->peer.uid, connection->peer.gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

int qbs_folder_file(struct qbs_connection *connection, int folder, const char *name, size_t size)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int rc = ftruncate(fd, (off_t)size) < 0 ? -errno : give(connection, fd, 0600);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int qbs_folder_give(struct qbs_connection *connection, int folder) { return give(connection, folder, 0770); }

void qbs_folder_remove(struct qbs_connection *connection, const char *const *names)
{
	struct stat status;

	if (connection->folder[0] == '\0')
		return;
	int fd = open(connection->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == connection->folder_device &&
		status.st_ino == connection->folder_inode) {
		for (; *names != NULL; names++)
			(void)unlinkat(fd, *names, 0);
		(void)rmdir(connection->folder);
	}
	if (fd >= 0)
		close(fd);
	connection->folder[0] = '\0';
}
