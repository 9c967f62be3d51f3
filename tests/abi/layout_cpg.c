/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/cpg.h>

static cs_error_t (*const call_initialize)(cpg_handle_t *, cpg_callbacks_t *) = cpg_initialize;
static cs_error_t (*const call_model)(cpg_handle_t *, cpg_model_t, cpg_model_data_t *, void *) = cpg_model_initialize;
static cs_error_t (*const call_finalize)(cpg_handle_t) = cpg_finalize;
static cs_error_t (*const call_fd)(cpg_handle_t, int *) = cpg_fd_get;
static cs_error_t (*const call_size)(cpg_handle_t, uint32_t *) = cpg_max_atomic_msgsize_get;
static cs_error_t (*const call_context)(cpg_handle_t, void **) = cpg_context_get;
static cs_error_t (*const call_set)(cpg_handle_t, void *) = cpg_context_set;
static cs_error_t (*const call_dispatch)(cpg_handle_t, cs_dispatch_flags_t) = cpg_dispatch;
static cs_error_t (*const call_join)(cpg_handle_t, const struct cpg_name *) = cpg_join;
static cs_error_t (*const call_leave)(cpg_handle_t, const struct cpg_name *) = cpg_leave;
static cs_error_t (*const call_mcast)(
	cpg_handle_t, cpg_guarantee_t, const struct iovec *, unsigned int) = cpg_mcast_joined;
static cs_error_t (*const call_members)(
	cpg_handle_t, struct cpg_name *, struct cpg_address *, int *) = cpg_membership_get;
static cs_error_t (*const call_local)(cpg_handle_t, unsigned int *) = cpg_local_get;
static cs_error_t (*const call_flow)(cpg_handle_t, cpg_flow_control_state_t *) = cpg_flow_control_state_get;
static cs_error_t (*const call_alloc)(cpg_handle_t, size_t, void **) = cpg_zcb_alloc;
static cs_error_t (*const call_free)(cpg_handle_t, void *) = cpg_zcb_free;
static cs_error_t (*const call_zcb)(cpg_handle_t, cpg_guarantee_t, void *, size_t) = cpg_zcb_mcast_joined;
static cs_error_t (*const call_walk)(cpg_handle_t, cpg_iteration_type_t, const struct cpg_name *,
	cpg_iteration_handle_t *) = cpg_iteration_initialize;
static cs_error_t (*const call_next)(cpg_iteration_handle_t, struct cpg_iteration_description_t *) = cpg_iteration_next;
static cs_error_t (*const call_end)(cpg_iteration_handle_t) = cpg_iteration_finalize;

IS(struct cpg_name, 132);
IS(struct cpg_address, 12);
IS(struct cpg_iteration_description_t, 140);
IS(struct cpg_ring_id, 16);
IS(cpg_callbacks_t, 16);
IS(cpg_model_data_t, 4);
IS(cpg_model_v1_data_t, 40);
AT(struct cpg_name, value, 4);
AT(struct cpg_iteration_description_t, nodeid, 132);
AT(struct cpg_iteration_description_t, pid, 136);
AT(struct cpg_ring_id, seq, 8);
AT(cpg_model_v1_data_t, cpg_deliver_fn, 8);
AT(cpg_model_v1_data_t, cpg_totem_confchg_fn, 24);
AT(cpg_model_v1_data_t, flags, 32);
_Static_assert(CPG_TYPE_SAFE == 3 && CPG_REASON_PROCDOWN == 5, "counted from 0");

static void cpg(void)
{
	NUMBER(CPG_TYPE_UNORDERED), NUMBER(CPG_TYPE_FIFO), NUMBER(CPG_TYPE_AGREED);
	NUMBER(CPG_TYPE_SAFE), NUMBER(CPG_FLOW_CONTROL_DISABLED), NUMBER(CPG_FLOW_CONTROL_ENABLED);
	NUMBER(CPG_REASON_UNDEFINED), NUMBER(CPG_REASON_JOIN), NUMBER(CPG_REASON_LEAVE);
	NUMBER(CPG_REASON_NODEDOWN), NUMBER(CPG_REASON_NODEUP), NUMBER(CPG_REASON_PROCDOWN);
	NUMBER(CPG_ITERATION_NAME_ONLY), NUMBER(CPG_ITERATION_ONE_GROUP);
	NUMBER(CPG_ITERATION_ALL), NUMBER(CPG_MODEL_V1), NUMBER(CPG_MAX_NAME_LENGTH);
	NUMBER(CPG_MEMBERS_MAX), NUMBER(CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF);
	SIZE(cpg_handle_t), SIZE(cpg_iteration_handle_t), SIZE(cpg_guarantee_t);
	SIZE(cpg_flow_control_state_t), SIZE(cpg_reason_t), SIZE(cpg_iteration_type_t);
	SIZE(cpg_model_t), SIZE(struct cpg_address), PLACE(struct cpg_address, nodeid);
	PLACE(struct cpg_address, pid), PLACE(struct cpg_address, reason), SIZE(struct cpg_name);
	PLACE(struct cpg_name, length), PLACE(struct cpg_name, value);
	SIZE(struct cpg_iteration_description_t);
	PLACE(struct cpg_iteration_description_t, group);
	PLACE(struct cpg_iteration_description_t, nodeid);
	PLACE(struct cpg_iteration_description_t, pid), SIZE(struct cpg_ring_id);
	PLACE(struct cpg_ring_id, nodeid), PLACE(struct cpg_ring_id, seq), SIZE(cpg_callbacks_t);
	PLACE(cpg_callbacks_t, cpg_deliver_fn), PLACE(cpg_callbacks_t, cpg_confchg_fn);
	SIZE(cpg_model_data_t), PLACE(cpg_model_data_t, model), SIZE(cpg_model_v1_data_t);
	PLACE(cpg_model_v1_data_t, model), PLACE(cpg_model_v1_data_t, cpg_deliver_fn);
	PLACE(cpg_model_v1_data_t, cpg_confchg_fn);
	PLACE(cpg_model_v1_data_t, cpg_totem_confchg_fn), PLACE(cpg_model_v1_data_t, flags);
}

int main(void)
{
	cpg();
	NUMBER(call_initialize && call_model && call_finalize && call_fd && call_size && call_context && call_set &&
		call_dispatch && call_join && call_leave && call_mcast);
	NUMBER(call_members && call_local && call_flow && call_alloc && call_free && call_zcb && call_walk &&
		call_next && call_end);
	return 0;
}
