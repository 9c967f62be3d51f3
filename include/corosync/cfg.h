/*
 * Administration of the daemon and its cluster: how nodes and links are, killing a node, stopping the
 * daemon with the consent of those that depend on it, reading the configuration and opening the log
 * files again.
 *
 * cfg_overview(3) introduces the service; each call has a page of its own. Every call
 * returns CS_OK, or the codes listed with it; all but those marked "local" also CS_ERR_LIBRARY when
 * the connection to the daemon is broken and CS_ERR_TRY_AGAIN when the daemon cannot take the request
 * now (nothing has happened), and all CS_ERR_BAD_HANDLE for a handle that is not live.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COROSYNC_CFG_H_DEFINED
#define COROSYNC_CFG_H_DEFINED

#include <netinet/in.h>

#include <corosync/corotypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to the service. Never 0. */
typedef uint64_t corosync_cfg_handle_t;

/** How much the others count in a shutdown. */
typedef enum {
	COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST = 0,    /* all who track shutdowns have to agree */
	COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS = 1, /* they are asked, and do not decide */
	COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE = 2   /* they are not asked */
} corosync_cfg_shutdown_flags_t;

/** Answer of one who is asked. */
typedef enum {
	COROSYNC_CFG_SHUTDOWN_FLAG_NO = 0,
	COROSYNC_CFG_SHUTDOWN_FLAG_YES = 1
} corosync_cfg_shutdown_reply_flags_t;

/**
 * Somebody wants this node's daemon to stop; called inside corosync_cfg_dispatch. Answer with
 * corosync_cfg_replyto_shutdown on the same handle, here or later.
 *
 * @param flags  as the other side gave them
 */
typedef void (*corosync_cfg_shutdown_callback_t)(
	corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags);

typedef struct {
	corosync_cfg_shutdown_callback_t corosync_cfg_shutdown_callback; /* may be NULL */
} corosync_cfg_callbacks_t;

/** One address of a node. */
typedef struct {
	int address_length; /* bytes: 16 of a sockaddr_in, 28 of a sockaddr_in6 */
	char address[sizeof(struct sockaddr_in6)]; /* family and address are set, all else is 0 */
} corosync_cfg_node_address_t;

/**
 * Connect.
 *
 * @param cfg_handle     set on success, closed with corosync_cfg_finalize
 * @param cfg_callbacks  copied; NULL: none
 * @return CS_ERR_LIBRARY: no daemon; CS_ERR_TRY_AGAIN: it is starting; CS_ERR_ACCESS: not allowed;
 *     CS_ERR_NOT_SUPPORTED: the service is not loaded; CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_initialize(
	corosync_cfg_handle_t *cfg_handle, const corosync_cfg_callbacks_t *cfg_callbacks);

/**
 * A descriptor that is readable when there is something to dispatch. Local.
 *
 * @param selection_fd  set; stays the library's
 */
cs_error_t corosync_cfg_fd_get(corosync_cfg_handle_t cfg_handle, int32_t *selection_fd);

/** Call the callback for what has arrived. CS_ERR_TRY_AGAIN: nothing (CS_DISPATCH_ONE_NONBLOCKING). */
cs_error_t corosync_cfg_dispatch(
	corosync_cfg_handle_t cfg_handle, cs_dispatch_flags_t dispatch_flags);

/** Disconnect. Local. A shutdown this handle was asked about no longer waits for its answer. */
cs_error_t corosync_cfg_finalize(corosync_cfg_handle_t cfg_handle);

/**
 * Links of this node.
 *
 * @param interface_names  set: interface_count texts "LINK ADDRESS"; the caller frees each and the array
 * @param status           set: as many texts, freed in the same way
 * @return CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_ring_status_get(corosync_cfg_handle_t cfg_handle, char ***interface_names,
	char ***status, unsigned int *interface_count);

/** Version of the struct that corosync_cfg_node_status_get fills in. */
typedef enum {
	CFG_NODE_STATUS_V1 = 1
} corosync_cfg_node_status_version_t;

#define CFG_MAX_HOST_LEN 256
#define CFG_MAX_LINKS 8

