/* SPDX-License-Identifier: BSD-3-Clause */
/* Simulated time: one queue of events and one generator of random numbers, both determined by the seed. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US(n) ((uint64_t)(n)*1000u)
#define MS(n) ((uint64_t)(n)*1000000u)
#define SECONDS(n) ((uint64_t)(n)*1000000000u)

struct sim_random {
	uint64_t state;
};

uint64_t random_next(struct sim_random *random);
uint64_t random_below(struct sim_random *random, uint64_t end);                  /* 0 .. end - 1; end > 0 */
uint64_t random_between(struct sim_random *random, uint64_t low, uint64_t high); /* both included */
bool random_chance(struct sim_random *random, uint32_t per_10000);

enum sim_event_kind {
	SIM_ARRIVAL, /* packet `what` arrives at `node`. The event holds a reference */
	/*
	 * the host of the node in `value` refuses packet `what`, which is reported to its sender `node`. The event
	 * holds a reference
	 */
	SIM_REFUSAL,
	SIM_WAKE,    /* the node handles the packets in its inbox */
	SIM_TIMER,   /* a timer expires. value: enum totem_timer */
	SIM_TRAFFIC, /* the users of node want to send */
	SIM_FAULT,   /* the next fault of the schedule */
	SIM_RESUME,  /* the node's pause ends */
	SIM_RELIEF,  /* the node has memory again */
	SIM_RESTART, /* the node starts again */
	SIM_LINK_UP, /* the node's link works again */
	SIM_CONNECT, /* the node's connection to the node in `value` is up */
	SIM_CLOSED,  /* the node's connection to the node in `value` has ended: connections.h */
	SIM_CALM,    /* a fault of limited duration ends. value: what ends */
};

struct sim_event {
	uint64_t at_ns;
	uint64_t order; /* order of insertion, which decides between events of the same time */
	void *what;
	uint64_t value;
	enum sim_event_kind kind;
	uint32_t node;
};

struct clock {
	struct sim_event *heap;
	size_t count, capacity;
	uint64_t now_ns;
	uint64_t order;
};

void clock_fini(struct clock *clock); /* the caller frees `what` of events that still wait */
void clock_add(
	struct clock *clock, uint64_t at_ns, enum sim_event_kind kind, uint32_t node, void *what, uint64_t value);
/** Take the next event and move the time to it. false: none waits, or it is later than end_ns. */
bool clock_next(struct clock *clock, uint64_t end_ns, struct sim_event *event);

#endif
