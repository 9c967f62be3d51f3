/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether to accept another node's word that a member has failed: book membership, "Joins". */
#include "exec/totem/belief.h"

#include "exec/totem/state.h"

/*
 * Return whether this gather is too young to accept a stranger's failed list. The candidates need time to agree first.
 * Without that time the list would split the nodes as fast as the network is, and they would merge and split again
 * without end.
 */
static bool is_newcomer(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL ||
	       engine->now_ns - engine->gather.episode_ns < 2 * engine->options.join_ns;
}

/*
 * Return whether this node has waited for members of its last ring for long enough. Before that it does not accept a
 * stranger's report that such a member has failed.
 */
bool belief_is_patience_over(const struct totem_engine *engine)
{
	return engine->now_ns - engine->gather.waiting_ns >= engine->options.consensus_ns ||
	       TOTEM_MUTANT(engine, STRANGER_BELIEVED);
}

/*
 * Return when the lease of the peer ends, or 0: this node need not wait for it. Its last contact was before this node
 * left the last ring. If this node has left a recovery, other members may have completed it, and have the lease of that
 * ring.
 */
uint64_t belief_lease_end_ns(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t end_ns = 0;

	if (peer->lease_ns != 0 && node_set_has(&engine->installed.memb, peer->id))
		end_ns = engine->gather.waiting_ns + lease_to_budget(peer->lease_ns);
	if (peer->recovery_lease_ns != 0 &&
		engine->belief.recovery_ns + lease_to_budget(peer->recovery_lease_ns) > end_ns)
		end_ns = engine->belief.recovery_ns + lease_to_budget(peer->recovery_lease_ns);
	return end_ns;
}

/* Return the ring that a member of the attempt was in before, as its commit token says. NULL: it does not say. */
static const struct ring_id *old_ring(const struct totem_engine *engine, uint32_t id)
{
	for (uint32_t i = 0; i < engine->commit.memb.count; i++)
		if (engine->commit.memb.ids[i] == id && engine->commit.entries[i].ring.rep != 0)
			return &engine->commit.entries[i].ring;
	return NULL;
}

/* Return whether node id is in the last attempt to form a ring, and was in the same ring as this node before. */
static bool is_companion(const struct totem_engine *engine, uint32_t id)
{
	const struct ring_id *ours = old_ring(engine, engine->options.nodeid), *theirs = old_ring(engine, id);

	return ring_id_equal(&engine->commit.ring, &engine->ring) && ours != NULL && theirs != NULL &&
	       ring_id_equal(ours, theirs);
}

void belief_note_recovery(struct totem_engine *engine, uint32_t teller)
{
	engine->belief.recovery_ns = engine->now_ns;
	engine->belief.recovery = engine->ring;
	for (uint32_t i = 0; i < engine->peers.count; i++)
		engine->peers.all[i].is_companion = false;
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		uint32_t id = engine->commit.memb.ids[i];
		/* The joins of a member may all have been lost here. Its lease counts none the less. */
		struct peer *peer = id == engine->options.nodeid ? peer_find(engine, id) : peer_get(engine, id);

		if (peer == NULL)
			continue;
		peer->is_companion = is_companion(engine, peer->id);
		peer->recovery_seq = engine->ring.seq;
		if (peer->id != teller)
			peer->mark =
				0; /* it may have completed the recovery, and serve now by the lease of that ring */
		if (extension_lease(engine, i) > peer->recovery_lease_ns)
			peer->recovery_lease_ns = extension_lease(engine, i);
	}
}

void belief_note_mark(const struct totem_engine *engine, struct peer *peer, uint32_t mark, uint64_t ring_seq)
{
	bool is_old = ring_seq < peer->recovery_seq ||
		      (node_set_has(&engine->installed.memb, peer->id) && ring_seq < engine->installed.ring.seq);

	peer->mark = mark == WIRE_MARK_STARTED && is_old ? 0 : mark;
}

void belief_note_stall(struct totem_engine *engine, uint64_t stall_ns)
{
	if (engine->belief.recovery_ns != 0)
		engine->belief.recovery_ns += stall_ns;
}

void belief_wait_again(struct totem_engine *engine)
{
	if (engine->belief.recovery_ns != 0)
		engine->belief.recovery_ns = engine->now_ns;
}

void belief_forget_recovery(struct totem_engine *engine)
{
	engine->belief.recovery_ns = 0;
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		engine->peers.all[i].recovery_lease_ns = engine->peers.all[i].recovery_seq = 0;
		engine->peers.all[i].is_companion = false;
		engine->peers.all[i].mark = engine->peers.all[i].mark_before = 0;
	}
}

/*
 * Return whether node id cannot serve any more. It may have other timers than this node, so its lease may be longer than
 * this node's patience.
 */
static bool is_lease_over(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	return peer == NULL || belief_lease_end_ns(engine, peer) <= engine->now_ns ||
	       TOTEM_MUTANT(engine, STRANGER_BELIEVED);
}

