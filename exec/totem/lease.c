/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lease: may this node serve requests that need quorum? (After Gray and Cheriton, "Leases", SOSP 1989.)
 *
 * A node that other members evict while it runs does not know it. So it serves such requests only while the other
 * members certainly still wait for it. That time is the lease. Contact with members that have a majority of the
 * cluster's votes renews it: every other majority needs one of these members.
 *
 * Contact must prove both directions. An accepted token has visited all members. The answer to a question shows that
 * the question arrived. A member names the ring in its answer only while it is in that ring and does not leave it.
 * Corosync nodes answer no questions, so a packet of theirs counts if it names the ring.
 *
 * No member is removed for its silence before a multiple of the lease has passed. So the lease of a removed member has
 * ended when the other members form a ring without it.
 *
 * After a lease has ended, and after this process did not run, the first token proves nothing: it may have waited in a
 * socket for a long time. The next token proves contact, since this node has sent the first one on.
 */
#include "exec/totem/lease.h"

#include <string.h>

#include "exec/totem/state.h"

/* Percentage of the silence budget, or of the token timeout. The rest of the budget is for a token that is held. */
#define LEASE_PERCENT 60u
#define HELD_SLACK 16u     /* up to the lease divided by this, a delay of a held token is no sign of a failure */
#define STALL_FRACTION 32u /* a timer that is late by the lease divided by this shows that this process did not run */

uint64_t lease_configured(const struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;
	uint64_t budget_ns = options->token_ns;

	/*
	 * With a budget above the token timeout the lease does not grow: members that gather may conclude after the
	 * consensus timeout.
	 */
	if (options->silence_ns != 0 && options->silence_ns < budget_ns)
		budget_ns = options->silence_ns;
	return budget_ns / 100 * LEASE_PERCENT;
}

uint64_t lease_to_budget(uint64_t lease_ns) { return lease_ns / LEASE_PERCENT * 100; }

/*
 * A reload may have made the configured lease longer. But the other members wait only for the lease that was announced
 * to them.
 */
uint64_t totem_engine_lease(const struct totem_engine *engine)
{
	uint64_t lease_ns = lease_configured(engine);

	if (engine->installed.memb.count <= 1 || engine->lease.announced_ns == 0 ||
		engine->lease.announced_ns > lease_ns)
		return lease_ns;
	return engine->lease.announced_ns;
}

void totem_engine_set_votes(
	struct totem_engine *engine, const struct ring_id *ring, const uint32_t *votes, uint32_t count, uint32_t needed)
{
	struct lease *lease = &engine->lease;

	if (!ring_id_equal(ring, &engine->installed.ring))
		return;
	lease->votes_ring = *ring;
	lease->votes_needed = votes == NULL || count != engine->installed.memb.count ? 0 : needed;
	if (lease->votes_needed != 0)
		memcpy(lease->votes, votes, count * sizeof(*votes));
}

static bool has_votes(const struct totem_engine *engine)
{
	return engine->lease.votes_needed != 0 && ring_id_equal(&engine->lease.votes_ring, &engine->installed.ring);
}

/* Return whether this contact is within the lease, and not before lease_doubt was last called. */
static bool is_contact(const struct totem_engine *engine, uint64_t contact_ns, uint64_t now_ns)
{
	return contact_ns != 0 && contact_ns >= engine->lease.doubt_ns &&
	       (contact_ns + totem_engine_lease(engine) > now_ns || TOTEM_MUTANT(engine, LEASE_FOREVER));
}

/*
 * Return whether this node and the members that answered it within the lease have a majority of the cluster's votes.
 * If the votes are not known, all members are needed.
 */
static bool has_majority(const struct totem_engine *engine, uint64_t now_ns)
{
	bool is_weighed = has_votes(engine);
	uint64_t votes = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < engine->installed.memb.count; i++) {
		uint32_t id = engine->installed.memb.ids[i];
		const struct peer *peer = peer_find(engine, id);

		if (id != engine->options.nodeid && (peer == NULL || !is_contact(engine, peer->contact_ns, now_ns)))
			continue;
		count++;
		votes += is_weighed ? engine->lease.votes[i] : 0;
	}
	if (TOTEM_MUTANT(engine, LEASE_OF_RING))
		return count > engine->installed.memb.count / 2;
	return is_weighed ? votes >= engine->lease.votes_needed : count == engine->installed.memb.count;
}

