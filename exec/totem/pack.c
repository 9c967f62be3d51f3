/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pack messages into frames: book packing, "Packing and cutting".
 *
 * A packet whose last message is cut is full to the byte. A packet with less than PART_ROOM_MIN bytes behind the end of
 * a message is closed there. Fragment numbers continue from one message to the next, and never start again at 1,
 * because the end of a message is packed together with later messages. If the numbers started again, a receiver that
 * missed packets could join the first part of one message to the second part of another.
 */
#include "exec/totem/pack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/wire.h"

#define LENGTH_SIZE 2u
#define PART_ROOM_MIN (LENGTH_SIZE + 1u) /* one length and one byte */
#define PARTS_AHEAD 8u                   /* an open packet has room for this many lengths in front of its data */
#define FRAGMENTED_AT 4u                 /* place of `fragmented` in the header of a packet */

/* A frame of the queue. */
struct slot {
	struct coterie_frame *frame;
	uint32_t guarantee;
};

struct pack_queue {
	struct frame_pool *pool; /* borrowed */
	struct pack_options options;
	uint64_t messages;

	/*
	 * A ring buffer of frames_max slots, and as many for frames that are put in front again, and one more for a
	 * split. From `first` on there are `closed` packets that are finished, then maybe the open packet.
	 */
	struct slot *slots;
	uint32_t first;
	uint32_t closed;

	/* The open packet. These are 0 if there is none. */
	bool is_open;
	uint32_t room; /* bytes for lengths and data in it: P of book packing, "Packing and cutting" */
	uint32_t parts;
	uint32_t data;     /* bytes of all parts */
	uint32_t reserved; /* how many lengths fit in front of the data where it is now */

	uint8_t continuation; /* of the open or the next packet */
	uint8_t fragment;     /* number of the last fragment */

	/* The frames that were taken with parts of a message whose end was not. Room for frames_max. */
	struct coterie_frame **begun;
	uint32_t begun_count;
	uint32_t restarted; /* frames at the front that pack_queue_restart has put there, if none was taken since */
};

/* A message that is read in pieces. */
struct source {
	const struct iovec *iov;
	size_t done; /* bytes of iov[0] that were read */
	size_t left; /* bytes of all elements that are not read yet */
};

static uint32_t slot_count(const struct pack_queue *queue) { return 2 * queue->options.frames_max + 1; }

static struct slot *slot_at(const struct pack_queue *queue, uint32_t i)
{
	return &queue->slots[(queue->first + i) % slot_count(queue)];
}

struct pack_queue *pack_queue_create(struct frame_pool *pool, const struct pack_options *options)
{
	assert(options->frames_max > 0 && options->frames_max < UINT32_MAX / 2);

	struct pack_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	queue->pool = pool;
	queue->options = *options;
	queue->slots = calloc(slot_count(queue), sizeof(*queue->slots));
	queue->begun = calloc(options->frames_max, sizeof(struct coterie_frame *));
	if (queue->slots == NULL || queue->begun == NULL) {
		pack_queue_destroy(queue);
		return NULL;
	}
	pack_queue_set_payload_max(queue, options->payload_max);
	return queue;
}

static void forget_begun(struct pack_queue *queue)
{
	while (queue->begun_count > 0)
		frame_unref(queue->begun[--queue->begun_count]);
}

void pack_queue_destroy(struct pack_queue *queue)
{
	if (queue == NULL)
		return;
	for (uint32_t i = 0; i < pack_queue_count(queue); i++)
		frame_unref(slot_at(queue, i)->frame);
	forget_begun(queue);
	free(queue->begun);
	free(queue->slots);
	free(queue);
}

void pack_queue_set_payload_max(struct pack_queue *queue, uint32_t payload_max)
{
	assert(payload_max >= WIRE_PACKET_HEADER_SIZE + PART_ROOM_MIN);
	assert(payload_max <= WIRE_FRAME_SIZE_MAX - WIRE_MCAST_HEADER_SIZE);
	queue->options.payload_max = payload_max;
}

uint32_t pack_queue_count(const struct pack_queue *queue) { return queue->closed + (queue->is_open ? 1 : 0); }

