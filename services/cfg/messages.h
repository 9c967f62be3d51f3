/*
 * Every message of the configuration service: between client libraries and the executive over libqb, and between the
 * nodes on the ring. Both libcfg and the service plugin include this file, so they use the same layouts. The layouts
 * are those of Corosync 3.1.7 (book services, "cfg").
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad are sent as zero and
 * ignored on receipt. Lengths inside a message come from outside: check them against the size of the message before
 * use.
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
	/* Most links in an answer to CFG_REQ_RING_STATUS_GET, and bytes of their two texts, NUL included. */
	CFG_RING_STATUS_MAX = 16,
	CFG_RING_NAME_SIZE = 128,
	CFG_RING_STATUS_SIZE = 512,
	CFG_NODE_LINKS = 8,
	CFG_ADDRESS_TEXT_SIZE = 256,
	CFG_NODE_STATUS_VERSION = 1,
};

/* Assert the offset of one member, or the size of a message. */
#define CFG_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define CFG_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

/* libqb's header of a request. A ring message has it as well, with id = (service << 16) | function. */
struct cfg_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
CFG_SIZE(cfg_request_header, 16);
CFG_LAYOUT(cfg_request_header, id, 0);
CFG_LAYOUT(cfg_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
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

/* The reason why a node is killed. */
struct cfg_wire_reason {
	uint16_t length; /* at most 256. Usually it includes the NUL */
	uint16_t pad[3];
	char text[CFG_REASON_SIZE]; /* bytes behind length are undefined */
};
CFG_SIZE(cfg_wire_reason, 264);
CFG_LAYOUT(cfg_wire_reason, text, 8);

/* ---- Client to executive ---- */

enum cfg_request_id {
	CFG_REQ_RING_STATUS_GET = 0,
	CFG_REQ_RING_REENABLE = 1, /* sent by older libraries, always refused */
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
	CFG_REQ_RELOAD_REPORT = 1000, /* an extension, with a number far above Corosync's */
	CFG_REQ_KEY_ROTATE = 1001,
};

/* The requests RING_STATUS_GET, RING_REENABLE, LOCAL_GET, RELOAD_CONFIG, REOPEN_LOG_FILES and TRACKSTOP. */
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
	CFG_SHUTDOWN_REQUEST = 0, /* any other number means the same */
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
	uint8_t track_flags; /* ignored */
	uint8_t pad[7];
};
CFG_SIZE(cfg_req_trackstart, 24);
CFG_LAYOUT(cfg_req_trackstart, track_flags, 16);

enum cfg_reload_flags {
	CFG_RELOAD_CHECK = 1, /* all nodes read and check their files, and change nothing */
	CFG_RELOAD_FORCE = 2, /* accept a coterie.conf in which running nodes are missing */
};

struct cfg_req_reload_report {
	struct cfg_request_header header;
	uint32_t flags; /* enum cfg_reload_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_req_reload_report, 24);
CFG_LAYOUT(cfg_req_reload_report, flags, 16);

enum cfg_rotate_flags {
	CFG_ROTATE_FORCE = 1, /* rotate the key even if nodes of the node list are not in the ring */
};

struct cfg_req_key_rotate {
	struct cfg_request_header header;
	uint32_t flags; /* enum cfg_rotate_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_req_key_rotate, 24);
CFG_LAYOUT(cfg_req_key_rotate, flags, 16);

/* ---- Executive to client ---- */

/* Responses, and the only event. */
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
	CFG_RES_RELOAD_REPORT = 1000,
	CFG_RES_KEY_ROTATE = 1001, /* struct cfg_res_reload_report */
};

/* A response that has only an error code. */
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
	uint32_t family;         /* AF_INET, AF_INET6 */
	uint32_t count;          /* number of addresses. The message may have room for more */
	uint8_t addresses[][16]; /* network order. IPv4: in the first four bytes */
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

/* This struct has the layout of the public struct corosync_knet_link_status_v1. */
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

/* This struct has the layout of the public struct corosync_cfg_node_status_v1. */
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

/* The response with an error, in place of struct cfg_res_node_status_get. */
struct cfg_res_node_status_error {
	struct cfg_response_header header;
	uint32_t version;
	uint32_t pad;
};
CFG_SIZE(cfg_res_node_status_error, 32);
CFG_LAYOUT(cfg_res_node_status_error, version, 24);

/* The outcome of a reload. */
enum cfg_outcome {
	CFG_OUTCOME_APPLIED = 1, /* all nodes were ready. The list shows nodes that failed later */
	CFG_OUTCOME_REFUSED = 2, /* a node refused: no node has changed anything */
	CFG_OUTCOME_CHECKED = 3, /* a check: every node could apply its file */
	CFG_OUTCOME_EACH = 4,    /* Corosync nodes are in the ring, so each node decides about its own file. The report
				  * has only the node of the client */
};

