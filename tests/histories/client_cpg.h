/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients of CPG: client_cpg.c records their events, and check_cpg.c checks these. */
#ifndef HISTORIES_CLIENT_CPG_H
#define HISTORIES_CLIENT_CPG_H

#include "services/cpg/messages.h"
#include "tests/histories/fast.h"
#include "tests/histories/play.h"

enum cpg_seen_kind {
	CPG_SEEN_MESSAGE,
	CPG_SEEN_CHANGE,
	CPG_SEEN_RING,
};

/** One event of a client. */
struct cpg_seen {
	enum cpg_seen_kind kind;
	uint32_t sender, number;          /* of a message: life of its sender, and its number in that life */
	bool is_safe, is_regular;         /* is_regular: received in a regular configuration */
	uint32_t member_count;            /* number of the group's members at that time */
	uint32_t *members;                /* of a safe message: lives that must receive it (owned) */
	struct cpg_event_confchg *change; /* owned */
	/* of a ring event: the ring. Of another event: the ring in which it arrived; seq 0: unknown */
	struct play_ring ring;
};

/** A member in a process's list of its group. */
struct cpg_member {
	uint32_t life;
	uint32_t stay; /* stay of the member's node when it was listed (play_view_stay). 0: unknown */
};

/** A process that joins a group once. Its pid is its number. */
struct cpg_life {
	uint32_t number, slot, node, group;
	bool is_joined;               /* the process has received the event of its own join */
	bool wants_leave, is_leaving; /* it sends nothing any more. Its request to leave is under way, or accepted */
	bool is_over;                 /* the process has received the event of its leave, or its connection has ended */
	bool has_left;                /* it is over since it left */
	bool is_late;          /* it pauses reading, or older events still wait: the ring of its events is unknown */
	uint32_t sent, own;    /* messages sent, and messages of the process itself that it received */
	struct cpg_seen *seen; /* seen_count */
	uint32_t seen_count, seen_capacity;
	struct cpg_member *members; /* members of the group by all changes so far */
	uint32_t member_count, member_capacity;
	struct play_notes notes; /* the messages of this process */
};

struct cpg_clients {
	struct play *play;
	struct testkit_client *connections[HISTORY_CLIENTS];
	struct fast fast[HISTORY_CLIENTS];         /* fast channels of the clients */
	struct cpg_life *current[HISTORY_CLIENTS]; /* NULL: none */
	struct play_ring rings[HISTORY_CLIENTS];   /* last ring that was reported to the connection. seq 0: none yet */
	struct cpg_life **lives;                   /* array of life_count; lives[0] is NULL */
	uint32_t life_count, life_capacity;
	uint64_t messages[2]; /* messages sent: agreed, safe */
};

/** Check an event when it arrives: a change against the changes so far, a message against its sender. */
void cpg_check_change(struct cpg_clients *clients, struct cpg_life *life, const struct cpg_event_confchg *event);
void cpg_check_message(struct cpg_clients *clients, struct cpg_life *life, uint32_t nodeid, uint32_t pid);
/** Check a ring event: the nodes of all listed processes must be in the ring. */
void cpg_check_ring(struct cpg_clients *clients, struct cpg_life *life, struct play_ring ring);
/** Compare the events of all processes, at the end. */
void cpg_check_end(struct cpg_clients *clients);

#endif
