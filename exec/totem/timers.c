/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers: book ring, "Timers". */
#include "exec/totem/timers.h"

#include <stdlib.h>
#include <string.h>

#include "exec/totem/state.h"

#define ROTATION_SAMPLES_MIN 8u
#define ROTATIONS_RECENT 4u
#define RETRANSMIT_UNKNOWN_NS (20 * MILLISECOND_NS) /* until rotations were measured */
#define RETRANSMIT_FLOOR_NS (1 * MILLISECOND_NS)
#define RETRANSMIT_FLOOR_MIXED_NS (5 * MILLISECOND_NS)
#define RETRANSMIT_QUICK_MIXED 3u
#define RETRANSMIT_DOUBLINGS_MAX 6u
/*
 * Limit for a commit token. Paths of a starting cluster come up one by one, so the commit token may be lost often, and
 * T-token is long.
 */
#define RETRANSMIT_COMMIT_MAX_NS (150 * MILLISECOND_NS)

void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns)
{
	uint64_t at_ns = engine->now_ns + delay_ns;

	engine->timer_at_ns[timer] = at_ns;
	engine->callbacks.timer(engine->arg, timer, at_ns);
}

void timer_cancel(struct totem_engine *engine, enum totem_timer timer)
{
	if (engine->timer_at_ns[timer] == TOTEM_NEVER)
		return;
	engine->timer_at_ns[timer] = TOTEM_NEVER;
	engine->callbacks.timer(engine->arg, timer, TOTEM_NEVER);
}

bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer)
{
	return engine->timer_at_ns[timer] != TOTEM_NEVER;
}

void timer_start_pause(struct totem_engine *engine)
{
	timer_set(engine, TOTEM_TIMER_PAUSE, engine->options.token_ns / 4);
}

void timer_start_token(struct totem_engine *engine)
{
	const struct totem_options *options = &engine->options;

	timer_set(engine, TOTEM_TIMER_TOKEN, options->token_ns);
	if (!engine->pause.is_pausing)
		timer_start_pause(engine); /* this call shows that the process runs */
	if (options->token_warning_percent > 0)
		timer_set(engine, TOTEM_TIMER_WARNING, options->token_ns / 100 * options->token_warning_percent);
}

void timer_cancel_token(struct totem_engine *engine)
{
	timer_cancel(engine, TOTEM_TIMER_TOKEN);
	timer_cancel(engine, TOTEM_TIMER_WARNING);
	timer_cancel(engine, TOTEM_TIMER_HEARTBEAT);
}

static int compare_durations(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return (*a > *b) - (*a < *b);
}

/*
 * Take the lower quartile of the samples, not the mean. A rotation in which the token was lost includes T-retransmit
 * itself, so the mean would make T-retransmit grow.
 */
static void sample_rotation(struct totem_engine *engine, uint64_t rotation_ns)
{
	uint64_t sorted[ROTATION_SAMPLES];

	if (engine->rotation.count == 2 * ROTATION_SAMPLES)
		engine->rotation.count = ROTATION_SAMPLES; /* keep the number small, so that it never wraps */
	engine->rotation.samples_ns[engine->rotation.count++ % ROTATION_SAMPLES] = rotation_ns;
	if (engine->rotation.count % ROTATION_SAMPLES_MIN != 0)
		return;

	uint32_t count = engine->rotation.count < ROTATION_SAMPLES ? engine->rotation.count : ROTATION_SAMPLES;

	memcpy(sorted, engine->rotation.samples_ns, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare_durations);
	engine->rotation.quartile_ns = sorted[count / 4 - 1];
}

uint64_t timer_shortest_rotation(const struct totem_engine *engine)
{
	uint64_t shortest = UINT64_MAX;

	if (engine->rotation.count < ROTATIONS_RECENT)
		return 0;
	for (uint32_t i = 1; i <= ROTATIONS_RECENT; i++) {
		uint32_t at = (engine->rotation.count - i) % ROTATION_SAMPLES;

		if (engine->rotation.samples_ns[at] < shortest)
			shortest = engine->rotation.samples_ns[at];
	}
	return shortest;
}

void timer_token_accepted(struct totem_engine *engine)
{
	/* accepted_ns is 0 until the second token in OPERATIONAL, and after each visit that left the ring idle. */
	engine->rotation.last_ns = 0;
	if (engine->rotation.accepted_ns != 0 && !engine->linger.has_lingered) {
		engine->rotation.last_ns = engine->now_ns - engine->rotation.accepted_ns;
		sample_rotation(engine, engine->rotation.last_ns);
	}
	engine->rotation.accepted_ns = engine->state == TOTEM_OPERATIONAL ? engine->now_ns : 0;
	engine->counters.token_last_ns = engine->now_ns;
	engine->pause.is_token_overdue = false;
}

