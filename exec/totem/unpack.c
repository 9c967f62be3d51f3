/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassemble messages from frames: book packing, "Reassembly".
 *
 * The memory of an unfinished message is limited, whatever the sender does. The parts stay in the frames in which they
 * came. But a frame may keep a buffer that is much larger than the part, and a sender may never finish. So there are
 * limits: for the kept bytes for each byte of the message, for the kept bytes of all contexts, and for the number of
 * parts. At a limit the parts are moved to the end of one heap buffer, which has at most twice the size of the message.
 * Each byte is moved once, and again when that buffer doubles.
 */
#include "exec/totem/unpack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/wire.h"

#define PARTS_FIRST 16u
#define PARTS_MAX (UNPACK_IOV_MAX - 2u) /* the moved bytes and the last part need the other two elements */
#define PINNED_SLACK ((size_t)256 * 1024)
#define PINNED_FACTOR 2u                      /* most bytes of kept buffers for each byte of a message */
#define PINNED_MAX ((size_t)16 * 1024 * 1024) /* most bytes of buffers that all contexts together keep */
#define MOVED_FIRST ((size_t)4096)

/* A context of a source: its unfinished message, and the state of its chain of packets. */
struct context {
	uint8_t last;     /* continuation value that the next packet should have */
	bool is_skipping; /* packets are dropped after a mismatch, by Corosync's rule */
	bool is_broken;   /* the unfinished message lacks a part: it is never delivered */

	uint8_t *moved; /* the first moved_size bytes of the message */
	size_t moved_size;
	size_t moved_capacity;

	/*
	 * The parts behind the moved bytes. iov[1 + i] points into frames[i]. iov[0] is reserved for the moved bytes.
	 */
	struct iovec *iov;
	struct coterie_frame **frames;
	uint32_t parts;
	uint32_t parts_capacity;
	size_t referenced; /* bytes of all these parts */
	size_t pinned;     /* capacities of the buffers that these parts keep */
};

struct source {
	uint32_t id;
	struct context contexts[2]; /* by is_syncing */
};

/* Those arguments of unpack_frame that a delivery needs. */
struct delivery {
	uint32_t source;
	bool is_swapped;
	unpack_deliver deliver;
	void *arg;
};

/* The rest of a frame, some of whose messages are delivered. */
struct rest {
	struct coterie_frame *frame; /* or NULL: there is no rest. Referenced */
	struct context *context;
	struct wire_packet packet; /* points into the frame */
	const uint8_t *at;         /* the next message */
	uint32_t place;            /* its place */
	struct delivery to;
};

struct unpack {
	struct source **sources; /* ascending by id */
	uint32_t count;
	uint32_t capacity;
	size_t pinned;  /* sum over all contexts */
	bool is_busy;   /* a message is being delivered: no other call is allowed */
	uint32_t place; /* place of the message that is being delivered, in its packet */
	struct rest rest;
	struct unpack_counters counters;
};

struct unpack *unpack_create(void) { return calloc(1, sizeof(struct unpack)); }

const struct unpack_counters *unpack_counters(const struct unpack *unpack) { return &unpack->counters; }

uint32_t unpack_place(const struct unpack *unpack) { return unpack->place; }

/* Release the frames of the parts. The moved bytes stay. */
static void drop_parts(struct unpack *unpack, struct context *context)
{
	for (uint32_t i = 0; i < context->parts; i++)
		frame_unref(context->frames[i]);
	assert(unpack->pinned >= context->pinned);
	unpack->pinned -= context->pinned;
	context->parts = 0;
	context->referenced = 0;
	context->pinned = 0;
}

/* Drop the unfinished message. The expected continuation value stays. */
static void drop_message(struct unpack *unpack, struct context *context)
{
	drop_parts(unpack, context);
	free(context->moved);
	context->moved = NULL;
	context->moved_size = 0;
	context->moved_capacity = 0;
	context->is_broken = false;
}

static void break_message(struct unpack *unpack, struct context *context)
{
	drop_message(unpack, context);
	context->is_broken = true;
}

static void source_destroy(struct unpack *unpack, struct source *source)
{
	for (int i = 0; i < 2; i++) {
		drop_message(unpack, &source->contexts[i]);
		free(source->contexts[i].iov);
		free(source->contexts[i].frames);
	}
	free(source);
}

void unpack_destroy(struct unpack *unpack)
{
	if (unpack == NULL)
		return;
	for (uint32_t i = 0; i < unpack->count; i++)
		source_destroy(unpack, unpack->sources[i]);
	assert(unpack->pinned == 0);
	frame_unref(unpack->rest.frame);
	free(unpack->sources);
	free(unpack);
}

