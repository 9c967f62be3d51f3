/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths that work again at different times. libknet drops the data of a host until the receiver's own link to that host
 * is up. Each node learns from answers to its own pings that a link is up. The link of a Corosync node may be up one
 * ping interval later than that of this node.
 *
 * A representative that hears all nodes could create the commit token while two Corosync nodes do not hear each other
 * yet. The commit token is lost between these two. The other nodes wait for it, and send no joins meanwhile. At last
 * the consensus timeout ends at a node that has not heard the other nodes, and that node evicts them. Corosync sends a
 * commit token again every token_retransmit, which is too seldom here.
 *
 * So the representative stays in GATHER, where all nodes send joins, for as long as a path may be late. A ring without
 * Corosync nodes does not need this: its nodes send the commit token again soon enough.
 */
#include "exec/totem/late_path.h"

#include "exec/totem/state.h"

/* A member that had no outage sends its first join within this many join periods. */
#define PROMPT_JOINS 4u
/*
 * The wait ends this many join periods before the consensus timeout, since timers of other nodes may expire a little
 * earlier.
 */
#define MARGIN_JOINS 4u

void late_path_gather(struct totem_engine *engine)
{
	uint64_t margin_ns = MARGIN_JOINS * engine->options.join_ns;
	uint64_t consensus_ns = engine->options.consensus_ns;

	engine->late_path.agree_by_ns = engine->now_ns + (consensus_ns > margin_ns ? consensus_ns - margin_ns : 0);
}

void late_path_note(struct totem_engine *engine, const struct peer *peer)
{
	uint64_t prompt_ns = engine->gather.episode_ns + PROMPT_JOINS * engine->options.join_ns;

	if (engine->state != TOTEM_OPERATIONAL && peer->heard_episode != engine->gather.episode &&
		node_set_has(&engine->installed.memb, peer->id) && engine->now_ns > prompt_ns)
		engine->late_path.returned_ns = engine->now_ns;
}

static bool has_plain_candidate(const struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->lists.live.count; i++) {
		uint32_t id = engine->lists.live.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (id != engine->options.nodeid && (peer == NULL || peer->features == 0))
			return true;
	}
	return false;
}

bool late_path_is_likely(const struct totem_engine *engine)
{
	bool has_returned = engine->late_path.returned_ns > engine->gather.episode_ns;

	if (engine->options.path_lag_ns == 0 || !has_returned || !has_plain_candidate(engine))
		return false;
	if (TOTEM_MUTANT(engine, LATE_PATH_FOREVER))
		return true;
	return engine->now_ns < engine->late_path.returned_ns + engine->options.path_lag_ns &&
	       engine->now_ns < engine->late_path.agree_by_ns;
}
