/*
 * Every message of the votequorum service: between client libraries and the executive over libqb, and between the nodes
 * on the ring. Both libvotequorum and the service plugin include this file, so they use the same layouts. The layouts
 * are those of Corosync 3.1.7 (book services, "quorum and votequorum"). Extra information is from the release of
 * Corosync after 3.1.10.
 *
 * Integers are in host byte order on IPC, in the sender's byte order on the ring. Fields named pad are sent as zero and
 * ignored on receipt. Counts come from outside: check them against the size of the message before use. A name may lack
 * its NUL.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_VOTEQUORUM_MESSAGES_H
#define SERVICES_VOTEQUORUM_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

enum {
	VOTEQUORUM_SERVICE_ID = 5,
	/* Bytes of a device's name, with its NUL. */
	VOTEQUORUM_NAME_SIZE = 255,
	/* Most bytes of extra information. */
	VOTEQUORUM_EXTRA_MAX = 4096,
};

/* Assert the offset of one member, or the size of a message. */
#define VOTEQUORUM_LAYOUT(type, member, at) _Static_assert(offsetof(struct type, member) == (at), #type "." #member)
#define VOTEQUORUM_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

/* ---- Parts ---- */

/* libqb's header of a request. A ring message has it as well, with id = (service << 16) | function. */
struct votequorum_request_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
};
VOTEQUORUM_SIZE(votequorum_request_header, 16);
VOTEQUORUM_LAYOUT(votequorum_request_header, id, 0);
VOTEQUORUM_LAYOUT(votequorum_request_header, size, 8);

/* libqb's header of a response and of an event. error has no meaning in events. */
struct votequorum_response_header {
	int32_t id;
	uint32_t pad0;
	int32_t size; /* whole message */
	uint32_t pad1;
	int32_t error; /* cs_error_t */
	uint32_t pad2;
};
VOTEQUORUM_SIZE(votequorum_response_header, 24);
VOTEQUORUM_LAYOUT(votequorum_response_header, id, 0);
VOTEQUORUM_LAYOUT(votequorum_response_header, size, 8);
VOTEQUORUM_LAYOUT(votequorum_response_header, error, 16);

struct votequorum_wire_ring_id {
	uint32_t nodeid; /* the ring's representative */
	uint32_t pad;
	uint64_t seq;
};
VOTEQUORUM_SIZE(votequorum_wire_ring_id, 16);
VOTEQUORUM_LAYOUT(votequorum_wire_ring_id, nodeid, 0);
VOTEQUORUM_LAYOUT(votequorum_wire_ring_id, seq, 8);

/* A node in a quorum event. Node id 0 is the quorum device. */
struct votequorum_wire_node {
	uint32_t nodeid;
	uint32_t state; /* enum votequorum_wire_state, or 0 for the device */
};
VOTEQUORUM_SIZE(votequorum_wire_node, 8);
VOTEQUORUM_LAYOUT(votequorum_wire_node, state, 4);

enum votequorum_wire_state {
	VOTEQUORUM_WIRE_STATE_MEMBER = 1,
	VOTEQUORUM_WIRE_STATE_DEAD = 2,
	VOTEQUORUM_WIRE_STATE_LEAVING = 3,
};

/*
 * Flags in an answer to GETINFO. The first six are about the node of the client, the others about the node in the
 * request.
 */
enum votequorum_wire_info_flag {
	VOTEQUORUM_WIRE_INFO_TWONODE = 1,
	VOTEQUORUM_WIRE_INFO_QUORATE = 2,
	VOTEQUORUM_WIRE_INFO_WAIT_FOR_ALL = 4,
	VOTEQUORUM_WIRE_INFO_LAST_MAN_STANDING = 8,
	VOTEQUORUM_WIRE_INFO_AUTO_TIE_BREAKER = 16,
	VOTEQUORUM_WIRE_INFO_ALLOW_DOWNSCALE = 32,
	VOTEQUORUM_WIRE_INFO_QDEVICE_REGISTERED = 64,
	VOTEQUORUM_WIRE_INFO_QDEVICE_ALIVE = 128,
	VOTEQUORUM_WIRE_INFO_QDEVICE_CAST_VOTE = 256,
	VOTEQUORUM_WIRE_INFO_QDEVICE_MASTER_WINS = 512,
	VOTEQUORUM_WIRE_INFO_QDEVICE_HAS_EXTRA = 1024,
};

