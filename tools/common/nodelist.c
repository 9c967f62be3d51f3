/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/nodelist.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "nodelist.node.";

static int node_compare(const void *a, const void *b)
{
	unsigned int id_a = ((const struct node *)a)->id;
	unsigned int id_b = ((const struct node *)b)->id;

	return id_a < id_b ? -1 : id_a > id_b;
}

/* Get the position from a key "nodelist.node.N.nodeid". @return false: the key has another form */
static bool key_position(const char *key, unsigned int *position)
{
	char end[8] = "";
	int used = 0;

	return sscanf(key + strlen(prefix), "%u.%7s%n", position, end, &used) == 2 && strcmp(end, "nodeid") == 0 &&
	       key[strlen(prefix) + (size_t)used] == '\0';
}

static cs_error_t node_add(cmap_handle_t map, struct nodelist *list, const char *key, unsigned int position)
{
	struct node node = {.position = position};
	char name_key[CMAP_KEYNAME_MAXLEN + 1];

	/* The key is missing if the list has changed during this call. Then the node is left out. */
	if (cmap_get_uint32(map, key, &node.id) != CS_OK)
		return CS_OK;
	struct node *nodes = realloc(list->nodes, (list->count + 1) * sizeof(*nodes));
	if (nodes == NULL)
		return CS_ERR_NO_MEMORY;
	list->nodes = nodes;
	snprintf(name_key, sizeof(name_key), "%s%u.name", prefix, position);
	if (cmap_get_string(map, name_key, &node.name) != CS_OK)
		node.name = NULL;
	list->nodes[list->count++] = node;
	return CS_OK;
}

cs_error_t nodelist_read(cmap_handle_t map, struct nodelist *list)
{
	cmap_iter_handle_t iterator;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	unsigned int position;

	*list = (struct nodelist){0};
	cs_error_t rc = cmap_iter_init(map, prefix, &iterator);
	if (rc != CS_OK)
		return rc;
	while (rc == CS_OK && (rc = cmap_iter_next(map, iterator, key, NULL, NULL)) == CS_OK)
		if (key_position(key, &position))
			rc = node_add(map, list, key, position);
	cmap_iter_finalize(map, iterator);
	if (rc != CS_ERR_NO_SECTIONS) {
		nodelist_free(list);
		return rc;
	}
	if (list->count > 0)
		qsort(list->nodes, list->count, sizeof(*list->nodes), node_compare);
	return CS_OK;
}

void nodelist_free(struct nodelist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->nodes[i].name);
	free(list->nodes);
	*list = (struct nodelist){0};
}

const struct node *nodelist_find(const struct nodelist *list, unsigned int id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->nodes[i].id == id)
			return &list->nodes[i];
	return NULL;
}
