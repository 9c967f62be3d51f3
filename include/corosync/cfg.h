/*
 * Administration of the daemon and its cluster: status of nodes and links, kill of a node, shutdown of
 * the daemon, reload of the configuration, reopening of log files. Programs that depend on the daemon can
 * object to a shutdown.
 *
 * cfg_overview(3) introduces the service. Each call has a page of its own. Every call returns CS_OK, or
 * one of the codes listed with it. A call that is not marked "local" returns CS_ERR_LIBRARY if the
 * connection to the daemon is broken, and CS_ERR_TRY_AGAIN if the daemon cannot accept the request now
 * (nothing has happened). All calls return CS_ERR_BAD_HANDLE for a handle that is not live.
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

/** Flags of corosync_cfg_try_shutdown: how far other programs decide. */
typedef enum {
	COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST = 0,    /* all programs that track shutdowns must agree */
	COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS = 1, /* these programs are asked, but do not decide */
	COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE = 2   /* these programs are not asked */
} corosync_cfg_shutdown_flags_t;

/** Answers to a shutdown. */
typedef enum {
	COROSYNC_CFG_SHUTDOWN_FLAG_NO = 0,
	COROSYNC_CFG_SHUTDOWN_FLAG_YES = 1
} corosync_cfg_shutdown_reply_flags_t;

/**
 * Called inside corosync_cfg_dispatch if a program wants to stop this node's daemon. Answer with
 * corosync_cfg_replyto_shutdown on the same handle, in the callback or later.
 *
 * @param flags  as that program gave them
 */
typedef void (*corosync_cfg_shutdown_callback_t)(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags);

typedef struct {
	corosync_cfg_shutdown_callback_t corosync_cfg_shutdown_callback; /* may be NULL */
} corosync_cfg_callbacks_t;

/** One address of a node. */
typedef struct {
	int address_length;                        /* bytes: 16 of a sockaddr_in, 28 of a sockaddr_in6 */
	char address[sizeof(struct sockaddr_in6)]; /* family and address are set, all other bytes are 0 */
} corosync_cfg_node_address_t;

/**
 * Connect.
 *
 * @param cfg_handle     set on success, closed with corosync_cfg_finalize
 * @param cfg_callbacks  copied; NULL: none
 * @return CS_ERR_LIBRARY: no daemon; CS_ERR_TRY_AGAIN: the daemon is starting; CS_ERR_ACCESS: not allowed;
 *     CS_ERR_NOT_SUPPORTED: the service is not loaded; CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_initialize(corosync_cfg_handle_t *cfg_handle, const corosync_cfg_callbacks_t *cfg_callbacks);

/**
 * Get a descriptor that is readable when events wait for a dispatch. Local.
 *
 * @param selection_fd  set; the library owns it
 */
cs_error_t corosync_cfg_fd_get(corosync_cfg_handle_t cfg_handle, int32_t *selection_fd);

/** Call the callback for events that wait. CS_ERR_TRY_AGAIN: no event waits (only with CS_DISPATCH_ONE_NONBLOCKING). */
cs_error_t corosync_cfg_dispatch(corosync_cfg_handle_t cfg_handle, cs_dispatch_flags_t dispatch_flags);

/** Disconnect. Local. A shutdown no longer waits for an answer of this handle. */
cs_error_t corosync_cfg_finalize(corosync_cfg_handle_t cfg_handle);

/**
 * Get the links of this node.
 *
 * @param interface_names  set: interface_count texts "LINK ADDRESS"; the caller frees each and the array
 * @param status           set: the same number of texts, freed in the same way
 * @return CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_ring_status_get(
	corosync_cfg_handle_t cfg_handle, char ***interface_names, char ***status, unsigned int *interface_count);

/** Version of the struct that corosync_cfg_node_status_get fills in. */
typedef enum { CFG_NODE_STATUS_V1 = 1 } corosync_cfg_node_status_version_t;

#define CFG_MAX_HOST_LEN 256
#define CFG_MAX_LINKS 8

