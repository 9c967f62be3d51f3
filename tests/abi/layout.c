/*
 * Numbers and layouts of the public headers. Compiled against ours it proves the table of spec 01
 * (amd64); run with ours and with Debian's it prints two texts that must be equal.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include <corosync/corodefs.h>
#include <corosync/corotypes.h>
#include <corosync/cpg.h>

#define NUMBER(value) printf("%s %lld\n", #value, (long long)(value))
#define TEXT(value) printf("%s %s\n", #value, value)
#define SIZE(type) printf("%s size %zu align %zu\n", #type, sizeof(type), _Alignof(type))
#define PLACE(type, member)                                                                        \
	printf("%s.%s at %zu size %zu\n", #type, #member, offsetof(type, member),                  \
		sizeof(((type *)NULL)->member))

/* Parameter and result types: an assignment that does not fit is a warning, hence an error. */
static cs_error_t (*const call_initialize)(cpg_handle_t *, cpg_callbacks_t *) = cpg_initialize;
static cs_error_t (*const call_model)(
	cpg_handle_t *, cpg_model_t, cpg_model_data_t *, void *) = cpg_model_initialize;
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
static cs_error_t (*const call_flow)(
	cpg_handle_t, cpg_flow_control_state_t *) = cpg_flow_control_state_get;
static cs_error_t (*const call_alloc)(cpg_handle_t, size_t, void **) = cpg_zcb_alloc;
static cs_error_t (*const call_free)(cpg_handle_t, void *) = cpg_zcb_free;
static cs_error_t (*const call_zcb)(
	cpg_handle_t, cpg_guarantee_t, void *, size_t) = cpg_zcb_mcast_joined;
static cs_error_t (*const call_walk)(cpg_handle_t, cpg_iteration_type_t, const struct cpg_name *,
	cpg_iteration_handle_t *) = cpg_iteration_initialize;
static cs_error_t (*const call_next)(
	cpg_iteration_handle_t, struct cpg_iteration_description_t *) = cpg_iteration_next;
static cs_error_t (*const call_end)(cpg_iteration_handle_t) = cpg_iteration_finalize;
static const char *(*const call_text)(cs_error_t) = cs_strerror;
static cs_error_t (*const call_qb)(int) = qb_to_cs_error;
static cs_error_t (*const call_hdb)(int) = hdb_error_to_cs;

#ifdef __x86_64__
#define IS(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, member, at) _Static_assert(offsetof(type, member) == (at), #type "." #member)
IS(cs_error_t, 4);
IS(cs_name_t, 258);
IS(cs_version_t, 3);
IS(struct cpg_name, 132);
IS(struct cpg_address, 12);
IS(struct cpg_iteration_description_t, 140);
IS(struct cpg_ring_id, 16);
IS(cpg_callbacks_t, 16);
IS(cpg_model_data_t, 4);
IS(cpg_model_v1_data_t, 40);
AT(cs_name_t, value, 2);
AT(struct cpg_name, value, 4);
AT(struct cpg_iteration_description_t, nodeid, 132);
AT(struct cpg_iteration_description_t, pid, 136);
AT(struct cpg_ring_id, seq, 8);
AT(cpg_model_v1_data_t, cpg_deliver_fn, 8);
AT(cpg_model_v1_data_t, cpg_totem_confchg_fn, 24);
AT(cpg_model_v1_data_t, flags, 32);
_Static_assert(CS_ERR_NO_SECTIONS == 27 && CS_ERR_TOO_MANY_GROUPS == 30, "the gap at 29");
_Static_assert(CPG_TYPE_SAFE == 3 && CPG_REASON_PROCDOWN == 5, "counted from 0");
#endif

