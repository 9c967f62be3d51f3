/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers that are shared with a client through a file. The client maps the file. The daemon reads it with pread() when
 * it sends a message. If the client shortens the file, or changes it during a read, the result is an error or a wrong
 * message of that client. It never harms the daemon, which a mapping would not guarantee. The price is one copy.
 *
 * The file must be a regular file that belongs to the client's user. The file is opened relative to an open folder, so
 * that the removed name is the checked name. A refused file is also removed if it belongs to the client and has a name
 * that the libraries use. Debian's library does not report the refusal, and would not remove the file.
 *
 * The client chooses the path, and the loop must not wait for a disk, a network or a process of the client. So the folder
 * is looked up without waiting, and it must be in memory. All descriptors of the file are closed on a thread.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/openat2.h>

#include <coterie/state.h>

#include "common/closer.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

/* Limits: buffers of one connection, then buffers and bytes of all connections of one user. */
#define BUFFERS_MAX 2048u
#define BUFFERS_OF_USER 4096u
#define SIZE_OF_USER (UINT64_C(1) << 30)
/*
 * Each buffer uses a descriptor. All buffers together may use 1/DESCRIPTORS_PART of the descriptors: a new version of
 * the plugin duplicates each descriptor before the old version closes it.
 */
#define DESCRIPTORS_PART 4u
/* Looking up a folder without waiting fails as well while another process mounts something. */
#define LOOKUPS 4
/* The start of the file names that cpg_zcb_alloc(3) makes. */
static const char name_begin[] = "corosync_zerocopy-";
/* The first field of the map is its size as an int32_t. */
#define MAP_SIZE_MAX INT32_MAX

struct cpg_zero_copy {
	struct cpg_zero_copy *next;
	uint64_t token;
	uint64_t map_size;
	int fd;
};

static void add(struct cpg_connection *connection, struct cpg_zero_copy **place, struct cpg_zero_copy *buffer)
{
	buffer->next = *place;
	*place = buffer;
	connection->zero_copy_count++;
	connection->zero_copy_size += buffer->map_size;
}

static void drop(struct cpg *cpg, struct cpg_connection *connection, struct cpg_zero_copy **place)
{
	struct cpg_zero_copy *buffer = *place;

	*place = buffer->next;
	connection->zero_copy_count--;
	connection->zero_copy_size -= buffer->map_size;
	closer_close(cpg->closer, buffer->fd);
	free(buffer);
}

void cpg_zero_copies_free(struct cpg *cpg, struct cpg_connection *connection)
{
	while (connection->zero_copies != NULL)
		drop(cpg, connection, &connection->zero_copies);
}

/* Start the thread that closes files, before the first file of a client is opened. @return 0; -ENOMEM */
static int prepare_end(struct cpg *cpg)
{
	if (cpg->closer == NULL)
		cpg->closer = closer_create(false);
	return cpg->closer == NULL ? -ENOMEM : 0;
}

void cpg_zero_copies_save(const struct cpg_connection *connection, struct coterie_state_writer *writer)
{
	coterie_state_put_u32(writer, connection->zero_copy_count);
	for (const struct cpg_zero_copy *one = connection->zero_copies; one != NULL; one = one->next) {
		coterie_state_put_u64(writer, one->token);
		coterie_state_put_u64(writer, one->map_size);
		coterie_state_put_u32(writer, (uint32_t)one->fd);
	}
}

int cpg_zero_copies_load(struct cpg *cpg, struct cpg_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 20);
	struct cpg_zero_copy **end = &connection->zero_copies;

	if (count > 0 && prepare_end(cpg) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct cpg_zero_copy *buffer = calloc(1, sizeof(*buffer));

		if (buffer == NULL)
			return -ENOMEM;
		buffer->token = coterie_state_take_u64(reader);
		buffer->map_size = coterie_state_take_u64(reader);
		buffer->fd = fcntl((int)coterie_state_take_u32(reader), F_DUPFD_CLOEXEC, 0);
		if (buffer->fd < 0) {
			int rc = errno == EBADF ? -ENOTSUP : -errno;

			free(buffer);
			return rc;
		}
		add(connection, end, buffer);
		end = &buffer->next;
	}
	return 0;
}

static struct cpg_zero_copy **find(struct cpg_connection *connection, uint64_t token)
{
	struct cpg_zero_copy **at = &connection->zero_copies;

	while (*at != NULL && (*at)->token != token)
		at = &(*at)->next;
	return at;
}

/* ---- The file ------------------------------------------------------------ */

