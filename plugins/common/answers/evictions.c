/* SPDX-License-Identifier: BSD-3-Clause */
/* Members that were removed from the ring, and members that may be removed soon. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "stats.coterie.eviction."
#define END ".record"
#define RECORDS_MAX 64u /* more than the daemon keeps */

bool answers_is_eviction(const char *key, char text_key[COTERIE_MAP_NAME_MAX + 1])
{
	uint64_t number;
	int end = 0;

	if (sscanf(key, PREFIX "%" SCNu64 END "%n", &number, &end) != 1 || end == 0 || key[end] != '\0')
		return false;
	snprintf(text_key, COTERIE_MAP_NAME_MAX + 1, PREFIX "%" PRIu64 ".text", number);
	return true;
}

struct json_object *answers_eviction(const char *record, const char *text)
{
	struct json_object *eviction = json_tokener_parse(record);

	if (!json_object_is_type(eviction, json_type_object)) {
		json_object_put(eviction);
		return NULL;
	}
	put_text(eviction, "text", text != NULL ? text : "");
	return eviction;
}

struct walk {
	const struct metrics_source *source;
	uint64_t numbers[RECORDS_MAX];
	uint32_t count;
};

static bool see(void *arg, const char *key)
{
	char text_key[COTERIE_MAP_NAME_MAX + 1];
	struct walk *walk = arg;

	if (answers_is_eviction(key, text_key) && walk->count < RECORDS_MAX)
		walk->numbers[walk->count++] = strtoull(key + sizeof(PREFIX) - 1, NULL, 10);
	return true;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x > y ? -1 : x < y;
}

struct json_object *answers_evictions(const struct metrics_source *source)
{
	struct json_object *evictions = json_object_new_array();
	struct walk walk = {.source = source};

	source->each(source->arg, COTERIE_MAP_STATS, PREFIX, see, &walk);
	qsort(walk.numbers, walk.count, sizeof(walk.numbers[0]), newest_first);
	for (uint32_t i = 0; i < walk.count; i++) {
		char key[64];

		snprintf(key, sizeof(key), PREFIX "%" PRIu64 END, walk.numbers[i]);
		char *record = answers_key_text(source, COTERIE_MAP_STATS, key);
		snprintf(key, sizeof(key), PREFIX "%" PRIu64 ".text", walk.numbers[i]);
		char *text = answers_key_text(source, COTERIE_MAP_STATS, key);
		struct json_object *eviction = record != NULL ? answers_eviction(record, text) : NULL;

		if (eviction != NULL)
			json_object_array_add(evictions, eviction);
		free(record);
		free(text);
	}
	return evictions;
}

struct json_object *answers_lease(const struct metrics_source *source)
{
	int64_t is_held = answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.lease.held", -1);
	struct json_object *lease;

	if (is_held < 0)
		return NULL;
	lease = json_object_new_object();
	put_bool(lease, "held", is_held != 0);
	put_number(
		lease, "lapsed_ms", answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.lease.lapsed_ms", 0));
	put_number(
		lease, "length_ms", answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.lease.length_ms", 0));
	put_number(lease, "lapses", answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.lease.lapses", 0));
	return lease;
}

struct json_object *answers_silent(const struct metrics_source *source)
{
	struct json_object *silent = json_object_new_array();
	char *list = answers_key_text(source, COTERIE_MAP_STATS, "stats.coterie.silent");
	uint64_t silent_ms, budget_ms;
	uint32_t id;
	int length;
	char host[8];

	for (const char *at = list; at != NULL && sscanf(at, "%" SCNu32 "-%" SCNu64 "-%" SCNu64 "%n", &id, &silent_ms,
							  &budget_ms, &length) == 3;
		at += length) {
		struct json_object *node = json_object_new_object();

		put_number(node, "id", id);
		put_number(node, "silent_ms", (int64_t)silent_ms);
		put_number(node, "evicted_after_ms", (int64_t)budget_ms);
		at += length;
		length = 0;
		if (sscanf(at, "-%7[a-z]%n", host, &length) == 1)
			put_text(node, "host", host);
		json_object_array_add(silent, node);
	}
	free(list);
	return silent;
}
