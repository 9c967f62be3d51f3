/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/fuzz/ring.h"

#include <string.h>

#include "exec/totem/wire.h"
#include "tests/fuzz/fuzz.h"

#define DELAY_NS UINT64_C(100000)
#define ARRIVALS_MAX 4096u /* if so many are under way, packets are lost */
#define BATCH_MAX 8u
#define HISTORY 64u
#define POOL_MAX ((size_t)64 << 20)
#define FRAME_SIZE 2048u
#define INTERCEPTED_MAX 65536u

struct arrival {
	uint64_t at_ns;
	struct coterie_frame *frame;
	uint32_t to;
};

struct node {
	struct ring *ring;
	struct totem_engine *engine;
	struct frame_pool *pool;
	uint64_t timers[TOTEM_TIMER_COUNT];
	uint32_t index;
	bool is_cut;
};

struct ring {
	struct node nodes[RING_NODES];
	uint64_t now_ns;
	struct arrival arrivals[ARRIVALS_MAX]; /* circular buffer, in order of time */
	uint32_t first, count;
	struct coterie_frame *history[HISTORY];
	uint32_t history_next;
	struct ring_counts counts;
	uint8_t intercepted[INTERCEPTED_MAX];
	uint8_t sink;
};

/* --- the network --- */

static void put(struct ring *ring, uint32_t to, struct coterie_frame *frame)
{
	if (ring->count == ARRIVALS_MAX)
		return;
	ring->arrivals[(ring->first + ring->count++) % ARRIVALS_MAX] = (struct arrival){
		.at_ns = ring->now_ns + DELAY_NS, .frame = frame_ref(frame), .to = to};
}

static struct arrival take(struct ring *ring)
{
	struct arrival arrival = ring->arrivals[ring->first];

	ring->first = (ring->first + 1) % ARRIVALS_MAX;
	ring->count--;
	return arrival;
}

static void remember(struct ring *ring, struct coterie_frame *frame)
{
	struct coterie_frame **place = &ring->history[ring->history_next++ % HISTORY];

	frame_unref(*place);
	*place = frame_ref(frame);
}

static void send_to(struct node *from, uint32_t to, struct coterie_frame *frame)
{
	if (to == from->index || (!from->is_cut && !from->ring->nodes[to].is_cut))
		put(from->ring, to, frame);
}

/* --- what the engine asks for --- */

static void on_multicast(void *arg, struct coterie_frame *const *frames, size_t count)
{
	struct node *node = arg;

	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(frames[i]->size <= frames[i]->capacity);
		remember(node->ring, frames[i]);
		for (uint32_t to = 0; to < RING_NODES; to++)
			send_to(node, to, frames[i]);
	}
}

static void on_token(void *arg, uint32_t nodeid, struct coterie_frame *frame)
{
	struct node *node = arg;

	remember(node->ring, frame);
	/* Drop frames to members that do not exist, which a forged commit token may have named. */
	if (nodeid >= 1 && nodeid <= RING_NODES)
		send_to(node, nodeid - 1, frame);
}

static void on_timer(void *arg, enum totem_timer timer, uint64_t at_ns)
{
	struct node *node = arg;

	node->timers[timer] = at_ns;
}

static void on_deliver(void *arg, const struct totem_message *message)
{
	struct node *node = arg;
	size_t size = 0;

	for (size_t i = 0; i < message->count; i++) {
		const uint8_t *bytes = message->iov[i].iov_base;

		for (size_t at = 0; at < message->iov[i].iov_len; at++)
			node->ring->sink ^= bytes[at];
		size += message->iov[i].iov_len;
	}
	FUZZ_CHECK(size == message->size);
	if (node->ring->counts.delivered++ % 2 == 1)
		totem_engine_yield(node->engine);
}

static void on_configure(void *arg, const struct totem_configuration *configuration)
{
	struct node *node = arg;

	FUZZ_CHECK(configuration->member_count > 0 || !configuration->is_regular);
	for (uint32_t i = 1; i < configuration->member_count; i++)
		FUZZ_CHECK(configuration->members[i - 1] < configuration->members[i]);
	node->ring->counts.configurations++;
	if (configuration->is_regular)
		totem_engine_synchronized(node->engine, node->ring->now_ns);
}

