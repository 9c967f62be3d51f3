/* SPDX-License-Identifier: BSD-3-Clause */
/* Invariants inside a ring: book invariants, "Ring"; and C9. */
#ifndef SIM_CHECK_RING_H
#define SIM_CHECK_RING_H

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"
#include "tests/sim/history.h"

/** C9: life sends something that names ring sequence `seq`. */
void rings_named(struct history *history, struct life *life, uint64_t seq, const char *where);
/** I3, I8: check a frame that is sent. is_message: encapsulated 2. @return true: it is new on the wire */
bool rings_frame_sent(struct history *history, struct life *life, struct ring_record *ring, uint32_t at,
	uint32_t originator, uint64_t hash, bool is_message);
/** I3, I5, I7, I9: check a token that is sent. */
void rings_token_sent(struct history *history, struct life *life, struct ring_record *ring,
	const struct wire_token *token, uint64_t hash, uint32_t window_size);
/** I10: check a commit token that is sent. */
void rings_commit_sent(
	struct history *history, struct life *life, struct ring_record *ring, const struct wire_commit_token *commit);
/** I2, I3, I4, I8, I10: check an engine's trace event, and note which frames a node has. */
void rings_traced(struct history *history, struct life *life, const struct totem_trace *trace);
/** I1, I11, I12 after a step. */
void rings_probed(struct history *history, struct life *life, enum totem_state state, const struct ring_id *ring,
	const struct totem_probe *probe);
/** I6: the token that life just sent against the sums over all members. */
void rings_summed(struct history *history, struct life *life, const struct ring_record *ring, uint32_t fcc,
	uint32_t fcc_sum, uint32_t backlog, uint32_t backlog_sum);
/** I7: check that `sent` frames may leave at one visit. */
void rings_visited(struct history *history, struct life *life, uint32_t sent, uint32_t max_messages);
/**
 * W3: check that after a step this many frames with a seq may still wait. may_wait: the token was not sent either, and
 * the next turn follows at once.
 */
void rings_kept_back(struct history *history, struct life *life, uint32_t frames, bool may_wait, uint64_t waited_ns,
	uint64_t waited_ns_max);
/** I8: life installed `ring` while members still had `queued` recovery frames to send. */
void rings_recovered(struct history *history, struct life *life, const struct ring_record *ring, uint32_t queued);
/** I13. armed: bits by enum totem_timer. */
void rings_timers(struct history *history, struct life *life, enum totem_state state, uint32_t armed);

#endif
