/* SPDX-License-Identifier: BSD-3-Clause */
/* Keep the token here and send it on later: book ring, "Hold and retransmission", and book extensions, "Linger". */
#include "exec/totem/hold.h"

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

/*
 * Send frames that were queued since the node holds the token. They belong to the present visit, since no other member
 * has seen the token (book ring, "Hold and retransmission").
 */
void hold_send_late(struct totem_engine *engine)
{
	struct wire_token *token = &engine->pass.token;
	uint32_t before = engine->flow.sent;

	flow_flush(engine);

	uint32_t waiting = flow_waiting(engine);

	if (waiting == 0)
		return;

	/* fcc and trc include this visit already, so flow_window subtracts only the frames of other members. */
	uint32_t window = flow_window(engine, token);
	uint32_t allowed = window > before ? window - before : 0;

	if (engine->place == TOKEN_LINGERING && TOTEM_MUTANT(engine, LINGER_UNBOUNDED))
		allowed = window;

	uint32_t sent = flow_send(engine, token, flow_allowed_new(engine, token, allowed));

	flow_account(engine, token, engine->flow.pbl + waiting);
	pass_update_aru(engine, token);
	if (sent > 0) {
		pass_note_busy(engine);
		engine->place = place_woken(engine->place);
	}
}

void hold_let_go(struct totem_engine *engine)
{
	bool was_refused = engine->queues.wants_room;

	if (!place_is_kept(engine->place) || TOTEM_MUTANT(engine, HOLD_FOREVER))
		return;
	timer_cancel(engine, TOTEM_TIMER_HOLD);
	/* The window of a paced token was shared out at its visit, as the rest of its frames waits for others. */
	if (engine->state == TOTEM_OPERATIONAL && engine->place != TOKEN_PACED)
		hold_send_late(engine);
	multicast_flush(engine);
	pass_forward(engine);
	if (engine->pass.unchanged > 0)
		announce_idle(engine); /* right behind the token, when its receiver is awake already */
	timer_renew_retransmit(engine);
	pass_finish(engine, was_refused);
}

void hold_wake(struct totem_engine *engine)
{
	if (engine->place == TOKEN_VISITING || engine->place == TOKEN_PACED || engine->state != TOTEM_OPERATIONAL)
		return;
	if (place_is_kept(engine->place)) {
		/* Send on the next turn, so that one visit sends all messages that are being queued now. */
		engine->place = place_woken(engine->place);
		pass_note_busy(engine);
		timer_set(engine, TOTEM_TIMER_HOLD, 0);
		return;
	}
	if (place_is_idle(engine->place) && core_is_rep(engine)) {
		engine->place = place_woken(engine->place);
		pass_note_busy(engine);
		return;
	}
	if (!place_is_idle(engine->place) && !linger_is_likely(engine))
		return;
	engine->place = place_woken(engine->place);
	linger_note_cancel(engine);

	struct coterie_frame *frame = frame_take(engine->pool, WIRE_HEADER_SIZE + 12);

	if (frame == NULL)
		return; /* without a hold cancel the wait ends when T-hold of the representative expires */

	const struct wire_hold_cancel cancel = {
		.nodeid = engine->options.nodeid,
		.ring = engine->ring,
	};

	frame->size = (uint32_t)wire_encode_hold_cancel(&cancel, engine->options.swap, frame->data, frame->capacity);
	engine->counters.hold_cancel_tx++;
	multicast_frame(engine, frame);
}

void hold_cancelled(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_hold_cancel cancel;
	struct wire_header header;
	enum wire_refusal refusal = wire_decode_hold_cancel(frame->data, frame->size, &cancel);

	if (refusal != WIRE_OK) {
		core_refuse(engine, refusal, 0);
		return;
	}
	if (TOTEM_QUIRK(engine, HOLD_CANCEL_ORDER) &&
		wire_decode_header(frame->data, frame->size, &header) == WIRE_OK && header.is_swapped)
		return;
	if (!ring_id_equal(&cancel.ring, &engine->ring))
		return;
	lease_plain(engine, cancel.nodeid);
	pass_note_busy(engine);
	engine->place = place_woken(engine->place);
	/* hold_let_go only acts if this node holds the token. A token that was sent on is not sent again. */
	if (engine->place != TOKEN_PACED && (engine->state == TOTEM_OPERATIONAL || engine->state == TOTEM_RECOVERY))
		hold_let_go(engine);
}

void hold_settle(struct totem_engine *engine)
{
	if (engine->place != TOKEN_LINGERING)
		return;
	if (engine->delivery.high != engine->store.high_seq) {
		hold_let_go(engine);
		return;
	}
	if (engine->callbacks.lingering != NULL)
		engine->callbacks.lingering(engine->arg);
}

void hold_turn(struct totem_engine *engine)
{
	bool was_refused = engine->queues.wants_room;
	uint32_t before = engine->flow.sent;

	linger_gather(engine);
	hold_send_late(engine);
	engine->counters.linger_tx += engine->flow.sent - before;
	if ((engine->now_ns >= engine->linger.until_ns || flow_waiting(engine) > 0) &&
		!TOTEM_MUTANT(engine, LINGER_FOREVER)) {
		hold_let_go(engine);
		return;
	}
	timer_set(engine, TOTEM_TIMER_HOLD,
		engine->now_ns < engine->linger.until_ns ? engine->linger.until_ns - engine->now_ns
							 : engine->options.linger_ns);
	/* No member waits for the token, so the clients of this node are served first. */
	pass_finish(engine, was_refused);
	hold_settle(engine);
	if (!linger_is_gathering(engine))
		multicast_flush(engine);
	else if (TOTEM_MUTANT(engine, GATHER_LOST))
		engine->outbox.count = 0;
}
