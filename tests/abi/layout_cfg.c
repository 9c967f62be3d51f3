/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/cfg.h>

typedef corosync_cfg_handle_t handle_type;

static cs_error_t (*const call_initialize)(handle_type *, const corosync_cfg_callbacks_t *) = corosync_cfg_initialize;
static cs_error_t (*const call_fd)(handle_type, int32_t *) = corosync_cfg_fd_get;
static cs_error_t (*const call_dispatch)(handle_type, cs_dispatch_flags_t) = corosync_cfg_dispatch;
static cs_error_t (*const call_finalize)(handle_type) = corosync_cfg_finalize;
static cs_error_t (*const call_ring)(handle_type, char ***, char ***, unsigned int *) = corosync_cfg_ring_status_get;
static cs_error_t (*const call_node)(
	handle_type, unsigned int, corosync_cfg_node_status_version_t, void *) = corosync_cfg_node_status_get;
static cs_error_t (*const call_kill)(handle_type, unsigned int, const char *) = corosync_cfg_kill_node;
static cs_error_t (*const call_start)(handle_type, uint8_t) = corosync_cfg_trackstart;
static cs_error_t (*const call_stop)(handle_type) = corosync_cfg_trackstop;
static cs_error_t (*const call_shutdown)(handle_type, corosync_cfg_shutdown_flags_t) = corosync_cfg_try_shutdown;
static cs_error_t (*const call_reply)(handle_type, corosync_cfg_shutdown_reply_flags_t) = corosync_cfg_replyto_shutdown;
static cs_error_t (*const call_addrs)(
	handle_type, unsigned int, size_t, int *, corosync_cfg_node_address_t *) = corosync_cfg_get_node_addrs;
static cs_error_t (*const call_local)(handle_type, unsigned int *) = corosync_cfg_local_get;
static cs_error_t (*const call_reload)(handle_type) = corosync_cfg_reload_config;
static cs_error_t (*const call_reopen)(handle_type) = corosync_cfg_reopen_log_files;

static void on_shutdown(corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	(void)handle, (void)flags;
}

static const corosync_cfg_callbacks_t callbacks = {on_shutdown};

typedef struct corosync_knet_link_status_v1 link_type;
typedef struct corosync_cfg_node_status_v1 node_type;

IS(corosync_cfg_callbacks_t, 8);
IS(corosync_cfg_node_address_t, 32);
IS(link_type, 520);
IS(node_type, 4176);
AT(corosync_cfg_node_address_t, address, 4);
AT(link_type, dynconnected, 2);
AT(link_type, mtu, 4);
AT(link_type, src_ipaddr, 8);
AT(link_type, dst_ipaddr, 264);
AT(node_type, nodeid, 4);
AT(node_type, reachable, 8);
AT(node_type, onwire_ver, 13);
AT(node_type, link_status, 16);

int main(void)
{
	NUMBER(COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST), NUMBER(COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS);
	NUMBER(COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE), NUMBER(COROSYNC_CFG_SHUTDOWN_FLAG_NO);
	NUMBER(COROSYNC_CFG_SHUTDOWN_FLAG_YES), NUMBER(CFG_NODE_STATUS_V1);
	NUMBER(CFG_MAX_HOST_LEN), NUMBER(CFG_MAX_LINKS);
	SIZE(corosync_cfg_handle_t), SIZE(corosync_cfg_shutdown_flags_t);
	SIZE(corosync_cfg_shutdown_reply_flags_t), SIZE(corosync_cfg_shutdown_callback_t);
	SIZE(corosync_cfg_callbacks_t);
	PLACE(corosync_cfg_callbacks_t, corosync_cfg_shutdown_callback);
	SIZE(corosync_cfg_node_address_t), PLACE(corosync_cfg_node_address_t, address_length);
	PLACE(corosync_cfg_node_address_t, address), SIZE(corosync_cfg_node_status_version_t);
	SIZE(link_type), PLACE(link_type, enabled), PLACE(link_type, connected);
	PLACE(link_type, dynconnected), PLACE(link_type, mtu), PLACE(link_type, src_ipaddr);
	PLACE(link_type, dst_ipaddr), SIZE(node_type), PLACE(node_type, version);
	PLACE(node_type, nodeid), PLACE(node_type, reachable), PLACE(node_type, remote);
	PLACE(node_type, external), PLACE(node_type, onwire_min), PLACE(node_type, onwire_max);
	PLACE(node_type, onwire_ver), PLACE(node_type, link_status);
	NUMBER(call_initialize && call_fd && call_dispatch && call_finalize && call_ring);
	NUMBER(call_node && call_kill && call_start && call_stop && call_shutdown && call_reply);
	NUMBER(call_addrs && call_local && call_reload && call_reopen);
	NUMBER(callbacks.corosync_cfg_shutdown_callback != NULL);
	return 0;
}
