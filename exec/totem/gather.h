/* SPDX-License-Identifier: BSD-3-Clause */
/* The state GATHER: joins and consensus. */
#ifndef TOTEM_GATHER_H
#define TOTEM_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"
#include "exec/totem/node_set.h"

/* Why GATHER is entered: book membership, "Gather". */
enum gather_cause {
	GATHER_CONSENSUS_TIMEOUT = 0,
	GATHER_TOKEN_LOST_OPERATIONAL = 2,
	GATHER_CONSENSUS_EXPIRED = 3,
	GATHER_TOKEN_LOST_COMMIT = 4,
	GATHER_TOKEN_LOST_RECOVERY = 5,
	GATHER_FAILED_TO_RECEIVE = 6,
	GATHER_FOREIGN_OPERATIONAL = 7,
	GATHER_FOREIGN_GATHER = 8,
	GATHER_MERGE_OPERATIONAL = 9,
	GATHER_MERGE_GATHER = 10,
	GATHER_MERGE_JOIN = 11,
	GATHER_JOIN_OPERATIONAL = 12,
	GATHER_JOIN_COMMIT = 13,
	GATHER_JOIN_RECOVERY = 14,
	GATHER_INTERFACE = 15,
	GATHER_PAST_CHANGED = 16, /* not in Corosync */
};

/* The state of the change from one ring to the next. Only gather.c changes the members. */
struct gather {
	uint64_t episode;        /* how often this node has left OPERATIONAL */
	uint64_t episode_ns;     /* when it left OPERATIONAL last */
	uint64_t began_ns;       /* when it entered GATHER last */
	uint64_t waiting_ns;     /* since when it has waited for members of its last ring, without a pause */
	uint64_t expected_seq;   /* the last seq that was given to expect_ring_seq since then */
	uint32_t expected_count; /* how many were */
	bool has_waited;         /* a majority has waited for its margin: conclude_waits_for_margin() */
	bool has_failed_to_receive;
	struct node_set join_proc, join_failed; /* lists of the join that is being handled */
	struct node_set strangers;              /* memory for one call */
};

void gather_enter(struct totem_engine *engine, enum gather_cause cause);
void gather_join(struct totem_engine *engine, struct coterie_frame *frame);
void gather_consensus_expired(struct totem_engine *engine);
/** Leave the ring, since this node has lacked frames for too long. */
void gather_fail_to_receive(struct totem_engine *engine);
void gather_overdue(struct totem_engine *engine); /* call after a pause in which the token was lost */
void gather_token_expired(struct totem_engine *engine);
/** Note that this node did not run for so long, and has waited for no member in that time. */
void gather_note_stall(struct totem_engine *engine, uint64_t stall_ns);
void gather_link_up(struct totem_engine *engine);
void gather_link_down(struct totem_engine *engine); /* call when the last link is down */
/** Form a ring without node id, and record this evidence. */
void gather_fail(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence);

#endif
