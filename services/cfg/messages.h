/*
 * Every message of the configuration service: what client libraries and the executive say to each
 * other over libqb, and what the nodes say to each other on the ring. Shared by libcfg and the
 * service plugin, so that the two cannot disagree; the layouts are those of Corosync 3.1.7
 * (spec 03 §9, 06c.1).
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad
 * are zero when we send and never looked at when we receive. Lengths inside a message come from
 * outside: check them against the size of the message before use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CFG_MESSAGES_H
#define SERVICES_CFG_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	CFG_SERVICE_ID = 1,
	CFG_REASON_SIZE = 256,
	/* Links in an answer to CFG_REQ_RING_STATUS_GET, and bytes of their texts, NUL included. */
	CFG_RING_STATUS_MAX = 16,
	CFG_RING_NAME_SIZE = 128,
	CFG_RING_STATUS_SIZE = 512,
	CFG_NODE_LINKS = 8,
	CFG_ADDRESS_TEXT_SIZE = 256,
	CFG_NODE_STATUS_VERSION = 1,
};

/* Asserts the place of one member, or the size of the whole. */
#define CFG_LAYOUT(type, member, at)                                                               \
	_Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define CFG_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

/* libqb's header of a request; of a ring message too (id is then service << 16 | function). */
struct cfg_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
CFG_SIZE(cfg_request_header, 16);
CFG_LAYOUT(cfg_request_header, id, 0);
CFG_LAYOUT(cfg_request_header, size, 8);

/* libqb's header of a response and of an event. error means nothing in events. */
struct cfg_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
CFG_SIZE(cfg_response_header, 24);
CFG_LAYOUT(cfg_response_header, id, 0);
CFG_LAYOUT(cfg_response_header, size, 8);
CFG_LAYOUT(cfg_response_header, error, 16);

/* Why a node is killed. */
struct cfg_wire_reason {
	uint16_t length; /* with the NUL that is usually there, or without; at most 256 */
	uint16_t pad[3];
	char text[CFG_REASON_SIZE]; /* what follows length is undefined */
};
CFG_SIZE(cfg_wire_reason, 264);
CFG_LAYOUT(cfg_wire_reason, text, 8);

/* ---- Client to executive ---- */

enum cfg_request_id {
	CFG_REQ_RING_STATUS_GET = 0,
	CFG_REQ_RING_REENABLE = 1, /* of older libraries; never possible */
	CFG_REQ_KILL_NODE = 2,
	CFG_REQ_TRY_SHUTDOWN = 3,
	CFG_REQ_REPLY_TO_SHUTDOWN = 4,
	CFG_REQ_GET_NODE_ADDRS = 5,
	CFG_REQ_LOCAL_GET = 6,
	CFG_REQ_RELOAD_CONFIG = 7,
	CFG_REQ_REOPEN_LOG_FILES = 8,
	CFG_REQ_NODE_STATUS_GET = 9,
	CFG_REQ_TRACKSTART = 10,
	CFG_REQ_TRACKSTOP = 11,
};

/* RING_STATUS_GET, RING_REENABLE, LOCAL_GET, RELOAD_CONFIG, REOPEN_LOG_FILES, TRACKSTOP. */
struct cfg_req_plain {
	struct cfg_request_header header;
};
CFG_SIZE(cfg_req_plain, 16);

struct cfg_req_kill_node {
	struct cfg_request_header header;
	uint32_t nodeid;
	uint32_t pad;
	struct cfg_wire_reason reason;
};
CFG_SIZE(cfg_req_kill_node, 288);
CFG_LAYOUT(cfg_req_kill_node, nodeid, 16);
CFG_LAYOUT(cfg_req_kill_node, reason, 24);

enum cfg_shutdown_flags {
	CFG_SHUTDOWN_REQUEST = 0, /* any other number too */
	CFG_SHUTDOWN_REGARDLESS = 1,
	CFG_SHUTDOWN_IMMEDIATE = 2,
};

