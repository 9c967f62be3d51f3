/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lone sender keeps the token (book extensions, "Linger").
 *
 * If one member alone has sent for a while, each of its messages would wait for a rotation that no other member needs.
 * So this member keeps the token for linger_ns at a time, and sends the messages of its clients at once. For the other
 * members it is only a visit that takes long.
 *
 * If the next message is queued before the frame of the last one was sent, both are sent together, after gather_ns at
 * most. A frame costs the sender and each receiver more time than a client needs to answer its own message.
 *
 * The member sends the token on when one of these happens:
 *
 * - another member has a message to send, and asks for the token with a hold cancel
 * - this visit's share of the window is used up
 * - a member needs the next rotation: for a SAFE message, or for a frame that it lacks
 *
 * This is done only in rings where all members announce the feature. Such members send the hold cancel, and do not
 * measure the rotation in which a member kept the token.
 */
#include "exec/totem/linger.h"

#include "exec/totem/state.h"

#define LINGER_AFTER 8u /* rotations in a row with a lone sender, before the sender keeps the token */
#define LINGER_IDLE 4u  /* visits in a row without a new frame, after which the ring may become idle */

void linger_reset(struct totem_engine *engine)
{
	engine->linger.has_lingered = engine->linger.is_last_ours = false;
	engine->linger.lone = engine->linger.silent = 0;
	engine->linger.seen = 0;
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
	/* If the ring has no such feature, no member writes this number. */
	uint32_t lingers = (engine->installed.features & WIRE_FEATURE_LINGER) != 0 ? token->lingers : 0;
	bool is_lone = token->fcc == engine->flow.trc;

	if (!is_lone || engine->flow.trc > 0)
		engine->linger.is_last_ours = is_lone;
	count(&engine->linger.lone, is_lone && token->aru == token->seq && token->rtr_count == 0);
	count(&engine->linger.silent, engine->flow.trc == 0);
	engine->linger.has_lingered = lingers != engine->linger.seen;
	engine->linger.seen = lingers;
}

static bool is_agreed(const struct totem_engine *engine)
{
	return engine->state == TOTEM_OPERATIONAL && (engine->installed.features & WIRE_FEATURE_LINGER) != 0 &&
	       engine->installed.memb.count > 1;
}

/* Return whether this node sent the last frames of the ring. */
static bool is_ours(const struct totem_engine *engine) { return engine->flow.sent > 0 || engine->linger.is_last_ours; }

bool linger_is_due(const struct totem_engine *engine)
{
	return engine->options.linger_ns > 0 && is_agreed(engine) && engine->linger.lone >= LINGER_AFTER &&
	       is_ours(engine) && engine->pass.unchanged < LINGER_IDLE && !engine->linger.has_more &&
	       !engine->queues.is_sync_wait && flow_waiting(engine) == 0;
}

bool linger_is_likely(const struct totem_engine *engine)
{
	return is_agreed(engine) && engine->linger.silent + 1 >= LINGER_AFTER && !is_ours(engine);
}

void linger_begin(struct totem_engine *engine, struct wire_token *token)
{
	token->lingers++;
	engine->linger.seen = token->lingers;
	engine->counters.lingers++;
	engine->place = TOKEN_LINGERING;
	engine->linger.until_ns = engine->now_ns + engine->options.linger_ns;
	timer_skip_rotation(engine); /* it includes the time for which the token is kept */
}

void linger_note_more(struct totem_engine *engine, bool has_more) { engine->linger.has_more = has_more; }

void linger_note_cancel(struct totem_engine *engine) { engine->linger.silent = 0; /* one hold cancel is enough */ }

void linger_gather(struct totem_engine *engine)
{
	if (engine->outbox.count == 0)
		engine->linger.gather_until_ns = engine->now_ns + engine->options.gather_ns;
}

bool linger_is_gathering(const struct totem_engine *engine)
{
	return engine->place == TOKEN_LINGERING && engine->timer_at_ns[TOTEM_TIMER_HOLD] <= engine->now_ns &&
	       (engine->now_ns < engine->linger.gather_until_ns || TOTEM_MUTANT(engine, GATHER_FOREVER));
}
