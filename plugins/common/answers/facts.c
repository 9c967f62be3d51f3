/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts for several answers: keys, nodes, the ring. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- keys --- */

char *answers_key_text(const struct metrics_source *source, uint32_t map, const char *key)
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	uint32_t type;

	if (!source->read(source->arg, map, key, &type, bytes) || type != COTERIE_MAP_STRING)
		return NULL;
	return strdup(bytes);
}

bool answers_whole(uint32_t type, const void *bytes, int64_t *whole)
{
	union {
		int8_t i8;
		uint8_t u8;
		int16_t i16;
		uint16_t u16;
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
	} number;

	memcpy(&number, bytes, sizeof(number));
	switch (type) {
	case COTERIE_MAP_I8:
		*whole = number.i8;
		return true;
	case COTERIE_MAP_U8:
		*whole = number.u8;
		return true;
	case COTERIE_MAP_I16:
		*whole = number.i16;
		return true;
	case COTERIE_MAP_U16:
		*whole = number.u16;
		return true;
	case COTERIE_MAP_I32:
		*whole = number.i32;
		return true;
	case COTERIE_MAP_U32:
		*whole = number.u32;
		return true;
	case COTERIE_MAP_I64:
		*whole = number.i64;
		return true;
	case COTERIE_MAP_U64:
		*whole = number.u64 <= INT64_MAX ? (int64_t)number.u64 : INT64_MAX;
		return true;
	default:
		return false;
	}
}

int64_t answers_key_number(const struct metrics_source *source, uint32_t map, const char *key, int64_t otherwise)
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	int64_t number;
	uint32_t type;

	if (!source->read(source->arg, map, key, &type, bytes))
		return otherwise;
	if (type == COTERIE_MAP_STRING)
		return strtoll(bytes, NULL, 10);
	return answers_whole(type, bytes, &number) ? number : otherwise;
}

/* --- nodes --- */

struct node_walk {
	const struct metrics_source *source;
	struct json_object *nodes;
	uint32_t local;
	int position; /* position of the last node found, or -1 */
};

static void add_node(struct node_walk *walk, int position)
{
	struct json_object *node = json_object_new_object();
	struct json_object *addresses = json_object_new_array();
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "nodelist.node.%d.nodeid", position);
	int64_t id = answers_key_number(walk->source, COTERIE_MAP_CONFIG, key, 0);
	for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++) {
		snprintf(key, sizeof(key), "nodelist.node.%d.ring%" PRIu32 "_addr", position, link);
		char *address = answers_key_text(walk->source, COTERIE_MAP_CONFIG, key);

		if (address != NULL)
			json_object_array_add(addresses, answers_text_value(address));
		free(address);
	}
	snprintf(key, sizeof(key), "nodelist.node.%d.name", position);
	char *name = answers_key_text(walk->source, COTERIE_MAP_CONFIG, key);
	put_number(node, "id", id);
	if (name != NULL)
		put_text(node, "name", name);
	else if (json_object_array_length(addresses) > 0)
		put_text(node, "name", json_object_get_string(json_object_array_get_idx(addresses, 0)));
	else
		put_text(node, "name", "");
	put_bool(node, "local", id == walk->local);
	json_object_object_add(node, "addresses", addresses);
	json_object_array_add(walk->nodes, node);
	free(name);
}

static bool see_node_key(void *arg, const char *key)
{
	struct node_walk *walk = arg;
	int position;

	if (sscanf(key, "nodelist.node.%d.", &position) == 1 && position != walk->position) {
		walk->position = position;
		add_node(walk, position);
	}
	return true;
}

static int compare_nodes(const void *a, const void *b)
{
	int64_t x = get_number(*(struct json_object *const *)a, "id");
	int64_t y = get_number(*(struct json_object *const *)b, "id");

	return x < y ? -1 : x > y;
}

struct json_object *answers_nodes(const struct metrics_source *source)
{
	struct node_walk walk = {.source = source,
		.nodes = json_object_new_array(),
		.local = source->local(source->arg),
		.position = -1};

	source->each(source->arg, COTERIE_MAP_CONFIG, "nodelist.node.", see_node_key, &walk);
	json_object_array_sort(walk.nodes, compare_nodes);
	return walk.nodes;
}

const char *answers_node_name(struct json_object *nodes, uint32_t nodeid, char buffer[12])
{
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i);

		if (get_number(node, "id") == nodeid && *get_text(node, "name") != '\0')
			return get_text(node, "name");
	}
	snprintf(buffer, 12, "%" PRIu32, nodeid);
	return buffer;
}

/* --- ring and links --- */

struct json_object *answers_ring_object(uint32_t representative, uint64_t seq)
{
	struct json_object *object = json_object_new_object();
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu32 ".%" PRIx64, representative, seq);
	put_number(object, "rep", representative);
	put_number(object, "seq", (int64_t)seq);
	put_text(object, "text", text);
	return object;
}

struct json_object *answers_ring(const struct metrics_source *source)
{
	struct coterie_ring_id ring;

	return source->ring(source->arg, &ring) ? answers_ring_object(ring.representative, ring.seq) : NULL;
}

bool answers_links(const struct metrics_source *source, uint32_t nodeid, struct coterie_node_status *status)
{
	memset(status, 0, sizeof(*status));
	status->size = sizeof(*status);
	if (source->links(source->arg, nodeid, status))
		return true;
	memset(status, 0, sizeof(*status));
	return false;
}
