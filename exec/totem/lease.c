/*
 * The lease: may this node serve what needs quorum? (After Gray and Cheriton, "Leases", SOSP 1989.)
 *
 * A node that others evict while it runs does not know of it. So it serves on its own word alone for as
 * long as the others are sure to wait: a lease, that contact with a majority of the ring renews. Contact is
 * proof that goes both ways. An accepted token has visited every member. An answered question has been at
 * one member and back, and that member answers for a ring alone that it is in, not for one that it leaves.
 * No member is removed for its silence before a multiple of the lease has passed, so that its lease has ended
 * by the time when the others go on. Corosync nodes answer no questions: any packet of theirs counts.
 *
 * After a lapse, and after this process did not run, the first token proves nothing: it may have waited in a
 * socket for long. The next one does, since this node has passed the first one on.
 */
#include "exec/totem/state.h"

/* Of the silence budget, or of the token timeout. The rest of the budget is for a held token. */
#define LEASE_PERCENT 60u
#define ASK_GAPS 16u      /* of the lease, between two questions to one member */
#define ASK_GAPS_LATE 4u  /* times as long after LATE_LEASES without a token, when every budget is over */
#define LATE_LEASES 4u
#define HELD_SLACK 16u   /* of the lease: so much later than its hold time a token may be */
#define STALL_FRACTION 32u /* of the lease: a timer that is so late shows that this process did not run */

uint64_t lease_configured(const struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;
	uint64_t budget_ns = options->token_ns;

	/* Members that gather may conclude after the consensus timeout, whatever the budget is. */
	if (options->silence_ns != 0 && options->silence_ns < budget_ns)
		budget_ns = options->silence_ns;
	return budget_ns / 100 * LEASE_PERCENT;
}

uint64_t lease_to_budget(uint64_t lease_ns)
{
	return lease_ns / LEASE_PERCENT * 100;
}

/* A reload may have made it longer, but the other members wait for what they were told when the ring was formed. */
uint64_t totem_engine_lease(const struct totem_engine *engine)
{
	uint64_t lease_ns = lease_configured(engine);

	if (engine->memb.count <= 1 || engine->announced_ns == 0 || engine->announced_ns > lease_ns)
		return lease_ns;
	return engine->announced_ns;
}

/* Contact from before a doubt proves nothing. */
static bool is_contact(const struct totem_engine *engine, uint64_t contact_ns, uint64_t now_ns)
{
	return contact_ns != 0 && contact_ns >= engine->doubt_ns &&
	       (contact_ns + totem_engine_lease(engine) > now_ns || TOTEM_MUTANT(engine, LEASE_FOREVER));
}

bool totem_engine_has_lease(const struct totem_engine *engine, uint64_t now_ns)
{
	uint32_t count = 1; /* this node */

	if (engine->memb.count <= 1)
		return true;
	if (engine->is_cut)
		return false;
	if (is_contact(engine, engine->contact_ns, now_ns))
		return true;
	for (uint32_t i = 0; i < engine->memb.count; i++) {
		const struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid)
			count += is_contact(engine, peer->contact_ns, now_ns);
	}
	return count > engine->memb.count / 2;
}

static bool has_lease_now(const struct totem_engine *engine)
{
	return totem_engine_has_lease(engine, engine->now_ns);
}

/* Tell the outside when it changed. */
static void settle(struct totem_engine *engine)
{
	bool is_held = has_lease_now(engine);
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_LEASE,
		.value = is_held,
		.ring = engine->ring,
	};

	if (is_held == engine->is_lease_held)
		return;
	if (!is_held)
		engine->unproved_ns = engine->now_ns;
	engine->is_lease_held = is_held;
	engine_trace(engine, &trace);
	if (engine->callbacks.lease != NULL)
		engine->callbacks.lease(engine->arg, is_held);
}

/* A token that is held on an idle ring comes this late without anything being wrong. */
static uint64_t held_ns(const struct totem_engine *engine)
{
	return engine->options.hold_ns + totem_engine_lease(engine) / HELD_SLACK;
}

static uint64_t patience_ns(const struct totem_engine *engine)
{
	uint64_t half_ns = totem_engine_lease(engine) / 2;

	return held_ns(engine) > half_ns ? held_ns(engine) : half_ns;
}

static bool is_watching(const struct totem_engine *engine)
{
	return engine->memb.count > 1 &&
	       (engine->state == TOTEM_OPERATIONAL || engine->state == TOTEM_GATHER);
}

/* Contact that is old by now leaves less time. */
static void start(struct totem_engine *engine)
{
	uint64_t age_ns = engine->now_ns - engine->contact_ns;
	uint64_t after_ns = patience_ns(engine);

	timer_set(engine, TOTEM_TIMER_LEASE, after_ns > age_ns ? after_ns - age_ns : 0);
}

/* An attempt that failed may have let the timer run out. */
void lease_gather(struct totem_engine *engine)
{
	if (engine->memb.count > 1 && !timer_is_set(engine, TOTEM_TIMER_LEASE))
		timer_set(engine, TOTEM_TIMER_LEASE, totem_engine_lease(engine) / ASK_GAPS);
}

/*
 * What was asked while a path was broken may be answered late, when it is back, and makes the round trip look long: then
 * the budget would be for as long as nobody is asked again.
 */
