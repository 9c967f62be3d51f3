/*
 * Votes: how a cluster with the quorum provider corosync_votequorum counts them, and quorum
 * devices.
 *
 * votequorum_overview(3) introduces the service, votequorum(5) the rules of counting; each call has
 * a page of its own. Every call returns CS_OK, or the codes listed with it; all but those marked
 * "local" also CS_ERR_LIBRARY when the connection to the daemon is broken, and all
 * CS_ERR_BAD_HANDLE for a handle that is not live. CS_ERR_TRY_AGAIN means that nothing has
 * happened: repeat the call some milliseconds later.
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

/** Flags of votequorum_getinfo that tell of the local daemon, whatever node was asked for. */
#define VOTEQUORUM_INFO_TWONODE 1           /* two_node is in force */
#define VOTEQUORUM_INFO_QUORATE 2           /* this partition may act */
#define VOTEQUORUM_INFO_WAIT_FOR_ALL 4      /* wait_for_all is set */
#define VOTEQUORUM_INFO_LAST_MAN_STANDING 8 /* last_man_standing is set */
#define VOTEQUORUM_INFO_AUTO_TIE_BREAKER 16 /* auto_tie_breaker is set */
#define VOTEQUORUM_INFO_ALLOW_DOWNSCALE 32  /* allow_downscale is set */

/** Flags of votequorum_getinfo that tell of the node asked for. */
#define VOTEQUORUM_INFO_QDEVICE_REGISTERED 64   /* it has a quorum device */
#define VOTEQUORUM_INFO_QDEVICE_ALIVE 128       /* which polls in time */
#define VOTEQUORUM_INFO_QDEVICE_CAST_VOTE 256   /* and votes for the node's partition */
#define VOTEQUORUM_INFO_QDEVICE_MASTER_WINS 512 /* and may decide alone */
#define VOTEQUORUM_INFO_QDEVICE_HAS_EXTRA_INFO 1024 /* it has set extra information */

/** Where node ids stand: the quorum device. */
#define VOTEQUORUM_QDEVICE_NODEID 0

/** Bytes of a device's name with the zero that ends it. */
#define VOTEQUORUM_QDEVICE_MAX_NAME_LEN 255

/** Bytes of extra information, at most. */
#define VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE 4096

/** Milliseconds: how often a device has to poll, and how long a new ring waits for it. */
#define VOTEQUORUM_QDEVICE_DEFAULT_TIMEOUT 10000
#define VOTEQUORUM_QDEVICE_DEFAULT_SYNC_TIMEOUT 30000

/** States of a node. */
#define VOTEQUORUM_NODESTATE_MEMBER 1  /* in the ring */
#define VOTEQUORUM_NODESTATE_DEAD 2    /* was in the ring, is not now */
#define VOTEQUORUM_NODESTATE_LEAVING 3 /* in the ring, said that it is about to leave */

/** What votequorum_getinfo tells. */
struct votequorum_info {
	unsigned int node_id;
	unsigned int node_state;          /* VOTEQUORUM_NODESTATE_… */
	unsigned int node_votes;          /* kept when the node dies */
	unsigned int node_expected_votes; /* kept when the node dies */
	unsigned int highest_expected;    /* of the nodes in the ring */
	unsigned int total_votes;   /* of the nodes in the ring, and of the device of the node asked
				       for, when it casts its vote */
	unsigned int quorum;        /* votes that are needed */
	unsigned int flags;         /* VOTEQUORUM_INFO_… */
	unsigned int qdevice_votes; /* that a device would have, registered or not */
	char qdevice_name[VOTEQUORUM_QDEVICE_MAX_NAME_LEN]; /* "": none in the ring; zero-padded */
};

typedef struct {
	uint32_t nodeid; /* or VOTEQUORUM_QDEVICE_NODEID */
	uint32_t state;  /* VOTEQUORUM_NODESTATE_…; 0 for the device */
} votequorum_node_t;

/** A configuration of the ring. */
typedef struct {
	uint32_t nodeid; /* its representative */
	uint64_t seq;    /* greater than that of every earlier ring of this node */
} votequorum_ring_id_t;

