/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Count arrived frames by their originator, as stats.coterie.ring.received.NODE. Only nodes that have been members of
 * this node's ring are counted, so that other nodes create no keys.
 */
#ifndef EXEC_RING_SOURCES_H
#define EXEC_RING_SOURCES_H

#include <stddef.h>
#include <stdint.h>

struct coterie_frame;
struct ring_source;
struct stats;

struct ring_sources {
	struct stats *stats;
	/* ascending node ids. The map reads each source at its address, so a source does not move */
	struct ring_source **list;
	uint32_t count;
	struct ring_source *last; /* source of the last frame: a node often sends several frames in a row */
};

/**
 * Prepare the counters. stats must live until ring_sources_fini. If memory is missing later, a node has no key. 0;
 * -ENOMEM
 */
int ring_sources_init(struct ring_sources *sources, struct stats *stats);
void ring_sources_fini(struct ring_sources *sources); /* if all members are zero, this does nothing */

/** Add the members of the ring. */
void ring_sources_members(struct ring_sources *sources, const uint32_t *members, uint32_t count);
/** Delete the count of a node, if it has one. */
void ring_sources_forget(struct ring_sources *sources, uint32_t nodeid);
/** Count arrived packets of any kind. */
void ring_sources_note(struct ring_sources *sources, struct coterie_frame *const *frames, size_t count);

#endif
