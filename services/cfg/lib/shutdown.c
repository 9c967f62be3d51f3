/*
 * Calls that request a shutdown of the daemon, and answer the vote about it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/cfg/lib/connection.h"

#include "services/client/error.h"

cs_error_t corosync_cfg_trackstart(corosync_cfg_handle_t cfg_handle, uint8_t track_flags)
{
	struct cfg_req_trackstart request = {
		.header = {.id = CFG_REQ_TRACKSTART, .size = sizeof(request)},
		.track_flags = track_flags,
	};
	struct cfg_res_plain response;

	return client_request(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t corosync_cfg_trackstop(corosync_cfg_handle_t cfg_handle)
{
	struct cfg_req_plain request = {.header = {.id = CFG_REQ_TRACKSTOP, .size = sizeof(request)}};
	struct cfg_res_plain response;

	return client_request(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t corosync_cfg_try_shutdown(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags)
{
	struct cfg_req_try_shutdown request = {
		.header = {.id = CFG_REQ_TRY_SHUTDOWN, .size = sizeof(request)},
		.flags = (uint32_t)flags,
	};
	struct cfg_res_plain response;

	return client_request(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response));
}

cs_error_t corosync_cfg_replyto_shutdown(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_reply_flags_t flags)
{
	struct cfg_req_reply_to_shutdown request = {
		.header = {.id = CFG_REQ_REPLY_TO_SHUTDOWN, .size = sizeof(request)},
		.response = (uint32_t)flags,
	};
	struct cfg_res_plain response;

	/* Ignore the error in the daemon's answer: a program cannot know whether the vote still runs. */
	return client_error(
		client_call(&cfg_connections, cfg_handle, &request, sizeof(request), &response, sizeof(response)));
}
