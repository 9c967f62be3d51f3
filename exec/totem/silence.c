/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members that are silent for longer than the budget (totem.silence), and the vote that removes such a member.
 *
 * Life of a silence:
 *
 * 1. The token is late. Each member asks all other members on its own paths (lease.c).
 * 2. A member that has not heard the suspect for the whole budget votes: it sends its vote to all members, repeatedly.
 * 3. One of these ends the silence:
 *    - Any packet of the suspect. Its votes may still count at other members. So for a while the voters answer its
 *      questions without renewing its lease (sign.c). Until then only the token renews its lease.
 *    - A majority of the ring has voted, and all other members are silent to this node as well. So there is no member
 *      that may have heard the suspect. The suspect is removed. The join that names it makes all members agree.
 *
 * A ring of two removes no member by votes, since one of two is no majority.
 *
 * A budget is at least four round trips, and at least as long as the suspect's own lease requires. One more round trip is
 * added, since a judge sees a longer silence than there was: the last sign is old when it comes, and so is the next one.
 * A node whose own timers were late waits longer, up to twice as long (Dadgar, Phillips, Currey, "Lifeguard", 2018).
 */
#include "exec/totem/silence.h"

#include "exec/totem/state.h"

#define TRIPS_MIN 4u
#define LATE_FRACTION 50u /* a timer counts as late from a delay of the budget divided by this */
#define LATE_TIMES 4u     /* the delay times this is added to the budget, at most the budget itself */
#define LATE_BUDGETS 2u   /* for this many budgets the addition lasts */
#define VOTE_BUDGETS 2u   /* for this many budgets a vote may count at another member */
/* Without a connection, what the host showed is too old after this time. */
#define WITNESS_AGE_NS (10000 * MILLISECOND_NS)

static uint64_t max_ns(uint64_t a, uint64_t b) { return a > b ? a : b; }

uint64_t silence_since(const struct totem_engine *engine, const struct peer *peer)
{
	return max_ns(peer->alive_ns, engine->lease.all_alive_ns);
}

/*
 * Return whether the last token came to this node before it came to the peer. Then that token shows only that the peer
 * ran one rotation before.
 */
static bool is_behind(const struct totem_engine *engine, const struct peer *peer)
{
	return !core_is_rep(engine) && peer->id > engine->options.nodeid;
}

/*
 * Return when the silence began: at the last packet of the peer, or, on an idle ring, when the held token was due
 * again. While this node did not run it could not hear the peer, so that time does not count.
 */
static uint64_t quiet_ns(const struct totem_engine *engine, const struct peer *peer)
{
	bool is_due_later = engine->silence.was_held && !is_behind(engine, peer);
	uint64_t due_ns = engine->lease.all_alive_ns + (is_due_later ? engine->options.hold_ns : 0);

	return max_ns(max_ns(peer->alive_ns, due_ns), engine->lease.awake_ns);
}

bool silence_has_votes(const struct totem_engine *engine)
{
	return engine->options.silence_ns != 0 && (engine->installed.features & WIRE_FEATURE_SILENCE) != 0 &&
	       engine->installed.memb.count > 2;
}

static uint64_t budget_ns(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t budget_ns = max_ns(engine->options.silence_ns, TRIPS_MIN * peer->round_trip_ns);

	budget_ns = max_ns(budget_ns, lease_to_budget(peer->lease_ns)) + peer->round_trip_ns;
	if (engine->now_ns < engine->silence.late_until_ns)
		budget_ns += LATE_TIMES * engine->silence.late_ns < budget_ns ? LATE_TIMES * engine->silence.late_ns
									      : budget_ns;
	if (TOTEM_MUTANT(engine, BUDGET_HALVED))
		budget_ns /= 4;
	return budget_ns;
}

uint64_t silence_budget(const struct totem_engine *engine, const struct peer *peer)
{
	return silence_has_votes(engine) ? budget_ns(engine, peer)
					 : engine->options.token_ns + engine->options.consensus_ns;
}

uint64_t silence_of(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t at_ns = silence_since(engine, peer);

	return engine->now_ns > at_ns ? engine->now_ns - at_ns : 0;
}

enum totem_witness silence_witness(const struct totem_engine *engine, const struct peer *peer, uint64_t now_ns)
{
	if (peer->witnessed_ns <= silence_since(engine, peer) || now_ns >= peer->witnessed_ns + WITNESS_AGE_NS)
		return TOTEM_WITNESS_UNKNOWN;
	return peer->witness;
}

void silence_note_hold(struct totem_engine *engine, bool is_held) { engine->silence.was_held = is_held; }

void silence_late(struct totem_engine *engine, uint64_t late_ns)
{
	uint64_t budget_ns = engine->options.silence_ns;

	if (budget_ns == 0 || late_ns < budget_ns / LATE_FRACTION)
		return;
	/*
	 * After a stop all timers are late once, and the cause is over. So do not count this delay. A lack of processor
	 * time lasts.
	 */
	if (engine->now_ns - engine->lease.awake_ns < budget_ns / 4)
		return;
	/* Silence in the time of such a long delay proves nothing, since this node did not run. */
	if (late_ns >= budget_ns / 4)
		lease_note_stop(engine);
	if (engine->now_ns >= engine->silence.late_until_ns || late_ns > engine->silence.late_ns)
		engine->silence.late_ns = late_ns;
	engine->silence.late_until_ns = engine->now_ns + LATE_BUDGETS * budget_ns;
}

bool silence_is_over(const struct totem_engine *engine, const struct peer *peer)
{
	return peer != NULL && peer->id != engine->options.nodeid && !node_set_has(&engine->lists.failed, peer->id) &&
	       engine->now_ns >= quiet_ns(engine, peer) + budget_ns(engine, peer);
}

/*
 * The time is twice as long as a vote counts: the vote may be under way, or wait in a socket, and count later than it
 * was sent.
 */
bool silence_is_voted(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t age_ns = max_ns(engine->options.silence_ns, lease_to_budget(engine->lease.announced_ns));

	return peer->voted_ns != 0 && engine->now_ns - peer->voted_ns < VOTE_BUDGETS * age_ns;
}

uint64_t silence_next(const struct totem_engine *engine)
{
	uint64_t next_ns = TOTEM_NEVER;

	if (!silence_has_votes(engine))
		return next_ns;
	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);
		uint64_t at_ns;

		if (peer == NULL || peer->id == engine->options.nodeid)
			continue;
		at_ns = quiet_ns(engine, peer) + budget_ns(engine, peer);
		if (at_ns > engine->now_ns && at_ns < next_ns)
			next_ns = at_ns;
	}
	return next_ns;
}

bool totem_engine_silent(const struct totem_engine *engine, uint64_t now_ns, uint32_t i, struct totem_silence *silence)
{
	uint64_t after_ns = 2 * (engine->options.hold_ns + engine->options.token_retransmit_ns);

	for (uint32_t at = 0; at < engine->installed.memb.count; at++) {
		const struct peer *peer = peer_find(engine, engine->installed.memb.ids[at]);

		if (peer == NULL || peer->id == engine->options.nodeid)
			continue;

		uint64_t last_ns = silence_since(engine, peer);

		if (now_ns < last_ns + after_ns || i-- > 0)
			continue;
		*silence = (struct totem_silence){
			.nodeid = peer->id,
			.silent_ns = now_ns - last_ns,
			.budget_ns = silence_budget(engine, peer),
			.witness = silence_witness(engine, peer, now_ns),
		};
		return true;
	}
	return false;
}