static void errors(void)
{
	NUMBER(CS_OK), NUMBER(CS_ERR_LIBRARY), NUMBER(CS_ERR_VERSION), NUMBER(CS_ERR_INIT);
	NUMBER(CS_ERR_TIMEOUT), NUMBER(CS_ERR_TRY_AGAIN), NUMBER(CS_ERR_INVALID_PARAM);
	NUMBER(CS_ERR_NO_MEMORY), NUMBER(CS_ERR_BAD_HANDLE), NUMBER(CS_ERR_BUSY);
	NUMBER(CS_ERR_ACCESS), NUMBER(CS_ERR_NOT_EXIST), NUMBER(CS_ERR_NAME_TOO_LONG);
	NUMBER(CS_ERR_EXIST), NUMBER(CS_ERR_NO_SPACE), NUMBER(CS_ERR_INTERRUPT);
	NUMBER(CS_ERR_NAME_NOT_FOUND), NUMBER(CS_ERR_NO_RESOURCES), NUMBER(CS_ERR_NOT_SUPPORTED);
	NUMBER(CS_ERR_BAD_OPERATION), NUMBER(CS_ERR_FAILED_OPERATION);
	NUMBER(CS_ERR_MESSAGE_ERROR), NUMBER(CS_ERR_QUEUE_FULL);
	NUMBER(CS_ERR_QUEUE_NOT_AVAILABLE), NUMBER(CS_ERR_BAD_FLAGS), NUMBER(CS_ERR_TOO_BIG);
	NUMBER(CS_ERR_NO_SECTIONS), NUMBER(CS_ERR_CONTEXT_NOT_FOUND);
	NUMBER(CS_ERR_TOO_MANY_GROUPS), NUMBER(CS_ERR_SECURITY);
}

static void common(void)
{
	NUMBER(CS_DISPATCH_ONE), NUMBER(CS_DISPATCH_ALL), NUMBER(CS_DISPATCH_BLOCKING);
	NUMBER(CS_DISPATCH_ONE_NONBLOCKING), NUMBER(CS_TRACK_CURRENT), NUMBER(CS_TRACK_CHANGES);
	NUMBER(CS_TRACK_CHANGES_ONLY), NUMBER(CS_FALSE), NUMBER(CS_TRUE), NUMBER(CS_TIME_END);
	NUMBER(CS_MAX_NAME_LENGTH), NUMBER(CS_MAX(1, 2)), NUMBER(CS_MAX(2, 1));
	NUMBER(CS_IPC_TIMEOUT_MS), NUMBER(CS_TIME_MS_IN_SEC), NUMBER(CS_TIME_US_IN_SEC);
	NUMBER(CS_TIME_NS_IN_SEC), NUMBER(CS_TIME_US_IN_MSEC), NUMBER(CS_TIME_NS_IN_MSEC);
	NUMBER(CS_TIME_NS_IN_USEC), TEXT(CS_PRI_NODE_ID), TEXT(CS_PRI_NODE_ID_PADDED);
	TEXT(CS_PRI_RING_ID_SEQ), TEXT(CS_PRI_RING_ID), SIZE(cs_time_t), SIZE(cs_error_t);
	SIZE(cs_dispatch_flags_t), SIZE(cs_name_t), PLACE(cs_name_t, length);
	PLACE(cs_name_t, value), SIZE(cs_version_t), PLACE(cs_version_t, releaseCode);
	PLACE(cs_version_t, majorVersion), PLACE(cs_version_t, minorVersion);
	NUMBER(CMAP_SERVICE), NUMBER(CFG_SERVICE), NUMBER(CPG_SERVICE), NUMBER(QUORUM_SERVICE);
	NUMBER(PLOAD_SERVICE), NUMBER(VOTEQUORUM_SERVICE), NUMBER(MON_SERVICE), NUMBER(WD_SERVICE);
	NUMBER(PROCESSOR_COUNT_MAX), NUMBER(TOTEMIP_ADDRLEN), NUMBER(sizeof(TOTEMIP_ADDRLEN));
	NUMBER(cs_timestamp_get() > 0);
}

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
	errors();
	common();
	cpg();
	NUMBER(call_initialize && call_model && call_finalize && call_fd && call_size &&
		call_context && call_set && call_dispatch && call_join && call_leave && call_mcast);
	NUMBER(call_members && call_local && call_flow && call_alloc && call_free && call_zcb &&
		call_walk && call_next && call_end && call_text && call_qb && call_hdb);
	return 0;
}
