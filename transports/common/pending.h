/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that a full socket had no room for, each with the node that it is for, in their order.
 */
#ifndef COMMON_PENDING_H
#define COMMON_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/transport.h>

/** Longest queue. Further frames are lost, as in a network. */
#define PENDING_MAX 16384u

struct pending_entry {
	uint32_t nodeid;
	struct coterie_frame *frame; /* referenced */
};

/** The queue. Zeroed, with host set, it is empty. */
struct pending {
	const struct coterie_host *host; /* borrowed */
	struct pending_entry *list;      /* first .. count - 1 wait */
	uint32_t first, count, capacity;
};

/** Drop everything and free the memory. */
void pending_fini(struct pending *pending);

bool pending_is_empty(const struct pending *pending);

/**
 * Append frames for one node. Each one kept is referenced.
 *
 * @return how many were kept; the others are lost: the queue is full, or memory is
 */
uint32_t pending_add(struct pending *pending, uint32_t nodeid, struct coterie_frame *const *frames, uint32_t count);

/**
 * The frames at the front that are for one node.
 *
 * @param frames  out: room for count_max
 * @return how many, 0: the queue is empty; they stay until pending_drop
 */
uint32_t pending_front(
	const struct pending *pending, uint32_t *nodeid, struct coterie_frame **frames, uint32_t count_max);

/** Give back the first frames of the queue. */
void pending_drop(struct pending *pending, uint32_t count);

#endif
