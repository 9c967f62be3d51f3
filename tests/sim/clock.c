/* SPDX-License-Identifier: BSD-3-Clause */
/* A binary heap of events, and splitmix64 (Steele, Lea, Flood 2014) for chance. */
#include "tests/sim/clock.h"

#include <stdlib.h>

uint64_t random_next(struct sim_random *random)
{
	uint64_t z = random->state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

uint64_t random_below(struct sim_random *random, uint64_t end)
{
	/* The remainder favours some values slightly, which does not matter for a simulation. */
	return random_next(random) % end;
}

uint64_t random_between(struct sim_random *random, uint64_t low, uint64_t high)
{
	return low + random_below(random, high - low + 1);
}

bool random_chance(struct sim_random *random, uint32_t per_10000)
{
	return per_10000 != 0 && random_below(random, 10000) < per_10000;
}

void clock_fini(struct clock *clock)
{
	free(clock->heap);
	*clock = (struct clock){0};
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void clock_add(struct clock *clock, uint64_t at_ns, enum sim_event_kind kind, uint32_t node, void *what, uint64_t value)
{
	if (clock->count == clock->capacity) {
		clock->capacity = clock->capacity == 0 ? 256 : clock->capacity * 2;
		clock->heap = realloc(clock->heap, clock->capacity * sizeof(*clock->heap));
		if (clock->heap == NULL)
			abort();
	}
	struct sim_event event = {
		.at_ns = at_ns < clock->now_ns ? clock->now_ns : at_ns,
		.order = clock->order++,
		.what = what,
		.value = value,
		.kind = kind,
		.node = node,
	};
	size_t at = clock->count++;

	for (; at > 0 && is_before(&event, &clock->heap[(at - 1) / 2]); at = (at - 1) / 2)
		clock->heap[at] = clock->heap[(at - 1) / 2];
	clock->heap[at] = event;
}

bool clock_next(struct clock *clock, uint64_t end_ns, struct sim_event *event)
{
	if (clock->count == 0 || clock->heap[0].at_ns > end_ns)
		return false;
	*event = clock->heap[0];
	clock->now_ns = event->at_ns;

	struct sim_event last = clock->heap[--clock->count];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < clock->count; at = child) {
		if (child + 1 < clock->count && is_before(&clock->heap[child + 1], &clock->heap[child]))
			child++;
		if (!is_before(&clock->heap[child], &last))
			break;
		clock->heap[at] = clock->heap[child];
	}
	if (clock->count > 0)
		clock->heap[at] = last;
	return true;
}
