/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/outbox.h"

#include "tests/sim/check_ring.h"
#include "tests/sim/clock_fault.h"
#include "tests/sim/sim.h"

/* Return whether frames of this ring are counted. A ring of one need not send its frames. */
static bool is_counted(const struct ring_record *ring) { return ring != NULL && ring->member_count > 1; }

/* Return the simulated time without the time for which the node was suspended. */
static uint64_t awake_ns(const struct node *node) { return node->sim->clock.now_ns - node->clock.suspended_ns; }

void outbox_add(struct node *node, const struct ring_record *ring)
{
	struct outbox *outbox = &node->outbox;

	if (!is_counted(ring))
		return;
	if (outbox->count == 0) {
		outbox->since_ns = awake_ns(node);
		outbox->joined = 0;
	} else if (outbox->step != node->sim->steps) {
		node->sim->gathered += outbox->count - outbox->joined;
		outbox->joined = outbox->count;
	}
	outbox->step = node->sim->steps;
	outbox->count++;
}

void outbox_take(struct node *node, const struct ring_record *ring)
{
	if (is_counted(ring) && node->outbox.count > 0)
		node->outbox.count--;
}

void outbox_judge(struct node *node)
{
	const struct sim *sim = node->sim;
	uint64_t gather_ns = node->options.gather_ns;
	bool may_wait = !node->step_token_sent && node->deadline_ns[TOTEM_TIMER_HOLD] <= node_local_ns(node);

	/* Not checked for a paused node, which has no turns. */
	if (!node->is_paused)
		rings_kept_back(&node->sim->history, node->life, node->outbox.count, may_wait,
			awake_ns(node) - node->outbox.since_ns, gather_ns + CLOCK_DRIFT_NS(gather_ns) + sim->turn_ns);
}
