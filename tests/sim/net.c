/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#include "exec/totem/wire.h"

struct packet *packet_create(const void *bytes, uint32_t size, uint32_t from, uint32_t life)
{
	struct packet *packet = malloc(sizeof(*packet) + size);

	if (packet == NULL)
		abort();
	*packet = (struct packet){.references = 1,
		.size = size,
		.from = from,
		.life = life,
		.to = UINT32_MAX,
		.type = size > 3 ? ((const uint8_t *)bytes)[3] : UINT8_MAX};
	memcpy(packet->bytes, bytes, size);
	return packet;
}

struct packet *packet_ref(struct packet *packet)
{
	packet->references++;
	return packet;
}

void packet_unref(struct packet *packet)
{
	if (packet == NULL || --packet->references > 0)
		return;
	free(packet->contact_ns);
	free(packet);
}

/* Linux reports up to six refusals to a destination at once, later one in a second. */
#define REFUSAL_GAP_NS SECONDS(1)
#define REFUSAL_BURST 6u

void net_refuse(struct net *net, struct packet *packet, uint32_t by)
{
	uint64_t now = net->clock->now_ns, *full = &net->refused_ns[by][packet->from];

	if (net->is_silent || packet->from == by || net->cut[by][packet->from] ||
		(packet->to == UINT32_MAX && !net->refuses_multicasts))
		return;
	if (*full < now)
		*full = now;
	if (*full > now + (REFUSAL_BURST - 1) * REFUSAL_GAP_NS)
		return;
	*full += REFUSAL_GAP_NS;
	net->refusals++;
	clock_add(net->clock, now + random_between(net->random, net->delay_min_ns, net->delay_max_ns), SIM_REFUSAL,
		packet->from, packet_ref(packet), by);
}

/*
 * Queue the packet behind those that the link still sends. @return ns until it has passed, with its wait; UINT64_MAX:
 * lost
 */
static uint64_t pass_link(struct net *net, const struct packet *packet, uint32_t to)
{
	uint64_t now = net->clock->now_ns, *is_free = &net->link_free_ns[packet->from][to];

	if (net->link_bytes_per_ms == 0 || to == packet->from)
		return 0;
	if (*is_free < now)
		*is_free = now;
	if (*is_free - now > net->link_queue_ns)
		return UINT64_MAX;
	*is_free += MS(1) * packet->size / net->link_bytes_per_ms;
	return *is_free - now;
}

static void schedule(struct net *net, struct packet *packet, uint32_t to)
{
	uint64_t at = net->clock->now_ns, link_ns = pass_link(net, packet, to);
	uint64_t *last = &net->last_ns[packet->from][to];

	if (link_ns == UINT64_MAX)
		return;
	at += link_ns + net->link_ns[packet->from][to];
	if (to == packet->from)
		at += US(5); /* time from a node to itself */
	else if (random_chance(net->random, net->late))
		at += random_between(net->random, net->late_min_ns, net->late_max_ns);
	else {
		at += random_between(net->random, net->delay_min_ns, net->delay_max_ns);
		if (!net->reorder && at <= *last)
			at = *last + 1;
		*last = at;
	}
	clock_add(net->clock, at, SIM_ARRIVAL, to, packet_ref(packet), 0);
}

static bool is_frame_lost(const struct net *net, const struct packet *packet, uint32_t to)
{
	return packet->type == WIRE_MCAST &&
	       ((net->frames_lost & BIT(to)) != 0 || (net->frames_unheard & BIT(packet->from)) != 0);
}

static void transmit(struct net *net, struct packet *packet, uint32_t to, bool is_chosen)
{
	if (to != packet->from && (net->cut[packet->from][to] || is_chosen || is_frame_lost(net, packet, to) ||
					  random_chance(net->random, net->loss))) {
		if (net->lost != NULL)
			net->lost(net->arg, packet, to);
		return;
	}
	if (to != packet->from && net->lose_next[packet->from][to] > 0) {
		net->lose_next[packet->from][to]--;
		return;
	}
	if (to != packet->from && net->rejects[packet->from][to]) {
		net_refuse(net, packet, to);
		return;
	}
	if (to != packet->from && net->refuse_next[packet->from][to] > 0) {
		net->refuse_next[packet->from][to]--;
		net_refuse(net, packet, to);
		return;
	}
	schedule(net, packet, to);
	if (to != packet->from && random_chance(net->random, net->duplicate))
		schedule(net, packet, to);
}

/* Count a packet. @return true: it is the one that must be lost */
static bool admit(struct net *net, struct packet *packet)
{
	packet->sent_ns = net->clock->now_ns;
	if (packet->type == WIRE_MERGE_DETECT && packet->size == WIRE_PROBE_SIZE)
		net->probes++;
	else if (packet->type < NET_TYPES)
		net->sent[packet->type]++;

	struct packet **old = &net->old[net->old_count++ % NET_OLD];

	packet_unref(*old);
	*old = packet_ref(packet);
	if (!net->kth_armed || packet->type != net->kth_type || --net->kth_left > 0)
		return false;
	net->kth_armed = false;
	return true;
}

void net_multicast(struct net *net, struct packet *packet)
{
	/* A multicast that must be lost is lost on the way to one receiver, or to all of them. */
	bool is_chosen = admit(net, packet);
	uint32_t victim = is_chosen && random_chance(net->random, 5000)
				  ? (uint32_t)random_below(net->random, net->node_count)
				  : UINT32_MAX;

	for (uint32_t to = 0; to < net->node_count; to++)
		transmit(net, packet, to, is_chosen && (victim == UINT32_MAX || victim == to));
}

void net_unicast(struct net *net, struct packet *packet, uint32_t to)
{
	packet->to = to;
	transmit(net, packet, to, admit(net, packet));
}

void net_calm(struct net *net)
{
	net->loss = net->duplicate = net->late = 0;
	net->reorder = net->kth_armed = false;
	net->frames_lost = net->frames_unheard = 0;
	memset(net->cut, 0, sizeof(net->cut));
	memset(net->rejects, 0, sizeof(net->rejects));
	memset(net->refuse_next, 0, sizeof(net->refuse_next));
	memset(net->lose_next, 0, sizeof(net->lose_next));
	for (size_t i = 0; i < net->clock->count; i++) {
		struct sim_event *event = &net->clock->heap[i];

		if (event->kind == SIM_ARRIVAL && event->at_ns > net->clock->now_ns + net->delay_max_ns) {
			packet_unref(event->what);
			event->what = NULL;
		}
	}
	memset(net->last_ns, 0, sizeof(net->last_ns));
}

void net_fini(struct net *net)
{
	for (uint32_t i = 0; i < NET_OLD; i++)
		packet_unref(net->old[i]);
}
