/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trackers of the configuration map. They may change the map, track and untrack from inside a notification. Memory that
 * they may still use (replaced values, deleted entries, removed trackers) is kept until the outermost notification has
 * ended.
 */
#include "exec/map/map_private.h"

#include <stdlib.h>
#include <string.h>

/* Most notifications inside each other. Changes that a deeper one makes are not notified. */
#define NOTIFY_DEPTH_MAX 16

void map_bury(struct map *map, struct grave *grave)
{
	grave->next = map->graves;
	map->graves = grave;
}

static void tracker_free(struct map_tracker *tracker)
{
	free(tracker->key);
	free(tracker);
}

static void unlink_tracker(struct map_tracker *tracker)
{
	*tracker->link = tracker->next;
	if (tracker->next != NULL)
		tracker->next->link = tracker->link;
	tracker_free(tracker);
}

void map_trackers_fini(struct map *map)
{
	while (map->trackers != NULL) {
		struct map_tracker *next = map->trackers->next;

		tracker_free(map->trackers);
		map->trackers = next;
	}
}

void map_sweep(struct map *map)
{
	while (map->graves != NULL) {
		struct grave *next = map->graves->next;

		free(map->graves); /* `graves` is the first member of the freed struct */
		map->graves = next;
	}
	if (!map->has_gone_trackers)
		return;
	map->has_gone_trackers = false;
	for (struct map_tracker *tracker = map->trackers, *next; tracker != NULL; tracker = next) {
		next = tracker->next;
		if (tracker->is_gone)
			unlink_tracker(tracker);
	}
}

bool map_is_covered(const char *key, const char *by, size_t length, bool is_prefix)
{
	return is_prefix ? strncmp(key, by, length) == 0 : strcmp(key, by) == 0;
}

static bool is_told(const struct map_tracker *tracker, const char *key)
{
	return !tracker->is_gone && map_is_covered(key, tracker->key, tracker->length, tracker->is_prefix);
}

void map_notify_all(struct map *map, enum map_event event, const char *key, const struct map_value *now,
	const struct map_value *before)
{
	uint64_t turn = map->tracker_turn; /* trackers that are added from here on get later changes only */

	map->depth++;
	for (struct map_tracker *tracker = map->depth > NOTIFY_DEPTH_MAX ? NULL : map->trackers; tracker != NULL;
		tracker = tracker->next)
		if (tracker->turn <= turn && is_told(tracker, key))
			tracker->notify(tracker->arg, event, key, now, before);
	if (--map->depth == 0)
		map_sweep(map);
}

/*
 * Rank of a tracker in the order of calls: trackers of a single key first, then prefixes from the longest to the
 * shortest.
 */
static size_t rank(const struct map_tracker *tracker) { return tracker->is_prefix ? tracker->length : SIZE_MAX; }

/*
 * Return whether a new tracker is called after another one. Of trackers of the same key, or of the whole map, the
 * newest is called first. Of trackers of the same prefix the oldest is called first. Corosync's map, a trie of libqb,
 * has this order, and clients can observe it.
 */
static bool comes_after(const struct map_tracker *tracker, const struct map_tracker *other)
{
	if (rank(tracker) != rank(other))
		return rank(tracker) < rank(other);
	return tracker->is_prefix && tracker->length > 0;
}

struct map_tracker *map_track(struct map *map, const char *key_or_prefix, bool is_prefix, map_notify notify, void *arg)
{
	struct map_tracker *tracker = calloc(1, sizeof(*tracker));

	if (tracker == NULL)
		return NULL;
	tracker->key = strdup(key_or_prefix == NULL ? "" : key_or_prefix);
	if (tracker->key == NULL) {
		free(tracker);
		return NULL;
	}
	tracker->length = strlen(tracker->key);
	tracker->is_prefix = is_prefix;
	tracker->turn = ++map->tracker_turn;
	tracker->notify = notify;
	tracker->arg = arg;

	struct map_tracker **link = &map->trackers;

	while (*link != NULL && comes_after(tracker, *link))
		link = &(*link)->next;
	tracker->next = *link;
	if (tracker->next != NULL)
		tracker->next->link = &tracker->next;
	tracker->link = link;
	*link = tracker;
	return tracker;
}

void map_untrack(struct map *map, struct map_tracker *tracker)
{
	if (tracker == NULL)
		return;
	map->tracker_turn++;
	if (map->depth == 0) {
		unlink_tracker(tracker); /* free it at once: a client that ends may have thousands of trackers */
		return;
	}
	tracker->is_gone = true;
	map->has_gone_trackers = true;
}

/* --- shared values --- */

void map_shared_detach(struct map_shared *shared)
{
	if (shared != NULL)
		shared->entry = NULL;
}

static bool has_tracker(const struct map *map, const char *key)
{
	for (const struct map_tracker *tracker = map->trackers; tracker != NULL; tracker = tracker->next)
		if (is_told(tracker, key))
			return true;
	return false;
}

void map_shared_changed(struct map_shared *shared)
{
	if (shared == NULL || shared->entry == NULL)
		return;
	struct map *map = shared->map;

	if (shared->tracker_turn != map->tracker_turn + 1) {
		shared->tracker_turn = map->tracker_turn + 1; /* never 0, which stands for "not computed yet" */
		shared->is_tracked = has_tracker(map, shared->entry->key);
	}
	if (shared->is_tracked)
		map_notify_all(map, MAP_MODIFIED, shared->entry->key, &shared->entry->value, NULL);
}
