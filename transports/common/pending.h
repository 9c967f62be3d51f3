/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for which a full socket had no room, each with the id of its receiver, in their order. */
#ifndef COMMON_PENDING_H
#define COMMON_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

/** Most frames in the queue. Further frames are lost, as in a network. */
#define PENDING_MAX 16384u

struct pending_entry {
	uint32_t nodeid;
	struct coterie_frame *frame; /* referenced */
};

/** The queue. It is empty if only host is set and the rest is zero. */
struct pending {
	const struct coterie_host *host; /* borrowed */
	struct pending_entry *list;      /* the elements first .. count - 1 wait */
	uint32_t first, count, capacity;
};

/** Drop all frames and free the memory. */
void pending_fini(struct pending *pending);

bool pending_is_empty(const struct pending *pending);

/**
 * Append frames for one node. The queue references each frame that it keeps.
 *
 * @return how many were kept; the others are lost: the queue is full, or out of memory
 */
uint32_t pending_add(struct pending *pending, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count);

/**
 * Get the frames at the front that are for the same node.
 *
 * @param frames  out: room for count_max
 * @return how many, 0: the queue is empty; the frames stay in the queue until pending_drop
 */
uint32_t pending_front(
	const struct pending *pending, uint32_t *nodeid, struct coterie_frame **frames, uint32_t count_max);

/** Remove the first frames of the queue, and release them. */
void pending_drop(struct pending *pending, uint32_t count);

#endif