static void measure_members(struct totem_engine *engine)
{
	for (uint32_t i = 0; engine->options.silence_ns != 0 && i < engine->memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer != NULL && peer->id != engine->options.nodeid)
			suspect_ask(engine, peer, 0);
	}
}

void lease_installed(struct totem_engine *engine)
{
	/* The recovery's token has been at every member since this node passed it on. */
	engine->contact_ns = TOTEM_MUTANT(engine, LEASE_STALE_TOKEN) ? engine->now_ns : engine->token_sent_ns;
	settle(engine);
	measure_members(engine);
	if (engine->memb.count > 1)
		start(engine);
	else
		timer_cancel(engine, TOTEM_TIMER_LEASE);
}

/* Every member of the ring whose token this is. In RECOVERY those of the last one may be others. */
static void note_all_alive(struct totem_engine *engine)
{
	if (engine->state != TOTEM_RECOVERY) {
		engine->all_alive_ns = engine->now_ns;
		return;
	}
	for (uint32_t i = 0; i < engine->new_memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->new_memb.ids[i]);

		if (peer != NULL)
			peer->alive_ns = engine->now_ns;
	}
}

/*
 * Each member has accepted the token since this node passed it on, but some may have done so right after that: they
 * wait from then on. A token that came later than its holder keeps one has been held up on the way.
 */
static uint64_t contact_of_token(const struct totem_engine *engine)
{
	uint64_t latest_ns = engine->token_sent_ns + held_ns(engine);

	return latest_ns < engine->now_ns && !TOTEM_MUTANT(engine, LEASE_STALE_TOKEN) ? latest_ns : engine->now_ns;
}

void lease_token(struct totem_engine *engine)
{
	note_all_alive(engine);
	if (engine->state != TOTEM_OPERATIONAL || engine->memb.count <= 1)
		return;
	if (!has_lease_now(engine))
		settle(engine);
	if (engine->token_sent_ns < engine->unproved_ns && !TOTEM_MUTANT(engine, LEASE_STALE_TOKEN)) {
		timer_set(engine, TOTEM_TIMER_LEASE, 0); /* an answer comes sooner than the next token */
		return;
	}
	engine->contact_ns = contact_of_token(engine);
	start(engine);
	if (!engine->is_lease_held)
		settle(engine);
}

void lease_check_stall(struct totem_engine *engine)
{
	uint64_t at_ns = engine->timer_at_ns[TOTEM_TIMER_LEASE];

	if (at_ns >= engine->now_ns || engine->now_ns - at_ns <= totem_engine_lease(engine) / STALL_FRACTION)
		return;
	engine->unproved_ns = engine->now_ns;
	/* A stop, and no mere lack of processor time. */
	if (engine->entry_gap_ns >= totem_engine_lease(engine))
		engine->awake_ns = engine->now_ns;
}

void lease_contact(struct totem_engine *engine, struct peer *peer, uint64_t at_ns)
{
	if (engine->state != TOTEM_OPERATIONAL || at_ns <= peer->contact_ns || at_ns < engine->doubt_ns)
		return;
	peer->contact_ns = at_ns;
	if (!engine->is_lease_held)
		settle(engine);
}

void lease_doubt(struct totem_engine *engine)
{
	engine->doubt_ns = engine->unproved_ns = engine->now_ns;
	/* A question of this turn counts, as its answer is still to come. What came in this turn does not. */
	engine->contact_ns = 0;
	for (uint32_t i = 0; i < engine->peer_count; i++)
		engine->peers[i].contact_ns = 0;
	settle(engine);
	if (is_watching(engine))
		timer_set(engine, TOTEM_TIMER_LEASE, 0);
}

void lease_link_changed(struct totem_engine *engine)
{
	settle(engine);
}

/* Every member of which nothing has been received for a while, or no answer. */
static void ask_members(struct totem_engine *engine, uint64_t gap_ns)
{
	uint64_t fresh_ns = totem_engine_lease(engine) / 2;

	for (uint32_t i = 0; i < engine->memb.count; i++) {
		struct peer *peer = peer_find(engine, engine->memb.ids[i]);

		if (peer == NULL || peer->id == engine->options.nodeid ||
			engine->now_ns - peer->contact_ns < fresh_ns)
			continue;
		if (engine->state == TOTEM_OPERATIONAL || engine->now_ns - peer->alive_ns >= fresh_ns) {
			silence_ask_witness(engine, peer);
			suspect_ask(engine, peer, gap_ns);
		}
	}
}

void lease_expired(struct totem_engine *engine)
{
	uint64_t gap_ns = totem_engine_lease(engine) / ASK_GAPS;

	settle(engine);
	if (!is_watching(engine))
		return; /* the next ring begins with a new lease */
	if (engine->now_ns - engine->all_alive_ns > LATE_LEASES * totem_engine_lease(engine))
		gap_ns *= ASK_GAPS_LATE;
	ask_members(engine, gap_ns);
	silence_check(engine);

	uint64_t next_ns = silence_next(engine);

	timer_set(engine, TOTEM_TIMER_LEASE,
		next_ns < engine->now_ns + gap_ns ? next_ns - engine->now_ns : gap_ns);
}