/* Return whether the peer is in the last ring, or has left the recovery of that ring, and has been in no ring since. */
static bool is_in_last_ring(const struct totem_engine *engine, const struct peer *peer, uint64_t ring_seq)
{
	if (peer->mark == 0 || !node_set_has(&engine->installed.memb, peer->id))
		return false;
	return peer->mark == extension_mark(&engine->installed.ring) ||
	       (peer->mark == peer->mark_before && ring_seq >= engine->installed.ring.seq);
}

/* Return whether the peer has completed the recovery that this node has left. */
static bool is_in_recovered_ring(const struct totem_engine *engine, const struct peer *peer)
{
	return engine->belief.recovery_ns != 0 && peer->mark == extension_mark(&engine->belief.recovery);
}

/*
 * Return whether the sender of a join was in the last ring, and has been in no ring since but the one of a recovery that
 * this node has left. A daemon that has started again, or has been in another ring, knows as little about the leases of
 * the last ring as a node that was not in it. If the join has no mark, the ring seq must be that of the last ring, or of an
 * attempt in which this node takes part.
 */
static bool is_of_last_ring(const struct totem_engine *engine, uint32_t from, uint64_t ring_seq)
{
	const struct peer *peer = peer_find(engine, from);

	if (!node_set_has(&engine->installed.memb, from))
		return false;
	if (TOTEM_MUTANT(engine, RESTART_FORGOTTEN))
		return true;
	if (ring_seq == engine->installed.ring.seq)
		return true; /* a start would have raised it */
	if (peer == NULL || peer->mark == 0)
		return ring_seq == engine->ring.seq && is_companion(engine, from);
	return is_in_last_ring(engine, peer, ring_seq) || (peer->is_companion && is_in_recovered_ring(engine, peer));
}

/*
 * Return whether the sender of a join was in the same recovery as node id, which this node has left, and in no other
 * ring since. A late join from before that recovery does not count.
 */
static bool is_of_recovery(const struct totem_engine *engine, uint32_t from, uint64_t ring_seq, uint32_t id)
{
	const struct peer *sender = peer_find(engine, from), *peer = peer_find(engine, id);

	if (sender == NULL || peer == NULL || sender->recovery_lease_ns == 0 ||
		sender->recovery_seq != peer->recovery_seq || ring_seq < peer->recovery_seq)
		return false;
	return ring_seq == peer->recovery_seq || is_in_last_ring(engine, sender, ring_seq) ||
	       is_in_recovered_ring(engine, sender);
}

/*
 * Return whether a join of the peer says that it has started and been in no ring yet. So the daemon that was in the last
 * ring has ended, and nobody waits for its lease.
 */
static bool has_started(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	return peer != NULL && peer->mark == WIRE_MARK_STARTED;
}

/*
 * Return whether node id may still serve because this node has answered it lately. If there was no token for longer
 * than the lease, the sender of a list has given it up for its silence. The sender did not hear this node then. If the
 * token was lost just now, the sender has evidence that the member has ended.
 */
static bool may_serve(const struct totem_engine *engine, const struct peer *peer)
{
	bool is_of_recovery = peer->recovery_lease_ns != 0;
	uint64_t lease_ns = is_of_recovery ? peer->recovery_lease_ns : peer->lease_ns;
	uint64_t token_ns = is_of_recovery ? engine->lease.recovery_alive_ns : engine->lease.all_alive_ns;
	uint64_t left_ns = is_of_recovery ? engine->belief.recovery_ns : engine->gather.waiting_ns;

	if (!is_of_recovery && !node_set_has(&engine->installed.memb, peer->id))
		return false;
	if (engine->state == TOTEM_OPERATIONAL)
		left_ns = engine->now_ns;
	/* A pause counts as an answer: if only the clock has jumped, the lease has not ended. */
	uint64_t alive_ns = peer->alive_ns > engine->lease.awake_ns ? peer->alive_ns : engine->lease.awake_ns;

	return token_ns + lease_ns < engine->now_ns && alive_ns + lease_ns > engine->now_ns &&
	       left_ns + lease_ns > engine->now_ns;
}

/* Return whether the sender of a join knows the leases of node id that this node knows. */
static bool knows_leases(const struct totem_engine *engine, uint32_t from, uint64_t ring_seq, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);
	bool has_recovery_lease = peer != NULL && peer->recovery_lease_ns != 0;

	if (has_recovery_lease && !is_of_recovery(engine, from, ring_seq, id))
		return false;
	if (has_recovery_lease && !node_set_has(&engine->installed.memb, id))
		return true;
	return is_of_last_ring(engine, from, ring_seq);
}

bool belief_of_member(const struct totem_engine *engine, uint32_t from, uint64_t ring_seq, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	return knows_leases(engine, from, ring_seq, id) && (peer == NULL || !may_serve(engine, peer));
}

bool belief_of_stranger(const struct totem_engine *engine, uint32_t id)
{
	if (is_newcomer(engine) || node_set_has(&engine->lists.consensus, id))
		return false;
	if (has_started(engine, id))
		return true;
	return (!node_set_has(&engine->installed.memb, id) || belief_is_patience_over(engine)) &&
	       is_lease_over(engine, id);
}
