/*
 * Groups, and who is in the ring.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/evs/lib/connection.h"

#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

static cs_error_t request_groups(
	evs_handle_t handle, int32_t id, const struct evs_group *groups, uint32_t count)
{
	struct evs_req_groups request = {
		.header = {.id = id, .size = (int32_t)(sizeof(request) + count * sizeof(*groups))},
		.group_count = count,
	};
	/* An iovec has no const; the groups are only read. */
	struct iovec iov[2] = {
		{.iov_base = &request, .iov_len = sizeof(request)},
		{.iov_base = (void *)(uintptr_t)groups, .iov_len = count * sizeof(*groups)},
	};
	struct evs_res_plain response;
	struct evs_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	ssize_t size = channel_call(
		&connection->channel, CHANNEL_GATE_ALL, iov, 2, &response, sizeof(response));
	rc = size < 0 ? client_error(size)
		      : client_response_error(&response, (size_t)size, sizeof(response));
	connection_put(connection);
	return rc;
}

cs_error_t evs_join(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt)
{
	if (group_cnt > EVS_REQUEST_GROUPS_MAX)
		return CS_ERR_TOO_MANY_GROUPS;
	return request_groups(handle, EVS_REQ_JOIN, groups, (uint32_t)group_cnt);
}

/* In as many requests as it needs; the groups are left one after the other anyway. */
cs_error_t evs_leave(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt)
{
	cs_error_t rc;

	do {
		size_t part = group_cnt < EVS_REQUEST_GROUPS_MAX ? group_cnt
								 : EVS_REQUEST_GROUPS_MAX;

		rc = request_groups(handle, EVS_REQ_LEAVE, groups, (uint32_t)part);
		groups += part;
		group_cnt -= part;
	} while (rc == CS_OK && group_cnt > 0);
	return rc;
}

cs_error_t evs_membership_get(evs_handle_t handle, unsigned int *local_nodeid,
	unsigned int *member_list, size_t *member_list_entries)
{
	struct evs_req_membership_get request = {
		.header = {.id = EVS_REQ_MEMBERSHIP_GET, .size = sizeof(request)}};
	struct iovec iov = {.iov_base = &request, .iov_len = sizeof(request)};
	struct evs_res_membership_get *response;
	struct evs_connection *connection;
	ssize_t size = 0;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	/* Not on the stack, which may be small; as many members as there may be. */
	response = malloc(EVS_IPC_SIZE_MAX);
	rc = CS_ERR_NO_MEMORY;
	if (response != NULL) {
		size = channel_call(&connection->channel, CHANNEL_GATE_ALL, &iov, 1, response,
			EVS_IPC_SIZE_MAX);
		rc = size < 0 ? client_error(size)
			      : client_response_error(response, (size_t)size, sizeof(*response));
	}
	if (rc == CS_OK && response->member_count > ((size_t)size - sizeof(*response)) /
							   sizeof(response->members[0]))
		rc = CS_ERR_LIBRARY;
	if (rc == CS_OK) {
		if (*member_list_entries > response->member_count)
			*member_list_entries = response->member_count;
		if (member_list != NULL)
			memcpy(member_list, response->members,
				*member_list_entries * sizeof(*member_list));
		if (local_nodeid != NULL)
			*local_nodeid = response->local_nodeid;
	}
	free(response);
	connection_put(connection);
	return rc;
}