struct cfg_req_try_shutdown {
	struct cfg_request_header header;
	uint32_t flags; /* enum cfg_shutdown_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_req_try_shutdown, 24);
CFG_LAYOUT(cfg_req_try_shutdown, flags, 16);

struct cfg_req_reply_to_shutdown {
	struct cfg_request_header header;
	uint32_t response; /* 0: no */
	uint32_t pad;
};
CFG_SIZE(cfg_req_reply_to_shutdown, 24);
CFG_LAYOUT(cfg_req_reply_to_shutdown, response, 16);

struct cfg_req_get_node_addrs {
	struct cfg_request_header header;
	uint32_t nodeid; /* 0: this node */
	uint32_t pad;
};
CFG_SIZE(cfg_req_get_node_addrs, 24);
CFG_LAYOUT(cfg_req_get_node_addrs, nodeid, 16);

struct cfg_req_node_status_get {
	struct cfg_request_header header;
	uint32_t nodeid;
	uint32_t pad0;
	uint32_t version; /* CFG_NODE_STATUS_VERSION */
	uint32_t pad1;
};
CFG_SIZE(cfg_req_node_status_get, 32);
CFG_LAYOUT(cfg_req_node_status_get, nodeid, 16);
CFG_LAYOUT(cfg_req_node_status_get, version, 24);

struct cfg_req_trackstart {
	struct cfg_request_header header;
	uint8_t track_flags; /* without meaning */
	uint8_t pad[7];
};
CFG_SIZE(cfg_req_trackstart, 24);
CFG_LAYOUT(cfg_req_trackstart, track_flags, 16);

/* ---- Executive to client ---- */

/* Responses, and the one event. */
enum cfg_response_id {
	CFG_RES_RING_STATUS_GET = 0,
	CFG_RES_RING_REENABLE = 1,
	CFG_RES_TRACKSTART = 2,
	CFG_RES_TRACKSTOP = 3,
	CFG_RES_KILL_NODE = 8,
	CFG_RES_TRY_SHUTDOWN = 9,
	CFG_EVENT_TEST_SHUTDOWN = 10,
	CFG_RES_GET_NODE_ADDRS = 11,
	CFG_RES_LOCAL_GET = 12,
	CFG_RES_REPLY_TO_SHUTDOWN = 13,
	CFG_RES_RELOAD_CONFIG = 14,
	CFG_RES_REOPEN_LOG_FILES = 15,
	CFG_RES_NODE_STATUS_GET = 16,
};

/* What has nothing but a result. */
struct cfg_res_plain {
	struct cfg_response_header header;
};
CFG_SIZE(cfg_res_plain, 24);

struct cfg_res_ring_status_get {
	struct cfg_response_header header;
	uint32_t count;
	uint32_t pad;
	char names[CFG_RING_STATUS_MAX][CFG_RING_NAME_SIZE];
	char status[CFG_RING_STATUS_MAX][CFG_RING_STATUS_SIZE];
};
CFG_SIZE(cfg_res_ring_status_get, 10272);
CFG_LAYOUT(cfg_res_ring_status_get, count, 24);
CFG_LAYOUT(cfg_res_ring_status_get, names, 32);
CFG_LAYOUT(cfg_res_ring_status_get, status, 2080);

struct cfg_res_get_node_addrs {
	struct cfg_response_header header;
	uint32_t family; /* AF_INET, AF_INET6 */
	uint32_t count;  /* of addresses; there may be room for more */
	uint8_t addresses[][16]; /* network order; IPv4 in the first four bytes */
};
CFG_SIZE(cfg_res_get_node_addrs, 32);
CFG_LAYOUT(cfg_res_get_node_addrs, family, 24);
CFG_LAYOUT(cfg_res_get_node_addrs, count, 28);
CFG_LAYOUT(cfg_res_get_node_addrs, addresses, 32);

struct cfg_res_local_get {
	struct cfg_response_header header;
	uint32_t nodeid;
	uint32_t pad;
};
CFG_SIZE(cfg_res_local_get, 32);
CFG_LAYOUT(cfg_res_local_get, nodeid, 24);

