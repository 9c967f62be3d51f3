/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients of CPG: what client_cpg.c records, and check_cpg.c checks. */
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
	uint32_t sender, number;     /* message: life of its sender, and which of that one's it is */
	bool is_safe, is_regular;    /* is_regular: it came in a regular configuration */
	uint32_t member_count;       /* of the group, at that time */
	uint32_t *members;           /* message, if is_safe: lives that are promised to get it; owned */
	struct cpg_event_confchg *change; /* owned */
	struct play_ring ring;    /* ring: which; else: in which. seq 0: unknown */
};

/** One that a process lists. */
struct cpg_member {
	uint32_t life;
	uint32_t stay;               /* of the node, when it was listed: a number as of play_view_stay. 0: unknown */
};

/** One process that joins a group once: its pid is its number. */
struct cpg_life {
	uint32_t number, slot, node, group;
	bool is_joined;              /* its own join was told */
	bool wants_leave, is_leaving; /* it sends nothing any more. Its request to leave is under way, or accepted */
	bool is_over;                /* it was told that it has left, or its connection ended */
	bool has_left;               /* is_over by its leave */
	bool is_late;                /* it does not read, or not all has come since: the configurations of its events are unknown */
	uint32_t sent, own;          /* messages sent, and messages of its own that came back */
	struct cpg_seen *seen;       /* seen_count */
	uint32_t seen_count, seen_capacity;
	struct cpg_member *members;  /* the fold of all changes */
	uint32_t member_count, member_capacity;
	struct play_notes notes;     /* of its messages */
};

struct cpg_clients {
	struct play *play;
	struct testkit_client *connections[HISTORY_CLIENTS];
	struct fast fast[HISTORY_CLIENTS]; /* their fast channels */
	struct cpg_life *current[HISTORY_CLIENTS]; /* NULL: none */
	struct play_ring rings[HISTORY_CLIENTS]; /* told last to the connection. seq 0: none yet */
	struct cpg_life **lives;     /* life_count; lives[0] is NULL */
	uint32_t life_count, life_capacity;
	uint64_t messages[2];        /* sent: agreed, safe */
};

/** Check an event when it comes: lists against their fold, messages against their sender. */
void cpg_check_change(struct cpg_clients *clients, struct cpg_life *life, const struct cpg_event_confchg *event);
void cpg_check_message(struct cpg_clients *clients, struct cpg_life *life, uint32_t nodeid, uint32_t pid);
/** The process is told a ring: what it lists must have come along to it. */
void cpg_check_ring(struct cpg_clients *clients, struct cpg_life *life, struct play_ring ring);
/** Check what all saw against each other, at the end. */
void cpg_check_end(struct cpg_clients *clients);

#endif
