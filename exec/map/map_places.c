/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index of trackers: one place for each tracked key or prefix. A change finds its trackers without a look at those
 * of other keys, since clients may have thousands. A place without trackers stays until most places are like it. So a
 * client that ends with thousands of trackers does not move the array for each of them.
 */
#include "exec/map/map_private.h"

#include <stdlib.h>
#include <string.h>

/* Number of places without trackers that always may stay. */
#define EMPTY_MIN 64u

/* Return the index of the first place whose key is above this key. */
static size_t upper_bound(const struct map *map, const char *key)
{
	size_t low = 0, high = map->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(map->places[middle]->key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t common_length(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] != '\0' && a[length] == b[length])
		length++;
	return length;
}

/*
 * Return the longest place, of this place and those that its key begins with, whose key another key begins with. For
 * the last place that is not above the other key, this is the longest one in the whole index.
 */
static struct map_place *nearest(struct map_place *place, const char *key)
{
	size_t length = place == NULL ? 0 : common_length(place->key, key);

	while (place != NULL && place->length > length)
		place = place->parent;
	return place;
}

static bool is_empty(const struct map_place *place) { return place->keys == NULL && place->prefixes == NULL; }

/* Add a place. at: index of the first place above the key */
static struct map_place *place_add(struct map *map, size_t at, const char *key)
{
	size_t length = strlen(key);

	if (map->place_count == map->place_capacity) {
		size_t capacity = map->place_capacity == 0 ? 16 : map->place_capacity * 2;
		struct map_place **places = reallocarray(map->places, capacity, sizeof(struct map_place *));

		if (places == NULL)
			return NULL;
		map->places = places;
		map->place_capacity = capacity;
	}

	struct map_place *place = calloc(1, sizeof(*place) + length + 1);

	if (place == NULL)
		return NULL;
	place->length = length;
	memcpy(place->key, key, length + 1);
	place->parent = at == 0 ? NULL : nearest(map->places[at - 1], key);
	memmove(&map->places[at + 1], &map->places[at], (map->place_count - at) * sizeof(struct map_place *));
	map->places[at] = place;
	map->place_count++;
	map->empty_count++;
	for (size_t i = at + 1; i < map->place_count && strncmp(map->places[i]->key, key, length) == 0; i++) {
		if (map->places[i]->parent == place->parent)
			map->places[i]->parent = place;
	}
	return place;
}

struct map_place *map_place_get(struct map *map, const char *key)
{
	size_t at = upper_bound(map, key);

	if (at > 0 && strcmp(map->places[at - 1]->key, key) == 0)
		return map->places[at - 1];
	return place_add(map, at, key);
}

/*
 * Of trackers of the same key, or of the whole map, the newest is called first. Of trackers of the same prefix the
 * oldest is called first. Corosync's map, a trie of libqb, has this order, and clients can observe it.
 */
void map_place_link(struct map *map, struct map_place *place, struct map_tracker *tracker)
{
	bool is_last = tracker->is_prefix && place->length > 0 && place->prefixes != NULL;
	struct map_tracker **first = tracker->is_prefix ? &place->prefixes : &place->keys;

	map->empty_count -= is_empty(place);
	tracker->place = place;
	tracker->previous = is_last ? place->prefixes_end : NULL;
	tracker->next = is_last ? NULL : *first;
	if (tracker->previous != NULL)
		tracker->previous->next = tracker;
	else
		*first = tracker;
	if (tracker->next != NULL)
		tracker->next->previous = tracker;
	else if (tracker->is_prefix)
		place->prefixes_end = tracker;
}

void map_place_unlink(struct map *map, struct map_tracker *tracker)
{
	struct map_place *place = tracker->place;

	if (tracker->previous != NULL)
		tracker->previous->next = tracker->next;
	else if (tracker->is_prefix)
		place->prefixes = tracker->next;
	else
		place->keys = tracker->next;
	if (tracker->next != NULL)
		tracker->next->previous = tracker->previous;
	else if (tracker->is_prefix)
		place->prefixes_end = tracker->previous;
	map->empty_count += is_empty(place);
}

void map_places_tidy(struct map *map)
{
	size_t count = 0;

	if (map->empty_count <= EMPTY_MIN || map->empty_count <= map->place_count / 2)
		return;
	for (size_t i = 0; i < map->place_count; i++) {
		struct map_place *place = map->places[i];

		if (is_empty(place)) {
			free(place);
			continue;
		}
		place->parent = count == 0 ? NULL : nearest(map->places[count - 1], place->key);
		map->places[count++] = place;
	}
	map->place_count = count;
	map->empty_count = 0;
}

struct map_tracker *map_place_first(const struct map *map, const char *key)
{
	size_t at = upper_bound(map, key);
	struct map_place *place = at == 0 ? NULL : nearest(map->places[at - 1], key);

	if (place != NULL && key[place->length] == '\0' && place->keys != NULL)
		return place->keys;
	while (place != NULL && place->prefixes == NULL)
		place = place->parent;
	return place == NULL ? NULL : place->prefixes;
}

struct map_tracker *map_place_next(const struct map_tracker *tracker)
{
	const struct map_place *place = tracker->place;

	if (tracker->next != NULL)
		return tracker->next;
	if (tracker->is_prefix)
		place = place->parent;
	while (place != NULL && place->prefixes == NULL)
		place = place->parent;
	return place == NULL ? NULL : place->prefixes;
}
