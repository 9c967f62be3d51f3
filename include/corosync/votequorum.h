/*
 * Votes of a cluster with the quorum provider corosync_votequorum, and quorum devices.
 *
 * votequorum_overview(3) introduces the service, votequorum(5) the rules of counting. Each call has a
 * page of its own. Every call returns CS_OK, or one of the codes listed with it. A call that is not marked
 * "local" returns CS_ERR_LIBRARY if the connection to the daemon is broken. All calls return
 * CS_ERR_BAD_HANDLE for a handle that is not live. CS_ERR_TRY_AGAIN means that nothing has happened:
 * repeat the call some milliseconds later.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_VOTEQUORUM_H_DEFINED
#define COROSYNC_VOTEQUORUM_H_DEFINED

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to the service. Never 0. */
typedef uint64_t votequorum_handle_t;

/** Flags of votequorum_getinfo. These are about the local daemon, whichever node was asked for. */
#define VOTEQUORUM_INFO_TWONODE 1           /* two_node is in force */
#define VOTEQUORUM_INFO_QUORATE 2           /* this partition may act */
#define VOTEQUORUM_INFO_WAIT_FOR_ALL 4      /* wait_for_all is set */
#define VOTEQUORUM_INFO_LAST_MAN_STANDING 8 /* last_man_standing is set */
#define VOTEQUORUM_INFO_AUTO_TIE_BREAKER 16 /* auto_tie_breaker is set */
#define VOTEQUORUM_INFO_ALLOW_DOWNSCALE 32  /* allow_downscale is set */

/** Flags of votequorum_getinfo. These are about the node that was asked for. */
#define VOTEQUORUM_INFO_QDEVICE_REGISTERED 64       /* it has a quorum device */
#define VOTEQUORUM_INFO_QDEVICE_ALIVE 128           /* its device polls in time */
#define VOTEQUORUM_INFO_QDEVICE_CAST_VOTE 256       /* its device votes for the node's partition */
#define VOTEQUORUM_INFO_QDEVICE_MASTER_WINS 512     /* its device may decide alone */
#define VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO 1024 /* its device has set extra information */

/** The quorum device, in place of a node id. */
#define VOTEQUORUM_QDEVICE_NODEID 0

/** Bytes of a device's name with its NUL. */
#define VOTEQUORUM_QDEVICE_MAX_NAME_LEN 255

/** Bytes of extra information, at most. */
#define VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE 4096

/** Default times in milliseconds: between two polls of a device, and for which a new ring waits for its device. */
#define VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT 10000
#define VOTEQUORUM_QDEVICE_DEFAULT_SYNC_TIMEOUT 30000

/** States of a node. */
#define VOTEQUORUM_NODESTATE_MEMBER 1  /* in the ring */
#define VOTEQUORUM_NODESTATE_DEAD 2    /* was in the ring, is not in it now */
#define VOTEQUORUM_NODESTATE_LEAVING 3 /* in the ring, and about to leave */

/** The result of votequorum_getinfo. */
struct votequorum_info {
	unsigned int node_id;
	unsigned int node_state;          /* VOTEQUORUM_NODESTATE_… */
	unsigned int node_votes;          /* kept after the node has left the ring */
	unsigned int node_expected_votes; /* kept after the node has left the ring */
	unsigned int highest_expected;    /* of the nodes in the ring */
	unsigned int total_votes;         /* of the nodes in the ring, and of the device of node_id if that votes */
	unsigned int quorum;              /* votes that are needed */
	unsigned int flags;               /* VOTEQUORUM_INFO_… */
	unsigned int qdevice_votes;       /* votes that a device has, registered or not */
	char qdevice_name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN]; /* or "": no device in the ring. Padded with zeros */
};

typedef struct {
	uint32_t nodeid; /* or VOTEQUORUM_QDEVICE_NODEID */
	uint32_t state;  /* VOTEQUORUM_NODESTATE_…, or 0: the device */
} votequorum_node_t;

/** A configuration of the ring. */
typedef struct {
	uint32_t nodeid; /* its representative */
	uint64_t seq;    /* greater than those of all earlier rings of this node */
} votequorum_ring_id_t;

/**
 * Called with the verdict at the end of each change of the ring, and whenever the verdict changes.
 *
 * @param context as given to votequorum_trackstart
 * @param quorate 1: this partition may act; 0: it may not
 * @param node_list borrowed; all nodes seen since the daemon started, in any order, and the device if one is registered
 *     on this node
 */
typedef void (*votequorum_quorum_notification_fn_t)(votequorum_handle_t handle, uint64_t context, uint32_t quorate,
	uint32_t node_list_entries, votequorum_node_t node_list[]);

