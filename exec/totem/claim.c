/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring seqs in packets are claims (book membership, "Ring ids"), and a claim may be forged. So a node accepts only
 * claims that leave room for many more rings. Its own number follows the rings that it forms, not the claims in
 * packets.
 *
 * A node that is alone accepts higher claims than a member of a ring, since it must find a ring whose number was raised
 * by an attack. So a forged join can take such a node to a number that no ring follows. The node notices this when a
 * packet has a number far below its own. Then it forms its next ring with a new number just above that one, or above
 * that of the ring in force.
 */
#include "exec/totem/claim.h"

#include "exec/totem/state.h"

/*
 * If many nodes choose a number at random within these bounds, it is new: no ring with the same representative had it.
 */
#define FRESH_SPAN (UINT64_C(1) << 40)
/* As FRESH_SPAN, near the end of the numbers that all nodes accept. */
#define FRESH_SPAN_LATE (RING_SEQ_STEP_MAX / 2)

/* Return the highest number that a member of a ring with this seq accepts, without the step that the caller adds. */
static uint64_t belief_of(uint64_t ring_seq)
{
	return ring_seq < TOTEM_RING_SEQ_JUMP_MAX ? TOTEM_RING_SEQ_JUMP_MAX : ring_seq;
}

bool claim_is_believed(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max)
{
	/*
	 * When the seq of this node has fallen, its companions still have the seq of the old ring. So the higher one
	 * counts.
	 */
	uint64_t from = belief_of(
		engine->ring.seq > engine->installed.ring.seq ? engine->ring.seq : engine->installed.ring.seq);

	if (from < RING_SEQ_LONE_MAX && engine->installed.memb.count <= 1)
		from = RING_SEQ_LONE_MAX;
	return ring_seq < TOTEM_RING_SEQ_END && ring_seq <= from + step_max;
}

/* Return whether members of a ring with the number `lower` refuse joins with the number `higher`. */
static bool is_far_above(uint64_t higher, uint64_t lower) { return higher > belief_of(lower) + RING_SEQ_STEP_MAX; }

void claim_heard(struct totem_engine *engine, uint32_t id, uint64_t ring_seq)
{
	if (is_far_above(engine->ring.seq, ring_seq) && ring_seq >= engine->claim.low_claim) {
		engine->claim.low_claim = ring_seq;
		engine->claim.low_claimer = id;
		engine->claim.has_low_claim = true;
	}
}

/* Return whether a node that has sent packets to this one may refuse this number. */
static bool is_refused(const struct totem_engine *engine, uint64_t ring_seq)
{
	return engine->claim.has_low_claim && is_far_above(ring_seq, engine->claim.low_claim);
}

/*
 * Return the number from which a ring may begin whose members give up higher ones. Every node accepts the number of the
 * ring in force up to TOTEM_RING_SEQ_JUMP_MAX, so it never has to fall below that, whatever a packet claims.
 */
static uint64_t fallen(const struct totem_engine *engine)
{
	uint64_t installed = engine->installed.ring.seq, claim = engine->claim.low_claim;

	return installed > claim && installed <= TOTEM_RING_SEQ_JUMP_MAX ? installed : claim;
}

bool claim_is_followed(const struct totem_engine *engine, uint64_t ring_seq)
{
	return ring_seq > (is_refused(engine, engine->ring.seq) ? fallen(engine) : engine->ring.seq);
}

static uint64_t fresh_number(struct totem_engine *engine)
{
	uint64_t from = fallen(engine);
	bool has_room = from < TOTEM_RING_SEQ_JUMP_MAX - 2 * FRESH_SPAN;
	uint64_t span = has_room ? FRESH_SPAN : FRESH_SPAN_LATE;

	return from + (has_room ? span : 0) + core_random(engine) % span;
}

/*
 * Return whether the next ring must have a lower number than its members have. This is not needed if the node with the
 * low number will be a member, since it then accepts the higher number. Members that refuse the lower number (maybe
 * nodes with Corosync) form the ring in the next attempt, which does not lower it.
 */
static bool must_fall(const struct totem_engine *engine, uint64_t highest)
{
	return is_refused(engine, highest) && !node_set_has(&engine->lists.live, engine->claim.low_claimer) &&
	       (engine->lists.live.count == 1 || !engine->claim.has_fallen);
}

uint64_t claim_highest(const struct totem_engine *engine)
{
	uint64_t highest = engine->ring.seq;

	for (uint32_t i = 0; i < engine->lists.live.count; i++) {
		uint32_t id = engine->lists.live.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (peer != NULL && id != engine->options.nodeid && peer->join_seq > highest)
			highest = peer->join_seq;
	}
	return highest;
}

uint64_t claim_next(struct totem_engine *engine)
{
	uint64_t highest = claim_highest(engine);

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
