/*
 * The calls of libvotequorum, except for those of quorum devices.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/votequorum/lib/connection.h"

#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

_Static_assert((int)VOTEQUORUM_NAME_SIZE == VOTEQUORUM_QDEVICE_MAX_NAME_LEN, "one size for names");
_Static_assert(
	(int)VOTEQUORUM_WIRE_INFO_QDEVICE_MASTER_WINS == VOTEQUORUM_INFO_QDEVICE_MASTER_WINS, "one set of flags");
_Static_assert((int)VOTEQUORUM_WIRE_STATE_LEAVING == VOTEQUORUM_NODESTATE_LEAVING, "one set of states");

static void connection_destroy(struct handle_object *object)
{
	struct votequorum_connection *connection = (struct votequorum_connection *)object;

	client_connection_close(&connection->client);
	free(connection);
}

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

/* Connect to the daemon. Both callbacks and on_extra may be NULL. */
static cs_error_t connect_with(votequorum_handle_t *handle, const votequorum_callbacks_t *callbacks,
	votequorum_extra_info_notification_fn_t on_extra)
{
	struct votequorum_connection *connection = calloc(1, sizeof(*connection));
	int rc;

	*handle = 0;
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	if (callbacks != NULL)
		connection->callbacks = *callbacks;
	connection->on_extra = on_extra;
	rc = client_connection_open(&connection->client, "votequorum", NULL);
	if (rc < 0) {
		free(connection);
		return client_error(rc);
	}
	rc = handle_open(&connections, &connection->client.object, handle);
	if (rc < 0)
		connection_destroy(&connection->client.object);
	return client_error(rc);
}

cs_error_t votequorum_initialize(votequorum_handle_t *handle, votequorum_callbacks_t *callbacks)
{
	return connect_with(handle, callbacks, NULL);
}

cs_error_t votequorum_model_initialize(votequorum_handle_t *handle, votequorum_model_data_t *model_data)
{
	const votequorum_model_v1_data_t *data = (const votequorum_model_v1_data_t *)model_data;

	if (data == NULL)
		return connect_with(handle, NULL, NULL);

	const votequorum_callbacks_t callbacks = {
		.votequorum_quorum_notify_fn = data->quorum_notify_fn,
		.votequorum_expectedvotes_notify_fn = data->expectedvotes_notify_fn,
		.votequorum_nodelist_notify_fn = data->nodelist_notify_fn,
	};

	return connect_with(handle, &callbacks, data->qdevice_extra_info_notify_fn);
}

cs_error_t votequorum_request(
	votequorum_handle_t handle, const void *request, size_t request_size, void *response, size_t response_size)
{
	return client_request(&connections, handle, request, request_size, response, response_size);
}

cs_error_t votequorum_finalize(votequorum_handle_t handle) { return client_finalize(&connections, handle); }

ssize_t votequorum_call(
	votequorum_handle_t handle, const void *request, size_t request_size, void *response, size_t response_size)
{
	return client_call(&connections, handle, request, request_size, response, response_size);
}

cs_error_t votequorum_fd_get(votequorum_handle_t handle, int *fd) { return client_fd_get(&connections, handle, fd); }

cs_error_t votequorum_context_get(votequorum_handle_t handle, void **context)
{
	return client_context_get(&connections, handle, context);
}

cs_error_t votequorum_context_set(votequorum_handle_t handle, void *context)
{
	return client_context_set(&connections, handle, context);
}

cs_error_t votequorum_dispatch(votequorum_handle_t handle, cs_dispatch_flags_t dispatch_types)
{
	switch (dispatch_types) {
	case CS_DISPATCH_ONE:
	case CS_DISPATCH_ALL:
	case CS_DISPATCH_BLOCKING:
	case CS_DISPATCH_ONE_NONBLOCKING:
		return client_dispatch(&connections, handle, dispatch_types, votequorum_receive);
	}
	return CS_ERR_INVALID_PARAM;
}

cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid, struct votequorum_info *info)
{
	struct votequorum_req_getinfo request = {
		.header = {.id = VOTEQUORUM_REQ_GETINFO, .size = sizeof(request)},
		.nodeid = nodeid,
	};
	struct votequorum_res_getinfo response;
	cs_error_t rc = votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));

	if (rc != CS_OK)
		return rc;
	*info = (struct votequorum_info){
		.node_id = response.nodeid,
		.node_state = response.state,
		.node_votes = response.votes,
		.node_expected_votes = response.expected_votes,
		.highest_expected = response.highest_expected,
		.total_votes = response.total_votes,
		.quorum = response.quorum,
		.flags = response.flags,
		.qdevice_votes = response.qdevice_votes,
	};
	/* Give the program a terminated string with zeros behind it, even if the daemon sends a name without an end. */
	memcpy(info->qdevice_name, response.qdevice_name, strnlen(response.qdevice_name, VOTEQUORUM_NAME_SIZE - 1));
	return CS_OK;
}

cs_error_t votequorum_setexpected(votequorum_handle_t handle, unsigned int expected_votes)
{
	struct votequorum_req_setexpected request = {
		.header = {.id = VOTEQUORUM_REQ_SETEXPECTED, .size = sizeof(request)},
		.expected_votes = expected_votes,
	};
	struct votequorum_res_plain response;

	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid, unsigned int votes)
{
	struct votequorum_req_setvotes request = {
		.header = {.id = VOTEQUORUM_REQ_SETVOTES, .size = sizeof(request)},
		.votes = votes,
		.nodeid = nodeid,
	};
	struct votequorum_res_plain response;

	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

static bool takes_extra(votequorum_handle_t handle)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return false;
	bool takes = ((const struct votequorum_connection *)object)->on_extra != NULL;

	handle_put(&connections, object);
	return takes;
}

cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context, unsigned int flags)
{
	struct votequorum_req_trackstart request = {
		.header = {.id = VOTEQUORUM_REQ_TRACKSTART, .size = sizeof(request)},
		.context = context,
		.track_flags = takes_extra(handle) ? (flags & ~VOTEQUORUM_TRACK_MASK) | VOTEQUORUM_TRACK_EXTRA : flags,
	};
	struct votequorum_res_plain response;

	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_trackstop(votequorum_handle_t handle)
{
	struct votequorum_req_trackstop request = {.header = {.id = VOTEQUORUM_REQ_TRACKSTOP, .size = sizeof(request)}};
	struct votequorum_res_plain response;

	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}