uint32_t pack_queue_free(const struct pack_queue *queue)
{
	uint32_t count = pack_queue_count(queue);

	return count < queue->options.frames_max ? queue->options.frames_max - count : 0;
}

uint64_t pack_queue_messages(const struct pack_queue *queue) { return queue->messages; }

static uint8_t *packet_of(const struct slot *slot) { return slot->frame->data + WIRE_MCAST_HEADER_SIZE; }

static uint8_t *open_data(const struct pack_queue *queue)
{
	return packet_of(slot_at(queue, queue->closed)) + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE * queue->reserved;
}

/* Move the data of the open packet so that there is room for `count` lengths in front of it. */
static void reserve_lengths(struct pack_queue *queue, uint32_t count)
{
	const uint8_t *from = open_data(queue);

	if (count == queue->reserved)
		return;
	assert(LENGTH_SIZE * count + queue->data <= queue->room);
	queue->reserved = count;
	memmove(open_data(queue), from, queue->data);
}

/* Return how many bytes one more part in the open packet may have. */
static uint32_t part_room(const struct pack_queue *queue)
{
	uint32_t used = LENGTH_SIZE * (queue->parts + 1) + queue->data;

	assert(used <= queue->room);
	return queue->room - used;
}

/* Begin a packet. Its slot has a frame already. */
static void open_packet(struct pack_queue *queue)
{
	queue->is_open = true;
	queue->room = queue->options.payload_max - WIRE_PACKET_HEADER_SIZE;
	queue->parts = 0;
	queue->data = 0;
	queue->reserved = 0;
}

/**
 * Close the open packet.
 *
 * @param goes_on  the last message has more bytes, in the next packet
 */
static void close_packet(struct pack_queue *queue, bool goes_on)
{
	struct slot *slot = slot_at(queue, queue->closed);
	uint8_t fragmented = 0;

	assert(queue->is_open && queue->parts > 0 && queue->parts <= UINT16_MAX);
	if (goes_on) {
		queue->fragment = queue->fragment == UINT8_MAX ? 1 : queue->fragment + 1;
		fragmented = queue->fragment;
	}
	reserve_lengths(queue, queue->parts);
	wire_encode_packet_header(
		fragmented, queue->continuation, (uint16_t)queue->parts, queue->options.swap, packet_of(slot));
	slot->frame->size = WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE * queue->parts + queue->data;
	assert(slot->frame->size <= slot->frame->capacity);
	queue->continuation = fragmented;
	queue->is_open = false;
	queue->closed++;
}

/* Put the next size bytes of a message into the open packet, as one part. */
static void put_part(struct pack_queue *queue, struct source *source, uint32_t size)
{
	uint32_t ahead = (queue->room - queue->data - size) / LENGTH_SIZE;

	assert(size <= part_room(queue));
	if (ahead > queue->parts + PARTS_AHEAD)
		ahead = queue->parts + PARTS_AHEAD;
	if (queue->parts + 1 > queue->reserved || LENGTH_SIZE * queue->reserved + queue->data + size > queue->room)
		reserve_lengths(queue, ahead);

	uint8_t *to = open_data(queue) + queue->data;

	for (uint32_t left = size; left > 0;) {
		size_t take = source->iov->iov_len - source->done;

		if (take > left)
			take = left;
		if (take > 0)
			memcpy(to, (const uint8_t *)source->iov->iov_base + source->done, take);
		to += take;
		left -= (uint32_t)take;
		source->done += take;
		if (source->done == source->iov->iov_len) {
			source->iov++;
			source->done = 0;
		}
	}
	source->left -= size;
	wire_encode_u16((uint16_t)size, queue->options.swap,
		packet_of(slot_at(queue, queue->closed)) + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE * queue->parts);
	queue->parts++;
	queue->data += size;
}

/* Return how many frames a message needs in addition to the open one. */
static size_t frames_needed(const struct pack_queue *queue, size_t size)
{
	size_t per_frame = queue->options.payload_max - WIRE_PACKET_HEADER_SIZE - LENGTH_SIZE;

	if (queue->is_open) {
		size_t here = part_room(queue);

		if (size <= here)
			return 0;
		size -= here;
	}
	return size == 0 ? 1 : (size - 1) / per_frame + 1;
}

