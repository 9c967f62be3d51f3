/*
 * Buffers in a file that the executive reads, so that their contents need not be copied into a request.
 *
 * 1. The library makes a file, maps it, and sends its name to the executive.
 * 2. The executive opens the file, removes its name, and writes a token into it.
 * 3. To send a message, the library writes a request in front of the program's bytes and sends the token.
 *
 * An executive without zero copy writes no token. In that case messages in the buffer are sent in the ordinary way.
 * Messages that are too long for one event are always sent in this way.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/client/error.h"

/* The longest message that cpg_zcb_mcast_joined accepts. One longer than CPG_ATOMIC_SIZE_MAX is sent in fragments. */
#define ZERO_COPY_SIZE_MAX 1048576u

struct zero_copy_buffer {
	struct zero_copy_buffer *next;
	struct cpg_zc_map *map;
	size_t map_size;
	uint64_t token; /* a copy of map->token, or 0 if the executive does not share the buffer */
};

static void *buffer_message(const struct zero_copy_buffer *buffer) { return buffer->map->request.message; }

static size_t buffer_size(const struct zero_copy_buffer *buffer)
{
	return buffer->map_size - sizeof(struct cpg_zc_map);
}

/*
 * Find the link to a buffer in the list. The caller holds zero_copy_lock. NULL: it is not a buffer of this connection.
 */
static struct zero_copy_buffer **buffer_find(struct cpg_connection *connection, const void *message)
{
	struct zero_copy_buffer **link = &connection->zero_copy;

	while (*link != NULL && buffer_message(*link) != message)
		link = &(*link)->next;
	return *link == NULL ? NULL : link;
}

static void buffer_destroy(struct zero_copy_buffer *buffer)
{
	munmap(buffer->map, buffer->map_size);
	free(buffer);
}

void zero_copy_fini(struct cpg_connection *connection)
{
	while (connection->zero_copy != NULL) {
		struct zero_copy_buffer *buffer = connection->zero_copy;

		connection->zero_copy = buffer->next;
		buffer_destroy(buffer);
	}
}

/*
 * Make a file and allocate all its blocks, so that a full file system is an error here and no signal when the program
 * writes. Return a mapping, or NULL. path is set on success.
 */
static struct cpg_zc_map *file_map(const char *folder, size_t size, char *path, size_t path_size)
{
	void *map = MAP_FAILED;
	int length = snprintf(path, path_size, "%s/corosync_zerocopy-XXXXXX", folder);

	if (length < 0 || (size_t)length >= path_size)
		return NULL;
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (posix_fallocate(fd, 0, (off_t)size) == 0)
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		unlink(path);
		return NULL;
	}
	return map;
}

/*
 * Request that the executive shares a buffer. @return CS_OK: the map has a token; CS_ERR_NOT_SUPPORTED: use the buffer
 * without sharing; another error
 */
static cs_error_t buffer_share(
	struct cpg_connection *connection, const struct zero_copy_buffer *buffer, const char *path)
{
	struct cpg_req_zc_alloc request = {
		.header = {.id = CPG_REQ_ZC_ALLOC, .size = sizeof(request)},
		.map_size = buffer->map_size,
	};
	struct cpg_res_plain response;
	cs_error_t rc;

	snprintf(request.path, sizeof(request.path), "%s", path);
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	ssize_t size = channel_call(
		&connection->client.channel, CHANNEL_GATE_ALL, &iov, 1, &response, sizeof(response));
	/* Corosync 3.1.7 does not set the response's error, so only the token shows success. */
	if (size >= 0 && buffer->map->token != 0)
		return CS_OK;
	unlink(path);
	if (size < 0)
		return client_error(size);
	rc = client_response_error(&response, (size_t)size, sizeof(response));
	return rc == CS_OK ? CS_ERR_LIBRARY : rc;
}

static cs_error_t buffer_create(struct cpg_connection *connection, size_t map_size, struct zero_copy_buffer **created)
{
	struct zero_copy_buffer *buffer = calloc(1, sizeof(*buffer));
	char path[CPG_ZERO_COPY_PATH_SIZE];
	cs_error_t rc;

	if (buffer == NULL)
		return CS_ERR_NO_MEMORY;
	buffer->map_size = map_size;
	buffer->map = file_map("/dev/shm", map_size, path, sizeof(path));
	if (buffer->map == NULL)
		buffer->map = file_map(RUNSTATE_DIR, map_size, path, sizeof(path));
	if (buffer->map == NULL) {
		free(buffer);
		return CS_ERR_NO_MEMORY;
	}
	buffer->map->map_size = (int32_t)map_size;
	rc = buffer_share(connection, buffer, path);
	if (rc == CS_OK)
		buffer->token = buffer->map->token;
	else if (rc != CS_ERR_NOT_SUPPORTED) {
		buffer_destroy(buffer);
		return rc;
	}
	*created = buffer;
	return CS_OK;
}

