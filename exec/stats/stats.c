/* SPDX-License-Identifier: BSD-3-Clause */
/* The statistics: a sorted array of keys with functions that read them. */
#include "exec/stats/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/map/map.h"
#include "exec/stats/stats_track.h"

struct statistic {
	const void *owner;
	uint32_t type;
	coterie_stat_read read;
	void *arg;
	char key[];
};

struct clearing {
	struct clearing *next;
	const void *owner;
	char *name;
	void (*run)(void *arg);
	void *arg;
};

struct stats {
	struct statistic **list; /* ascending by key */
	size_t count, capacity;
	struct stats_trackers *trackers;
	struct clearing *clearings;
	const char *hushed;
	uint64_t value[STATS_VALUE_MAX / sizeof(uint64_t)];
};

struct stats_iterator {
	struct stats *stats;
	char *prefix;
	char key[MAP_KEY_LENGTH_MAX + 1]; /* key that was returned last, or empty: the iteration has not begun */
};

struct stats *stats_create(struct loop *loop)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	if (stats == NULL)
		return NULL;
	stats->trackers = stats_track_create(loop, stats_read, stats);
	if (stats->trackers == NULL) {
		free(stats);
		return NULL;
	}
	return stats;
}

static void clearing_free(struct clearing *clearing)
{
	free(clearing->name);
	free(clearing);
}

void stats_destroy(struct stats *stats)
{
	if (stats == NULL)
		return;
	stats_track_destroy(stats->trackers);
	for (size_t i = 0; i < stats->count; i++)
		free(stats->list[i]);
	free(stats->list);
	while (stats->clearings != NULL) {
		struct clearing *next = stats->clearings->next;

		clearing_free(stats->clearings);
		stats->clearings = next;
	}
	free(stats);
}

/* --- keys --- */

