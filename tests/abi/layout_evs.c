/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/abi/layout.h"

#include <corosync/evs.h>

static cs_error_t (*const call_initialize)(evs_handle_t *, evs_callbacks_t *) = evs_initialize;
static cs_error_t (*const call_finalize)(evs_handle_t) = evs_finalize;
static cs_error_t (*const call_fd)(evs_handle_t, int *) = evs_fd_get;
static cs_error_t (*const call_context)(evs_handle_t, void **) = evs_context_get;
static cs_error_t (*const call_set)(evs_handle_t, void *) = evs_context_set;
static cs_error_t (*const call_dispatch)(evs_handle_t, cs_dispatch_flags_t) = evs_dispatch;
static cs_error_t (*const call_join)(evs_handle_t, const struct evs_group *, size_t) = evs_join;
static cs_error_t (*const call_leave)(evs_handle_t, const struct evs_group *, size_t) = evs_leave;
static cs_error_t (*const call_mcast)(
	evs_handle_t, evs_guarantee_t, const struct iovec *, unsigned int) = evs_mcast_joined;
static cs_error_t (*const call_groups)(evs_handle_t, evs_guarantee_t, const struct evs_group *, size_t,
	const struct iovec *, unsigned int) = evs_mcast_groups;
static cs_error_t (*const call_members)(evs_handle_t, unsigned int *, unsigned int *, size_t *) = evs_membership_get;

/*
 * Functions with the types of the callbacks, for the compiler to check. Releases 1.x call the handle hdb_handle_t,
 * which is the same type.
 */
static void on_deliver(uint64_t handle, unsigned int nodeid, const void *msg, size_t msg_len)
{
	(void)handle, (void)nodeid, (void)msg, (void)msg_len;
}

static void on_confchg(uint64_t handle, const unsigned int *member_list, size_t member_list_entries,
	const unsigned int *left_list, size_t left_list_entries, const unsigned int *joined_list,
	size_t joined_list_entries, const struct evs_ring_id *ring_id)
{
	(void)handle, (void)member_list, (void)member_list_entries, (void)left_list;
	(void)left_list_entries, (void)joined_list, (void)joined_list_entries, (void)ring_id;
}

static const evs_callbacks_t callbacks = {on_deliver, on_confchg};

IS(evs_handle_t, 8);
IS(struct evs_group, 32);
IS(struct evs_ring_id, 16);
IS(evs_callbacks_t, 16);
IS(evs_guarantee_t, 4);
AT(struct evs_ring_id, nodeid, 0);
AT(struct evs_ring_id, seq, 8);
AT(evs_callbacks_t, evs_deliver_fn, 0);
AT(evs_callbacks_t, evs_confchg_fn, 8);
_Static_assert(_Alignof(struct evs_group) == 1, "any bytes");

int main(void)
{
	NUMBER(EVS_TYPE_UNORDERED), NUMBER(EVS_TYPE_FIFO), NUMBER(EVS_TYPE_AGREED);
	NUMBER(EVS_TYPE_SAFE), NUMBER(TOTEMIP_ADDRLEN), NUMBER(EVS_OK), NUMBER(EVS_DISPATCH_ALL);
	SIZE(evs_handle_t), SIZE(struct evs_group), SIZE(struct evs_ring_id);
	PLACE(struct evs_ring_id, nodeid), PLACE(struct evs_ring_id, seq);
	SIZE(evs_callbacks_t), PLACE(evs_callbacks_t, evs_deliver_fn);
	PLACE(evs_callbacks_t, evs_confchg_fn);
	NUMBER(call_initialize && call_finalize && call_fd && call_context && call_set);
	NUMBER(call_dispatch && call_join && call_leave && call_mcast && call_groups);
	NUMBER(call_members && callbacks.evs_deliver_fn && callbacks.evs_confchg_fn);
	return 0;
}
