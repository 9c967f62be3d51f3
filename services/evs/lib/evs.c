/*
 * Calls that connect and disconnect, join and leave groups, and get the members of the ring.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

static void connection_destroy(struct handle_object *object)
{
	struct evs_connection *connection = (struct evs_connection *)object;

	client_connection_close(&connection->client);
	free(connection);
}

static struct handle_table connections = HANDLE_TABLE_INITIALIZER(connection_destroy);

/*
 * Wait until the daemon has queued the event with the current configuration. The connect of libqb may return before
 * that. The daemon answers a request only after it has queued the event, so send one.
 */
static cs_error_t settle(struct evs_connection *connection)
{
	struct evs_req_groups request = {.header = {.id = EVS_REQ_JOIN, .size = sizeof(request)}};
	struct evs_res_plain response;

	return channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t evs_initialize(evs_handle_t *handle, evs_callbacks_t *callbacks)
{
	struct evs_connection *connection = calloc(1, sizeof(*connection));
	cs_error_t rc;

	*handle = 0;
	if (connection == NULL)
		return CS_ERR_NO_MEMORY;
	if (callbacks != NULL)
		connection->callbacks = *callbacks;
	rc = client_error(client_connection_open(&connection->client, "evs", NULL));
	if (rc != CS_OK) {
		free(connection);
		return rc;
	}
	rc = settle(connection);
	if (rc == CS_OK)
		rc = client_error(handle_open(&connections, &connection->client.object, handle));
	if (rc != CS_OK)
		connection_destroy(&connection->client.object);
	return rc;
}

/* No last request is needed: each message was answered, so the daemon has read all of them. */
cs_error_t evs_finalize(evs_handle_t handle) { return client_finalize(&connections, handle); }

cs_error_t evs_fd_get(evs_handle_t handle, int *fd) { return client_fd_get(&connections, handle, fd); }

cs_error_t evs_context_get(evs_handle_t handle, void **context)
{
	return client_context_get(&connections, handle, context);
}

cs_error_t evs_context_set(evs_handle_t handle, void *context)
{
	return client_context_set(&connections, handle, context);
}

cs_error_t evs_dispatch(evs_handle_t handle, cs_dispatch_flags_t dispatch)
{
	return client_dispatch(&connections, handle, dispatch, evs_receive);
}

cs_error_t evs_request(evs_handle_t handle, enum channel_gate gate, const struct iovec *iov, unsigned int count,
	void *response, size_t *response_size, size_t size_want)
{
	struct handle_object *object;

	if (handle_get(&connections, handle, &object) < 0)
		return CS_ERR_BAD_HANDLE;
	/* The cast is valid: the object is the first member of struct evs_connection. */
	struct evs_connection *connection = (struct evs_connection *)object;
	ssize_t rc = channel_call(&connection->client.channel, gate, iov, count, response, *response_size);
	handle_put(&connections, object);
	if (rc < 0)
		return client_error(rc);
	*response_size = (size_t)rc;
	return client_response_error(response, *response_size, size_want);
}

cs_error_t evs_request_plain(evs_handle_t handle, enum channel_gate gate, const struct iovec *iov, unsigned int count)
{
	struct evs_res_plain response;
	size_t size = sizeof(response);

	return evs_request(handle, gate, iov, count, &response, &size, sizeof(response));
}

/* ---- Groups -------------------------------------------------------------- */

static cs_error_t request_groups(evs_handle_t handle, int32_t id, const struct evs_group *groups, uint32_t count)
{
	struct evs_req_groups request = {
		.header = {.id = id, .size = (int32_t)(sizeof(request) + count * sizeof(*groups))},
		.group_count = count,
	};
	/* The cast removes const for struct iovec. The groups are only read. */
	struct iovec iov[2] = {
		{.iov_base = &request, .iov_len = sizeof(request)},
		{.iov_base = (void *)(uintptr_t)groups, .iov_len = count * sizeof(*groups)},
	};

	return evs_request_plain(handle, CHANNEL_GATE_ALL, iov, 2);
}

cs_error_t evs_join(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt)
{
	if (group_cnt > EVS_REQUEST_GROUPS_MAX)
		return CS_ERR_TOO_MANY_GROUPS;
	return request_groups(handle, EVS_REQ_JOIN, groups, (uint32_t)group_cnt);
}

/*
 * Leave groups with as many requests as needed. This is allowed, since a request also leaves its groups one after the
 * other.
 */
cs_error_t evs_leave(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt)
{
	cs_error_t rc;

	do {
		size_t part = group_cnt < EVS_REQUEST_GROUPS_MAX ? group_cnt : EVS_REQUEST_GROUPS_MAX;

		rc = request_groups(handle, EVS_REQ_LEAVE, groups, (uint32_t)part);
		groups += part;
		group_cnt -= part;
	} while (rc == CS_OK && group_cnt > 0);
	return rc;
}

/* ---- Members ------------------------------------------------------------- */

cs_error_t evs_membership_get(
	evs_handle_t handle, unsigned int *local_nodeid, unsigned int *member_list, size_t *member_list_entries)
{
	struct evs_req_membership_get request = {.header = {.id = EVS_REQ_MEMBERSHIP_GET, .size = sizeof(request)}};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	size_t size = EVS_IPC_SIZE_MAX;
	/* Allocate room for the largest possible response, which is too large for a small stack. */
	struct evs_res_membership_get *response = malloc(size);
	cs_error_t rc;

	if (response == NULL)
		return CS_ERR_NO_MEMORY;
	rc = evs_request(handle, CHANNEL_GATE_ALL, &iov, 1, response, &size, sizeof(*response));
	if (rc == CS_OK && response->member_count > (size - sizeof(*response)) / sizeof(response->members[0]))
		rc = CS_ERR_LIBRARY;
	if (rc == CS_OK) {
		if (*member_list_entries > response->member_count)
			*member_list_entries = response->member_count;
		if (member_list != NULL)
			memcpy(member_list, response->members, *member_list_entries * sizeof(*member_list));
		if (local_nodeid != NULL)
			*local_nodeid = response->local_nodeid;
	}
	free(response);
	return rc;
}