/**
 * The verdict, at the end of every change of the ring and when it changes in between.
 *
 * @param context as given to votequorum_trackstart
 * @param quorate 1: this partition may act; 0
 * @param node_list borrowed; every node seen since the daemon started, in no particular order, and
 * the device if one is registered on this node
 */
typedef void (*votequorum_quorum_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
	uint32_t quorate, uint32_t node_list_entries, votequorum_node_t node_list[]);

/**
 * A new ring is forming. While a quorum device is alive the verdict waits for its poll with this
 * ring's id.
 *
 * @param context as given to votequorum_trackstart
 * @param node_list borrowed; node ids, ascending
 */
typedef void (*votequorum_nodelist_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
	votequorum_ring_id_t ring_id, uint32_t node_list_entries, uint32_t node_list[]);

/**
 * The expected votes have been set, or have grown because more votes than that were found.
 *
 * @param context as given to votequorum_trackstart
 */
typedef void (*votequorum_expectedvotes_notification_fn_t)(
	votequorum_handle_t handle, uint64_t context, uint32_t expected_votes);

/**
 * The quorum device of a node has set its extra information, also to what it was, or is gone.
 *
 * @param context as given to votequorum_trackstart
 * @param size 0: the device has none any more
 * @param data borrowed; size bytes
 */
typedef void (*votequorum_extra_info_notification_fn_t)(votequorum_handle_t handle, uint64_t context,
	uint32_t nodeid, uint32_t size, void *data);

/** For votequorum_initialize. An event whose callback is NULL is taken and dropped. */
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
	votequorum_model_t model; /* not looked at: there is one model */
} votequorum_model_data_t;

/** An event whose callback is NULL is taken and dropped. */
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
 * Disconnect; tracking ends, a registered device stays registered. Allowed in a callback; wakes a
 * dispatch that waits in another thread. CS_OK also when the daemon is gone.
 */
cs_error_t votequorum_finalize(votequorum_handle_t handle);

/**
 * Call the callbacks of waiting events.
 *
 * @return CS_ERR_INVALID_PARAM no such flag, whatever the handle; CS_ERR_TRY_AGAIN no event with
 * CS_DISPATCH_ONE_NONBLOCKING; CS_ERR_BAD_HANDLE also when the handle was finalized meanwhile;
 * CS_ERR_NO_MEMORY
 */
cs_error_t votequorum_dispatch(votequorum_handle_t handle, cs_dispatch_flags_t dispatch_types);

/** Local. A descriptor to poll for POLLIN, readable while events wait; owned by the library. */
cs_error_t votequorum_fd_get(votequorum_handle_t handle, int *fd);

/**
 * What is known of a node.
 *
 * @param nodeid 0: this node
 * @param info set on success
 * @return CS_ERR_NOT_EXIST the node has not been in the ring since the daemon started
 */
cs_error_t votequorum_getinfo(
	votequorum_handle_t handle, unsigned int nodeid, struct votequorum_info *info);

/**
 * Set the expected votes on all nodes of the ring.
 *
 * @return CS_ERR_INVALID_PARAM less than the votes present, or this partition would lose quorum by
 * it; CS_ERR_NO_RESOURCES the ring has no room now
 */
cs_error_t votequorum_setexpected(votequorum_handle_t handle, unsigned int expected_votes);

/**
 * Set the votes of a node on all nodes of the ring.
 *
 * @param nodeid VOTEQUORUM_QDEVICE_NODEID: the device
 * @return CS_ERR_NAME_NOT_FOUND the node has not been in the ring since the daemon started;
 * CS_ERR_INVALID_PARAM this partition would lose quorum by it; CS_ERR_NO_RESOURCES the ring has no
 * room now
 */
cs_error_t votequorum_setvotes(votequorum_handle_t handle, unsigned int nodeid, unsigned int votes);

/**
 * Ask for events.
 *
 * @param context comes back with each of them; of no meaning to the library
 * @param flags CS_TRACK_CURRENT: the present state, once; CS_TRACK_CHANGES: that, and every change
 * from now on; CS_TRACK_CHANGES_ONLY: the changes alone. The present state is there to be
 * dispatched when the call returns. Other bits mean nothing
 * @return CS_ERR_EXIST the handle tracks changes already; the present state comes all the same
 */
