/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/wire.h"
#include "tests/sim/check_ring.h"
#include "tests/sim/traffic.h"

static uint64_t hash_bytes(const uint8_t *bytes, size_t size)
{
	uint64_t hash = size * 0x9E3779B97F4A7C15u, word;

	for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, bytes, size);
	hash = (hash ^ word) * 0x94D049BB133111EBu;
	return hash ^ hash >> 29;
}

static void complain(
	struct history *history, struct life *life, const char *property, const struct tap *tap, const char *what)
{
	report_violation(history->report, property, BIT(life->node), &tap->ring,
		"node %u sends a packet of type %u (ring %x.%" PRIx64 " seq %u): %s", history->ids[life->node],
		tap->type, tap->ring.rep, tap->ring.seq, tap->seq, what);
}

/* ------------------------------------------------------------------------------ messages in frames */

/* Return whether the message that has begun may begin again in this ring: book packing, "Reassembly". */
static bool may_restart(const struct message *message, const struct ring_record *ring)
{
	return message->start_ring != ring && !ring->is_plain;
}

/*
 * Find the message to which a part of a packet belongs: the one that it continues or begins again, or the next one to
 * begin.
 */
static struct message *find_part(struct life *life, const struct ring_record *ring, bool swap, const uint8_t *bytes,
	uint32_t size, bool begins, bool ends, int *class)
{
	for (*class = 1; *class >= 0; (*class)--) {
		const struct message_queue *queue = &life->waiting[*class];
		struct message *message = life->partial[*class];
		uint32_t offset = begins ? 0 : life->partial_at[*class];

		if (begins ? message != NULL && !may_restart(message, ring) : message == NULL)
			continue;
		if (message == NULL)
			message = queue->count > 0 ? queue->items[queue->first] : NULL;
		if (message != NULL && (offset + size == traffic_size(message)) == ends &&
			traffic_matches(message, swap, offset, bytes, size))
			return message;
	}
	return NULL;
}

static void take_part(struct history *history, struct life *life, struct message *message, int class,
	struct ring_record *ring, uint32_t at, uint32_t size, bool begins, bool ends, bool is_safe)
{
	if (begins && message != life->partial[class]) {
		life->waiting[class].first++;
		life->waiting[class].count--;
	}
	if (begins) {
		life->partial_at[class] = 0;
		message->start_ring = ring;
		message->is_murky = ring->is_plain && (ring->murky & BIT(life->node)) != 0;
	}
	life->partial[class] = ends ? NULL : message;
	life->partial_at[class] += size;
	if (!ends)
		return;
	message->is_marked_safe = is_safe;
	history_ended(history, message, ring, at);
	if (message->guarantee == 1 && life->is_honoured && !is_safe)
		report_violation(history->report, "D10", BIT(life->node), &ring->id,
			"node %u sends safe message %u in a frame that is not marked safe", history->ids[life->node],
			message->id);
}

static void note_packet(struct tap *tap, const struct wire_packet *packet)
{
	size_t length = strlen(tap->note);

	snprintf(tap->note + length, sizeof(tap->note) - length, ", %u parts, %u-%u", packet->part_count,
		packet->continuation, packet->fragmented);
}

static void read_messages(struct history *history, struct life *life, struct ring_record *ring, uint32_t at,
	const struct wire_mcast *mcast, struct tap *tap)
{
	struct wire_packet packet;
	const uint8_t *bytes;
	bool is_sync = false;

	if (wire_decode_packet(mcast->payload, mcast->payload_size, mcast->is_swapped, &packet) != WIRE_OK) {
		complain(history, life, "W1", tap, "its packet is malformed");
		return;
	}
	note_packet(tap, &packet);
	bytes = packet.data;
	for (uint32_t i = 0; i < packet.part_count; i++) {
		uint32_t size = wire_packet_length(&packet, i);
		bool begins = i > 0 || packet.continuation == 0;
		bool ends = i + 1u < packet.part_count || packet.fragmented == 0;
		int class;
		struct message *message = find_part(life, ring, mcast->is_swapped, bytes, size, begins, ends, &class);

		if (message == NULL) {
			complain(history, life, "W2", tap, "a part is of no message that is due");
			return;
		}
		if (i == 0 && class == 0 && (ring->spoken & BIT(life->node)) == 0) {
			ring->spoken |= BIT(life->node);
			if (!begins)
				ring->murky |= BIT(life->node);
		}
		is_sync = class == 1;
		take_part(history, life, message, class, ring, at, size, begins, ends, mcast->guarantee == 1);
		bytes += size;
	}
	if (packet.fragmented == 0 && !is_sync)
		ring->murky &= ~BIT(life->node);
}

