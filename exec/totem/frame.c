/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames and their pool. */
#include "exec/totem/frame.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/*
 * The pool's own struct of a frame, with the bytes behind it. A slice has no bytes, but a reference to the frame that
 * has them.
 */
struct frame {
	struct coterie_frame shown; /* the part that other files use. First, so that both structs have one address */
	struct frame_pool *pool;
	struct frame *buffer; /* slices: the frame with the bytes, never a slice itself; otherwise NULL */
	struct frame *next_free;
	uint32_t references;
	uint8_t bytes[];
};

#define RESTS 10u
#define RESTS_OVER 2u /* a load is over after this many periods with few frames */
#define KEPT_FEW 64u

struct frame_pool {
	size_t peaks[RESTS]; /* usage.most of each of the last RESTS periods. The newest replaces the oldest */
	uint32_t rests;
	size_t common_size;
	size_t bytes_max;
	struct frame_pool_usage usage;
	struct frame *free_frames; /* of common_size each */
	struct frame *free_slices;
	bool is_destroyed; /* the pool is freed together with its last frame */
};

/* With the address sanitizer free lists are not used, since they would hide a use after free. */
#ifdef __SANITIZE_ADDRESS__
static const bool keeps_free_frames = false;
#else
static const bool keeps_free_frames = true;
#endif

static struct frame *frame_of(struct coterie_frame *shown) { return (struct frame *)(void *)shown; }

struct frame_pool *frame_pool_create(size_t common_size, size_t bytes_max)
{
	struct frame_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pool->common_size = common_size;
	pool->bytes_max = bytes_max;
	return pool;
}

static void trim_list(struct frame_pool *pool, struct frame **list, size_t most)
{
	while (*list != NULL && pool->usage.kept > most) {
		struct frame *first = *list;

		*list = first->next_free;
		free(first);
		pool->usage.kept--;
	}
}

static void trim(struct frame_pool *pool, size_t most)
{
	trim_list(pool, &pool->free_frames, most);
	trim_list(pool, &pool->free_slices, most);
}

void frame_pool_destroy(struct frame_pool *pool)
{
	if (pool == NULL)
		return;
	assert(!pool->is_destroyed);
	trim(pool, 0);
	pool->is_destroyed = true;
	if (pool->usage.frames == 0)
		free(pool);
}

void frame_pool_usage(const struct frame_pool *pool, struct frame_pool_usage *usage) { *usage = pool->usage; }

/* Return the greatest of the newest `count` peaks. */
static size_t peak_of(const struct frame_pool *pool, uint32_t count)
{
	size_t greatest = 0;

	for (uint32_t i = 1; i <= count; i++) {
		size_t peak = pool->peaks[(pool->rests + RESTS - i) % RESTS];

		if (peak > greatest)
			greatest = peak;
	}
	return greatest;
}

/*
 * Free only frames beyond the usual need. If frames that are used all the time were freed as well, the heap would unmap
 * their pages and map them again.
 */
size_t frame_pool_rest(struct frame_pool *pool)
{
	size_t kept = pool->usage.kept;

	pool->peaks[pool->rests % RESTS] = pool->usage.most;
	pool->rests++;
	pool->usage.most = pool->usage.frames;

	size_t most = peak_of(pool, RESTS);
	size_t recent = peak_of(pool, RESTS_OVER);

	if (recent < most / 8)
		most = recent;

	size_t enough = most + most / 4 - pool->usage.frames;

	if (kept > enough + KEPT_FEW)
		trim(pool, enough);
	return kept - pool->usage.kept;
}

static void count_used(struct frame_pool *pool)
{
	if (++pool->usage.frames > pool->usage.most)
		pool->usage.most = pool->usage.frames;
}

/* Take a frame from the list, or from the heap if the list is empty. */
static struct frame *obtain(struct frame_pool *pool, struct frame **list, size_t size)
{
	struct frame *frame = *list;

	if (frame == NULL)
		return malloc(sizeof(*frame) + size);
	*list = frame->next_free;
	pool->usage.kept--;
	return frame;
}

