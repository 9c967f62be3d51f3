/*
 * Closed process groups: ordered messages to, and membership of, named groups of processes.
 *
 * cpg_overview(3) introduces the service. Each call has a page of its own. Every call returns
 * CS_OK, or one of the codes listed with it. A call that is not marked "local" returns CS_ERR_LIBRARY
 * if the connection to the daemon is broken. All calls return CS_ERR_BAD_HANDLE for a handle that is
 * not live. CS_ERR_TRY_AGAIN means that nothing has happened: repeat the call some milliseconds later.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_CPG_H_DEFINED
#define COROSYNC_CPG_H_DEFINED

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to the service. Never 0. */
typedef uint64_t cpg_handle_t;

/** An iteration over groups and members. Never 0. */
typedef uint64_t cpg_iteration_handle_t;

/** Guarantees of delivery. */
typedef enum {
	CPG_TYPE_UNORDERED, /* delivered as CPG_TYPE_AGREED */
	CPG_TYPE_FIFO,      /* delivered as CPG_TYPE_AGREED */
	CPG_TYPE_AGREED,    /* one order, the same for all members */
	CPG_TYPE_SAFE       /* as CPG_TYPE_AGREED, and not before the nodes of all members have a copy */
} cpg_guarantee_t;

/** Whether messages may be sent. */
typedef enum {
	CPG_FLOW_CONTROL_DISABLED, /* messages may be sent */
	CPG_FLOW_CONTROL_ENABLED   /* messages may not be sent now */
} cpg_flow_control_state_t;

/** The reason why a process is in a list of joined or left members. */
typedef enum {
	CPG_REASON_UNDEFINED = 0, /* in lists of members */
	CPG_REASON_JOIN = 1,      /* the process called cpg_join */
	CPG_REASON_LEAVE = 2,     /* the process called cpg_leave */
	CPG_REASON_NODEDOWN = 3,  /* the node of the process left the ring */
	CPG_REASON_NODEUP = 4,    /* the process was a member when its node came into the ring */
	CPG_REASON_PROCDOWN = 5   /* the connection of the process ended without cpg_leave */
} cpg_reason_t;

/** Kinds of iterations. */
typedef enum {
	CPG_ITERATION_NAME_ONLY = 1, /* each group once */
	CPG_ITERATION_ONE_GROUP = 2, /* the members of one group */
	CPG_ITERATION_ALL = 3        /* the members of all groups */
} cpg_iteration_type_t;

/** Version of the callbacks and parameters of cpg_model_initialize. */
typedef enum {
	CPG_MODEL_V1 = 1 /* cpg_model_v1_data_t */
} cpg_model_t;

/** A process in a group. */
struct cpg_address {
	uint32_t nodeid;
	uint32_t pid;
	uint32_t reason; /* cpg_reason_t */
};

#define CPG_MAX_NAME_LENGTH 128

/** Name of a group: any bytes, without a NUL. Bytes behind length do not count. */
struct cpg_name {
	uint32_t length; /* 0 .. CPG_MAX_NAME_LENGTH */
	char value[CPG_MAX_NAME_LENGTH];
};

/** Number of entries that programs usually provide for cpg_membership_get. */
#define CPG_MEMBERS_MAX 128

/** An entry of an iteration. */
struct cpg_iteration_description_t {
	struct cpg_name group;
	uint32_t nodeid; /* 0 with CPG_ITERATION_NAME_ONLY */
	uint32_t pid;    /* 0 with CPG_ITERATION_NAME_ONLY */
};

/** A configuration of the ring. */
struct cpg_ring_id {
	uint32_t nodeid; /* its representative */
	uint64_t seq;    /* greater than those of all earlier rings of this node */
};

/**
 * Called for a message of the joined group.
 *
 * @param group_name borrowed
 * @param nodeid, pid the sender
 * @param msg borrowed, aligned to 8 bytes. The callback may write to it
 * @param msg_len bytes; may be 0
 */
typedef void (*cpg_deliver_fn_t)(cpg_handle_t handle, const struct cpg_name *group_name, uint32_t nodeid, uint32_t pid,
	void *msg, size_t msg_len);

