/* SPDX-License-Identifier: BSD-3-Clause */
#include "services/client/connection.h"

#include <errno.h>
#include <stdlib.h>

#include "services/client/error.h"

int client_connection_open(struct client_connection *connection, const char *service, void *context)
{
	int rc = channel_open(&connection->channel, service, secure_getenv("COTERIE_INSTANCE"));

	if (rc < 0)
		return rc;
	dispatch_init(&connection->dispatch);
	atomic_init(&connection->context, context);
	return 0;
}

void client_connection_close(struct client_connection *connection)
{
	channel_close(&connection->channel);
	dispatch_fini(&connection->dispatch);
}

/* Find the connection of a handle. The cast is valid: the object is the connection's first member. */
static cs_error_t connection_get(struct handle_table *table, uint64_t handle, struct client_connection **connection)
{
	struct handle_object *object;

	if (handle_get(table, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	*connection = (struct client_connection *)object;
	return CS_OK;
}

static void connection_put(struct handle_table *table, struct client_connection *connection)
{
	handle_put(table, &connection->object);
}

cs_error_t client_request(struct handle_table *table, uint64_t handle, const void *request, size_t request_size,
	void *response, size_t response_size)
{
	struct client_connection *connection;
	cs_error_t rc = connection_get(table, handle, &connection);

	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->channel, request, request_size, response, response_size);
	connection_put(table, connection);
	return rc;
}

ssize_t client_call(struct handle_table *table, uint64_t handle, const void *request, size_t request_size,
	void *response, size_t response_size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)request, .iov_len = request_size};
	struct client_connection *connection;

	if (connection_get(table, handle, &connection) != CS_OK)
		return -EBADF;
	ssize_t rc = channel_call(&connection->channel, CHANNEL_GATE_ALL, &iov, 1, response, response_size);
	connection_put(table, connection);
	return rc;
}

/* The receiver of an event. */
struct receiver {
	struct client_connection *connection;
	uint64_t handle;
	client_event event;
};

static struct dispatch_outcome receiver_event(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	const struct receiver *receiver = arg;

	return receiver->event(receiver->connection, receiver->handle, id, bytes, size);
}

cs_error_t client_dispatch(struct handle_table *table, uint64_t handle, cs_dispatch_flags_t type, client_event event)
{
	struct receiver receiver = {.handle = handle, .event = event};
	cs_error_t rc = connection_get(table, handle, &receiver.connection);

	if (rc != CS_OK)
		return rc;
	rc = dispatch_run(
		&receiver.connection->dispatch, &receiver.connection->channel, type, receiver_event, NULL, &receiver);
	connection_put(table, receiver.connection);
	return rc;
}

void client_leave(struct handle_table *table, struct handle_object *object)
{
	struct client_connection *connection = (struct client_connection *)object;

	/*
	 * Other threads hold references: in a callback, or while they wait for an event. Make their waits end. The last
	 * thread frees the connection.
	 */
	if (atomic_load(&object->references) > 1)
		channel_interrupt(&connection->channel);
	connection_put(table, connection);
}

cs_error_t client_finalize(struct handle_table *table, uint64_t handle)
{
	struct handle_object *object;

	if (handle_take(table, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	client_leave(table, object);
	return CS_OK;
}

cs_error_t client_fd_get(struct handle_table *table, uint64_t handle, int *fd)
{
	struct client_connection *connection;
	cs_error_t rc = connection_get(table, handle, &connection);

	if (rc != CS_OK)
		return rc;
	*fd = connection->channel.fd;
	connection_put(table, connection);
	return CS_OK;
}

cs_error_t client_context_get(struct handle_table *table, uint64_t handle, void **context)
{
	struct client_connection *connection;
	cs_error_t rc = connection_get(table, handle, &connection);

	if (rc != CS_OK)
		return rc;
	*context = atomic_load(&connection->context);
	connection_put(table, connection);
	return CS_OK;
}

cs_error_t client_context_set(struct handle_table *table, uint64_t handle, void *context)
{
	struct client_connection *connection;
	cs_error_t rc = connection_get(table, handle, &connection);

	if (rc != CS_OK)
		return rc;
	atomic_store(&connection->context, context);
	connection_put(table, connection);
	return CS_OK;
}
