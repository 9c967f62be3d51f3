/* Packets that no engine sent, or not now. */
#include "tests/sim/forge.h"

#include <string.h>

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

/* Bytes that no receiver may accept, or that name a ring nobody is in. */
void forge_garbage(struct sim *sim)
{
	struct sim_random *random = &sim->random;
	const struct packet *old = old_packet(sim);
	uint8_t bytes[2048];
	uint32_t size = (uint32_t)random_between(random, 0, 200);

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(random);
	if (old != NULL && random_chance(random, 3000)) {
		/* Cut short: a token, join or commit token that lacks its end, a frame its header. */
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

/* A packet of this ring with a few bits turned. */
void forge_packet(struct sim *sim)
{
	const struct packet *old = old_packet(sim);

	if (old == NULL || old->size <= 4)
		return;

	struct packet *packet = packet_create(old->bytes, old->size, old->from, UINT32_MAX);

	for (uint64_t flips = random_between(&sim->random, 1, 4); flips > 0; flips--) {
		/* Fields rather than payload. */
		uint32_t end = packet->size < 120 ? packet->size : 120;

		packet->bytes[random_between(&sim->random, 4, end - 1)] ^=
			(uint8_t)(1u << random_below(&sim->random, 8));
	}
	packet->is_altered = packet->is_forged = true;
	throw_at(sim, packet, old->to == UINT32_MAX ? faults_any_node(sim) : &sim->nodes[old->to]);
}

void forge_replay(struct sim *sim)
{
	struct packet *packet = old_packet(sim);

	if (packet == NULL)
		return;
	/* Tokens come back to whom they were sent: nobody else could tell theirs from this. */
	throw_at(sim, packet_ref(packet),
		packet->to == UINT32_MAX ? faults_any_node(sim) : &sim->nodes[packet->to]);
}
