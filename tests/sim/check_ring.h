/* SPDX-License-Identifier: BSD-3-Clause */
/* Invariants inside a ring: book invariants, "Ring"; and C9. */
#ifndef SIM_CHECK_RING_H
#define SIM_CHECK_RING_H

#include "exec/totem/engine.h"
#include "exec/totem/wire.h"
#include "tests/sim/history.h"

/**
 * C10: note that the life, as representative, begins another ring with the id of `ring`, since its node has lost its
 * storage. While a member of the first ring still runs, no engine can tell the two rings apart or be safe. The run is
 * tainted if Corosync does that, or if the seq follows that of a companion: see book membership, "Ring ids".
 */
void rings_id_again(struct history *history, struct life *life, const struct ring_record *ring);
/** C9: check the ring sequence `seq` that the life names in a packet or uses otherwise. where: says in which. */
void rings_named(struct history *history, struct life *life, uint64_t seq, const char *where);
/**
 * I3, I8: check a frame that is sent. is_message: its `encapsulated` is 2, so it has messages. @return true: it is sent
 * for the first time
 */
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
/** I1, I11, I12: check the engine's state after a step. */
void rings_probed(struct history *history, struct life *life, enum totem_state state, const struct ring_id *ring,
	const struct totem_probe *probe);
/** I6: compare the token that the life just sent with the sums over all members. */
void rings_summed(struct history *history, struct life *life, const struct ring_record *ring, uint32_t fcc,
	uint32_t fcc_sum, uint32_t backlog, uint32_t backlog_sum);
/** I7: check that the life may send `sent` frames at one visit. */
void rings_visited(struct history *history, struct life *life, uint32_t sent, uint32_t max_messages);
/**
 * W3: check that the frames with a seq that wait to be sent after a step may wait. Pass true as may_wait if the token
 * was not sent either and the next turn comes at once.
 */
void rings_kept_back(struct history *history, struct life *life, uint32_t frames, bool may_wait, uint64_t waited_ns,
	uint64_t waited_ns_max);
/** I8: check that no member had recovery frames left to send when the life installed `ring`. queued: their number. */
void rings_recovered(struct history *history, struct life *life, const struct ring_record *ring, uint32_t queued);
/** I13: check which timers are armed in this state. armed: bits by enum totem_timer. */
void rings_timers(struct history *history, struct life *life, enum totem_state state, uint32_t armed);

#endif
