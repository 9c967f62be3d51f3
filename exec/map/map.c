/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration map: one sorted array of entries. Lookups are binary searches. An insertion moves
 * pointers, which for the few thousand keys of a node costs less than a tree's allocations.
 */
#include "exec/map/map_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

struct map *map_create(void)
{
	struct map *map = calloc(1, sizeof(*map));

	if (map != NULL)
		map->changed_end = &map->changed;
	return map;
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
	while (map->shared != NULL) {
		struct map_shared *next = map->shared->next;

		free(map->shared);
		map->shared = next;
	}
	map_trackers_fini(map);
	free(map);
}

static bool key_is_valid(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	size_t length = strnlen(key, MAP_KEY_LENGTH_MAX + 1);

	return length >= MAP_KEY_LENGTH_MIN && length <= MAP_KEY_LENGTH_MAX && strspn(key, allowed) == length;
}

static bool value_is_valid(uint32_t type, const void *bytes, uint32_t size)
{
	if (bytes == NULL && size > 0)
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
		return size > 0 && size <= MAP_VALUE_SIZE_MAX + 1 &&
		       memchr(bytes, 0, size) == (const char *)bytes + size - 1;
	case COTERIE_MAP_BINARY:
		return size <= MAP_VALUE_SIZE_MAX;
	default:
		return false;
	}
}

size_t map_lower_bound(const struct map *map, const char *key)
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
	size_t at = map_lower_bound(map, key);

	if (at == map->count || strcmp(map->entries[at]->key, key) != 0)
		return NULL;
	return map->entries[at];
}

static int insert(struct map *map, size_t at, const char *key, const struct map_value *value, struct blob *blob)
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
	entry->shared = NULL;
	memcpy(entry->key, key, size);
	memmove(&map->entries[at + 1], &map->entries[at], (map->count - at) * sizeof(*map->entries));
	map->entries[at] = entry;
	map->count++;
	return 0;
}

/* Take the value from an entry. Its bytes are freed when no notification uses them any more. */
static void give_up_value(struct map *map, struct entry *entry)
{
	if (entry->blob != NULL)
		map_bury(map, &entry->blob->grave);
	map_shared_detach(entry->shared);
	entry->blob = NULL;
	entry->shared = NULL;
}

int map_set(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size)
{
	if (!key_is_valid(key) || !value_is_valid(type, bytes, size))
		return -EINVAL;

	struct entry *entry = find(map, key);

	if (entry != NULL && entry->value.type == type && entry->value.size == size &&
		(size == 0 || memcmp(entry->value.bytes, bytes, size) == 0))
		return 0;

	struct blob *blob = malloc(sizeof(*blob) + size);

	if (blob == NULL)
		return -ENOMEM;
	if (size > 0)
		memcpy(blob->bytes, bytes, size);
	struct map_value now = {.type = type, .size = size, .bytes = blob->bytes};

	if (entry == NULL) {
		size_t at = map_lower_bound(map, key);
		int rc = insert(map, at, key, &now, blob);

		if (rc < 0) {
			free(blob);
			return rc;
		}
		map_notify_all(map, MAP_ADDED, map->entries[at]->key, &now, NULL);
		return 0;
	}
	struct map_value before = entry->value;

	give_up_value(map, entry);
	entry->value = now;
	entry->blob = blob;
	map_notify_all(map, MAP_MODIFIED, entry->key, &now, &before);
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

	if (size > MAP_VALUE_SIZE_MAX + 1)
		return -EINVAL;
	return map_set(map, key, COTERIE_MAP_STRING, value, (uint32_t)size);
}

struct map_shared *map_share(struct map *map, const char *key, uint32_t type, const void *bytes, uint32_t size)
{
	struct map_shared *shared = calloc(1, sizeof(*shared));

	if (shared == NULL)
		return NULL;
	/* Set the key in the usual way first: this checks its name and size, and notifies trackers. */
	map_delete(map, key);
	if (map_set(map, key, type, bytes, size) < 0 || (shared->entry = find(map, key)) == NULL) {
		free(shared);
		return NULL;
	}
	give_up_value(map, shared->entry);
	shared->entry->value.bytes = bytes;
	shared->entry->shared = shared;
	shared->map = map;
	shared->next = map->shared;
	if (shared->next != NULL)
		shared->next->previous = shared;
	map->shared = shared;
	if (map->depth == 0)
		map_sweep(map);
	return shared;
}

void map_unshare(struct map_shared *shared)
{
	if (shared == NULL)
		return;
	struct map *map = shared->map;

	if (shared->entry != NULL)
		map_delete(map, shared->entry->key);
	if (shared->previous != NULL)
		shared->previous->next = shared->next;
	else
		map->shared = shared->next;
	if (shared->next != NULL)
		shared->next->previous = shared->previous;
	map_shared_fini(shared);
	free(shared);
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
	size_t at = map_lower_bound(map, key);

	if (at == map->count || strcmp(map->entries[at]->key, key) != 0)
		return -ENOENT;
	struct entry *entry = map->entries[at];

	map->count--;
	memmove(&map->entries[at], &map->entries[at + 1], (map->count - at) * sizeof(*map->entries));

	struct map_value before = entry->value;

	give_up_value(map, entry);
	map_bury(map, &entry->grave);
	map_notify_all(map, MAP_DELETED, entry->key, NULL, &before);
	return 0;
}

/* Add as with unsigned integers, so that an overflow wraps: a counter that overflows is no error. */
#define ADJUST(integer) \
	do { \
		integer number; \
		memcpy(&number, entry->value.bytes, sizeof(number)); \
		number = (integer)((uint64_t)number + (uint64_t)delta); \
		return map_set(map, key, entry->value.type, &number, sizeof(number)); \
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
		if (map->protections[i].is_prefix == is_prefix && strcmp(map->protections[i].key, key_or_prefix) == 0)
			return 0;
	struct protection *protections = reallocarray(
		map->protections, map->protection_count + 1, sizeof(*protections));

	if (protections == NULL)
		return -ENOMEM;
	map->protections = protections;
	char *key = strdup(key_or_prefix);

	if (key == NULL)
		return -ENOMEM;
	protections[map->protection_count++] = (struct protection){
		.key = key, .length = strlen(key), .is_prefix = is_prefix};
	return 0;
}

bool map_is_protected(const struct map *map, const char *key)
{
	for (size_t i = 0; i < map->protection_count; i++) {
		const struct protection *protection = &map->protections[i];

		if (map_is_covered(key, protection->key, protection->length, protection->is_prefix))
			return true;
	}
	return false;
}
