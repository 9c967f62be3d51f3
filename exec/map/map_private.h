/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of this folder. No other file includes this. */
#ifndef EXEC_MAP_PRIVATE_H
#define EXEC_MAP_PRIVATE_H

#include "exec/map/map.h"

#include <stddef.h>

/* Head of memory that is freed later, since a running notification may still use it. */
struct grave {
	struct grave *next;
};

/* The bytes of a value. */
struct blob {
	struct grave grave;
	max_align_t bytes[];
};

struct entry {
	struct grave grave;
	struct map_value value;
	struct blob *blob;         /* memory of value.bytes, or NULL: the value is shared */
	struct map_shared *shared; /* owner of the memory of value.bytes, or NULL */
	char key[];
};

struct map_shared {
	struct map *map;
	struct map_shared *previous, *next;
	struct entry *entry;   /* or NULL: the key was set or deleted since it was shared */
	uint64_t tracker_turn; /* tracker_turn of the map, plus 1, when is_tracked was computed; 0: never */
	bool is_tracked;
	uint64_t changed_turn;          /* tracker_turn of the map at the last change */
	struct map_shared *queue_next;  /* next one in map.changed or map.round */
	struct map_shared **queue_link; /* *queue_link is this value. NULL: it is in neither */
};

struct map_tracker {
	struct map_tracker *previous, *next; /* of the same place and kind, in the order in which they are called */
	struct map_place *place;
	bool is_prefix;
	bool is_gone; /* it was removed during a notification, and is freed after it */
	struct map_tracker *next_gone;
	uint64_t turn; /* tracker_turn of the map when this tracker was created */
	map_notify notify;
	void *arg;
};

/* A key or prefix that has, or had, trackers. */
struct map_place {
	struct map_place *parent; /* the longest other place that this key begins with, or NULL */
	struct map_tracker *keys; /* trackers of this key, the newest first */
	/* trackers of this prefix, the oldest first. The newest is the first one of the whole map's, whose key is "" */
	struct map_tracker *prefixes, *prefixes_end;
	size_t length;
	char key[];
};

struct protection {
	char *key;
	size_t length;
	bool is_prefix;
};

struct map {
	struct entry **entries; /* ascending in byte order of the key */
	size_t count, capacity;
	struct map_place **places; /* ascending in byte order of the key */
	size_t place_count, place_capacity;
	size_t empty_count;       /* places without trackers */
	uint64_t tracker_turn;    /* counts the times that a tracker was added or removed */
	struct map_tracker *gone; /* trackers that are freed after the running notification */
	struct map_shared *shared;
	struct map_shared *changed, **changed_end; /* values that have changed, and are not in the round */
	struct map_shared *round;                  /* values of the running round, without `telling` */
	struct map_shared *telling;                /* value whose trackers are being called, or NULL */
	uint64_t telling_turn;                     /* its changed_turn when that began */
	struct map_tracker *next_tracker;          /* tracker of `telling` that is called next, or NULL */
	void (*shared_changed)(void *arg);         /* or NULL */
	void *shared_arg;
	struct protection *protections;
	size_t protection_count;
	struct grave *graves;
	uint32_t depth; /* notifications running inside each other */
};

/** Return the index of the first entry whose key is equal to or above this key. */
size_t map_lower_bound(const struct map *map, const char *key);
bool map_is_covered(const char *key, const char *by, size_t length, bool is_prefix);

/** Free memory when no running notification can use it any more. */
void map_bury(struct map *map, struct grave *grave);
void map_notify_all(struct map *map, enum map_event event, const char *key, const struct map_value *now,
	const struct map_value *before);
/** Call a tracker of a shared value that has changed. now: borrowed. The call may free the tracker. */
void map_notify_one(struct map *map, const struct map_tracker *tracker, const char *key, const struct map_value *now);
/** Free memory that was kept during notifications, and removed trackers. Only outside of notifications. */
void map_sweep(struct map *map);
void map_trackers_fini(struct map *map);

/* --- map_places.c --- */

/** Return the place of a key or prefix. If it does not exist, add it. NULL: out of memory. */
struct map_place *map_place_get(struct map *map, const char *key);
/** Add a tracker to a place, at its turn in the order of calls. tracker->is_prefix is set. */
void map_place_link(struct map *map, struct map_place *place, struct map_tracker *tracker);
/** Take a tracker from its place. Only outside of notifications. */
void map_place_unlink(struct map *map, struct map_tracker *tracker);
/** Free the places without trackers if they are more than half of all. Only outside of notifications. */
void map_places_tidy(struct map *map);
/** Return the first tracker that is called for a key, even if it is_gone. NULL: the key has none. */
struct map_tracker *map_place_first(const struct map *map, const char *key);
/** Return the tracker that is called after this one for the same key. NULL: this is the last one. */
struct map_tracker *map_place_next(const struct map_tracker *tracker);

/* --- map_shared.c --- */

/** End the sharing: the value of the entry no longer is memory of its owner. NULL is ignored. */
void map_shared_detach(struct map_shared *shared);
/** End the sharing before the object is freed. */
void map_shared_fini(struct map_shared *shared);

#endif
