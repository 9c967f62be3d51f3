/*
 * Messages between client libraries and the quorum service over libqb. Both libquorum and the service plugin include
 * this file, so they use the same layouts. The layouts are those of Corosync 3.1.7
 * (book ipc, "quorum and votequorum requests"). The service has no ring messages.
 *
 * Integers are in host byte order. Fields named pad are sent as zero and ignored on receipt. Counts come from outside:
 * check them against the size of the message before use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_QUORUM_MESSAGES_H
#define SERVICES_QUORUM_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	QUORUM_SERVICE_ID = 3,
};

/* Assert the offset of one member, or the size of a message. */
#define QUORUM_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define QUORUM_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

/* libqb's header of a request. */
struct quorum_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
QUORUM_SIZE(quorum_request_header, 16);
QUORUM_LAYOUT(quorum_request_header, id, 0);
QUORUM_LAYOUT(quorum_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
struct quorum_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
QUORUM_SIZE(quorum_response_header, 24);
QUORUM_LAYOUT(quorum_response_header, id, 0);
QUORUM_LAYOUT(quorum_response_header, size, 8);
QUORUM_LAYOUT(quorum_response_header, error, 16);

struct quorum_wire_ring_id {
	uint32_t nodeid; /* the ring's representative */
	uint32_t pad;
	uint64_t seq;
};
QUORUM_SIZE(quorum_wire_ring_id, 16);
QUORUM_LAYOUT(quorum_wire_ring_id, nodeid, 0);
QUORUM_LAYOUT(quorum_wire_ring_id, seq, 8);

/* The kind of events that a connection gets. QUORUM_REQ_MODEL_GETTYPE sets the kind, which is 0 at first. */
enum quorum_wire_model {
	QUORUM_WIRE_MODEL_V0 = 0, /* QUORUM_EVENT_NOTIFICATION */
	QUORUM_WIRE_MODEL_V1 = 1, /* QUORUM_EVENT_V1_QUORUM and QUORUM_EVENT_V1_NODELIST */
};

/* ---- Client to executive ---- */

enum quorum_request_id {
	QUORUM_REQ_GETQUORATE = 0,
	QUORUM_REQ_TRACKSTART = 1,
	QUORUM_REQ_TRACKSTOP = 2,
	QUORUM_REQ_GETTYPE = 3,
	QUORUM_REQ_MODEL_GETTYPE = 4,
};

/* The requests GETQUORATE, TRACKSTOP and GETTYPE. */
struct quorum_req_plain {
	struct quorum_request_header header;
};
QUORUM_SIZE(quorum_req_plain, 16);

struct quorum_req_trackstart {
	struct quorum_request_header header;
	uint32_t track_flags; /* CS_TRACK_CURRENT, CHANGES, CHANGES_ONLY. Other bits have no meaning */
	uint32_t pad;
};
QUORUM_SIZE(quorum_req_trackstart, 24);
QUORUM_LAYOUT(quorum_req_trackstart, track_flags, 16);

struct quorum_req_model_gettype {
	struct quorum_request_header header;
	uint32_t model; /* enum quorum_wire_model. Any other value is refused with INVALID_PARAM */
	uint32_t pad;
};
QUORUM_SIZE(quorum_req_model_gettype, 24);
QUORUM_LAYOUT(quorum_req_model_gettype, model, 16);

/* ---- Executive to client ---- */

/*
 * Responses and events share one numbering. If the executive refuses a request before it reaches the service, the
 * answer has id 0.
 */
enum quorum_response_id {
	QUORUM_RES_GETQUORATE = 0,
	QUORUM_RES_TRACKSTART = 1,
	QUORUM_RES_TRACKSTOP = 2,
	QUORUM_EVENT_NOTIFICATION = 3,
	QUORUM_RES_GETTYPE = 4,
	QUORUM_RES_MODEL_GETTYPE = 5,
	QUORUM_EVENT_V1_QUORUM = 6,
	QUORUM_EVENT_V1_NODELIST = 7,
};

/* The answer to TRACKSTART and TRACKSTOP, and to every refused request. */
struct quorum_res_plain {
	struct quorum_response_header header;
};
QUORUM_SIZE(quorum_res_plain, 24);

struct quorum_res_getquorate {
	struct quorum_response_header header;
	uint32_t quorate; /* 0 or 1 */
	uint32_t pad;
};
QUORUM_SIZE(quorum_res_getquorate, 32);
QUORUM_LAYOUT(quorum_res_getquorate, quorate, 24);

/* The answer to GETTYPE and MODEL_GETTYPE. */
struct quorum_res_gettype {
	struct quorum_response_header header;
	uint32_t quorum_type; /* 0: no quorum provider is configured; 1: there is a provider */
	uint32_t pad;
};
QUORUM_SIZE(quorum_res_gettype, 32);
QUORUM_LAYOUT(quorum_res_gettype, quorum_type, 24);

/*
 * Event of model 0. The list starts inside the padding of the structure, but header.size is sizeof(struct) + 4 *
 * view_count. So four zero bytes follow the list. The next two events have four zero bytes behind their lists as well.
 */
struct quorum_event_notification {
	struct quorum_response_header header;
	int32_t quorate; /* 0 or 1 */
	uint32_t pad;
	uint64_t ring_seq;
	uint32_t view_count;
	uint32_t view[]; /* node ids, ascending */
};
QUORUM_SIZE(quorum_event_notification, 48);
QUORUM_LAYOUT(quorum_event_notification, quorate, 24);
QUORUM_LAYOUT(quorum_event_notification, ring_seq, 32);
QUORUM_LAYOUT(quorum_event_notification, view_count, 40);
QUORUM_LAYOUT(quorum_event_notification, view, 44);

struct quorum_event_v1_quorum {
	struct quorum_response_header header;
	int32_t quorate; /* 0 or 1 */
	uint32_t pad;
	struct quorum_wire_ring_id ring_id;
	uint32_t view_count;
	uint32_t view[]; /* node ids, ascending. The value of header.size is 56 + 4 * view_count */
};
QUORUM_SIZE(quorum_event_v1_quorum, 56);
QUORUM_LAYOUT(quorum_event_v1_quorum, quorate, 24);
QUORUM_LAYOUT(quorum_event_v1_quorum, ring_id, 32);
QUORUM_LAYOUT(quorum_event_v1_quorum, view_count, 48);
QUORUM_LAYOUT(quorum_event_v1_quorum, view, 52);

struct quorum_event_v1_nodelist {
	struct quorum_response_header header;
	struct quorum_wire_ring_id ring_id;
	uint32_t member_count;
	uint32_t pad0;
	uint32_t joined_count;
	uint32_t pad1;
	uint32_t left_count;
	/* Members, then joined, then left. The value of header.size is 64 + 4 * the sum of the three counts. */
	uint32_t lists[];
};
QUORUM_SIZE(quorum_event_v1_nodelist, 64);
QUORUM_LAYOUT(quorum_event_v1_nodelist, ring_id, 24);
QUORUM_LAYOUT(quorum_event_v1_nodelist, member_count, 40);
QUORUM_LAYOUT(quorum_event_v1_nodelist, joined_count, 48);
QUORUM_LAYOUT(quorum_event_v1_nodelist, left_count, 56);
QUORUM_LAYOUT(quorum_event_v1_nodelist, lists, 60);

#endif
