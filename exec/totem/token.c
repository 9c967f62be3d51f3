/*
 * A visit of the token: book ring, "The token's visit". All frames of the visit leave in one batch before
 * the token, or right behind it (early.c). Delivery and freeing come last, since the successor need not
 * wait for them.
 */
#include "exec/totem/state.h"

#include <assert.h>

#include "exec/totem/frame.h"

void token_send_saved(struct totem_engine *engine, struct coterie_frame *frame, uint32_t target)
{
	struct coterie_frame *old = engine->saved;

	engine->saved = frame_ref(frame);
	engine->saved_target = target;
	frame_unref(old);
	engine->callbacks.token(engine->arg, target, frame);
}

/* Encode engine->token and send it to the successor. */
static void forward(struct totem_engine *engine)
{
	struct coterie_frame *frame = frame_take(engine->pool, WIRE_TOKEN_SIZE_MAX);
	uint32_t target = engine_successor(engine);

	engine->is_holding = engine->is_lingering = false;
	if (frame == NULL)
		return; /* no memory: as if the network had lost it */

	size_t size = wire_encode_token(
		&engine->token, target, engine->options.swap, frame->data, frame->capacity);

	assert(size > 0);
	frame->size = (uint32_t)size;
	engine->counters.token_tx++;
	engine->token_sent_ns = engine->now_ns;
	token_send_saved(engine, frame, target);
	frame_unref(frame);
}

void token_note_seq(struct totem_engine *engine, uint32_t seq)
{
	if (seq == engine->seen_seq) {
		merge_idle(engine);
		engine->unchanged++;
	} else {
		merge_busy(engine);
		timer_cancel(engine, TOTEM_TIMER_HOLD);
		engine->unchanged = 0;
		engine->changed_ns = engine->now_ns;
	}
	engine->seen_seq = seq;
}

/*
 * The member that is behind lowers the aru and signs it. Only that member raises it again
 * (book ring, "The aru").
 */
static void update_aru(struct totem_engine *engine, struct wire_token *token)
{
	uint32_t me = engine->options.nodeid;
	uint32_t aru = engine_store(engine)->aru;
	bool is_behind = seq_compare(aru, token->aru) < 0;

	if (is_behind && TOTEM_MUTANT(engine, TOKEN_ARU_BLIND))
		return;
	if (!is_behind && token->aru_addr != me && token->aru_addr != 0 &&
		!TOTEM_MUTANT(engine, TOKEN_ARU_STOLEN))
		return;
	token->aru = aru;
	token->aru_addr = token->aru == token->seq ? 0 : me;
}

/*
 * Return whether this node cannot receive: the token's aru stands still, and this node signed it. On a fast network
 * the count alone is a fraction of a second. So it must also last for a token timeout (book ring, "The aru").
 */
static bool has_failed_to_receive(
	struct totem_engine *engine, const struct wire_token *token, uint32_t aru_before)
{
	if (token->aru != aru_before || token->aru_addr == 0) {
		engine->aru_count = 0;
		return false;
	}
	if (engine->aru_count++ == 0)
		engine->aru_since_ns = engine->now_ns;
	return engine->aru_count > engine->options.fail_recv_const &&
	       token->aru_addr == engine->options.nodeid &&
	       engine->now_ns - engine->aru_since_ns >= engine->options.token_ns;
}

static void fail_to_receive(struct totem_engine *engine)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_FAILED_TO_RECEIVE,
		.node = engine->options.nodeid,
		.seq = engine_store(engine)->aru,
		.ring = engine->ring,
	};

	engine_trace(engine, &trace);
	engine->has_failed_to_receive = true;
	lease_doubt(engine); /* the others will form a ring without this node */
	set_add(&engine->failed, engine->options.nodeid);
	gather_enter(engine, GATHER_FAILED_TO_RECEIVE);
}

static void accept(struct totem_engine *engine, const struct wire_token *token)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_TOKEN,
		.node = token->nodeid,
		.seq = token->token_seq,
		.value = token->aru,
		.ring = engine->ring,
	};

	engine_trace(engine, &trace);
	suspect_heard_all(engine);
	lease_token(engine);
	linger_note(engine, token);
	timer_token_accepted(engine);
	if (!TOTEM_QUIRK(engine, IDLE_COUNT))
		token_note_seq(engine, token->seq);
	engine->a_prev = engine->a_last;
	engine->a_last = token->aru;
	if (engine->a_known < 2)
		engine->a_known++;
	engine->tseq = token->token_seq;
}

