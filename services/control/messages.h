/*
 * Every message of the control service: what coterie-ctl and the daemon say to each other over libqb, and
 * what the nodes tell each other of their plugins. Of this project's own making: there is no Corosync
 * service like it.
 *
 * Integers are in host byte order on IPC. Texts end with a NUL. What comes from a client or a peer is checked
 * before use: counts against the bytes that are there, texts for their end.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CONTROL_MESSAGES_H
#define SERVICES_CONTROL_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#define CONTROL_IPC_NAME "coterie-control"

enum {
	CONTROL_SERVICE_ID = 34,
	CONTROL_WORDS_MAX = 256,
	CONTROL_WORDS_SIZE_MAX = 65536,
	CONTROL_TEXT_SIZE = 1024,
	CONTROL_LIST_SIZE_MAX = 16384, /* one node's plugins as text */
	CONTROL_RELOAD_TEXT_MAX = 262144,
	CONTROL_PREFIX_SIZE = 256,      /* of names of keys, with its NUL */
	CONTROL_KEYS_SIZE_MAX = 524288, /* text of one node's keys */
};

enum control_request_id {
	CONTROL_REQ_PLUGIN_LOAD = 0,    /* words: name or absolute path, then KEY=VALUE each */
	CONTROL_REQ_PLUGIN_UNLOAD = 1,  /* words: name */
	CONTROL_REQ_PLUGIN_REPLACE = 2, /* words: name, then the absolute path of the new file, or nothing */
	CONTROL_REQ_PLUGIN_NODES = 3,   /* who runs what; no words */
	CONTROL_REQ_RELOAD = 4,         /* of this node alone; no words; refused where the service cfg is loaded */
	CONTROL_REQ_KEYS = 5,           /* of one node's maps: struct control_req_keys */
};

enum control_response_id {
	CONTROL_RES_PLUGIN_LOAD = 0,
	CONTROL_RES_PLUGIN_UNLOAD = 1,
	CONTROL_RES_PLUGIN_REPLACE = 2,
	CONTROL_RES_PLUGIN_NODES = 3,
	CONTROL_RES_RELOAD = 4,
	CONTROL_RES_KEYS = 5,
};

/* What keys are of. */
enum control_map {
	CONTROL_MAP_CONFIG = 0,
	CONTROL_MAP_STATS = 1,
	/* What the node's transport tells of each node: "ID.reachable"; of each enabled link "ID.linkN.enabled",
	   ".connected", ".mtu", ".source" and ".destination". */
	CONTROL_MAP_PEERS = 2,
};

#define CONTROL_FORCE 1u /* flag of a replacement: one that cannot take over the state starts cold */
#define CONTROL_CHECK 2u /* flag of a reload: nothing is to change */

#define CONTROL_KEYS_CUT 1u     /* flag of keys: there are more than fit */
#define CONTROL_KEYS_QUORATE 2u /* the node whose keys they are has quorum, or needs none */

/* libqb's headers. */
struct control_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
};

struct control_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};

/* A request: word_count texts, one behind the other, fill it up. */
struct control_req {
	struct control_request_header header;
	uint32_t flags;
	uint32_t drain_ms; /* unload; 0: as long as when the daemon ends */
	uint32_t word_count;
	uint32_t pad;
	char words[];
};
_Static_assert(offsetof(struct control_req, words) == 32, "layout of a control request");

/* The keys of a node whose names begin with prefix, which ends with a NUL. */
struct control_req_keys {
	struct control_request_header header;
	uint32_t nodeid;
	uint32_t map; /* enum control_map */
	char prefix[CONTROL_PREFIX_SIZE];
};
_Static_assert(sizeof(struct control_req_keys) == 280, "layout of a request for keys");

/* How a change of plugins went: header.error is CS_OK whatever came of it. */
struct control_res {
	struct control_response_header header;
	int32_t rc; /* 0 or a negative errno, as of the host's plugin_load and its like */
	uint32_t pad;
	char text[CONTROL_TEXT_SIZE]; /* why not; "" */
};
_Static_assert(offsetof(struct control_res, text) == 32, "layout of a control response");

/*
 * How a reload went: header.error is CS_OK whatever came of it. The rest is text without a NUL: lines "change
 * KEY OLD -> NEW" and "restart KEY OLD -> NEW", or why the file is refused; what is too long is cut off.
 */
struct control_res_reload {
	struct control_response_header header;
	int32_t rc; /* 0; -EINVAL: refused; another negative errno */
	uint32_t nodeid;
};
_Static_assert(sizeof(struct control_res_reload) == 32, "layout of a reload's response");

/*
 * header.error is CS_OK whatever came of it. The rest: for each key three texts, its name, its type as
 * corosync-cmapctl(8) calls it, and its value: numbers in decimal, bytes in hexadecimal.
 */
struct control_res_keys {
	struct control_response_header header;
	int32_t rc;     /* 0; -ENOENT: not in the ring; -ENOTSUP: nobody there to ask; -ETIMEDOUT; another negative errno */
	uint32_t flags; /* CONTROL_KEYS_* */
};
_Static_assert(sizeof(struct control_res_keys) == 32, "layout of the answer about keys");

/* CONTROL_RES_PLUGIN_NODES: behind the header, for each node that has told its plugins, one of these. */
struct control_node {
	uint32_t nodeid;
	uint32_t size; /* of text, a multiple of 4 */
	char text[];   /* names, each with a NUL; NULs behind them */
};
_Static_assert(sizeof(struct control_node) == 8, "layout of a node's list");

enum control_ring_function {
	CONTROL_RING_PLUGINS = 0, /* the sender's plugins */
	CONTROL_RING_ASK = 1,     /* one node for its keys */
	CONTROL_RING_KEYS = 2,    /* its answer */
};

struct control_ring_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
};

/* Nothing in it depends on the byte order. */
struct control_ring_plugins {
	struct control_ring_header header;
	char text[]; /* names, each with a NUL; none: the service goes from that node */
};

struct control_ring_ask {
	struct control_ring_header header;
	uint32_t nodeid; /* who is asked */
	uint32_t number; /* chosen by who asks */
	uint32_t map;    /* enum control_map */
	uint32_t pad;
	char prefix[CONTROL_PREFIX_SIZE];
};
_Static_assert(sizeof(struct control_ring_ask) == 288, "layout of a question to a node");

struct control_ring_keys {
	struct control_ring_header header;
	uint32_t nodeid; /* who has asked */
	uint32_t number;
	uint32_t flags;  /* CONTROL_KEYS_* */
	uint32_t pad;
	char text[];     /* as in control_res_keys */
};
_Static_assert(offsetof(struct control_ring_keys, text) == 32, "layout of a node's keys");

#endif
