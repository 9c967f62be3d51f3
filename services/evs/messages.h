/*
 * Every message of the EVS service: between libevs and the executive over libqb, and between the nodes on the ring.
 * Both the library and the plugin include this file, so they use the same layouts. Corosync 3 has no EVS service, so
 * the layouts are of this project (book services, "evs").
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad are sent as zero and
 * ignored on receipt. Lengths inside a message come from outside: check them against the size of the message before
 * use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_EVS_MESSAGES_H
#define SERVICES_EVS_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	EVS_SERVICE_ID = 32,
	/* Bytes of one IPC message in either direction, header included. */
	EVS_IPC_SIZE_MAX = 1048576,
	/* Most user bytes of one message. */
	EVS_MESSAGE_SIZE_MAX = EVS_IPC_SIZE_MAX - 1024,
	/*
	 * Most bytes of a message and its groups together, with 32 bytes for each group. So many fit into a request and
	 * into a ring message.
	 */
	EVS_TOTAL_SIZE_MAX = EVS_IPC_SIZE_MAX - 40,
	/* Most groups in one request. */
	EVS_REQUEST_GROUPS_MAX = 50,
	/* Most groups of one connection. A group that was joined twice counts twice. */
	EVS_CONNECTION_GROUPS_MAX = 16384,
};

/* Assert the offset of one member, or the size of a message. */
#define EVS_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define EVS_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

/* The name of a group. All 32 bytes belong to the name, and there is no NUL at the end. */
struct evs_wire_group {
	uint8_t key[32];
};
EVS_SIZE(evs_wire_group, 32);

struct evs_wire_ring_id {
	uint32_t nodeid; /* the ring's representative */
	uint32_t pad;
	uint64_t seq;
};
EVS_SIZE(evs_wire_ring_id, 16);
EVS_LAYOUT(evs_wire_ring_id, seq, 8);

