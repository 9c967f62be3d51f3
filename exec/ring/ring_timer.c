/* SPDX-License-Identifier: BSD-3-Clause */
/* One timer of the loop serves all timers of the engine. */
#include "exec/ring/ring_private.h"

#include <malloc.h>
#include <string.h>

#include "exec/loop/loop.h"

#define SETTLE_GAP_NS UINT64_C(50000000)
#define REST_GAP_NS UINT64_C(100000000) /* frame.h */

static void on_timer(void *arg);

static void arm_at(struct ring *ring, uint64_t at_ns)
{
	loop_timer_del(ring->parts.loop, ring->timer);
	ring->timer = loop_timer_add(ring->parts.loop, at_ns, on_timer, ring);
	ring->timer_at_ns = ring->timer != NULL ? at_ns : TOTEM_NEVER;
}

static uint64_t next_deadline(const struct ring *ring)
{
	uint64_t at_ns = TOTEM_NEVER;

	if (ring_is_held_back(ring))
		return 0; /* at once. The loop does not take a timer at 0 for a late one */
	for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
		if (ring->deadlines[i] < at_ns && !(i == TOTEM_TIMER_HOLD && ring->is_turn_due))
			at_ns = ring->deadlines[i];
	return at_ns;
}

void ring_arm(struct ring *ring)
{
	uint64_t at_ns = next_deadline(ring);

	if (at_ns < ring->timer_at_ns)
		arm_at(ring, at_ns);
}

/* Free memory that was allocated while the ring was busy. */
static void rest(struct ring *ring, uint64_t now_ns)
{
	if (now_ns - ring->rested_ns < REST_GAP_NS)
		return;
	ring->rested_ns = now_ns;
	if (frame_pool_rest(ring->pool) > 0)
		malloc_trim(0);
}

/*
 * Set the loop's timer to the next deadline, but not too often. The deadlines of a busy ring move with every token, and
 * the timer should not be set each time. Without this, the timer of an idle ring would wake the loop in vain after each
 * move.
 */
void ring_settle(struct ring *ring, uint64_t now_ns)
{
	if (now_ns - ring->settled_ns < SETTLE_GAP_NS || ring->timer == NULL)
		return;
	ring->settled_ns = now_ns;
	rest(ring, now_ns);

	uint64_t at_ns = next_deadline(ring);

	if (at_ns <= ring->timer_at_ns || at_ns == TOTEM_NEVER)
		return;
	arm_at(ring, at_ns);
	loop_timers_settle(ring->parts.loop);
}

static void run_timer(struct ring *ring, uint64_t now_ns, enum totem_timer timer)
{
	ring->deadlines[timer] = TOTEM_NEVER;
	ring_begin_event(ring, now_ns);
	totem_engine_timeout(ring->engine, now_ns, timer);
	ring_end_event(ring);
}

/* Return whether a timer is due, and all packets were received that had come before. */
static bool is_served(const struct ring *ring, enum totem_timer timer)
{
	return ring->deadlines[timer] <= ring->served_ns;
}

/*
 * Go on with a delivery that has yielded. When it is finished, the packets that have waited are received before other timers
 * run: a token among the packets may set a timer again. These packets may make the next delivery yield, and so on. So timers
 * that no token sets again run once packets were received.
 */
static void go_on(struct ring *ring, uint64_t now_ns)
{
	static const enum totem_timer timers[] = {TOTEM_TIMER_PROBE, TOTEM_TIMER_BACKOFF, TOTEM_TIMER_PAUSE};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (is_served(ring, timers[i]))
			run_timer(ring, now_ns, timers[i]);
	run_timer(ring, now_ns, TOTEM_TIMER_DELIVER);
}

static void run_due(struct ring *ring)
{
	uint64_t now_ns = loop_now_ns(ring->parts.loop);

	if (ring_is_held_back(ring)) {
		go_on(ring, now_ns);
		ring_arm(ring);
		return;
	}
	/*
	 * Run each timer once, earliest first. A timer that is set again meanwhile waits for the next
	 * turn.
	 */
	uint64_t due[TOTEM_TIMER_COUNT];
	memcpy(due, ring->deadlines, sizeof(due));
	for (;;) {
		int first = -1;

		for (int i = 0; i < TOTEM_TIMER_COUNT; i++)
			if (due[i] <= now_ns && (first < 0 || due[i] < due[first]))
				first = i;
		if (first < 0)
			break;
		bool is_current = ring->deadlines[first] == due[first];
		due[first] = TOTEM_NEVER;
		if (is_current && ring->engine != NULL)
			run_timer(ring, now_ns, (enum totem_timer)first);
		if (ring_is_held_back(ring))
			break;
	}
	ring_arm(ring);
}

static void on_timer(void *arg)
{
	struct ring *ring = arg;

	ring->timer = NULL;
	ring->timer_at_ns = TOTEM_NEVER;
	run_due(ring);
}

static void on_turn(void *arg)
{
	struct ring *ring = arg;

	ring->is_turn_due = false;
	if (ring_is_held_back(ring) || ring->owes_packets)
		ring_arm(ring); /* in the next turn, behind the packets */
	else
		run_due(ring);
}

void ring_set_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct ring *ring = arg;

	ring->deadlines[timer] = at_ns;
	/* A due HOLD event needs no timer: it is handled before this callback returns to the loop. */
	if (timer == TOTEM_TIMER_HOLD && at_ns <= loop_now_ns(ring->parts.loop)) {
		if (ring->is_turn_due)
			return;
		ring->is_turn_due = loop_defer(ring->parts.loop, on_turn, ring) == 0;
		if (ring->is_turn_due)
			return;
	}
	if (at_ns < ring->timer_at_ns)
		ring_arm(ring);
}