/* Check that the old frame inside a recovery frame has the bytes that were sent in the old ring. */
static void read_inner(struct history *history, struct life *life, struct ring_record *ring, uint32_t at,
	const struct wire_mcast *mcast, const struct tap *tap)
{
	struct wire_header header;
	struct wire_mcast inner;
	uint32_t inner_at;

	if (wire_decode_header(mcast->payload, mcast->payload_size, &header) != WIRE_OK || header.type != WIRE_MCAST ||
		wire_decode_mcast(mcast->payload, mcast->payload_size, &inner) != WIRE_OK || inner.encapsulated != 2) {
		complain(history, life, "W1", tap, "the frame inside is malformed");
		return;
	}

	struct ring_record *old = history_find_ring(history, &inner.ring);

	if (old == NULL || !history_frame(history, old, inner.seq, &inner_at) || !old->frames[inner_at].is_known ||
		old->frames[inner_at].hash != hash_bytes(mcast->payload, mcast->payload_size)) {
		complain(history, life, "I3", tap, "the frame inside was never sent, or differs");
		return;
	}
	ring->frames[at].inner_ring = old;
	ring->frames[at].inner_at = inner_at;
}

static void read_mcast(struct history *history, struct life *life, const uint8_t *bytes, size_t size, struct tap *tap)
{
	struct wire_mcast mcast;
	uint32_t at;

	if (wire_decode_mcast(bytes, size, &mcast) != WIRE_OK) {
		complain(history, life, "W1", tap, "does not decode");
		return;
	}
	tap->ring = mcast.ring;
	tap->seq = mcast.seq;
	tap->originator = history_node(history, mcast.nodeid);
	snprintf(tap->note, sizeof(tap->note), "%s of %u, %zu bytes%s",
		mcast.encapsulated == 1 ? "recovery" : "messages", mcast.nodeid, size,
		mcast.guarantee == 1 ? ", safe" : "");

	struct ring_record *ring = history_find_ring(history, &mcast.ring);

	if (ring == NULL || tap->originator == SIM_NODES_MAX || mcast.system_from != mcast.nodeid ||
		!history_frame(history, ring, mcast.seq, &at)) {
		complain(history, life, "W1", tap, "of a ring or an originator that does not exist");
		return;
	}
	rings_named(history, life, mcast.ring.seq, "a frame");
	tap->is_new = rings_frame_sent(
		history, life, ring, at, tap->originator, hash_bytes(bytes, size), mcast.encapsulated == 2);
	if (!tap->is_new)
		return;
	if (mcast.encapsulated == 2)
		read_messages(history, life, ring, at, &mcast, tap);
	else
		read_inner(history, life, ring, at, &mcast, tap);
}

/* ---------------------------------------------------------------------------------------- the rest */

static void read_token(struct history *history, struct life *life, uint32_t window_size, const uint8_t *bytes,
	size_t size, struct tap *tap)
{
	struct wire_token token;

	if (wire_decode_token(bytes, size, &token) != WIRE_OK) {
		complain(history, life, "W1", tap, "does not decode");
		return;
	}
	tap->ring = token.ring;
	tap->seq = token.token_seq;
	tap->aru = token.aru;
	tap->token_seq_high = token.seq;
	tap->fcc = token.fcc;
	tap->backlog = token.backlog;
	snprintf(tap->note, sizeof(tap->note), "high %u aru %u by %u fcc %u rtr %u flg %u", token.seq, token.aru,
		token.aru_addr, token.fcc, token.rtr_count, token.retrans_flg);

	struct ring_record *ring = history_find_ring(history, &token.ring);

	if (ring == NULL || token.nodeid != history->ids[life->node]) {
		complain(history, life, "W1", tap, "of a ring that does not exist, or not signed");
		return;
	}
	rings_named(history, life, token.ring.seq, "a token");
	rings_token_sent(history, life, ring, &token, hash_bytes(bytes, size), window_size);
}

static void read_commit(
	struct history *history, struct life *life, uint64_t now_ns, const uint8_t *bytes, size_t size, struct tap *tap)
{
	struct wire_commit_token commit;
	uint64_t members = 0;

	if (wire_decode_commit_token(bytes, size, &commit) != WIRE_OK) {
		complain(history, life, "W1", tap, "does not decode");
		return;
	}
	tap->ring = commit.ring;
	tap->seq = commit.memb_index;
	snprintf(tap->note, sizeof(tap->note), "index %u of %u", commit.memb_index, commit.count);
	for (uint32_t i = 0; i < commit.count; i++) {
		uint32_t node = history_node(history, wire_commit_addr(&commit, i));

		if (node == SIM_NODES_MAX) {
			complain(history, life, "W1", tap, "names a node that does not exist");
			return;
		}
		members |= BIT(node);
	}