/* The public struct corosync_knet_link_status_v1. */
struct cfg_wire_link_status {
	uint8_t enabled, connected, dynconnected, pad;
	uint32_t mtu;
	char source[CFG_ADDRESS_TEXT_SIZE];
	char destination[CFG_ADDRESS_TEXT_SIZE];
};
CFG_SIZE(cfg_wire_link_status, 520);
CFG_LAYOUT(cfg_wire_link_status, mtu, 4);
CFG_LAYOUT(cfg_wire_link_status, source, 8);
CFG_LAYOUT(cfg_wire_link_status, destination, 264);

/* The public struct corosync_cfg_node_status_v1. */
struct cfg_wire_node_status {
	uint32_t version;
	uint32_t nodeid;
	uint8_t reachable, remote, external;
	uint8_t onwire_min, onwire_max, onwire_version;
	uint8_t pad[2];
	struct cfg_wire_link_status links[CFG_NODE_LINKS];
};
CFG_SIZE(cfg_wire_node_status, 4176);
CFG_LAYOUT(cfg_wire_node_status, nodeid, 4);
CFG_LAYOUT(cfg_wire_node_status, reachable, 8);
CFG_LAYOUT(cfg_wire_node_status, onwire_version, 13);
CFG_LAYOUT(cfg_wire_node_status, links, 16);

struct cfg_res_node_status_get {
	struct cfg_response_header header;
	struct cfg_wire_node_status status;
};
CFG_SIZE(cfg_res_node_status_get, 4200);
CFG_LAYOUT(cfg_res_node_status_get, status, 24);

/* The same with an error. */
struct cfg_res_node_status_error {
	struct cfg_response_header header;
	uint32_t version;
	uint32_t pad;
};
CFG_SIZE(cfg_res_node_status_error, 32);
CFG_LAYOUT(cfg_res_node_status_error, version, 24);

struct cfg_event_test_shutdown {
	struct cfg_response_header header;
	uint32_t flags; /* enum cfg_shutdown_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_event_test_shutdown, 32);
CFG_LAYOUT(cfg_event_test_shutdown, flags, 24);

/* ---- Node to node ---- */

/* The low half of the id on the ring. */
enum cfg_ring_function {
	CFG_RING_REENABLE = 0, /* never sent */
	CFG_RING_KILL_NODE = 1,
	CFG_RING_SHUTDOWN = 2,
	CFG_RING_RELOAD_CONFIG = 3,
	CFG_RING_CRYPTO_RECONFIG = 4,
};

struct cfg_ring_plain {
	struct cfg_request_header header;
};
CFG_SIZE(cfg_ring_plain, 16);

struct cfg_ring_kill_node {
	struct cfg_request_header header;
	uint32_t nodeid;
	uint32_t pad;
	struct cfg_wire_reason reason;
};
CFG_SIZE(cfg_ring_kill_node, 288);
CFG_LAYOUT(cfg_ring_kill_node, nodeid, 16);
CFG_LAYOUT(cfg_ring_kill_node, reason, 24);

struct cfg_ring_reload_config {
	struct cfg_request_header header;
	uint32_t nodeid; /* of the sender */
	uint32_t pad;
	uint64_t cookie; /* the sender's own; nobody else can tell what it stands for */
};
CFG_SIZE(cfg_ring_reload_config, 32);
CFG_LAYOUT(cfg_ring_reload_config, nodeid, 16);
CFG_LAYOUT(cfg_ring_reload_config, cookie, 24);

/* What a node says of a change of keys. Corosync's words for the first two: activate, clean up. */
enum cfg_phase {
	CFG_PHASE_LOADED = 1,    /* it can read what is sent with the new keys */
	CFG_PHASE_GONE_OVER = 2, /* it sends with them */
	CFG_PHASE_WITHDRAWN = 3, /* ours: it may no longer have the keys that it said it had */
};

struct cfg_ring_crypto_reconfig {
	struct cfg_request_header header;
	uint32_t phase; /* enum cfg_phase */
	uint32_t tag;   /* of the keys, where Corosync's has padding; it looks at its own phase alone */
};
CFG_SIZE(cfg_ring_crypto_reconfig, 24);
CFG_LAYOUT(cfg_ring_crypto_reconfig, phase, 16);
CFG_LAYOUT(cfg_ring_crypto_reconfig, tag, 20);

#endif