/* Open a file as openat() does, but fail with EAGAIN if the lookup would wait. Kernels before 5.12 may wait. */
static int open_at_once(int folder, const char *name, int flags)
{
	const struct open_how how = {.flags = (uint32_t)flags, .resolve = RESOLVE_CACHED};
	int fd = -1;

	for (int i = 0; i < LOOKUPS && fd < 0; i++) {
		fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN)
			break;
	}
	return fd < 0 && (errno == ENOSYS || errno == EINVAL || errno == EPERM) ? openat(folder, name, flags) : fd;
}

/* Find the device of a file system from what the kernel knows, without asking the file system. */
static bool find_device(int folder, const char *name, uint64_t *device)
{
	struct statx status;

	if (statx(folder, name, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &status) < 0)
		return false;
	*device = (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
	return true;
}

/*
 * Return whether the folder is where the libraries make their files: on the file system of /dev/shm, or of the run-time
 * folder if that is in memory.
 */
static bool is_in_memory(int folder)
{
	uint64_t device, allowed;
	struct statfs system;

	if (!find_device(folder, "", &device))
		return false;
	if (find_device(AT_FDCWD, "/dev/shm", &allowed) && device == allowed)
		return true;
	return find_device(AT_FDCWD, RUNSTATE_DIR, &allowed) && device == allowed && fstatfs(folder, &system) == 0 &&
	       system.f_type == TMPFS_MAGIC;
}

static int last_error(void) { return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno; }

/*
 * The daemon may search folders that the client may not, and errors must not reveal their content. So the client gets
 * the same error for a missing name, for a denied access, and for a file of another user.
 */
static int lookup_error(void)
{
	int rc = last_error();

	return rc == -ENOMEM ? rc : -EACCES;
}

static int check_file(int fd, uint32_t uid, struct stat *status)
{
	if (fstat(fd, status) < 0)
		return -errno;
	return S_ISREG(status->st_mode) && status->st_uid == uid && status->st_nlink == 1 ? 0 : -EACCES;
}

/*
 * Return whether the client itself could remove a file from this folder. Only then the daemon removes the name. The
 * client's supplementary groups are not known, so they give no permission here.
 */
static bool may_remove(int folder, uint32_t uid, uint32_t gid)
{
	struct stat status;

	if (fstat(folder, &status) < 0)
		return false;
	return uid == 0 || (status.st_mode & S_IWOTH) != 0 ||
	       (status.st_uid == uid && (status.st_mode & S_IWUSR) != 0) ||
	       (status.st_gid == gid && (status.st_mode & S_IWGRP) != 0);
}

/* Open a file, unless the name now belongs to another file than the checked one. */
static int open_checked(struct closer *closer, int folder, const char *name, const struct stat *checked)
{
	struct stat status;
	int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	int rc = fstat(fd, &status) < 0 ? -errno : 0;
	if (rc == 0 && (status.st_ino != checked->st_ino || status.st_dev != checked->st_dev || status.st_nlink != 1))
		rc = -EINVAL;
	if (rc == 0)
		return fd;
	closer_close(closer, fd);
	return rc;
}

/*
 * Open the file and remove its name. Only the client's user has access to the file, and only a file's owner may remove
 * names from its folder. A daemon that is not root becomes the owner of the file for this time, since it has only the
 * right to change owners.
 */
static int open_and_remove(struct closer *closer, int folder, const char *name, int handle, const struct stat *checked)
{
	int fd = open_checked(closer, folder, name, checked);
	bool is_taken = fd == -EACCES && geteuid() != 0 &&
			fchownat(handle, "", geteuid(), (gid_t)-1, AT_EMPTY_PATH) == 0;

	if (is_taken)
		fd = open_checked(closer, folder, name, checked);
	if (fd >= 0)
		unlinkat(folder, name, 0); /* ignore an error: the name then stays */
	if (!is_taken || fchownat(handle, "", checked->st_uid, (gid_t)-1, AT_EMPTY_PATH) == 0 || fd < 0)
		return fd;
	int rc = -errno;

	closer_close(closer, fd);
	return rc;
}

static int open_file(struct closer *closer, int folder, const char *name, uint32_t uid, uint64_t map_size, int refusal)
{
	struct stat status;
	int handle = open_at_once(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC); /* O_PATH has no effect on a device */

	if (handle < 0)
		return lookup_error();
	int rc = check_file(handle, uid, &status);
	if (rc == 0 && refusal == 0 && (status.st_size < 0 || (uint64_t)status.st_size < map_size))
		refusal = -EINVAL;
	if (rc == 0 && (refusal == 0 || strncmp(name, name_begin, sizeof(name_begin) - 1) == 0))
		rc = open_and_remove(closer, folder, name, handle, &status);
	if (refusal < 0) {
		if (rc > 0)
			closer_close(closer, rc);
		rc = refusal;
	}
	closer_close(closer, handle); /* the client may have closed and removed the file meanwhile */
	return rc;
}

/*
 * Open the client's file for a map, and remove the file's name.
 * @param path "FOLDER/NAME", both parts not empty. The call changes it
 * @param refusal 0, or the error that refuses the request. Then only the name is removed
 */
static int take_file(struct closer *closer, char *path, uint32_t uid, uint32_t gid, uint64_t map_size, int refusal)
{
	char *slash = strrchr(path, '/');

	if (path[0] != '/' || slash == path || slash[1] == '\0')
		return -EINVAL;
	*slash = '\0';

	int folder = open_at_once(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return lookup_error();
	int fd = is_in_memory(folder) && may_remove(folder, uid, gid)
			 ? open_file(closer, folder, slash + 1, uid, map_size, refusal)
			 : -EACCES;

	close(folder);
	return fd;
}

/* ---- Limits -------------------------------------------------------------- */

static uint64_t descriptors_max(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : limit.rlim_cur / DESCRIPTORS_PART;
}

/* Check the limits for a new buffer. @return 0; -ENOMEM: the client, its user, or all users have reached a limit */
static int check_shares(const struct cpg *cpg, const struct cpg_connection *connection, uint32_t uid, uint64_t map_size)
{
	uint64_t count = 0, size = map_size, all = 0;

	for (const struct cpg_connection *one = cpg->connections; one != NULL; one = one->next) {
		uint32_t owner;

		if (one->zero_copy_count == 0)
			continue;
		cpg->host->client_peer(one->client, NULL, &owner, NULL);
		all += one->zero_copy_count;
		count += owner == uid ? one->zero_copy_count : 0;
		size += owner == uid ? one->zero_copy_size : 0;
	}
	return connection->zero_copy_count >= BUFFERS_MAX || count >= BUFFERS_OF_USER || size > SIZE_OF_USER ||
			       all >= descriptors_max()
		       ? -ENOMEM
		       : 0;
}

/* ---- Requests ------------------------------------------------------------ */

int cpg_handle_zc_alloc(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_req_zc_alloc req;
	uint32_t uid, gid;
	int refusal = 0;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));
	if (memchr(req.path, '\0', sizeof(req.path)) == NULL)
		return -EINVAL;
	if (prepare_end(cpg) < 0)
		return -ENOMEM;
	cpg->host->client_peer(client, NULL, &uid, &gid);
	if (req.map_size < sizeof(struct cpg_zc_map) || req.map_size > MAP_SIZE_MAX)
		refusal = -EINVAL;
	else
		refusal = check_shares(cpg, connection, uid, req.map_size);

	struct cpg_zero_copy *buffer = calloc(1, sizeof(*buffer));

	if (buffer == NULL && refusal == 0)
		refusal = -ENOMEM;

	int rc = take_file(cpg->closer, req.path, uid, gid, req.map_size, refusal);

	if (rc < 0)
		goto free_buffer;
	buffer->map_size = req.map_size;
	buffer->token = cpg->next_token++;
	buffer->fd = rc;
	if (pwrite(buffer->fd, &buffer->token, sizeof(buffer->token), offsetof(struct cpg_zc_map, token)) !=
		sizeof(buffer->token)) {
		rc = -EIO;
		goto close_fd;
	}
	add(connection, &connection->zero_copies, buffer);
	return 0;

close_fd:
	closer_close(cpg->closer, buffer->fd);
free_buffer:
	free(buffer);
	return refusal < 0 ? refusal : rc;
}

int cpg_handle_zc_free(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_zc_free req;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_zero_copy **at = find(connection, req.token);

	if (*at == NULL)
		return -EINVAL;
	drop(cpg, connection, at);
	return 0;
}

int cpg_handle_zc_execute(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_req_zc_execute req;
	struct cpg_zc_map map;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	const struct cpg_zero_copy *buffer = *find(connection, req.token);

	if (buffer == NULL)
		return -EINVAL;
	if (!cpg_may_send(cpg, client))
		return -EAGAIN;
	if (pread(buffer->fd, &map, sizeof(map), 0) != sizeof(map))
		return -EINVAL;

	uint32_t length = map.request.msglen;

	if (length > buffer->map_size - sizeof(map))
		return -EINVAL;
	if (length > CPG_ATOMIC_SIZE_MAX)
		return -EMSGSIZE;

	void *bytes = malloc(length + 1);

	if (bytes == NULL)
		return -ENOMEM;

	int rc = pread(buffer->fd, bytes, length, sizeof(map)) == (ssize_t)length
			 ? cpg_send(cpg, connection, map.request.guarantee, bytes, length)
			 : -EINVAL;

	free(bytes);
	return rc;
}
