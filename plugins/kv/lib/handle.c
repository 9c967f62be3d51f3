/*
 * Connecting, disconnecting, and the status.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/lib/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object)
{
	struct kv_connection *connection = (struct kv_connection *)object;

	client_connection_close(&connection->client);
	free(connection);
}

struct handle_table kv_connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

cs_error_t coterie_kv_initialize(coterie_kv_handle_t *handle, coterie_kv_notify notify, void *context)
{
	struct kv_connection *connection;
	int rc;

	if (handle == NULL)
		return CS_ERR_INVALID_PARAM;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	connection->notify = notify;
	rc = client_connection_open(&connection->client, "kv", context);
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	rc = handle_open(&kv_connections, &connection->client.object, handle);
	if (rc < 0)
		connection_destroy(&connection->client.object);
	return client_error(rc);
}

cs_error_t coterie_kv_finalize(coterie_kv_handle_t handle) { return client_finalize(&kv_connections, handle); }

cs_error_t coterie_kv_fd_get(coterie_kv_handle_t handle, int *fd)
{
	return fd == NULL ? CS_ERR_INVALID_PARAM : client_fd_get(&kv_connections, handle, fd);
}

cs_error_t coterie_kv_context_get(coterie_kv_handle_t handle, void **context)
{
	return context == NULL ? CS_ERR_INVALID_PARAM : client_context_get(&kv_connections, handle, context);
}

cs_error_t coterie_kv_context_set(coterie_kv_handle_t handle, void *context)
{
	return client_context_set(&kv_connections, handle, context);
}

/* The first part begins with a struct coterie_request_header, as every request does. */
ssize_t kv_call(coterie_kv_handle_t handle, struct iovec *iov, unsigned int count, void *response, size_t response_size)
{
	struct coterie_request_header *header = iov[0].iov_base;
	struct handle_object *object;
	ssize_t rc;

	header->size = 0;
	for (unsigned int i = 0; i < count; i++)
		header->size += (int32_t)iov[i].iov_len;
	if (handle_get(&kv_connections, handle, &object) < 0)
		return -EBADF;
	rc = channel_call(&((struct kv_connection *)object)->client.channel, CHANNEL_GATE_ALL, iov, count, response,
		response_size);
	handle_put(&kv_connections, object);
	return rc;
}

cs_error_t coterie_kv_status_get(coterie_kv_handle_t handle, struct coterie_kv_status *status)
{
	struct kv_req_plain request = {.header = {.id = KV_REQ_STATUS, .size = sizeof(request)}};
	struct kv_res_status response;

	if (status == NULL)
		return CS_ERR_INVALID_PARAM;

	cs_error_t rc = client_request(&kv_connections, handle, &request, sizeof(request), &response, sizeof(response));

	if (rc != CS_OK)
		return rc;
	if (response.waiting_count > KV_WAITING_MAX)
		return CS_ERR_LIBRARY;
	*status = (struct coterie_kv_status){
		.revision = response.revision,
		.hash = response.hash,
		.keys = response.keys,
		.bytes = response.bytes,
		.bytes_max = response.bytes_max,
		.state = response.state,
		.donor = response.donor,
		.waiting_count = response.waiting_count,
	};
	memcpy(status->waiting, response.waiting, sizeof(status->waiting));
	return CS_OK;
}

cs_error_t coterie_kv_recover(coterie_kv_handle_t handle)
{
	struct kv_req_plain request = {.header = {.id = KV_REQ_RECOVER, .size = sizeof(request)}};
	struct kv_res_plain response;

	return client_request(&kv_connections, handle, &request, sizeof(request), &response, sizeof(response));
}
