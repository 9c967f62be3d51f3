/*
 * Buffers shared with a client through a file. The client maps the file; we read it with pread when
 * a message is to be sent. So a file that the client cuts short, or changes while it is read, costs
 * an error or a strange message of that client, never this process. The price is one copy.
 *
 * The file is the client's own or it is refused: a regular file that belongs to the client's user.
 * It is reached through its folder, so that the name that is unlinked is the name that was checked.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <coterie/state.h>

/* What one client may keep; each holds a descriptor. */
#define BUFFERS_MAX 64
/* The map begins with an s32 of its size. */
#define MAP_SIZE_MAX INT32_MAX

struct cpg_zero_copy {
	struct cpg_zero_copy *next;
	uint64_t token;
	uint64_t map_size;
	int fd;
};

void cpg_zero_copies_free(struct cpg_connection *connection)
{
	while (connection->zero_copies != NULL) {
		struct cpg_zero_copy *buffer = connection->zero_copies;

		connection->zero_copies = buffer->next;
		close(buffer->fd);
		free(buffer);
	}
}

void cpg_zero_copies_save(const struct cpg_connection *connection, struct coterie_state_writer *writer)
{
	uint32_t count = 0;

	for (const struct cpg_zero_copy *one = connection->zero_copies; one != NULL; one = one->next)
		count++;
	coterie_state_put_u32(writer, count);
	for (const struct cpg_zero_copy *one = connection->zero_copies; one != NULL; one = one->next) {
		coterie_state_put_u64(writer, one->token);
		coterie_state_put_u64(writer, one->map_size);
		coterie_state_put_u32(writer, (uint32_t)one->fd);
	}
}

int cpg_zero_copies_load(struct cpg_connection *connection, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 20);
	struct cpg_zero_copy **end = &connection->zero_copies;

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
		*end = buffer;
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

static int last_error(void) { return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno; }

static int check_file(const struct stat *status, uint32_t uid, uint64_t map_size)
{
	if (!S_ISREG(status->st_mode) || status->st_uid != uid || status->st_nlink != 1)
		return -EACCES;
	return status->st_size < 0 || (uint64_t)status->st_size < map_size ? -EINVAL : 0;
}

/* What the path names by now may be another file than the one that was checked. */
static int open_checked(int folder, const char *name, const struct stat *checked)
{
	struct stat status;
	int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	int rc = fstat(fd, &status) < 0 ? -errno : 0;
	if (rc == 0 && (status.st_ino != checked->st_ino || status.st_dev != checked->st_dev || status.st_nlink != 1))
		rc = -EACCES;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/*
 * The client's library makes the file for its user alone, in a folder where only an owner removes files. A daemon that
 * is not root takes the file for as long as it opens and removes it: the right to change owners is all it has.
 */
static int open_file(int folder, const char *name, uint32_t uid, uint64_t map_size)
{
	struct stat status;
	int handle = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC); /* opens no device */

	if (handle < 0)
		return last_error();
	int rc = fstat(handle, &status) < 0 ? -errno : check_file(&status, uid, map_size);
	if (rc < 0)
		goto close_handle;
	rc = open_checked(folder, name, &status);
	bool is_taken = rc == -EACCES && fchownat(handle, "", geteuid(), (gid_t)-1, AT_EMPTY_PATH) == 0;
	if (is_taken)
		rc = open_checked(folder, name, &status);
	if (rc >= 0)
		unlinkat(folder, name, 0); /* the client would do it too; nothing depends on it */
	if (is_taken && fchownat(handle, "", uid, (gid_t)-1, AT_EMPTY_PATH) < 0 && rc >= 0) {
		int fd = rc;

		rc = -errno;
		close(fd);
	}
close_handle:
	close(handle);
	return rc;
}

/* path: "FOLDER/NAME", both not empty. */
static int open_path(char *path, uint32_t uid, uint64_t map_size)
{
	char *slash = strrchr(path, '/');

	if (path[0] != '/' || slash == path || slash[1] == '\0')
		return -EINVAL;
	*slash = '\0';

	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return last_error();

	int fd = open_file(folder, slash + 1, uid, map_size);

	close(folder);
	return fd;
}

int cpg_handle_zc_alloc(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_connection *connection = cpg->host->client_data(client);
	struct cpg_req_zc_alloc req;
	uint32_t open = 0;
	uint32_t uid;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));
	if (req.map_size < sizeof(struct cpg_zc_map) || req.map_size > MAP_SIZE_MAX ||
		memchr(req.path, '\0', sizeof(req.path)) == NULL)
		return -EINVAL;
	for (const struct cpg_zero_copy *one = connection->zero_copies; one != NULL;
		one = one->next)
		open++;
	if (open >= BUFFERS_MAX)
		return -ENOMEM;

	struct cpg_zero_copy *buffer = calloc(1, sizeof(*buffer));

	if (buffer == NULL)
		return -ENOMEM;
	cpg->host->client_peer(client, NULL, &uid, NULL);
	buffer->map_size = req.map_size;
	buffer->token = cpg->next_token++;

	int rc = open_path(req.path, uid, req.map_size);

	if (rc < 0)
		goto free_buffer;
	buffer->fd = rc;
	if (pwrite(buffer->fd, &buffer->token, sizeof(buffer->token),
		    offsetof(struct cpg_zc_map, token)) != sizeof(buffer->token)) {
		rc = -EIO;
		goto close_fd;
	}
	buffer->next = connection->zero_copies;
	connection->zero_copies = buffer;
	return 0;

close_fd:
	close(buffer->fd);
free_buffer:
	free(buffer);
	return rc;
}

int cpg_handle_zc_free(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_req_zc_free req;

	(void)size;
	cpg_snapshot(&req, msg, sizeof(req));

	struct cpg_zero_copy **at = find(cpg->host->client_data(client), req.token);
	struct cpg_zero_copy *buffer = *at;

	if (buffer == NULL)
		return -EINVAL;
	*at = buffer->next;
	close(buffer->fd);
	free(buffer);
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
