/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/step.h"

#include "tests/sim/check_lease.h"
#include "tests/sim/check_ring.h"
#include "tests/sim/node.h"
#include "tests/sim/outbox.h"
#include "tests/sim/sim.h"

#define PAUSE_GRACE_NS MS(20)

/* Return the smallest capacity of the ring's members, or 0 if a member does not know its own. */
static uint32_t smallest_socket(const struct sim *sim, const struct ring_record *ring)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct totem_options *options = &sim->nodes[i].options;
		uint32_t capacity = options->features == 0 ? 0 : options->capacity;

		if ((ring->members & BIT(i)) != 0 && capacity < least)
			least = capacity;
	}
	return least;
}

/* Return how many rotations' frames can wait in a socket: 2 if tokens may be sent before frames, otherwise 1. */
static uint32_t rotations_of(const struct sim *sim, const struct ring_record *ring, uint32_t least)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if ((ring->members & BIT(i)) != 0 && (sim->nodes[i].options.features & WIRE_FEATURE_EARLY) == 0)
			return 1;
	return least >= 256 ? 2 : 1;
}

uint32_t step_window_max(const struct node *node)
{
	const struct ring_record *ring = history_find_ring(&node->sim->history, totem_engine_ring(node->engine));
	uint32_t least = ring == NULL ? 0 : smallest_socket(node->sim, ring);

	if (least == 0)
		return 0;

	uint32_t rotations = rotations_of(node->sim, ring, least);
	uint32_t beyond = ring->member_count * rotations;
	uint32_t margin = beyond > 32 ? beyond : 32;

	least = least * 9 / 10;
	least = least > margin + rotations ? (least - margin) / rotations : 1;
	return least < 4096 ? least : 4096;
}

/* I7: return the window that the sockets of the node's ring allow, plus one frame for each member. */
static uint32_t adaptive_window(const struct node *node)
{
	uint32_t window = step_window_max(node);

	if (window == 0)
		return 0;
	return window + history_find_ring(&node->sim->history, totem_engine_ring(node->engine))->member_count;
}

uint32_t step_window(const struct node *node)
{
	uint32_t window = adaptive_window(node);

	return window != 0 ? window : node->sim->window_size;
}

static void note_fullest(struct sim *sim, uint32_t fcc)
{
	bool is_wider = true;

	for (uint32_t i = 0; i < sim->node_count; i++)
		is_wider = is_wider && fcc > sim->nodes[i].options.window_size;
	sim->has_wider |= is_wider;
	if (fcc > sim->fullest)
		sim->fullest = fcc;
}

void step_token_accepted(struct node *node)
{
	uint32_t window = adaptive_window(node);

	node->step_accepted = true;
	node->step_allowed = window != 0 ? window : node->options.max_messages;
}

void step_token_sent(struct node *node, uint32_t fcc, uint32_t backlog)
{
	node->step_token_sent = true;
	node->step_fcc = fcc;
	node->step_backlog = backlog;
	note_fullest(node->sim, fcc);
}

void step_begin(struct node *node)
{
	node->step_frames = node->came_back = 0;
	node->step_token_sent = node->step_accepted = node->step_installed = false;
	node->sim->steps++;
}

/* I6, I8: compare the engine's numbers with the sums over the members, if all of them are in this ring. */
static void check_sums(struct node *node, const struct ring_record *ring, enum totem_state state)
{
	struct sim *sim = node->sim;
	uint32_t fcc = 0, backlog = 0, queued = 0;
	bool is_together = true;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct node *member = &sim->nodes[i];
		struct totem_probe probe;

		if ((ring->members & BIT(i)) == 0)
			continue;
		if (!node_is_up(member) || !ring_id_equal(totem_engine_ring(member->engine), &ring->id)) {
			is_together = false;
			continue;
		}
		totem_engine_probe(member->engine, &probe);
		is_together = is_together && totem_engine_state(member->engine) == state;
		fcc += probe.trc;
		backlog += probe.pbl;
		queued += probe.recovery_queued;
	}
	if (node->step_installed && state == TOTEM_OPERATIONAL) /* not late, in another attempt */
		rings_recovered(&sim->history, node->life, ring, queued);
	if (node->step_token_sent && node->step_accepted && is_together && state == TOTEM_OPERATIONAL &&
		!node->step_installed && !ring->is_plain)
		rings_summed(&sim->history, node->life, ring, node->step_fcc, fcc, node->step_backlog, backlog);
}

void step_end(struct node *node)
{
	struct sim *sim = node->sim;
	struct totem_probe probe;
	uint32_t armed = 0;

	if (node->is_dying) {
		node_crash(node, "crashed in that step");
		return;
	}

	enum totem_state state = totem_engine_state(node->engine);
	const struct ring_id *id = totem_engine_ring(node->engine);
	const struct ring_record *ring = history_find_ring(&sim->history, id);

	totem_engine_probe(node->engine, &probe);
	rings_probed(&sim->history, node->life, state, id, &probe);
	for (int timer = 0; timer < TOTEM_TIMER_COUNT; timer++)
		if (node->deadline_ns[timer] != TOTEM_NEVER)
			armed |= 1u << timer;
	/* After a pause the token may wait in the inbox, so a longer token timeout is allowed to run. */
	if (node->paused_ns != 0 && sim->clock.now_ns < node->paused_ns + PAUSE_GRACE_NS)
		armed |= 1u << TOTEM_TIMER_TOKEN;
	rings_timers(&sim->history, node->life, state, armed);
	if (node->step_accepted)
		rings_visited(&sim->history, node->life, node->step_frames, node->step_allowed);
	outbox_judge(node);
	if (ring != NULL && (node->step_token_sent || node->step_installed))
		check_sums(node, ring, state);
	lease_check(node);
}
