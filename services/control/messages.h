/*
 * Every message of the control service: between coterie-ctl and the daemon over libqb, and between the nodes on the
 * ring. Corosync has no control service.
 *
 * Integers are in host byte order on IPC. Texts end with a NUL. Messages of clients and other nodes are checked before
 * use: counts must fit the size, and texts must end inside the message.
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
	CONTROL_LIST_SIZE_MAX = 16384, /* most bytes of text with one node's plugins */
	CONTROL_RELOAD_TEXT_MAX = 262144,
	CONTROL_PREFIX_SIZE = 256,      /* bytes of a prefix of keys, with its NUL */
	CONTROL_KEYS_SIZE_MAX = 524288, /* most bytes of text with one node's keys */
};

enum control_request_id {
	CONTROL_REQ_PLUGIN_LOAD = 0,    /* words: name or absolute path, then KEY=VALUE for each
					 * option */
	CONTROL_REQ_PLUGIN_UNLOAD = 1,  /* words: the plugin's name */
	CONTROL_REQ_PLUGIN_REPLACE = 2, /* words: name, then the absolute path of the new file, or nothing */
	CONTROL_REQ_PLUGIN_NODES = 3,   /* list the plugins of the nodes; no words */
	CONTROL_REQ_RELOAD = 4,         /* reload this node alone; no words; refused if the service cfg is loaded */
	/* Get keys of one node's maps: struct control_req_keys. CS_ERR_TRY_AGAIN: the client waits for an answer already */
	CONTROL_REQ_KEYS = 5,
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
#define CONTROL_CHECK 2u /* flag of a reload: check the file, and apply nothing */

#define CONTROL_KEYS_CUT 1u     /* flag of keys: there are more keys than fit */
#define CONTROL_KEYS_QUORATE 2u /* flag of keys: their node has quorum, or needs none */

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

/* A request of words: word_count texts with NUL, one behind the other. */
struct control_req {
	struct control_request_header header;
	uint32_t flags;
	uint32_t drain_ms; /* unload: limit for the drain. 0: the same as at the end of the daemon */
	uint32_t word_count;
	uint32_t pad;
	char words[];
};
_Static_assert(offsetof(struct control_req, words) == 32, "layout of a control request");

/* A request for the keys of a node that begin with `prefix`, which ends with a NUL. */
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
	int32_t rc; /* 0 or a negative errno from the host's function, such as plugin_load */
	uint32_t pad;
	char text[CONTROL_TEXT_SIZE]; /* reason why the change has failed, or "" */
};
_Static_assert(offsetof(struct control_res, text) == 32, "layout of a control response");

/*
 * The result of a reload. header.error is always CS_OK. Text without a NUL follows: lines "change KEY OLD -> NEW" and
 * "restart KEY OLD -> NEW", or the reason of a refusal. Text that is too long is cut off.
 */
struct control_res_reload {
	struct control_response_header header;
	int32_t rc; /* 0; -EINVAL: refused; another negative errno */
	uint32_t nodeid;
};
_Static_assert(sizeof(struct control_res_reload) == 32, "layout of a reload's response");

/*
 * The keys of a node. The value of header.error is always CS_OK. Three texts follow for each key: its name, its type as
 * corosync-cmapctl(8) prints it, and its value. Numbers are decimal, bytes hexadecimal.
 */
struct control_res_keys {
	struct control_response_header header;
	int32_t rc;     /* 0; -ENOENT: the node is not in the ring; -ENOTSUP: it does not run this service; -ETIMEDOUT;
			 * another negative errno */
	uint32_t flags; /* CONTROL_KEYS_* */
};
_Static_assert(sizeof(struct control_res_keys) == 32, "layout of the answer about keys");

/* In CONTROL_RES_PLUGIN_NODES the header is followed by one such struct for each node that has sent its plugins. */
struct control_node {
	uint32_t nodeid;
	uint32_t size; /* bytes of text, a multiple of 4 */
	char text[];   /* names, each with a NUL, then NULs up to the size */
};
_Static_assert(sizeof(struct control_node) == 8, "layout of a node's list");

enum control_ring_function {
	CONTROL_RING_PLUGINS = 0, /* the sender's plugins */
	CONTROL_RING_ASK = 1,     /* request for the keys of one node */
	CONTROL_RING_KEYS = 2,    /* answer to a CONTROL_RING_ASK */
};

struct control_ring_header {
	int32_t id;
	uint32_t pad0;
	int32_t size;
	uint32_t pad1;
};

/* The list of the sender's plugins. No field depends on the byte order. */
struct control_ring_plugins {
	struct control_ring_header header;
	char text[]; /* names, each with a NUL. No name: the service ends on the sender's node */
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