/* ---- Client to executive ---- */

/*
 * Requests. Numbers 10 and 11 are from the release of Corosync after 3.1.10
 * (book ipc, "quorum and votequorum requests").
 */
enum votequorum_request_id {
	VOTEQUORUM_REQ_GETINFO = 0,
	VOTEQUORUM_REQ_SETEXPECTED = 1,
	VOTEQUORUM_REQ_SETVOTES = 2,
	VOTEQUORUM_REQ_TRACKSTART = 3,
	VOTEQUORUM_REQ_TRACKSTOP = 4,
	VOTEQUORUM_REQ_QDEVICE_REGISTER = 5,
	VOTEQUORUM_REQ_QDEVICE_UNREGISTER = 6,
	VOTEQUORUM_REQ_QDEVICE_UPDATE = 7,
	VOTEQUORUM_REQ_QDEVICE_POLL = 8,
	VOTEQUORUM_REQ_QDEVICE_MASTER_WINS = 9,
	VOTEQUORUM_REQ_SET_EXTRA = 10,
	VOTEQUORUM_REQ_GET_EXTRA = 11,
};

struct votequorum_req_getinfo {
	struct votequorum_request_header header;
	uint32_t nodeid; /* 0: the node of the client */
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_req_getinfo, 24);
VOTEQUORUM_LAYOUT(votequorum_req_getinfo, nodeid, 16);

struct votequorum_req_setexpected {
	struct votequorum_request_header header;
	uint32_t expected_votes;
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_req_setexpected, 24);
VOTEQUORUM_LAYOUT(votequorum_req_setexpected, expected_votes, 16);

struct votequorum_req_setvotes {
	struct votequorum_request_header header;
	uint32_t votes;
	uint32_t nodeid; /* 0: the quorum device */
};
VOTEQUORUM_SIZE(votequorum_req_setvotes, 24);
VOTEQUORUM_LAYOUT(votequorum_req_setvotes, votes, 16);
VOTEQUORUM_LAYOUT(votequorum_req_setvotes, nodeid, 20);

struct votequorum_req_trackstart {
	struct votequorum_request_header header;
	uint64_t context;     /* repeated in each event */
	uint32_t track_flags; /* CS_TRACK_CURRENT, CHANGES, CHANGES_ONLY. Of the other bits only
			       * VOTEQUORUM_TRACK_EXTRA has a meaning */
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_req_trackstart, 32);
VOTEQUORUM_LAYOUT(votequorum_req_trackstart, context, 16);
VOTEQUORUM_LAYOUT(votequorum_req_trackstart, track_flags, 24);

/*
 * A value in the upper half of track_flags: the library accepts events of extra information. Corosync 3.1's library
 * ends its dispatch at an unknown event, so only connections with this value get these events. Corosync's daemon
 * ignores the value.
 */
#define VOTEQUORUM_TRACK_EXTRA 0x45580000u
#define VOTEQUORUM_TRACK_MASK 0xffff0000u

struct votequorum_req_trackstop {
	struct votequorum_request_header header;
};
VOTEQUORUM_SIZE(votequorum_req_trackstop, 16);

/* The requests QDEVICE_REGISTER and QDEVICE_UNREGISTER. */
struct votequorum_req_qdevice {
	struct votequorum_request_header header;
	char name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad;
};
VOTEQUORUM_SIZE(votequorum_req_qdevice, 272);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice, name, 16);

struct votequorum_req_qdevice_update {
	struct votequorum_request_header header;
	char old_name[VOTEQUORUM_NAME_SIZE];
	char new_name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad[2];
};
VOTEQUORUM_SIZE(votequorum_req_qdevice_update, 528);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_update, old_name, 16);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_update, new_name, 271);

