/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copy the host's data on the loop. Each slice has a bounded number of keys or nodes. Between two slices the loop does
 * its other work. The maps may change between slices. An iteration returns each key at most once, and the keys in
 * order.
 */
#include "plugins/metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_IN_SLICE 32u /* takes up to 0.1 ms if the host queries libknet for each key */
#define NODES_IN_SLICE 8u
#define PAUSE_NS UINT64_C(500000) /* pause between two slices */

/*
 * The parts of the maps that the documents need. Clients can add any number of other keys, which are not
 * copied.
 */
static const struct {
	uint32_t map;
	const char *prefix;
} parts[] = {
	{COTERIE_MAP_CONFIG, "internal_configuration.service."},
	{COTERIE_MAP_CONFIG, "nodelist."},
	{COTERIE_MAP_CONFIG, "quorum."},
	{COTERIE_MAP_CONFIG, "runtime."},
	{COTERIE_MAP_CONFIG, "totem."},
	{COTERIE_MAP_STATS, "stats."},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

struct collect {
	struct metrics *metrics;
	struct snapshot *snapshot;
	size_t part;                           /* index of the part that is copied now. PARTS: the nodes are copied */
	struct coterie_map_iterator *iterator; /* iterator of this part; NULL: not started */
	uint32_t *nodes; /* known nodes, ascending, without duplicates, or NULL before they are listed */
	uint32_t node_count, node;
	struct coterie_timer *timer;
	void (*done)(struct metrics *metrics, struct snapshot *snapshot, int rc);
};

/* --- keys --- */

static int copy_key(struct collect *collect, const char *name, struct coterie_map_value *value)
{
	struct metrics *metrics = collect->metrics;
	char key[COTERIE_MAP_NAME_MAX + 1];

	/* For a text of the statistics the iteration returns a value without bytes. */
	if (value->type == COTERIE_MAP_STRING && value->size == 0) {
		size_t size = strnlen(name, sizeof(key) - 1);

		memcpy(key, name, size);
		key[size] = '\0';
		if (metrics->host->map_read(metrics->ctx, parts[collect->part].map, key, value) < 0)
			return 0;
		name = key;
	}
	return snapshot_add(collect->snapshot, parts[collect->part].map, name, value);
}

/* @return 1: the part is complete; 0: not yet complete; < 0: an error */
static int copy_keys(struct collect *collect)
{
	struct metrics *metrics = collect->metrics;
	const struct coterie_host *host = metrics->host;
	int rc = 0;

	if (collect->iterator == NULL)
		rc = host->map_iterate(
			metrics->ctx, parts[collect->part].map, parts[collect->part].prefix, &collect->iterator);
	for (uint32_t i = 0; rc == 0 && i < KEYS_IN_SLICE; i++) {
		struct coterie_map_value value;
		const char *key = host->map_iterate_next(collect->iterator, &value);

		if (key == NULL) {
			host->map_iterate_end(collect->iterator);
			collect->iterator = NULL;
			return 1;
		}
		rc = copy_key(collect, key, &value);
	}
	return rc;
}

/* --- nodes --- */

static int compare_nodes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* List the nodes of the node list, and those that have been in the ring. */
static int list_nodes(struct collect *collect)
{
	const struct snapshot *snapshot = collect->snapshot;
	uint32_t count = 0, kept = 0;

	collect->nodes = calloc(snapshot->maps[COTERIE_MAP_CONFIG].count + 1, sizeof(*collect->nodes));
	if (collect->nodes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < snapshot->maps[COTERIE_MAP_CONFIG].count; i++) {
		const struct snapshot_value *value = &snapshot->maps[COTERIE_MAP_CONFIG].list[i];
		size_t length = strlen(value->key);

		if (strncmp(value->key, "runtime.members.", 16) == 0)
			collect->nodes[count++] = (uint32_t)strtoul(value->key + 16, NULL, 10);
		else if (strncmp(value->key, "nodelist.node.", 14) == 0 && length > 7 &&
			 strcmp(value->key + length - 7, ".nodeid") == 0 && value->type == COTERIE_MAP_U32)
			memcpy(&collect->nodes[count++], value->bytes, sizeof(uint32_t));
	}
	qsort(collect->nodes, count, sizeof(*collect->nodes), compare_nodes);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || collect->nodes[kept - 1] != collect->nodes[i])
			collect->nodes[kept++] = collect->nodes[i];
	collect->node_count = kept;
	return 0;
}

