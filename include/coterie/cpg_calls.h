/*
 * Requests of the service cpg for plugins that call it (call_open of <coterie/host.h>, with the name "cpg"). The members of a
 * closed process group are plugins and programs of all nodes. Programs have a library, <corosync/cpg.h>.
 *
 * All integers are in host byte order. Fields named pad are 0. The error of an answer is one of cs_error_t: 1 is CS_OK.
 * After "try again" (6) nothing has happened: send the request again a little later. One call is a member of one group at a
 * time. After `ended` of struct coterie_caller the call is no member any more: open another one, and join again. call_close
 * ends the membership too; the other members see COTERIE_CPG_CALL_PROCDOWN.
 *
 * Events come to `event` of struct coterie_caller in the total order of the group, which all members see. Drop events with
 * an id that is not below.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef COTERIE_CPG_CALLS_H
#define COTERIE_CPG_CALLS_H

#include <coterie/service.h>

#define COTERIE_CPG_CALL_NAME "cpg"

/** Numbers of requests. Answers have the number of the request. */
#define COTERIE_CPG_CALL_JOIN 0  /* coterie_cpg_call_join; answer: a header. The event CHANGED follows */
#define COTERIE_CPG_CALL_LEAVE 1 /* coterie_cpg_call_leave; answer: a header */
#define COTERIE_CPG_CALL_SEND \
	2 /* coterie_cpg_call_message. It has no answer: the member's own MESSAGE shows that it was sent */

/** Numbers of events. */
#define COTERIE_CPG_CALL_CHANGED 4 /* coterie_cpg_call_changed: the group has changed */
#define COTERIE_CPG_CALL_MESSAGE 5 /* coterie_cpg_call_delivered */

#define COTERIE_CPG_CALL_NAME_MAX 128u /* bytes of a group's name */
#define COTERIE_CPG_CALL_MESSAGE_MAX \
	1047552u /* bytes of a message. Programs may send longer ones, in parts that have another id */

/** Guarantees of delivery: see COTERIE_AGREED and COTERIE_SAFE. The numbers are those of cpg_guarantee_t. */
#define COTERIE_CPG_CALL_AGREED 2u
#define COTERIE_CPG_CALL_SAFE 3u

/** Why a process is in a list of joined or left processes. In the list of members the reason is 0. */
#define COTERIE_CPG_CALL_JOINED 1u
#define COTERIE_CPG_CALL_LEFT 2u
#define COTERIE_CPG_CALL_NODEDOWN 3u
#define COTERIE_CPG_CALL_NODEUP 4u
#define COTERIE_CPG_CALL_PROCDOWN 5u

/* Arrays without a length are an extension in C++, which gcc and clang have. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

struct coterie_cpg_call_group {
	uint32_t length; /* 1 .. COTERIE_CPG_CALL_NAME_MAX */
	uint32_t pad;
	uint8_t name[COTERIE_CPG_CALL_NAME_MAX]; /* bytes after length are ignored */
};

/** A process of a group. */
struct coterie_cpg_call_process {
	uint32_t nodeid, pad0;
	uint32_t pid, pad1;
	uint32_t reason, pad2;
};

/**
 * Join a group. Errors of the answer: "exist" (14): a member of this node has this pid, or the call is a member of a
 * group; "try again" (6): also while a member with this pid is leaving.
 */
struct coterie_cpg_call_join {
	struct coterie_request_header header;
	struct coterie_cpg_call_group group;
	uint32_t
		/* Any number that no other member of the group has on this node. Programs use their process ids. */
		pid;
	uint32_t pad0;
	uint32_t flags; /* 0 */
	uint32_t pad1;
};

/** Leave the group that the call has joined. */
struct coterie_cpg_call_leave {
	struct coterie_request_header header;
	struct coterie_cpg_call_group group;
	uint32_t pid;
	uint32_t pad;
};

/**
 * Send a message to the group. If the ring has no room, this request and later requests of the call wait. The message
 * is dropped if the call is no member.
 */
struct coterie_cpg_call_message {
	struct coterie_response_header header; /* as long as that of an answer. error is 0 */
	uint32_t guarantee;                    /* COTERIE_CPG_CALL_AGREED or _SAFE */
	uint32_t pad0;
	uint32_t size; /* of bytes: at most COTERIE_CPG_CALL_MESSAGE_MAX. header.size is 40 more */
	uint32_t pad1;
	uint8_t bytes[];
};

/** Event: a message of a member, or of this call. */
struct coterie_cpg_call_delivered {
	struct coterie_response_header header;
	struct coterie_cpg_call_group group;
	uint32_t size; /* of bytes */
	uint32_t pad0;
	uint32_t nodeid, pad1; /* of the sender */
	uint32_t pid, pad2;
	uint8_t bytes[];
};

/** Event: the group has changed at this place in the order. */
struct coterie_cpg_call_changed {
	struct coterie_response_header header;
	struct coterie_cpg_call_group group;
	uint32_t member_count, pad0;
	uint32_t joined_count, pad1;
	uint32_t left_count, pad2;
	/* Members, then processes that have left, then processes that have joined. */
	struct coterie_cpg_call_process lists[];
};

#pragma GCC diagnostic pop

static_assert(sizeof(struct coterie_cpg_call_group) == 136, "layout of a group's name");
static_assert(sizeof(struct coterie_cpg_call_process) == 24, "layout of a process");
static_assert(sizeof(struct coterie_cpg_call_join) == 168, "layout of a join");
static_assert(sizeof(struct coterie_cpg_call_leave) == 160, "layout of a leave");
static_assert(sizeof(struct coterie_cpg_call_message) == 40, "layout of a message");
static_assert(sizeof(struct coterie_cpg_call_delivered) == 184, "layout of a delivery");
static_assert(sizeof(struct coterie_cpg_call_changed) == 184, "layout of a change");

#endif
