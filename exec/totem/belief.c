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

/* Return when the lease of this member of the last ring ends. Its last contact was before this node left the ring. */
uint64_t belief_lease_end_ns(const struct totem_engine *engine, const struct peer *peer)
{
	return engine->gather.waiting_ns + lease_to_budget(peer->lease_ns);
}

/*
 * Return whether a member of the last ring cannot serve any more. It may have other timers than this node, so its lease
 * may be longer than this node's patience.
 */
static bool is_lease_over(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);

	return peer == NULL || peer->lease_ns == 0 || belief_lease_end_ns(engine, peer) <= engine->now_ns ||
	       TOTEM_MUTANT(engine, STRANGER_BELIEVED);
}

/*
 * Return whether to accept that node id has failed, as a stranger's join says: book membership, "Joins". A node that
 * has not agreed yet counts as failed then. Without this rule two groups that meet, while one of them waits for a node,
 * might never agree: their timers would expire one after the other. (The list of a member of the last ring is taken
 * over as a whole. Corosync ignores the list of a stranger.)
 */
bool belief_of_stranger(const struct totem_engine *engine, uint32_t id)
{
	return !is_newcomer(engine) && !node_set_has(&engine->lists.consensus, id) &&
	       (!node_set_has(&engine->installed.memb, id) ||
		       (belief_is_patience_over(engine) && is_lease_over(engine, id)));
}

/*
 * Return whether a member of the last ring may still serve because this node has answered it lately. If there was no
 * token for longer than the lease, the sender of a list has given the member up for its silence. The sender did not
 * hear this node then. If the token was lost just now, the sender has evidence that the member has ended.
 */
bool belief_may_serve(const struct totem_engine *engine, uint32_t id)
{
	const struct peer *peer = peer_find(engine, id);
	uint64_t left_ns = engine->state == TOTEM_OPERATIONAL ? engine->now_ns : engine->gather.waiting_ns;

	if (peer == NULL || !node_set_has(&engine->installed.memb, id) || TOTEM_MUTANT(engine, LEASE_ADOPTED))
		return false;
	/* A pause counts as an answer: if only the clock has jumped, the lease has not ended. */
	uint64_t alive_ns = peer->alive_ns > engine->lease.awake_ns ? peer->alive_ns : engine->lease.awake_ns;

	return engine->lease.all_alive_ns + peer->lease_ns < engine->now_ns &&
	       alive_ns + peer->lease_ns > engine->now_ns && left_ns + peer->lease_ns > engine->now_ns;
}