struct votequorum_req_qdevice_poll {
	struct votequorum_request_header header;
	char name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad0;
	uint32_t cast_vote; /* not 0: the device votes for this node's partition */
	uint32_t pad1;
	struct votequorum_wire_ring_id ring_id; /* ring id in the last nodelist event */
};
VOTEQUORUM_SIZE(votequorum_req_qdevice_poll, 296);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_poll, name, 16);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_poll, cast_vote, 272);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_poll, ring_id, 280);

struct votequorum_req_qdevice_master_wins {
	struct votequorum_request_header header;
	char name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad0;
	uint32_t allow; /* not 0: allow */
	uint32_t pad1;
};
VOTEQUORUM_SIZE(votequorum_req_qdevice_master_wins, 280);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_master_wins, name, 16);
VOTEQUORUM_LAYOUT(votequorum_req_qdevice_master_wins, allow, 272);

struct votequorum_req_set_extra {
	struct votequorum_request_header header;
	uint32_t size;                       /* number of valid bytes. 0: remove the information */
	uint8_t bytes[VOTEQUORUM_EXTRA_MAX]; /* a message may end after the valid bytes */
	uint8_t pad[4];
};
VOTEQUORUM_SIZE(votequorum_req_set_extra, 4120);
VOTEQUORUM_LAYOUT(votequorum_req_set_extra, size, 16);
VOTEQUORUM_LAYOUT(votequorum_req_set_extra, bytes, 20);

struct votequorum_req_get_extra {
	struct votequorum_request_header header;
	uint32_t nodeid; /* 0: no node, so the answer has no information */
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_req_get_extra, 24);
VOTEQUORUM_LAYOUT(votequorum_req_get_extra, nodeid, 16);

/* ---- Executive to client ---- */

/* Responses and events share one numbering. Numbers 6 and 7 are from the release of Corosync after 3.1.10. */
enum votequorum_response_id {
	VOTEQUORUM_RES_PLAIN = 0,
	VOTEQUORUM_RES_GETINFO = 1,
	VOTEQUORUM_EVENT_QUORUM = 3,
	VOTEQUORUM_EVENT_EXPECTED_VOTES = 4,
	VOTEQUORUM_EVENT_NODELIST = 5,
	VOTEQUORUM_RES_GET_EXTRA = 6,
	VOTEQUORUM_EVENT_EXTRA = 7,
};

/* The answer to every request except GETINFO and GET_EXTRA, and to every refused request. */
struct votequorum_res_plain {
	struct votequorum_response_header header;
};
VOTEQUORUM_SIZE(votequorum_res_plain, 24);

struct votequorum_res_getinfo {
	struct votequorum_response_header header;
	uint32_t nodeid;
	uint32_t state; /* enum votequorum_wire_state */
	uint32_t votes;
	uint32_t expected_votes;
	uint32_t highest_expected;
	uint32_t total_votes;
	uint32_t quorum;
	uint32_t flags; /* enum votequorum_wire_info_flag */
	uint32_t qdevice_votes;
	char qdevice_name[VOTEQUORUM_NAME_SIZE]; /* padded with zeros */
	uint8_t pad[5];
};
VOTEQUORUM_SIZE(votequorum_res_getinfo, 320);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, nodeid, 24);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, state, 28);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, votes, 32);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, expected_votes, 36);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, highest_expected, 40);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, total_votes, 44);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, quorum, 48);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, flags, 52);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, qdevice_votes, 56);
VOTEQUORUM_LAYOUT(votequorum_res_getinfo, qdevice_name, 60);

struct votequorum_res_get_extra {
	struct votequorum_response_header header;
	uint32_t size;
	uint8_t bytes[VOTEQUORUM_EXTRA_MAX]; /* a message may end after the valid bytes */
	uint8_t pad[4];
};
VOTEQUORUM_SIZE(votequorum_res_get_extra, 4128);
VOTEQUORUM_LAYOUT(votequorum_res_get_extra, size, 24);
VOTEQUORUM_LAYOUT(votequorum_res_get_extra, bytes, 28);