/**
 * Called for a change in the joined group, at one place in the order of its messages.
 *
 * @param group_name borrowed
 * @param member_list borrowed; the group after the change, by node id, then pid
 * @param left_list borrowed; former members, with the reason
 * @param joined_list borrowed; new members, with the reason
 */
typedef void (*cpg_confchg_fn_t)(cpg_handle_t handle, const struct cpg_name *group_name,
	const struct cpg_address *member_list, size_t member_list_entries, const struct cpg_address *left_list,
	size_t left_list_entries, const struct cpg_address *joined_list, size_t joined_list_entries);

/**
 * Called for a new configuration of the ring, after the group changes that it caused.
 *
 * @param member_list borrowed: node ids, ascending
 */
typedef void (*cpg_totem_confchg_fn_t)(
	cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t member_list_entries, const uint32_t *member_list);

/** For cpg_initialize. An event whose callback is NULL is dropped. */
typedef struct {
	cpg_deliver_fn_t cpg_deliver_fn;
	cpg_confchg_fn_t cpg_confchg_fn;
} cpg_callbacks_t;

/** Argument of cpg_model_initialize, cast from the structure of the model. */
typedef struct {
	cpg_model_t model;
} cpg_model_data_t;

/** Flag: call the totem callback once with the present configuration, right after the first confchg. */
#define CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF 0x01

typedef struct {
	cpg_model_t model;
	cpg_deliver_fn_t cpg_deliver_fn;
	cpg_confchg_fn_t cpg_confchg_fn;
	cpg_totem_confchg_fn_t cpg_totem_confchg_fn;
	unsigned int flags;
} cpg_model_v1_data_t;

/**
 * Connect, as cpg_model_initialize does with model V1, no totem callback, no flags and a NULL context.
 *
 * @param handle set on success
 * @param callbacks copied; NULL for none
 * @return as cpg_model_initialize
 */
cs_error_t cpg_initialize(cpg_handle_t *handle, cpg_callbacks_t *callbacks);

/**
 * Connect.
 *
 * @param handle set on success
 * @param model CPG_MODEL_V1
 * @param model_data copied; NULL for no callbacks and no flags
 * @param context for cpg_context_get
 * @return CS_ERR_LIBRARY no daemon; CS_ERR_TRY_AGAIN the daemon is starting or stopping;
 * CS_ERR_INVALID_PARAM unknown model or flag; CS_ERR_NO_MEMORY; CS_ERR_ACCESS the daemon does not
 * allow this user; CS_ERR_NOT_SUPPORTED the daemon has no such service
 */
cs_error_t cpg_model_initialize(cpg_handle_t *handle, cpg_model_t model, cpg_model_data_t *model_data, void *context);

/**
 * Disconnect. A process that is in a group leaves it with CPG_REASON_PROCDOWN. This may be called in a callback, and
 * ends a dispatch that waits in another thread.
 *
 * @return CS_ERR_LIBRARY the daemon was gone, but the handle is released
 */
cs_error_t cpg_finalize(cpg_handle_t handle);

/** Local. Get a descriptor to poll for POLLIN: readable while events wait. The library owns it. */
cs_error_t cpg_fd_get(cpg_handle_t handle, int *fd);

/** Local. Get the size of the longest message that is sent in one piece, in bytes. */
cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t handle, uint32_t *size);

/** Local. Get the pointer that was last stored for this handle. */
cs_error_t cpg_context_get(cpg_handle_t handle, void **context);

/** Local. Store a pointer, which the library does not use. */
cs_error_t cpg_context_set(cpg_handle_t handle, void *context);

/**
 * Call the callbacks of events that wait.
 *
 * @return CS_ERR_TRY_AGAIN no event waits, with CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also if the handle was
 *     finalized meanwhile; CS_ERR_NO_MEMORY this handle has lost a long message
 */
cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t dispatch_types);

/**
 * Join a group. A handle can be in one group. The first event is the handle's own confchg.
 *
 * @param group copied
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_TRY_AGAIN; CS_ERR_EXIST the handle is in a group, or another handle of this
 *     process is in this group; CS_ERR_BUSY an earlier leave is not complete
 */
