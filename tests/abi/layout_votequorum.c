/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/votequorum.h>

static cs_error_t (*const call_initialize)(votequorum_handle_t *, votequorum_callbacks_t *) = votequorum_initialize;
static cs_error_t (*const call_finalize)(votequorum_handle_t) = votequorum_finalize;
static cs_error_t (*const call_dispatch)(votequorum_handle_t, cs_dispatch_flags_t) = votequorum_dispatch;
static cs_error_t (*const call_fd)(votequorum_handle_t, int *) = votequorum_fd_get;
static cs_error_t (*const call_info)(votequorum_handle_t, unsigned int, struct votequorum_info *) = votequorum_getinfo;
static cs_error_t (*const call_expected)(votequorum_handle_t, unsigned int) = votequorum_setexpected;
static cs_error_t (*const call_votes)(votequorum_handle_t, unsigned int, unsigned int) = votequorum_setvotes;
static cs_error_t (*const call_start)(votequorum_handle_t, uint64_t, unsigned int) = votequorum_trackstart;
static cs_error_t (*const call_stop)(votequorum_handle_t) = votequorum_trackstop;
static cs_error_t (*const call_context)(votequorum_handle_t, void **) = votequorum_context_get;
static cs_error_t (*const call_set)(votequorum_handle_t, void *) = votequorum_context_set;
static cs_error_t (*const call_register)(votequorum_handle_t, const char *) = votequorum_qdevice_register;
static cs_error_t (*const call_unregister)(votequorum_handle_t, const char *) = votequorum_qdevice_unregister;
static cs_error_t (*const call_update)(votequorum_handle_t, const char *, const char *) = votequorum_qdevice_update;
static cs_error_t (*const call_poll)(
	votequorum_handle_t, const char *, unsigned int, votequorum_ring_id_t) = votequorum_qdevice_poll;
static cs_error_t (*const call_master)(
	votequorum_handle_t, const char *, unsigned int) = votequorum_qdevice_master_wins;

/* Functions with the types of the callbacks, for the compiler to check. */
static void on_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t node_list_entries,
	votequorum_node_t node_list[])
{
	(void)handle, (void)context, (void)quorate, (void)node_list_entries, (void)node_list;
}

static void on_expected(votequorum_handle_t handle, uint64_t context, uint32_t expected_votes)
{
	(void)handle, (void)context, (void)expected_votes;
}

static void on_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id,
	uint32_t node_list_entries, uint32_t node_list[])
{
	(void)handle, (void)context, (void)ring_id, (void)node_list_entries, (void)node_list;
}

static const votequorum_callbacks_t callbacks = {on_quorum, on_expected, on_nodelist};

IS(struct votequorum_info, 292);
IS(votequorum_node_t, 8);
IS(votequorum_ring_id_t, 16);
IS(votequorum_callbacks_t, 24);
AT(struct votequorum_info, flags, 28);
AT(struct votequorum_info, qdevice_name, 36);
AT(votequorum_ring_id_t, seq, 8);
AT(votequorum_callbacks_t, votequorum_expectedvotes_notify_fn, 8);
AT(votequorum_callbacks_t, votequorum_nodelist_notify_fn, 16);

static void numbers(void)
{
	NUMBER(VOTEQUORUM_INFO_TWONODE), NUMBER(VOTEQUORUM_INFO_QUORATE);
	NUMBER(VOTEQUORUM_INFO_WAIT_FOR_ALL), NUMBER(VOTEQUORUM_INFO_LAST_MAN_STANDING);
	NUMBER(VOTEQUORUM_INFO_AUTO_TIE_BREAKER), NUMBER(VOTEQUORUM_INFO_ALLOW_DOWNSCALE);
	NUMBER(VOTEQUORUM_INFO_QDEVICE_REGISTERED), NUMBER(VOTEQUORUM_INFO_QDEVICE_ALIVE);
	NUMBER(VOTEQUORUM_INFO_QDEVICE_CAST_VOTE), NUMBER(VOTEQUORUM_INFO_QDEVICE_MASTER_WINS);
	NUMBER(VOTEQUORUM_QDEVICE_NODEID), NUMBER(VOTEQUORUM_QDEVICE_MAX_NAME_LEN);
	NUMBER(VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT);
	NUMBER(VOTEQUORUM_QDEVICE_DEFAULT_SYNC_TIMEOUT), NUMBER(VOTEQUORUM_NODESTATE_MEMBER);
	NUMBER(VOTEQUORUM_NODESTATE_DEAD), NUMBER(VOTEQUORUM_NODESTATE_LEAVING);
}

static void places(void)
{
	SIZE(votequorum_handle_t), SIZE(struct votequorum_info);
	PLACE(struct votequorum_info, node_id), PLACE(struct votequorum_info, node_state);
	PLACE(struct votequorum_info, node_votes);
	PLACE(struct votequorum_info, node_expected_votes);
	PLACE(struct votequorum_info, highest_expected);
	PLACE(struct votequorum_info, total_votes), PLACE(struct votequorum_info, quorum);
	PLACE(struct votequorum_info, flags), PLACE(struct votequorum_info, qdevice_votes);
	PLACE(struct votequorum_info, qdevice_name), SIZE(votequorum_node_t);
	PLACE(votequorum_node_t, nodeid), PLACE(votequorum_node_t, state);
	SIZE(votequorum_ring_id_t), PLACE(votequorum_ring_id_t, nodeid);
	PLACE(votequorum_ring_id_t, seq), SIZE(votequorum_callbacks_t);
	PLACE(votequorum_callbacks_t, votequorum_quorum_notify_fn);
	PLACE(votequorum_callbacks_t, votequorum_expectedvotes_notify_fn);
	PLACE(votequorum_callbacks_t, votequorum_nodelist_notify_fn);
}

int main(void)
{
	numbers();
	places();
	NUMBER(call_initialize && call_finalize && call_dispatch && call_fd && call_info);
	NUMBER(call_expected && call_votes && call_start && call_stop && call_context && call_set);
	NUMBER(call_register && call_unregister && call_update && call_poll && call_master);
	NUMBER(callbacks.votequorum_quorum_notify_fn != NULL);
	return 0;
}
