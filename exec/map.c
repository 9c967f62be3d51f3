/*
 * The configuration map: one sorted array of entries. Lookups are binary searches; an insertion
 * moves pointers, which for the few thousand keys of a node costs less than a tree's allocations.
 * An iterator remembers the key it stands on, not a place, so that any change during a walk is
 * safe.
 *
 * Trackers may change the map, track and untrack from inside a notification. What they could still
 * look at (replaced values, deleted entries, trackers that went away) is kept until the outermost
 * change is through.
 */
#include "exec/map.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

/* Notifications that cause changes that cause notifications end here: a change deeper is not told.
 */
#define NOTIFY_DEPTH_MAX 16

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
	struct blob *blob; /* of value.bytes */
	char key[];
};

struct map_tracker {
	struct map_tracker *next;
	char *key;
	size_t length;
	bool is_prefix;
	bool is_gone; /* untracked during a notification; freed when it is over */
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
	struct map_tracker *trackers; /* the oldest first */
	struct protection *protections;
	size_t protection_count;
	struct grave *graves;
	uint32_t depth; /* notifications running inside each other */
};

struct map_iterator {
	struct map *map;
	char *prefix;
	size_t length;
	char *key; /* last one returned, a copy; empty: not begun */
};

struct map *map_create(void) { return calloc(1, sizeof(struct map)); }

static void tracker_free(struct map_tracker *tracker)
{
	free(tracker->key);
	free(tracker);
}

void map_destroy(struct map *map)
{
	if (map == NULL)
		return;
	assert(map->depth == 0);
	for (size_t i = 0; i < map->count; i++) {
		free(map->entries[i]->blob);
		free(map->entries[i]);
	}
	free(map->entries);
	for (size_t i = 0; i < map->protection_count; i++)
		free(map->protections[i].key);
	free(map->protections);
	while (map->trackers != NULL) {
		struct map_tracker *next = map->trackers->next;

		tracker_free(map->trackers);
		map->trackers = next;
	}
	free(map);
}

static bool key_is_valid(const char *key)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	size_t length = strnlen(key, MAP_KEY_LENGTH_MAX + 1);

	return length >= MAP_KEY_LENGTH_MIN && length <= MAP_KEY_LENGTH_MAX &&
	       strspn(key, allowed) == length;
}

static bool value_is_valid(uint32_t type, const void *bytes, uint32_t size)
{
	if (bytes == NULL || size == 0 || size > MAP_VALUE_SIZE_MAX)
		return false;
	switch (type) {
	case COTERIE_MAP_I8:
	case COTERIE_MAP_U8:
		return size == 1;
	case COTERIE_MAP_I16:
	case COTERIE_MAP_U16:
		return size == 2;
	case COTERIE_MAP_I32:
	case COTERIE_MAP_U32:
		return size == 4;
	case COTERIE_MAP_I64:
	case COTERIE_MAP_U64:
		return size == 8;
	case COTERIE_MAP_FLOAT:
		return size == sizeof(float);
	case COTERIE_MAP_DOUBLE:
		return size == sizeof(double);
	case COTERIE_MAP_STRING:
		return memchr(bytes, 0, size) == (const char *)bytes + size - 1;
	case COTERIE_MAP_BINARY:
		return true;
	default:
		return false;
	}
}

