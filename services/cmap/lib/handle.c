/*
 * Calls that connect and disconnect, and calls that send no request.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <stdlib.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object);

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

cs_error_t cmap_connection_get(cmap_handle_t handle, struct cmap_connection **connection)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	/* The cast is valid: the object is the first member of struct cmap_connection. */
	*connection = (struct cmap_connection *)object;
	return CS_OK;
}

void cmap_connection_put(struct cmap_connection *connection) { handle_put(&connections, &connection->client.object); }

static void connection_destroy(struct handle_object *object)
{
	struct cmap_connection *connection = (struct cmap_connection *)object;

	trackers_fini(connection);
	client_connection_close(&connection->client);
	pthread_mutex_destroy(&connection->trackers_lock);
	free(connection);
}

cs_error_t cmap_initialize(cmap_handle_t *handle) { return cmap_initialize_map(handle, CMAP_MAP_DEFAULT); }

static cs_error_t set_map(struct cmap_connection *connection, cmap_map_t map)
{
	struct cmap_req_set_map request = {
		.header = {.id = CMAP_REQ_SET_MAP, .size = sizeof(request)},
		.map = (int32_t)map,
	};
	struct cmap_res_plain response;

	return channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t cmap_initialize_map(cmap_handle_t *handle, cmap_map_t map)
{
	struct cmap_connection *connection = calloc(1, sizeof(*connection));
	cs_error_t error = CS_OK;
	int rc;

	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	rc = client_connection_open(&connection->client, "cmap", NULL);
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	pthread_mutex_init(&connection->trackers_lock, NULL);
	/* Return a handle even if this request fails, since programs may rely on a handle to finalize. */
	if (map != CMAP_MAP_DEFAULT)
		error = set_map(connection, map);
	rc = handle_open(&connections, &connection->client.object, handle);
	if (rc < 0) {
		connection_destroy(&connection->client.object);
		return client_error(rc);
	}
	return error;
}

cs_error_t cmap_finalize(cmap_handle_t handle) { return client_finalize(&connections, handle); }

cs_error_t cmap_fd_get(cmap_handle_t handle, int *fd) { return client_fd_get(&connections, handle, fd); }

cs_error_t cmap_context_get(cmap_handle_t handle, const void **context)
{
	void *kept;
	cs_error_t rc = client_context_get(&connections, handle, &kept);

	if (rc == CS_OK)
		*context = kept;
	return rc;
}

/* The library stores the pointer, and does not use it. */
cs_error_t cmap_context_set(cmap_handle_t handle, const void *context)
{
	return client_context_set(&connections, handle, (void *)(uintptr_t)context);
}