cs_error_t cpg_zcb_alloc(cpg_handle_t handle, size_t size, void **buffer)
{
	struct zero_copy_buffer *created;
	struct cpg_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	rc = CS_ERR_TOO_BIG;
	if (size <= INT32_MAX - sizeof(struct cpg_zc_map)) {
		pthread_mutex_lock(&connection->zero_copy_lock);
		rc = buffer_create(connection, size + sizeof(struct cpg_zc_map), &created);
		if (rc == CS_OK) {
			created->next = connection->zero_copy;
			connection->zero_copy = created;
			*buffer = buffer_message(created);
		}
		pthread_mutex_unlock(&connection->zero_copy_lock);
	}
	connection_put(connection);
	return rc;
}

/*
 * Ignore the error of the answer, since Corosync 3.1.7 does not set it. Do not repeat the request: a second request for
 * the same token would crash that daemon. If the daemon keeps the buffer mapped, it frees the buffer with the
 * connection.
 */
cs_error_t cpg_zcb_free(cpg_handle_t handle, void *buffer)
{
	struct cpg_connection *connection;
	struct zero_copy_buffer **link;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	pthread_mutex_lock(&connection->zero_copy_lock);
	link = buffer_find(connection, buffer);
	rc = CS_ERR_INVALID_PARAM;
	if (link != NULL) {
		struct cpg_req_zc_free request = {
			.header = {.id = CPG_REQ_ZC_FREE, .size = sizeof(request)},
			.map_size = (*link)->map_size,
			.token = (*link)->token,
		};
		struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
		struct cpg_res_plain response;

		rc = CS_OK;
		if (request.token != 0)
			rc = client_error(channel_call(
				&connection->client.channel, CHANNEL_GATE_ALL, &iov, 1, &response, sizeof(response)));
		if (rc == CS_OK) {
			struct zero_copy_buffer *freed = *link;

			*link = freed->next;
			buffer_destroy(freed);
		}
	}
	pthread_mutex_unlock(&connection->zero_copy_lock);
	connection_put(connection);
	return rc;
}

/*
 * Send a buffer's message. The caller holds zero_copy_lock, so that the request in the map does not change until it is
 * answered.
 */
static cs_error_t buffer_execute(struct cpg_connection *connection, const struct zero_copy_buffer *buffer,
	cpg_guarantee_t guarantee, uint32_t size)
{
	struct cpg_req_zc_execute request = {
		.header = {.id = CPG_REQ_ZC_EXECUTE, .size = sizeof(request)},
		.token = buffer->token,
	};
	struct cpg_res_plain response;

	buffer->map->request = (struct cpg_req_mcast){
		.header = {.id = CPG_REQ_MCAST, .size = (int32_t)(sizeof(struct cpg_req_mcast) + size)},
		.guarantee = (uint32_t)guarantee,
		.msglen = size,
	};
	return channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t cpg_zcb_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, void *msg, size_t msg_len)
{
	struct cpg_connection *connection;
	struct zero_copy_buffer **link;
	struct iovec iov = {.iov_base = msg, .iov_len = msg_len};
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	if (msg_len > ZERO_COPY_SIZE_MAX) {
		connection_put(connection);
		return CS_ERR_TOO_BIG;
	}
	pthread_mutex_lock(&connection->zero_copy_lock);
	link = buffer_find(connection, msg);
	if (link == NULL || msg_len > buffer_size(*link))
		rc = CS_ERR_INVALID_PARAM;
	else if (msg_len > CPG_ATOMIC_SIZE_MAX)
		rc = mcast_fragments(connection, guarantee, &iov, 1, (uint32_t)msg_len);
	else if ((*link)->token == 0)
		rc = cpg_mcast_joined(handle, guarantee, &iov, 1);
	else
		rc = buffer_execute(connection, *link, guarantee, (uint32_t)msg_len);
	pthread_mutex_unlock(&connection->zero_copy_lock);
	connection_put(connection);
	return rc;
}