static int on_store(void *arg, const struct ring_id *id)
{
	(void)arg, (void)id;
	return 0;
}

static void on_trace(void *arg, const struct totem_trace *trace)
{
	struct node *node = arg;

	node->ring->counts.refused += trace->kind == TOTEM_TRACE_REFUSED;
}

static const struct totem_callbacks callbacks = {
	.multicast = on_multicast,
	.token = on_token,
	.timer = on_timer,
	.deliver = on_deliver,
	.configure = on_configure,
	.store_ring_id = on_store,
	.trace = on_trace,
};

/* --- life --- */

static void node_create(struct ring *ring, uint32_t index, const struct ring_setup *setup)
{
	static const uint32_t ids[RING_NODES] = {1, 2, 3};
	struct node *node = &ring->nodes[index];
	struct totem_options options;

	node->ring = ring;
	node->index = index;
	for (uint32_t i = 0; i < TOTEM_TIMER_COUNT; i++)
		node->timers[i] = TOTEM_NEVER;
	totem_options_defaults(&options, index + 1, RING_NODES);
	if (!setup->is_open) {
		options.nodes = ids;
		options.node_count = RING_NODES;
	}
	if (setup->is_plain)
		options.features = 0;
	options.swap = setup->has_swapper && index == 2;
	options.random_seed = index;
	node->pool = frame_pool_create(FRAME_SIZE, POOL_MAX);
	FUZZ_CHECK(node->pool != NULL);
	node->engine = totem_engine_create(node->pool, &options, &callbacks, node, ring->now_ns);
	FUZZ_CHECK(node->engine != NULL);
}

struct ring *ring_create(const struct ring_setup *setup)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	FUZZ_CHECK(ring != NULL);
	ring->now_ns = UINT64_C(1000000000);
	for (uint32_t i = 0; i < RING_NODES; i++)
		node_create(ring, i, setup);
	return ring;
}

void ring_destroy(struct ring *ring)
{
	while (ring->count > 0)
		frame_unref(take(ring).frame);
	for (uint32_t i = 0; i < HISTORY; i++)
		frame_unref(ring->history[i]);
	for (uint32_t i = 0; i < RING_NODES; i++)
		totem_engine_destroy(ring->nodes[i].engine);
	for (uint32_t i = 0; i < RING_NODES; i++) {
		struct frame_pool_usage usage;

		frame_pool_usage(ring->nodes[i].pool, &usage);
		FUZZ_CHECK(usage.frames == 0 && usage.bytes == 0);
		FUZZ_CHECK(usage.refused == 0);
		frame_pool_destroy(ring->nodes[i].pool);
	}
	free(ring);
}

/* --- running --- */

void ring_link_up(struct ring *ring, uint32_t node)
{
	totem_engine_transport(ring->nodes[node].engine, ring->now_ns, TOTEM_EVENT_LINK_UP, 0);
}

void ring_cut(struct ring *ring, uint32_t node, bool is_cut) { ring->nodes[node].is_cut = is_cut; }

enum totem_state ring_state(const struct ring *ring, uint32_t node)
{
	return totem_engine_state(ring->nodes[node].engine);
}

const struct ring_id *ring_of(const struct ring *ring, uint32_t node)
{
	return totem_engine_ring(ring->nodes[node].engine);
}

const struct ring_counts *ring_counts(const struct ring *ring) { return &ring->counts; }

static void receive(struct ring *ring, uint32_t to, struct coterie_frame *const *frames, size_t count)
{
	for (size_t taken = 0; taken < count;)
		taken += totem_engine_receive(ring->nodes[to].engine, ring->now_ns, frames + taken, count - taken);
}

/* Hand all packets that arrive at the next node now to its engine, as one batch. */
static void arrive(struct ring *ring)
{
	struct coterie_frame *frames[BATCH_MAX];
	struct arrival first = take(ring);
	size_t count = 0;

	ring->now_ns = first.at_ns;
	frames[count++] = first.frame;
	while (count < BATCH_MAX && ring->count > 0 && ring->arrivals[ring->first].to == first.to &&
		ring->arrivals[ring->first].at_ns == first.at_ns)
		frames[count++] = take(ring).frame;
	receive(ring, first.to, frames, count);
	while (count > 0)
		frame_unref(frames[--count]);
}