/* Index of the first entry whose key is not below this one. */
static size_t lower_bound(const struct map *map, const char *key)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(map->entries[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *find(const struct map *map, const char *key)
{
	size_t at = lower_bound(map, key);

	if (at == map->count || strcmp(map->entries[at]->key, key) != 0)
		return NULL;
	return map->entries[at];
}

/* Free when nobody looks any more. */
static void bury(struct map *map, struct grave *grave)
{
	grave->next = map->graves;
	map->graves = grave;
}

static void sweep(struct map *map)
{
	while (map->graves != NULL) {
		struct grave *next = map->graves->next;

		free(map->graves); /* the first member of what is freed */
		map->graves = next;
	}
	for (struct map_tracker **link = &map->trackers; *link != NULL;) {
		struct map_tracker *tracker = *link;

		if (tracker->is_gone) {
			*link = tracker->next;
			tracker_free(tracker);
		} else {
			link = &tracker->next;
		}
	}
}

static bool is_covered(const char *key, const char *by, size_t length, bool is_prefix)
{
	return is_prefix ? strncmp(key, by, length) == 0 : strcmp(key, by) == 0;
}

static void notify_all(struct map *map, enum map_event event, const char *key,
	const struct map_value *now, const struct map_value *before)
{
	map->depth++;
	for (struct map_tracker *tracker = map->depth > NOTIFY_DEPTH_MAX ? NULL : map->trackers;
		tracker != NULL; tracker = tracker->next)
		if (!tracker->is_gone &&
			is_covered(key, tracker->key, tracker->length, tracker->is_prefix))
			tracker->notify(tracker->arg, event, key, now, before);
	if (--map->depth == 0)
		sweep(map);
}

static int insert(struct map *map, size_t at, const char *key, const struct map_value *value,
	struct blob *blob)
{
	if (map->count == map->capacity) {
		size_t capacity = map->capacity == 0 ? 64 : map->capacity * 2;
		struct entry **entries = reallocarray(map->entries, capacity, sizeof(*entries));

		if (entries == NULL)
			return -ENOMEM;
		map->entries = entries;
		map->capacity = capacity;
	}
	size_t size = strlen(key) + 1;
	struct entry *entry = malloc(sizeof(*entry) + size);

	if (entry == NULL)
		return -ENOMEM;
	entry->value = *value;
	entry->blob = blob;
	memcpy(entry->key, key, size);
	memmove(&map->entries[at + 1], &map->entries[at],
		(map->count - at) * sizeof(*map->entries));
	map->entries[at] = entry;
	map->count++;
	return 0;
}

int map_set(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size)
{
	if (!key_is_valid(key) || !value_is_valid(type, bytes, size))
		return -EINVAL;

	struct entry *entry = find(map, key);

	if (entry != NULL && entry->value.type == type && entry->value.size == size &&
		memcmp(entry->value.bytes, bytes, size) == 0)
		return 0;

	struct blob *blob = malloc(sizeof(*blob) + size);

	if (blob == NULL)
		return -ENOMEM;
	memcpy(blob->bytes, bytes, size);
	struct map_value now = {.type = type, .size = size, .bytes = blob->bytes};

	if (entry == NULL) {
		size_t at = lower_bound(map, key);
		int rc = insert(map, at, key, &now, blob);

		if (rc < 0) {
			free(blob);
			return rc;
		}
		notify_all(map, MAP_ADDED, map->entries[at]->key, &now, NULL);
		return 0;
	}
	struct map_value before = entry->value;

	bury(map, &entry->blob->grave);
	entry->value = now;
	entry->blob = blob;
	notify_all(map, MAP_MODIFIED, entry->key, &now, &before);
	return 0;
}

int map_set_u8(struct map *map, const char *key, uint8_t value)
{
	return map_set(map, key, COTERIE_MAP_U8, &value, sizeof(value));
}

int map_set_u16(struct map *map, const char *key, uint16_t value)
{
	return map_set(map, key, COTERIE_MAP_U16, &value, sizeof(value));
}

int map_set_u32(struct map *map, const char *key, uint32_t value)
{
	return map_set(map, key, COTERIE_MAP_U32, &value, sizeof(value));
}

int map_set_i32(struct map *map, const char *key, int32_t value)
{
	return map_set(map, key, COTERIE_MAP_I32, &value, sizeof(value));
}

int map_set_u64(struct map *map, const char *key, uint64_t value)
{
	return map_set(map, key, COTERIE_MAP_U64, &value, sizeof(value));
}

int map_set_string(struct map *map, const char *key, const char *value)
{
	size_t size = strlen(value) + 1;

	if (size > MAP_VALUE_SIZE_MAX)
		return -EINVAL;
	return map_set(map, key, COTERIE_MAP_STRING, value, (uint32_t)size);
}

int map_get(const struct map *map, const char *key, struct map_value *value)
{
	const struct entry *entry = find(map, key);

	if (entry == NULL)
		return -ENOENT;
	*value = entry->value;
	return 0;
}

static int get_typed(const struct map *map, const char *key, uint32_t type, const void **bytes)
{
	const struct entry *entry = find(map, key);

	if (entry == NULL)
		return -ENOENT;
	if (entry->value.type != type)
		return -EINVAL;
	*bytes = entry->value.bytes;
	return 0;
}

int map_get_u8(const struct map *map, const char *key, uint8_t *value)
{
	const void *bytes;
	int rc = get_typed(map, key, COTERIE_MAP_U8, &bytes);

	if (rc == 0)
		memcpy(value, bytes, sizeof(*value));
	return rc;
}

int map_get_u32(const struct map *map, const char *key, uint32_t *value)
{
	const void *bytes;
	int rc = get_typed(map, key, COTERIE_MAP_U32, &bytes);

	if (rc == 0)
		memcpy(value, bytes, sizeof(*value));
	return rc;
}

int map_get_string(const struct map *map, const char *key, const char **value)
{
	const void *bytes;
	int rc = get_typed(map, key, COTERIE_MAP_STRING, &bytes);

	if (rc == 0)
		*value = bytes;
	return rc;
}

int map_delete(struct map *map, const char *key)
{
	size_t at = lower_bound(map, key);

	if (at == map->count || strcmp(map->entries[at]->key, key) != 0)
		return -ENOENT;
	struct entry *entry = map->entries[at];

	map->count--;
	memmove(&map->entries[at], &map->entries[at + 1],
		(map->count - at) * sizeof(*map->entries));

	struct map_value before = entry->value;

	bury(map, &entry->blob->grave);
	bury(map, &entry->grave);
	notify_all(map, MAP_DELETED, entry->key, NULL, &before);
	return 0;
}

/* Integers wrap as unsigned ones do: a counter that runs over is not an error. */
#define ADJUST(integer)                                                                            \
	do {                                                                                       \
		integer number;                                                                    \
		memcpy(&number, entry->value.bytes, sizeof(number));                               \
		number = (integer)((uint64_t)number + (uint64_t)delta);                            \
		return map_set(map, key, entry->value.type, &number, sizeof(number));              \
	} while (0)

int map_adjust(struct map *map, const char *key, int64_t delta)
{
	const struct entry *entry = find(map, key);

	if (entry == NULL)
		return -ENOENT;
	switch (entry->value.type) {
	case COTERIE_MAP_I8:
	case COTERIE_MAP_U8:
		ADJUST(uint8_t);
	case COTERIE_MAP_I16:
	case COTERIE_MAP_U16:
		ADJUST(uint16_t);
	case COTERIE_MAP_I32:
	case COTERIE_MAP_U32:
		ADJUST(uint32_t);
	case COTERIE_MAP_I64:
	case COTERIE_MAP_U64:
		ADJUST(uint64_t);
	default:
		return -EINVAL;
	}
}

int map_protect(struct map *map, const char *key_or_prefix, bool is_prefix)
{
	for (size_t i = 0; i < map->protection_count; i++)
		if (map->protections[i].is_prefix == is_prefix &&
			strcmp(map->protections[i].key, key_or_prefix) == 0)
			return 0;
	struct protection *protections =
		reallocarray(map->protections, map->protection_count + 1, sizeof(*protections));

	if (protections == NULL)
		return -ENOMEM;
	map->protections = protections;
	char *key = strdup(key_or_prefix);

	if (key == NULL)
		return -ENOMEM;
	protections[map->protection_count++] =
		(struct protection){.key = key, .length = strlen(key), .is_prefix = is_prefix};
	return 0;
}

bool map_is_protected(const struct map *map, const char *key)
{
	for (size_t i = 0; i < map->protection_count; i++) {
		const struct protection *protection = &map->protections[i];

		if (is_covered(key, protection->key, protection->length, protection->is_prefix))
			return true;
	}
	return false;
}

struct map_iterator *map_iterator_create(struct map *map, const char *prefix)
{
	struct map_iterator *iterator = calloc(1, sizeof(*iterator));

	if (iterator == NULL)
		return NULL;
	iterator->prefix = strdup(prefix == NULL ? "" : prefix);
	iterator->key = malloc(MAP_KEY_LENGTH_MAX + 1);
	if (iterator->prefix == NULL || iterator->key == NULL) {
		map_iterator_destroy(iterator);
		return NULL;
	}
	iterator->map = map;
	iterator->length = strlen(iterator->prefix);
	iterator->key[0] = '\0';
	return iterator;
}

const char *map_iterator_next(struct map_iterator *iterator, struct map_value *value)
{
	const struct map *map = iterator->map;
	size_t at;

	if (iterator->key[0] == '\0') {
		at = lower_bound(map, iterator->prefix);
	} else {
		at = lower_bound(map, iterator->key);
		if (at < map->count && strcmp(map->entries[at]->key, iterator->key) == 0)
			at++;
	}
	if (at == map->count ||
		strncmp(map->entries[at]->key, iterator->prefix, iterator->length) != 0)
		return NULL;
	strcpy(iterator->key, map->entries[at]->key); /* both at most MAP_KEY_LENGTH_MAX */
	if (value != NULL)
		*value = map->entries[at]->value;
	return map->entries[at]->key;
}

void map_iterator_destroy(struct map_iterator *iterator)
{
	if (iterator == NULL)
		return;
	free(iterator->prefix);
	free(iterator->key);
	free(iterator);
}

struct map_tracker *map_track(
	struct map *map, const char *key_or_prefix, bool is_prefix, map_notify notify, void *arg)
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
	tracker->notify = notify;
	tracker->arg = arg;

	struct map_tracker **link = &map->trackers;

	while (*link != NULL)
		link = &(*link)->next;
	*link = tracker;
	return tracker;
}

void map_untrack(struct map *map, struct map_tracker *tracker)
{
	if (tracker == NULL)
		return;
	tracker->is_gone = true;
	if (map->depth == 0)
		sweep(map);
}
