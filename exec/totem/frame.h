/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame pool: struct coterie_frame with a reference count. Each engine has one pool, used on one thread. Frames of
 * the common datagram size come from a free list. Larger frames come from the heap. All of them count against the limit
 * of the pool. A slice is a frame that shows a piece of another frame's buffer, and keeps that buffer alive.
 */
#ifndef TOTEM_FRAME_H
#define TOTEM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <coterie/frame.h>

struct frame_pool;

/** All packets of the protocol except data frames fit: a commit token of 384 members has 13.8 KB. */
#define FRAME_SMALL_MAX 16384u

/** The present content of a pool. */
struct frame_pool_usage {
	size_t bytes;     /* of all buffers that are in use */
	size_t frames;    /* in use, slices included */
	size_t kept;      /* on free lists, slices included */
	size_t most;      /* highest value of `frames` since the last frame_pool_rest */
	uint64_t refused; /* how often frame_take was refused at the limit, since creation */
};

/**
 * Create a pool.
 *
 * @param common_size  capacity of the frames kept on the free list, bytes
 * @param bytes_max    limit of `bytes`. frame_take fails beyond the limit. If more than FRAME_SMALL_MAX bytes are asked
 *     for, it fails beyond half of the limit
 * @return caller destroys; NULL: out of memory
 */
struct frame_pool *frame_pool_create(size_t common_size, size_t bytes_max);
/** Destroy a pool. Its memory is freed when the last frame is released, at the latest. NULL is ignored. */
void frame_pool_destroy(struct frame_pool *pool);
void frame_pool_usage(const struct frame_pool *pool, struct frame_pool_usage *usage);
/**
 * Free the frames on free lists that will not be needed soon, slices last. Call this about every 0.1 s. The expected
 * need is the highest number in use during the last ten periods, and a quarter more. If the last two periods had less
 * than an eighth of that number, the load is over, and their number counts instead.
 *
 * @return how many frames were freed; a few (64) always stay
 */
size_t frame_pool_rest(struct frame_pool *pool);

/**
 * Take a frame of size 0 with one reference, which the caller owns. Its capacity is at least `capacity`: the common
 * size, if that is enough. NULL: out of memory, or the limit of the pool is reached.
 */
struct coterie_frame *frame_take(struct frame_pool *pool, size_t capacity);
/**
 * Make a frame that shows [offset, offset + size) of buffer, within the buffer's capacity, and references buffer. NULL:
 * out of memory.
 */
struct coterie_frame *frame_slice(struct coterie_frame *buffer, size_t offset, size_t size);
struct coterie_frame *frame_ref(struct coterie_frame *frame); /* add a reference; return frame */
/**
 * Return the frame that holds the bytes: frame itself, or the buffer of a slice. A reference to a slice keeps the whole
 * buffer.
 */
const struct coterie_frame *frame_buffer(const struct coterie_frame *frame);
void frame_unref(struct coterie_frame *frame); /* NULL is ignored */

#endif
