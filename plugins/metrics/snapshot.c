/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/metrics/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 65536u

struct snapshot_chunk {
	struct snapshot_chunk *next;
	size_t used;
	uint8_t bytes[CHUNK_SIZE];
};

/* --- filling --- */

struct snapshot *snapshot_create(void) { return calloc(1, sizeof(struct snapshot)); }

void snapshot_destroy(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	while (snapshot->chunks != NULL) {
		struct snapshot_chunk *next = snapshot->chunks->next;

		free(snapshot->chunks);
		snapshot->chunks = next;
	}
	for (uint32_t map = 0; map < 2; map++)
		free(snapshot->maps[map].list);
	for (uint32_t i = 0; i < snapshot->status_count; i++)
		free(snapshot->statuses[i]);
	free(snapshot->statuses);
	free(snapshot);
}

/* Count bytes of the snapshot. @return 0; -EMSGSIZE: the limit is reached */
static int account_for(struct snapshot *snapshot, size_t size)
{
	if (size > SNAPSHOT_SIZE_MAX - snapshot->size)
		return -EMSGSIZE;
	snapshot->size += size;
	return 0;
}

/* Allocate memory that does not move. */
static int take(struct snapshot *snapshot, size_t size, uint8_t **bytes)
{
	struct snapshot_chunk *chunk = snapshot->chunks;

	if (chunk == NULL || size > CHUNK_SIZE - chunk->used) {
		int rc = account_for(snapshot, sizeof(*chunk));

		if (rc < 0)
			return rc;
		chunk = malloc(sizeof(*chunk));
		if (chunk == NULL)
			return -ENOMEM;
		chunk->used = 0;
		chunk->next = snapshot->chunks;
		snapshot->chunks = chunk;
	}
	*bytes = chunk->bytes + chunk->used;
	chunk->used += size;
	return 0;
}

