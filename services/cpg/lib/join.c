/*
 * Calls that join and leave a group, list its members, and get this node's id.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cpg/lib/connection.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <coterie/channel.h>

#include "services/client/error.h"
#include "services/client/fast_channel.h"

_Static_assert((int)CPG_GROUP_NAME_MAX == CPG_MAX_NAME_LENGTH, "one length for names");
_Static_assert((int)CPG_WIRE_REASON_PROCDOWN == CPG_REASON_PROCDOWN, "one set of reasons");

enum {
	BUSY_PAUSE_MS_MAX = 16,
	/*
	 * This time is longer than a ring needs by default to agree that a node has failed. It must have an end: once a
	 * handle has left a group, Corosync 3.1.7 answers BUSY for ever (book compatibility, "Client libraries").
	 */
	BUSY_PATIENCE_MS = 15000,
};

void name_to_wire(struct cpg_wire_name *wire, const struct cpg_name *name)
{
	*wire = (struct cpg_wire_name){.length = name->length};
	memcpy(wire->value, name->value, name->length);
}

cs_error_t name_from_wire(struct cpg_name *name, const struct cpg_wire_name *wire)
{
	if (wire->length > CPG_GROUP_NAME_MAX)
		return CS_ERR_NAME_TOO_LONG;
	*name = (struct cpg_name){.length = wire->length};
	memcpy(name->value, wire->value, wire->length);
	return CS_OK;
}

/*
 * Send a request, and repeat it while the executive answers BUSY: an earlier leave or join of this process is not
 * delivered yet. Hold no lock between two attempts, so that other calls go on.
 */
static cs_error_t request_when_settled(
	struct cpg_connection *connection, const void *request, size_t size, void *response, ssize_t *response_size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)request, .iov_len = size};
	unsigned int pause = 1;
	unsigned int waited_ms = 0;
	cs_error_t rc;

	for (;;) {
		ssize_t got = channel_call(
			&connection->client.channel, CHANNEL_GATE_ALL, &iov, 1, response, (size_t)*response_size);

		rc = got < 0 ? client_error(got)
			     : client_response_error(response, (size_t)got, sizeof(struct cpg_res_plain));
		if (rc == CS_OK)
			*response_size = got;
		if (rc != CS_ERR_BUSY || waited_ms >= BUSY_PATIENCE_MS)
			return rc;
		pause_ms(pause);
		waited_ms += pause;
		if (pause < BUSY_PAUSE_MS_MAX)
			pause *= 2;
	}
}

cs_error_t cpg_join(cpg_handle_t handle, const struct cpg_name *group)
{
	struct cpg_connection *connection;
	cs_error_t rc;

	if (group->length > CPG_MAX_NAME_LENGTH)
		return CS_ERR_NAME_TOO_LONG;
	rc = connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	struct {
		struct cpg_req_join join;
		struct coterie_channel_offer offer;
	} request = {.join = {
			     .header = {.id = CPG_REQ_JOIN, .size = sizeof(request)},
			     .pid = (uint32_t)getpid(),
			     .flags = connection->model.flags,
		     }};
	struct {
		struct cpg_res_plain plain;
		struct coterie_channel_grant grant;
	} response;
	ssize_t response_size = sizeof(response);
	int socket = fast_channel_offer(&connection->client.channel, &request.offer);
	if (socket < 0)
		request.join.header.size = sizeof(request.join);
	name_to_wire(&request.join.group, group);
	rc = request_when_settled(connection, &request, (size_t)request.join.header.size, &response, &response_size);
	if (socket >= 0) {
		if (rc == CS_OK)
			rc = client_error(fast_channel_open(&connection->client.channel, socket, &response,
				(size_t)response_size, sizeof(response.plain), dispatch_note));
		fast_channel_close_offer(socket);
	}
	connection_put(connection);
	return rc;
}

cs_error_t cpg_leave(cpg_handle_t handle, const struct cpg_name *group)
{
	struct cpg_connection *connection;
	cs_error_t rc;

	if (group->length > CPG_MAX_NAME_LENGTH)
		return CS_ERR_NAME_TOO_LONG;
	rc = connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	struct cpg_req_leave request = {
		.header = {.id = CPG_REQ_LEAVE, .size = sizeof(request)},
		.pid = (uint32_t)getpid(),
	};
	struct cpg_res_plain response;
	ssize_t response_size = sizeof(response);
	name_to_wire(&request.group, group);
	rc = request_when_settled(connection, &request, sizeof(request), &response, &response_size);
	connection_put(connection);
	return rc;
}

cs_error_t cpg_membership_get(
	cpg_handle_t handle, struct cpg_name *groupName, struct cpg_address *member_list, int *member_list_entries)
{
	struct cpg_connection *connection;
	struct cpg_res_membership_get *response;
	cs_error_t rc;

	if (groupName->length > CPG_MAX_NAME_LENGTH)
		return CS_ERR_NAME_TOO_LONG;
	if (member_list == NULL || member_list_entries == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	struct cpg_req_membership_get request = {.header = {.id = CPG_REQ_MEMBERSHIP_GET, .size = sizeof(request)}};
	name_to_wire(&request.group, groupName);
	/* Allocate the response: a thread's stack may be too small for it. */
	response = malloc(sizeof(*response));
	rc = CS_ERR_NO_MEMORY;
	if (response != NULL)
		rc = channel_request(
			&connection->client.channel, &request, sizeof(request), response, sizeof(*response));
	if (rc == CS_OK && response->member_count > CPG_MEMBERSHIP_MAX)
		rc = CS_ERR_LIBRARY;
	if (rc == CS_OK) {
		for (uint32_t i = 0; i < response->member_count; i++)
			member_list[i] = (struct cpg_address){
				.nodeid = response->members[i].nodeid,
				.pid = response->members[i].pid,
			};
		*member_list_entries = (int)response->member_count;
	}
	free(response);
	connection_put(connection);
	return rc;
}

cs_error_t cpg_local_get(cpg_handle_t handle, unsigned int *local_nodeid)
{
	struct cpg_req_local_get request = {.header = {.id = CPG_REQ_LOCAL_GET, .size = sizeof(request)}};
	struct cpg_res_local_get response;
	struct cpg_connection *connection;
	cs_error_t rc = connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	if (rc == CS_OK)
		*local_nodeid = response.nodeid;
	connection_put(connection);
	return rc;
}