void timer_skip_rotation(struct totem_engine *engine) { engine->rotation.accepted_ns = 0; }

void timer_forget_rotations(struct totem_engine *engine)
{
	engine->rotation.accepted_ns = 0;
	engine->rotation.count = 0;
}

/* Return whether all members ignore a token that is sent again, as Coterie's nodes do. */
static bool are_peers_ours(const struct totem_engine *engine)
{
	switch (engine->state) {
	case TOTEM_OPERATIONAL:
		return engine->installed.features != 0;
	case TOTEM_RECOVERY:
		return engine->recovery.features != 0;
	case TOTEM_COMMIT:
	case TOTEM_GATHER:
		break;
	}
	return false;
}

static uint64_t retransmit_delay(const struct totem_engine *engine)
{
	uint64_t most = engine->options.token_retransmit_ns;
	uint64_t delay = RETRANSMIT_UNKNOWN_NS;
	uint64_t held = engine->options.hold_ns / 4 * 5;
	bool is_ours = are_peers_ours(engine);
	uint64_t floor = is_ours ? RETRANSMIT_FLOOR_NS : RETRANSMIT_FLOOR_MIXED_NS;

	if (engine->state == TOTEM_COMMIT && most > RETRANSMIT_COMMIT_MAX_NS)
		most = RETRANSMIT_COMMIT_MAX_NS;
	/*
	 * A token that is held, or that the successor has, is not lost. Its holder may keep it for longer than `most`.
	 */
	if (place_is_idle(engine->place) || place_is_kept(engine->place))
		return most > held ? most : held;
	if (engine->repeat.is_progress_seen)
		return most;
	if (!is_ours && engine->repeat.count >= RETRANSMIT_QUICK_MIXED)
		return most;
	if (engine->state == TOTEM_OPERATIONAL && engine->rotation.count >= ROTATION_SAMPLES_MIN)
		delay = 2 * engine->rotation.quartile_ns;
	if (delay < floor)
		delay = floor;

	uint32_t doublings = engine->repeat.count;

	if (doublings > RETRANSMIT_DOUBLINGS_MAX)
		doublings = RETRANSMIT_DOUBLINGS_MAX;
	delay <<= doublings;
	if (engine->linger.has_lingered)
		delay += engine->options.linger_ns;
	return delay < most ? delay : most;
}

void timer_start_retransmit(struct totem_engine *engine)
{
	timer_set(engine, TOTEM_TIMER_RETRANSMIT, retransmit_delay(engine));
}

void timer_renew_retransmit(struct totem_engine *engine)
{
	engine->repeat = (struct repeat){0};
	timer_start_retransmit(engine);
}

void timer_repeat_retransmit(struct totem_engine *engine)
{
	engine->repeat.count++;
	timer_start_retransmit(engine);
}

void timer_note_progress(struct totem_engine *engine)
{
	engine->repeat.is_progress_seen = true;
	if (timer_is_set(engine, TOTEM_TIMER_RETRANSMIT))
		timer_start_retransmit(engine);
}

/*
 * Find out that there was a pause (book failure, "Pauses"). T-pause expires unless a token arrives. So a long gap
 * between two entries means that this process did not run. The packets in the sockets are old then. For PAUSE_FLUSH_NS
 * only a token of this ring is accepted.
 */
bool timer_check_pause(struct totem_engine *engine)
{
	uint64_t gap = engine->now_ns - engine->pause.last_entry_ns;

	engine->pause.last_entry_ns = engine->now_ns;
	engine->pause.entry_gap_ns = gap;
	if (!engine->is_started || gap <= engine->options.token_ns / 2)
		return false;

	const struct totem_trace trace = {
		.kind = TOTEM_TRACE_PAUSED,
		.value = gap / MILLISECOND_NS,
		.ring = engine->ring,
	};

	core_trace(engine, &trace);
	engine->pause.is_pausing = true;
	/* After a pause as long as the token timeout the other members have given this node up. */
	engine->pause.is_token_overdue = gap >= engine->options.token_ns || engine->state != TOTEM_OPERATIONAL;
	timer_set(engine, TOTEM_TIMER_PAUSE, PAUSE_FLUSH_NS);
	return true;
}

bool timer_token_waits(struct totem_engine *engine)
{
	if (!engine->pause.is_pausing)
		return false;
	/* Wait: the token may be in a socket. */
	engine->pause.is_token_overdue = true;
	timer_set(engine, TOTEM_TIMER_TOKEN, PAUSE_FLUSH_NS);
	return true;
}

bool timer_end_pause(struct totem_engine *engine)
{
	bool was_pausing = engine->pause.is_pausing;

	engine->pause.is_pausing = false;
	timer_start_pause(engine);
	if (!was_pausing || !engine->pause.is_token_overdue)
		return false;
	engine->pause.is_token_overdue = false;
	return true;
}