/* libqb's header of a request. A ring message has it as well, with id = (service << 16) | function. */
struct evs_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
EVS_SIZE(evs_request_header, 16);
EVS_LAYOUT(evs_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
struct evs_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
EVS_SIZE(evs_response_header, 24);
EVS_LAYOUT(evs_response_header, size, 8);
EVS_LAYOUT(evs_response_header, error, 16);

/* ---- Client to executive ---- */

enum evs_request_id {
	EVS_REQ_JOIN = 0,
	EVS_REQ_LEAVE = 1,
	EVS_REQ_MCAST_JOINED = 2,
	EVS_REQ_MCAST_GROUPS = 3,
	EVS_REQ_MEMBERSHIP_GET = 4,
};

/* The request EVS_REQ_JOIN or EVS_REQ_LEAVE. */
struct evs_req_groups {
	struct evs_request_header header;
	uint32_t group_count;
	uint32_t pad;
	struct evs_wire_group groups[];
};
EVS_SIZE(evs_req_groups, 24);
EVS_LAYOUT(evs_req_groups, group_count, 16);
EVS_LAYOUT(evs_req_groups, groups, 24);

/* evs_guarantee_t. Other values are refused. */
enum evs_wire_guarantee {
	EVS_WIRE_UNORDERED = 0,
	EVS_WIRE_FIFO = 1,
	EVS_WIRE_AGREED = 2,
	EVS_WIRE_SAFE = 3,
};

struct evs_req_mcast_joined {
	struct evs_request_header header;
	uint32_t guarantee; /* enum evs_wire_guarantee */
	uint32_t pad0;
	uint32_t msglen;
	uint32_t pad1;
	uint8_t message[];
};
EVS_SIZE(evs_req_mcast_joined, 32);
EVS_LAYOUT(evs_req_mcast_joined, guarantee, 16);
EVS_LAYOUT(evs_req_mcast_joined, msglen, 24);
EVS_LAYOUT(evs_req_mcast_joined, message, 32);

struct evs_req_mcast_groups {
	struct evs_request_header header;
	uint32_t guarantee; /* enum evs_wire_guarantee */
	uint32_t pad0;
	uint32_t msglen;
	uint32_t pad1;
	uint32_t group_count;
	uint32_t pad2;
	struct evs_wire_group groups[]; /* then the message */
};
EVS_SIZE(evs_req_mcast_groups, 40);
EVS_LAYOUT(evs_req_mcast_groups, guarantee, 16);
EVS_LAYOUT(evs_req_mcast_groups, msglen, 24);
EVS_LAYOUT(evs_req_mcast_groups, group_count, 32);
EVS_LAYOUT(evs_req_mcast_groups, groups, 40);

struct evs_req_membership_get {
	struct evs_request_header header;
};
EVS_SIZE(evs_req_membership_get, 16);

/* ---- Executive to client ---- */

/* Ids of responses and of events. */
enum evs_response_id {
	EVS_EVENT_DELIVER = 0,
	EVS_EVENT_CONFCHG = 1,
	EVS_RES_JOIN = 2,
	EVS_RES_LEAVE = 3,
	EVS_RES_MCAST_JOINED = 4,
	EVS_RES_MCAST_GROUPS = 5,
	EVS_RES_MEMBERSHIP_GET = 6,
};

struct evs_res_plain {
	struct evs_response_header header;
};
EVS_SIZE(evs_res_plain, 24);

struct evs_res_membership_get {
	struct evs_response_header header;
	uint32_t local_nodeid;
	uint32_t pad0;
	uint32_t member_count;
	uint32_t pad1;
	uint32_t members[]; /* ascending */
};
EVS_SIZE(evs_res_membership_get, 40);
EVS_LAYOUT(evs_res_membership_get, local_nodeid, 24);
EVS_LAYOUT(evs_res_membership_get, member_count, 32);
EVS_LAYOUT(evs_res_membership_get, members, 40);

struct evs_event_deliver {
	struct evs_response_header header;
	uint32_t nodeid; /* of the sender */
	uint32_t pad0;
	uint32_t msglen;
	uint32_t pad1;
	uint8_t message[];
};
EVS_SIZE(evs_event_deliver, 40);
EVS_LAYOUT(evs_event_deliver, nodeid, 24);
EVS_LAYOUT(evs_event_deliver, msglen, 32);
EVS_LAYOUT(evs_event_deliver, message, 40);

enum evs_wire_configuration {
	EVS_WIRE_REGULAR = 0,
	EVS_WIRE_TRANSITIONAL = 1,
};

/* Flag of a configuration: until the next configuration, all nodes of the ring guarantee safe delivery. */
#define EVS_WIRE_SAFE_KEPT 1u

struct evs_event_confchg {
	struct evs_response_header header;
	struct evs_wire_ring_id ring_id; /* id of the ring. A transitional configuration has the id of the next ring */
	uint32_t type;                   /* enum evs_wire_configuration */
	uint32_t flags;                  /* EVS_WIRE_SAFE_KEPT */
	uint32_t member_count;
	uint32_t pad0;
	uint32_t left_count;
	uint32_t pad1;
	uint32_t joined_count;
	uint32_t pad2;
	uint32_t lists[]; /* node ids: members, then left, then joined, each list ascending */
};
EVS_SIZE(evs_event_confchg, 72);
EVS_LAYOUT(evs_event_confchg, ring_id, 24);
EVS_LAYOUT(evs_event_confchg, type, 40);
EVS_LAYOUT(evs_event_confchg, flags, 44);
EVS_LAYOUT(evs_event_confchg, member_count, 48);
EVS_LAYOUT(evs_event_confchg, left_count, 56);
EVS_LAYOUT(evs_event_confchg, joined_count, 64);
EVS_LAYOUT(evs_event_confchg, lists, 72);

/* ---- Node to node ---- */

enum evs_ring_function {
	EVS_RING_MCAST = 0,
};

struct evs_ring_mcast {
	struct evs_request_header header;
	uint64_t group_count;
	uint64_t msglen;                /* header.size is 32 + 32 * group_count + msglen */
	struct evs_wire_group groups[]; /* then the message */
};
EVS_SIZE(evs_ring_mcast, 32);
EVS_LAYOUT(evs_ring_mcast, group_count, 16);
EVS_LAYOUT(evs_ring_mcast, msglen, 24);
EVS_LAYOUT(evs_ring_mcast, groups, 32);

#undef EVS_LAYOUT
#undef EVS_SIZE

#endif
