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

static void tracker_free(struct map *map, struct map_tracker *tracker)
{
	if (map->next_tracker == tracker)
		map->next_tracker = map_place_next(tracker);
	map_place_unlink(map, tracker);
	free(tracker);
}

void map_trackers_fini(struct map *map)
{
	for (size_t i = 0; i < map->place_count; i++) {
		struct map_place *place = map->places[i];

		while (place->keys != NULL)
			tracker_free(map, place->keys);
		while (place->prefixes != NULL)
			tracker_free(map, place->prefixes);
	}
	for (size_t i = 0; i < map->place_count; i++)
		free(map->places[i]);
	free(map->places);
}

void map_sweep(struct map *map)
{
	while (map->graves != NULL) {
		struct grave *next = map->graves->next;

		free(map->graves); /* `graves` is the first member of the freed struct */
		map->graves = next;
	}
	if (map->gone == NULL)
		return;
	while (map->gone != NULL) {
		struct map_tracker *next = map->gone->next_gone;

		tracker_free(map, map->gone);
		map->gone = next;
	}
	map_places_tidy(map);
}

bool map_is_covered(const char *key, const char *by, size_t length, bool is_prefix)
{
	return is_prefix ? strncmp(key, by, length) == 0 : strcmp(key, by) == 0;
}

void map_notify_all(struct map *map, enum map_event event, const char *key, const struct map_value *now,
	const struct map_value *before)
{
	uint64_t turn = map->tracker_turn; /* trackers that are added from here on get later changes only */

	map->depth++;
	for (struct map_tracker *tracker = map->depth > NOTIFY_DEPTH_MAX ? NULL : map_place_first(map, key);
		tracker != NULL; tracker = map_place_next(tracker))
		if (tracker->turn <= turn && !tracker->is_gone)
			tracker->notify(tracker->arg, event, key, now, before);
	if (--map->depth == 0)
		map_sweep(map);
}

void map_notify_one(struct map *map, const struct map_tracker *tracker, const char *key, const struct map_value *now)
{
	map->depth++;
	tracker->notify(tracker->arg, MAP_MODIFIED, key, now, NULL);
	if (--map->depth == 0)
		map_sweep(map);
}

struct map_tracker *map_track(struct map *map, const char *key_or_prefix, bool is_prefix, map_notify notify, void *arg)
{
	struct map_tracker *tracker = calloc(1, sizeof(*tracker));

	if (tracker == NULL)
		return NULL;

	struct map_place *place = map_place_get(map, key_or_prefix == NULL ? "" : key_or_prefix);

	if (place == NULL) {
		free(tracker);
		return NULL;
	}
	tracker->is_prefix = is_prefix;
	tracker->turn = ++map->tracker_turn;
	tracker->notify = notify;
	tracker->arg = arg;
	map_place_link(map, place, tracker);
	return tracker;
}

void map_untrack(struct map *map, struct map_tracker *tracker)
{
	if (tracker == NULL)
		return;
	map->tracker_turn++;
	if (map->depth == 0) {
		tracker_free(map, tracker); /* at once: a client that ends may have thousands of trackers */
		map_places_tidy(map);
		return;
	}
	tracker->is_gone = true;
	tracker->next_gone = map->gone;
	map->gone = tracker;
}
