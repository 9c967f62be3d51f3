/*
 * The frame pool: struct coterie_frame with a reference count. One pool per engine, used on one thread.
 * Frames of one datagram size come from a free list; larger ones from the heap, counted against the
 * pool's limit. A slice is a frame of its own that keeps its buffer alive.
 */
#ifndef TOTEM_FRAME_H
#define TOTEM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <coterie/frame.h>

struct frame_pool;

/** Every packet of the protocol but frames fits: a commit token of 384 members has 13.8 KB. */
#define FRAME_SMALL_MAX 16384u

/** What a pool holds at the moment. */
struct frame_pool_usage {
	size_t bytes;     /* of all buffers that are in use */
	size_t frames;    /* in use, slices included */
	size_t kept;      /* on free lists, slices included */
	size_t most;      /* in use together at most, since the last frame_pool_rest */
	uint64_t refused; /* takes refused at the limit since creation */
};

/**
 * @param common_size  capacity of the frames kept on the free list, bytes
 * @param bytes_max    limit of `bytes`; a take beyond it fails, and beyond half of it one that is
 *                     larger than both common_size and FRAME_SMALL_MAX
 * @return caller destroys; NULL: out of memory
 */
struct frame_pool *frame_pool_create(size_t common_size, size_t bytes_max);
/** The pool's memory goes when the last frame comes back, at the latest. NULL is ignored. */
void frame_pool_destroy(struct frame_pool *pool);
void frame_pool_usage(const struct frame_pool *pool, struct frame_pool_usage *usage);
/**
 * About every 0.1 s: of the frames on free lists, what will not be needed soon is the heap's again, slices last. Soon is
 * needed what was in use together at most in the last ten of these times, and a quarter more; where the last two have had
 * less than an eighth of that, the load is over, and theirs is enough.
 * @return how many; few (64) stay where they are
 */
size_t frame_pool_rest(struct frame_pool *pool);

/**
 * A frame of size 0 with one reference, the caller's. Its capacity is at least the one asked for: the
 * common size, where that is enough. NULL: no memory, or the limit.
 */
struct coterie_frame *frame_take(struct frame_pool *pool, size_t capacity);
/**
 * A frame that shows [offset, offset + size) of buffer, within buffer's capacity, and references it.
 * NULL: no memory.
 */
struct coterie_frame *frame_slice(struct coterie_frame *buffer, size_t offset, size_t size);
struct coterie_frame *frame_ref(struct coterie_frame *frame); /* returns frame */
/** Where frame's bytes lie: itself, or what it is a slice of. A reference pins that one's capacity. */
const struct coterie_frame *frame_buffer(const struct coterie_frame *frame);
void frame_unref(struct coterie_frame *frame);                /* NULL is ignored */

#endif
