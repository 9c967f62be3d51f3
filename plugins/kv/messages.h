/*
 * Every message of the service kv: between its client library and the executive, and between the nodes
 * on the ring.
 *
 * Integers are in host byte order on IPC, and little-endian on the ring. Fields named pad are zero.
 * Sizes come from outside: check them against the size of the message before use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PLUGINS_KV_MESSAGES_H
#define PLUGINS_KV_MESSAGES_H

#include <stdint.h>

#include <coterie/service.h>

enum {
	KV_SERVICE_ID = 35,
	KV_KEY_MAX = 255,
	KV_VALUE_MAX = 1044480,
	KV_WAITING_MAX = 64,
	KV_WATCHES_MAX = 64, /* watches of one client */
};

#define KV_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- IPC ---- */

enum kv_request_id {
	KV_REQ_PUT = 0,
	KV_REQ_DELETE = 1,
	KV_REQ_GET = 2,
	KV_REQ_LIST = 3,
	KV_REQ_GET_ORDERED = 4, /* like GET and LIST, but at a place in the order of the writes */
	KV_REQ_LIST_ORDERED = 5,
	KV_REQ_WATCH = 6,
	KV_REQ_UNWATCH = 7,
	KV_REQ_ACK = 8, /* without an answer */
	KV_REQ_STATUS = 9,
	KV_REQ_RECOVER = 10,
};

enum kv_event_id {
	KV_EVENT_CHANGE = 0,
	KV_EVENT_MISSED = 1,
};

struct kv_req_plain {
	struct coterie_request_header header;
};

struct kv_res_plain {
	struct coterie_response_header header;
};

#define KV_CONDITIONAL 1u /* flag: `expected` is valid */

/* Request of PUT and DELETE. For DELETE value_size is 0. */
struct kv_req_write {
	struct coterie_request_header header;
	uint64_t expected;
	uint32_t flags;
	uint32_t key_size, value_size;
	uint32_t pad;
	uint8_t bytes[]; /* the key, then the value */
};
KV_SIZE(kv_req_write, 40);

/* Response to PUT and DELETE. It is also sent with an error, if the key's revision is useful to the client. */
struct kv_res_write {
	struct coterie_response_header header;
	uint64_t revision;
};
KV_SIZE(kv_res_write, 32);

struct kv_req_get {
	struct coterie_request_header header;
	uint32_t key_size;
	uint32_t pad;
	uint8_t bytes[];
};
KV_SIZE(kv_req_get, 24);

struct kv_res_get {
	struct coterie_response_header header;
	uint64_t revision, created, modified;
	uint32_t value_size;
	uint32_t pad;
	uint8_t bytes[];
};
KV_SIZE(kv_res_get, 56);

#define KV_KEYS_ONLY 2u

struct kv_req_list {
	struct coterie_request_header header;
	uint32_t flags;
	uint32_t prefix_size;
	uint32_t after_size; /* 0: list from the first key; otherwise only keys above this one */
	uint32_t pad;
	uint8_t bytes[]; /* prefix, then the bytes of `after` */
};
KV_SIZE(kv_req_list, 32);

struct kv_res_list {
	struct coterie_response_header header;
	uint64_t revision;
	uint32_t count;
	uint32_t has_more;
	uint8_t bytes[]; /* `count` items: each is a struct kv_item and its bytes, padded to a multiple of 8 */
};
KV_SIZE(kv_res_list, 40);

struct kv_item {
	uint64_t created, modified;
	uint32_t key_size, value_size;
};
KV_SIZE(kv_item, 24);

struct kv_req_watch {
	struct coterie_request_header header;
	uint32_t prefix_size;
	uint32_t pad;
	uint8_t bytes[];
};
KV_SIZE(kv_req_watch, 24);

struct kv_res_watch {
	struct coterie_response_header header;
	uint64_t revision;
	uint32_t watch;
	uint32_t pad;
};
KV_SIZE(kv_res_watch, 40);

struct kv_req_unwatch {
	struct coterie_request_header header;
	uint32_t watch;
	uint32_t pad;
};
KV_SIZE(kv_req_unwatch, 24);

/* Report how many bytes of events the client has handled. The size of an event includes its header. */
struct kv_req_ack {
	struct coterie_request_header header;
	uint64_t bytes;
};
KV_SIZE(kv_req_ack, 24);

struct kv_res_status {
	struct coterie_response_header header;
	uint64_t revision, hash, keys, bytes, bytes_max;
	uint32_t state, donor, waiting_count;
	uint32_t waiting[KV_WAITING_MAX];
	uint32_t pad;
};
KV_SIZE(kv_res_status, 24 + 40 + 12 + 4 * KV_WAITING_MAX + 4);

