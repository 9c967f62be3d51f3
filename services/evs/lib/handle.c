/*
 * Connecting, disconnecting, and the calls that never leave the process.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

#include <stdlib.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object);

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

cs_error_t connection_get(evs_handle_t handle, struct evs_connection **connection)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	/* The object is the first member. */
	*connection = (struct evs_connection *)object;
	return CS_OK;
}

void connection_put(struct evs_connection *connection)
{
	handle_put(&connections, &connection->object);
}

static void connection_destroy(struct handle_object *object)
{
	struct evs_connection *connection = (struct evs_connection *)object;

	channel_close(&connection->channel);
	dispatch_fini(&connection->dispatch);
	free(connection);
}

cs_error_t evs_initialize(evs_handle_t *handle, evs_callbacks_t *callbacks)
{
	struct evs_connection *connection = calloc(1, sizeof(*connection));
	int rc;

	*handle = 0;
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	if (callbacks != NULL)
		connection->callbacks = *callbacks;
	atomic_init(&connection->context, NULL);
	rc = channel_open(&connection->channel, "evs", secure_getenv("COTERIE_INSTANCE"));
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	dispatch_init(&connection->dispatch);
	rc = handle_open(&connections, &connection->object, handle);
	if (rc < 0)
		connection_destroy(&connection->object);
	return client_error(rc);
}

/* Every multicast was answered, so nothing is under way that could be lost. */
cs_error_t evs_finalize(evs_handle_t handle)
{
	struct handle_object *object;

	if (handle_take(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	struct evs_connection *connection = (struct evs_connection *)object;
	/* Whoever is inside, in a callback or waiting for an event, keeps the memory, not more. */
	if (atomic_load(&object->references) > 1)
		channel_interrupt(&connection->channel);
	connection_put(connection);
	return CS_OK;
}

cs_error_t evs_fd_get(evs_handle_t handle, int *fd)
{
	struct evs_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*fd = connection->channel.fd;
	connection_put(connection);
	return CS_OK;
}

cs_error_t evs_context_get(evs_handle_t handle, void **context)
{
	struct evs_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	*context = atomic_load(&connection->context);
	connection_put(connection);
	return CS_OK;
}

cs_error_t evs_context_set(evs_handle_t handle, void *context)
{
	struct evs_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	atomic_store(&connection->context, context);
	connection_put(connection);
	return CS_OK;
}
