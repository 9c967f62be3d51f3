/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events of the engine: packets and timers. A delivery of the engine may yield to the loop. Then packets and most timers
 * wait until it is finished. One timer of the loop serves all timers of the engine.
 */
#include "exec/ring/ring_private.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/plugin/plugin.h"
#include "exec/ring/ring_packet.h"

#define SETTLE_GAP_NS UINT64_C(50000000)
#define REST_GAP_NS UINT64_C(100000000) /* frame.h */
#define DELIVERY_NS UINT64_C(1000000)   /* an event that has delivered for so long yields to the loop */
#define LOOK_MESSAGES 8u                /* a delivery looks at the clock behind so many messages */
#define LOOK_BYTES 65536u               /* or so many bytes of events for clients */
#define COSTLY_NS (DELIVERY_NS / 4)     /* if it took so long, it looks behind each message */

static void on_echo(void *arg);

bool ring_is_held_back(const struct ring *ring)
{
	return ring->engine != NULL && totem_engine_has_yielded(ring->engine);
}

/* Let the engine receive the packets that wait, when the present callback has returned. */
static void schedule_echoes(struct ring *ring)
{
	if (ring->echo_count > 0 && !ring->is_echo_due && !ring_is_held_back(ring))
		ring->is_echo_due = loop_defer(ring->parts.loop, on_echo, ring) == 0;
}

void ring_begin_event(struct ring *ring, uint64_t now_ns)
{
	ring->begun_ns = ring->looked_ns = now_ns;
	ring->inside++;
}

void ring_end_event(struct ring *ring)
{
	ring->inside--;
	schedule_echoes(ring);
}

/*
 * Yield if this event has delivered for long. A message may cost a hundred times as much as another one, but most cost
 * less than a look at the clock is worth.
 */
void ring_yield_if_late(struct ring *ring, size_t event_bytes)
{
	uint64_t now_ns;

	ring->look_bytes += event_bytes;
	if (ring->until_look > 1 && ring->look_bytes < LOOK_BYTES) {
		ring->until_look--;
		return;
	}
	ring->look_bytes = 0;
	now_ns = loop_now_ns(ring->parts.loop);
	ring->until_look = now_ns - ring->looked_ns > COSTLY_NS ? 1 : LOOK_MESSAGES;
	ring->looked_ns = now_ns;
	if (now_ns - ring->begun_ns > DELIVERY_NS)
		totem_engine_yield(ring->engine);
}

/* --- timers --- */

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

static void arm(struct ring *ring)
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
static void settle(struct ring *ring, uint64_t now_ns)
{
	if (now_ns - ring->settled_ns < SETTLE_GAP_NS || ring->timer == NULL)
		return;
	rest(ring, now_ns);

	uint64_t at_ns = next_deadline(ring);

	if (at_ns <= ring->timer_at_ns || at_ns == TOTEM_NEVER)
		return;
	ring->settled_ns = now_ns;
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
		arm(ring);
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
	arm(ring);
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
		arm(ring); /* in the next turn, behind the packets */
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
		arm(ring);
}

/* --- packets that arrive --- */

/* Keep a packet until the engine can receive it. If it asks whether this node runs, answer it. */
static void keep(struct ring *ring, struct coterie_frame *frame)
{
	if (!totem_engine_question(ring->engine, loop_now_ns(ring->parts.loop), frame))
		ring_echo(ring, frame);
}

static void receive(struct ring *ring, uint64_t now_ns, struct coterie_frame *const *frames, size_t count)
{
	size_t taken;

	ring->served_ns = now_ns;
	ring_begin_event(ring, now_ns);
	taken = totem_engine_receive(ring->engine, now_ns, frames, count);
	ring_sources_note(&ring->sources, frames, taken);
	for (size_t i = taken; i < count; i++)
		keep(ring, frames[i]);
	ring_end_event(ring);
}

/* --- own frames that come back, and packets that arrive while the engine runs --- */

/*
 * Read frames that were sent before a token. A transport with several sockets may read the token first. The frames
 * arrive through ring_frames_in, where is_draining prevents a nested call (book transports, "udp").
 */
