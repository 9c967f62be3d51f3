/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/quorum.h>

static cs_error_t (*const call_initialize)(quorum_handle_t *, quorum_callbacks_t *, uint32_t *) = quorum_initialize;
static cs_error_t (*const call_model)(
	quorum_handle_t *, quorum_model_t, quorum_model_data_t *, uint32_t *, void *) = quorum_model_initialize;
static cs_error_t (*const call_finalize)(quorum_handle_t) = quorum_finalize;
static cs_error_t (*const call_fd)(quorum_handle_t, int *) = quorum_fd_get;
static cs_error_t (*const call_dispatch)(quorum_handle_t, cs_dispatch_flags_t) = quorum_dispatch;
static cs_error_t (*const call_quorate)(quorum_handle_t, int *) = quorum_getquorate;
static cs_error_t (*const call_start)(quorum_handle_t, unsigned int) = quorum_trackstart;
static cs_error_t (*const call_stop)(quorum_handle_t) = quorum_trackstop;
static cs_error_t (*const call_set)(quorum_handle_t, const void *) = quorum_context_set;
static cs_error_t (*const call_context)(quorum_handle_t, const void **) = quorum_context_get;

/* A function with the type of the callback, for the compiler to check. */
static void on_notify(
	quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t view_list_entries, uint32_t *view_list)
{
	(void)handle, (void)quorate, (void)ring_seq, (void)view_list_entries, (void)view_list;
}

static void on_v1_notify(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring_id,
	uint32_t member_list_entries, const uint32_t *member_list)
{
	(void)handle, (void)quorate, (void)ring_id, (void)member_list_entries, (void)member_list;
}

static void on_v1_nodelist(quorum_handle_t handle, struct quorum_ring_id ring_id, uint32_t member_list_entries,
	const uint32_t *member_list, uint32_t joined_list_entries, const uint32_t *joined_list,
	uint32_t left_list_entries, const uint32_t *left_list)
{
	(void)handle, (void)ring_id, (void)member_list_entries, (void)member_list;
	(void)joined_list_entries, (void)joined_list, (void)left_list_entries, (void)left_list;
}

static const quorum_callbacks_t callbacks = {on_notify};
static const quorum_model_v0_data_t v0 = {QUORUM_MODEL_V0, on_notify};
static const quorum_model_v1_data_t v1 = {QUORUM_MODEL_V1, on_v1_notify, on_v1_nodelist};

IS(struct quorum_ring_id, 16);
IS(quorum_callbacks_t, 8);
IS(quorum_model_data_t, 4);
IS(quorum_model_v0_data_t, 16);
IS(quorum_model_v1_data_t, 24);
AT(struct quorum_ring_id, seq, 8);
AT(quorum_model_v0_data_t, quorum_notify_fn, 8);
AT(quorum_model_v1_data_t, quorum_notify_fn, 8);
AT(quorum_model_v1_data_t, nodelist_notify_fn, 16);

int main(void)
{
	NUMBER(QUORUM_MODEL_V0), NUMBER(QUORUM_MODEL_V1), NUMBER(QUORUM_FREE), NUMBER(QUORUM_SET);
	SIZE(quorum_handle_t), SIZE(quorum_model_t), SIZE(struct quorum_ring_id);
	PLACE(struct quorum_ring_id, nodeid), PLACE(struct quorum_ring_id, seq);
	SIZE(quorum_callbacks_t), PLACE(quorum_callbacks_t, quorum_notify_fn);
	SIZE(quorum_model_data_t), PLACE(quorum_model_data_t, model);
	SIZE(quorum_model_v0_data_t), PLACE(quorum_model_v0_data_t, model);
	PLACE(quorum_model_v0_data_t, quorum_notify_fn), SIZE(quorum_model_v1_data_t);
	PLACE(quorum_model_v1_data_t, model), PLACE(quorum_model_v1_data_t, quorum_notify_fn);
	PLACE(quorum_model_v1_data_t, nodelist_notify_fn);
	NUMBER(call_initialize && call_model && call_finalize && call_fd && call_dispatch);
	NUMBER(call_quorate && call_start && call_stop && call_set && call_context);
	NUMBER(callbacks.quorum_notify_fn && v0.quorum_notify_fn && v1.quorum_notify_fn);
	return 0;
}
