/*
 * Calls that set, get, delete, increment and decrement a key.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <stdlib.h>
#include <string.h>

#include "services/client/error.h"

_Static_assert((int)CMAP_WIRE_NAME_SIZE == CMAP_KEYNAME_MAXLEN + 1, "one length for names");

enum {
	/* Larger than any value. More room in the request would have no effect. */
	ROOM_MAX = 65536,
};

cs_error_t cmap_name_to_wire(struct cmap_wire_name *wire, const char *key)
{
	size_t length = key == NULL ? 0 : strnlen(key, CMAP_KEYNAME_MAXLEN + 1);

	*wire = (struct cmap_wire_name){0};
	if (length > CMAP_KEYNAME_MAXLEN)
		return CS_ERR_NAME_TOO_LONG;
	wire->length = (uint16_t)length;
	if (length > 0)
		memcpy(wire->value, key, length);
	return CS_OK;
}

/* Begin a call: check and convert a key that must not be NULL, and find the connection. */
static cs_error_t begin(
	cmap_handle_t handle, const char *key, struct cmap_wire_name *name, struct cmap_connection **connection)
{
	cs_error_t rc;

	if (key == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = cmap_name_to_wire(name, key);
	return rc == CS_OK ? cmap_connection_get(handle, connection) : rc;
}

cs_error_t cmap_set(
	cmap_handle_t handle, const char *key_name, const void *value, size_t value_len, cmap_value_types_t type)
{
	struct cmap_connection *connection;
	struct cmap_req_set request = {
		.header = {.id = CMAP_REQ_SET},
		.value_size = value_len,
		.type = (uint8_t)type,
	};
	struct iovec iov[] = {{&request, sizeof(request)}, {(void *)(uintptr_t)value, value_len}};
	struct cmap_res_plain response;
	ssize_t size;
	cs_error_t rc;

	if (value == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = begin(handle, key_name, &request.name, &connection);
	if (rc != CS_OK)
		return rc;
	rc = CS_ERR_TOO_BIG;
	if (value_len <= CMAP_IPC_SIZE_MAX - sizeof(request)) {
		request.header.size = (int32_t)(sizeof(request) + value_len);
		size = channel_call(&connection->client.channel, CHANNEL_GATE_ALL, iov, 2, &response, sizeof(response));
		rc = size < 0 ? client_error(size) : client_response_error(&response, (size_t)size, sizeof(response));
	}
	cmap_connection_put(connection);
	return rc;
}

cs_error_t cmap_delete(cmap_handle_t handle, const char *key_name)
{
	struct cmap_connection *connection;
	struct cmap_req_delete request = {.header = {.id = CMAP_REQ_DELETE, .size = sizeof(request)}};
	struct cmap_res_plain response;
	cs_error_t rc = begin(handle, key_name, &request.name, &connection);

	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	cmap_connection_put(connection);
	return rc;
}

static cs_error_t adjust(cmap_handle_t handle, const char *key_name, int32_t step)
{
	struct cmap_connection *connection;
	struct cmap_req_adjust request = {
		.header = {.id = CMAP_REQ_ADJUST, .size = sizeof(request)},
		.step = step,
	};
	struct cmap_res_plain response;
	cs_error_t rc = begin(handle, key_name, &request.name, &connection);

	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	cmap_connection_put(connection);
	return rc;
}

cs_error_t cmap_inc(cmap_handle_t handle, const char *key_name) { return adjust(handle, key_name, 1); }

cs_error_t cmap_dec(cmap_handle_t handle, const char *key_name) { return adjust(handle, key_name, -1); }

cs_error_t value_get(cmap_handle_t handle, const char *key, size_t room, struct cmap_res_get **response)
{
	struct cmap_connection *connection;
	struct cmap_req_get request = {.header = {.id = CMAP_REQ_GET, .size = sizeof(request)}};
	struct iovec iov = {&request, sizeof(request)};
	struct cmap_res_get *got;
	ssize_t size;
	cs_error_t rc = begin(handle, key, &request.name, &connection);

	if (rc != CS_OK)
		return rc;
	request.room = room < ROOM_MAX ? room : ROOM_MAX;
	got = malloc(sizeof(*got) + request.room);
	if (got == NULL) {
		cmap_connection_put(connection);
		return CS_ERR_NO_MEMORY;
	}
	size = channel_call(&connection->client.channel, CHANNEL_GATE_ALL, &iov, 1, got, sizeof(*got) + request.room);
	cmap_connection_put(connection);
	rc = size < 0 ? client_error(size) : client_response_error(got, (size_t)size, sizeof(*got));
	if (rc == CS_OK && room > 0 && got->value_size > (size_t)size - sizeof(*got))
		rc = CS_ERR_LIBRARY;
	if (rc != CS_OK) {
		free(got);
		return rc;
	}
	*response = got;
	return CS_OK;
}

cs_error_t cmap_get(
	cmap_handle_t handle, const char *key_name, void *value, size_t *value_len, cmap_value_types_t *type)
{
	struct cmap_res_get *response;
	size_t room;
	cs_error_t rc;

	if (value != NULL && value_len == NULL)
		return CS_ERR_INVALID_PARAM;
	room = value == NULL ? 0 : *value_len;
	rc = value_get(handle, key_name, room, &response);
	if (rc != CS_OK)
		return rc;
	if (room > 0)
		memcpy(value, response->value, response->value_size);
	if (value_len != NULL)
		*value_len = response->value_size;
	if (type != NULL)
		*type = (cmap_value_types_t)response->type;
	free(response);
	return CS_OK;
}