/* Find the node and timer that expire next. @return time; TOTEM_NEVER: none */
static uint64_t next_timer(struct ring *ring, struct node **node, enum totem_timer *timer)
{
	uint64_t at_ns = TOTEM_NEVER;

	for (uint32_t i = 0; i < RING_NODES; i++) {
		for (uint32_t t = 0; t < TOTEM_TIMER_COUNT; t++) {
			if (ring->nodes[i].timers[t] >= at_ns)
				continue;
			at_ns = ring->nodes[i].timers[t];
			*node = &ring->nodes[i];
			*timer = t;
		}
	}
	return at_ns;
}

void ring_step(struct ring *ring)
{
	struct node *node = NULL;
	enum totem_timer timer = TOTEM_TIMER_TOKEN;
	uint64_t at_ns = next_timer(ring, &node, &timer);

	if (ring->count > 0 && ring->arrivals[ring->first].at_ns <= at_ns) {
		arrive(ring);
		return;
	}
	if (at_ns == TOTEM_NEVER) {
		ring->now_ns += DELAY_NS;
		return;
	}
	if (at_ns > ring->now_ns)
		ring->now_ns = at_ns;
	node->timers[timer] = TOTEM_NEVER;
	totem_engine_timeout(node->engine, ring->now_ns, timer);
}

void ring_run(struct ring *ring, uint64_t ns)
{
	uint64_t end_ns = ring->now_ns + ns;

	while (ring->now_ns < end_ns)
		ring_step(ring);
}

bool ring_run_until(struct ring *ring, uint32_t node, enum totem_state state, uint64_t ns)
{
	uint64_t end_ns = ring->now_ns + ns;

	while (ring_state(ring, node) != state && ring->now_ns < end_ns)
		ring_step(ring);
	return ring_state(ring, node) == state;
}

static bool is_together(const struct ring *ring)
{
	for (uint32_t i = 0; i < RING_NODES; i++) {
		const uint32_t *members;

		if (ring_state(ring, i) != TOTEM_OPERATIONAL || !ring_id_equal(ring_of(ring, i), ring_of(ring, 0)) ||
			totem_engine_members(ring->nodes[i].engine, &members) != RING_NODES)
			return false;
	}
	return true;
}

bool ring_run_together(struct ring *ring, uint64_t ns)
{
	uint64_t end_ns = ring->now_ns + ns;

	while (!is_together(ring) && ring->now_ns < end_ns)
		ring_step(ring);
	return is_together(ring);
}

/* --- interference --- */

void ring_inject(struct ring *ring, uint32_t node, const uint8_t *bytes, size_t size)
{
	struct coterie_frame *frame = frame_take(ring->nodes[node].pool, size);

	FUZZ_CHECK(frame != NULL);
	if (size > 0)
		memcpy(frame->data, bytes, size);
	frame->size = (uint32_t)size;
	receive(ring, node, &frame, 1);
	frame_unref(frame);
}

void ring_send(struct ring *ring, uint32_t node, bool is_safe, size_t size)
{
	static const uint8_t bytes[65536] = {1, 0, 1, 0, 'a'};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

	(void)totem_engine_send(ring->nodes[node].engine, ring->now_ns, is_safe ? TOTEM_SAFE : TOTEM_AGREED, &iov, 1);
}

uint8_t *ring_intercept(struct ring *ring, uint32_t *node, size_t *size)
{
	struct arrival arrival;

	if (ring->count == 0)
		return NULL;
	arrival = take(ring);
	FUZZ_CHECK(arrival.frame->size <= INTERCEPTED_MAX);
	memcpy(ring->intercepted, arrival.frame->data, arrival.frame->size);
	*size = arrival.frame->size;
	*node = arrival.to;
	ring->now_ns = arrival.at_ns;
	frame_unref(arrival.frame);
	return ring->intercepted;
}

const uint8_t *ring_history(const struct ring *ring, uint32_t back, size_t *size)
{
	const struct coterie_frame *frame = ring->history[(ring->history_next - 1 - back % HISTORY) % HISTORY];

	if (frame == NULL)
		return NULL;
	*size = frame->size;
	return frame->data;
}
