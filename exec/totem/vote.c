/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * T-lease has expired because the token is late: ask members, and count the votes that remove a silent member.
 * silence.c describes the rules. The engine may leave its state.
 */
#include "exec/totem/vote.h"

#include "exec/totem/state.h"

/* LATE_LEASES after the last token, when all budgets are over, members are asked less often by this factor. */
#define ASK_GAPS_LATE 4u
#define LATE_LEASES 4u

/*
 * Return whether the voter has voted against the suspect. A vote counts for the voter's budget, in which the voter
 * repeats it a few times.
 */
static bool has_voted(const struct totem_engine *engine, const struct peer *voter, uint32_t suspect)
{
	uint64_t age_ns = engine->options.silence_ns;

	if (voter->lease_ns != 0 && lease_to_budget(voter->lease_ns) < age_ns)
		age_ns = lease_to_budget(voter->lease_ns);
	for (uint32_t i = 0; i < VOTES_MAX; i++)
		if (voter->votes[i].id == suspect && voter->votes[i].at_ns != 0 &&
			engine->now_ns - voter->votes[i].at_ns < age_ns)
			return true;
	return false;
}

/* Return whether a majority has not heard the suspect, and no other member that this node hears can have heard it. */
static bool is_convicted(const struct totem_engine *engine, const struct peer *suspect)
{
	uint32_t count = 1; /* this node */

	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer == NULL || peer == suspect || peer->id == engine->options.nodeid)
			continue;
		if (has_voted(engine, peer, suspect->id) && !TOTEM_MUTANT(engine, VOTE_LOST))
			count++;
		else if (!silence_is_over(engine, peer) && !node_set_has(&engine->lists.failed, peer->id) &&
			 !TOTEM_MUTANT(engine, VOTE_WITHOUT_ALL))
			return false;
	}
	return count > engine->installed.memb.count / 2 || TOTEM_MUTANT(engine, VOTE_ALONE);
}

/* Remove the suspect if the votes suffice. true: the engine has left its state. */
static bool convict(struct totem_engine *engine, struct peer *suspect)
{
	if (!silence_has_votes(engine) || engine->is_cut || engine->pause.is_pausing ||
		!silence_is_over(engine, suspect) || !node_set_has(&engine->lists.proc, suspect->id) ||
		!is_convicted(engine, suspect))
		return false;
	gather_fail(engine, suspect->id, TOTEM_EVIDENCE_VOTED);
	return true;
}

void vote_arrived(struct totem_engine *engine, struct peer *voter, uint32_t suspect)
{
	struct vote *oldest = &voter->votes[0];

	if (!node_set_has(&engine->installed.memb, voter->id) || !node_set_has(&engine->installed.memb, suspect) ||
		voter->id == suspect)
		return;
	for (uint32_t i = 0; i < VOTES_MAX; i++) {
		struct vote *vote = &voter->votes[i];

		if (vote->id == suspect) {
			oldest = vote;
			break;
		}
		if (vote->at_ns < oldest->at_ns)
			oldest = vote;
	}
	*oldest = (struct vote){.id = suspect, .at_ns = engine->now_ns};
	/* This may have been the last vote that was missing. */
	if (engine->state == TOTEM_OPERATIONAL || engine->state == TOTEM_GATHER)
		convict(engine, peer_find(engine, suspect));
}

void vote_check(struct totem_engine *engine)
{
	if (!silence_has_votes(engine) || engine->is_cut || engine->pause.is_pausing)
		return;
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (!silence_is_over(engine, peer) || !node_set_has(&engine->lists.proc, peer->id))
			continue;
		peer->voted_ns = engine->now_ns;
		probe_tell_members(engine, WIRE_PROBE_SILENT, peer->id);
		if (convict(engine, peer))
			return;
	}
}

/* Ask the callback `witness` about a silent member. Between two questions a member that runs has answered the first. */
static void ask_witness(struct totem_engine *engine, struct peer *peer)
{
	uint64_t alive_ns = silence_since(engine, peer);
	enum totem_witness before = silence_witness(engine, peer, engine->now_ns), now;

	if (engine->callbacks.witness == NULL || peer->asked_ns <= alive_ns)
		return;
	now = engine->callbacks.witness(engine->arg, peer->id, peer->unanswered_ns <= alive_ns);
	peer->unanswered_ns = engine->now_ns;
	if (now == TOTEM_WITNESS_UNKNOWN)
		return;
	peer->witness = now;
	peer->witnessed_ns = engine->now_ns;
	if (now == before)
		return;

	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_WITNESSED,
		.node = peer->id,
		.value = silence_of(engine, peer) / MILLISECOND_NS,
		.cause = now,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

/* Ask all members from which no packet or no answer has come for a while. */
static void ask_members(struct totem_engine *engine, uint64_t gap_ns)
{
	uint64_t fresh_ns = totem_engine_lease(engine) / 2;

	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer == NULL || peer->id == engine->options.nodeid || engine->now_ns - peer->contact_ns < fresh_ns)
			continue;
		if (engine->state == TOTEM_OPERATIONAL || engine->now_ns - peer->alive_ns >= fresh_ns) {
			ask_witness(engine, peer);
			probe_ask_again(engine, peer, gap_ns);
		}
	}
}

void vote_expired(struct totem_engine *engine)
{
	uint64_t gap_ns = totem_engine_lease(engine) / LEASE_ASK_GAPS;

	lease_settle(engine);
	if (lease_must_renew(engine)) {
		gather_enter(engine, GATHER_TOKEN_LOST_OPERATIONAL);
		return;
	}
	if (!lease_is_watching(engine))
		return; /* the next ring begins with a new lease */
	if (engine->now_ns - engine->lease.all_alive_ns > LATE_LEASES * totem_engine_lease(engine))
		gap_ns *= ASK_GAPS_LATE;
	ask_members(engine, gap_ns);
	vote_check(engine);

	uint64_t next_ns = silence_next(engine);

	timer_set(engine, TOTEM_TIMER_LEASE, next_ns < engine->now_ns + gap_ns ? next_ns - engine->now_ns : gap_ns);
}