/* Take frames for the next `count` slots: all of them or none. */
static int take_frames(struct pack_queue *queue, uint32_t count)
{
	uint32_t from = pack_queue_count(queue);

	for (uint32_t i = 0; i < count; i++) {
		struct slot *slot = slot_at(queue, from + i);

		slot->guarantee = 0;
		slot->frame = frame_take(queue->pool, WIRE_MCAST_HEADER_SIZE + queue->options.payload_max);
		if (slot->frame != NULL)
			continue;
		while (i-- > 0)
			frame_unref(slot_at(queue, from + i)->frame);
		return -ENOMEM;
	}
	return 0;
}

int pack_queue_append(struct pack_queue *queue, uint32_t guarantee, const struct iovec *iov, size_t count)
{
	struct source source = {.iov = iov};
	size_t whole = queue->options.payload_max - WIRE_PACKET_HEADER_SIZE - LENGTH_SIZE;

	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len > SIZE_MAX - source.left)
			return -EMSGSIZE;
		source.left += iov[i].iov_len;
	}
	if (source.left > whole * queue->options.frames_max)
		return -EMSGSIZE;

	size_t needed = frames_needed(queue, source.left);

	if (needed > pack_queue_free(queue))
		return -EAGAIN;

	int rc = take_frames(queue, (uint32_t)needed);

	if (rc < 0)
		return rc;
	for (;;) {
		if (!queue->is_open)
			open_packet(queue);

		uint32_t size = part_room(queue);

		if (source.left <= size)
			break;
		put_part(queue, &source, size);
		close_packet(queue, true);
	}

	/* The remaining part has the last byte of the message. */
	slot_at(queue, queue->closed)->guarantee |= guarantee;
	put_part(queue, &source, (uint32_t)source.left);
	if (queue->room - LENGTH_SIZE * queue->parts - queue->data < PART_ROOM_MIN)
		close_packet(queue, false);
	queue->messages++;
	return 0;
}

void pack_queue_flush(struct pack_queue *queue)
{
	if (queue->is_open)
		close_packet(queue, false);
}

/* Move all parts of the packet in slot i, except for the first, to a new packet behind it. */
static int split_packet(struct pack_queue *queue, uint32_t i, const struct wire_packet *packet)
{
	struct slot *slot = slot_at(queue, i);
	struct coterie_frame *frame = frame_take(queue->pool, slot->frame->size);
	uint16_t first = wire_packet_length(packet, 0);
	uint16_t others = packet->part_count - 1;
	bool swap = queue->options.swap;

	if (frame == NULL)
		return -ENOMEM;
	assert(pack_queue_count(queue) < slot_count(queue));

	uint8_t *to = frame->data + WIRE_MCAST_HEADER_SIZE;
	size_t data_size = packet->data_size - first;

	wire_encode_packet_header(packet->fragmented, 0, others, swap, to);
	memcpy(to + WIRE_PACKET_HEADER_SIZE, packet->lengths + LENGTH_SIZE, LENGTH_SIZE * others);
	memcpy(to + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE * others, packet->data + first, data_size);
	frame->size = (uint32_t)(WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE * others + data_size);

	uint8_t *from = packet_of(slot);

	wire_encode_packet_header(0, packet->continuation, 1, swap, from);
	memmove(from + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE, packet->data, first);
	slot->frame->size = WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE + first;
	for (uint32_t j = queue->closed; j > i + 1; j--)
		*slot_at(queue, j) = *slot_at(queue, j - 1);
	/* It is not known which part is the end of a safe message. So both packets are marked safe. */
	*slot_at(queue, i + 1) = (struct slot){.frame = frame, .guarantee = slot->guarantee};
	queue->closed++;
	return 0;
}

/* Decode the packet of a frame of this queue. */
static struct wire_packet decode(const struct pack_queue *queue, const struct coterie_frame *frame)
{
	struct wire_packet packet;
	enum wire_refusal refusal = wire_decode_packet(frame->data + WIRE_MCAST_HEADER_SIZE,
		frame->size - WIRE_MCAST_HEADER_SIZE, queue->options.swap, &packet);

