/*
 * Arguments, the order in which they are checked, and what can be asked for.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cfg_matrix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char long_reason[257];

static void calls_on_bad(corosync_cfg_handle_t handle)
{
	struct corosync_cfg_node_status_v1 status;
	corosync_cfg_node_address_t addresses[2];
	char **names, **texts;
	unsigned int number;
	int32_t fd;
	int count;

	CALL(corosync_cfg_fd_get(handle, &fd));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(corosync_cfg_dispatch(handle, (cs_dispatch_flags_t)99));
	CALL(corosync_cfg_ring_status_get(handle, &names, &texts, &number));
	CALL(corosync_cfg_node_status_get(handle, 1, CFG_NODE_STATUS_V1, NULL));
	CALL(corosync_cfg_node_status_get(handle, 1, (corosync_cfg_node_status_version_t)2, &status));
	CALL(corosync_cfg_node_status_get(handle, 1, CFG_NODE_STATUS_V1, &status));
	CALL(corosync_cfg_kill_node(handle, 9, "reason"));
	CALL(corosync_cfg_kill_node(handle, 9, long_reason));
	CALL(corosync_cfg_trackstart(handle, 0));
	CALL(corosync_cfg_trackstop(handle));
	CALL(corosync_cfg_try_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE));
	CALL(corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_YES));
	CALL(corosync_cfg_get_node_addrs(handle, 1, 2, &count, addresses));
	CALL(corosync_cfg_local_get(handle, &number));
	CALL(corosync_cfg_reload_config(handle));
	CALL(corosync_cfg_reopen_log_files(handle));
	CALL(corosync_cfg_finalize(handle));
}

static int as_nobody(void *argument)
{
	corosync_cfg_handle_t handle;

	(void)argument;
	return become_nobody() ? (int)corosync_cfg_initialize(&handle, NULL) : 100;
}

void part_calls(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing(), other;
	unsigned int nodeid = 0;
	int32_t fd, again;

	(void)daemon;
	memset(long_reason, 'x', 256);
	say("-- handles that never were, and that were");
	calls_on_bad(0);
	calls_on_bad(handle + 1);
	CALL(corosync_cfg_initialize(&other, NULL));
	CALL(corosync_cfg_finalize(other));
	calls_on_bad(other);
	say("another user: %s", in_child(as_nobody, NULL, 5000));
	say("-- live");
	CALL(corosync_cfg_local_get(handle, &nodeid));
	say("node %u", nodeid);
	CALL(corosync_cfg_fd_get(handle, &fd));
	CALL(corosync_cfg_fd_get(handle, &again));
	say("%s, revents %d", fd == again ? "the same" : "another", revents_of(handle));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(corosync_cfg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(PATIENTLY(corosync_cfg_trackstart(handle, 0)));
	CALL(PATIENTLY(corosync_cfg_trackstart(handle, 255)));
	CALL(PATIENTLY(corosync_cfg_trackstop(handle)));
	CALL(PATIENTLY(corosync_cfg_trackstop(handle)));
	CALL(PATIENTLY(corosync_cfg_kill_node(handle, 0, "nobody")));
	CALL(PATIENTLY(corosync_cfg_kill_node(handle, 9, "")));
	CALL(corosync_cfg_kill_node(handle, 9, long_reason));
	CALL(PATIENTLY(corosync_cfg_kill_node(handle, 9, long_reason + 1)));
	CALL(corosync_cfg_finalize(handle));
}

/* ---- Status -------------------------------------------------------------- */

static void print_ring_status(corosync_cfg_handle_t handle)
{
	char **names, **texts;
	unsigned int count = 77;

	CALL(PATIENTLY(corosync_cfg_ring_status_get(handle, &names, &texts, &count)));
	say("%u", count);
	for (unsigned int i = 0; i < count; i++) {
		say("'%s' '%s'", names[i], texts[i]);
		free(names[i]);
		free(texts[i]);
	}
	free(names);
	free(texts);
}

static void print_node_status(corosync_cfg_handle_t handle, unsigned int nodeid)
{
	struct corosync_cfg_node_status_v1 status;

	memset(&status, 0xee, sizeof(status));
	CALL(corosync_cfg_node_status_get(handle, nodeid, CFG_NODE_STATUS_V1, &status));
	say("version %d node %u: reachable %u remote %u external %u onwire %u %u %u", (int)status.version,
		status.nodeid, status.reachable, status.remote, status.external, status.onwire_min, status.onwire_max,
		status.onwire_ver);
	for (int i = 0; i < CFG_MAX_LINKS; i++)
		say("link %d: %u %u %u mtu %u '%s' '%s'", i, status.link_status[i].enabled,
			status.link_status[i].connected, status.link_status[i].dynconnected, status.link_status[i].mtu,
			status.link_status[i].src_ipaddr, status.link_status[i].dst_ipaddr);
}

static void print_addresses(corosync_cfg_handle_t handle, unsigned int nodeid, size_t max)
{
	corosync_cfg_node_address_t addresses[2];
	struct sockaddr_in address;
	char text[INET_ADDRSTRLEN];
	int count = 77;

	memset(addresses, 0xee, sizeof(addresses));
	errno = 0;
	cs_error_t rc = corosync_cfg_get_node_addrs(handle, nodeid, max, &count, addresses);

	say("addresses of %u, room for %zu = %d, errno %d", nodeid, max, (int)rc, rc == CS_OK ? 0 : errno);
	if (rc != CS_OK)
		return;
	say("%d", count);
	for (int i = 0; i < count && i < (int)max; i++) {
		memcpy(&address, addresses[i].address, sizeof(address));
		say("length %d family %d %s", addresses[i].address_length, address.sin_family,
			inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)));
	}
}

void part_status(pid_t daemon)
{
	corosync_cfg_handle_t handle = connect_printing();

	(void)daemon;
	print_ring_status(handle);
	print_node_status(handle, 1);
	print_node_status(handle, 9);
	print_node_status(handle, 0);
	print_addresses(handle, 0, 2);
	print_addresses(handle, 1, 1);
	print_addresses(handle, 1, 0);
	print_addresses(handle, 9, 2);
	CALL(corosync_cfg_finalize(handle));
}