/** One link to a node. */
struct corosync_knet_link_status_v1 {
	uint8_t enabled;      /* configured */
	uint8_t connected;    /* the node answers on it */
	uint8_t dynconnected; /* the link may change its address */
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
	uint8_t onwire_min; /* versions of the transport's wire protocol, or 0: unknown */
	uint8_t onwire_max;
	uint8_t onwire_ver;
	struct corosync_knet_link_status_v1 link_status[CFG_MAX_LINKS]; /* by link number */
};

/**
 * Get the status of a node, this one included.
 *
 * @param version      CFG_NODE_STATUS_V1
 * @param node_status  a struct corosync_cfg_node_status_v1; filled in on success
 * @return CS_ERR_INVALID_PARAM: node_status is NULL, or the version is not known;
 *     CS_ERR_FAILED_OPERATION: the transport does not know the node; CS_ERR_NOT_SUPPORTED
 */
cs_error_t corosync_cfg_node_status_get(corosync_cfg_handle_t cfg_handle, unsigned int nodeid,
	corosync_cfg_node_status_version_t version, void *node_status);

/**
 * End the daemon of a member at once, without a leave. Returns when the request is under way.
 *
 * @param reason  for the log of that node, at most 255 characters
 * @return CS_ERR_NAME_TOO_LONG; CS_ERR_INVALID_PARAM: reason is NULL; CS_ERR_NOT_EXIST: the node is no member
 */
cs_error_t corosync_cfg_kill_node(corosync_cfg_handle_t cfg_handle, unsigned int nodeid, const char *reason);

/**
 * Call the shutdown callback from now on, also for a shutdown that is being decided.
 *
 * @param track_flags  without meaning
 */
cs_error_t corosync_cfg_trackstart(corosync_cfg_handle_t cfg_handle, uint8_t track_flags);

/** End what corosync_cfg_trackstart began. A shutdown that is being decided does not wait for this handle. */
cs_error_t corosync_cfg_trackstop(corosync_cfg_handle_t cfg_handle);

/**
 * Stop this node's daemon. Blocks until all programs that are asked have answered, or
 * cfg.shutdown_timeout milliseconds are over.
 *
 * @return CS_ERR_EXIST: another shutdown is being decided; CS_ERR_BUSY: a program objects, or has not
 *     answered
 */
cs_error_t corosync_cfg_try_shutdown(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_flags_t flags);

/** Answer the shutdown callback. CS_OK also if no shutdown is being decided. */
cs_error_t corosync_cfg_replyto_shutdown(corosync_cfg_handle_t cfg_handle, corosync_cfg_shutdown_reply_flags_t flags);

/**
 * Get the addresses of a node, in the order of its links.
 *
 * @param nodeid     0: this node
 * @param max_addrs  elements of addrs
 * @param num_addrs  set: number of addresses of the node, maybe more than max_addrs; 0 on error
 * @param addrs      set: the first max_addrs of these addresses
 * @return CS_ERR_NOT_EXIST: no such node; errno is then CS_ERR_NOT_EXIST too
 */
cs_error_t corosync_cfg_get_node_addrs(corosync_cfg_handle_t cfg_handle, unsigned int nodeid, size_t max_addrs,
	int *num_addrs, corosync_cfg_node_address_t *addrs);

/** Get the id of this node. */
cs_error_t corosync_cfg_local_get(corosync_cfg_handle_t handle, unsigned int *local_nodeid);

/**
 * Make all nodes read their own configuration files again. Blocks until this node has finished. The
 * result is that of this node.
 *
 * @return CS_ERR_INVALID_PARAM: the file is refused and nothing has changed; CS_ERR_NO_MEMORY
 */
cs_error_t corosync_cfg_reload_config(corosync_cfg_handle_t handle);

/** Make this node's daemon open its log files again, after they were rotated. */
cs_error_t corosync_cfg_reopen_log_files(corosync_cfg_handle_t handle);

#ifdef __cplusplus
}
#endif

#endif
