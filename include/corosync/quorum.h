/*
 * Quorum: whether this part of the cluster may act.
 *
 * quorum_overview(3) introduces the service. Each call has a page of its own. Every call returns
 * CS_OK, or one of the codes listed with it. A call that is not marked "local" returns CS_ERR_LIBRARY
 * if the connection to the daemon is broken. All calls return CS_ERR_BAD_HANDLE for a handle that is
 * not live. CS_ERR_TRY_AGAIN means that nothing has happened: repeat the call some milliseconds later.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_QUORUM_H_DEFINED
#define COROSYNC_QUORUM_H_DEFINED

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the callbacks of quorum_model_initialize. */
typedef enum {
	QUORUM_MODEL_V0 = 0, /* quorum_model_v0_data_t */
	QUORUM_MODEL_V1 = 1  /* quorum_model_v1_data_t */
} quorum_model_t;

/** A connection to the service. Never 0. */
typedef uint64_t quorum_handle_t;

/** A configuration of the ring. */
struct quorum_ring_id {
	uint32_t nodeid; /* its representative */
	uint64_t seq;    /* greater than those of all earlier rings of this node */
};

/**
 * Model V0: called with the verdict at the end of each change of the ring, and whenever the verdict changes.
 *
 * @param quorate 1: this partition may act; 0: it may not
 * @param ring_seq of the ring that the verdict is about
 * @param view_list borrowed: node ids of that ring, ascending
 */
typedef void (*quorum_notification_fn_t)(
	quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t view_list_entries, uint32_t *view_list);

/**
 * Model V1: called with the verdict at the end of each change of the ring, and whenever the verdict changes.
 *
 * @param quorate 1: this partition may act; 0: it may not
 * @param ring_id the ring that the verdict is about
 * @param member_list borrowed: node ids of that ring, ascending
 */
typedef void (*quorum_v1_quorum_notification_fn_t)(quorum_handle_t handle, uint32_t quorate,
	struct quorum_ring_id ring_id, uint32_t member_list_entries, const uint32_t *member_list);

/**
 * Model V1: called when the ring has changed, before the verdict on the new ring.
 *
 * @param member_list borrowed: node ids, ascending
 * @param joined_list borrowed: new members, and members that were away meanwhile
 * @param left_list borrowed: former members, and members that were away meanwhile
 */
typedef void (*quorum_v1_nodelist_notification_fn_t)(quorum_handle_t handle, struct quorum_ring_id ring_id,
	uint32_t member_list_entries, const uint32_t *member_list, uint32_t joined_list_entries,
	const uint32_t *joined_list, uint32_t left_list_entries, const uint32_t *left_list);

/** For quorum_initialize. An event whose callback is NULL is dropped. */
typedef struct {
	quorum_notification_fn_t quorum_notify_fn;
} quorum_callbacks_t;

/** Argument of quorum_model_initialize, cast from the structure of the model. */
typedef struct {
	quorum_model_t model; /* ignored: the argument `model` of the call counts */
} quorum_model_data_t;

typedef struct {
	quorum_model_t model;
	quorum_notification_fn_t quorum_notify_fn;
} quorum_model_v0_data_t;

typedef struct {
	quorum_model_t model;
	quorum_v1_quorum_notification_fn_t quorum_notify_fn;
	quorum_v1_nodelist_notification_fn_t nodelist_notify_fn;
} quorum_model_v1_data_t;

/** Quorum type: there is no quorum provider, so each partition may act. */
#define QUORUM_FREE 0

/** Quorum type: a quorum provider decides. */
#define QUORUM_SET 1

/**
 * Connect, as quorum_model_initialize does with model V0 and a NULL context.
 *
 * @param handle set on success
 * @param callbacks copied; NULL for none
 * @param quorum_type set on success to QUORUM_FREE or QUORUM_SET; may be NULL
 * @return as quorum_model_initialize
 */
cs_error_t quorum_initialize(quorum_handle_t *handle, quorum_callbacks_t *callbacks, uint32_t *quorum_type);

/**
 * Connect.
 *
 * @param handle set on success
 * @param model_data copied; NULL for no callbacks
 * @param quorum_type set on success to QUORUM_FREE or QUORUM_SET; may be NULL
 * @param context for quorum_context_get
 * @return CS_ERR_INVALID_PARAM unknown model, or a malformed COTERIE_INSTANCE; CS_ERR_LIBRARY no
 * daemon; CS_ERR_TRY_AGAIN the daemon is starting or stopping; CS_ERR_NO_MEMORY; CS_ERR_ACCESS the
 * daemon does not allow this user; CS_ERR_NOT_SUPPORTED the daemon has no such service
 */
cs_error_t quorum_model_initialize(quorum_handle_t *handle, quorum_model_t model, quorum_model_data_t *model_data,
	uint32_t *quorum_type, void *context);

/**
 * Disconnect. Tracking ends. This may be called in a callback, and ends a dispatch that waits in another thread. CS_OK
 * also if the daemon is gone.
 */
cs_error_t quorum_finalize(quorum_handle_t handle);

/** Local. Get a descriptor to poll for POLLIN: readable while events wait. The library owns it. */
cs_error_t quorum_fd_get(quorum_handle_t handle, int *fd);

/**
 * Call the callbacks of events that wait.
 *
 * @return CS_ERR_INVALID_PARAM no such flag, for any handle; CS_ERR_TRY_AGAIN no event waits, with
 *     CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also if the handle was finalized meanwhile; CS_ERR_NO_MEMORY
 */
cs_error_t quorum_dispatch(quorum_handle_t handle, cs_dispatch_flags_t dispatch_types);

/**
 * Get the verdict. @param quorate set on success: 1: this partition may act; 0: it may not. Always 1 with QUORUM_FREE
 */
cs_error_t quorum_getquorate(quorum_handle_t handle, int *quorate);

/**
 * Begin to report events.
 *
 * @param flags CS_TRACK_CURRENT: the present state, once; CS_TRACK_CHANGES: the present state, and all later changes;
 *     CS_TRACK_CHANGES_ONLY: only the changes. When the call returns, the event with the present state waits for a
 *     dispatch. Other bits are ignored
 * @return CS_ERR_EXIST the handle tracks changes already. The present state is reported in that case, too
 */
cs_error_t quorum_trackstart(quorum_handle_t handle, unsigned int flags);

/** End tracking. Events that wait already are still reported. CS_OK also without tracking. */
cs_error_t quorum_trackstop(quorum_handle_t handle);

/** Local. Store a pointer, which the library does not use. */
cs_error_t quorum_context_set(quorum_handle_t handle, const void *context);

/** Local. Get the pointer that was last stored for this handle. */
cs_error_t quorum_context_get(quorum_handle_t handle, const void **context);

#ifdef __cplusplus
}
#endif

#endif
