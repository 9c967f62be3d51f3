/*
 * Every message of the CPG service: between client libraries and the executive over libqb, and between the nodes on the
 * ring. Both libcpg and the service plugin include this file, so they use the same layouts. The layouts are those of
 * Corosync 3.1.7 (book services, "cpg").
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad are sent as zero and
 * ignored on receipt. Lengths inside a message come from outside: check them against the size of the message before
 * use.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CPG_MESSAGES_H
#define SERVICES_CPG_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	CPG_SERVICE_ID = 2,
	/* Bytes of one IPC message in either direction, header included. */
	CPG_IPC_SIZE_MAX = 1048576,
	/* User bytes in one request or one event. Longer messages are sent in fragments. */
	CPG_ATOMIC_SIZE_MAX = CPG_IPC_SIZE_MAX - 1024,
	CPG_GROUP_NAME_MAX = 128,
	/* Entries in a membership answer and in a downlist. Changes of a group may have more. */
	CPG_MEMBERSHIP_MAX = 384,
	CPG_DOWNLIST_MAX = 384,
	CPG_ZERO_COPY_PATH_SIZE = 128,
};

/* Assert the offset of one member, or the size of a message. */
#define CPG_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define CPG_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

struct cpg_wire_name {
	uint32_t length; /* 0 .. CPG_GROUP_NAME_MAX */
	uint32_t pad;
	uint8_t value[CPG_GROUP_NAME_MAX]; /* any bytes. The bytes behind the first `length` are undefined */
};
CPG_SIZE(cpg_wire_name, 136);
CPG_LAYOUT(cpg_wire_name, length, 0);
CPG_LAYOUT(cpg_wire_name, value, 8);

/*
 * The reason why a process is in the list of joined or left members. In lists of members it is 0.
 */
enum cpg_wire_reason {
	CPG_WIRE_REASON_NONE = 0,
	CPG_WIRE_REASON_JOIN = 1,
	CPG_WIRE_REASON_LEAVE = 2,
	CPG_WIRE_REASON_NODEDOWN = 3,
	CPG_WIRE_REASON_NODEUP = 4,
	CPG_WIRE_REASON_PROCDOWN = 5,
};

struct cpg_wire_address {
	uint32_t nodeid;
	uint32_t pad0;
	uint32_t pid;
	uint32_t pad1;
	uint32_t reason; /* enum cpg_wire_reason */
	uint32_t pad2;
};
CPG_SIZE(cpg_wire_address, 24);
CPG_LAYOUT(cpg_wire_address, nodeid, 0);
CPG_LAYOUT(cpg_wire_address, pid, 8);
CPG_LAYOUT(cpg_wire_address, reason, 16);

struct cpg_wire_ring_id {
	uint32_t nodeid; /* the ring's representative */
	uint32_t pad;
	uint64_t seq;
};
CPG_SIZE(cpg_wire_ring_id, 16);
CPG_LAYOUT(cpg_wire_ring_id, nodeid, 0);
CPG_LAYOUT(cpg_wire_ring_id, seq, 8);

/* Place of a fragment in its message. */
enum cpg_fragment_type {
	CPG_FRAGMENT_FIRST = 1,
	CPG_FRAGMENT_CONTINUED = 2,
	CPG_FRAGMENT_LAST = 3,
};

