/* What map.c, map_track.c and map_iterate.c share. Nothing else includes this. */
#ifndef EXEC_MAP_PRIVATE_H
#define EXEC_MAP_PRIVATE_H

#include "exec/map.h"

#include <stddef.h>

/* In front of memory that a running notification may still look at when it is given up. */
struct grave {
	struct grave *next;
};

/* A value's bytes. */
struct blob {
	struct grave grave;
	max_align_t bytes[];
};

struct entry {
	struct grave grave;
	struct map_value value;
	struct blob *blob;         /* of value.bytes; NULL: shared */
	struct map_shared *shared; /* whose memory value.bytes is, or NULL */
	char key[];
};

struct map_shared {
	struct map *map;
	struct map_shared *previous, *next;
	struct entry *entry;   /* NULL: the key was set or deleted by somebody */
	uint64_t tracker_turn; /* of the map, when is_tracked was found out */
	bool is_tracked;
};

struct map_tracker {
	struct map_tracker *next, **link; /* *link is this */
	char *key;
	size_t length;
	bool is_prefix;
	bool is_gone; /* untracked during a notification; freed when it is over */
	uint64_t turn; /* of the map, when it was made */
	map_notify notify;
	void *arg;
};

struct protection {
	char *key;
	size_t length;
	bool is_prefix;
};

struct map {
	struct entry **entries; /* ascending in byte order of the key */
	size_t count, capacity;
	struct map_tracker *trackers; /* in the order in which they are told */
	uint64_t tracker_turn;        /* counts trackers that came or went */
	bool has_gone_trackers;       /* some is_gone */
	struct map_shared *shared;
	struct protection *protections;
	size_t protection_count;
	struct grave *graves;
	uint32_t depth; /* notifications running inside each other */
};

/** Index of the first entry whose key is not below this one. */
size_t map_lower_bound(const struct map *map, const char *key);
bool map_is_covered(const char *key, const char *by, size_t length, bool is_prefix);

/** Free when nobody looks any more. */
void map_bury(struct map *map, struct grave *grave);
void map_notify_all(struct map *map, enum map_event event, const char *key, const struct map_value *now,
	const struct map_value *before);
/** Free what was buried, and trackers that went. Outside of notifications only. */
void map_sweep(struct map *map);
void map_trackers_fini(struct map *map);
/** The entry's value is no longer its owner's memory. NULL is ignored. */
void map_shared_detach(struct map_shared *shared);

#endif
