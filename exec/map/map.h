/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration map (cmap's store): typed keys in byte order, read-only prefixes, trackers. Rules of
 * names, sizes and types: book configuration, "Map". Types are COTERIE_MAP_* of <coterie/plugin.h>.
 */
#ifndef EXEC_MAP_H
#define EXEC_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define MAP_KEY_LENGTH_MIN 3
#define MAP_KEY_LENGTH_MAX 255
#define MAP_VALUE_SIZE_MAX 16384 /* without the NUL of a string */

struct map;
struct map_shared;
struct map_tracker;
struct map_iterator;

struct map_value {
	uint32_t type;
	uint32_t size;     /* bytes, including the NUL of a string */
	const void *bytes; /* borrowed until the key changes */
};

enum map_event {
	MAP_ADDED = 4,
	MAP_DELETED = 1,
	MAP_MODIFIED = 2,
};

/**
 * A notification. now is NULL if the key was deleted. before is NULL if the key was added, or if a shared value
 * changed. now, before and key are borrowed. The function may change the map, track and untrack.
 */
typedef void (*map_notify)(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before);

struct map *map_create(void); /* NULL: out of memory */
void map_destroy(struct map *map);

/** Set a key, even if it is read-only. 0, also if the value is the same; -EINVAL: name, type or size; -ENOMEM. */
int map_set(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size);
int map_set_u8(struct map *map, const char *key, uint8_t value);
int map_set_u16(struct map *map, const char *key, uint16_t value);
int map_set_u32(struct map *map, const char *key, uint32_t value);
int map_set_i32(struct map *map, const char *key, int32_t value);
int map_set_u64(struct map *map, const char *key, uint64_t value);
int map_set_string(struct map *map, const char *key, const char *value);
int map_get(const struct map *map, const char *key, struct map_value *value); /* -ENOENT */
int map_get_u8(const struct map *map, const char *key, uint8_t *value);       /* -ENOENT; -EINVAL: type */
int map_get_u32(const struct map *map, const char *key, uint32_t *value);
int map_get_string(const struct map *map, const char *key, const char **value);
int map_delete(struct map *map, const char *key); /* -ENOENT */
/** Add delta to an integer key. -ENOENT; -EINVAL: not an integer. */
int map_adjust(struct map *map, const char *key, int64_t delta);

/**
 * Share a key: its value is memory of the caller, for example a counter. An older value is replaced. map_set or
 * map_delete of the key ends the sharing.
 * @param bytes  borrowed until map_unshare or the end of the map
 * @return an object for map_shared_changed and map_unshare; NULL: out of memory, or not a legal key or value
 */
struct map_shared *map_share(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size);
/**
 * Note that the value has changed. Its trackers are called by map_shared_tell. The cost does not depend on the number
 * of trackers. NULL is ignored.
 */
void map_shared_changed(struct map_shared *shared);
void map_unshare(struct map_shared *shared); /* delete the key if it is still shared. NULL is ignored */
/** Call changed(arg) at each change of a shared value that has trackers. Only one function can be set. */
void map_shared_watch(struct map *map, void (*changed)(void *arg), void *arg);

enum map_shared_state {
	MAP_SHARED_QUIET,   /* no value has changed since its trackers were called */
	MAP_SHARED_CHANGED, /* the round is over. Some values have changed meanwhile */
	MAP_SHARED_TELLING, /* the round goes on at the next call */
};

/**
 * Call trackers of shared values that have changed. All values that have changed by now are one round, which may take
 * several calls. Each tracker of a value is called once in a round, with the present value.
 * @param steps  most steps of this call. A step takes up a value or calls a tracker
 */
enum map_shared_state map_shared_tell(struct map *map, uint32_t steps);

/** Make a key (or all keys with this prefix) read-only for clients. The executive may still write it. */
int map_protect(struct map *map, const char *key_or_prefix, bool is_prefix);
bool map_is_protected(const struct map *map, const char *key);

/** Iterate over keys that begin with prefix (NULL: all) in byte order. Changes meanwhile are safe. */
struct map_iterator *map_iterator_create(struct map *map, const char *prefix);
const char *map_iterator_next(struct map_iterator *iterator, struct map_value *value); /* NULL: end */
void map_iterator_destroy(struct map_iterator *iterator);

/**
 * Call notify at each change of a key, or of all keys with this prefix (NULL: the whole map). Trackers are called in
 * this order: those of the key itself, then those of prefixes from the longest to the shortest. Of trackers of the same
 * prefix the oldest is called first, of those of the same key or of the whole map the newest. Return NULL: out of
 * memory.
 */
struct map_tracker *map_track(struct map *map, const char *key_or_prefix, bool is_prefix, map_notify notify, void *arg);
void map_untrack(struct map *map, struct map_tracker *tracker);

#endif