/**
 * Called when a new ring is formed. While a quorum device is alive, the verdict waits until the device has polled with
 * this ring's id.
 *
 * @param context as given to votequorum_trackstart
 * @param node_list borrowed: node ids, ascending
 */
typedef void (*votequorum_nodelist_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
	votequorum_ring_id_t ring_id, uint32_t node_list_entries, uint32_t node_list[]);

/**
 * Called when the expected votes were set, or have grown because more votes were found.
 *
 * @param context as given to votequorum_trackstart
 */
typedef void (*votequorum_expectedvotes_notification_fn_t)(
	votequorum_handle_t handle, uint64_t context, uint32_t expected_votes);

/**
 * Called when the quorum device of a node has set its extra information, even to the same value, or was unregistered.
 *
 * @param context as given to votequorum_trackstart
 * @param size 0: the device no longer has extra information
 * @param data borrowed; size bytes
 */
typedef void (*votequorum_extra_info_notification_fn_t)(
	votequorum_handle_t handle, uint64_t context, uint32_t nodeid, uint32_t size, void *data);

/** For votequorum_initialize. An event whose callback is NULL is dropped. */
typedef struct {
	votequorum_quorum_notification_fn_t votequorum_quorum_notify_fn;
	votequorum_expectedvotes_notification_fn_t votequorum_expectedvotes_notify_fn;
	votequorum_nodelist_notification_fn_t votequorum_nodelist_notify_fn;
} votequorum_callbacks_t;

/** Version of the callbacks of votequorum_model_initialize. */
typedef enum {
	VOTEQUORUM_MODEL_V1 = 1 /* votequorum_model_v1_data_t */
} votequorum_model_t;

/** The argument of votequorum_model_initialize, cast from the structure of the model. */
typedef struct {
	votequorum_model_t model; /* ignored: there is one model */
} votequorum_model_data_t;

/** Callbacks of votequorum_model_initialize. An event whose callback is NULL is dropped. */
typedef struct {
	votequorum_model_t model;
	votequorum_quorum_notification_fn_t quorum_notify_fn;
	votequorum_expectedvotes_notification_fn_t expectedvotes_notify_fn;
	votequorum_nodelist_notification_fn_t nodelist_notify_fn;
	votequorum_extra_info_notification_fn_t qdevice_extra_info_notify_fn;
} votequorum_model_v1_data_t;

/**
 * Connect, with callbacks that votequorum_initialize does not have.
 *
 * @param handle set on success
 * @param model_data a votequorum_model_v1_data_t, copied; NULL for no callbacks
 * @return as votequorum_initialize
 */
cs_error_t votequorum_model_initialize(votequorum_handle_t *handle, votequorum_model_data_t *model_data);

/**
 * Connect. The context of the handle is NULL at first.
 *
 * @param handle set on success
 * @param callbacks copied; NULL for none
 * @return CS_ERR_LIBRARY no daemon, or one that does not count votes; CS_ERR_TRY_AGAIN the daemon
 * is starting or stopping; CS_ERR_NO_MEMORY; CS_ERR_ACCESS the daemon does not allow this user;
 * CS_ERR_INVALID_PARAM a malformed COTERIE_INSTANCE
 */
cs_error_t votequorum_initialize(votequorum_handle_t *handle, votequorum_callbacks_t *callbacks);

/**
 * Disconnect. Tracking ends. A registered device stays registered. This may be called in a callback, and ends a
 * dispatch that waits in another thread. CS_OK also if the daemon is gone.
 */
cs_error_t votequorum_finalize(votequorum_handle_t handle);

/**
 * Call the callbacks of events that wait.
 *
 * @return CS_ERR_INVALID_PARAM no such flag, for any handle; CS_ERR_TRY_AGAIN no event waits, with
 *     CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also if the handle was finalized meanwhile; CS_ERR_NO_MEMORY
 */
cs_error_t votequorum_dispatch(votequorum_handle_t handle, cs_dispatch_flags_t dispatch_types);

/** Local. Get a descriptor to poll for POLLIN: readable while events wait. The library owns it. */
cs_error_t votequorum_fd_get(votequorum_handle_t handle, int *fd);

/**
 * Get what is known about a node.
 *
 * @param nodeid 0: this node
 * @param info set on success
 * @return CS_ERR_NOT_EXIST the node has not been in the ring since the daemon started
 */
cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid, struct votequorum_info *info);

/**
 * Set the expected votes on all nodes of the ring.
 *
 * @return CS_ERR_INVALID_PARAM the number is less than the votes present, or this partition would lose quorum;
 *     CS_ERR_NO_RESOURCES the ring has no room now
 */
