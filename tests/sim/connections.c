/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/connections.h"

#include "tests/sim/sim.h"

static bool is_reached(const struct sim *sim, uint32_t one, uint32_t other)
{
	return !sim->net.cut[one][other] && !sim->net.cut[other][one];
}

static uint64_t trip_ns(const struct sim *sim) { return 2 * sim->net.delay_max_ns; }

void connections_watch(struct node *node, uint32_t id)
{
	struct sim *sim = node->sim;
	uint32_t to = id == 0 ? SIM_NODES_MAX : history_node(&sim->history, id);

	if (!sim->has_connections)
		return;
	/* The node closes its old connection with a goodbye, since it now watches another node. */
	if (node->watched < SIM_NODES_MAX && node->watched != to && node->is_connected) {
		node->is_connected = false;
		clock_add(&sim->clock, sim->clock.now_ns + trip_ns(sim), SIM_CLOSED, node->watched, NULL,
			node->index | CONNECTION_GOODBYE);
		clock_add(&sim->clock, sim->clock.now_ns, SIM_CLOSED, node->index, NULL,
			node->watched | CONNECTION_GOODBYE);
	}
	node->watched = to;
	if (to < SIM_NODES_MAX && !node->is_connected)
		clock_add(&sim->clock, sim->clock.now_ns + trip_ns(sim), SIM_CONNECT, node->index, NULL, to);
}

void connections_made(struct node *node, uint32_t to)
{
	struct sim *sim = node->sim;
	struct node *other = &sim->nodes[to];

	if (node->watched != to || node->is_connected || !node_is_up(node) || !node_is_up(other) || node->is_paused ||
		other->is_paused || !is_reached(sim, node->index, to))
		return;
	node->is_connected = true;
	node_event(node, TOTEM_EVENT_WATCH_ON, other->id);
	if (node_is_up(node) && node_is_up(other))
		node_event(other, TOTEM_EVENT_WATCH_ON, node->id);
}

void connections_ended(struct node *node, uint32_t value)
{
	bool is_goodbye = (value & CONNECTION_GOODBYE) != 0;
	uint32_t of = value & ~CONNECTION_GOODBYE;

	node_event(node, is_goodbye ? TOTEM_EVENT_WATCH_OFF : TOTEM_EVENT_WATCH_CLOSED, node->sim->ids[of]);
}

static void tell(struct sim *sim, uint32_t node, uint32_t of)
{
	if (is_reached(sim, node, of))
		clock_add(&sim->clock, sim->clock.now_ns + trip_ns(sim) / 2, SIM_CLOSED, node, NULL, of);
}

void connections_close(struct node *node)
{
	struct sim *sim = node->sim;

	for (uint32_t i = 0; i < sim->node_count; i++) {
		struct node *other = &sim->nodes[i];

		if (other != node && other->is_connected && other->watched == node->index) {
			other->is_connected = false;
			tell(sim, i, node->index);
		}
	}
	if (node->is_connected)
		tell(sim, node->watched, node->index);
	node->is_connected = false;
	node->watched = SIM_NODES_MAX;
}
