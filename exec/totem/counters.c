/* SPDX-License-Identifier: BSD-3-Clause */
/* Getters of the engine, and its options. */
#include "exec/totem/state.h"

#include <errno.h>

#define PACKET_OVERHEAD 24u /* an estimate of the bytes of header, lengths and group prefix */
#define PAYLOAD_MIN 128u

enum totem_state totem_engine_state(const struct totem_engine *engine) { return engine->state; }

const struct ring_id *totem_engine_ring(const struct totem_engine *engine) { return &engine->ring; }

uint32_t totem_engine_members(const struct totem_engine *engine, const uint32_t **members)
{
	*members = engine->installed.memb.ids;
	return engine->installed.memb.count;
}

bool totem_engine_is_safe_honoured(const struct totem_engine *engine) { return deliver_is_safe(engine); }

const struct totem_counters *totem_engine_counters(const struct totem_engine *engine) { return &engine->counters; }

void totem_engine_queue(const struct totem_engine *engine, struct totem_queue *queue)
{
	const struct pack_queue *used = queues_used(&engine->queues);
	uint32_t count = pack_queue_count(used);
	uint32_t total = count + pack_queue_free(used);
	uint32_t payload = engine->options.payload_max - PACKET_OVERHEAD;
	/* The process of a Corosync receiver exits if a message and one packet are longer than its buffer. */
	uint64_t peers_max = UNPACK_MESSAGE_SIZE_MAX - engine->options.payload_max;
	uint64_t queue_max = total > 3 ? (uint64_t)(total - 3) * payload : payload;

	*queue = (struct totem_queue){
		.used = count,
		.total = total,
		.wanted = flow_wanted(engine, total),
		.message_size_max = (uint32_t)(queue_max < peers_max ? queue_max : peers_max),
	};
}

void totem_engine_probe(const struct totem_engine *engine, struct totem_probe *probe)
{
	const struct store *store = engine->state == TOTEM_RECOVERY ? &engine->rstore : &engine->store;

	*probe = (struct totem_probe){
		.aru = store->aru,
		.high_seq = store->high_seq,
		.high_delivered = engine->delivery.high,
		.released = store->released,
		.store_count = engine->store.count,
		.recovery_store_count = engine->rstore.count,
		.install_seq = engine->recovery.install_seq,
		.trc = engine->flow.trc,
		.pbl = engine->flow.pbl,
		.window = flow_window_size(engine, &engine->pass.token),
		.queued = pack_queue_count(engine->queues.q_new) + pack_queue_count(engine->queues.q_sync),
		.recovery_queued = engine->owed.count,
		.is_held = place_is_kept(engine->place),
		.is_synchronizing = engine->queues.is_sync_wait,
		.old_ring = engine->installed.ring,
	};
}

bool totem_engine_unheard(const struct totem_engine *engine, uint32_t i, uint32_t *member, uint32_t *node)
{
	for (uint32_t at = 0; at < engine->peers.count; at++) {
		const struct peer *peer = &engine->peers.all[at];

		if (!verdict_stands(peer->backoff.verdict) || i-- > 0)
			continue;
		*member = peer->backoff.accuser;
		*node = peer->id;
		return true;
	}
	return false;
}

/* --- options --- */

static uint64_t milliseconds(uint64_t count) { return count * MILLISECOND_NS; }

void totem_options_defaults(struct totem_options *options, uint32_t nodeid, uint32_t node_count)
{
	/* Durations are cut to whole milliseconds: book configuration, "Timers". */
	uint64_t token = 3000 + (node_count > 2 ? (node_count - 2) * UINT64_C(650) : 0);
	uint64_t retransmit = token * 10 / 42;

	*options = (struct totem_options){
		.nodeid = nodeid,
		.payload_max = 1382, /* so that a full frame of a recovery fits into 1500 bytes */
		.token_ns = milliseconds(token),
		.token_retransmit_ns = milliseconds(retransmit),
		.hold_ns = milliseconds(retransmit * 8 / 10 - 10),
		.join_ns = milliseconds(50),
		.send_join_ns = 0,
		.consensus_ns = milliseconds(token * 12 / 10),
		.merge_ns = milliseconds(200),
		.max_network_delay_ns = milliseconds(50),
		.token_warning_percent = 75,
		.fail_recv_const = 2500,
		.seqno_unchanged_const = 30,
		.window_size = 50,
		.max_messages = 17,
		.miss_count_const = 5,
		.features = WIRE_FEATURE_SAFE,
		.join_crowd = TOTEM_JOIN_CROWD,
		.rotation_target_ns = TOTEM_ROTATION_NS(node_count),
	};
}

static const char *check_times(const struct totem_options *options)
{
	const struct {
		const char *name;
		uint64_t value, least_ms;
	} times[] = {
		{"token_ns", options->token_ns, 30},
		{"token_retransmit_ns", options->token_retransmit_ns, 30},
		{"hold_ns", options->hold_ns, 14},
		{"join_ns", options->join_ns, 30},
		{"consensus_ns", options->consensus_ns, 30},
		{"merge_ns", options->merge_ns, 30},
		{"max_network_delay_ns", options->max_network_delay_ns, 30},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].value < milliseconds(times[i].least_ms) || times[i].value > milliseconds(UINT32_MAX))
			return times[i].name;
	}
	if (options->send_join_ns > milliseconds(UINT32_MAX))
		return "send_join_ns";
	return options->consensus_ns < options->join_ns ? "consensus_ns" : NULL;
}

static const char *check_nodes(const struct totem_options *options)
{
	bool has_own = options->node_count == 0;

	if (options->nodeid == 0)
		return "nodeid";
	if (options->node_count > WIRE_NODES_MAX)
		return "node_count";
	for (uint32_t i = 0; i < options->node_count; i++) {
		if (options->nodes[i] == 0)
			return "nodes";
		has_own |= options->nodes[i] == options->nodeid;
	}
	return has_own ? NULL : "nodes";
}

int totem_options_check(const struct totem_options *options, const char **which)
{
	*which = check_nodes(options);
	if (*which == NULL)
		*which = check_times(options);
	if (*which == NULL && (options->payload_max < PAYLOAD_MIN ||
				      options->payload_max > WIRE_FRAME_SIZE_MAX - 2 * WIRE_MCAST_HEADER_SIZE))
		*which = "payload_max";
	if (*which == NULL && options->token_warning_percent > 100)
		*which = "token_warning_percent";
	if (*which == NULL && (options->window_size < 1 || options->window_size > WINDOW_MAX))
		*which = "window_size";
	if (*which == NULL && (options->max_messages < 1 || options->max_messages > WINDOW_MAX))
		*which = "max_messages";
	if (*which == NULL && options->ring_seq >= TOTEM_RING_SEQ_END)
		*which = "ring_seq";
	return *which == NULL ? 0 : -EINVAL;
}
