/*
 * A lone sender keeps the token (book extensions, "Linger"). Where one member alone has sent for a while,
 * every message of it waits for the token to come round, for nothing. So it keeps the token, for linger_ns at a
 * time, and what its clients send meanwhile goes out at once: to the others its visit just takes long. Where the
 * next message is there before the last one's frame has left, they leave together, after gather_ns at most: a
 * frame costs a sender and each receiver more than a client takes to answer its own message. It ends
 * as soon as another member has something to send (a hold cancel tells), when the visit's share of the window
 * is used up, and before anybody waits for what only a rotation brings: a SAFE message, a frame that somebody
 * lacks. Only in rings where all members announce that they know of it: they send the hold cancel, and do not
 * take the time for a rotation's.
 */
#include "exec/totem/state.h"

#define LINGER_AFTER 8u /* such rotations in a row */
#define LINGER_IDLE 4u  /* times in a row for nothing: then the ring shall become idle */

void linger_reset(struct totem_engine *engine)
{
	engine->is_lingering = engine->has_lingered = engine->is_last_ours = false;
	engine->lone = engine->silent = 0;
	engine->lingers_seen = 0;
}

static void count(uint32_t *rotations, bool goes_on)
{
	if (!goes_on)
		*rotations = 0;
	else if (*rotations < UINT32_MAX)
		++*rotations;
}

void linger_note(struct totem_engine *engine, const struct wire_token *token)
{
	/* Else no member has written it. */
	uint32_t lingers = (engine->features & WIRE_FEATURE_LINGER) != 0 ? token->lingers : 0;
	bool is_lone = token->fcc == engine->trc;

	if (!is_lone || engine->trc > 0)
		engine->is_last_ours = is_lone;
	count(&engine->lone, is_lone && token->aru == token->seq && token->rtr_count == 0);
	count(&engine->silent, engine->trc == 0);
	engine->has_lingered = lingers != engine->lingers_seen;
	engine->lingers_seen = lingers;
}

static bool is_agreed(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && (engine->features & WIRE_FEATURE_LINGER) != 0 &&
	       engine->memb.count > 1;
}

/* What was sent last came from us. */
static bool is_ours(const struct totem_engine *engine)
{
	return engine->visit_sent > 0 || engine->is_last_ours;
}

bool linger_is_due(const struct totem_engine *engine)
{
	return engine->options.linger_ns > 0 && is_agreed(engine) && engine->lone >= LINGER_AFTER &&
	       is_ours(engine) && engine->unchanged < LINGER_IDLE && !engine->has_more && !engine->is_sync_wait && flow_waiting(engine) == 0;
}

bool linger_is_likely(const struct totem_engine *engine)
{
	return is_agreed(engine) && engine->silent + 1 >= LINGER_AFTER && !is_ours(engine);
}

void linger_begin(struct totem_engine *engine, struct wire_token *token)
{
	token->lingers++;
	engine->lingers_seen = token->lingers;
	engine->counters.lingers++;
	engine->is_lingering = engine->is_holding = true;
	engine->linger_until_ns = engine->now_ns + engine->options.linger_ns;
	engine->accepted_ns = 0; /* the next rotation's time tells nothing */
}

void linger_settle(struct totem_engine *engine)
{
	if (!engine->is_lingering)
		return;
	if (engine->high_delivered != engine->store.high_seq) {
		token_let_go(engine);
		return;
	}
	if (engine->callbacks.lingering != NULL)
		engine->callbacks.lingering(engine->arg);
}

bool linger_is_gathering(const struct totem_engine *engine)
{
	return engine->is_lingering && engine->timer_at_ns[TOTEM_TIMER_HOLD] <= engine->now_ns &&
	       (engine->now_ns < engine->gather_until_ns || TOTEM_MUTANT(engine, GATHER_FOREVER));
}

void linger_turn(struct totem_engine *engine)
{
	bool was_refused = engine->wants_room;
	uint32_t before = engine->visit_sent;

	if (engine->outbox_count == 0)
		engine->gather_until_ns = engine->now_ns + engine->options.gather_ns;
	token_send_late(engine);
	engine->counters.linger_tx += engine->visit_sent - before;
	if ((engine->now_ns >= engine->linger_until_ns || flow_waiting(engine) > 0) &&
		!TOTEM_MUTANT(engine, LINGER_FOREVER)) {
		token_let_go(engine);
		return;
	}
	timer_set(engine, TOTEM_TIMER_HOLD,
		engine->now_ns < engine->linger_until_ns ? engine->linger_until_ns - engine->now_ns :
							   engine->options.linger_ns);
	/* Here nobody waits for the token: our own clients come first. */
	token_finish(engine, was_refused);
	linger_settle(engine);
	if (!linger_is_gathering(engine))
		flow_outbox_flush(engine);
	else if (TOTEM_MUTANT(engine, GATHER_LOST))
		engine->outbox_count = 0;
}
