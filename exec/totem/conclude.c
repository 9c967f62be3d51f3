/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a gather: book membership, "Joins". */
#include "exec/totem/conclude.h"

#include "exec/totem/state.h"

/* Allowance for turns of the loop and late packets, when several nodes conclude at the same time. */
#define MARGIN_NS (20 * MILLISECOND_NS)

bool conclude_is_agreed(struct totem_engine *engine)
{
	const struct node_set *live = lists_live(engine);

	if (live->count == 0)
		return false;
	if (TOTEM_MUTANT(engine, CONSENSUS_MAJORITY)) {
		uint32_t count = 0;

		for (uint32_t i = 0; i < live->count; i++)
			count += node_set_has(&engine->lists.consensus, live->ids[i]);
		return count > live->count / 2;
	}
	return node_set_contains(&engine->lists.consensus, live);
}

/* Return when the last lease ends of the members that would be given up now. */
static uint64_t leases_end_ns(const struct totem_engine *engine)
{
	uint64_t until_ns = 0;

	for (uint32_t i = 0; i < engine->peers.count; i++) {
		const struct peer *peer = &engine->peers.all[i];

		if (peer->id == engine->options.nodeid || !node_set_has(&engine->lists.proc, peer->id) ||
			node_set_has(&engine->lists.failed, peer->id) ||
			node_set_has(&engine->lists.consensus, peer->id))
			continue;
		if (belief_lease_end_ns(engine, peer) > until_ns)
			until_ns = belief_lease_end_ns(engine, peer);
	}
	return until_ns;
}

bool conclude_now(struct totem_engine *engine)
{
	engine->counters.consensus_timeouts++;
	if (conclude_is_agreed(engine)) {
		/* All candidates agree, but no commit token of the representative has arrived. */
		lists_ask_again(engine);
		return false;
	}
	for (uint32_t i = 0; i < engine->lists.proc.count; i++) {
		if (!node_set_has(&engine->lists.consensus, engine->lists.proc.ids[i])) {
			lists_fail(engine, engine->lists.proc.ids[i]);
			backoff_given_up(engine, engine->lists.proc.ids[i]);
		}
	}
	return true;
}

/* Return whether a candidate that has not agreed yet may agree soon, since it sends joins. */
static bool may_agree(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->lists.proc.count; i++) {
		uint32_t id = engine->lists.proc.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (peer != NULL && id != engine->options.nodeid && peer->heard_episode == engine->gather.episode &&
			!node_set_has(&engine->lists.failed, id) && !node_set_has(&engine->lists.consensus, id))
			return true;
	}
	return false;
}

bool conclude_is_due(struct totem_engine *engine, uint32_t from)
{
	return engine->state != TOTEM_OPERATIONAL && node_set_has(&engine->installed.memb, from) &&
	       belief_is_patience_over(engine) && !conclude_is_agreed(engine) && !may_agree(engine) &&
	       leases_end_ns(engine) <= engine->now_ns;
}

/*
 * The majority are members that this node has heard since it entered GATHER. If it was cut off in an attempt, it has
 * heard all of them before, and must not wait.
 */
bool conclude_waits_for_margin(struct totem_engine *engine, enum totem_timer timer)
{
	uint32_t count = 1; /* this node */

	if (engine->installed.memb.count < 3 || TOTEM_MUTANT(engine, MARGIN_NONE))
		return false;
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		count += peer != NULL && peer->id != engine->options.nodeid &&
			 peer->heard_episode == engine->gather.episode && peer->heard_ns >= engine->gather.began_ns;
	}
	if (count <= engine->installed.memb.count / 2)
		return false;
	timer_set(engine, timer, engine->options.hold_ns + MARGIN_NS);
	return true;
}

bool conclude_waits_for_leases(struct totem_engine *engine, enum totem_timer timer)
{
	uint64_t until_ns = leases_end_ns(engine);

	if (until_ns <= engine->now_ns)
		return false;
	timer_set(engine, timer, until_ns - engine->now_ns);
	return true;
}