/** One link to a node. */
struct corosync_knet_link_status_v1 {
	uint8_t enabled;      /* configured */
	uint8_t connected;    /* the node answers on it */
	uint8_t dynconnected; /* and may change its address */
	unsigned int mtu;     /* bytes of a frame */
	char src_ipaddr[CFG_MAX_HOST_LEN];
	char dst_ipaddr[CFG_MAX_HOST_LEN];
};

/** A node as the transport sees it. */
struct corosync_cfg_node_status_v1 {
	corosync_cfg_node_status_version_t version; /* CFG_NODE_STATUS_V1 */
	unsigned int nodeid;
	uint8_t reachable;
	uint8_t remote;
	uint8_t external;
	uint8_t onwire_min; /* of the transport's wire protocol; 0: unknown */
	uint8_t onwire_max;
	uint8_t onwire_ver;
	struct corosync_knet_link_status_v1 link_status[CFG_MAX_LINKS]; /* by link number */
};

/**
 * Status of a node, this one included.
 *
 * @param version      CFG_NODE_STATUS_V1
 * @param node_status  a struct corosync_cfg_node_status_v1; filled in on success
 * @return CS_ERR_INVALID_PARAM: node_status is NULL, or the version is not known;
 *     CS_ERR_FAILED_OPERATION: the transport does not know the node; CS_ERR_NOT_SUPPORTED
 */
cs_error_t corosync_cfg_node_status_get(corosync_cfg_handle_t cfg_handle, unsigned int nodeid,
	corosync_cfg_node_status_version_t version, void *node_status);

/**
 * End the daemon of a member at once, without an orderly departure. Returns when the request is on its way.
 *
 * @param reason  for that node's log; at most 255 characters
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_INVALID_PARAM: reason is NULL; CS_ERR_NOT_EXIST: no member
 */
cs_error_t corosync_cfg_kill_node(
	corosync_cfg_handle_t cfg_handle, unsigned int nodeid, const char *reason);

/**
 * Be asked about shutdowns from now on, also about one that is being decided.
 *
 * @param track_flags  without meaning
 */
cs_error_t corosync_cfg_trackstart(corosync_cfg_handle_t cfg_handle, uint8_t track_flags);

/** No longer. A shutdown that is being decided does not wait for this handle. */
cs_error_t corosync_cfg_trackstop(corosync_cfg_handle_t cfg_handle);

/**
 * Stop this node's daemon. Blocks until all who are asked have answered, or cfg.shutdown_timeout
 * milliseconds are over.
 *
 * @return CS_ERR_EXIST: another shutdown is being decided; CS_ERR_BUSY: somebody objects, or has not
 *     answered
 */
cs_error_t corosync_cfg_try_shutdown(
	corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags);

/** Answer the shutdown callback. CS_OK also when nothing is being decided. */
cs_error_t corosync_cfg_replyto_shutdown(
	corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_reply_flags_t flags);

/**
 * Addresses of a node, in the order of its links.
 *
 * @param nodeid     0: this node
 * @param max_addrs  elements of addrs
 * @param num_addrs  set: how many the node has, which may be more than max_addrs; 0 on error
 * @param addrs      the first of them are filled in
 * @return CS_ERR_NOT_EXIST: no such node; errno is then CS_ERR_NOT_EXIST too
 */
cs_error_t corosync_cfg_get_node_addrs(corosync_cfg_handle_t cfg_handle, unsigned int nodeid,
	size_t max_addrs, int *num_addrs, corosync_cfg_node_address_t *addrs);

/** This node's id. */
cs_error_t corosync_cfg_local_get(corosync_cfg_handle_t handle, unsigned int *local_nodeid);

/**
 * Have every node read its own configuration file again. Blocks until this node is done; the result is
 * this node's.
 *
 * @return CS_ERR_INVALID_PARAM: the file is refused and nothing has changed; CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_reload_config(corosync_cfg_handle_t handle);

/** Have this node's daemon open its log files anew, after they were rotated. */
cs_error_t corosync_cfg_reopen_log_files(corosync_cfg_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif
