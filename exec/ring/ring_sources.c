/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/ring/ring_sources.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/frame.h>

#include "exec/ring/ring_packet.h"
#include "exec/stats/stats.h"

#define KEY_SIZE 64

struct ring_source {
	uint32_t nodeid;
	uint64_t frames;
};

/* Return the index of the node in the list, or the index at which it would be inserted. */
static uint32_t place_of(const struct ring_sources *sources, uint32_t nodeid)
{
	uint32_t low = 0, high = sources->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sources->list[middle]->nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct ring_source *find(const struct ring_sources *sources, uint32_t nodeid)
{
	uint32_t place = place_of(sources, nodeid);

	return place < sources->count && sources->list[place]->nodeid == nodeid ? sources->list[place] : NULL;
}

static void put_key(char key[KEY_SIZE], uint32_t nodeid)
{
	snprintf(key, KEY_SIZE, "stats.coterie.ring.received.%" PRIu32, nodeid);
}

static void add(struct ring_sources *sources, uint32_t nodeid)
{
	uint32_t place = place_of(sources, nodeid);
	struct ring_source **list = realloc(sources->list, (sources->count + 1) * sizeof(struct ring_source *));
	struct ring_source *source = calloc(1, sizeof(*source));
	char key[KEY_SIZE];

	if (list != NULL)
		sources->list = list;
	put_key(key, nodeid);
	if (list == NULL || source == NULL || stats_add_u64(sources->stats, sources, key, &source->frames) < 0) {
		free(source);
		return;
	}
	source->nodeid = nodeid;
	memmove(list + place + 1, list + place, (sources->count - place) * sizeof(struct ring_source *));
	list[place] = source;
	sources->count++;
}

void ring_sources_members(struct ring_sources *sources, const uint32_t *members, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (find(sources, members[i]) == NULL)
			add(sources, members[i]);
}

void ring_sources_forget(struct ring_sources *sources, uint32_t nodeid)
{
	struct ring_source *source = find(sources, nodeid);
	char key[KEY_SIZE];

	if (source == NULL)
		return;
	put_key(key, nodeid);
	stats_del(sources->stats, sources, key); /* reads the count once more, for trackers */
	if (sources->last == source)
		sources->last = NULL;

	uint32_t place = place_of(sources, nodeid);

	sources->count--;
	memmove(&sources->list[place], &sources->list[place + 1],
		(sources->count - place) * sizeof(struct ring_source *));
	free(source);
}

void ring_sources_note(struct ring_sources *sources, struct coterie_frame *const *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t nodeid;

		if (!ring_packet_sender(frames[i], &nodeid))
			continue;
		if (sources->last == NULL || sources->last->nodeid != nodeid)
			sources->last = find(sources, nodeid);
		if (sources->last != NULL)
			sources->last->frames++;
	}
}

static void clear(void *arg)
{
	struct ring_sources *sources = arg;

	for (uint32_t i = 0; i < sources->count; i++)
		sources->list[i]->frames = 0;
}

int ring_sources_init(struct ring_sources *sources, struct stats *stats)
{
	*sources = (struct ring_sources){.stats = stats};
	return stats_on_clear(stats, sources, "totem", clear, sources);
}

void ring_sources_fini(struct ring_sources *sources)
{
	if (sources->stats != NULL)
		stats_forget(sources->stats, sources);
	for (uint32_t i = 0; i < sources->count; i++)
		free(sources->list[i]);
	free(sources->list);
	*sources = (struct ring_sources){.stats = NULL};
}