static void drain(struct ring *ring)
{
	const struct coterie_transport *transport = &ring->transport->transport;

	if (transport->drain == NULL || ring->is_draining)
		return;
	ring->is_draining = true;
	transport->drain(ring->transport->self);
	ring->is_draining = false;
}

static void drain_echoes(struct ring *ring)
{
	for (size_t i = 0; i < ring->echo_count; i++)
		if (ring_packet_is_token(ring->echoes[i])) {
			drain(ring);
			return;
		}
}

static void on_echo(void *arg)
{
	struct ring *ring = arg;

	if (!ring_is_held_back(ring))
		drain_echoes(ring);
	size_t count = ring->echo_count;

	ring->is_echo_due = false;
	if (count == 0 || ring_is_held_back(ring))
		return;
	struct coterie_frame **frames = ring->echoes;
	ring->echoes = NULL;
	ring->echo_count = ring->echo_capacity = ring->echo_bytes = 0;
	ring->owes_packets = false;
	if (ring->engine != NULL) {
		uint64_t now_ns = loop_now_ns(ring->parts.loop);

		receive(ring, now_ns, frames, count);
		settle(ring, now_ns);
	}
	for (size_t i = 0; i < count; i++)
		frame_unref(frames[i]);
	if (ring->echoes == NULL) { /* keep the memory of the list for the next turn */
		ring->echoes = frames;
		ring->echo_capacity = count;
	} else {
		free(frames);
	}
}

void ring_echo(struct ring *ring, struct coterie_frame *frame)
{
	size_t bytes = frame_buffer(frame)->capacity;

	if (ring->echo_count == RING_ECHOES_MAX || bytes > RING_ECHO_BYTES_MAX - ring->echo_bytes)
		return; /* lost, as on the network */
	if (ring->echo_count == ring->echo_capacity) {
		size_t capacity = ring->echo_capacity == 0 ? 16 : 2 * ring->echo_capacity;
		struct coterie_frame **echoes = realloc(ring->echoes, capacity * sizeof(struct coterie_frame *));

		if (echoes == NULL)
			return; /* lost, as on the network */
		ring->echoes = echoes;
		ring->echo_capacity = capacity;
	}
	ring->echoes[ring->echo_count++] = frame_ref(frame);
	ring->echo_bytes += bytes;
	schedule_echoes(ring);
}

/* --- the transport's packets --- */

static void drain_arrivals(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (ring_packet_is_token(arrivals[i].frame)) {
			drain(ring);
			return;
		}
}

/* Keep packets until the engine can receive them. Answer those that ask whether this node runs. */
static void hold_back(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	bool may_answer = ring->inside == 0;

	ring->inside++;
	for (uint32_t i = 0; i < count; i++) {
		if (may_answer)
			keep(ring, arrivals[i].frame);
		else
			ring_echo(ring, arrivals[i].frame);
	}
	ring->inside--;
	ring->owes_packets |= may_answer && ring->echo_count > 0;
	arm(ring); /* again, if there was no memory for the timer */
}

void ring_frames_in(struct ring *ring, const struct coterie_arrival *arrivals, uint32_t count)
{
	if (ring->engine == NULL)
		return;
	if (ring->inside == 0 && !ring_is_held_back(ring))
		drain_arrivals(ring, arrivals, count);
	if (ring->inside > 0 || ring_is_held_back(ring)) { /* inside: the transport reads while it sends */
		hold_back(ring, arrivals, count);
		return;
	}
	if (count > ring->batch_capacity) {
		struct coterie_frame **batch = realloc(ring->batch, count * sizeof(struct coterie_frame *));

		if (batch == NULL)
			return; /* lost, as on the network */
		ring->batch = batch;
		ring->batch_capacity = count;
	}
	for (uint32_t i = 0; i < count; i++)
		ring->batch[i] = arrivals[i].frame;
	const struct totem_counters *counters = totem_engine_counters(ring->engine);
	uint64_t refused = counters->malformed;
	uint64_t now_ns = loop_now_ns(ring->parts.loop);
	receive(ring, now_ns, ring->batch, count);
	settle(ring, now_ns);
	if (counters->malformed != refused)
		for (uint32_t i = 0; i < count; i++)
			ring_log_bad_packet(&ring->log, now_ns, arrivals[i].frame, arrivals[i].from);
}