/*
 * Return whether a frame of this capacity is within the limit. Stored frames, and the receive buffers that they keep
 * alive, must not use up the memory that tokens and joins need: without tokens no stored frame is ever freed.
 */
static bool has_room(const struct frame_pool *pool, size_t capacity, bool is_small)
{
	size_t most = is_small ? pool->bytes_max : pool->bytes_max / 2;

	return pool->usage.bytes <= most && capacity <= most - pool->usage.bytes;
}

struct coterie_frame *frame_take(struct frame_pool *pool, size_t capacity)
{
	struct frame *none = NULL;
	bool is_common = capacity <= pool->common_size, is_small = capacity <= FRAME_SMALL_MAX;

	assert(!pool->is_destroyed);
	if (is_common)
		capacity = pool->common_size;
	if (capacity > UINT32_MAX || !has_room(pool, capacity, is_small)) {
		pool->usage.refused++;
		return NULL;
	}

	struct frame *frame = obtain(pool, is_common ? &pool->free_frames : &none, capacity);

	if (frame == NULL)
		return NULL;
	frame->shown.data = frame->bytes;
	frame->shown.size = 0;
	frame->shown.capacity = (uint32_t)capacity;
	frame->pool = pool;
	frame->buffer = NULL;
	frame->next_free = NULL;
	frame->references = 1;
	pool->usage.bytes += capacity;
	count_used(pool);
	return &frame->shown;
}

struct coterie_frame *frame_slice(struct coterie_frame *buffer, size_t offset, size_t size)
{
	struct frame *from = frame_of(buffer);
	struct frame_pool *pool = from->pool;

	assert(offset <= buffer->capacity && size <= buffer->capacity - offset);

	struct frame *slice = obtain(pool, &pool->free_slices, 0);

	if (slice == NULL)
		return NULL;
	slice->shown.data = buffer->data + offset;
	slice->shown.size = (uint32_t)size;
	slice->shown.capacity = (uint32_t)size;
	slice->pool = pool;
	slice->buffer = from->buffer != NULL ? from->buffer : from;
	slice->next_free = NULL;
	slice->references = 1;
	(void)frame_ref(&slice->buffer->shown);
	count_used(pool);
	return &slice->shown;
}

struct coterie_frame *frame_ref(struct coterie_frame *frame)
{
	struct frame *referenced = frame_of(frame);

	assert(referenced->references > 0 && referenced->references < UINT32_MAX);
	referenced->references++;
	return frame;
}

const struct coterie_frame *frame_buffer(const struct coterie_frame *frame)
{
	const struct frame *inner = (const struct frame *)(const void *)frame;

	return inner->buffer != NULL ? &inner->buffer->shown : frame;
}

/* Free a frame without references, or put it on a free list. */
static void release(struct frame *frame)
{
	struct frame_pool *pool = frame->pool;
	struct frame **list = NULL;

	if (frame->buffer != NULL) {
		list = &pool->free_slices;
	} else {
		assert(pool->usage.bytes >= frame->shown.capacity);
		pool->usage.bytes -= frame->shown.capacity;
		if (frame->shown.capacity == pool->common_size)
			list = &pool->free_frames;
	}
	assert(pool->usage.frames > 0);
	pool->usage.frames--;
	if (list != NULL && keeps_free_frames && !pool->is_destroyed) {
		frame->next_free = *list;
		*list = frame;
		pool->usage.kept++;
	} else {
		free(frame);
	}
	if (pool->is_destroyed && pool->usage.frames == 0)
		free(pool);
}

void frame_unref(struct coterie_frame *frame)
{
	if (frame == NULL)
		return;

	struct frame *dropped = frame_of(frame);
	struct frame *buffer = dropped->buffer;

	assert(dropped->references > 0);
	if (--dropped->references > 0)
		return;
	release(dropped);
	/* The buffer is released after the slice, so that the pool still exists when the slice is released. */
	if (buffer != NULL && --buffer->references == 0)
		release(buffer);
}
