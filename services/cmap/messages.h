/*
 * Every message of the cmap service: between client libraries and the executive over libqb, and between the nodes on
 * the ring. Both libcmap and the service plugin include this file, so they use the same layouts. The layouts are those
 * of Corosync 3.1.7 (book services, "cmap").
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad are sent as zero and
 * ignored on receipt. Lengths inside a message come from outside: check them against the size of the message before
 * use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_MESSAGES_H
#define SERVICES_CMAP_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	CMAP_SERVICE_ID = 0,
	/* Bytes of one IPC message in either direction, header included. */
	CMAP_IPC_SIZE_MAX = 1048576,
	/* Bytes of a key with its NUL. */
	CMAP_WIRE_NAME_SIZE = 256,
};

/* Assert the offset of one member, or the size of a message. */
#define CMAP_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define CMAP_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

struct cmap_wire_name {
	uint16_t length; /* 0 .. 255; without the NUL */
	uint16_t pad[3];
	char value[CMAP_WIRE_NAME_SIZE]; /* terminated with NUL in messages of libraries */
};
CMAP_SIZE(cmap_wire_name, 264);
CMAP_LAYOUT(cmap_wire_name, length, 0);
CMAP_LAYOUT(cmap_wire_name, value, 8);

/* libqb's header of a request, and of a ring message. */
struct cmap_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
CMAP_SIZE(cmap_request_header, 16);
CMAP_LAYOUT(cmap_request_header, id, 0);
CMAP_LAYOUT(cmap_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
struct cmap_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
CMAP_SIZE(cmap_response_header, 24);
CMAP_LAYOUT(cmap_response_header, id, 0);
CMAP_LAYOUT(cmap_response_header, size, 8);
CMAP_LAYOUT(cmap_response_header, error, 16);

/* ---- Requests and responses over IPC ---- */

enum cmap_request_id {
	CMAP_REQ_SET = 0,
	CMAP_REQ_DELETE = 1,
	CMAP_REQ_GET = 2,
	CMAP_REQ_ADJUST = 3,
	CMAP_REQ_ITER_INIT = 4,
	CMAP_REQ_ITER_NEXT = 5,
	CMAP_REQ_ITER_FINALIZE = 6,
	CMAP_REQ_TRACK_ADD = 7,
	CMAP_REQ_TRACK_DELETE = 8,
	CMAP_REQ_SET_MAP = 9,
};

/* A response has the number of its request, except for CMAP_RES_SET_MAP, since 9 is the event. */
enum cmap_response_id {
	CMAP_EVENT_NOTIFY = 9,
	CMAP_RES_SET_MAP = 10,
};

/* A response that has only a header. */
struct cmap_res_plain {
	struct cmap_response_header header;
};
CMAP_SIZE(cmap_res_plain, 24);

struct cmap_req_set {
	struct cmap_request_header header;
	struct cmap_wire_name name;
	uint64_t value_size; /* bytes of value. A string may include its NUL or not */
	uint8_t type;
	uint8_t pad[7];
	uint8_t value[];
};
CMAP_SIZE(cmap_req_set, 296);
CMAP_LAYOUT(cmap_req_set, name, 16);
CMAP_LAYOUT(cmap_req_set, value_size, 280);
CMAP_LAYOUT(cmap_req_set, type, 288);
CMAP_LAYOUT(cmap_req_set, value, 296);

struct cmap_req_delete {
	struct cmap_request_header header;
	struct cmap_wire_name name;
};
CMAP_SIZE(cmap_req_delete, 280);
CMAP_LAYOUT(cmap_req_delete, name, 16);

struct cmap_req_get {
	struct cmap_request_header header;
	struct cmap_wire_name name;
	uint64_t room; /* room for the value in bytes. 0: the caller does not need the value */
};
CMAP_SIZE(cmap_req_get, 288);
CMAP_LAYOUT(cmap_req_get, name, 16);
CMAP_LAYOUT(cmap_req_get, room, 280);

struct cmap_res_get {
	struct cmap_response_header header;
	uint64_t value_size; /* size of the key's value, even if the value does not follow */
	uint8_t type;
	uint8_t pad[7];
	uint8_t value[]; /* follows if room > 0. Corosync's daemon always sends `room` bytes */
};
CMAP_SIZE(cmap_res_get, 40);
CMAP_LAYOUT(cmap_res_get, value_size, 24);
CMAP_LAYOUT(cmap_res_get, type, 32);
CMAP_LAYOUT(cmap_res_get, value, 40);

struct cmap_req_adjust {
	struct cmap_request_header header;
	struct cmap_wire_name name;
	int32_t step;
	uint32_t pad;
};
CMAP_SIZE(cmap_req_adjust, 288);
CMAP_LAYOUT(cmap_req_adjust, name, 16);
CMAP_LAYOUT(cmap_req_adjust, step, 280);

struct cmap_req_iter_init {
	struct cmap_request_header header;
	struct cmap_wire_name prefix; /* length 0: all keys */
};
CMAP_SIZE(cmap_req_iter_init, 280);
CMAP_LAYOUT(cmap_req_iter_init, prefix, 16);

struct cmap_res_iter_init {
	struct cmap_response_header header;
	uint64_t iterator;
};
CMAP_SIZE(cmap_res_iter_init, 32);
CMAP_LAYOUT(cmap_res_iter_init, iterator, 24);

struct cmap_req_iter_next {
	struct cmap_request_header header;
	uint64_t iterator;
};
CMAP_SIZE(cmap_req_iter_next, 24);
CMAP_LAYOUT(cmap_req_iter_next, iterator, 16);

struct cmap_res_iter_next {
	struct cmap_response_header header;
	struct cmap_wire_name name;
	uint64_t value_size;
	uint8_t type;
	uint8_t pad[7];
};
CMAP_SIZE(cmap_res_iter_next, 304);
CMAP_LAYOUT(cmap_res_iter_next, name, 24);
CMAP_LAYOUT(cmap_res_iter_next, value_size, 288);
CMAP_LAYOUT(cmap_res_iter_next, type, 296);

struct cmap_req_iter_finalize {
	struct cmap_request_header header;
	uint64_t iterator;
};
CMAP_SIZE(cmap_req_iter_finalize, 24);
CMAP_LAYOUT(cmap_req_iter_finalize, iterator, 16);

struct cmap_req_track_add {
	struct cmap_request_header header;
	struct cmap_wire_name name; /* length 0: the empty name, which is a prefix of all keys */
	int32_t track_type;
	uint32_t pad;
	uint64_t instance; /* number chosen by the library, repeated in events */
};
CMAP_SIZE(cmap_req_track_add, 296);
CMAP_LAYOUT(cmap_req_track_add, name, 16);
CMAP_LAYOUT(cmap_req_track_add, track_type, 280);
CMAP_LAYOUT(cmap_req_track_add, instance, 288);

struct cmap_res_track_add {
	struct cmap_response_header header;
	uint64_t tracker;
};
CMAP_SIZE(cmap_res_track_add, 32);
CMAP_LAYOUT(cmap_res_track_add, tracker, 24);

struct cmap_req_track_delete {
	struct cmap_request_header header;
	uint64_t tracker;
};
CMAP_SIZE(cmap_req_track_delete, 24);
CMAP_LAYOUT(cmap_req_track_delete, tracker, 16);

struct cmap_res_track_delete {
	struct cmap_response_header header;
	uint64_t instance; /* 0 on error */
};
CMAP_SIZE(cmap_res_track_delete, 32);
CMAP_LAYOUT(cmap_res_track_delete, instance, 24);

struct cmap_req_set_map {
	struct cmap_request_header header;
	int32_t map; /* 0: configuration; 1: statistics */
	uint32_t pad;
};
CMAP_SIZE(cmap_req_set_map, 24);
CMAP_LAYOUT(cmap_req_set_map, map, 16);

/* The event of a change, with the new and the old value. A value that does not exist has type 0 and size 0. */
struct cmap_event_notify {
	struct cmap_response_header header;
	uint64_t instance;
	struct cmap_wire_name name;
	int32_t event; /* 4: added; 2: modified; 1: deleted */
	uint32_t pad0;
	uint8_t now_type;
	uint8_t pad1[7];
	uint8_t before_type;
	uint8_t pad2[7];
	uint64_t now_size;
	uint64_t before_size;
	uint8_t values[]; /* now_size bytes, then before_size bytes */
};
CMAP_SIZE(cmap_event_notify, 336);
CMAP_LAYOUT(cmap_event_notify, instance, 24);
CMAP_LAYOUT(cmap_event_notify, name, 32);
CMAP_LAYOUT(cmap_event_notify, event, 296);
CMAP_LAYOUT(cmap_event_notify, now_type, 304);
CMAP_LAYOUT(cmap_event_notify, before_type, 312);
CMAP_LAYOUT(cmap_event_notify, now_size, 320);
CMAP_LAYOUT(cmap_event_notify, before_size, 328);
CMAP_LAYOUT(cmap_event_notify, values, 336);

/* ---- Messages of the ring ---- */

enum cmap_ring_function {
	CMAP_RING_VALUES = 0,
};

enum cmap_ring_reason {
	CMAP_RING_SYNC = 0,
	CMAP_RING_NEW_VERSION = 1,
};

/* One key in a ring message, in the sender's byte order. */
struct cmap_ring_item {
	struct cmap_wire_name name;
	uint8_t type; /* 0: the key does not exist on the sender's node */
	uint8_t pad[7];
	uint64_t value_size;
	uint8_t value[]; /* padded with zeros to a multiple of 8 */
};
CMAP_SIZE(cmap_ring_item, 280);
CMAP_LAYOUT(cmap_ring_item, name, 0);
CMAP_LAYOUT(cmap_ring_item, type, 264);
CMAP_LAYOUT(cmap_ring_item, value_size, 272);
CMAP_LAYOUT(cmap_ring_item, value, 280);

struct cmap_ring_values {
	struct cmap_request_header header;
	uint8_t reason; /* enum cmap_ring_reason */
	uint8_t pad0[7];
	uint8_t item_count; /* a sender writes at most 32 */
	uint8_t pad1[7];
	uint8_t reserved0;
	uint8_t pad2[7];
	uint8_t reserved1;
	uint8_t pad3[7];
	uint8_t items[]; /* struct cmap_ring_item, one after the other */
};
CMAP_SIZE(cmap_ring_values, 48);
CMAP_LAYOUT(cmap_ring_values, reason, 16);
CMAP_LAYOUT(cmap_ring_values, item_count, 24);
CMAP_LAYOUT(cmap_ring_values, reserved0, 32);
CMAP_LAYOUT(cmap_ring_values, reserved1, 40);
CMAP_LAYOUT(cmap_ring_values, items, 48);

#endif
