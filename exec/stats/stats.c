/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics: a sorted array of keys with functions that read them. A timer calls the trackers of
 * single keys, and runs only while there are some. It reads each key once for all its trackers. Trackers of prefixes
 * are called at once.
 */
#include "exec/stats/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/map/map.h"

#define VALUE_MAX 256u
/*
 * A refresh of tracked keys is done in slices, so that it does not delay the loop. A step reads a key or calls a
 * tracker. A call takes up to 30 us if it sends an event to a client that does not read.
 */
#define SLICE_STEPS 32u
#define SLICE_PAUSE_NS UINT64_C(1000000)

struct statistic {
	const void *owner;
	uint32_t type;
	coterie_stat_read read;
	void *arg;
	char key[];
};

struct stats_tracker {
	struct stats_tracker *next, **link; /* *link is this tracker */
	struct tracked_key *tracked;        /* NULL: it tracks a prefix */
	uint64_t version;                   /* version of the tracked key that it knows */
	uint32_t events;
	bool is_gone; /* of a prefix: removed during a notification, and freed after it */
	coterie_map_notify notify;
	void *arg;
	size_t length;
	char prefix[];
};

/* A single key that has trackers. It may not exist. */
struct tracked_key {
	struct stats_tracker *trackers; /* the newest first */
	uint64_t version;               /* counts the values that were seen */
	uint64_t told;                  /* version of the last calls of the trackers */
	uint32_t type, size;            /* of the value that was seen last. Both 0: none was seen */
	uint8_t value[VALUE_MAX];
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
	struct loop *loop;
	struct loop_timer *timer;
	struct statistic **list; /* ascending by key */
	size_t count, capacity;
	struct stats_tracker *prefixes; /* trackers of prefixes, the newest first */
	struct tracked_key **tracked;   /* ascending by key */
	size_t tracked_count, tracked_capacity;
	bool is_refreshing;                 /* a refresh has begun, and goes on at the timer */
	size_t next_key;                    /* index of the tracked key that the refresh reads next */
	struct stats_tracker *next_tracker; /* tracker that the refresh calls next, or NULL: it reads a key next */
	struct clearing *clearings;
	const char *hushed;
	uint32_t depth; /* depth of notifications of prefixes */
	uint64_t value[VALUE_MAX / sizeof(uint64_t)];
};

struct stats_iterator {
	struct stats *stats;
	char *prefix;
	char key[MAP_KEY_LENGTH_MAX + 1]; /* key that was returned last, or empty: the iteration has not begun */
};

struct stats *stats_create(struct loop *loop)
{
	struct stats *stats = calloc(1, sizeof(*stats));

	if (stats != NULL)
		stats->loop = loop;
	return stats;
}

static void trackers_free(struct stats_tracker *tracker)
{
	while (tracker != NULL) {
		struct stats_tracker *next = tracker->next;

		free(tracker);
		tracker = next;
	}
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
	loop_timer_del(stats->loop, stats->timer);
	for (size_t i = 0; i < stats->count; i++)
		free(stats->list[i]);
	free(stats->list);
	trackers_free(stats->prefixes);
	for (size_t i = 0; i < stats->tracked_count; i++) {
		trackers_free(stats->tracked[i]->trackers);
		free(stats->tracked[i]);
	}
	free(stats->tracked);
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
		.type = stat->type, .size = size <= VALUE_MAX ? size : VALUE_MAX, .bytes = stats->value};
}

int stats_read(struct stats *stats, const char *key, struct coterie_map_value *value)
{
	const struct statistic *stat = find(stats, key);

	if (stat == NULL)
		return -ENOENT;
	*value = value_of(stats, stat);
	return 0;
}

/* --- trackers --- */

static void link_tracker(struct stats_tracker *tracker, struct stats_tracker **first)
{
	tracker->next = *first;
	if (tracker->next != NULL)
		tracker->next->link = &tracker->next;
	tracker->link = first;
	*first = tracker;
}

static void unlink_tracker(struct stats_tracker *tracker)
{
	*tracker->link = tracker->next;
	if (tracker->next != NULL)
		tracker->next->link = tracker->link;
}

