/* SPDX-License-Identifier: BSD-3-Clause */
/* Handle each timer that has expired: book ring, "Timers". */
#include "exec/totem/expiry.h"

#include "exec/totem/state.h"

static void retransmit_expired(struct totem_engine *engine)
{
	if (engine->state == TOTEM_GATHER)
		return;
	if (place_is_kept(engine->place)) {
		hold_let_go(engine);
		return;
	}
	if (engine->pass.saved != NULL) {
		engine->counters.token_retx++;
		if (engine->state != TOTEM_COMMIT)
			engine->counters.token_tx++;
		engine->callbacks.token(engine->arg, engine->pass.saved_target, engine->pass.saved);
	}
	timer_repeat_retransmit(engine);
}

static void warning_expired(struct totem_engine *engine)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_TOKEN_LATE,
		.value = (engine->now_ns - engine->counters.token_last_ns) / MILLISECOND_NS,
		.ring = engine->ring,
	};

	engine->counters.token_late++;
	core_trace(engine, &trace);
	timer_set(engine, TOTEM_TIMER_WARNING, engine->options.token_ns / 100 * engine->options.token_warning_percent);
}

static void trace_token_lost(struct totem_engine *engine)
{
	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_TOKEN_LOST,
		.value = (engine->now_ns - engine->counters.token_last_ns) / MILLISECOND_NS,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
}

static void token_expired(struct totem_engine *engine)
{
	if (TOTEM_MUTANT(engine, TOKEN_LOSS_IGNORED) && engine->state == TOTEM_OPERATIONAL)
		return;
	if (timer_token_waits(engine))
		return;
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		engine->counters.operational_token_lost++;
		trace_token_lost(engine);
		gather_enter(engine, GATHER_TOKEN_LOST_OPERATIONAL);
		break;
	case TOTEM_GATHER:
		engine->counters.gather_token_lost++;
		gather_token_expired(engine);
		break;
	case TOTEM_COMMIT:
		engine->counters.commit_token_lost++;
		trace_token_lost(engine);
		gather_enter(engine, GATHER_TOKEN_LOST_COMMIT);
		break;
	case TOTEM_RECOVERY:
		engine->counters.recovery_token_lost++;
		trace_token_lost(engine);
		gather_enter(engine, GATHER_TOKEN_LOST_RECOVERY);
		break;
	}
}

static void pause_expired(struct totem_engine *engine)
{
	if (timer_end_pause(engine))
		gather_overdue(engine);
}

void expiry_handle(struct totem_engine *engine, enum totem_timer timer)
{
	switch (timer) {
	case TOTEM_TIMER_TOKEN:
	case TOTEM_TIMER_HEARTBEAT:
		token_expired(engine);
		break;
	case TOTEM_TIMER_RETRANSMIT:
		retransmit_expired(engine);
		break;
	case TOTEM_TIMER_HOLD:
		if (engine->place == TOKEN_LINGERING)
			hold_turn(engine);
		else
			hold_let_go(engine);
		break;
	case TOTEM_TIMER_JOIN:
		join_expired(engine);
		break;
	case TOTEM_TIMER_CONSENSUS:
		gather_consensus_expired(engine);
		break;
	case TOTEM_TIMER_MERGE:
		announce_send(engine);
		break;
	case TOTEM_TIMER_PAUSE:
		pause_expired(engine);
		break;
	case TOTEM_TIMER_WARNING:
		warning_expired(engine);
		break;
	case TOTEM_TIMER_SEND_JOIN:
		join_delayed_expired(engine);
		break;
	case TOTEM_TIMER_BACKOFF:
		backoff_expired(engine);
		break;
	case TOTEM_TIMER_PROBE:
		sign_expired(engine);
		break;
	case TOTEM_TIMER_LEASE:
		vote_expired(engine);
		break;
	case TOTEM_TIMER_DELIVER:
		if (configure_is_unfinished(engine))
			configure_resume(engine);
		else
			deliver_resume(engine);
		break;
	case TOTEM_TIMER_COUNT:
		break;
	}
}
