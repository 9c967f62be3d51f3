/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring seqs in packets are claims: book membership, "Ring ids". A claim may be forged. So a node believes only claims
 * that leave room for many more rings, and its own number follows the rings that it forms, not the claims that it hears.
 *
 * A node alone believes more than a member of a ring does, since it must find a ring that was attacked. So a forged join
 * can take it to a number that no ring follows. It notices this when it hears a number far below its own. Then it forms
 * its next ring with a new number just above that one.
 */
#include "exec/totem/claim.h"

#include "exec/totem/state.h"

/* A number that many nodes choose at random within these bounds is new: no ring had it with the same representative. */
#define FRESH_SPAN (UINT64_C(1) << 40)
#define FRESH_SPAN_LATE (RING_SEQ_STEP_MAX / 2) /* where the numbers that all believe end soon */

/* Return the highest number that a member of a ring with this seq believes, without the step that is added to it. */
static uint64_t belief_of(uint64_t ring_seq)
{
	return ring_seq < TOTEM_RING_SEQ_JUMP_MAX ? TOTEM_RING_SEQ_JUMP_MAX : ring_seq;
}

bool claim_is_believed(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max)
{
	/* Its companions still have the seq of the old ring when the one of this node has fallen. */
	uint64_t from = belief_of(
		engine->ring.seq > engine->installed.ring.seq ? engine->ring.seq : engine->installed.ring.seq);

	if (from < RING_SEQ_LONE_MAX && engine->installed.memb.count <= 1)
		from = RING_SEQ_LONE_MAX;
	return ring_seq < TOTEM_RING_SEQ_END && ring_seq <= from + step_max;
}

/* Return whether members of a ring with the lower number refuse joins with the higher one. */
static bool is_far_above(uint64_t higher, uint64_t lower) { return higher > belief_of(lower) + RING_SEQ_STEP_MAX; }

void claim_heard(struct totem_engine *engine, uint32_t id, uint64_t ring_seq)
{
	if (is_far_above(engine->ring.seq, ring_seq) && ring_seq >= engine->claim.low_claim) {
		engine->claim.low_claim = ring_seq;
		engine->claim.low_claimer = id;
		engine->claim.has_low_claim = true;
	}
}

/* Return whether a node that was heard may refuse this number. */
static bool is_refused(const struct totem_engine *engine, uint64_t ring_seq)
{
	return engine->claim.has_low_claim && is_far_above(ring_seq, engine->claim.low_claim);
}

bool claim_is_followed(const struct totem_engine *engine, uint64_t ring_seq)
{
	return ring_seq > (is_refused(engine, engine->ring.seq) ? engine->claim.low_claim : engine->ring.seq);
}

static uint64_t fresh_number(struct totem_engine *engine)
{
	bool has_room = engine->claim.low_claim < TOTEM_RING_SEQ_JUMP_MAX - 2 * FRESH_SPAN;
	uint64_t span = has_room ? FRESH_SPAN : FRESH_SPAN_LATE;

	return engine->claim.low_claim + (has_room ? span : 0) + core_random(engine) % span;
}

/*
 * Return whether the next ring must have a lower number than its members have. A node that will be a member believes
 * them. Members that refuse lower numbers form the ring with the next attempt: Corosync's nodes may be such.
 */
static bool must_fall(const struct totem_engine *engine, uint64_t highest)
{
	return is_refused(engine, highest) && !node_set_has(&engine->lists.live, engine->claim.low_claimer) &&
	       (engine->lists.live.count == 1 || !engine->claim.has_fallen);
}

uint64_t claim_next(struct totem_engine *engine)
{
	uint64_t highest = engine->ring.seq;

	for (uint32_t i = 0; i < engine->lists.live.count; i++) {
		uint32_t id = engine->lists.live.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (peer != NULL && id != engine->options.nodeid && peer->join_seq > highest)
			highest = peer->join_seq;
	}
	if (!must_fall(engine, highest))
		return highest;
	engine->claim.has_fallen = true;

	const struct totem_trace trace = {.kind = TOTEM_TRACE_RING_SEQ_LOWERED, .ring = engine->ring};

	core_trace(engine, &trace);
	return fresh_number(engine);
}

void claim_installed(struct totem_engine *engine)
{
	engine->claim.has_low_claim = engine->claim.has_fallen = false;
	engine->claim.low_claim = 0;
}
