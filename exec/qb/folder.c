/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection's folder in /dev/shm. It belongs to the daemon's user, so the daemon can remove it without rights over
 * files of other users. The files in it belong to the client, whose library opens them by their path. The daemon makes
 * all files relative to the folder's descriptor, before the client may write to the folder. So it never writes to a
 * path that the client can redirect. At the end it removes names only if the path still leads to the folder with the
 * same inode.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

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

/*
 * Make a file of this size in the folder. The owner is changed last: after that the daemon has no right over the file.
 */
int qbs_folder_file(struct qbs_connection *connection, int folder, const char *name, size_t size)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	int rc = ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
	/* A daemon without the right to change owners has only clients of its own uid, so EPERM is ignored. */
	if (rc == 0 && fchown(fd, connection->peer.uid, connection->peer.gid) < 0 && errno != EPERM)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static struct posix_acl_xattr_entry entry(uint16_t tag, uint16_t perm, uint32_t id)
{
	return (struct posix_acl_xattr_entry){htole16(tag), htole16(perm), htole32(id)};
}

/*
 * Give the client a right to the folder by an access list: its library removes the files if the daemon has died. No
 * group gets a right, since groups often have many users. If the file system has no access lists, the files stay.
 */
static void let_remove(int folder, uid_t uid)
{
	const uint16_t all = ACL_READ | ACL_WRITE | ACL_EXECUTE;
	const struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} list = {{htole32(POSIX_ACL_XATTR_VERSION)},
		{entry(ACL_USER_OBJ, all, ACL_UNDEFINED_ID), entry(ACL_USER, all, uid),
			entry(ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID), entry(ACL_MASK, all, ACL_UNDEFINED_ID),
			entry(ACL_OTHER, ACL_EXECUTE, ACL_UNDEFINED_ID)}};

	if (uid != geteuid())
		(void)fsetxattr(folder, "system.posix_acl_access", &list, sizeof(list), 0);
}

int qbs_folder_give(const struct qbs_connection *connection, int folder)
{
	if (fchmod(folder, 0711) < 0)
		return -errno;
	let_remove(folder, connection->peer.uid);
	return 0;
}

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