cs_error_t votequorum_trackstart(votequorum_handle_t handle, uint64_t context, unsigned int flags);

/** No more events, but for those that wait already. CS_ERR_NOT_EXIST there was no tracking. */
cs_error_t votequorum_trackstop(votequorum_handle_t handle);

/** Local. The pointer last stored for this handle. */
cs_error_t votequorum_context_get(votequorum_handle_t handle, void **context);

/** Local. Store a pointer, which the library never follows. */
cs_error_t votequorum_context_set(votequorum_handle_t handle, void *context);

/**
 * Register a quorum device on this node. It counts from its first poll on. The registration
 * belongs to the node, not to the handle, and lasts until votequorum_qdevice_unregister.
 *
 * @param name 1 to 254 bytes; copied
 * @return CS_ERR_INVALID_PARAM the name's length, whatever the handle; CS_ERR_ACCESS the
 * configuration forbids a device; CS_ERR_EXIST a device of another name is registered on this node
 * or elsewhere in the ring; CS_ERR_TRY_AGAIN another registration is under way
 */
cs_error_t votequorum_qdevice_register(votequorum_handle_t handle, const char *name);

/**
 * Take the device of this node away, with its votes.
 *
 * @return CS_ERR_NOT_EXIST none is registered on this node; CS_ERR_INVALID_PARAM it has another
 * name, or the name's length, the latter whatever the handle
 */
cs_error_t votequorum_qdevice_unregister(votequorum_handle_t handle, const char *name);

/** Rename the device of this node. As votequorum_qdevice_unregister; both lengths are checked. */
cs_error_t votequorum_qdevice_update(
	votequorum_handle_t handle, const char *oldname, const char *newname);

/**
 * Say that the device lives, and how it votes. To be repeated within quorum.device.timeout, and at
 * once for each nodelist event.
 *
 * @param cast_vote anything but 0: for this node's partition
 * @param ring_id that of the last nodelist event
 * @return CS_ERR_MESSAGE_ERROR the ring is another by now; CS_ERR_ACCESS, CS_ERR_NOT_EXIST,
 * CS_ERR_INVALID_PARAM as the calls above
 */
cs_error_t votequorum_qdevice_poll(votequorum_handle_t handle, const char *name,
	unsigned int cast_vote, votequorum_ring_id_t ring_id);

/**
 * Say whether a partition in which a device of this kind votes has quorum by that alone.
 *
 * @param allow anything but 0: yes
 * @return CS_ERR_ACCESS, CS_ERR_NOT_EXIST, CS_ERR_INVALID_PARAM as the calls above
 */
cs_error_t votequorum_qdevice_master_wins(
	votequorum_handle_t handle, const char *name, unsigned int allow);

/**
 * Let the programs of all nodes know something about the device of this node. Nobody looks into it. It lasts until it
 * is set again or the device is unregistered.
 *
 * @param size at most VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE; 0: the device has none any more
 * @param data copied
 * @return CS_ERR_NOT_EXIST no device is registered on this node; CS_ERR_INVALID_PARAM more bytes than that: the old ones
 * stay; CS_ERR_TRY_AGAIN the ring has no room now
 */
cs_error_t votequorum_set_qdevice_extra_info(votequorum_handle_t handle, uint32_t size, const void *data);

/**
 * Read what the device of a node has set.
 *
 * @param nodeid 0 is no node here. It has none
 * @param size set on success: 0 for none. Its value on entry does not count
 * @param data room for VOTEQUORUM_QDEVICE_EXTRA_NODEINFO_MAXSIZE bytes. The first size bytes are written
 * @return CS_ERR_NOT_EXIST the node has not been in the ring since the daemon started
 */
cs_error_t votequorum_get_qdevice_extra_info(
	votequorum_handle_t handle, uint32_t nodeid, uint32_t *size, void *data);

#ifdef __cplusplus
}
#endif

#endif
