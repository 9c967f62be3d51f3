/* SPDX-License-Identifier: BSD-3-Clause */
/* Make and send packets that no engine sent, or that an engine sent earlier. */
#include "tests/sim/forge.h"

#include <string.h>

#include "exec/totem/wire.h"
#include "tests/sim/sim.h"

static struct packet *old_packet(struct sim *sim)
{
	uint32_t count = sim->net.old_count < NET_OLD ? sim->net.old_count : NET_OLD;

	return count == 0 ? NULL : sim->net.old[random_below(&sim->random, count)];
}

static void throw_at(struct sim *sim, struct packet *packet, struct node *to)
{
	clock_add(&sim->clock, sim->clock.now_ns + US(10), SIM_ARRIVAL, to->index, packet, 0);
}

/* Send bytes that no receiver may accept, or that name a ring without members. */
void forge_garbage(struct sim *sim)
{
	struct sim_random *random = &sim->random;
	const struct packet *old = old_packet(sim);
	uint8_t bytes[2048];
	uint32_t size = (uint32_t)random_between(random, 0, 200);

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(random);
	if (old != NULL && random_chance(random, 3000)) {
		/*
		 * Shorten a packet: a token, join or commit token without its end, or a frame without its whole header.
		 */
		static const uint8_t shortest[NET_TYPES] = {57, 45, 29, 33, 41, 25};

		size = old->size < sizeof(bytes) ? old->size : sizeof(bytes);
		memcpy(bytes, old->bytes, size);
		if (old->type < NET_TYPES)
			size = (uint32_t)random_below(random, shortest[old->type]);
	} else if (random_chance(random, 8000)) {
		static const uint8_t header[4] = {0x70, 0xC0, 3, 0};

		memcpy(bytes, header, sizeof(header));
		bytes[3] = (uint8_t)random_below(random, 7);
		if (random_chance(random, 3000)) {
			bytes[0] = 0xC0;
			bytes[1] = 0x70;
		}
	}

	struct packet *packet = packet_create(bytes, size, faults_any_node(sim)->index, UINT32_MAX);

	packet->is_altered = true;
	throw_at(sim, packet, faults_any_node(sim));
}

/* Overwrite 4 or 8 bytes of a field with a value that is the limit of some type or rule. */
static void set_field(struct sim *sim, struct packet *packet)
{
	static const uint64_t values[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, UINT64_C(1) << 40,
		(UINT64_C(1) << 62) - 2, UINT64_C(1) << 62, INT64_MAX, UINT64_MAX};
	static const uint8_t fields[NET_TYPES][8] = {
		[WIRE_TOKEN] = {13, 17, 21, 25, 33, 41, 45, 49},
		[WIRE_MCAST] = {5, 13, 17, 25, 29, 41, 45, 53},
		[WIRE_MERGE_DETECT] = {13, 13, 17, 17, 21, 21, 5, 21},
		[WIRE_JOIN] = {5, 13, 25, 25, 25, 33, 37, 41},
		[WIRE_COMMIT_TOKEN] = {13, 17, 21, 21, 33, 41, 45, 57},
		[WIRE_HOLD_CANCEL] = {13, 13, 17, 17, 5, 5, 13, 17},
	};
	uint64_t value = values[random_below(&sim->random, 10)] + random_below(&sim->random, 3) - 1;
	uint32_t at, size = random_chance(&sim->random, 5000) ? 8 : 4;

	if (packet->type >= NET_TYPES)
		return;
	at = fields[packet->type][random_below(&sim->random, 8)];
	if (at + size <= packet->size)
		memcpy(packet->bytes + at, &value, size);
}

/* Send a packet of this ring with a few changed bits, or with a field at its limit. */
void forge_packet(struct sim *sim)
{
	const struct packet *old = old_packet(sim);

	if (old == NULL || old->size <= 4)
		return;

	struct packet *packet = packet_create(old->bytes, old->size, old->from, UINT32_MAX);
	uint64_t flips = random_between(&sim->random, 0, 4);

	if (flips == 0)
		set_field(sim, packet);
	for (; flips > 0; flips--) {
		/* Change bits of fields, which are within the first 120 bytes, rather than of the payload. */
		uint32_t end = packet->size < 120 ? packet->size : 120;

		packet->bytes[random_between(&sim->random, 4, end - 1)] ^= (uint8_t)(1u
										     << random_below(&sim->random, 8));
	}
	packet->is_altered = packet->is_forged = true;
	throw_at(sim, packet, old->to == UINT32_MAX ? faults_any_node(sim) : &sim->nodes[old->to]);
}

void forge_replay(struct sim *sim)
{
	struct packet *packet = old_packet(sim);

	if (packet == NULL)
		return;
	/* An old token is sent only to its former receiver. Another node could not distinguish it from a real token. */
	throw_at(sim, packet_ref(packet), packet->to == UINT32_MAX ? faults_any_node(sim) : &sim->nodes[packet->to]);
}