/* The result of one node. */
enum cfg_node_outcome {
	CFG_NODE_READY = 1,   /* its file is valid. The text has the changes that it would make */
	CFG_NODE_APPLIED = 2, /* it has applied its file. The text has the changes */
	CFG_NODE_REFUSED = 3, /* it has refused. The text has the reason */
	CFG_NODE_FAILED = 4, /* its file was valid, and applying it, or a part of it, failed. The text has the reason */
	CFG_NODE_NO_ANSWER = 5, /* it sent no message: the service is not loaded, or hangs */
	CFG_NODE_LEFT = 6,      /* it has left the ring */
	CFG_NODE_ABSENT = 7,    /* it is in the node list, and was not in the ring when the key changed */
};

/*
 * Followed by `count` nodes (struct cfg_wire_node_report) in ascending order, absent nodes last. header.error is CS_OK
 * for every outcome.
 */
struct cfg_res_reload_report {
	struct cfg_response_header header;
	uint32_t outcome; /* enum cfg_outcome */
	uint32_t count;
};
CFG_SIZE(cfg_res_reload_report, 32);
CFG_LAYOUT(cfg_res_reload_report, outcome, 24);
CFG_LAYOUT(cfg_res_reload_report, count, 28);

/*
 * One node in a report. It is followed by text_size bytes, padded to a multiple of 8. For a node that is ready or has
 * applied its file, the text has lines: "change KEY OLD -> NEW", "restart KEY OLD -> NEW", and "more" if lines were
 * left out.
 */
struct cfg_wire_node_report {
	uint32_t nodeid;
	uint32_t outcome; /* enum cfg_node_outcome */
	uint32_t text_size;
	uint32_t pad;
};
CFG_SIZE(cfg_wire_node_report, 16);

