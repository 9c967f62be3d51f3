/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A visit of the token: book ring, "The token's visit". All frames of the visit leave in one batch before
 * the token, or right behind it (early.c). Delivery and freeing come last, since the successor need not
 * wait for them.
 */
#include "exec/totem/token.h"

#include <assert.h>

#include "exec/totem/frame.h"
#include "exec/totem/state.h"

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
		.seq = core_store(engine)->aru,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
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

	core_trace(engine, &trace);
	suspect_heard_all(engine);
	lease_token(engine);
	linger_note(engine, token);
	timer_token_accepted(engine);
	if (!TOTEM_QUIRK(engine, IDLE_COUNT))
		pass_note_seq(engine, token->seq);
	engine->a_prev = engine->a_last;
	engine->a_last = token->aru;
	if (engine->a_known < 2)
		engine->a_known++;
	engine->tseq = token->token_seq;
}

/*
 * Return whether a member may lack a frame that it can get in the next rotation. The token need not have a request for it: a
 * member between the one that lacks the frame and this one may have answered it in vain. A member that has received nothing for
 * two token timeouts gets no more than the rotations of an idle ring. If its count of rotations is reached, it has taken
 * itself out by then.
 */
static bool is_lacking(const struct totem_engine *engine, const struct wire_token *token)
{
	bool has_moved = engine->a_known < 2 || engine->a_prev != engine->a_last || engine->aru_count == 0;

	if (!has_moved && engine->now_ns - engine->aru_since_ns >= 2 * engine->options.token_ns)
		return false;
	return engine->a_known < 2 || engine->a_prev != token->seq || engine->a_last != token->seq;
}

/* Decide whether to keep the token: the representative of an idle ring does, and a lone sender. */
static void decide_hold(struct totem_engine *engine, const struct wire_token *token)
{
	const struct totem_options *options = &engine->options;
	bool is_rep = core_is_rep(engine);
	bool is_idle = is_rep ? engine->unchanged > options->seqno_unchanged_const
			      : engine->unchanged >= options->seqno_unchanged_const;

	/* Do not hold the token while a member needs the next rotation. */
	if (engine->state != TOTEM_OPERATIONAL || engine->visit_sent > 0 ||
		(is_rep && (flow_waiting(engine) > 0 || engine->high_delivered != engine->store.high_seq ||
				   is_lacking(engine, token))))
		is_idle = false;
	engine->was_held = is_idle;
	if (is_idle) {
		engine->place = is_rep ? TOKEN_HELD : TOKEN_AWAY_IDLE;
		engine->accepted_ns = 0; /* the next rotation is not measured: it includes the hold */
		return;
	}
	if (engine->place != TOKEN_NONE)
		engine->place = TOKEN_AWAY;
	if (linger_is_due(engine))
		linger_begin(engine, &engine->token);
}

/* Answer requests, request missing frames, and number the frames that wait. */
static void exchange_frames(struct totem_engine *engine, struct wire_token *token)
{
	engine->visit_sent = 0;
	engine->has_more = false;
	if (engine->state == TOTEM_OPERATIONAL && engine->callbacks.visit != NULL) {
		enum token_place before = engine->place;

		engine->place = TOKEN_VISITING;
		engine->has_more = engine->callbacks.visit(engine->arg);
		engine->place = before;
	}
	flow_flush(engine);

	uint32_t waiting = flow_waiting(engine);
	uint32_t allowed = flow_allowed(engine, token, waiting);

	engine->visit_sent = retransmit_answer(engine, token, allowed);
	token->resent += engine->visit_sent;
	retransmit_request(engine, token);
	engine->visit_new = flow_send(engine, token, flow_allowed_new(engine, token, allowed - engine->visit_sent));
	engine->visit_sent += engine->visit_new;
	flow_account(engine, token, waiting);
}

/* Send the token to the successor, or keep it. */
static void pass_on(struct totem_engine *engine)
{
	if (place_is_kept(engine->place)) {
		/* hold_let_go will send it, behind the frames that wait then. */
		frame_unref(engine->saved);
		engine->saved = NULL;
	} else {
		pass_forward(engine);
	}
	engine->retransmit_count = 0;
	engine->is_progress_seen = false;
	timer_start_token(engine);
	timer_start_retransmit(engine);
	if (place_is_kept(engine->place))
		timer_set(engine, TOTEM_TIMER_HOLD,
			engine->place == TOKEN_LINGERING ? engine->options.linger_ns : engine->options.hold_ns);
	if (engine->is_heartbeat_used && !place_is_kept(engine->place))
		timer_set(engine, TOTEM_TIMER_HEARTBEAT,
			engine->options.heartbeat_failures_allowed *
					engine->options.token_retransmit_ns +
				engine->options.max_network_delay_ns);
	else
		timer_cancel(engine, TOTEM_TIMER_HEARTBEAT);
}

/* Frames that waited for room in the store can leave now, and the representative takes the ring for idle. */
static void wake_for_room(struct totem_engine *engine, uint32_t released_before)
{
	if (engine->store.released != released_before && place_is_idle(engine->place) && flow_waiting(engine) > 0)
		hold_wake(engine);
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
		multicast_flush(engine);
	pass_update_aru(engine, token);
	assert(seq_compare(token->aru, token->seq) <= 0 || TOTEM_MUTANT(engine, TOKEN_SEQ_STANDS));
	if (has_failed_to_receive(engine, token, aru_before)) {
		multicast_flush(engine);
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
	multicast_flush(engine);

	uint32_t released = engine->store.released;

	pass_finish(engine, was_refused);
	wake_for_room(engine, released);
	hold_settle(engine);
}