static void sweep(struct stats *stats)
{
	for (struct stats_tracker *tracker = stats->prefixes, *next; tracker != NULL; tracker = next) {
		next = tracker->next;
		if (!tracker->is_gone)
			continue;
		unlink_tracker(tracker);
		free(tracker);
	}
}

/* Call a tracker. The old and the new value are both the present one, as in the reference. */
static void tell(struct stats_tracker *tracker, uint32_t event, const char *key, const struct coterie_map_value *value)
{
	/* a copy, since the tracker may read statistics, which overwrites the value */
	uint64_t copy[VALUE_MAX / sizeof(uint64_t)];
	struct coterie_map_value told = {.type = value->type, .size = value->size, .bytes = copy};

	memcpy(copy, value->bytes, value->size);
	tracker->notify(tracker->arg, event, key, &told, &told);
}

/* Call the trackers of prefixes: a key was added, or is about to be deleted. */
static void tell_prefixes(struct stats *stats, uint32_t event, const struct statistic *stat)
{
	if (stats->prefixes == NULL ||
		(stats->hushed != NULL && strncmp(stat->key, stats->hushed, strlen(stats->hushed)) == 0))
		return;
	struct coterie_map_value value = value_of(stats, stat);
	char key[MAP_KEY_LENGTH_MAX + 1];

	strcpy(key, stat->key); /* checked by is_name */
	stats->depth++;
	for (struct stats_tracker *tracker = stats->prefixes; tracker != NULL; tracker = tracker->next)
		if (!tracker->is_gone && (tracker->events & event) != 0 &&
			strncmp(key, tracker->prefix, tracker->length) == 0)
			tell(tracker, event, key, &value);
	if (--stats->depth == 0)
		sweep(stats);
}

/* --- tracked keys --- */

