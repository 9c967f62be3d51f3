/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A visit of the token: book ring, "The token's visit". All frames of the visit are sent in one batch before the token,
 * or right behind it (early.c). Messages are delivered and frames freed after that, since the successor need not wait
 * for this.
 */
#include "exec/totem/token.h"

#include <assert.h>

#include "exec/totem/state.h"

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
	aru_note(engine, token);
}

/*
 * Decide whether to keep the token. The representative of an idle ring keeps it, and so does a lone sender. While a
 * Corosync node lacks frames, each node of ours may.
 */
static void decide_hold(struct totem_engine *engine, const struct wire_token *token)
{
	const struct totem_options *options = &engine->options;
	bool is_rep = core_is_rep(engine);
	bool is_idle = is_rep ? engine->pass.unchanged > options->seqno_unchanged_const
			      : engine->pass.unchanged >= options->seqno_unchanged_const;

	/*
	 * Do not hold the token while a member needs the next rotation. Frames may wait for room in the stores: the member
	 * that lacks frames leaves the ring after so many visits.
	 */
	if (engine->state != TOTEM_OPERATIONAL || engine->flow.sent > 0 ||
		(is_rep && (token->backlog > 0 || engine->delivery.high != engine->store.high_seq ||
				   aru_is_lacking(engine, token))))
		is_idle = false;
	silence_note_hold(engine, is_idle);
	if (is_idle) {
		engine->place = is_rep ? TOKEN_HELD : TOKEN_AWAY_IDLE;
		timer_skip_rotation(engine); /* it includes the time for which the token is held */
		return;
	}
	if (engine->place != TOKEN_NONE)
		engine->place = TOKEN_AWAY;
	if (engine->state == TOTEM_OPERATIONAL && aru_pace_ns(engine) > 0) {
		engine->place = TOKEN_PACED;
		timer_skip_rotation(engine);
		return;
	}
	if (linger_is_due(engine))
		linger_begin(engine, &engine->pass.token);
}

/* Answer requests, request missing frames, and number the frames that wait. */
static void exchange_frames(struct totem_engine *engine, struct wire_token *token)
{
	bool has_more = false;

	flow_begin_visit(engine);
	if (engine->state == TOTEM_OPERATIONAL && engine->callbacks.visit != NULL) {
		enum token_place before = engine->place;

		engine->place = TOKEN_VISITING;
		has_more = engine->callbacks.visit(engine->arg);
		engine->place = before;
	}
	linger_note_more(engine, has_more);
	flow_flush(engine);

	uint32_t waiting = flow_waiting(engine);
	uint32_t allowed = flow_allowed(engine, token, waiting);
	uint32_t repeated = retransmit_answer(engine, token, allowed);

	flow_note_repeated(engine, repeated);
	token->resent += repeated;
	retransmit_request(engine, token);
	flow_send(engine, token, flow_allowed_new(engine, token, allowed - repeated));
	flow_account(engine, token, waiting);
}

/* Return for how long the token is kept. */
static uint64_t kept_ns(const struct totem_engine *engine)
{
	if (engine->place == TOKEN_LINGERING)
		return engine->options.linger_ns;
	return engine->place == TOKEN_PACED ? aru_pace_ns(engine) : engine->options.hold_ns;
}

/* Send the token to the successor, or keep it. */
static void pass_on(struct totem_engine *engine)
{
	if (place_is_kept(engine->place)) {
		/* hold_let_go will send the token, behind the frames that wait then. */
		pass_keep(engine);
	} else {
		pass_forward(engine);
	}
	timer_start_token(engine);
	timer_renew_retransmit(engine);
	if (place_is_kept(engine->place))
		timer_set(engine, TOTEM_TIMER_HOLD, kept_ns(engine));
	if (engine->is_heartbeat_used && !place_is_kept(engine->place))
		timer_set(engine, TOTEM_TIMER_HEARTBEAT,
			engine->options.heartbeat_failures_allowed * engine->options.token_retransmit_ns +
				engine->options.max_network_delay_ns);
	else
		timer_cancel(engine, TOTEM_TIMER_HEARTBEAT);
}

/* Send frames that waited for room in the store, if there is room now and the ring counts as idle. */
static void wake_for_room(struct totem_engine *engine, uint32_t released_before)
{
	if (engine->store.released != released_before && place_is_idle(engine->place) && flow_waiting(engine) > 0)
		hold_wake(engine);
}

static void end_visit(struct totem_engine *engine)
{
	uint32_t released;

	pass_on(engine);
	multicast_flush(engine);
	released = engine->store.released;
	pass_finish(engine, engine->pass.was_refused);
	wake_for_room(engine, released);
	hold_settle(engine);
}

static void installed(struct totem_engine *engine)
{
	recovery_end(engine);
	end_visit(engine);
}

void token_visit(struct totem_engine *engine, const struct wire_token *arrived)
{
	uint32_t aru_before = engine->aru.known > 0 ? engine->aru.last : arrived->seq + 1;
	struct wire_token *token;

	accept(engine, arrived);
	token = pass_take(engine, arrived);
	token->lingers = engine->linger.seen;
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
	if (aru_stands_still(engine, token, aru_before)) {
		multicast_flush(engine);
		gather_fail_to_receive(engine);
		return;
	}
	if (recovery_is_stuck(engine, token)) {
		gather_enter(engine, GATHER_TOKEN_LOST_RECOVERY);
		return;
	}
	token->token_seq++;
	token->nodeid = engine->options.nodeid;
	if (engine->state != TOTEM_RECOVERY || !recovery_step(engine, token)) {
		end_visit(engine);
		return;
	}
	/* The token stays here until the ring is installed. */
	configure_install(engine, installed);
}