#define KV_OP_PUT 1u
#define KV_OP_DELETE 2u

struct kv_event_change {
	struct coterie_response_header header;
	uint64_t revision;
	uint32_t watch;
	uint32_t op; /* KV_OP_* */
	uint32_t key_size, value_size;
	uint8_t bytes[];
};
KV_SIZE(kv_event_change, 48);

struct kv_event_missed {
	struct coterie_response_header header;
	uint64_t revision;
	uint32_t watch;
	uint32_t pad;
};
KV_SIZE(kv_event_missed, 40);

/* ---- Ring ---- */

enum kv_ring_function {
	KV_RING_WRITE = 0,    /* sent safe */
	KV_RING_READ = 1,     /* sent safe: its place in the order is that of a linearizable read */
	KV_RING_ANNOUNCE = 2, /* in a synchronisation: the state of a node */
	KV_RING_NOTICE = 3,   /* the quorum or the limit of the sender has changed */
	KV_RING_CHUNK = 4,    /* a part of the state, for members that do not have it */
	/* sent safe: the sender has the whole state, has lost it, unloads the service, or has stored its marker */
	KV_RING_STANDING = 5,
	KV_RING_RECOVER = 6,
};

struct kv_ring_write {
	struct coterie_ring_header header;
	/* Upper half: lower half of the ring's seq when it was sent. Lower half: chosen by the sender. */
	uint64_t serial;
	uint64_t expected;
	uint32_t op; /* KV_OP_* */
	uint32_t flags;
	uint32_t key_size, value_size;
	uint8_t bytes[];
};
KV_SIZE(kv_ring_write, 48);

struct kv_ring_read {
	struct coterie_ring_header header;
	uint64_t serial;
};
KV_SIZE(kv_ring_read, 24);

/* A ring, as bytes of a message. seq 0: no ring. */
struct kv_wire_ring {
	uint64_t seq;
	uint32_t rep;
	uint32_t pad;
};
KV_SIZE(kv_wire_ring, 16);

#define KV_HAS_STATE 1u /* the sender has the complete state */
#define KV_IS_QUORATE 2u
#define KV_HAS_MARKER 4u  /* the sender has a quorum provider, so its marker is valid */
#define KV_CAN_FORGET 8u  /* the sender stops counting a member that sends KV_IS_LEAVING */
#define KV_IS_LEAVING 16u /* the sender unloads the service. Older versions ignore this flag */
#define KV_IS_EARLY 32u   /* the sender forms the table before it is done with the synchronisation, if all members do */
#define KV_TELLS_STORE 64u /* the sender sends KV_HAS_STORED when it has formed the table later, if all members do */
#define KV_HAS_STORED 128u /* the sender's marker of this ring is stored. KV_HAS_STATE says nothing then */

struct kv_ring_announce {
	struct coterie_ring_header header;
	struct kv_wire_ring ring; /* ring in which the message was sent */
	struct kv_wire_ring epoch;
	uint64_t revision, hash;
	uint64_t cursor, started, kept_from;
	uint64_t bytes_max;
	struct kv_wire_ring marker;
	uint32_t flags;
	uint32_t member_count; /* number of members of the marker's ring */
	uint32_t members[];
};
KV_SIZE(kv_ring_announce, 120);

struct kv_ring_notice {
	struct coterie_ring_header header;
	struct kv_wire_ring ring;
	uint64_t bytes_max;
	uint32_t flags; /* KV_IS_QUORATE */
	uint32_t pad;
};
KV_SIZE(kv_ring_notice, 48);

#define KV_CHUNK_LAST 1u

/* All changes with revisions above `from` up to `to`. The chunk was made at the revision `base`. */
struct kv_ring_chunk {
	struct coterie_ring_header header;
	struct kv_wire_ring ring;
	uint64_t from, to, base;
	uint32_t flags;
	uint32_t count;
	uint8_t bytes[]; /* `count` items: each is a struct kv_ring_item and its bytes, without gaps */
};
KV_SIZE(kv_ring_chunk, 64);

struct kv_ring_item {
	uint64_t created, modified;
	uint32_t op; /* KV_OP_DELETE: the key was deleted */
	uint32_t key_size, value_size;
	uint32_t pad;
};
KV_SIZE(kv_ring_item, 32);

struct kv_ring_standing {
	struct coterie_ring_header header;
	struct kv_wire_ring ring;
	uint32_t flags; /* KV_HAS_STATE, KV_IS_LEAVING or KV_HAS_STORED */
	uint32_t pad;
};
KV_SIZE(kv_ring_standing, 40);

struct kv_ring_recover {
	struct coterie_ring_header header;
	struct kv_wire_ring ring;
};
KV_SIZE(kv_ring_recover, 32);

#endif
