/*
 * What the host knew at one time: copied on the loop, a little at a time, then read elsewhere. While it is being filled
 * nobody reads it, and when it is read nothing of it changes, so that a thread may do that.
 */
#ifndef PLUGINS_METRICS_SNAPSHOT_H
#define PLUGINS_METRICS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

#include "plugins/common/metrics/metrics.h"

#define SNAPSHOT_SIZE_MAX (16u << 20) /* of a hundred nodes with eight links each, about two */

struct snapshot_value {
	const char *key;
	const uint8_t *bytes; /* size of them; a text has its NUL */
	uint32_t type, size;
};

struct snapshot_chunk;

struct snapshot {
	struct snapshot_chunk *chunks; /* where keys and values lie; they never move */
	size_t size;                   /* of all chunks */
	struct {
		struct snapshot_value *list; /* ascending by key */
		uint32_t count, capacity;
	} maps[2]; /* COTERIE_MAP_CONFIG, COTERIE_MAP_STATS */
	struct coterie_node_status **statuses; /* of the nodes whose transport knows them, in any order */
	uint32_t status_count;
	uint64_t at_ns;    /* when it was whole */
	uint32_t local;    /* node id */
	struct coterie_ring_id ring;
	bool has_ring;
	int quorate; /* 1, 0; -1: nobody counts */
};

struct snapshot *snapshot_create(void); /* NULL: out of memory */
void snapshot_destroy(struct snapshot *snapshot);
/**
 * Add a value, behind those of its map that were added before; copied. Longer ones than METRICS_VALUE_MAX are left out.
 * @return 0; -ENOMEM; -EMSGSIZE: the limit
 */
int snapshot_add(struct snapshot *snapshot, uint32_t map, const char *key, const struct coterie_map_value *value);
/** Add a node; copied. Errors as above. */
int snapshot_add_status(struct snapshot *snapshot, const struct coterie_node_status *status);

/** Borrowed, or NULL. */
const struct snapshot_value *snapshot_find(const struct snapshot *snapshot, uint32_t map, const char *key);
/** What the text and the answers are made of. Borrows the snapshot. */
struct metrics_source snapshot_source(const struct snapshot *snapshot);

#endif
