/*
 * Frames that arrived, by the node that made them, as stats.coterie.ring.received.NODE: of nodes that have been in
 * this node's ring, so that strangers make no keys.
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
	struct ring_source **list; /* ascending; each stays where it is, since the map reads it there */
	uint32_t count;
	struct ring_source *last; /* frames of a node come in trains */
};

/** stats is kept until ring_sources_fini. A key that there is no memory for is left out later. 0; -ENOMEM */
int ring_sources_init(struct ring_sources *sources, struct stats *stats);
void ring_sources_fini(struct ring_sources *sources); /* zeroed: nothing to do */

/** The ring has these members. */
void ring_sources_members(struct ring_sources *sources, const uint32_t *members, uint32_t count);
/** These arrived, of any kind. */
void ring_sources_note(struct ring_sources *sources, struct coterie_frame *const *frames, size_t count);

#endif