struct votequorum_event_quorum {
	struct votequorum_response_header header;
	uint32_t quorate; /* 0 or 1 */
	uint32_t pad0;
	uint64_t context;
	uint32_t node_count;
	uint32_t pad1;
	/*
	 * Every known node, then the device if one is registered on this node. The value of header.size is 48 + 8 *
	 * node_count.
	 */
	struct votequorum_wire_node nodes[];
};
VOTEQUORUM_SIZE(votequorum_event_quorum, 48);
VOTEQUORUM_LAYOUT(votequorum_event_quorum, quorate, 24);
VOTEQUORUM_LAYOUT(votequorum_event_quorum, context, 32);
VOTEQUORUM_LAYOUT(votequorum_event_quorum, node_count, 40);
VOTEQUORUM_LAYOUT(votequorum_event_quorum, nodes, 48);

struct votequorum_event_expected_votes {
	struct votequorum_response_header header;
	uint64_t context;
	uint32_t expected_votes;
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_event_expected_votes, 40);
VOTEQUORUM_LAYOUT(votequorum_event_expected_votes, context, 24);
VOTEQUORUM_LAYOUT(votequorum_event_expected_votes, expected_votes, 32);

struct votequorum_event_nodelist {
	struct votequorum_response_header header;
	uint64_t context;
	struct votequorum_wire_ring_id ring_id;
	uint32_t node_count;
	uint32_t pad;
	uint32_t nodes[]; /* node ids, ascending. The value of header.size is 56 + 4 * node_count */
};
VOTEQUORUM_SIZE(votequorum_event_nodelist, 56);
VOTEQUORUM_LAYOUT(votequorum_event_nodelist, context, 24);
VOTEQUORUM_LAYOUT(votequorum_event_nodelist, ring_id, 32);
VOTEQUORUM_LAYOUT(votequorum_event_nodelist, node_count, 48);
VOTEQUORUM_LAYOUT(votequorum_event_nodelist, nodes, 56);

struct votequorum_event_extra {
	struct votequorum_response_header header;
	uint64_t context;
	uint32_t nodeid; /* node of the device */
	uint32_t pad0;
	uint32_t size;
	uint32_t pad1;
	uint8_t bytes[]; /* size of them */
};
VOTEQUORUM_SIZE(votequorum_event_extra, 48);
VOTEQUORUM_LAYOUT(votequorum_event_extra, context, 24);
VOTEQUORUM_LAYOUT(votequorum_event_extra, nodeid, 32);
VOTEQUORUM_LAYOUT(votequorum_event_extra, size, 40);
VOTEQUORUM_LAYOUT(votequorum_event_extra, bytes, 48);

/* ---- Node to node ---- */

/*
 * Functions of ring messages. The value of header.id is VOTEQUORUM_RING_ID(function). Daemons of Corosync 3.1 drop
 * messages with function 4 and log a warning.
 */
enum votequorum_ring_function {
	VOTEQUORUM_RING_NODEINFO = 0,
	VOTEQUORUM_RING_RECONFIGURE = 1,
	VOTEQUORUM_RING_QDEVICE_REG = 2,
	VOTEQUORUM_RING_QDEVICE_RECONFIGURE = 3,
	VOTEQUORUM_RING_EXTRA = 4,
};
#define VOTEQUORUM_RING_ID(function) ((int32_t)((uint32_t)VOTEQUORUM_SERVICE_ID << 16 | (uint32_t)(function)))

