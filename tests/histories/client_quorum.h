/* SPDX-License-Identifier: BSD-3-Clause */
/* The clients of quorum and votequorum: client_quorum.c records their events, and check_quorum.c checks these. */
#ifndef HISTORIES_CLIENT_QUORUM_H
#define HISTORIES_CLIENT_QUORUM_H

#include "services/quorum/messages.h"
#include "services/votequorum/messages.h"
#include "tests/histories/play.h"

/** A report to a client whether a ring is quorate. */
struct quorum_verdict {
	struct play_ring ring;
	uint32_t node, member_count;
	bool is_quorate;
	uint32_t members[HISTORY_NODES_MAX]; /* node ids */
};

/** The clients on one node, and what was reported to them. */
struct quorum_watch {
	struct quorum_clients *clients;
	uint32_t node;
	struct testkit_client *quorum, *votes; /* NULL: not connected */
	bool has_list;
	uint32_t member_count;
	uint32_t members[HISTORY_NODES_MAX]; /* members by all node lists so far */
	struct quorum_verdict verdict;       /* the last report; ring.seq 0: none */
	bool votes_are_quorate;
	uint32_t votes_states[HISTORY_NODES_MAX + 1]; /* indexed by the node's number: enum votequorum_wire_state */
	uint32_t votes_total, votes_quorum;           /* values of the last answer to GETINFO; 0: none yet */
};

struct quorum_clients {
	struct play *play;
	struct quorum_watch watches[HISTORY_NODES_MAX + 1]; /* indexed by the node's number */
	struct quorum_verdict *verdicts;                    /* reports to all clients */
	uint32_t verdict_count, verdict_capacity;
};

void quorum_check_list(struct quorum_watch *watch, const struct quorum_event_v1_nodelist *event);
void quorum_check_verdict(struct quorum_watch *watch, const struct quorum_event_v1_quorum *event);
/** Check that each client has all nodes in its list, as members that vote. */
void quorum_check_end(struct quorum_clients *clients);

#endif
