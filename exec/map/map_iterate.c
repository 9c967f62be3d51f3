/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks through the configuration map. An iterator keeps the key that it returned last, not an index, so that any
 * change during a walk is safe.
 */
#include "exec/map/map_private.h"

#include <stdlib.h>
#include <string.h>

struct map_iterator {
	struct map *map;
	char *prefix;
	size_t length;
	char *key; /* copy of the key that was returned last, or empty: the walk has not begun */
};

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
		at = map_lower_bound(map, iterator->prefix);
	} else {
		at = map_lower_bound(map, iterator->key);
		if (at < map->count && strcmp(map->entries[at]->key, iterator->key) == 0)
			at++;
	}
	if (at == map->count || strncmp(map->entries[at]->key, iterator->prefix, iterator->length) != 0)
		return NULL;
	strcpy(iterator->key, map->entries[at]->key); /* both have room for MAP_KEY_LENGTH_MAX characters */
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
