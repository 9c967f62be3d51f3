/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/check_lease.h"

#include "tests/sim/check_evs.h"
#include "tests/sim/clock_fault.h"
#include "tests/sim/sim.h"

bool lease_is_serving(const struct node *node)
{
	/* After a suspend the first request is refused, and then the engine is told. */
	return node_is_up(node) && !node->is_paused && !node_was_suspended(node) &&
	       totem_engine_has_lease(node->engine, node_local_ns(node));
}

static bool is_majority(const struct sim *sim, uint64_t members)
{
	uint32_t votes = 0;

	for (uint32_t i = 0; i < sim->node_count; i++)
		votes += (members & BIT(i)) != 0 ? sim->votes[i] : 0;
	return votes >= sim->votes_needed;
}

/*
 * Return whether a member of `theirs` waited for the lease of the members of `ring`. Two majorities share a member,
 * which waits for the leases of the members of its last ring. A daemon that has restarted since then knows no lease.
 */
static bool has_promised(const struct sim *sim, const struct ring_record *ring, const struct ring_record *theirs)
{
	for (uint32_t i = 0; i < sim->node_count; i++)
		if ((ring->members & theirs->members & BIT(i)) != 0 && ring->lives[i] != NULL &&
			ring->lives[i] == theirs->lives[i])
			return true;
	return false;
}

/* Return whether a majority without `node` was installed after `ring`, and a member of it serves. */
static bool has_successor(const struct node *node, const struct ring_record *ring)
{
	const struct sim *sim = node->sim;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		const struct node *other = &sim->nodes[i];

		if (other == node || !node_is_up(other) || other->life->members == 0)
			continue;

		const struct ring_record *theirs = evs_ring(other->life);

		if (theirs != NULL && theirs->id.seq > ring->id.seq && !theirs->is_plain &&
			is_majority(sim, other->life->members) && (other->life->members & BIT(node->index)) == 0 &&
			has_promised(sim, ring, theirs) && lease_is_serving(other))
			return true;
	}
	return false;
}

/*
 * S1: check that the node does not serve while a majority without it may serve. Not checked if a member of the node's
 * ring acts like Corosync, or the node does: these grant no lease and wait for none. Forged packets and lost storage
 * are excused, as in all checks.
 */
static void check_alone(struct node *node)
{
	const struct ring_record *ring = node->life->members == 0 ? NULL : evs_ring(node->life);

	if (ring == NULL || ring->is_plain || node->options.features == 0 ||
		!is_majority(node->sim, node->life->members) || !lease_is_serving(node) || !has_successor(node, ring))
		return;
	report_violation(&node->sim->report, "S1", BIT(node->index), &ring->id,
		"node %u serves in a configuration that a majority has left without it", node->id);
}

/*
 * S2: check that a node of a quorate ring that holds the lease has been in contact with a majority of the votes. A member's
 * contact with all others is a token that it has sent on and that came back. It may have been held on the way, or late by
 * a sixteenth of the lease. A clock may be too fast or too slow by CLOCK_DRIFT_PPM, before and after it was set.
 */
static void check_contact(struct node *node)
{
	const struct sim *sim = node->sim;
	uint64_t lease_ns = totem_engine_lease(node->engine);
	uint64_t within_ns = lease_ns + lease_ns / 16 + node->options.hold_ns;

	within_ns += CLOCK_DRIFT_NS(within_ns);
	if (__builtin_popcountll(node->life->members) < 2 || !is_majority(sim, node->life->members) ||
		!lease_is_serving(node))
		return;

	uint64_t heard = contact_within(node, within_ns) & node->life->members;

	if (!is_majority(sim, heard))
		report_violation(&node->sim->report, "S2", BIT(node->index), NULL,
			"node %u holds the lease, but in the last %.3f s it was in contact with %d of %d members only",
			node->id, (double)within_ns / 1e9, __builtin_popcountll(heard),
			__builtin_popcountll(node->life->members));
}

/* The node has installed a configuration: check that no node outside of it still serves. */
static void check_others(struct node *node)
{
	for (uint32_t i = 0; i < node->sim->node_count; i++) {
		struct node *other = &node->sim->nodes[i];

		if (other != node && node_is_up(other))
			check_alone(other);
	}
}

void lease_check(struct node *node)
{
	if (!node_is_up(node))
		return;
	if (node->step_installed)
		check_others(node);
	check_alone(node);
	check_contact(node);
}