/* libqb's header of a request. A ring message has it as well, with id = (service << 16) | function. */
struct cpg_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
CPG_SIZE(cpg_request_header, 16);
CPG_LAYOUT(cpg_request_header, id, 0);
CPG_LAYOUT(cpg_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
struct cpg_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
CPG_SIZE(cpg_response_header, 24);
CPG_LAYOUT(cpg_response_header, id, 0);
CPG_LAYOUT(cpg_response_header, size, 8);
CPG_LAYOUT(cpg_response_header, error, 16);

/* ---- Client to executive ---- */

/*
 * Requests. Ids from 64 on are reserved for the channel between this project's library and executive
 * (docs/fast-channel.md). Corosync's daemon refuses requests with these ids, and handles a JOIN that offers a channel
 * as an ordinary JOIN.
 */
enum cpg_request_id {
	CPG_REQ_JOIN = 0,
	CPG_REQ_LEAVE = 1,
	CPG_REQ_MCAST = 2, /* the only request without a response */
	CPG_REQ_MEMBERSHIP_GET = 3,
	CPG_REQ_LOCAL_GET = 4,
	CPG_REQ_ITERATION_INITIALIZE = 5,
	CPG_REQ_ITERATION_NEXT = 6,
	CPG_REQ_ITERATION_FINALIZE = 7,
	CPG_REQ_FINALIZE = 8,
	CPG_REQ_ZC_ALLOC = 9,
	CPG_REQ_ZC_FREE = 10,
	CPG_REQ_ZC_EXECUTE = 11,
	CPG_REQ_PARTIAL_MCAST = 12,
};

struct cpg_req_join {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t pid;
	uint32_t pad0;
	uint32_t flags; /* CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF */
	uint32_t pad1;
	/* A request that is longer offers a channel. The offer follows these members, whose meaning stays the same. */
};
CPG_SIZE(cpg_req_join, 168);
CPG_LAYOUT(cpg_req_join, group, 16);
CPG_LAYOUT(cpg_req_join, pid, 152);
CPG_LAYOUT(cpg_req_join, flags, 160);

struct cpg_req_leave {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t pid;
	uint32_t pad;
};
CPG_SIZE(cpg_req_leave, 160);
CPG_LAYOUT(cpg_req_leave, group, 16);
CPG_LAYOUT(cpg_req_leave, pid, 152);

/* A request that starts with a response header, as CPG_REQ_PARTIAL_MCAST does. header.error is 0. */
struct cpg_req_mcast {
	struct cpg_response_header header;
	uint32_t guarantee; /* cpg_guarantee_t. Any other number means AGREED */
	uint32_t pad0;
	uint32_t msglen; /* at most header.size - 40 */
	uint32_t pad1;
	uint8_t message[];
};
CPG_SIZE(cpg_req_mcast, 40);
CPG_LAYOUT(cpg_req_mcast, guarantee, 24);
CPG_LAYOUT(cpg_req_mcast, msglen, 32);
CPG_LAYOUT(cpg_req_mcast, message, 40);

struct cpg_req_membership_get {
	struct cpg_request_header header;
	struct cpg_wire_name group;
};
CPG_SIZE(cpg_req_membership_get, 152);
CPG_LAYOUT(cpg_req_membership_get, group, 16);

struct cpg_req_local_get {
	struct cpg_request_header header;
};
CPG_SIZE(cpg_req_local_get, 16);

struct cpg_req_iteration_initialize {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t iteration_type; /* cpg_iteration_type_t */
	uint32_t pad;
};
CPG_SIZE(cpg_req_iteration_initialize, 160);
CPG_LAYOUT(cpg_req_iteration_initialize, group, 16);
CPG_LAYOUT(cpg_req_iteration_initialize, iteration_type, 152);

struct cpg_req_iteration_next {
	struct cpg_request_header header;
	uint64_t iteration; /* from struct cpg_res_iteration_initialize */
};
CPG_SIZE(cpg_req_iteration_next, 24);
CPG_LAYOUT(cpg_req_iteration_next, iteration, 16);

struct cpg_req_iteration_finalize {
	struct cpg_request_header header;
	uint64_t iteration;
};
CPG_SIZE(cpg_req_iteration_finalize, 24);
CPG_LAYOUT(cpg_req_iteration_finalize, iteration, 16);

struct cpg_req_finalize {
	struct cpg_request_header header;
};
CPG_SIZE(cpg_req_finalize, 16);

/* map_size is a size_t in Corosync. So a 32-bit client of a 64-bit executive is not supported. */
struct cpg_req_zc_alloc {
	struct cpg_request_header header;
	uint64_t map_size;
	char path[CPG_ZERO_COPY_PATH_SIZE]; /* NUL-terminated inside the field */
};
CPG_SIZE(cpg_req_zc_alloc, 152);
CPG_LAYOUT(cpg_req_zc_alloc, map_size, 16);
CPG_LAYOUT(cpg_req_zc_alloc, path, 24);

struct cpg_req_zc_free {
	struct cpg_request_header header;
	uint64_t map_size;
	uint64_t token;
};
CPG_SIZE(cpg_req_zc_free, 32);
CPG_LAYOUT(cpg_req_zc_free, map_size, 16);
CPG_LAYOUT(cpg_req_zc_free, token, 24);

struct cpg_req_zc_execute {
	struct cpg_request_header header;
	uint64_t token;
};
CPG_SIZE(cpg_req_zc_execute, 24);
CPG_LAYOUT(cpg_req_zc_execute, token, 16);

struct cpg_req_partial_mcast {
	struct cpg_response_header header;
	uint32_t guarantee;
	uint32_t pad0;
	uint32_t msglen; /* of the whole message */
	uint32_t pad1;
	uint32_t fraglen; /* of this fragment: at most header.size - 56 and at most msglen */
	uint32_t pad2;
	uint32_t type; /* enum cpg_fragment_type */
	uint32_t pad3;
	uint8_t fragment[];
};
CPG_SIZE(cpg_req_partial_mcast, 56);
CPG_LAYOUT(cpg_req_partial_mcast, guarantee, 24);
CPG_LAYOUT(cpg_req_partial_mcast, msglen, 32);
CPG_LAYOUT(cpg_req_partial_mcast, fraglen, 40);
CPG_LAYOUT(cpg_req_partial_mcast, type, 48);
CPG_LAYOUT(cpg_req_partial_mcast, fragment, 56);

/*
 * The start of a zero-copy map, which library and executive share. The library writes map_size and, before each
 * CPG_REQ_ZC_EXECUTE, the request. The executive writes the token once, while it answers CPG_REQ_ZC_ALLOC. Either side
 * may change a field at any time. So copy a field, then check and use only the copy.
 */
struct cpg_zc_map {
	int32_t map_size;
	uint32_t pad;
	uint64_t token;               /* chosen by the executive, not 0: an identifier within this connection, not an
				       * address */
	struct cpg_req_mcast request; /* the application's buffer is request.message */
};
CPG_SIZE(cpg_zc_map, 56);
CPG_LAYOUT(cpg_zc_map, map_size, 0);
CPG_LAYOUT(cpg_zc_map, token, 8);
CPG_LAYOUT(cpg_zc_map, request, 16);
CPG_LAYOUT(cpg_zc_map, request.guarantee, 40);
CPG_LAYOUT(cpg_zc_map, request.msglen, 48);
CPG_LAYOUT(cpg_zc_map, request.message, 56);

/* ---- Executive to client ---- */

/*
 * Responses and events share one numbering. If the executive refuses a request before it reaches the service, the
 * answer has id 0.
 */
enum cpg_response_id {
	CPG_RES_JOIN = 0,
	CPG_RES_LEAVE = 1,
	CPG_RES_ZC_EXECUTE = 2,
	CPG_RES_MEMBERSHIP_GET = 3,
	CPG_EVENT_CONFCHG = 4,
	CPG_EVENT_DELIVER = 5,
	CPG_RES_LOCAL_GET = 7,
	CPG_RES_ITERATION_INITIALIZE = 9,
	CPG_RES_ITERATION_NEXT = 10,
	CPG_RES_ITERATION_FINALIZE = 11,
	CPG_RES_FINALIZE = 12,
	CPG_EVENT_TOTEM_CONFCHG = 13,
	CPG_EVENT_PARTIAL_DELIVER = 17,
	CPG_RES_PARTIAL_MCAST = 18,
	CPG_RES_ZC_ALLOC = 0, /* Corosync does not set header.error here: check the token in the map */
	CPG_RES_ZC_FREE = 0,
};

/* The answer to JOIN, LEAVE, ITERATION_FINALIZE, FINALIZE, ZC_*, PARTIAL_MCAST, and to every refused request. */
struct cpg_res_plain {
	struct cpg_response_header header;
};
CPG_SIZE(cpg_res_plain, 24);

struct cpg_res_membership_get {
	struct cpg_response_header header;
	uint32_t member_count; /* at most CPG_MEMBERSHIP_MAX */
	uint32_t pad;
	struct cpg_wire_address members[CPG_MEMBERSHIP_MAX]; /* by node id, then pid */
};
CPG_SIZE(cpg_res_membership_get, 9248);
CPG_LAYOUT(cpg_res_membership_get, member_count, 24);
CPG_LAYOUT(cpg_res_membership_get, members, 32);

struct cpg_res_local_get {
	struct cpg_response_header header;
	uint32_t nodeid;
	uint32_t pad;
};
CPG_SIZE(cpg_res_local_get, 32);
CPG_LAYOUT(cpg_res_local_get, nodeid, 24);

struct cpg_res_iteration_initialize {
	struct cpg_response_header header;
	uint64_t iteration;
};
CPG_SIZE(cpg_res_iteration_initialize, 32);
CPG_LAYOUT(cpg_res_iteration_initialize, iteration, 24);

struct cpg_res_iteration_next {
	struct cpg_response_header header;
	struct cpg_wire_name group;
	uint32_t nodeid;
	uint32_t pid;
};
CPG_SIZE(cpg_res_iteration_next, 168);
CPG_LAYOUT(cpg_res_iteration_next, group, 24);
CPG_LAYOUT(cpg_res_iteration_next, nodeid, 160);
CPG_LAYOUT(cpg_res_iteration_next, pid, 164);

struct cpg_event_deliver {
	struct cpg_response_header header;
	struct cpg_wire_name group;
	uint32_t msglen; /* header.size is 184 + msglen */
	uint32_t pad0;
	uint32_t nodeid;
	uint32_t pad1;
	uint32_t pid;
	uint32_t pad2;
	uint8_t message[];
};
CPG_SIZE(cpg_event_deliver, 184);
CPG_LAYOUT(cpg_event_deliver, group, 24);
CPG_LAYOUT(cpg_event_deliver, msglen, 160);
CPG_LAYOUT(cpg_event_deliver, nodeid, 168);
CPG_LAYOUT(cpg_event_deliver, pid, 176);
CPG_LAYOUT(cpg_event_deliver, message, 184);

struct cpg_event_partial_deliver {
	struct cpg_response_header header;
	struct cpg_wire_name group;
	uint32_t msglen; /* of the whole message */
	uint32_t pad0;
	uint32_t fraglen; /* header.size is 200 + fraglen */
	uint32_t pad1;
	uint32_t nodeid;
	uint32_t pad2;
	uint32_t pid;
	uint32_t pad3;
	uint32_t type; /* enum cpg_fragment_type */
	uint32_t pad4;
	uint8_t fragment[];
};
CPG_SIZE(cpg_event_partial_deliver, 200);
CPG_LAYOUT(cpg_event_partial_deliver, group, 24);
CPG_LAYOUT(cpg_event_partial_deliver, msglen, 160);
CPG_LAYOUT(cpg_event_partial_deliver, fraglen, 168);
CPG_LAYOUT(cpg_event_partial_deliver, nodeid, 176);
CPG_LAYOUT(cpg_event_partial_deliver, pid, 184);
CPG_LAYOUT(cpg_event_partial_deliver, type, 192);
CPG_LAYOUT(cpg_event_partial_deliver, fragment, 200);

struct cpg_event_confchg {
	struct cpg_response_header header;
	struct cpg_wire_name group;
	uint32_t member_count;
	uint32_t pad0;
	uint32_t joined_count; /* the counts have another order than the lists */
	uint32_t pad1;
	uint32_t left_count;
	uint32_t pad2;
	/* members, then left, then joined. The value of header.size is 184 + 24 * the sum of the three counts */
	struct cpg_wire_address lists[];
};
CPG_SIZE(cpg_event_confchg, 184);
CPG_LAYOUT(cpg_event_confchg, group, 24);
CPG_LAYOUT(cpg_event_confchg, member_count, 160);
CPG_LAYOUT(cpg_event_confchg, joined_count, 168);
CPG_LAYOUT(cpg_event_confchg, left_count, 176);
CPG_LAYOUT(cpg_event_confchg, lists, 184);

struct cpg_event_totem_confchg {
	struct cpg_response_header header;
	struct cpg_wire_ring_id ring_id;
	uint32_t member_count;
	/*
	 * Node ids, ascending. The list starts inside the padding of the structure, but header.size
	 * is sizeof(struct) + 4 * member_count. So four zero bytes follow the list.
	 */
	uint32_t members[];
};
CPG_SIZE(cpg_event_totem_confchg, 48);
CPG_LAYOUT(cpg_event_totem_confchg, ring_id, 24);
CPG_LAYOUT(cpg_event_totem_confchg, member_count, 40);
CPG_LAYOUT(cpg_event_totem_confchg, members, 44);

/* ---- Node to node ---- */

/* Functions of ring messages. The value of header.id is CPG_RING_ID(function). */
enum cpg_ring_function {
	CPG_RING_PROCJOIN = 0,
	CPG_RING_PROCLEAVE = 1,
	CPG_RING_JOINLIST = 2,
	CPG_RING_MCAST = 3,
	CPG_RING_COMPACT = 4,  /* Corosync uses this number for an old form of DOWNLIST, which no node sends and other
			        * builds ignore */
	CPG_RING_DOWNLIST = 5, /* sent since older peers wait for it. Its last bytes announce the features of this
			        * node */
	CPG_RING_PARTIAL_MCAST = 6,
};
#define CPG_RING_ID(function) ((int32_t)((uint32_t)CPG_SERVICE_ID << 16 | (uint32_t)(function)))

/* The messages PROCJOIN and PROCLEAVE. The process is on the node that sends the message. */
struct cpg_ring_process {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t pid;
	uint32_t pad0;
	uint32_t reason; /* JOIN in a PROCJOIN, LEAVE or PROCDOWN in a PROCLEAVE */
	uint32_t pad1;
};
CPG_SIZE(cpg_ring_process, 168);
CPG_LAYOUT(cpg_ring_process, group, 16);
CPG_LAYOUT(cpg_ring_process, pid, 152);
CPG_LAYOUT(cpg_ring_process, reason, 160);

struct cpg_ring_joinlist_entry {
	uint32_t pid;
	uint32_t pad;
	struct cpg_wire_name group;
};
CPG_SIZE(cpg_ring_joinlist_entry, 144);
CPG_LAYOUT(cpg_ring_joinlist_entry, pid, 0);
CPG_LAYOUT(cpg_ring_joinlist_entry, group, 8);

/* The message JOINLIST, the only ring message with a response header. */
struct cpg_ring_joinlist {
	struct cpg_response_header header;
	struct cpg_ring_joinlist_entry entries[]; /* header.size is 24 + 144 * count */
};
CPG_SIZE(cpg_ring_joinlist, 24);
CPG_LAYOUT(cpg_ring_joinlist, entries, 24);

/*
 * The source of a message, which receivers ignore: the node id, and in Corosync an address in the sender's process
 * (here 0).
 */
struct cpg_ring_source {
	uint32_t nodeid;
	uint32_t pad;
	uint64_t cookie;
};
CPG_SIZE(cpg_ring_source, 16);
CPG_LAYOUT(cpg_ring_source, nodeid, 0);
CPG_LAYOUT(cpg_ring_source, cookie, 8);

struct cpg_ring_mcast {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t msglen;
	uint32_t pad0;
	uint32_t pid;
	uint32_t pad1;
	struct cpg_ring_source source;
	uint8_t message[];
};
CPG_SIZE(cpg_ring_mcast, 184);
CPG_LAYOUT(cpg_ring_mcast, group, 16);
CPG_LAYOUT(cpg_ring_mcast, msglen, 152);
CPG_LAYOUT(cpg_ring_mcast, pid, 160);
CPG_LAYOUT(cpg_ring_mcast, source, 168);
CPG_LAYOUT(cpg_ring_mcast, message, 184);

struct cpg_ring_downlist {
	struct cpg_request_header header;
	uint32_t old_member_count;
	uint32_t pad0;
	uint32_t left_count;
	uint32_t pad1;
	uint32_t nodeids[CPG_DOWNLIST_MAX]; /* the array is always sent in full, but only the first left_count node ids
					     * are valid */
};
CPG_SIZE(cpg_ring_downlist, 1568);
CPG_LAYOUT(cpg_ring_downlist, old_member_count, 16);
CPG_LAYOUT(cpg_ring_downlist, left_count, 24);
CPG_LAYOUT(cpg_ring_downlist, nodeids, 32);

/*
 * Written over the last four node ids of a DOWNLIST, unless the list needs these. It consists of bytes, independent of
 * the sender's byte order. Other builds ignore the node ids, and so the announcement.
 */
struct cpg_ring_announcement {
	uint8_t magic[8]; /* CPG_ANNOUNCEMENT_MAGIC */
	uint8_t features; /* CPG_ANNOUNCES_COMPACT */
	uint8_t zero[7];
};
CPG_SIZE(cpg_ring_announcement, 16);
#define CPG_ANNOUNCEMENT_MAGIC "COTERIE\1"
#define CPG_ANNOUNCEMENT_AT (sizeof(struct cpg_ring_downlist) - sizeof(struct cpg_ring_announcement))
#define CPG_ANNOUNCES_COMPACT 1u

/*
 * Compact messages, for rings in which all members understand them. Their header has 20 bytes instead of 184
 * (docs/compact-messages.md). All nodes write the numbers behind the header as little-endian.
 */
enum cpg_compact_kind {
	CPG_COMPACT_DEFINE = 1,  /* number: pid; data: the group's name. The handle stands for both from this message
				  * on */
	CPG_COMPACT_MESSAGE = 2, /* no number; data: the message */
	CPG_COMPACT_FIRST = 3,   /* this and the next two are fragments. number: msglen; data: the fragment */
	CPG_COMPACT_CONTINUED = 4,
	CPG_COMPACT_LAST = 5,
	CPG_COMPACT_LEAVE = 6, /* number: enum cpg_wire_reason; no data. The handle is free after this message */
};
/* Flag: the message was sent with safe delivery. Its sender needs this if it sends the message again. */
#define CPG_COMPACT_SAFE 1u
/* Limit of handles for one node. Processes without a handle send plain messages. */
#define CPG_COMPACT_HANDLES 4096u

struct cpg_ring_compact {
	struct cpg_request_header header;
	uint8_t handle[2]; /* chosen by the sender, below CPG_COMPACT_HANDLES */
	uint8_t kind;      /* enum cpg_compact_kind */
	uint8_t flags;
	uint8_t body[]; /* a u32 number (not in CPG_COMPACT_MESSAGE), then data */
};
CPG_SIZE(cpg_ring_compact, 20);
CPG_LAYOUT(cpg_ring_compact, handle, 16);
CPG_LAYOUT(cpg_ring_compact, kind, 18);
CPG_LAYOUT(cpg_ring_compact, body, 20);

struct cpg_ring_partial_mcast {
	struct cpg_request_header header;
	struct cpg_wire_name group;
	uint32_t msglen; /* of the whole message */
	uint32_t pad0;
	uint32_t fraglen;
	uint32_t pad1;
	uint32_t pid;
	uint32_t pad2;
	uint32_t type; /* enum cpg_fragment_type */
	uint32_t pad3;
	struct cpg_ring_source source;
	uint8_t fragment[];
};
CPG_SIZE(cpg_ring_partial_mcast, 200);
CPG_LAYOUT(cpg_ring_partial_mcast, group, 16);
CPG_LAYOUT(cpg_ring_partial_mcast, msglen, 152);
CPG_LAYOUT(cpg_ring_partial_mcast, fraglen, 160);
CPG_LAYOUT(cpg_ring_partial_mcast, pid, 168);
CPG_LAYOUT(cpg_ring_partial_mcast, type, 176);
CPG_LAYOUT(cpg_ring_partial_mcast, source, 184);
CPG_LAYOUT(cpg_ring_partial_mcast, fragment, 200);

#endif
