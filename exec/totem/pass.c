/* SPDX-License-Identifier: BSD-3-Clause */
/* Send the token on. This has the parts of a visit that are also needed when a token that was held is sent on. */
#include "exec/totem/pass.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

void pass_begin(struct totem_engine *engine)
{
	uint32_t base = engine->options.first_seq;

	engine->pass.tseq = base - 1;
	engine->pass.token = (struct wire_token){.ring = engine->ring, .seq = base};
	engine->pass.unchanged = 0;
	engine->pass.seen_seq = base - 1;
	engine->pass.changed_ns = engine->now_ns;
}

struct wire_token *pass_take(struct totem_engine *engine, const struct wire_token *token)
{
	engine->pass.token = *token;
	engine->pass.tseq = token->token_seq;
	engine->pass.was_refused = engine->queues.wants_room;
	return &engine->pass.token;
}

void pass_keep(struct totem_engine *engine)
{
	frame_unref(engine->pass.saved);
	engine->pass.saved = NULL;
}

void pass_note_busy(struct totem_engine *engine) { engine->pass.unchanged = 0; }

void pass_send_saved(struct totem_engine *engine, struct coterie_frame *frame, uint32_t target)
{
	struct coterie_frame *old = engine->pass.saved;

	engine->pass.saved = frame_ref(frame);
	engine->pass.saved_target = target;
	frame_unref(old);
	engine->callbacks.token(engine->arg, target, frame);
}

/* Encode engine->pass.token and send it to the successor. */
void pass_forward(struct totem_engine *engine)
{
	struct coterie_frame *frame = frame_take(engine->pool, WIRE_TOKEN_SIZE_MAX);
	uint32_t target = core_successor(engine);

	engine->place = place_sent(engine->place);
	if (frame == NULL)
		return; /* out of memory: as if the network had lost the token */

	size_t size = wire_encode_token(
		&engine->pass.token, target, engine->options.swap, frame->data, frame->capacity);

	assert(size > 0);
	frame->size = (uint32_t)size;
	engine->counters.token_tx++;
	engine->pass.sent_ns = engine->now_ns;
	pass_send_saved(engine, frame, target);
	frame_unref(frame);
}

void pass_note_seq(struct totem_engine *engine, uint32_t seq)
{
	if (seq == engine->pass.seen_seq) {
		announce_idle(engine);
		engine->pass.unchanged++;
	} else {
		announce_busy(engine);
		timer_cancel(engine, TOTEM_TIMER_HOLD);
		engine->pass.unchanged = 0;
		engine->pass.changed_ns = engine->now_ns;
	}
	engine->pass.seen_seq = seq;
}

/*
 * Lower the aru of the token if this node lacks frames, and sign it. Only the member that signed the aru raises it
 * again (book ring, "The aru").
 */
void pass_update_aru(struct totem_engine *engine, struct wire_token *token)
{
	uint32_t me = engine->options.nodeid;
	uint32_t aru = core_store(engine)->aru;
	bool is_behind = seq_compare(aru, token->aru) < 0;

	if (is_behind && TOTEM_MUTANT(engine, TOKEN_ARU_BLIND))
		return;
	if (!is_behind && token->aru_addr != me && token->aru_addr != 0 && !TOTEM_MUTANT(engine, TOKEN_ARU_STOLEN))
		return;
	token->aru = aru;
	token->aru_addr = token->aru == token->seq ? 0 : me;
}

static void free_frames(struct totem_engine *engine)
{
	uint32_t to = seq_min(engine->aru.prev, engine->aru.last);

	if (TOTEM_MUTANT(engine, FREE_EARLY))
		to = engine->aru.last;
	if (TOTEM_MUTANT(engine, FREE_DELIVERED))
		to = engine->delivery.high;
	else if (engine->state != TOTEM_OPERATIONAL || engine->aru.known < 2)
		return;
	if (engine->state != TOTEM_OPERATIONAL)
		return;
	to = seq_min(to, engine->delivery.high);
	if (seq_compare(to, engine->store.released) > 0)
		store_release(engine, to);
}

void pass_finish(struct totem_engine *engine, bool was_refused)
{
	deliver_ready(engine);
	free_frames(engine);
	if (engine->state != TOTEM_OPERATIONAL)
		return;
	if (engine->callbacks.passed != NULL)
		engine->callbacks.passed(engine->arg);
	if (was_refused && engine->callbacks.room != NULL && queues_offer_room(engine))
		engine->callbacks.room(engine->arg);
}

void pass_originate(struct totem_engine *engine, bool has_flag)
{
	uint32_t base = engine->options.first_seq;
	struct wire_token *token = &engine->pass.token;

	engine->place = TOKEN_AWAY;
	*token = (struct wire_token){
		.nodeid = engine->options.nodeid,
		.seq = base,
		.token_seq = base,
		.aru = base - 1,
		.aru_addr = engine->options.nodeid,
		.ring = engine->ring,
		.retrans_flg = has_flag,
	};
	pass_forward(engine);
	timer_start_token(engine);
	timer_start_retransmit(engine);
}
