/*
 * Extended virtual synchrony: ordered messages to open groups of handles, and the ring's own
 * configurations, in one stream.
 *
 * evs_overview(3) introduces the service; each call has a page of its own. Every call returns
 * CS_OK, or the codes listed with it; all but those marked "local" also CS_ERR_LIBRARY when the
 * connection to the daemon is broken, and all CS_ERR_BAD_HANDLE for a handle that is not live.
 * CS_ERR_TRY_AGAIN means that nothing has happened: repeat the call some milliseconds later.
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
/** Bytes that hold an address of either family. */
#define TOTEMIP_ADDRLEN (sizeof(struct in6_addr))
#endif

/** What a multicast promises about its delivery. */
typedef enum {
	EVS_TYPE_UNORDERED, /* delivered as EVS_TYPE_AGREED */
	EVS_TYPE_FIFO,      /* delivered as EVS_TYPE_AGREED */
	EVS_TYPE_AGREED,    /* one order, the same for all nodes */
	EVS_TYPE_SAFE       /* and not before every node of the configuration has a copy */
} evs_guarantee_t;

/** Name of a group: all 32 bytes count, there is no end mark. Fill up with zeros. */
struct evs_group {
	char key[32];
};

/** Flags of struct evs_ring_id. */
#define EVS_CONFIGURATION_TRANSITIONAL 1u /* a regular configuration with the same id follows */
/**
 * From this configuration to the next one, messages of EVS_TYPE_SAFE are delivered as such. Without
 * it a node of the ring (plain Corosync) does not take part, and they are delivered as agreed.
 */
#define EVS_CONFIGURATION_SAFE 2u

/** A configuration of the ring; of a transitional one: the ring to come. */
struct evs_ring_id {
	unsigned int nodeid;    /* its representative */
	unsigned int flags;     /* EVS_CONFIGURATION_*; the 1.x series had padding here */
	unsigned long long seq; /* greater than that of every earlier ring of this node */
};

/**
 * A message to at least one group that the handle has joined.
 *
 * @param nodeid the sender's node
 * @param msg borrowed; aligned to 8 bytes
 * @param msg_len bytes; may be 0
 */
typedef void (*evs_deliver_fn_t)(
	evs_handle_t handle, unsigned int nodeid, const void *msg, size_t msg_len);

/**
 * A configuration of the ring, at one place in the order of all messages. A change gives two: the
 * transitional one, in which what is left of the old ring is delivered, then the regular one. All
 * lists are node ids, ascending, borrowed.
 *
 * @param member_list transitional: who comes from the old ring with this node; regular: all
 * @param left_list transitional: who does not come along; regular: empty
 * @param joined_list transitional: empty; regular: who comes from elsewhere
 * @param ring_id borrowed; its flags tell the kind, and whether EVS_TYPE_SAFE is kept
 */
typedef void (*evs_confchg_fn_t)(evs_handle_t handle, const unsigned int *member_list,
	size_t member_list_entries, const unsigned int *left_list, size_t left_list_entries,
	const unsigned int *joined_list, size_t joined_list_entries,
	const struct evs_ring_id *ring_id);

/** For evs_initialize. An event whose callback is NULL is taken and dropped. */
typedef struct {
	evs_deliver_fn_t evs_deliver_fn;
	evs_confchg_fn_t evs_confchg_fn;
} evs_callbacks_t;

/**
 * Connect. The first event is the present configuration, a regular one with nobody left or joined.
 *
 * @param handle set on success
 * @param callbacks copied; NULL for none
 * @return CS_ERR_LIBRARY no daemon, or one without this service; CS_ERR_TRY_AGAIN the daemon is
 * starting or stopping; CS_ERR_NO_MEMORY; CS_ERR_ACCESS the daemon does not allow this user;
 * CS_ERR_NOT_SUPPORTED the service is being unloaded
 */
cs_error_t evs_initialize(evs_handle_t *handle, evs_callbacks_t *callbacks);

/**
 * Disconnect. Allowed in a callback; wakes a dispatch that waits in another thread. CS_OK also when
 * the daemon is gone.
 */
cs_error_t evs_finalize(evs_handle_t handle);

/** Local. A descriptor to poll for POLLIN, readable while events wait; owned by the library. */
cs_error_t evs_fd_get(evs_handle_t handle, int *fd);

/** Local. The pointer last stored for this handle; NULL at first. */
cs_error_t evs_context_get(evs_handle_t handle, void **context);

/** Local. Store a pointer, which the library never follows. */
cs_error_t evs_context_set(evs_handle_t handle, void *context);

/**
 * Call the callbacks of waiting events.
 *
 * @return CS_ERR_TRY_AGAIN no event with CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also when
 * the handle was finalized meanwhile; CS_ERR_NO_MEMORY
 */
cs_error_t evs_dispatch(evs_handle_t handle, cs_dispatch_flags_t dispatch);

/**
 * Join groups, all or none, besides those that the handle is in. It takes effect at once, and on
 * this node alone. A group joined twice must be left twice.
 *
 * @param groups copied
 * @return CS_ERR_TOO_MANY_GROUPS more than 50; CS_ERR_NO_MEMORY, also when the handle would be in
 * more than 16384
 */
cs_error_t evs_join(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt);

/**
 * Leave groups, one after the other.
 *
 * @return CS_ERR_NOT_EXIST the handle is not in one of them; those before it are left
 */
cs_error_t evs_leave(evs_handle_t handle, const struct evs_group *groups, size_t group_cnt);

/**
 * Send a message to all groups that the handle is in; without any, to nobody. The groups are those
 * of this moment.
 *
 * @param guarantee see evs_guarantee_t, and EVS_CONFIGURATION_SAFE
 * @param iovec borrowed; the parts of the message, in order
 * @return CS_OK: the ring has taken it; CS_ERR_TRY_AGAIN; CS_ERR_INVALID_PARAM unknown guarantee;
 * CS_ERR_TOO_BIG more than 1047552 bytes, or more than 1048536 together with 32 for each group;
 * CS_ERR_NO_MEMORY
 */
cs_error_t evs_mcast_joined(evs_handle_t handle, evs_guarantee_t guarantee,
	const struct iovec *iovec, unsigned int iov_len);

/**
 * The same to the groups given, joined or not.
 *
 * @return as evs_mcast_joined; CS_ERR_TOO_MANY_GROUPS more than 50
 */
cs_error_t evs_mcast_groups(evs_handle_t handle, evs_guarantee_t guarantee,
	const struct evs_group *groups, size_t group_cnt, const struct iovec *iovec,
	unsigned int iov_len);

/**
 * The members of the ring's last regular configuration.
 *
 * @param local_nodeid set to the id of this node; may be NULL
 * @param member_list filled in, ascending; may be NULL
 * @param member_list_entries in: room in member_list; out: the smaller of that and the members
 * @return CS_ERR_NO_MEMORY
 */
cs_error_t evs_membership_get(evs_handle_t handle, unsigned int *local_nodeid,
	unsigned int *member_list, size_t *member_list_entries);

#ifdef __cplusplus
}
#endif

#endif
