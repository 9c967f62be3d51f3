/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/history.h"

#include <stdlib.h>
#include <string.h>

static void *grown(void *items, uint32_t *capacity, uint32_t needed, size_t size)
{
	uint32_t old = *capacity;

	if (needed <= old)
		return items;
	*capacity = old * 2 > needed ? old * 2 : needed + 16;
	items = realloc(items, *capacity * size);
	if (items == NULL)
		abort();
	memset((char *)items + old * size, 0, (*capacity - old) * size);
	return items;
}

static void *zeroed(size_t size)
{
	void *block = calloc(1, size);

	if (block == NULL)
		abort();
	return block;
}

void history_init(
	struct history *history, struct report *report, const uint32_t *ids, uint32_t node_count, uint32_t first_seq)
{
	memset(history, 0, sizeof(*history));
	history->report = report;
	history->ids = ids;
	history->node_count = node_count;
	history->first_seq = first_seq;
}

void history_fini(struct history *history)
{
	for (uint32_t i = 0; i < history->life_count; i++) {
		struct life *life = history->lives[i];

		for (int class = 0; class < 2; class ++) {
			free(life->waiting[class].items);
			free(life->seen[class]);
		}
		free(life->periods);
		free(life);
	}
	free(history->lives);
	for (uint32_t i = 0; i < history->message_count; i++)
		free(history->messages[i]);
	free(history->messages);
	for (size_t i = 0; i < sizeof(history->rings) / sizeof(*history->rings); i++) {
		for (struct ring_record *ring = history->rings[i], *next; ring != NULL; ring = next) {
			next = ring->hash_next;
			free(ring->frames);
			free(ring->ended);
			free(ring);
		}
	}
}

uint32_t history_node(const struct history *history, uint32_t id)
{
	uint32_t low = 0, high = history->node_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (history->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < history->node_count && history->ids[low] == id ? low : SIM_NODES_MAX;
}

uint64_t history_mask(const struct history *history, const uint32_t *ids, uint32_t count, bool *is_strange)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t node = history_node(history, ids[i]);

		if (node == SIM_NODES_MAX)
			*is_strange = true;
		else
			mask |= BIT(node);
	}
	return mask;
}

struct life *history_start(
	struct history *history, uint32_t node, bool is_plain, bool keeps_storage, uint64_t stored_seq)
{
	struct life *life = zeroed(sizeof(*life));

	history->lives = grown(
		history->lives, &history->life_capacity, history->life_count + 1, sizeof(*history->lives));
	life->number = history->life_count;
	life->node = node;
	life->is_alive = true;
	life->is_plain = is_plain;
	history->plain = is_plain ? history->plain | BIT(node) : history->plain & ~BIT(node);
	life->stored_seq = stored_seq;
	life->first_seq = stored_seq + 1;
	life->attempted = UINT64_MAX;
	history->lives[history->life_count++] = life;
	history->present[node] = life;
	if (!keeps_storage)
		history->last_installed[node] = 0;
	return life;
}

void history_end(struct history *history, struct life *life)
{
	life->is_alive = false;
	if (history->present[life->node] == life)
		history->present[life->node] = NULL;
}

struct message *history_message(
	struct history *history, struct life *life, uint32_t guarantee, uint32_t payload_size, bool is_sync)
{
	struct message *message = zeroed(sizeof(*message));

	history->messages = grown(
		history->messages, &history->message_capacity, history->message_count + 1, sizeof(*history->messages));
	history->messages[history->message_count++] = message;
	message->id = history->message_count;
	message->life = life;
	message->guarantee = guarantee;
	message->payload_size = payload_size;
	message->is_sync = is_sync;
	return message;
}

void history_sent(struct history *history, struct message *message)
{
	struct life *life = message->life;
	struct message_queue *queue = &life->waiting[message->is_sync];

	(void)history;
	message->is_sent = true;
	message->counter = ++life->counters[message->is_sync];
	message->is_honoured = life->is_honoured;
	if (life->period_count > 0 && !life->is_transitional) {
		message->seen_ring = life->periods[life->period_count - 1];
		message->seen_count = life->cursor;
	}
	queue->items = grown(queue->items, &queue->capacity, queue->first + queue->count + 1, sizeof(*queue->items));
	queue->items[queue->first + queue->count++] = message;
}

void history_unsent(struct history *history, struct message *message)
{
	struct life *life = message->life;

	(void)history;
	message->is_sent = false;
	life->waiting[message->is_sync].count--;
	life->counters[message->is_sync]--;
}

struct message *history_find_message(const struct history *history, uint32_t id)
{
	return id >= 1 && id <= history->message_count ? history->messages[id - 1] : NULL;
}

static struct ring_record *const *bucket_of(const struct history *history, const struct ring_id *id)
{
	uint64_t hash = (id->seq * 64 + id->rep) * 0x9E3779B97F4A7C15u;

	return &history->rings[hash >> 54];
}

struct ring_record *history_find_ring(const struct history *history, const struct ring_id *id)
{
	for (struct ring_record *ring = *bucket_of(history, id); ring != NULL; ring = ring->hash_next)
		if (ring_id_equal(&ring->id, id))
			return ring;
	return NULL;
}

struct ring_record *history_create_ring(struct history *history, const struct ring_id *id, const struct life *creator,
	uint64_t members, uint64_t now_ns)
{
	struct ring_record *ring = zeroed(sizeof(*ring));
	struct ring_record **bucket = &history->rings[bucket_of(history, id) - history->rings];

	ring->id = *id;
	ring->creator = creator->number;
	ring->created_ns = now_ns;
	ring->members = members;
	ring->member_count = (uint32_t)__builtin_popcountll(members);
	ring->is_plain = (members & history->plain) != 0;
	ring->hash_next = *bucket;
	*bucket = ring;
	return ring;
}

bool history_frame(const struct history *history, struct ring_record *ring, uint32_t seq, uint32_t *at)
{
	*at = seq - history->first_seq - 1;
	if (*at >= 1u << 20)
		return false;
	ring->frames = grown(ring->frames, &ring->frame_capacity, *at + 1, sizeof(*ring->frames));
	if (*at >= ring->frame_count)
		ring->frame_count = *at + 1;
	return true;
}

static void advance(struct ring_record *ring, uint32_t node)
{
	uint32_t upto = ring->received_upto[node];

	while (upto < ring->frame_count && (ring->frames[upto].received & BIT(node)) != 0)
		upto++;
	ring->received_upto[node] = upto;
}

void history_received(struct history *history, struct ring_record *ring, uint32_t at, uint32_t node)
{
	struct frame_record *frame = &ring->frames[at];

	(void)history;
	frame->received |= BIT(node);
	advance(ring, node);
	if (frame->inner_ring != NULL && frame->inner_ring->lives[node] != NULL &&
		frame->inner_ring->lives[node]->is_alive) {
		frame->inner_ring->frames[frame->inner_at].received |= BIT(node);
		advance(frame->inner_ring, node);
	}
}

void history_ended(struct history *history, struct message *message, struct ring_record *ring, uint32_t at)
{
	(void)history;
	message->end_ring = ring;
	message->end_at = at;
	message->end_index = ring->ended_count;
	message->is_murky |= ring->is_plain && (ring->murky & BIT(message->life->node)) != 0;
	ring->ended = grown(ring->ended, &ring->ended_capacity, ring->ended_count + 1, sizeof(*ring->ended));
	ring->ended[ring->ended_count++] = message;
}