	struct ring_record *ring = history_find_ring(history, &commit.ring);
	bool is_ours = commit.ring.rep == history->ids[life->node];

	if (ring != NULL && is_ours && ring->creator != life->number)
		rings_id_again(history, life, ring);
	if (ring == NULL || (is_ours && ring->creator != life->number))
		ring = history_create_ring(history, &commit.ring, life, members, now_ns);
	rings_named(history, life, commit.ring.seq, "a commit token");
	rings_commit_sent(history, life, ring, &commit);
}

static uint64_t mask_of(const struct history *history, uint32_t id)
{
	uint32_t node = history_node(history, id);

	return node == SIM_NODES_MAX ? 0 : BIT(node);
}

static void read_join(struct history *history, struct life *life, const uint8_t *bytes, size_t size, struct tap *tap)
{
	struct wire_join join;
	int length;

	if (wire_decode_join(bytes, size, &join) != WIRE_OK) {
		complain(history, life, "W1", tap, "does not decode");
		return;
	}
	length = snprintf(tap->note, sizeof(tap->note), "%s%" PRIx64 " proc", join.header_nodeid == 0 ? "LEAVE " : "",
		join.ring_seq);
	for (uint32_t i = 0; i < join.proc_count && length < (int)sizeof(tap->note) - 20; i++)
		length += snprintf(
			tap->note + length, sizeof(tap->note) - (size_t)length, " %u", wire_join_proc(&join, i));
	length += snprintf(tap->note + length, sizeof(tap->note) - (size_t)length, " failed");
	for (uint32_t i = 0; i < join.failed_count && length < (int)sizeof(tap->note) - 12; i++)
		length += snprintf(
			tap->note + length, sizeof(tap->note) - (size_t)length, " %u", wire_join_failed(&join, i));
	life->wanted = 0;
	for (uint32_t i = 0; i < join.proc_count; i++)
		life->wanted |= mask_of(history, wire_join_proc(&join, i));
	for (uint32_t i = 0; i < join.failed_count; i++)
		life->wanted &= ~mask_of(history, wire_join_failed(&join, i));
	if (join.system_from != history->ids[life->node])
		complain(history, life, "W1", tap, "a join in another's name");
	rings_named(history, life, join.ring_seq, "a join");
}

static void read_small(struct history *history, struct life *life, const uint8_t *bytes, size_t size, struct tap *tap)
{
	struct wire_merge_detect merge;
	struct wire_hold_cancel cancel;

	if (tap->type == WIRE_MERGE_DETECT && wire_decode_merge_detect(bytes, size, &merge) == WIRE_OK &&
		merge.system_from == history->ids[life->node]) {
		tap->ring = merge.ring;
	} else if (tap->type == WIRE_HOLD_CANCEL && wire_decode_hold_cancel(bytes, size, &cancel) == WIRE_OK) {
		tap->ring = cancel.ring;
	} else {
		complain(history, life, "W1", tap, "does not decode, or in another's name");
		return;
	}
	rings_named(history, life, tap->ring.seq, "a merge detect or hold cancel");
}

void tap_packet(struct history *history, struct life *life, bool swap, uint32_t window_size, uint64_t now_ns,
	const uint8_t *bytes, size_t size, struct tap *tap)
{
	struct wire_header header;

	*tap = (struct tap){.type = UINT8_MAX};
	if (wire_decode_header(bytes, size, &header) != WIRE_OK || header.is_swapped != swap) {
		/* Retransmitted frames keep their originator's byte order. */
		if (wire_decode_header(bytes, size, &header) != WIRE_OK || header.type != WIRE_MCAST) {
			complain(history, life, "W1", tap, "its header is wrong");
			return;
		}
	}
	tap->type = (uint8_t)header.type;
	switch (header.type) {
	case WIRE_TOKEN:
		read_token(history, life, window_size, bytes, size, tap);
		break;
	case WIRE_MCAST:
		read_mcast(history, life, bytes, size, tap);
		break;
	case WIRE_JOIN:
		read_join(history, life, bytes, size, tap);
		break;
	case WIRE_COMMIT_TOKEN:
		read_commit(history, life, now_ns, bytes, size, tap);
		break;
	case WIRE_MERGE_DETECT:
	case WIRE_HOLD_CANCEL:
		read_small(history, life, bytes, size, tap);
		break;
	}
}