	assert(refusal == WIRE_OK);
	return packet;
}

/* Undo pack_queue_restart, unless a frame was taken since. */
static void take_back(struct pack_queue *queue)
{
	for (; queue->restarted > 0; queue->restarted--) {
		struct slot *slot = slot_at(queue, 0);

		queue->begun[queue->begun_count++] = slot->frame;
		slot->frame = NULL;
		queue->first = (queue->first + 1) % slot_count(queue);
		queue->closed--;
	}
}

int pack_queue_split(struct pack_queue *queue)
{
	take_back(queue);
	pack_queue_flush(queue);
	for (uint32_t i = 0; i < queue->closed; i++) {
		struct wire_packet packet = decode(queue, slot_at(queue, i)->frame);

		if (i == 0 && packet.continuation == 0)
			return 0; /* no message is partly sent */
		if (packet.part_count > 1)
			return split_packet(queue, i, &packet);
		if (packet.fragmented == 0)
			return 0;
	}
	return 0;
}

/* Copy the last part of a packet into a packet of its own. NULL: out of memory. */
static struct coterie_frame *copy_last_part(struct pack_queue *queue, const struct coterie_frame *from, bool is_first)
{
	struct wire_packet packet = decode(queue, from);
	uint16_t size = wire_packet_length(&packet, packet.part_count - 1u);
	struct coterie_frame *frame = frame_take(
		queue->pool, WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE + size);

	if (frame == NULL)
		return NULL;

	uint8_t *to = frame->data + WIRE_MCAST_HEADER_SIZE;

	wire_encode_packet_header(packet.fragmented, is_first ? 0 : packet.continuation, 1, queue->options.swap, to);
	wire_encode_u16(size, queue->options.swap, to + WIRE_PACKET_HEADER_SIZE);
	memcpy(to + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE, packet.data + packet.data_size - size, size);
	frame->size = WIRE_MCAST_HEADER_SIZE + WIRE_PACKET_HEADER_SIZE + LENGTH_SIZE + size;
	return frame;
}

/* The frames of begun are in use elsewhere with the headers of the old ring, so they are copied. */
int pack_queue_restart(struct pack_queue *queue)
{
	uint32_t count = queue->begun_count;
	uint32_t first = (queue->first + slot_count(queue) - count) % slot_count(queue);

	assert(pack_queue_count(queue) + count <= slot_count(queue));
	for (uint32_t i = 0; i < count; i++) {
		struct coterie_frame *frame = copy_last_part(queue, queue->begun[i], i == 0);

		if (frame == NULL) {
			while (i-- > 0)
				frame_unref(queue->slots[(first + i) % slot_count(queue)].frame);
			return -ENOMEM;
		}
		queue->slots[(first + i) % slot_count(queue)] = (struct slot){.frame = frame};
	}
	queue->first = first;
	queue->closed += count;
	queue->restarted += count;
	forget_begun(queue);
	return 0;
}

/* Keep the frame if a message goes on behind it. */
static void note_begun(struct pack_queue *queue, struct coterie_frame *frame)
{
	struct wire_packet packet;

	if (queue->begun_count == 0 && frame->data[WIRE_MCAST_HEADER_SIZE + FRAGMENTED_AT] == 0)
		return;
	packet = decode(queue, frame);
	if (packet.fragmented == 0 || packet.part_count > 1)
		forget_begun(queue);
	if (packet.fragmented == 0)
		return;
	assert(queue->begun_count < queue->options.frames_max); /* no message has more frames */
	queue->begun[queue->begun_count++] = frame_ref(frame);
}

bool pack_queue_is_begun(const struct pack_queue *queue) { return queue->begun_count > 0; }

struct coterie_frame *pack_queue_take(struct pack_queue *queue, uint32_t *guarantee)
{
	if (queue->closed == 0)
		return NULL;

	struct slot *slot = slot_at(queue, 0);
	struct coterie_frame *frame = slot->frame;

	*guarantee = slot->guarantee;
	queue->restarted = 0;
	note_begun(queue, frame);
	slot->frame = NULL;
	queue->first = (queue->first + 1) % slot_count(queue);
	queue->closed--;
	return frame;
}