/* Return the index of the first source whose id is not below `id`. */
static uint32_t source_place(const struct unpack *unpack, uint32_t id)
{
	uint32_t low = 0;
	uint32_t high = unpack->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (unpack->sources[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Find or create a source. NULL: out of memory. */
static struct source *source_get(struct unpack *unpack, uint32_t id)
{
	uint32_t at = source_place(unpack, id);

	if (at < unpack->count && unpack->sources[at]->id == id)
		return unpack->sources[at];
	if (unpack->count == unpack->capacity) {
		uint32_t capacity = unpack->capacity == 0 ? 8 : 2 * unpack->capacity;
		struct source **sources = reallocarray(unpack->sources, capacity, sizeof(*sources));

		if (sources == NULL)
			return NULL;
		unpack->sources = sources;
		unpack->capacity = capacity;
	}

	struct source *source = calloc(1, sizeof(*source));

	if (source == NULL)
		return NULL;
	source->id = id;
	memmove(&unpack->sources[at + 1], &unpack->sources[at], (unpack->count - at) * sizeof(*unpack->sources));
	unpack->sources[at] = source;
	unpack->count++;
	return source;
}

void unpack_forget(struct unpack *unpack, uint32_t id)
{
	uint32_t at = source_place(unpack, id);

	assert(!unpack->is_busy && unpack->rest.frame == NULL);
	if (at == unpack->count || unpack->sources[at]->id != id)
		return;
	source_destroy(unpack, unpack->sources[at]);
	unpack->count--;
	memmove(&unpack->sources[at], &unpack->sources[at + 1], (unpack->count - at) * sizeof(*unpack->sources));
}

/* Copy the parts that are still in frames behind the bytes that were copied before, and release their frames. */
static int move_parts(struct unpack *unpack, struct context *context)
{
	size_t size = context->moved_size + context->referenced;
	size_t capacity = context->moved_capacity == 0 ? MOVED_FIRST : context->moved_capacity;

	while (capacity < size)
		capacity *= 2; /* size is bounded by UNPACK_MESSAGE_SIZE_MAX */
	if (capacity > context->moved_capacity) {
		uint8_t *moved = realloc(context->moved, capacity);

		if (moved == NULL)
			return -ENOMEM;
		context->moved = moved;
		context->moved_capacity = capacity;
	}
	for (uint32_t i = 0; i < context->parts; i++) {
		const struct iovec *part = &context->iov[1 + i];

		memcpy(context->moved + context->moved_size, part->iov_base, part->iov_len);
		context->moved_size += part->iov_len;
	}
	assert(context->moved_size == size);
	drop_parts(unpack, context);
	return 0;
}

/* Reserve room for one more part, and one entry of iov behind it. */
static int reserve_part(struct context *context)
{
	uint32_t capacity = context->parts_capacity == 0 ? PARTS_FIRST : 2 * context->parts_capacity;

	if (context->parts < context->parts_capacity)
		return 0;

	struct iovec *iov = reallocarray(context->iov, capacity + 2, sizeof(*iov));

	if (iov == NULL)
		return -ENOMEM;
	context->iov = iov;

	struct coterie_frame **frames = reallocarray(context->frames, capacity, sizeof(*frames));

	if (frames == NULL)
		return -ENOMEM;
	context->frames = frames;
	context->parts_capacity = capacity;
	return 0;
}

/* Return whether the unfinished message stays within UNPACK_MESSAGE_SIZE_MAX with `size` more bytes. */
static bool fits(const struct context *context, size_t size)
{
	return size <= UNPACK_MESSAGE_SIZE_MAX - context->moved_size - context->referenced;
}

/* Append these bytes of frame to the unfinished message. */
static int append_part(
	struct unpack *unpack, struct context *context, struct coterie_frame *frame, const uint8_t *bytes, size_t size)
{
	if (context->is_broken || size == 0)
		return 0;
	if (!fits(context, size)) {
		unpack->counters.oversized++;
		break_message(unpack, context);
		return 0;
	}
	if (reserve_part(context) < 0)
		goto drop;

	const struct coterie_frame *buffer = frame_buffer(frame);
	bool is_pinned = context->parts > 0 && frame_buffer(context->frames[context->parts - 1]) == buffer;

	context->frames[context->parts] = frame_ref(frame);
	context->parts++;
	context->iov[context->parts] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	context->referenced += size;
	if (!is_pinned) {
		context->pinned += buffer->capacity;
		unpack->pinned += buffer->capacity;
	}
	if (context->pinned <= PINNED_FACTOR * context->referenced + PINNED_SLACK && unpack->pinned <= PINNED_MAX &&
		context->parts < PARTS_MAX)
		return 0;
	if (move_parts(unpack, context) == 0)
		return 0;
drop:
	unpack->counters.skipped++;
	break_message(unpack, context);
	return -ENOMEM;
}

static bool deliver_whole(const struct delivery *to, const uint8_t *bytes, size_t size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

	return to->deliver(to->arg, to->source, &iov, 1, size, to->is_swapped);
}

/* Deliver the unfinished message. These bytes are its end. */
static bool deliver_joined(
	struct unpack *unpack, struct context *context, const struct delivery *to, const uint8_t *bytes, size_t size)
{
	size_t before = context->moved_size + context->referenced;

	if (context->is_broken)
		return true;
	if (!fits(context, size)) {
		unpack->counters.oversized++;
		return true;
	}
	if (before == 0)
		return deliver_whole(to, bytes, size);

	/* Use the iov of the context, unless it has none because all parts were moved. */
	struct iovec two[2];
	struct iovec *iov = context->parts > 0 ? context->iov : two;
	size_t first = context->moved_size > 0 ? 0 : 1;
	size_t end = 1 + context->parts;

	iov[0] = (struct iovec){.iov_base = context->moved, .iov_len = context->moved_size};
	if (size > 0)
		iov[end++] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	return to->deliver(to->arg, to->source, iov + first, end - first, before + size, to->is_swapped);
}

/*
 * Deliver the messages that end in the packet, from the one at rest->at on. The first one of the packet may be the
 * unfinished message. Return whether all were delivered. If not, rest says which are left.
 */
static bool deliver_packet(struct unpack *unpack, struct rest *rest)
{
	uint32_t ends = rest->packet.part_count - (rest->packet.fragmented == 0 ? 0u : 1u);
	bool goes_on = true;

	unpack->is_busy = true;
	while (goes_on && rest->place < ends) {
		const uint8_t *at = rest->at;
		uint16_t size = wire_packet_length(&rest->packet, rest->place);

		unpack->place = rest->place;
		if (rest->place == 0)
			goes_on = deliver_joined(unpack, rest->context, &rest->to, at, size);
		else
			goes_on = deliver_whole(&rest->to, at, size);
		rest->at += size;
		rest->place++;
	}
	unpack->is_busy = false;
	return rest->place >= ends;
}

/* Keep the part of a message that continues in a later packet. */
static int end_packet(
	struct unpack *unpack, struct context *context, const struct wire_packet *packet, struct coterie_frame *frame)
{
	if (packet->fragmented == 0) {
		drop_message(unpack, context);
		context->last = 0;
		context->is_skipping = false;
		return 0;
	}

	/* The last part continues in a later packet. If there are other parts in front of it, it begins a message. */
	uint16_t size = wire_packet_length(packet, packet->part_count - 1u);

	if (packet->part_count > 1)
		drop_message(unpack, context);
	return append_part(unpack, context, frame, packet->data + packet->data_size - size, size);
}

/*
 * Return whether the first part of the packet continues the unfinished message: book packing, "Reassembly". If not, set
 * *is_skipped to whether all other messages of the packet are dropped, too.
 */
static bool follow_chain(
	struct context *context, const struct wire_packet *packet, enum unpack_rule rule, bool *is_skipped)
{
	*is_skipped = false;
	switch (rule) {
	case UNPACK_REFERENCE:
		if (context->is_skipping) {
			/*
			 * context->last stays as it is, as in Corosync: it decides which of the following messages are
			 * dropped.
			 */
			context->is_skipping = packet->fragmented > 1;
			*is_skipped = true;
			return false;
		}
		if (packet->continuation != context->last) {
			context->is_skipping = true;
			*is_skipped = true;
			return false;
		}
		break;
	case UNPACK_BETTER:
		if (packet->continuation != context->last || context->is_skipping) {
			context->is_skipping = false;
			context->last = packet->fragmented;
			return false;
		}
		break;
	}
	context->last = packet->fragmented;
	return true;
}

int unpack_frame(struct unpack *unpack, uint32_t source_id, struct coterie_frame *frame, const uint8_t *payload,
	size_t payload_size, bool is_swapped, bool is_syncing, enum unpack_rule rule, unpack_deliver deliver, void *arg)
{
	struct rest rest = {
		.to = {.source = source_id, .is_swapped = is_swapped, .deliver = deliver, .arg = arg},
	};
	bool is_skipped;

	assert(!unpack->is_busy && unpack->rest.frame == NULL);
	if (wire_decode_packet(payload, payload_size, is_swapped, &rest.packet) != WIRE_OK) {
		unpack->counters.malformed++;
		return 0;
	}

	struct source *source = source_get(unpack, source_id);

	if (source == NULL) {
		unpack->counters.skipped++;
		return -ENOMEM;
	}

	struct context *context = &source->contexts[is_syncing];

	rest.context = context;
	rest.at = rest.packet.data;
	if (!follow_chain(context, &rest.packet, rule, &is_skipped)) {
		/* The unfinished message lacks a part. A message that begins here, with continuation 0, does not. */
		drop_message(unpack, context);
		context->is_broken = rest.packet.continuation != 0;
		unpack->counters.skipped += is_skipped || context->is_broken;
	}
	if (!is_skipped && !deliver_packet(unpack, &rest)) {
		rest.frame = frame_ref(frame);
		unpack->rest = rest;
		return 1;
	}
	return end_packet(unpack, context, &rest.packet, frame);
}

int unpack_resume(struct unpack *unpack)
{
	struct coterie_frame *frame = unpack->rest.frame;

	assert(!unpack->is_busy && frame != NULL);
	if (!deliver_packet(unpack, &unpack->rest))
		return 1;
	unpack->rest.frame = NULL;

	int rc = end_packet(unpack, unpack->rest.context, &unpack->rest.packet, frame);

	frame_unref(frame);
	return rc;
}
