/*
 * Extended virtual synchrony: ordered messages to open groups of handles, and the ring's own
 * configurations, in one stream.
 *
 * evs_overview(3) introduces the service. Each call has a page of its own. Every call returns
 * CS_OK, or one of the codes listed with it. A call that is not marked "local" returns CS_ERR_LIBRARY
 * if the connection to the daemon is broken. All calls return CS_ERR_BAD_HANDLE for a handle that is
 * not live. CS_ERR_TRY_AGAIN means that nothing has happened: repeat the call some milliseconds later.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_EVS_H_DEFINED
#define COROSYNC_EVS_H_DEFINED

#include <netinet/in.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to the service. Never 0. */
typedef uint64_t evs_handle_t;

#ifndef TOTEMIP_ADDRLEN
/** Size of an address of either family, bytes. */
#define TOTEMIP_ADDRLEN (sizeof(struct in6_addr))
#endif

/** Guarantees of delivery. */
typedef enum {
	EVS_TYPE_UNORDERED, /* delivered as EVS_TYPE_AGREED */
	EVS_TYPE_FIFO,      /* delivered as EVS_TYPE_AGREED */
	EVS_TYPE_AGREED,    /* one order, the same for all nodes */
	EVS_TYPE_SAFE       /* as EVS_TYPE_AGREED, and not before all nodes of the configuration have a copy */
} evs_guarantee_t;

/** Name of a group. All 32 bytes count, so fill it up with zeros. */
struct evs_group {
	char key[32];
};

/** Flags of struct evs_ring_id. */
#define EVS_CONFIGURATION_TRANSITIONAL 1u /* a regular configuration with the same id follows */
/**
 * From this configuration to the next one, messages of EVS_TYPE_SAFE are delivered safe. Without this
 * flag they are delivered as agreed, since a node of the ring (Corosync) does not implement it.
 */
#define EVS_CONFIGURATION_SAFE 2u

/** A configuration of the ring. A transitional configuration has the id of the next ring. */
struct evs_ring_id {
	unsigned int nodeid;    /* its representative */
	unsigned int flags;     /* EVS_CONFIGURATION_*, padding in the 1.x series */
	unsigned long long seq; /* greater than those of all earlier rings of this node */
};

/**
 * Called for a message to at least one group that the handle has joined.
 *
 * @param nodeid the sender's node
 * @param msg borrowed, aligned to 8 bytes
 * @param msg_len bytes; may be 0
 */
typedef void (*evs_deliver_fn_t)(evs_handle_t handle, unsigned int nodeid, const void *msg, size_t msg_len);

/**
 * Called for a configuration of the ring, at one place in the order of all messages. A change of the ring has two
 * configurations. In the transitional one the last messages of the old ring are delivered. The regular one follows. All
 * lists are node ids, ascending, borrowed.
 *
 * @param member_list transitional: members that come from the old ring with this node; regular: all
 * @param left_list transitional: other members of the old ring; regular: empty
 * @param joined_list transitional: empty; regular: members that come from other rings
 * @param ring_id borrowed; its flags are the kind, and whether EVS_TYPE_SAFE has its effect
 */
typedef void (*evs_confchg_fn_t)(evs_handle_t handle, const unsigned int *member_list, size_t member_list_entries,
	const unsigned int *left_list, size_t left_list_entries, const unsigned int *joined_list,
	size_t joined_list_entries, const struct evs_ring_id *ring_id);

/** For evs_initialize. An event whose callback is NULL is dropped. */
typedef struct {
	evs_deliver_fn_t evs_deliver_fn;
	evs_confchg_fn_t evs_confchg_fn;
} evs_callbacks_t;

/**
 * Connect. The first event is the present configuration, a regular one without left or joined nodes.
 *
 * @param handle set on success
 * @param callbacks copied; NULL for none
 * @return CS_ERR_LIBRARY no daemon, or one without this service; CS_ERR_TRY_AGAIN the daemon is
 * starting or stopping; CS_ERR_NO_MEMORY; CS_ERR_ACCESS the daemon does not allow this user;
 * CS_ERR_NOT_SUPPORTED the service is being unloaded
 */
cs_error_t evs_initialize(evs_handle_t *handle, evs_callbacks_t *callbacks);

/**
 * Disconnect. This may be called in a callback, and ends a dispatch that waits in another thread. CS_OK also if the
 * daemon is gone.
 */
cs_error_t evs_finalize(evs_handle_t handle);

/** Local. Get a descriptor to poll for POLLIN: readable while events wait. The library owns it. */
cs_error_t evs_fd_get(evs_handle_t handle, int *fd);

/** Local. Get the pointer that was last stored for this handle, NULL at first. */
cs_error_t evs_context_get(evs_handle_t handle, void **context);

/** Local. Store a pointer, which the library does not use. */
cs_error_t evs_context_set(evs_handle_t handle, void *context);

/**
 * Call the callbacks of events that wait.
 *
 * @return CS_ERR_TRY_AGAIN no event waits, with CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also if the handle was
 *     finalized meanwhile; CS_ERR_NO_MEMORY
 */
cs_error_t evs_dispatch(evs_handle_t handle, cs_dispatch_flags_t dispatch);

/**
 * Join groups, all or none, in addition to those that the handle is in. This takes effect at once, and only on this
 * node. A group that was joined twice must be left twice.
 *
 * @param groups copied
 * @return CS_ERR_TOO_MANY_GROUPS more than 50; CS_ERR_NO_MEMORY, also if the handle would be in more than 16384
 */
cs_error_t evs_join(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt);

/**
 * Leave groups, one after the other.
 *
 * @return CS_ERR_NOT_EXIST the handle is not in one of these groups. It has left the groups before that one
 */
cs_error_t evs_leave(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt);

/**
 * Send a message to all groups that the handle is in at this moment. If it is in none, no node
 * receives it.
 *
 * @param guarantee see evs_guarantee_t, and EVS_CONFIGURATION_SAFE
 * @param iovec borrowed: the parts of the message, in order
 * @return CS_OK: the ring has accepted it; CS_ERR_TRY_AGAIN; CS_ERR_INVALID_PARAM unknown guarantee;
 * CS_ERR_TOO_BIG more than 1047552 bytes, or more than 1048536 together with 32 for each group;
 * CS_ERR_NO_MEMORY
 */
cs_error_t evs_mcast_joined(
	evs_handle_t handle, evs_guarantee_t guarantee, const struct iovec *iovec, unsigned int iov_len);

/**
 * Send a message to other groups, joined or not.
 *
 * @return as evs_mcast_joined; CS_ERR_TOO_MANY_GROUPS more than 50
 */
cs_error_t evs_mcast_groups(evs_handle_t handle, evs_guarantee_t guarantee, const struct evs_group *groups,
	size_t group_cnt, const struct iovec *iovec, unsigned int iov_len);

/**
 * Get the members of the ring's last regular configuration.
 *
 * @param local_nodeid set to the id of this node; may be NULL
 * @param member_list filled in, ascending; may be NULL
 * @param member_list_entries in: room in member_list; out: the smaller of that and the members
 * @return CS_ERR_NO_MEMORY
 */
cs_error_t evs_membership_get(
	evs_handle_t handle, unsigned int *local_nodeid, unsigned int *member_list, size_t *member_list_entries);

#ifdef __cplusplus
}
#endif

#endif
