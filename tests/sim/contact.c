/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/contact.h"

#include <stdlib.h>

#include "tests/sim/check_evs.h"
#include "tests/sim/sim.h"

/* Return what the clock of the node showed at a time in the past, if nothing has changed it since then. */
static uint64_t local_ns(const struct node *node, uint64_t at_ns)
{
	uint64_t now_ns = node_boot_ns(node), ago_ns = node->sim->clock.now_ns - at_ns;

	return ago_ns < now_ns ? now_ns - ago_ns : 0;
}

static void note(struct node *node, uint32_t other, uint64_t at_ns)
{
	if (at_ns <= node->contact.at_ns[other])
		return;
	node->contact.at_ns[other] = at_ns;
	node->contact.local_ns[other] = local_ns(node, at_ns);
}

static void note_all(struct node *node)
{
	for (uint32_t i = 0; i < node->sim->node_count; i++)
		note(node, i, node->sim->clock.now_ns);
}

void contact_begin(struct node *node)
{
	node->contact = (struct contact){{0}, {0}};
	note_all(node);
}

void contact_attach(const struct node *node, struct packet *packet)
{
	uint32_t count = node->sim->node_count;

	packet->contact_ns = calloc(count, sizeof(*packet->contact_ns));
	if (packet->contact_ns == NULL)
		abort();
	for (uint32_t i = 0; i < count; i++)
		packet->contact_ns[i] = node->contact.at_ns[i];
	packet->contact_ns[node->index] = node->sim->clock.now_ns;
}

void contact_learn(struct node *node, const struct packet *packet)
{
	if (packet->is_altered || packet->contact_ns == NULL)
		note_all(node);
	else
		for (uint32_t i = 0; i < node->sim->node_count; i++)
			note(node, i, packet->contact_ns[i]);
	/* In a ring with a node like one of Corosync nobody is asked. So the engine counts each packet, also one that is old. */
	const struct ring_record *ring = evs_ring(node->life);

	if (ring == NULL || ring->is_plain)
		note(node, packet->from, node->sim->clock.now_ns);
}

uint64_t contact_within(const struct node *node, uint64_t ns)
{
	uint64_t now_ns = node_boot_ns(node), nodes = BIT(node->index);

	for (uint32_t i = 0; i < node->sim->node_count; i++)
		if (node->contact.local_ns[i] + ns >= now_ns)
			nodes |= BIT(i);
	return nodes;
}