cs_error_t votequorum_setexpected(votequorum_handle_t handle, unsigned int expected_votes);

/**
 * Set the votes of a node on all nodes of the ring.
 *
 * @param nodeid VOTEQUORUM_QDEVICE_NODEID: the device
 * @return CS_ERR_NAME_NOT_FOUND the node has not been in the ring since the daemon started;
 * CS_ERR_INVALID_PARAM this partition would lose quorum; CS_ERR_NO_RESOURCES the ring has no room
 * now
 */
cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid, unsigned int votes);

/**
 * Begin to report events.
 *
 * @param context argument of each callback, not used by the library
 * @param flags CS_TRACK_CURRENT: the present state, once; CS_TRACK_CHANGES: the present state, and all later changes;
 *     CS_TRACK_CHANGES_ONLY: only the changes. When the call returns, the event with the present state waits for a
 *     dispatch. Other bits are ignored
 * @return CS_ERR_EXIST the handle tracks changes already. The present state is reported in that case, too
 */
cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context, unsigned int flags);

/** End tracking. Events that wait already are still reported. CS_ERR_NOT_EXIST the handle did not track. */
cs_error_t votequorum_trackstop(votequorum_handle_t handle);

/** Local. Get the pointer that was last stored for this handle. */
cs_error_t votequorum_context_get(votequorum_handle_t handle, void **context);

/** Local. Store a pointer, which the library does not use. */
cs_error_t votequorum_context_set(votequorum_handle_t handle, void *context);

/**
 * Register a quorum device on this node. It counts from its first poll on. The registration belongs to the node, not to
 * the handle, and lasts until votequorum_qdevice_unregister.
 *
 * @param name 1 to 254 bytes; copied
 * @return CS_ERR_INVALID_PARAM the length of the name is wrong, for any handle; CS_ERR_ACCESS the configuration forbids
 *     a device; CS_ERR_EXIST a device of another name is registered on this node or elsewhere in the ring;
 *     CS_ERR_TRY_AGAIN another registration is under way
 */
cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name);

/**
 * Remove the device of this node, with its votes.
 *
 * @return CS_ERR_NOT_EXIST no device is registered on this node; CS_ERR_INVALID_PARAM the device has another name, or
 *     the length of the name is wrong. The length is checked first, for any handle
 */
cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name);

/**
 * Rename the device of this node. Results are as of votequorum_qdevice_unregister. The lengths of both names are
 * checked.
 */
cs_error_t votequorum_qdevice_update(votequorum_handle_t handle, const char *oldname, const char *newname);

/**
 * Report that the device is alive, and how it votes. Repeat this within quorum.device.timeout, and call it at once
 * after each nodelist event.
 *
 * @param cast_vote not 0: the device votes for this node's partition
 * @param ring_id that of the last nodelist event
 * @return CS_ERR_MESSAGE_ERROR the ring has changed since; CS_ERR_ACCESS; CS_ERR_NOT_EXIST; CS_ERR_INVALID_PARAM as for
 *     the calls above
 */
cs_error_t votequorum_qdevice_poll(
	votequorum_handle_t handle, const char *name, unsigned int cast_vote, votequorum_ring_id_t ring_id);

/**
 * Set whether the vote of this device is enough for the quorum of a partition.
 *
 * @param allow not 0: it is enough
 * @return CS_ERR_ACCESS, CS_ERR_NOT_EXIST, CS_ERR_INVALID_PARAM as for the calls above
 */
cs_error_t votequorum_qdevice_master_wins(votequorum_handle_t handle, const char *name, unsigned int allow);

/**
 * Store information about the device of this node, which programs on all nodes can read. The daemon does not interpret
 * it. It stays until it is set again or the device is unregistered.
 *
 * @param size at most VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE; 0: remove the information
 * @param data copied
 * @return CS_ERR_NOT_EXIST no device is registered on this node; CS_ERR_INVALID_PARAM size is too large: the old
 *     information stays; CS_ERR_TRY_AGAIN the ring has no room now
 */
cs_error_t votequorum_set_qdevice_extra_info(votequorum_handle_t handle, uint32_t size, const void *data);

/**
 * Read the extra information of the device of a node.
 *
 * @param nodeid 0 does not mean this node here: there is no node 0, so size is 0
 * @param size set on success: 0 for none. The value before the call is ignored
 * @param data room for VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE bytes. The first size bytes are written
 * @return CS_ERR_NOT_EXIST the node has not been in the ring since the daemon started
 */
cs_error_t votequorum_get_qdevice_extra_info(votequorum_handle_t handle, uint32_t nodeid, uint32_t *size, void *data);

#ifdef __cplusplus
}
#endif

#endif
