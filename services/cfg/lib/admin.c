/*
 * The calls that kill a node, reload the configuration, reopen the logs and get this node's id.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/lib/connection.h"

#include <string.h>

cs_error_t corosync_cfg_kill_node(corosync_cfg_handle_t cfg_handle, unsigned int nodeid, const char *reason)
{
	struct cfg_req_kill_node request;
	struct cfg_res_plain response;
	size_t size;

	if (reason == NULL)
		return CS_ERR_INVALID_PARAM;
	size = strnlen(reason, CFG_REASON_SIZE) + 1; /* with the NUL */
	if (size > CFG_REASON_SIZE)
		return CS_ERR_NAME_TOO_LONG;
	memset(&request, 0, sizeof(request));
	request.header.id = CFG_REQ_KILL_NODE;
	request.header.size = sizeof(request);
	request.nodeid = nodeid;
	request.reason.length = (uint16_t)size;
	memcpy(request.reason.text, reason, size);
	return client_request(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t corosync_cfg_local_get(corosync_cfg_handle_t handle, unsigned int *local_nodeid)
{
	struct cfg_req_plain request = {.header = {.id = CFG_REQ_LOCAL_GET, .size = sizeof(request)}};
	struct cfg_res_local_get response;
	cs_error_t rc = client_request(
		&cfg_connections, handle, &request, sizeof(request), &response, sizeof(response));

	if (rc == CS_OK)
		*local_nodeid = response.nodeid;
	return rc;
}

static cs_error_t order(corosync_cfg_handle_t handle, enum cfg_request_id id)
{
	struct cfg_req_plain request = {.header = {.id = (int32_t)id, .size = sizeof(request)}};
	struct cfg_res_plain response;

	return client_request(&cfg_connections, handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t corosync_cfg_reload_config(corosync_cfg_handle_t handle) { return order(handle, CFG_REQ_RELOAD_CONFIG); }

cs_error_t corosync_cfg_reopen_log_files(corosync_cfg_handle_t handle)
{
	return order(handle, CFG_REQ_REOPEN_LOG_FILES);
}
