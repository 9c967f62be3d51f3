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

/* Opening alone can set off a device, so the kind of file is looked at before and after. */
static int open_file(int folder, const char *name, uint32_t uid, uint64_t map_size)
{
	struct stat before;
	struct stat after;

	if (fstatat(folder, name, &before, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode))
		return -EACCES;

	int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno;

	int rc = 0;

	if (fstat(fd, &after) < 0)
		rc = -errno;
	else if (!S_ISREG(after.st_mode) || after.st_uid != uid || after.st_ino != before.st_ino ||
		 after.st_dev != before.st_dev || after.st_nlink != 1)
		rc = -EACCES;
	else if (after.st_size < 0 || (uint64_t)after.st_size < map_size)
		rc = -EINVAL;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	unlinkat(folder, name, 0); /* the client would do it too; nothing depends on it */
	return fd;
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
		return errno == EMFILE || errno == ENFILE ? -ENOMEM : -errno;

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