static int copy_nodes(struct collect *collect)
{
	struct metrics *metrics = collect->metrics;
	int rc = collect->nodes == NULL ? list_nodes(collect) : 0;

	for (uint32_t i = 0; rc == 0 && i < NODES_IN_SLICE; i++) {
		struct coterie_node_status status;

		if (collect->node == collect->node_count)
			return 1;
		memset(&status, 0, sizeof(status));
		status.size = sizeof(status);
		uint32_t nodeid = collect->nodes[collect->node++];
		if (metrics->host->node_status(metrics->ctx, nodeid, &status) < 0)
			continue;
		status.nodeid = nodeid;
		rc = snapshot_add_status(collect->snapshot, &status);
	}
	return rc;
}

/* --- quorum --- */

static bool has_lease(const struct metrics *metrics)
{
	static const char key[] = "stats.coterie.lease.held";
	struct coterie_map_value held;
	uint8_t is_held;

	if (metrics->host->map_read(metrics->ctx, COTERIE_MAP_STATS, key, &held) < 0 || held.type != COTERIE_MAP_U8 ||
		held.size != sizeof(is_held))
		return true; /* the host measures no lease */
	memcpy(&is_held, held.bytes, sizeof(is_held));
	return is_held != 0;
}

int collect_quorate(const struct metrics *metrics)
{
	struct coterie_quorum quorum = {.size = sizeof(quorum)};
	struct coterie_ring_id ring;
	const uint32_t *members;
	uint32_t count;

	metrics->host->quorum_get(metrics->ctx, &quorum);
	if (quorum.provider == NULL)
		return METRICS_QUORATE_NO_PROVIDER;
	if (quorum.is_quorate == 0)
		return 0;
	metrics->host->membership(metrics->ctx, &ring, &members, &count);
	bool is_of_ring = quorum.ring.seq == ring.seq && quorum.ring.representative == ring.representative;
	return is_of_ring && has_lease(metrics) ? 1 : METRICS_QUORATE_NOT_KNOWN;
}

/* --- the whole copy --- */

static void take_ring(const struct metrics *metrics, struct snapshot *snapshot)
{
	const uint32_t *members;
	uint32_t count;

	snapshot->local = metrics->host->local_nodeid(metrics->ctx);
	metrics->host->membership(metrics->ctx, &snapshot->ring, &members, &count);
	snapshot->has_ring = count > 0;
	snapshot->quorate = collect_quorate(metrics);
}

static void collect_free(struct collect *collect)
{
	struct metrics *metrics = collect->metrics;

	metrics->host->timer_del(metrics->ctx, collect->timer);
	metrics->host->map_iterate_end(collect->iterator);
	snapshot_destroy(collect->snapshot);
	free(collect->nodes);
	free(collect);
}

static void end(struct collect *collect, int rc)
{
	struct metrics *metrics = collect->metrics;
	struct snapshot *snapshot = collect->snapshot;
	void (*done)(struct metrics *, struct snapshot *, int) = collect->done;

	if (rc == 0)
		collect->snapshot = NULL;
	metrics->collect = NULL;
	collect_free(collect);
	done(metrics, rc == 0 ? snapshot : NULL, rc);
}

static void step(void *arg)
{
	struct collect *collect = arg;
	struct metrics *metrics = collect->metrics;
	int rc = collect->part < PARTS ? copy_keys(collect) : copy_nodes(collect);

	collect->timer = NULL;
	if (rc > 0 && collect->part == PARTS) {
		take_ring(metrics, collect->snapshot);
		collect->snapshot->at_ns = metrics->host->now_ns(metrics->ctx);
		end(collect, 0);
		return;
	}
	if (rc > 0)
		collect->part++;
	if (rc >= 0)
		rc = metrics->host->timer_add(
			metrics->ctx, metrics->host->now_ns(metrics->ctx) + PAUSE_NS, step, collect, &collect->timer);
	if (rc < 0)
		end(collect, rc);
}

int collect_begin(struct metrics *metrics, void (*done)(struct metrics *metrics, struct snapshot *snapshot, int rc))
{
	struct collect *collect = calloc(1, sizeof(*collect));

	if (collect == NULL)
		return -ENOMEM;
	*collect = (struct collect){.metrics = metrics, .snapshot = snapshot_create(), .done = done};
	uint64_t now_ns = metrics->host->now_ns(metrics->ctx);
	int rc = collect->snapshot == NULL
			 ? -ENOMEM
			 : metrics->host->timer_add(metrics->ctx, now_ns, step, collect, &collect->timer);
	if (rc < 0) {
		collect_free(collect);
		return rc;
	}
	metrics->collect = collect;
	return 0;
}

void collect_cancel(struct metrics *metrics)
{
	if (metrics->collect != NULL)
		collect_free(metrics->collect);
	metrics->collect = NULL;
}