struct cfg_event_test_shutdown {
	struct cfg_response_header header;
	uint32_t flags; /* enum cfg_shutdown_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_event_test_shutdown, 32);
CFG_LAYOUT(cfg_event_test_shutdown, flags, 24);

/* ---- Node to node ---- */

/* The lower 16 bits of header.id of a ring message. */
enum cfg_ring_function {
	CFG_RING_REENABLE = 0, /* never sent */
	CFG_RING_KILL_NODE = 1,
	CFG_RING_SHUTDOWN = 2,
	CFG_RING_RELOAD_CONFIG = 3,
	CFG_RING_CRYPTO_RECONFIG = 4,
	/*
	 * The following messages are extensions. They are sent only in rings of Coterie nodes: a Corosync node would
	 * drop them with a warning.
	 */
	CFG_RING_RELOAD_ASK = 5,
	CFG_RING_RELOAD_WORD = 6,
	CFG_RING_RELOAD_ORDER = 7,
	CFG_RING_KEY_ROTATE = 8,
	CFG_RING_RELOAD_EXPIRE = 9,
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
	uint32_t nodeid; /* node id of the sender */
	uint32_t pad;
	uint64_t cookie; /* chosen by the sender, and meaningful only to it */
};
CFG_SIZE(cfg_ring_reload_config, 32);
CFG_LAYOUT(cfg_ring_reload_config, nodeid, 16);
CFG_LAYOUT(cfg_ring_reload_config, cookie, 24);

/* The phases of a node in a change of keys. Corosync calls the first two activate and cleanup. */
enum cfg_phase {
	CFG_PHASE_LOADED = 1,    /* the node can decrypt packets with the new keys */
	CFG_PHASE_GONE_OVER = 2, /* the node sends with the new keys */
	CFG_PHASE_WITHDRAWN = 3, /* an extension: the node may no longer have the keys that it announced */
};

struct cfg_ring_crypto_reconfig {
	struct cfg_request_header header;
	uint32_t phase; /* enum cfg_phase */
	uint32_t tag;   /* a keyed hash of the keys (docs/encryption.md), in place of Corosync's padding. Corosync uses
			 * only the phase */
};
CFG_SIZE(cfg_ring_crypto_reconfig, 24);
CFG_LAYOUT(cfg_ring_crypto_reconfig, phase, 16);
CFG_LAYOUT(cfg_ring_crypto_reconfig, tag, 20);

/*
 * A request for a reload that either all nodes apply or none (agree.c). Its round is identified by the sender of this
 * message and the sender's number.
 */
struct cfg_ring_reload_ask {
	struct cfg_request_header header;
	uint64_t number;
	uint32_t flags; /* enum cfg_reload_flags */
	uint32_t pad;
};
CFG_SIZE(cfg_ring_reload_ask, 32);
CFG_LAYOUT(cfg_ring_reload_ask, number, 16);
CFG_LAYOUT(cfg_ring_reload_ask, flags, 24);

/* The messages of a member in a round. It sends HEARD, then READY or REFUSED, then APPLIED or FAILED. */
enum cfg_stage {
	CFG_STAGE_HEARD = 1,   /* the member takes part */
	CFG_STAGE_READY = 2,   /* its file is valid. The text has the changes that it would make */
	CFG_STAGE_REFUSED = 3, /* its file is not valid. The text has the reason */
	CFG_STAGE_APPLIED = 4, /* it has applied the file. In a round for a key: it sends with the new key, and has
			        * wiped the old key */
	CFG_STAGE_FAILED = 5,  /* applying the file or key, or a part of it, failed. The text has the reason */
};

enum cfg_word_flags {
	CFG_WORD_PARTLY = 1, /* with FAILED: the file is applied, but a part of it has no effect */
};

struct cfg_ring_reload_word {
	struct cfg_request_header header;
	uint64_t number;
	uint32_t asker;
	uint32_t stage; /* enum cfg_stage */
	uint32_t text_size;
	uint32_t flags; /* enum cfg_word_flags. Older builds send 0, and ignore it */
	char text[];    /* text_size bytes without NUL */
};
CFG_SIZE(cfg_ring_reload_word, 40);
CFG_LAYOUT(cfg_ring_reload_word, number, 16);
CFG_LAYOUT(cfg_ring_reload_word, asker, 24);
CFG_LAYOUT(cfg_ring_reload_word, stage, 28);
CFG_LAYOUT(cfg_ring_reload_word, text_size, 32);
CFG_LAYOUT(cfg_ring_reload_word, flags, 36);
CFG_LAYOUT(cfg_ring_reload_word, text, 40);

/* Orders of the node that requested the round, if members do not answer in time. */
enum cfg_order {
	CFG_ORDER_WITHOUT = 1, /* after three of these the round goes on without members that have sent nothing */
	CFG_ORDER_DROP = 2,    /* all nodes drop the round */
};

enum cfg_order_flags {
	CFG_ORDER_UNLOADS = 1, /* with DROP: the sender unloads the service. No member is late */
};

struct cfg_ring_reload_order {
	struct cfg_request_header header;
	uint64_t number;
	uint32_t order; /* enum cfg_order */
	uint32_t flags; /* enum cfg_order_flags. Older builds send 0, and ignore it */
};
CFG_SIZE(cfg_ring_reload_order, 32);
CFG_LAYOUT(cfg_ring_reload_order, number, 16);
CFG_LAYOUT(cfg_ring_reload_order, order, 24);
CFG_LAYOUT(cfg_ring_reload_order, flags, 28);

/*
 * A member has waited too long for the node that requested the round. All nodes drop the round, if it is the active one.
 * Older builds ignore this message.
 */
struct cfg_ring_reload_expire {
	struct cfg_request_header header;
	uint64_t number; /* number of the round */
	uint32_t asker;  /* id of the node that requested it */
	uint32_t pad;
};
CFG_SIZE(cfg_ring_reload_expire, 32);
CFG_LAYOUT(cfg_ring_reload_expire, number, 16);
CFG_LAYOUT(cfg_ring_reload_expire, asker, 24);

/* A new key of the ring, encrypted with the key in use: wrap.c. */
enum {
	CFG_ROUND_SIZE = 16,
	CFG_KEY_SIZE = 256,
	CFG_KEY_TAG_SIZE = 16,
};

struct cfg_sealed_key {
	uint8_t round[CFG_ROUND_SIZE]; /* random number of the round */
	uint8_t bytes[CFG_KEY_SIZE];
	uint8_t tag[CFG_KEY_TAG_SIZE];
};
CFG_SIZE(cfg_sealed_key, 288);
CFG_LAYOUT(cfg_sealed_key, bytes, 16);
CFG_LAYOUT(cfg_sealed_key, tag, 272);

/* A request for a round as RELOAD_ASK, with the same messages and orders. Either all nodes apply this key or none. */
struct cfg_ring_key_rotate {
	struct cfg_request_header header;
	uint64_t number;
	uint32_t flags; /* enum cfg_rotate_flags */
	uint32_t pad;
	struct cfg_sealed_key key;
};
CFG_SIZE(cfg_ring_key_rotate, 320);
CFG_LAYOUT(cfg_ring_key_rotate, number, 16);
CFG_LAYOUT(cfg_ring_key_rotate, flags, 24);
CFG_LAYOUT(cfg_ring_key_rotate, key, 32);

#endif
