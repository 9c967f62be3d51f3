/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of evictions: the evidence that led to a configuration without a member. */
#include "exec/totem/evict.h"

#include "exec/totem/state.h"

void evict_note(struct totem_engine *engine, uint32_t id, enum totem_evidence evidence)
{
	struct peer *peer = peer_find(engine, id);

	if (peer == NULL)
		return;
	peer->evidence = evidence;
	peer->evidence_episode = engine->gather.episode;
	peer->budget_ns = evidence == TOTEM_EVIDENCE_CLOSED ? 0 : silence_budget(engine, peer);
	peer->silent_ns = silence_of(engine, peer);
}

static bool was_heard(const struct totem_engine *engine, const struct peer *peer)
{
	return peer->heard_episode == engine->gather.episode;
}

/* Fill in the strongest evidence of this episode. */
static void fill(const struct totem_engine *engine, const struct peer *peer, struct totem_eviction *eviction)
{
	uint32_t me = engine->options.nodeid;

	eviction->accuser = me;
	eviction->silent_ns = silence_of(engine, peer);
	eviction->budget_ns = engine->options.token_ns + engine->options.consensus_ns;
	if (peer->left_episode == engine->gather.episode) {
		eviction->evidence = TOTEM_EVIDENCE_LEFT;
	} else if (peer->evidence_episode == engine->gather.episode && peer->evidence != TOTEM_EVIDENCE_LEFT) {
		eviction->evidence = peer->evidence;
		eviction->budget_ns = peer->budget_ns;
		/* A packet of the member may have arrived since, but the decision stays. */
		eviction->silent_ns = peer->silent_ns;
	} else if (peer->given_up_episode == engine->gather.episode) {
		eviction->evidence = was_heard(engine, peer) ? TOTEM_EVIDENCE_DISAGREED : TOTEM_EVIDENCE_SILENT;
	} else if (peer->accuser_episode == engine->gather.episode && peer->accuser != me) {
		eviction->evidence = TOTEM_EVIDENCE_NAMED;
		eviction->accuser = peer->accuser;
	} else {
		eviction->evidence = was_heard(engine, peer) ? TOTEM_EVIDENCE_DISAGREED : TOTEM_EVIDENCE_SILENT;
	}
	/*
	 * A kernel that closed the connection and refused datagrams answers, but it does not show that the daemon is
	 * stopped. So TOTEM_EVIDENCE_CLOSED has no witness.
	 */
	if (eviction->evidence != TOTEM_EVIDENCE_LEFT && eviction->evidence != TOTEM_EVIDENCE_CLOSED)
		eviction->witness = silence_witness(engine, peer, engine->now_ns);
}

/*
 * Trace the eviction of each member in `left`. `left` has the members that are no companions, `trans` the companions. A
 * member of the new ring that was in another ring meanwhile was not evicted.
 */
void evict_installed(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->installed.left.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.left.ids[i]);
		struct totem_eviction eviction = {
			.nodeid = engine->installed.left.ids[i],
			.evidence = TOTEM_EVIDENCE_SILENT,
			.agreed = engine->recovery.trans.ids,
			.agreed_count = engine->recovery.trans.count,
		};
		const struct totem_trace trace = {
			.kind = TOTEM_TRACE_EVICTED,
			.node = eviction.nodeid,
			.ring = engine->ring,
			.eviction = &eviction,
		};

		if (node_set_has(&engine->commit.memb, eviction.nodeid))
			continue;
		if (peer != NULL)
			fill(engine, peer, &eviction);
		core_trace(engine, &trace);
	}
}
