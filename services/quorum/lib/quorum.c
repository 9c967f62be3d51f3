/*
 * The calls of libquorum, with connect and disconnect.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/quorum/lib/connection.h"

#include <errno.h>
#include <stdlib.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object)
{
	struct quorum_connection *connection = (struct quorum_connection *)object;

	client_connection_close(&connection->client);
	free(connection);
}

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

static void callbacks_copy(
	struct quorum_connection *connection, quorum_model_t model, const quorum_model_data_t *model_data)
{
	if (model_data == NULL)
		return;
	switch (model) {
	case QUORUM_MODEL_V0: {
		const quorum_model_v0_data_t *v0 = (const quorum_model_v0_data_t *)model_data;

		connection->v0_notify = v0->quorum_notify_fn;
		break;
	}
	case QUORUM_MODEL_V1: {
		const quorum_model_v1_data_t *v1 = (const quorum_model_v1_data_t *)model_data;

		connection->v1_notify = v1->quorum_notify_fn;
		connection->v1_nodelist_notify = v1->nodelist_notify_fn;
		break;
	}
	}
}

/* Get the quorum type. The request also selects which events the daemon sends on this connection. */
static cs_error_t type_get(struct quorum_connection *connection, quorum_model_t model, uint32_t *quorum_type)
{
	struct quorum_req_model_gettype request = {
		.header = {.id = QUORUM_REQ_MODEL_GETTYPE, .size = sizeof(request)},
		.model = (uint32_t)model,
	};
	struct quorum_res_gettype response;
	cs_error_t rc = channel_request(
		&connection->client.channel, &request, sizeof(request), &response, sizeof(response));

	if (rc == CS_OK)
		*quorum_type = response.quorum_type;
	return rc;
}

cs_error_t quorum_initialize(quorum_handle_t *handle, quorum_callbacks_t *callbacks, uint32_t *quorum_type)
{
	quorum_model_v0_data_t model = {.model = QUORUM_MODEL_V0};

	if (callbacks != NULL)
		model.quorum_notify_fn = callbacks->quorum_notify_fn;
	return quorum_model_initialize(handle, QUORUM_MODEL_V0, (quorum_model_data_t *)&model, quorum_type, NULL);
}

cs_error_t quorum_model_initialize(quorum_handle_t *handle, quorum_model_t model, quorum_model_data_t *model_data,
	uint32_t *quorum_type, void *context)
{
	struct quorum_connection *connection;
	uint32_t type;
	cs_error_t rc;

	*handle = 0;
	if (model != QUORUM_MODEL_V0 && model != QUORUM_MODEL_V1)
		return CS_ERR_INVALID_PARAM;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	callbacks_copy(connection, model, model_data);
	rc = client_error(client_connection_open(&connection->client, "quorum", context));
	if (rc != CS_OK) {
		free(connection);
		return rc;
	}
	rc = type_get(connection, model, &type);
	if (rc == CS_OK)
		rc = client_error(handle_open(&connections, &connection->client.object, handle));
	if (rc != CS_OK) {
		connection_destroy(&connection->client.object);
		return rc;
	}
	if (quorum_type != NULL)
		*quorum_type = type;
	return CS_OK;
}

cs_error_t quorum_finalize(quorum_handle_t handle) { return client_finalize(&connections, handle); }

cs_error_t quorum_fd_get(quorum_handle_t handle, int *fd) { return client_fd_get(&connections, handle, fd); }

cs_error_t quorum_context_get(quorum_handle_t handle, const void **context)
{
	void *stored;
	cs_error_t rc = client_context_get(&connections, handle, &stored);

	if (rc == CS_OK)
		*context = stored;
	return rc;
}

cs_error_t quorum_context_set(quorum_handle_t handle, const void *context)
{
	/* All libraries store the context without const. This library returns it as const again. */
	return client_context_set(&connections, handle, (void *)(uintptr_t)context);
}

cs_error_t quorum_dispatch(quorum_handle_t handle, cs_dispatch_flags_t dispatch_types)
{
	switch (dispatch_types) {
	case CS_DISPATCH_ONE:
	case CS_DISPATCH_ALL:
	case CS_DISPATCH_BLOCKING:
	case CS_DISPATCH_ONE_NONBLOCKING:
		return client_dispatch(&connections, handle, dispatch_types, quorum_receive);
	}
	return CS_ERR_INVALID_PARAM;
}

cs_error_t quorum_getquorate(quorum_handle_t handle, int *quorate)
{
	struct quorum_req_plain request = {.header = {.id = QUORUM_REQ_GETQUORATE, .size = sizeof(request)}};
	struct quorum_res_getquorate response;
	cs_error_t rc = client_request(&connections, handle, &request, sizeof(request), &response, sizeof(response));

	if (rc == CS_OK)
		*quorate = response.quorate != 0;
	return rc;
}

cs_error_t quorum_trackstart(quorum_handle_t handle, unsigned int flags)
{
	struct quorum_req_trackstart request = {
		.header = {.id = QUORUM_REQ_TRACKSTART, .size = sizeof(request)},
		.track_flags = flags,
	};
	struct quorum_res_plain response;

	return client_request(&connections, handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t quorum_trackstop(quorum_handle_t handle)
{
	struct quorum_req_plain request = {.header = {.id = QUORUM_REQ_TRACKSTOP, .size = sizeof(request)}};
	struct quorum_res_plain response;

	return client_request(&connections, handle, &request, sizeof(request), &response, sizeof(response));
}