/*
 * Return whether this node is alone, and its quorum comes from a quorum device. While this node did not run, the device
 * may have given its votes to other nodes.
 */
static bool is_borrowed(const struct totem_engine *engine)
{
	return engine->installed.memb.count == 1 && has_votes(engine) &&
	       engine->lease.votes[0] < engine->lease.votes_needed;
}

/* Return whether this node has not been stopped since its ring was formed. */
static bool is_unbroken(const struct totem_engine *engine)
{
	return engine->lease.contact_ns != 0 && engine->lease.awake_ns <= engine->lease.contact_ns;
}

bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns)
{
	if (engine->installed.memb.count <= 1)
		return !is_borrowed(engine) || is_unbroken(engine) || TOTEM_MUTANT(engine, LEASE_FOREVER);
	if (engine->is_cut)
		return false;
	return is_contact(engine, engine->lease.contact_ns, now_ns) || has_majority(engine, now_ns);
}

static bool has_lease_now(const struct totem_engine *engine) { return totem_engine_has_lease(engine, engine->now_ns); }

/* Tell the user if the lease has ended or begun. */
void lease_settle(struct totem_engine *engine)
{
	bool is_held = has_lease_now(engine);
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_LEASE,
		.value = is_held,
		.ring = engine->ring,
	};

	if (is_held == engine->lease.is_held)
		return;
	if (!is_held)
		engine->lease.unproved_ns = engine->now_ns;
	engine->lease.is_held = is_held;
	core_trace(engine, &trace);
	if (engine->callbacks.lease != NULL)
		engine->callbacks.lease(engine->arg, is_held);
}

/* Return how long a token may be away on an idle ring, where its holder keeps it. */
static uint64_t held_ns(const struct totem_engine *engine)
{
	return engine->options.hold_ns + totem_engine_lease(engine) / HELD_SLACK;
}

static uint64_t patience_ns(const struct totem_engine *engine)
{
	uint64_t half_ns = totem_engine_lease(engine) / 2;

	return held_ns(engine) > half_ns ? held_ns(engine) : half_ns;
}

bool lease_must_renew(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && engine->installed.memb.count == 1 && !has_lease_now(engine);
}

bool lease_is_watching(const struct totem_engine *engine)
{
	return engine->installed.memb.count > 1 &&
	       (engine->state == TOTEM_OPERATIONAL || engine->state == TOTEM_GATHER);
}

/* Start the timer. The older the last contact is, the sooner it expires. */
static void start(struct totem_engine *engine)
{
	uint64_t age_ns = engine->now_ns - engine->lease.contact_ns;
	uint64_t after_ns = patience_ns(engine);

	timer_set(engine, TOTEM_TIMER_LEASE, after_ns > age_ns ? after_ns - age_ns : 0);
}

/* Start the timer again: it may have expired during an attempt that has failed. */
void lease_gather(struct totem_engine *engine)
{
	if (engine->installed.memb.count > 1 && !timer_is_set(engine, TOTEM_TIMER_LEASE))
		timer_set(engine, TOTEM_TIMER_LEASE, totem_engine_lease(engine) / LEASE_ASK_GAPS);
}

/*
 * Ask all members, to measure the round trips of a new ring. After an outage an old question may have been answered
 * late. That made the round trip look long, and so the budget, until the next question.
 */
static void measure_members(struct totem_engine *engine)
{
	for (uint32_t i = 0; engine->options.silence_ns != 0 && i < engine->installed.memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->installed.memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid)
			probe_ask_again(engine, peer, 0);
	}
}

void lease_begin(struct totem_engine *engine, uint64_t announced_ns)
{
	engine->lease.announced_ns = announced_ns;
	engine->lease.all_alive_ns = engine->now_ns;
}

