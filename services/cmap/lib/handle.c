/*
 * Connecting, disconnecting, and the calls that never leave the process.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <stdlib.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object);

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

cs_error_t connection_get(cmap_handle_t handle, struct cmap_connection **connection)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	/* The object is the first member. */
	*connection = (struct cmap_connection *)object;
	return CS_OK;
}

void connection_put(struct cmap_connection *connection)
{
	handle_put(&connections, &connection->object);
}

static void connection_destroy(struct handle_object *object)
{
	struct cmap_connection *connection = (struct cmap_connection *)object;

	trackers_fini(connection);
	channel_close(&connection->channel);
	dispatch_fini(&connection->dispatch);
	pthread_mutex_destroy(&connection->trackers_lock);
	free(connection);
}

cs_error_t cmap_initialize(cmap_handle_t *handle)
{
	return cmap_initialize_map(handle, CMAP_MAP_DEFAULT);
}

static cs_error_t set_map(struct cmap_connection *connection, cmap_map_t map)
{
	struct cmap_req_set_map request = {
		.header = {.id = CMAP_REQ_SET_MAP, .size = sizeof(request)},
		.map = (int32_t)map,
	};
	struct cmap_res_plain response;

	return channel_request(
		&connection->channel, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t cmap_initialize_map(cmap_handle_t *handle, cmap_map_t map)
{
	struct cmap_connection *connection = calloc(1, sizeof(*connection));
	cs_error_t error = CS_OK;
	int rc;

	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	rc = channel_open(&connection->channel, "cmap", secure_getenv("COTERIE_INSTANCE"));
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	atomic_init(&connection->context, NULL);
	dispatch_init(&connection->dispatch);
	pthread_mutex_init(&connection->trackers_lock, NULL);
	/* Whatever becomes of it, programs may rely on having a handle to finalize. */
	if (map != CMAP_MAP_DEFAULT)
		error = set_map(connection, map);
	rc = handle_open(&connections, &connection->object, handle);
	if (rc < 0) {
		connection_destroy(&connection->object);
		return client_error(rc);
	}
	return error;
}

cs_error_t cmap_finalize(cmap_handle_t handle)
{
	struct handle_object *object;

	if (handle_take(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	struct cmap_connection *connection = (struct cmap_connection *)object;
	/* Whoever is inside, in a callback or waiting for an event, keeps the memory, not more. */
	if (atomic_load(&object->references) > 1)
		channel_interrupt(&connection->channel);
	connection_put(connection);
	return CS_OK;
}

cs_error_t cmap_fd_get(cmap_handle_t handle, int *fd)
{
	struct cmap_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*fd = connection->channel.fd;
	connection_put(connection);
	return CS_OK;
}

cs_error_t cmap_context_get(cmap_handle_t handle, const void **context)
{
	struct cmap_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*context = atomic_load(&connection->context);
	connection_put(connection);
	return CS_OK;
}

cs_error_t cmap_context_set(cmap_handle_t handle, const void *context)
{
	struct cmap_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	atomic_store(&connection->context, context);
	connection_put(connection);
	return CS_OK;
}