/* Decide whether to keep the token: the representative of an idle ring does, and a lone sender. */
static void decide_hold(struct totem_engine *engine, const struct wire_token *token)
{
	const struct totem_options *options = &engine->options;
	bool is_rep = engine_is_rep(engine);
	bool is_idle = is_rep ? engine->unchanged > options->seqno_unchanged_const
			      : engine->unchanged >= options->seqno_unchanged_const;
	bool is_asked = token->rtr_count > 0 &&
			(options->cancel_token_hold_on_retransmit || engine->features != 0);

	/* Do not hold the token while a member needs the next rotation. */
	if (engine->state != TOTEM_OPERATIONAL || engine->visit_sent > 0 ||
		(is_rep && (is_asked || flow_waiting(engine) > 0 ||
				   engine->high_delivered != engine->store.high_seq)))
		is_idle = false;
	engine->is_held = engine->was_held = is_idle;
	engine->is_holding = is_idle && is_rep;
	if (is_idle)
		engine->accepted_ns = 0; /* the next rotation is not measured: it includes the hold */
	else if (linger_is_due(engine))
		linger_begin(engine, &engine->token);
}

static void free_frames(struct totem_engine *engine)
{
	uint32_t to = seq_min(engine->a_prev, engine->a_last);

	if (TOTEM_MUTANT(engine, FREE_EARLY))
		to = engine->a_last;
	if (TOTEM_MUTANT(engine, FREE_DELIVERED))
		to = engine->high_delivered;
	else if (engine->state != TOTEM_OPERATIONAL || engine->a_known < 2)
		return;
	if (engine->state != TOTEM_OPERATIONAL)
		return;
	to = seq_min(to, engine->high_delivered);
	if (seq_compare(to, engine->store.released) > 0)
		store_release(engine, to);
}

/* Answer requests, request missing frames, and number the frames that wait. */
static void exchange_frames(struct totem_engine *engine, struct wire_token *token)
{
	engine->visit_sent = 0;
	engine->has_more = false;
	if (engine->state == TOTEM_OPERATIONAL && engine->callbacks.visit != NULL) {
		engine->is_visiting = true;
		engine->has_more = engine->callbacks.visit(engine->arg);
		engine->is_visiting = false;
	}
	flow_flush(engine);

	uint32_t waiting = flow_waiting(engine);
	uint32_t allowed = flow_allowed(engine, token, waiting);

	engine->visit_sent = retransmit_answer(engine, token, allowed);
	token->resent += engine->visit_sent;
	retransmit_request(engine, token);
	engine->visit_new = flow_send(engine, token, allowed - engine->visit_sent);
	engine->visit_sent += engine->visit_new;
	flow_account(engine, token, waiting);
}

/* Send the token to the successor, or keep it. */
static void pass_on(struct totem_engine *engine)
{
	if (engine->is_holding) {
		/* token_let_go will send it, behind the frames that wait then. */
		frame_unref(engine->saved);
		engine->saved = NULL;
	} else {
		forward(engine);
	}
	engine->retransmit_count = 0;
	engine->is_progress_seen = false;
	timer_start_token(engine);
	timer_start_retransmit(engine);
	if (engine->is_holding)
		timer_set(engine, TOTEM_TIMER_HOLD,
			engine->is_lingering ? engine->options.linger_ns : engine->options.hold_ns);
	if (engine->is_heartbeat_used && !engine->is_holding)
		timer_set(engine, TOTEM_TIMER_HEARTBEAT,
			engine->options.heartbeat_failures_allowed *
					engine->options.token_retransmit_ns +
				engine->options.max_network_delay_ns);
	else
		timer_cancel(engine, TOTEM_TIMER_HEARTBEAT);
}

/* Return whether at least an eighth of the frames in the queue would fit in addition. */
static bool has_room(const struct totem_engine *engine)
{
	const struct pack_queue *queue = engine->is_sync_wait ? engine->q_sync : engine->q_new;

	return pack_queue_free(queue) >= pack_queue_count(queue) / 8 + 1;
}

void token_finish(struct totem_engine *engine, bool was_refused)
{
	deliver_ready(engine);
	free_frames(engine);
	if (engine->state != TOTEM_OPERATIONAL)
		return;
	if (engine->callbacks.passed != NULL)
		engine->callbacks.passed(engine->arg);
	if (was_refused && engine->callbacks.room != NULL && has_room(engine)) {
		engine->wants_room = false;
		engine->callbacks.room(engine->arg);
	}
}

void token_visit(struct totem_engine *engine, const struct wire_token *arrived)
{
	uint32_t aru_before = engine->a_known > 0 ? engine->a_last : arrived->seq + 1;
	bool was_refused = engine->wants_room;
	struct wire_token *token = &engine->token;

	accept(engine, arrived);
	*token = *arrived;
	token->lingers = engine->lingers_seen;
	flow_heal(engine, token);
	flow_steer(engine, token);
	exchange_frames(engine, token);
	decide_hold(engine, token);
	if (early_is_due(engine))
		engine->counters.early_tokens++;
	else
		flow_outbox_flush(engine);
	update_aru(engine, token);
	assert(seq_compare(token->aru, token->seq) <= 0 || TOTEM_MUTANT(engine, TOKEN_SEQ_STANDS));
	if (has_failed_to_receive(engine, token, aru_before)) {
		flow_outbox_flush(engine);
		fail_to_receive(engine);
		return;
	}
	if (recovery_is_stuck(engine, token)) {
		gather_enter(engine, GATHER_TOKEN_LOST_RECOVERY);
		return;
	}
	token->token_seq++;
	token->nodeid = engine->options.nodeid;
	if (engine->state == TOTEM_RECOVERY)
		recovery_step(engine, token);
	pass_on(engine);
	flow_outbox_flush(engine);
	token_finish(engine, was_refused);
	linger_settle(engine);
}

