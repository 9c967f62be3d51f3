/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of other nodes, and the back-off: book failure, "Back-off". */
#include "exec/totem/peer.h"

#include <string.h>

#include "exec/totem/state.h"

#define STALE_JOINS_MAX 3u

/* Return the index of id, or the index at which it must be inserted. */
static uint32_t place_of(const struct totem_engine *engine, uint32_t id)
{
	uint32_t low = 0;
	uint32_t high = engine->peers.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (engine->peers.all[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct peer *peer_find(const struct totem_engine *engine, uint32_t id)
{
	uint32_t at = place_of(engine, id);

	return at < engine->peers.count && engine->peers.all[at].id == id ? &engine->peers.all[at] : NULL;
}

static void remove_at(struct totem_engine *engine, uint32_t at)
{
	engine->peers.count--;
	memmove(&engine->peers.all[at], &engine->peers.all[at + 1],
		(engine->peers.count - at) * sizeof(engine->peers.all[0]));
}

/* Forget a node that is neither a member nor a candidate. */
static bool make_room(struct totem_engine *engine)
{
	for (uint32_t i = 0; i < engine->peers.count; i++) {
		uint32_t id = engine->peers.all[i].id;

		if (!node_set_has(&engine->installed.memb, id) && !node_set_has(&engine->lists.proc, id)) {
			remove_at(engine, i);
			return true;
		}
	}
	return false;
}

struct peer *peer_get(struct totem_engine *engine, uint32_t id)
{
	struct peer *peer = peer_find(engine, id);

	if (peer != NULL)
		return peer;
	if (!core_knows(engine, id))
		return NULL;
	if (engine->peers.count == WIRE_NODES_MAX && !make_room(engine))
		return NULL;

	uint32_t at = place_of(engine, id);

	memmove(&engine->peers.all[at + 1], &engine->peers.all[at],
		(engine->peers.count - at) * sizeof(engine->peers.all[0]));
	engine->peers.count++;
	engine->peers.all[at] = (struct peer){.id = id};
	return &engine->peers.all[at];
}

bool peer_is_stale(struct totem_engine *engine, struct peer *peer, uint64_t ring_seq)
{
	/*
	 * A member has committed to this ring. So its joins have at least the seq of this ring, whatever a forged join
	 * had. If the member restarted without its storage, the token is lost, and this node leaves OPERATIONAL.
	 */
	if (engine->state == TOTEM_OPERATIONAL && node_set_has(&engine->installed.memb, peer->id)) {
		if (ring_seq < engine->ring.seq)
			return true;
		peer->join_seq = engine->ring.seq;
	}
	if (ring_seq >= peer->join_seq) {
		if (ring_seq > peer->join_seq)
			peer->returned_ns = engine->now_ns;
		peer->join_seq = ring_seq;
		peer->stale_count = 0;
		return false;
	}
	/* Late packets stop after a while. A node that lost its storage keeps on sending. */
	if (peer->stale_count == 0)
		peer->stale_since_ns = engine->now_ns;
	peer->stale_count++;
	if (peer->stale_count < STALE_JOINS_MAX || engine->now_ns - peer->stale_since_ns < 2 * engine->options.join_ns)
		return true;
	peer->join_seq = ring_seq;
	peer->stale_count = 0;
	return false;
}

bool peer_was_restored(const struct totem_engine *engine, const struct peer *peer)
{
	return peer != NULL && peer->restored_episode == engine->gather.episode;
}

bool peer_has_probes(const struct totem_engine *engine, const struct peer *peer)
{
	uint64_t features = peer->features;

	/* A forged join may hide what a member can do. */
	if (node_set_has(&engine->installed.memb, peer->id))
		features |= peer->member_features;
	return (engine->options.features & features & WIRE_FEATURE_PROBE) != 0;
}
