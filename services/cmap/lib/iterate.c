/*
 * Calls that iterate over keys. The executive stores the position of an iteration. The public handle is the executive's
 * number of the iteration.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cmap/lib/connection.h"

#include <string.h>

cs_error_t cmap_iter_init(cmap_handle_t handle, const char *prefix, cmap_iter_handle_t *cmap_iter_handle)
{
	struct cmap_connection *connection;
	struct cmap_req_iter_init request = {.header = {.id = CMAP_REQ_ITER_INIT, .size = sizeof(request)}};
	struct cmap_res_iter_init response;
	cs_error_t rc;

	if (cmap_iter_handle == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = cmap_connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	rc = cmap_name_to_wire(&request.prefix, prefix);
	if (rc == CS_OK)
		rc = channel_request(
			&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	if (rc == CS_OK)
		*cmap_iter_handle = response.iterator;
	cmap_connection_put(connection);
	return rc;
}

cs_error_t cmap_iter_next(cmap_handle_t handle, cmap_iter_handle_t iter_handle, char key_name[], size_t *value_len,
	cmap_value_types_t *type)
{
	struct cmap_connection *connection;
	struct cmap_req_iter_next request = {
		.header = {.id = CMAP_REQ_ITER_NEXT, .size = sizeof(request)},
		.iterator = iter_handle,
	};
	struct cmap_res_iter_next response;
	cs_error_t rc;

	if (key_name == NULL)
		return CS_ERR_INVALID_PARAM;
	rc = cmap_connection_get(handle, &connection);
	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	cmap_connection_put(connection);
	if (rc == CS_OK && response.name.length > CMAP_KEYNAME_MAXLEN)
		rc = CS_ERR_LIBRARY;
	if (rc != CS_OK)
		return rc;
	memcpy(key_name, response.name.value, response.name.length);
	key_name[response.name.length] = '\0';
	if (value_len != NULL)
		*value_len = response.value_size;
	if (type != NULL)
		*type = (cmap_value_types_t)response.type;
	return CS_OK;
}

cs_error_t cmap_iter_finalize(cmap_handle_t handle, cmap_iter_handle_t iter_handle)
{
	struct cmap_connection *connection;
	struct cmap_req_iter_finalize request = {
		.header = {.id = CMAP_REQ_ITER_FINALIZE, .size = sizeof(request)},
		.iterator = iter_handle,
	};
	struct cmap_res_plain response;
	cs_error_t rc = cmap_connection_get(handle, &connection);

	if (rc != CS_OK)
		return rc;
	rc = channel_request(&connection->client.channel, &request, sizeof(request), &response, sizeof(response));
	cmap_connection_put(connection);
	return rc;
}
