/*
 * Every message of the control service: between coterie-ctl and the daemon over libqb, and between the nodes
 * about their plugins. Corosync has no such service.
 *
 * Integers are in host byte order on IPC. Texts end with a NUL. Messages of clients and peers are checked
 * before use: counts against the size, texts for their end.
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
	CONTROL_REQ_PLUGIN_LOAD = 0,    /* words: name or absolute path, then KEY=VALUE for each
					 * option */
	CONTROL_REQ_PLUGIN_UNLOAD = 1,  /* words: name */
	CONTROL_REQ_PLUGIN_REPLACE = 2, /* words: name, then the absolute path of the new file, or nothing */
	CONTROL_REQ_PLUGIN_NODES = 3,   /* list the plugins of the nodes; no words */
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

/* The source of the keys. */
enum control_map {
	CONTROL_MAP_CONFIG = 0,
	CONTROL_MAP_STATS = 1,
	/*
	 * The transport's information about each node: "ID.reachable", and for each enabled link
	 * "ID.linkN.enabled", ".connected", ".mtu", ".source" and ".destination".
	 */
	CONTROL_MAP_PEERS = 2,
};

#define CONTROL_FORCE \
	1u               /* flag of a replacement: a plugin that cannot take over the state starts
			  * cold */
#define CONTROL_CHECK 2u /* flag of a reload: only check */

#define CONTROL_KEYS_CUT 1u     /* flag of keys: there are more than fit */
#define CONTROL_KEYS_QUORATE 2u /* the node of the keys has quorum, or needs none */

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

/* A request. It consists of word_count texts, one behind the other. */
struct control_req {
	struct control_request_header header;
	uint32_t flags;
	uint32_t drain_ms; /* unload: drain time. 0: the same as at the end of the daemon */
	uint32_t word_count;
	uint32_t pad;
	char words[];
};
_Static_assert(offsetof(struct control_req, words) == 32, "layout of a control request");

/* Request the keys of a node that begin with prefix, which ends with a NUL. */
struct control_req_keys {
	struct control_request_header header;
	uint32_t nodeid;
	uint32_t map; /* enum control_map */
	char prefix[CONTROL_PREFIX_SIZE];
};
_Static_assert(sizeof(struct control_req_keys) == 280, "layout of a request for keys");

/* The result of a change of plugins. header.error is always CS_OK. */
struct control_res {
	struct control_response_header header;
	int32_t rc; /* 0 or a negative errno, as of the host's plugin_load and similar functions */
	uint32_t pad;
	char text[CONTROL_TEXT_SIZE]; /* reason of a failure, or "" */
};
_Static_assert(offsetof(struct control_res, text) == 32, "layout of a control response");

/*
 * The result of a reload. header.error is always CS_OK. The rest is text without a NUL: lines "change KEY OLD
 * -> NEW" and "restart KEY OLD -> NEW", or the reason of a refusal. Text that is too long is cut off.
 */
struct control_res_reload {
	struct control_response_header header;
	int32_t rc; /* 0; -EINVAL: refused; another negative errno */
	uint32_t nodeid;
};
_Static_assert(sizeof(struct control_res_reload) == 32, "layout of a reload's response");

/*
 * header.error is always CS_OK. The rest has three texts for each key: its name, its type as
 * corosync-cmapctl(8) prints it, and its value. Numbers are decimal, bytes hexadecimal.
 */
struct control_res_keys {
	struct control_response_header header;
	int32_t rc;     /* 0; -ENOENT: not in the ring; -ENOTSUP: the service does not run there; -ETIMEDOUT; another
			 * negative errno */
	uint32_t flags; /* CONTROL_KEYS_* */
};
_Static_assert(sizeof(struct control_res_keys) == 32, "layout of the answer about keys");

/*
 * CONTROL_RES_PLUGIN_NODES: the header is followed by one of these for each node that has sent its
 * plugins.
 */
struct control_node {
	uint32_t nodeid;
	uint32_t size; /* of text, a multiple of 4 */
	char text[];   /* names, each with a NUL, then further NULs */
};
_Static_assert(sizeof(struct control_node) == 8, "layout of a node's list");

enum control_ring_function {
	CONTROL_RING_PLUGINS = 0, /* the sender's plugins */
	CONTROL_RING_ASK = 1,     /* requests the keys of one node */
	CONTROL_RING_KEYS = 2,    /* its answer */
};

struct control_ring_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
};

/* No field depends on the byte order. */
struct control_ring_plugins {
	struct control_ring_header header;
	char text[]; /* names, each with a NUL. None: the service ends on that node */
};

struct control_ring_ask {
	struct control_ring_header header;
	uint32_t nodeid; /* receiver of the request */
	uint32_t number; /* chosen by the sender */
	uint32_t map;    /* enum control_map */
	uint32_t pad;
	char prefix[CONTROL_PREFIX_SIZE];
};
_Static_assert(sizeof(struct control_ring_ask) == 288, "layout of a question to a node");

struct control_ring_keys {
	struct control_ring_header header;
	uint32_t nodeid; /* node that sent the request */
	uint32_t number;
	uint32_t flags; /* CONTROL_KEYS_* */
	uint32_t pad;
	char text[]; /* as in control_res_keys */
};
_Static_assert(offsetof(struct control_ring_keys, text) == 32, "layout of a node's keys");

#endif