static int grow(struct snapshot *snapshot, uint32_t map)
{
	uint32_t capacity = snapshot->maps[map].capacity;
	uint32_t larger = capacity == 0 ? 512 : 2 * capacity;

	if (snapshot->maps[map].count < capacity)
		return 0;
	int rc = account_for(snapshot, (larger - capacity) * sizeof(struct snapshot_value));
	if (rc < 0)
		return rc;
	struct snapshot_value *list = reallocarray(snapshot->maps[map].list, larger, sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	snapshot->maps[map].list = list;
	snapshot->maps[map].capacity = larger;
	return 0;
}

int snapshot_add(struct snapshot *snapshot, uint32_t map, const char *key, const struct coterie_map_value *value)
{
	size_t key_size = strlen(key) + 1;
	uint8_t *bytes;

	if (value->size > METRICS_VALUE_MAX || key_size > COTERIE_MAP_NAME_MAX + 1)
		return 0;
	int rc = grow(snapshot, map);
	if (rc == 0)
		rc = take(snapshot, key_size + value->size, &bytes);
	if (rc < 0)
		return rc;
	memcpy(bytes, key, key_size);
	if (value->size > 0)
		memcpy(bytes + key_size, value->bytes, value->size);
	snapshot->maps[map].list[snapshot->maps[map].count++] = (struct snapshot_value){
		.key = (const char *)bytes, .bytes = bytes + key_size, .type = value->type, .size = value->size};
	return 0;
}

int snapshot_add_status(struct snapshot *snapshot, const struct coterie_node_status *status)
{
	int rc = account_for(snapshot, sizeof(*status) + sizeof(status));

	if (rc < 0)
		return rc;
	struct coterie_node_status **list = reallocarray(
		snapshot->statuses, snapshot->status_count + 1, sizeof(struct coterie_node_status *));
	if (list == NULL)
		return -ENOMEM;
	snapshot->statuses = list;
	list[snapshot->status_count] = malloc(sizeof(*status));
	if (list[snapshot->status_count] == NULL)
		return -ENOMEM;
	*list[snapshot->status_count++] = *status;
	return 0;
}

/* --- reading --- */

/* Return the first entry that is not below the key. */
static uint32_t lower_bound(const struct snapshot *snapshot, uint32_t map, const char *key)
{
	uint32_t low = 0, high = snapshot->maps[map].count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(snapshot->maps[map].list[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct snapshot_value *snapshot_find(const struct snapshot *snapshot, uint32_t map, const char *key)
{
	uint32_t at = lower_bound(snapshot, map, key);

	return at < snapshot->maps[map].count && strcmp(snapshot->maps[map].list[at].key, key) == 0
		       ? &snapshot->maps[map].list[at]
		       : NULL;
}

static bool source_read(void *arg, uint32_t map, const char *key, uint32_t *type, void *bytes)
{
	const struct snapshot_value *value = snapshot_find(arg, map, key);

	if (value == NULL)
		return false;
	memcpy(bytes, value->bytes, value->size);
	*type = value->type;
	return true;
}

static void source_each(
	void *arg, uint32_t map, const char *prefix, bool (*see)(void *see_arg, const char *key), void *see_arg)
{
	const struct snapshot *snapshot = arg;

	for (uint32_t at = lower_bound(snapshot, map, prefix); at < snapshot->maps[map].count; at++) {
		const char *key = snapshot->maps[map].list[at].key;

		if (strncmp(key, prefix, strlen(prefix)) != 0 || !see(see_arg, key))
			return;
	}
}

static bool source_ring(void *arg, struct coterie_ring_id *ring)
{
	const struct snapshot *snapshot = arg;

	*ring = snapshot->ring;
	return snapshot->has_ring;
}

static int source_quorate(void *arg) { return ((const struct snapshot *)arg)->quorate; }

static uint32_t source_local(void *arg) { return ((const struct snapshot *)arg)->local; }

/* Neither map has the votes, so they are taken from the statistics of the plugin that counts them. */
#define VOTES "stats.plugins.votequorum."
#define FLAG_QUORATE 2u /* VOTEQUORUM_INFO_QUORATE of the client API */

/* Read a figure of the votes. nodeid 0: a figure that belongs to no node. */
static bool vote_number(const struct snapshot *snapshot, uint32_t nodeid, const char *name, uint32_t *number)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	if (nodeid == 0)
		snprintf(key, sizeof(key), VOTES "%s", name);
	else
		snprintf(key, sizeof(key), VOTES "node.%" PRIu32 ".%s", nodeid, name);
	const struct snapshot_value *value = snapshot_find(snapshot, COTERIE_MAP_STATS, key);
	if (value == NULL || value->type != COTERIE_MAP_U32 || value->size != sizeof(*number))
		return false;
	memcpy(number, value->bytes, sizeof(*number));
	return true;
}

static bool source_votes(void *arg, uint32_t nodeid, struct metrics_votes *votes)
{
	const struct snapshot *snapshot = arg;
	const struct snapshot_value *device = snapshot_find(snapshot, COTERIE_MAP_STATS, VOTES "device");
	char key[64];
	uint32_t id = nodeid == 0 ? snapshot->local : nodeid;

	*votes = (struct metrics_votes){.state = METRICS_VOTER_DEAD};
	if (device != NULL && device->type == COTERIE_MAP_STRING && device->size > 0)
		snprintf(votes->device, sizeof(votes->device), "%.*s", (int)device->size, (const char *)device->bytes);
	snprintf(key, sizeof(key), "runtime.members.%" PRIu32 ".status", id);
	const struct snapshot_value *status = snapshot_find(snapshot, COTERIE_MAP_CONFIG, key);
	if (status != NULL && status->size == sizeof("joined") &&
		memcmp(status->bytes, "joined", sizeof("joined")) == 0)
		votes->state = METRICS_VOTER_MEMBER;
	bool is_whole = vote_number(snapshot, id, "votes", &votes->votes) &&
			vote_number(snapshot, id, "expected_votes", &votes->expected) &&
			vote_number(snapshot, id, "flags", &votes->flags) &&
			vote_number(snapshot, 0, "highest_expected", &votes->highest_expected) &&
			vote_number(snapshot, 0, "total_votes", &votes->total) &&
			vote_number(snapshot, 0, "quorum", &votes->quorum) &&
			vote_number(snapshot, 0, "device_votes", &votes->device_votes);
	/* The flag belongs to the last verdict, which does not count now. */
	if (snapshot->quorate == METRICS_QUORATE_NOT_KNOWN)
		votes->flags &= ~FLAG_QUORATE;
	return is_whole;
}

static bool source_links(void *arg, uint32_t nodeid, struct coterie_node_status *status)
{
	const struct snapshot *snapshot = arg;

	for (uint32_t i = 0; i < snapshot->status_count; i++)
		if (snapshot->statuses[i]->nodeid == nodeid) {
			*status = *snapshot->statuses[i];
			return true;
		}
	return false;
}

struct metrics_source snapshot_source(const struct snapshot *snapshot)
{
	/* The cast drops const, but no function of the source changes the snapshot. */
	return (struct metrics_source){.arg = (void *)(uintptr_t)snapshot,
		.read = source_read,
		.each = source_each,
		.ring = source_ring,
		.quorate = source_quorate,
		.votes = source_votes,
		.links = source_links,
		.local = source_local};
}