/* Flags in NODEINFO. Unknown bits are stored and have no meaning. */
enum votequorum_ring_flag {
	VOTEQUORUM_RING_QUORATE = 1,
	VOTEQUORUM_RING_LEAVING = 2,
	VOTEQUORUM_RING_WFASTATUS = 4,
	VOTEQUORUM_RING_FIRST = 8,
	VOTEQUORUM_RING_QDEVICE_REGISTERED = 16,
	VOTEQUORUM_RING_QDEVICE_ALIVE = 32,
	VOTEQUORUM_RING_QDEVICE_CAST_VOTE = 64,
	VOTEQUORUM_RING_QDEVICE_MASTER_WINS = 128,
	VOTEQUORUM_RING_QDEVICE_HAS_EXTRA = 256,
};

struct votequorum_ring_nodeinfo {
	struct votequorum_request_header header;
	uint32_t nodeid; /* the sender, or 0: this message is about its quorum device, and only `votes` has a meaning */
	uint32_t votes;
	uint32_t expected_votes;
	uint32_t flags; /* enum votequorum_ring_flag */
};
VOTEQUORUM_SIZE(votequorum_ring_nodeinfo, 32);
VOTEQUORUM_LAYOUT(votequorum_ring_nodeinfo, nodeid, 16);
VOTEQUORUM_LAYOUT(votequorum_ring_nodeinfo, votes, 20);
VOTEQUORUM_LAYOUT(votequorum_ring_nodeinfo, expected_votes, 24);
VOTEQUORUM_LAYOUT(votequorum_ring_nodeinfo, flags, 28);

enum votequorum_ring_param {
	VOTEQUORUM_RING_PARAM_EXPECTED_VOTES = 1, /* value is the number of expected votes */
	VOTEQUORUM_RING_PARAM_NODE_VOTES = 2,     /* value is the number of votes of nodeid */
	VOTEQUORUM_RING_PARAM_CANCEL_WFA = 3,
};

struct votequorum_ring_reconfigure {
	struct votequorum_request_header header;
	uint32_t nodeid;
	uint32_t value;
	uint8_t param; /* enum votequorum_ring_param; others are ignored */
	uint8_t zero[3];
	uint32_t pad;
};
VOTEQUORUM_SIZE(votequorum_ring_reconfigure, 32);
VOTEQUORUM_LAYOUT(votequorum_ring_reconfigure, nodeid, 16);
VOTEQUORUM_LAYOUT(votequorum_ring_reconfigure, value, 20);
VOTEQUORUM_LAYOUT(votequorum_ring_reconfigure, param, 24);

struct votequorum_ring_qdevice_reg {
	struct votequorum_request_header header;
	uint32_t operation; /* 0: unregister; 1: register */
	char name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad[5];
};
VOTEQUORUM_SIZE(votequorum_ring_qdevice_reg, 280);
VOTEQUORUM_LAYOUT(votequorum_ring_qdevice_reg, operation, 16);
VOTEQUORUM_LAYOUT(votequorum_ring_qdevice_reg, name, 20);

struct votequorum_ring_qdevice_reconfigure {
	struct votequorum_request_header header;
	char old_name[VOTEQUORUM_NAME_SIZE];
	char new_name[VOTEQUORUM_NAME_SIZE];
	uint8_t pad[2];
};
VOTEQUORUM_SIZE(votequorum_ring_qdevice_reconfigure, 528);
VOTEQUORUM_LAYOUT(votequorum_ring_qdevice_reconfigure, old_name, 16);
VOTEQUORUM_LAYOUT(votequorum_ring_qdevice_reconfigure, new_name, 271);

/*
 * Extra information of the sender's device. The message is sent while the device has information. It is sent once more
 * after the information was removed.
 */
struct votequorum_ring_extra {
	struct votequorum_request_header header;
	uint32_t nodeid; /* the sender. Ignored */
	uint32_t size;   /* 0: the device has no information any more */
	uint8_t bytes[];
};
VOTEQUORUM_SIZE(votequorum_ring_extra, 24);
VOTEQUORUM_LAYOUT(votequorum_ring_extra, nodeid, 16);
VOTEQUORUM_LAYOUT(votequorum_ring_extra, size, 20);
VOTEQUORUM_LAYOUT(votequorum_ring_extra, bytes, 24);

#endif