/*
 * This node still has the token, and no other member has seen it. So frames that were queued since can be part of
 * this visit (book ring, "Hold and retransmission").
 */
void token_send_late(struct totem_engine *engine)
{
	struct wire_token *token = &engine->token;
	uint32_t before = engine->visit_sent;

	flow_flush(engine);

	uint32_t waiting = flow_waiting(engine);

	if (waiting == 0)
		return;

	/* fcc and trc both include this visit now, so flow_window subtracts frames of other members only. */
	uint32_t window = flow_window(engine, token);
	uint32_t allowed = window > before ? window - before : 0;
	uint32_t size = flow_window_size(engine, token);

	if (engine->is_lingering && TOTEM_MUTANT(engine, LINGER_UNBOUNDED))
		allowed = window;
	if (seq_compare(engine->store.released + STORE_WINDOW - allowed - size, token->seq) < 0)
		allowed = 0;

	uint32_t sent = flow_send(engine, token, allowed);

	engine->visit_sent = before + sent;
	flow_account(engine, token, engine->pbl + waiting);
	update_aru(engine, token);
	if (sent > 0) {
		engine->unchanged = 0;
		engine->is_held = false;
	}
}

void token_let_go(struct totem_engine *engine)
{
	bool was_refused = engine->wants_room;

	if (!engine->is_holding || TOTEM_MUTANT(engine, HOLD_FOREVER))
		return;
	timer_cancel(engine, TOTEM_TIMER_HOLD);
	if (engine->state == TOTEM_OPERATIONAL)
		token_send_late(engine);
	flow_outbox_flush(engine);
	forward(engine);
	if (engine->unchanged > 0)
		merge_idle(engine); /* right behind the token, whose receiver is awake already */
	engine->retransmit_count = 0;
	engine->is_progress_seen = false;
	timer_start_retransmit(engine);
	token_finish(engine, was_refused);
}

void token_originate(struct totem_engine *engine)
{
	uint32_t base = engine->options.first_seq;
	struct wire_token *token = &engine->token;

	engine->is_originated = true;
	engine->is_flg_mine = engine->owed_count > 0;
	*token = (struct wire_token){
		.nodeid = engine->options.nodeid,
		.seq = base,
		.token_seq = base,
		.aru = base - 1,
		.aru_addr = engine->options.nodeid,
		.ring = engine->ring,
		.retrans_flg = engine->is_flg_mine,
	};
	forward(engine);
	timer_start_token(engine);
	timer_start_retransmit(engine);
}

void token_wake(struct totem_engine *engine)
{
	if (engine->is_visiting || engine->state != TOTEM_OPERATIONAL)
		return;
	if (engine->is_holding) {
		/* Send on the next turn, so that one visit takes all messages that are being queued now. */
		engine->is_held = false;
		engine->unchanged = 0;
		timer_set(engine, TOTEM_TIMER_HOLD, 0);
		return;
	}
	if (engine->is_held && engine_is_rep(engine)) {
		engine->is_held = false;
		engine->unchanged = 0;
		return;
	}
	if (!engine->is_held && !linger_is_likely(engine))
		return;
	engine->is_held = false;
	engine->silent = 0; /* one hold cancel is enough */

	struct coterie_frame *frame = frame_take(engine->pool, WIRE_HEADER_SIZE + 12);

	if (frame == NULL)
		return; /* T-hold of the representative ends the wait */

	const struct wire_hold_cancel cancel = {
		.nodeid = engine->options.nodeid,
		.ring = engine->ring,
	};

	frame->size = (uint32_t)wire_encode_hold_cancel(
		&cancel, engine->options.swap, frame->data, frame->capacity);
	engine->counters.hold_cancel_tx++;
	engine_multicast(engine, frame);
}

void token_hold_cancel(struct totem_engine *engine, struct coterie_frame *frame)
{
	struct wire_hold_cancel cancel;
	struct wire_header header;
	enum wire_refusal refusal = wire_decode_hold_cancel(frame->data, frame->size, &cancel);

	if (refusal != WIRE_OK) {
		engine_refuse(engine, refusal, 0);
		return;
	}
	if (TOTEM_QUIRK(engine, HOLD_CANCEL_ORDER) &&
		wire_decode_header(frame->data, frame->size, &header) == WIRE_OK &&
		header.is_swapped)
		return;
	if (!ring_id_equal(&cancel.ring, &engine->ring))
		return;
	engine->unchanged = 0;
	engine->is_held = false;
	/* This has an effect only if this node holds the token. A token under way is not sent again. */
	if (engine->state == TOTEM_OPERATIONAL || engine->state == TOTEM_RECOVERY)
		token_let_go(engine);
}