void lease_installed(struct totem_engine *engine)
{
	/* Since this node sent the token of the recovery on, that token has been at all members. */
	engine->lease.contact_ns = TOTEM_MUTANT(engine, LEASE_STALE_TOKEN) ? engine->now_ns : engine->pass.sent_ns;
	lease_settle(engine);
	measure_members(engine);
	if (engine->installed.memb.count > 1)
		start(engine);
	else
		timer_cancel(engine, TOTEM_TIMER_LEASE);
}

/* Note that all members of this token's ring run. In RECOVERY they are not those of the last ring. */
static void note_all_alive(struct totem_engine *engine)
{
	if (engine->state != TOTEM_RECOVERY) {
		engine->lease.all_alive_ns = engine->now_ns;
		return;
	}
	engine->lease.recovery_alive_ns = engine->now_ns;
	for (uint32_t i = 0; i < engine->commit.memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->commit.memb.ids[i]);

		if (peer != NULL)
			peer->alive_ns = engine->now_ns;
	}
}

/*
 * Return the time of contact that a token proves. Each member has accepted the token since this node sent it on. Some
 * may have accepted it right after that, and have waited for the next one from then on. If the token came later than a
 * hold explains, it was delayed on the way.
 */
static uint64_t contact_of_token(const struct totem_engine *engine)
{
	uint64_t latest_ns = engine->pass.sent_ns + held_ns(engine);

	return latest_ns < engine->now_ns && !TOTEM_MUTANT(engine, LEASE_STALE_TOKEN) ? latest_ns : engine->now_ns;
}

void lease_token(struct totem_engine *engine)
{
	note_all_alive(engine);
	if (engine->state != TOTEM_OPERATIONAL || engine->installed.memb.count <= 1)
		return;
	if (!has_lease_now(engine))
		lease_settle(engine);
	if (engine->pass.sent_ns < engine->lease.unproved_ns && !TOTEM_MUTANT(engine, LEASE_STALE_TOKEN)) {
		timer_set(engine, TOTEM_TIMER_LEASE, 0); /* ask now: an answer comes sooner than the next token */
		return;
	}
	engine->lease.contact_ns = contact_of_token(engine);
	start(engine);
	if (!engine->lease.is_held)
		lease_settle(engine);
}

void lease_note_stop(struct totem_engine *engine)
{
	engine->lease.awake_ns = engine->now_ns;
	if (lease_must_renew(engine))
		timer_set(engine, TOTEM_TIMER_LEASE, 0);
}

bool lease_check_stall(struct totem_engine *engine)
{
	uint64_t at_ns = engine->timer_at_ns[TOTEM_TIMER_LEASE];

	if (at_ns >= engine->now_ns || engine->now_ns - at_ns <= totem_engine_lease(engine) / STALL_FRACTION)
		return false;
	engine->lease.unproved_ns = engine->now_ns;
	/* The process was stopped: a lack of processor time causes shorter gaps. */
	if (engine->pause.entry_gap_ns >= totem_engine_lease(engine))
		lease_note_stop(engine);
	return true;
}

void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns)
{
	if (engine->state != TOTEM_OPERATIONAL || at_ns <= peer->contact_ns || at_ns < engine->lease.doubt_ns)
		return;
	peer->contact_ns = at_ns;
	if (!engine->lease.is_held)
		lease_settle(engine);
}

void lease_plain(struct totem_engine *engine, uint32_t nodeid)
{
	struct peer *peer = peer_find(engine, nodeid);

	if (peer != NULL && !peer_has_probes(engine, peer) && !engine->pause.is_pausing)
		lease_contact(engine, peer, engine->now_ns);
}

void lease_doubt(struct totem_engine *engine)
{
	engine->lease.doubt_ns = engine->lease.unproved_ns = engine->now_ns;
	/*
	 * The answer to a question of this turn will count, since it is still to come. Packets that came in this turn
	 * do not count.
	 */
	engine->lease.contact_ns = 0;
	for (uint32_t i = 0; i < engine->peers.count; i++)
		engine->peers.all[i].contact_ns = 0;
	lease_settle(engine);
	if (lease_is_watching(engine) || lease_must_renew(engine))
		timer_set(engine, TOTEM_TIMER_LEASE, 0);
}
