/* SPDX-License-Identifier: BSD-3-Clause */
/* This node's place in the folder: the lock, the socket, and the check whether both still belong to this daemon. */
#include "unixgram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

struct sockaddr_un unixgram_name(const struct unixgram *unixgram, uint32_t nodeid, const char *suffix)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	static_assert(
		sizeof(unixgram->directory) + sizeof("/4294967295.lock") <= sizeof(name.sun_path), "every name fits");
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/%u%s", unixgram->directory, nodeid, suffix);
	return name;
}

static struct sockaddr_un own_name(const struct unixgram *unixgram, const char *suffix)
{
	return unixgram_name(unixgram, unixgram->host->local_nodeid(unixgram->ctx), suffix);
}

int unixgram_bind(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* Linux creates the file with this mode, so no other user can ever open it. */
	if (fchmod(fd, 0600) == 0 && bind(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
		return fd;

	int rc = -errno; /* read errno before any call that could change it */

	close(fd);
	return rc;
}

/* Check the folder. A user who can create files in it could take a node's place. */
static int check_directory(const struct unixgram *unixgram)
{
	const char *path = unixgram->directory;
	const char *why = NULL;
	struct stat status;

	if ((mkdir(path, 0700) < 0 && errno != EEXIST) || stat(path, &status) < 0) {
		int rc = -errno;

		unixgram->host->log(unixgram->ctx, LOG_ERR,
			"cannot use folder '%s' (%s): make it, or set option 'directory'", path, strerror(-rc));
		return rc;
	}
	if (!S_ISDIR(status.st_mode))
		why = "it is no folder";
	else if (status.st_uid != geteuid())
		why = "it belongs to another user";
	else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		why = "others can write to it";
	if (why == NULL)
		return 0;
	unixgram->host->log(unixgram->ctx, LOG_ERR,
		"cannot use folder '%s': %s: set option 'directory' to one of your own", path, why);
	return -EPERM;
}

/*
 * Lock this node's place.
 *
 * The file of a socket stays after its daemon has ended. A test whether a daemon still listens on the socket would not
 * be enough, since two daemons may start at the same time. The lock is enough, and the kernel releases it whenever and
 * however a daemon ends. The lock file is not removed, since another daemon may be about to lock it.
 */
static int take_lock(struct unixgram *unixgram)
{
	struct sockaddr_un name = own_name(unixgram, ".lock");
	int fd = open(name.sun_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? -errno : 0;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	if (rc == 0) {
		unixgram->lock_fd = fd;
		return 0;
	}
	unixgram->host->log(unixgram->ctx, LOG_ERR, "cannot lock '%s' (%s): %s", name.sun_path,
		rc == -EADDRINUSE ? "another daemon is this node" : strerror(-rc),
		rc == -EADDRINUSE ? "stop it, or use another folder for another cluster" : "check the folder");
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Open the socket. This daemon has the lock, so an existing socket file is of a daemon that has ended. */
static int open_socket(struct unixgram *unixgram)
{
	struct sockaddr_un name = own_name(unixgram, "");
	struct stat status;

	if (lstat(name.sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(name.sun_path); /* a file of another type is not removed: bind reports it */

	int fd = unixgram_bind(&name);
	int rc = fd < 0 ? fd : lstat(name.sun_path, &status) < 0 ? -errno : 0;

	/* Priority 1 means urgent: the ring's traffic is handled before all other work. */
	if (rc == 0)
		rc = unixgram->host->fd_add(unixgram->ctx, fd, COTERIE_FD_IN, 1, unixgram_receive, unixgram);
	if (rc < 0) {
		unixgram->host->log(
			unixgram->ctx, LOG_ERR, "cannot make socket '%s': %s", name.sun_path, strerror(-rc));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	unixgram->fd = fd;
	unixgram->device = status.st_dev;
	unixgram->inode = status.st_ino;
	return 0;
}

static bool has_file(const struct unixgram *unixgram)
{
	struct sockaddr_un name = own_name(unixgram, "");
	struct stat status;

	return lstat(name.sun_path, &status) == 0 && status.st_dev == unixgram->device &&
	       status.st_ino == unixgram->inode;
}

bool unixgram_link_is_whole(const struct unixgram *unixgram) { return unixgram->fd >= 0 && has_file(unixgram); }

void unixgram_link_close(struct unixgram *unixgram)
{
	struct unixgram_peer *peer;

	for (peer = unixgram->peers; peer != NULL; peer = peer->next)
		unixgram_peer_close(peer);
	if (unixgram->fd >= 0) {
		if (has_file(unixgram))
			unlink(own_name(unixgram, "").sun_path);
		unixgram->host->fd_del(unixgram->ctx, unixgram->fd);
		close(unixgram->fd);
	}
	if (unixgram->lock_fd >= 0)
		close(unixgram->lock_fd); /* closing the file releases the lock, so this is done last */
	unixgram->fd = unixgram->lock_fd = -1;
}

int unixgram_link_open(struct unixgram *unixgram)
{
	struct unixgram_peer *peer = unixgram->peers;
	int rc = check_directory(unixgram);

	if (rc == 0)
		rc = take_lock(unixgram);
	if (rc == 0)
		rc = open_socket(unixgram);
	for (; peer != NULL && rc == 0; peer = peer->next)
		rc = unixgram_peer_open(peer);
	if (rc < 0)
		unixgram_link_close(unixgram);
	return rc;
}
