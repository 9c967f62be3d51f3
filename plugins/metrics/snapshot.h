/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host's data at one time. The data is copied on the loop in slices. While the snapshot is filled, no other thread
 * reads it. Afterwards it does not change, so another thread may read it.
 */
#ifndef PLUGINS_METRICS_SNAPSHOT_H
#define PLUGINS_METRICS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#include "plugins/common/metrics/metrics.h"

#define SNAPSHOT_SIZE_MAX (16u << 20) /* bytes. A hundred nodes with eight links each take about 2 MiB */

struct snapshot_value {
	const char *key;
	const uint8_t *bytes; /* `size` bytes. A text has its NUL */
	uint32_t type, size;
};

struct snapshot_chunk;

struct snapshot {
	struct snapshot_chunk *chunks; /* memory of keys and values, which does not move */
	size_t size;                   /* bytes of all chunks */
	struct {
		struct snapshot_value *list; /* in ascending order of keys */
		uint32_t count, capacity;
	} maps[2];                             /* the index is COTERIE_MAP_CONFIG or COTERIE_MAP_STATS */
	struct coterie_node_status **statuses; /* one for each node that the transport knows, in any order */
	uint32_t status_count;
	uint64_t at_ns; /* time at which the copy was complete */
	uint32_t local; /* node id of this node */
	struct coterie_ring_id ring;
	bool has_ring;
	int quorate; /* see collect_quorate */
};

struct snapshot *snapshot_create(void); /* NULL: out of memory */
void snapshot_destroy(struct snapshot *snapshot);
/**
 * Add a copy of a value, behind the earlier values of its map. A value longer than METRICS_VALUE_MAX is left out.
 * @return 0; -ENOMEM; -EMSGSIZE: the limit is reached
 */
int snapshot_add(struct snapshot *snapshot, uint32_t map, const char *key, const struct coterie_map_value *value);
/** Add a copy of a node's status. @return as snapshot_add */
int snapshot_add_status(struct snapshot *snapshot, const struct coterie_node_status *status);

/** Return the entry of a key, borrowed, or NULL. */
const struct snapshot_value *snapshot_find(const struct snapshot *snapshot, uint32_t map, const char *key);
/** Return a source for texts and answers. It borrows the snapshot. */
struct metrics_source snapshot_source(const struct snapshot *snapshot);

#endif
