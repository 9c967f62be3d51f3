/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared values of the configuration map: counters of the daemon that change with each message of the ring. A change is
 * noted only, and the trackers are called in rounds. So a message costs the same with any trackers. A tracker gets the
 * value of the time at which it is called.
 */
#include "exec/map/map_private.h"

static void enqueue(struct map_shared *shared)
{
	struct map *map = shared->map;

	shared->queue_next = NULL;
	shared->queue_link = map->changed_end;
	*map->changed_end = shared;
	map->changed_end = &shared->queue_next;
}

static void dequeue(struct map_shared *shared)
{
	struct map *map = shared->map;

	if (shared->queue_link == NULL)
		return;
	*shared->queue_link = shared->queue_next;
	if (shared->queue_next != NULL)
		shared->queue_next->queue_link = shared->queue_link;
	else if (map->changed_end == &shared->queue_next)
		map->changed_end = shared->queue_link;
	shared->queue_link = NULL;
}

void map_shared_fini(struct map_shared *shared)
{
	map_shared_detach(shared);
	dequeue(shared);
}

void map_shared_detach(struct map_shared *shared)
{
	if (shared == NULL)
		return;
	struct map *map = shared->map;

	shared->entry = NULL;
	if (map->telling != shared)
		return;
	map->telling = NULL;
	map->next_tracker = NULL;
}

void map_shared_watch(struct map *map, void (*changed)(void *arg), void *arg)
{
	map->shared_changed = changed;
	map->shared_arg = arg;
}

void map_shared_changed(struct map_shared *shared)
{
	if (shared == NULL || shared->entry == NULL)
		return;
	struct map *map = shared->map;

	if (shared->tracker_turn != map->tracker_turn + 1) {
		shared->tracker_turn = map->tracker_turn + 1; /* never 0, which stands for "not computed yet" */
		shared->is_tracked = map_place_first(map, shared->entry->key) != NULL;
	}
	if (!shared->is_tracked)
		return;
	shared->changed_turn = map->tracker_turn;
	if (shared->queue_link == NULL)
		enqueue(shared);
	if (map->shared_changed != NULL)
		map->shared_changed(map->shared_arg);
}

/* Begin a round: it has the values that have changed until now. */
static void begin_round(struct map *map)
{
	map->round = map->changed;
	if (map->round == NULL)
		return;
	map->round->queue_link = &map->round;
	map->changed = NULL;
	map->changed_end = &map->changed;
}

/* Take the next value of the round. */
static void begin_value(struct map *map)
{
	struct map_shared *shared = map->round;

	dequeue(shared);
	if (shared->entry == NULL)
		return;
	map->telling = shared;
	map->telling_turn = shared->changed_turn;
	map->next_tracker = map_place_first(map, shared->entry->key);
}

/* Call the next tracker of a value. */
static void call_next(struct map *map)
{
	struct map_tracker *tracker = map->next_tracker;
	const struct entry *entry = map->telling->entry;
	struct map_value now = entry->value; /* a copy, since the tracker may set the key */

	/* The call may end the tracker, the next one, or the sharing. */
	map->next_tracker = map_place_next(tracker);
	if (tracker->turn <= map->telling_turn)
		map_notify_one(map, tracker, entry->key, &now);
}

enum map_shared_state map_shared_tell(struct map *map, uint32_t steps)
{
	if (map->round == NULL && map->telling == NULL)
		begin_round(map);
	for (; steps > 0 && (map->telling != NULL || map->round != NULL); steps--) {
		if (map->telling == NULL)
			begin_value(map);
		else if (map->next_tracker != NULL)
			call_next(map);
		if (map->next_tracker == NULL)
			map->telling = NULL;
	}
	if (map->telling != NULL || map->round != NULL)
		return MAP_SHARED_TELLING;
	return map->changed != NULL ? MAP_SHARED_CHANGED : MAP_SHARED_QUIET;
}
