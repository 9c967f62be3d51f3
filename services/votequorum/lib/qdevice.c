/*
 * The calls for programs of quorum devices.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/votequorum/lib/connection.h"

#include <string.h>

#include "services/client/error.h"

/* Copy a name into a field of zeros. @return false: the name is empty or too long */
static bool name_copy(char field[VOTEQUORUM_NAME_SIZE], const char *name)
{
	size_t length = strnlen(name, VOTEQUORUM_NAME_SIZE);

	if (length == 0 || length >= VOTEQUORUM_NAME_SIZE)
		return false;
	memcpy(field, name, length);
	return true;
}

/* Send a request to register or unregister a device. */
static cs_error_t name_request(votequorum_handle_t handle, enum votequorum_request_id id, const char *name)
{
	struct votequorum_req_qdevice request = {.header = {.id = id, .size = sizeof(request)}};
	struct votequorum_res_plain response;

	if (!name_copy(request.name, name))
		return CS_ERR_INVALID_PARAM;
	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name)
{
	return name_request(handle, VOTEQUORUM_REQ_QDEVICE_REGISTER, name);
}

cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name)
{
	return name_request(handle, VOTEQUORUM_REQ_QDEVICE_UNREGISTER, name);
}

cs_error_t votequorum_qdevice_update(votequorum_handle_t handle, const char *oldname, const char *newname)
{
	struct votequorum_req_qdevice_update request = {
		.header = {.id = VOTEQUORUM_REQ_QDEVICE_UPDATE, .size = sizeof(request)}};
	struct votequorum_res_plain response;

	if (!name_copy(request.old_name, oldname) || !name_copy(request.new_name, newname))
		return CS_ERR_INVALID_PARAM;
	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_qdevice_poll(
	votequorum_handle_t handle, const char *name, unsigned int cast_vote, votequorum_ring_id_t ring_id)
{
	struct votequorum_req_qdevice_poll request = {
		.header = {.id = VOTEQUORUM_REQ_QDEVICE_POLL, .size = sizeof(request)},
		.cast_vote = cast_vote,
		.ring_id = {.nodeid = ring_id.nodeid, .seq = ring_id.seq},
	};
	struct votequorum_res_plain response;

	if (!name_copy(request.name, name))
		return CS_ERR_INVALID_PARAM;
	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle, const char *name, unsigned int allow)
{
	struct votequorum_req_qdevice_master_wins request = {
		.header = {.id = VOTEQUORUM_REQ_QDEVICE_MASTER_WINS, .size = sizeof(request)},
		.allow = allow,
	};
	struct votequorum_res_plain response;

	if (!name_copy(request.name, name))
		return CS_ERR_INVALID_PARAM;
	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

_Static_assert((int)VOTEQUORUM_EXTRA_MAX == VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE, "one size of extra information");

cs_error_t votequorum_set_qdevice_extra_info(votequorum_handle_t handle, uint32_t size, const void *data)
{
	struct votequorum_req_set_extra request = {
		.header = {.id = VOTEQUORUM_REQ_SET_EXTRA, .size = sizeof(request)},
		.size = size,
	};
	struct votequorum_res_plain response;

	if (size > sizeof(request.bytes))
		return CS_ERR_INVALID_PARAM;
	if (size > 0)
		memcpy(request.bytes, data, size);
	return votequorum_request(handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t votequorum_get_qdevice_extra_info(votequorum_handle_t handle, uint32_t nodeid, uint32_t *size, void *data)
{
	struct votequorum_req_get_extra request = {
		.header = {.id = VOTEQUORUM_REQ_GET_EXTRA, .size = sizeof(request)},
		.nodeid = nodeid,
	};
	struct votequorum_res_get_extra response;
	const size_t head = offsetof(struct votequorum_res_get_extra, bytes);
	/* A daemon may end its response after the first response.size of the bytes. */
	ssize_t got = votequorum_call(handle, &request, sizeof(request), &response, sizeof(response));

	if (got < 0)
		return client_error((int)got);
	if ((size_t)got < sizeof(response.header))
		return CS_ERR_LIBRARY;
	if (response.header.error != CS_OK)
		return response.header.error;
	if ((size_t)got < head || response.size > VOTEQUORUM_EXTRA_MAX || response.size > (size_t)got - head)
		return CS_ERR_LIBRARY;
	*size = response.size;
	memcpy(data, response.bytes, response.size);
	return CS_OK;
}
