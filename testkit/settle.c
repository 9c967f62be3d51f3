/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings that have settled. The configurations of the nodes do not show it: a node that forms a ring still has its last
 * one. And a token that a partition has lost is missed only later, maybe when the partition has ended already. So the
 * kit notes the time of the last disturbance. That is a fault or its end, a new ring, or a node that forms a ring or
 * synchronises. The rings have settled when two things have happened since:
 *
 * - Each node has accepted the token. So the token is not lost, and all timers of its loss have started again.
 * - All packets that were under way have arrived. One of them may be a join, or be of another ring.
 */
#include "exec/ring/ring.h"
#include "exec/sync/sync.h"
#include "testkit/kit.h"

void kit_disturb(struct testkit *kit) { kit->disturbed_ns = kit->clock.now_ns; }

static const struct totem_engine *engine_of(const struct kit_node *node)
{
	return node->executive.ring != NULL ? ring_engine(node->executive.ring) : NULL;
}

/* Return whether the node is neither forming a ring, nor synchronising, nor stopping. */
static bool is_steady(const struct kit_node *node)
{
	const struct totem_engine *engine = engine_of(node);

	return engine != NULL && totem_engine_state(engine) == TOTEM_OPERATIONAL && !node->executive.is_stopping &&
	       testkit_is_synchronized(node->kit, node->id);
}

void settle_note(struct kit_node *node)
{
	const struct totem_engine *engine = engine_of(node);

	if (engine == NULL)
		return;
	const struct ring_id *ring = totem_engine_ring(engine);
	uint64_t token_own_ns = totem_engine_counters(engine)->token_last_ns;
	if (!is_steady(node) || !ring_id_equal(ring, &node->ring)) {
		node->ring = *ring;
		node->unsteady_ns = node->kit->clock.now_ns;
	}
	if (token_own_ns != node->token_own_ns) {
		node->token_own_ns = token_own_ns;
		node->token_ns = node->kit->clock.now_ns;
	}
}

bool kit_keeps_out(const struct testkit *kit)
{
	uint32_t member, unheard;

	for (uint32_t i = 0; i < kit->node_count; i++) {
		const struct totem_engine *engine = kit->nodes[i].is_up ? engine_of(&kit->nodes[i]) : NULL;

		if (engine != NULL && totem_engine_unheard(engine, 0, &member, &unheard))
			return true;
	}
	return false;
}

/* Return whether two nodes hear each other. A transport under test takes no part in partitions. */
static bool hears(const struct testkit *kit, uint32_t a, uint32_t b)
{
	return kit->transport != NULL || (!kit->net.cut[a][b] && !kit->net.cut[b][a]);
}

/* Return whether the node's ring consists of the nodes that it hears, and all of them have this ring. */
static bool is_complete(const struct testkit *kit, const struct kit_node *node)
{
	uint32_t ids[TESTKIT_NODES_MAX], count = testkit_members(kit, node->id, ids, TESTKIT_NODES_MAX), heard = 0;

	for (uint32_t i = 0; i < kit->node_count; i++)
		heard += kit->nodes[i].is_up && hears(kit, node->index, i);
	for (uint32_t i = 0; i < count; i++) {
		const struct kit_node *member = kit_node_of(kit, ids[i]);

		if (member == NULL || !member->is_up || !hears(kit, node->index, member->index) ||
			!ring_id_equal(&member->ring, &node->ring))
			return false;
	}
	return count == heard;
}

/* Return whether a packet that was sent until since_ns is on its way, or the news of the end of a connection. */
static bool has_old_packets(const struct testkit *kit, uint64_t since_ns)
{
	for (size_t i = 0; i < kit->clock.count; i++) {
		const struct sim_event *event = &kit->clock.heap[i];
		const struct packet *packet = event->what;

		if (event->kind == SIM_CLOSED)
			return true;
		if ((event->kind == SIM_ARRIVAL || event->kind == SIM_REFUSAL) && packet != NULL &&
			packet->sent_ns <= since_ns)
			return true;
	}
	for (uint32_t i = 0; i < kit->node_count; i++)
		for (uint32_t k = 0; k < kit->nodes[i].inbox_count; k++)
			if (kit->nodes[i].inbox[k]->sent_ns <= since_ns)
				return true;
	return false;
}

static int have_settled(void *arg)
{
	const struct testkit *kit = arg;
	uint64_t since_ns = kit->disturbed_ns;

	for (uint32_t i = 0; i < kit->node_count; i++) {
		const struct kit_node *node = &kit->nodes[i];
		uint64_t last_ns = node->unsteady_ns > node->resume_ns ? node->unsteady_ns : node->resume_ns;

		if (!node->is_up)
			continue;
		if (node->resume_ns > kit->clock.now_ns || !is_steady(node))
			return 0;
		if (since_ns < last_ns)
			since_ns = last_ns;
	}
	for (uint32_t i = 0; i < kit->node_count; i++) {
		const struct kit_node *node = &kit->nodes[i];

		if (node->is_up && (node->token_ns <= since_ns || !is_complete(kit, node)))
			return 0;
	}
	return !has_old_packets(kit, since_ns);
}

int testkit_settle(struct testkit *kit, uint32_t ms) { return testkit_until(kit, ms, have_settled, kit); }