/* Return the index of the first key that is equal to or above this key. */
static size_t lower_bound(const struct stats *stats, const char *key)
{
	size_t low = 0, high = stats->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(stats->list[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct statistic *find(const struct stats *stats, const char *key)
{
	size_t at = lower_bound(stats, key);

	return at < stats->count && strcmp(stats->list[at]->key, key) == 0 ? stats->list[at] : NULL;
}

static bool is_name(const char *key)
{
	size_t length = strnlen(key, MAP_KEY_LENGTH_MAX + 1);

	return length >= MAP_KEY_LENGTH_MIN && length <= MAP_KEY_LENGTH_MAX;
}

static struct coterie_map_value value_of(struct stats *stats, const struct statistic *stat)
{
	memset(stats->value, 0, sizeof(stats->value));
	uint32_t size = stat->read(stat->arg, stats->value);

	return (struct coterie_map_value){
		.type = stat->type, .size = size <= STATS_VALUE_MAX ? size : STATS_VALUE_MAX, .bytes = stats->value};
}

int stats_read(struct stats *stats, const char *key, struct coterie_map_value *value)
{
	const struct statistic *stat = find(stats, key);

	if (stat == NULL)
		return -ENOENT;
	*value = value_of(stats, stat);
	return 0;
}

int stats_track(struct stats *stats, const char *key, uint32_t events, coterie_map_notify notify, void *arg,
	struct stats_tracker **out)
{
	return stats_track_add(stats->trackers, key, events, notify, arg, out);
}

void stats_untrack(struct stats *stats, struct stats_tracker *tracker) { stats_track_remove(stats->trackers, tracker); }

void stats_catch_up(struct stats *stats, struct stats_tracker *tracker)
{
	stats_track_catch_up(stats->trackers, tracker);
}

/* --- adding and deleting --- */

/* Call the trackers of prefixes: a key was added, or is about to be deleted. */
static void tell(struct stats *stats, uint32_t event, const struct statistic *stat)
{
	if (!stats_track_hears_prefixes(stats->trackers) ||
		(stats->hushed != NULL && strncmp(stat->key, stats->hushed, strlen(stats->hushed)) == 0))
		return;
	struct coterie_map_value value = value_of(stats, stat);

	stats_track_tell(stats->trackers, event, stat->key, &value);
}

int stats_add(struct stats *stats, const void *owner, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	if (!is_name(key) || type < COTERIE_MAP_I8 || type > COTERIE_MAP_BINARY || read == NULL)
		return -EINVAL;
	size_t at = lower_bound(stats, key);
	if (at < stats->count && strcmp(stats->list[at]->key, key) == 0)
		return -EEXIST;
	if (stats->count == stats->capacity) {
		size_t capacity = stats->capacity == 0 ? 64 : stats->capacity * 2;
		struct statistic **list = reallocarray(stats->list, capacity, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		stats->list = list;
		stats->capacity = capacity;
	}
	struct statistic *stat = malloc(sizeof(*stat) + strlen(key) + 1);
	if (stat == NULL)
		return -ENOMEM;
	*stat = (struct statistic){.owner = owner, .type = type, .read = read, .arg = arg};
	strcpy(stat->key, key);
	memmove(&stats->list[at + 1], &stats->list[at], (stats->count - at) * sizeof(*stats->list));
	stats->list[at] = stat;
	stats->count++;
	tell(stats, COTERIE_MAP_ADDED, stat);
	return 0;
}

uint32_t stats_put_u64(void *value, uint64_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

static uint32_t read_number(void *arg, void *value) { return stats_put_u64(value, *(const uint64_t *)arg); }

int stats_add_u64(struct stats *stats, const void *owner, const char *key, const uint64_t *number)
{
	return stats_add(stats, owner, key, COTERIE_MAP_U64, read_number, (void *)(uintptr_t)number);
}

static void take_out(struct stats *stats, struct statistic *stat)
{
	tell(stats, COTERIE_MAP_DELETED, stat);
	size_t at = lower_bound(stats, stat->key); /* a tracker may have changed the array */
	stats->count--;
	memmove(&stats->list[at], &stats->list[at + 1], (stats->count - at) * sizeof(*stats->list));
	free(stat);
}

void stats_del(struct stats *stats, const void *owner, const char *key)
{
	struct statistic *stat = find(stats, key);

	if (stat != NULL && stat->owner == owner)
		take_out(stats, stat);
}

void stats_hush(struct stats *stats, const char *prefix) { stats->hushed = prefix; }

static struct statistic *find_owned(const struct stats *stats, const void *owner)
{
	for (size_t i = 0; i < stats->count; i++)
		if (stats->list[i]->owner == owner)
			return stats->list[i];
	return NULL;
}

static uint32_t read_zero(void *arg, void *value)
{
	(void)arg;
	return stats_put_u64(value, 0);
}

/* Stop reading the keys of this owner, even to report that they are deleted: the owner has ended. */
static void silence(struct stats *stats, const void *owner)
{
	for (size_t i = 0; i < stats->count; i++)
		if (stats->list[i]->owner == owner)
			stats->list[i]->read = read_zero;
}

uint32_t stats_forget(struct stats *stats, const void *owner)
{
	uint32_t count = 0;
	struct statistic *stat;

	if (stats == NULL)
		return 0;
	for (struct clearing **link = &stats->clearings; *link != NULL;) {
		struct clearing *clearing = *link;

		if (clearing->owner == owner) {
			*link = clearing->next;
			clearing_free(clearing);
		} else {
			link = &clearing->next;
		}
	}
	silence(stats, owner);
	while ((stat = find_owned(stats, owner)) != NULL) {
		take_out(stats, stat);
		count++;
	}
	return count;
}

/* --- walks --- */

struct stats_iterator *stats_iterator_create(struct stats *stats, const char *prefix)
{
	struct stats_iterator *iterator = calloc(1, sizeof(*iterator));

	if (iterator == NULL)
		return NULL;
	iterator->stats = stats;
	iterator->prefix = strdup(prefix != NULL ? prefix : "");
	if (iterator->prefix == NULL) {
		free(iterator);
		return NULL;
	}
	return iterator;
}

const char *stats_iterator_next(struct stats_iterator *iterator, struct coterie_map_value *value)
{
	struct stats *stats = iterator->stats;
	bool is_begun = iterator->key[0] != '\0';
	size_t at = lower_bound(stats, is_begun ? iterator->key : iterator->prefix);

	if (is_begun && at < stats->count && strcmp(stats->list[at]->key, iterator->key) == 0)
		at++;
	if (at == stats->count || strncmp(stats->list[at]->key, iterator->prefix, strlen(iterator->prefix)) != 0)
		return NULL;
	const struct statistic *stat = stats->list[at];
	strcpy(iterator->key, stat->key); /* checked by is_name */
	if (value != NULL && stat->type == COTERIE_MAP_STRING)
		*value = (struct coterie_map_value){.type = COTERIE_MAP_STRING};
	else if (value != NULL)
		*value = value_of(stats, stat);
	return iterator->key;
}

void stats_iterator_destroy(struct stats_iterator *iterator)
{
	if (iterator == NULL)
		return;
	free(iterator->prefix);
	free(iterator);
}

/* --- clearing --- */

int stats_on_clear(struct stats *stats, const void *owner, const char *name, void (*run)(void *arg), void *arg)
{
	struct clearing *clearing = calloc(1, sizeof(*clearing));

	if (clearing == NULL)
		return -ENOMEM;
	*clearing = (struct clearing){.owner = owner, .name = strdup(name), .run = run, .arg = arg};
	if (clearing->name == NULL) {
		free(clearing);
		return -ENOMEM;
	}
	clearing->next = stats->clearings;
	stats->clearings = clearing;
	return 0;
}

int stats_clear(struct stats *stats, const char *name)
{
	bool is_all = strcmp(name, "all") == 0;
	int rc = is_all ? 0 : -ENOENT;

	for (const struct clearing *clearing = stats->clearings; clearing != NULL; clearing = clearing->next) {
		if (!is_all && strcmp(clearing->name, name) != 0)
			continue;
		clearing->run(clearing->arg);
		rc = 0;
	}
	return rc;
}