/* Return the index of the first tracked key that is equal to or above this key. */
static size_t tracked_lower_bound(const struct stats *stats, const char *key)
{
	size_t low = 0, high = stats->tracked_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(stats->tracked[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return a tracked key. If the key is not tracked yet, add it. NULL: out of memory. */
static struct tracked_key *tracked_get(struct stats *stats, const char *key)
{
	size_t at = tracked_lower_bound(stats, key);

	if (at < stats->tracked_count && strcmp(stats->tracked[at]->key, key) == 0)
		return stats->tracked[at];
	if (stats->tracked_count == stats->tracked_capacity) {
		size_t capacity = stats->tracked_capacity == 0 ? 16 : stats->tracked_capacity * 2;
		struct tracked_key **list = reallocarray(stats->tracked, capacity, sizeof(*list));

		if (list == NULL)
			return NULL;
		stats->tracked = list;
		stats->tracked_capacity = capacity;
	}
	struct tracked_key *tracked = calloc(1, sizeof(*tracked) + strlen(key) + 1);
	if (tracked == NULL)
		return NULL;
	strcpy(tracked->key, key);
	memmove(&stats->tracked[at + 1], &stats->tracked[at], (stats->tracked_count - at) * sizeof(*stats->tracked));
	stats->tracked[at] = tracked;
	stats->tracked_count++;
	if (at < stats->next_key)
		stats->next_key++;
	return tracked;
}

static void tracked_free(struct stats *stats, struct tracked_key *tracked)
{
	size_t at = tracked_lower_bound(stats, tracked->key);

	stats->tracked_count--;
	memmove(&stats->tracked[at], &stats->tracked[at + 1], (stats->tracked_count - at) * sizeof(*stats->tracked));
	if (at < stats->next_key)
		stats->next_key--;
	free(tracked);
}

/* Read a tracked key. A new value is a new version. */
static void look(struct stats *stats, struct tracked_key *tracked)
{
	const struct statistic *stat = find(stats, tracked->key);

	if (stat == NULL)
		return;
	struct coterie_map_value value = value_of(stats, stat);

	if (value.size == tracked->size && memcmp(value.bytes, tracked->value, value.size) == 0)
		return;
	memcpy(tracked->value, value.bytes, value.size);
	tracked->type = value.type;
	tracked->size = value.size;
	tracked->version++;
}

/* Read the next tracked key. If it has changed, its trackers are called next. */
static void refresh_key(struct stats *stats)
{
	struct tracked_key *tracked = stats->tracked[stats->next_key++];

	look(stats, tracked);
	if (tracked->told == tracked->version)
		return;
	tracked->told = tracked->version;
	stats->next_tracker = tracked->trackers;
}

/* Call the next tracker of a key that has changed. */
static void refresh_tracker(struct stats *stats)
{
	struct stats_tracker *tracker = stats->next_tracker;
	const struct tracked_key *tracked = tracker->tracked;
	char key[MAP_KEY_LENGTH_MAX + 1];

	stats->next_tracker = tracker->next;
	if (tracker->version == tracked->version || (tracker->events & COTERIE_MAP_MODIFIED) == 0)
		return;
	tracker->version = tracked->version;
	/* The tracker may end during the call, and with it the tracked key. */
	strcpy(key, tracked->key); /* the key of a statistic, checked by is_name */
	tell(tracker, COTERIE_MAP_MODIFIED, key,
		&(struct coterie_map_value){.type = tracked->type, .size = tracked->size, .bytes = tracked->value});
}

static void refresh_later(struct stats *stats);

static void on_refresh(void *arg)
{
	struct stats *stats = arg;

	stats->timer = NULL;
	if (!stats->is_refreshing)
		stats->next_key = 0;
	stats->is_refreshing = true;
	for (uint32_t i = 0; i < SLICE_STEPS && stats->is_refreshing; i++) {
		if (stats->next_tracker != NULL)
			refresh_tracker(stats);
		else if (stats->next_key < stats->tracked_count)
			refresh_key(stats);
		else
			stats->is_refreshing = false;
	}
	refresh_later(stats);
}

static void refresh_later(struct stats *stats)
{
	uint64_t pause_ns = stats->is_refreshing ? SLICE_PAUSE_NS : STATS_REFRESH_NS;

	if (stats->timer == NULL && (stats->tracked_count > 0 || stats->is_refreshing))
		stats->timer = loop_timer_add(stats->loop, loop_now_ns(stats->loop) + pause_ns, on_refresh, stats);
}

int stats_track(struct stats *stats, const char *key, uint32_t events, coterie_map_notify notify, void *arg,
	struct stats_tracker **out)
{
	const uint32_t both = COTERIE_MAP_ADDED | COTERIE_MAP_DELETED;
	bool is_prefix = (events & COTERIE_MAP_PREFIX) != 0;

	if (is_prefix && (events & both) != both)
		return -ENOTSUP;
	if (key == NULL)
		key = "";
	size_t length = is_prefix ? strlen(key) : 0;
	struct stats_tracker *tracker = malloc(sizeof(*tracker) + length + 1);
	if (tracker == NULL)
		return -ENOMEM;
	*tracker = (struct stats_tracker){.events = events, .notify = notify, .arg = arg, .length = length};
	memcpy(tracker->prefix, key, length);
	tracker->prefix[length] = '\0';
	if (is_prefix) {
		link_tracker(tracker, &stats->prefixes);
		*out = tracker;
		return 0;
	}
	tracker->tracked = tracked_get(stats, key);
	if (tracker->tracked == NULL) {
		free(tracker);
		return -ENOMEM;
	}
	look(stats, tracker->tracked);
	tracker->version = tracker->tracked->version;
	link_tracker(tracker, &tracker->tracked->trackers);
	refresh_later(stats);
	*out = tracker;
	return 0;
}

void stats_untrack(struct stats *stats, struct stats_tracker *tracker)
{
	if (tracker == NULL)
		return;
	struct tracked_key *tracked = tracker->tracked;

	if (tracked == NULL && stats->depth > 0) {
		tracker->is_gone = true;
		return;
	}
	if (stats->next_tracker == tracker)
		stats->next_tracker = tracker->next;
	unlink_tracker(tracker);
	free(tracker);
	if (tracked != NULL && tracked->trackers == NULL)
		tracked_free(stats, tracked);
}

/* --- adding and deleting --- */

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
	tell_prefixes(stats, COTERIE_MAP_ADDED, stat);
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
	tell_prefixes(stats, COTERIE_MAP_DELETED, stat);
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