cs_error_t cpg_join(cpg_handle_t handle, const struct cpg_name *group);

/**
 * Leave the group. The last event of the group is the handle's own confchg.
 *
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_TRY_AGAIN; CS_ERR_NOT_EXIST the handle is in no group; CS_ERR_BUSY an earlier
 *     join is not complete
 */
cs_error_t cpg_leave(cpg_handle_t handle, const struct cpg_name *group);

/**
 * Send a message to the joined group. The sender receives it, too.
 *
 * A message of at most the size of cpg_max_atomic_msgsize_get is queued without waiting for the daemon. A longer
 * message is sent in parts, and the call waits until the daemon has accepted all of them.
 *
 * @param iovec borrowed: the parts of the message, in order
 * @return CS_ERR_TRY_AGAIN. For messages that are sent in parts also: CS_ERR_NOT_EXIST the handle is in no group;
 *     CS_ERR_INTERRUPT the group changed meanwhile: no member gets the message, send it again
 */
cs_error_t cpg_mcast_joined(
	cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec *iovec, unsigned int iov_len);

/**
 * Get the present members of any group.
 *
 * @param member_list room for all; sorted by node id, then pid
 * @param member_list_entries set to their number, at most 384
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_INVALID_PARAM a NULL pointer
 */
cs_error_t cpg_membership_get(
	cpg_handle_t handle, struct cpg_name *groupName, struct cpg_address *member_list, int *member_list_entries);

/** Get the id of this node. */
cs_error_t cpg_local_get(cpg_handle_t handle, unsigned int *local_nodeid);

/** Local. Get CPG_FLOW_CONTROL_DISABLED, always: cpg_mcast_joined returns CS_ERR_TRY_AGAIN instead. */
cs_error_t cpg_flow_control_state_get(cpg_handle_t handle, cpg_flow_control_state_t *flow_control_enabled);

/**
 * Allocate a buffer in memory that the daemon shares.
 *
 * @param size bytes; may be 0
 * @param buffer set: zeroed, aligned to 8 bytes, freed with cpg_zcb_free or with the handle
 * @return CS_ERR_NO_MEMORY; CS_ERR_TOO_BIG; CS_ERR_TRY_AGAIN
 */
cs_error_t cpg_zcb_alloc(cpg_handle_t handle, size_t size, void **buffer);

/** Free a buffer. CS_ERR_INVALID_PARAM: it is no buffer of this handle. */
cs_error_t cpg_zcb_free(cpg_handle_t handle, void *buffer);

/**
 * Send the start of a buffer as a message to the joined group. After the call the buffer may be
 * changed and sent again.
 *
 * @param msg the pointer of cpg_zcb_alloc
 * @return CS_ERR_TOO_BIG more than 1 MiB; CS_ERR_INVALID_PARAM more than was allocated, or no such
 * buffer; CS_ERR_NOT_EXIST the handle is in no group; CS_ERR_TRY_AGAIN; CS_ERR_INTERRUPT as
 * cpg_mcast_joined
 */
cs_error_t cpg_zcb_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, void *msg, size_t msg_len);

/**
 * Take a snapshot of groups or members and start to iterate over it.
 *
 * @param group the group with CPG_ITERATION_ONE_GROUP, otherwise NULL
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_INVALID_PARAM type and group do not match;
 * CS_ERR_NO_MEMORY
 */
cs_error_t cpg_iteration_initialize(cpg_handle_t handle, cpg_iteration_type_t iteration_type,
	const struct cpg_name *group, cpg_iteration_handle_t *cpg_iteration_handle);

/**
 * Get the next entry. After the end the iteration starts again from the first one.
 *
 * @return CS_ERR_INVALID_PARAM: description is NULL; CS_ERR_NO_SECTIONS: the iteration is at its end
 */
cs_error_t cpg_iteration_next(cpg_iteration_handle_t handle, struct cpg_iteration_description_t *description);

/** Forget the snapshot. */
cs_error_t cpg_iteration_finalize(cpg_iteration_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif
