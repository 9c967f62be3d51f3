/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trackers of statistics. A timer calls the trackers of single keys, and runs only while there are some. It reads
 * each key once for all its trackers. Trackers of prefixes are called at once.
 */
#include "exec/stats/stats_track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/map/map.h"
#include "exec/stats/stats.h"

/*
 * A refresh of tracked keys is done in slices, so that it does not delay the loop. A step reads a key or calls a
 * tracker. A call takes up to 30 us if it sends an event to a client that does not read.
 */
#define SLICE_STEPS 32u
#define SLICE_PAUSE_NS UINT64_C(1000000)

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
	uint8_t value[STATS_VALUE_MAX];
	char key[];
};

struct stats_trackers {
	struct loop *loop;
	struct loop_timer *timer;
	stats_track_read read;          /* reads a value */
	struct stats *stats;            /* its first argument */
	struct stats_tracker *prefixes; /* trackers of prefixes, the newest first */
	struct tracked_key **tracked;   /* ascending by key */
	size_t tracked_count, tracked_capacity;
	bool is_refreshing;                 /* a refresh has begun, and goes on at the timer */
	size_t next_key;                    /* index of the tracked key that the refresh reads next */
	struct stats_tracker *next_tracker; /* tracker that the refresh calls next, or NULL: it reads a key next */
	uint32_t depth;                     /* depth of notifications of prefixes */
};

struct stats_trackers *stats_track_create(struct loop *loop, stats_track_read read, struct stats *stats)
{
	struct stats_trackers *trackers = calloc(1, sizeof(*trackers));

	if (trackers == NULL)
		return NULL;
	trackers->loop = loop;
	trackers->read = read;
	trackers->stats = stats;
	return trackers;
}

static void free_all(struct stats_tracker *tracker)
{
	while (tracker != NULL) {
		struct stats_tracker *next = tracker->next;

		free(tracker);
		tracker = next;
	}
}

void stats_track_destroy(struct stats_trackers *trackers)
{
	loop_timer_del(trackers->loop, trackers->timer);
	free_all(trackers->prefixes);
	for (size_t i = 0; i < trackers->tracked_count; i++) {
		free_all(trackers->tracked[i]->trackers);
		free(trackers->tracked[i]);
	}
	free(trackers->tracked);
	free(trackers);
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

static void sweep(struct stats_trackers *trackers)
{
	for (struct stats_tracker *tracker = trackers->prefixes, *next; tracker != NULL; tracker = next) {
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
	uint64_t copy[STATS_VALUE_MAX / sizeof(uint64_t)];
	struct coterie_map_value told = {.type = value->type, .size = value->size, .bytes = copy};

	memcpy(copy, value->bytes, value->size);
	tracker->notify(tracker->arg, event, key, &told, &told);
}

bool stats_track_hears_prefixes(const struct stats_trackers *trackers) { return trackers->prefixes != NULL; }

void stats_track_tell(
	struct stats_trackers *trackers, uint32_t event, const char *key, const struct coterie_map_value *value)
{
	char copy[MAP_KEY_LENGTH_MAX + 1];

	strcpy(copy, key); /* the key of a statistic, which a tracker may delete */
	trackers->depth++;
	for (struct stats_tracker *tracker = trackers->prefixes; tracker != NULL; tracker = tracker->next)
		if (!tracker->is_gone && (tracker->events & event) != 0 &&
			strncmp(copy, tracker->prefix, tracker->length) == 0)
			tell(tracker, event, copy, value);
	if (--trackers->depth == 0)
		sweep(trackers);
}

/* --- tracked keys --- */

/* Return the index of the first tracked key that is equal to or above this key. */
static size_t tracked_lower_bound(const struct stats_trackers *trackers, const char *key)
{
	size_t low = 0, high = trackers->tracked_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(trackers->tracked[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return a tracked key. If the key is not tracked yet, add it. NULL: out of memory. */
static struct tracked_key *tracked_get(struct stats_trackers *trackers, const char *key)
{
	size_t at = tracked_lower_bound(trackers, key);

	if (at < trackers->tracked_count && strcmp(trackers->tracked[at]->key, key) == 0)
		return trackers->tracked[at];
	if (trackers->tracked_count == trackers->tracked_capacity) {
		size_t capacity = trackers->tracked_capacity == 0 ? 16 : trackers->tracked_capacity * 2;
		struct tracked_key **list = reallocarray(trackers->tracked, capacity, sizeof(*list));

		if (list == NULL)
			return NULL;
		trackers->tracked = list;
		trackers->tracked_capacity = capacity;
	}
	struct tracked_key *tracked = calloc(1, sizeof(*tracked) + strlen(key) + 1);
	if (tracked == NULL)
		return NULL;
	strcpy(tracked->key, key);
	memmove(&trackers->tracked[at + 1], &trackers->tracked[at],
		(trackers->tracked_count - at) * sizeof(*trackers->tracked));
	trackers->tracked[at] = tracked;
	trackers->tracked_count++;
	if (at < trackers->next_key)
		trackers->next_key++;
	return tracked;
}

static void tracked_free(struct stats_trackers *trackers, struct tracked_key *tracked)
{
	size_t at = tracked_lower_bound(trackers, tracked->key);

	trackers->tracked_count--;
	memmove(&trackers->tracked[at], &trackers->tracked[at + 1],
		(trackers->tracked_count - at) * sizeof(*trackers->tracked));
	if (at < trackers->next_key)
		trackers->next_key--;
	free(tracked);
}

/* Read a tracked key. A new value is a new version. */
static void look(struct stats_trackers *trackers, struct tracked_key *tracked)
{
	struct coterie_map_value value;

	if (trackers->read(trackers->stats, tracked->key, &value) < 0)
		return;
	if (value.size == tracked->size && memcmp(value.bytes, tracked->value, value.size) == 0)
		return;
	memcpy(tracked->value, value.bytes, value.size);
	tracked->type = value.type;
	tracked->size = value.size;
	tracked->version++;
}

/* Read the next tracked key. If it has changed, its trackers are called next. */
static void refresh_key(struct stats_trackers *trackers)
{
	struct tracked_key *tracked = trackers->tracked[trackers->next_key++];

	look(trackers, tracked);
	if (tracked->told == tracked->version)
		return;
	tracked->told = tracked->version;
	trackers->next_tracker = tracked->trackers;
}

/* Call the tracker of a single key, unless it knows the present version. */
static void bring_up_to_date(struct stats_tracker *tracker)
{
	const struct tracked_key *tracked = tracker->tracked;
	char key[MAP_KEY_LENGTH_MAX + 1];

	if (tracker->version == tracked->version || (tracker->events & COTERIE_MAP_MODIFIED) == 0)
		return;
	tracker->version = tracked->version;
	/* The tracker may end during the call, and with it the tracked key. */
	strcpy(key, tracked->key); /* the key of a statistic, checked by is_name */
	tell(tracker, COTERIE_MAP_MODIFIED, key,
		&(struct coterie_map_value){.type = tracked->type, .size = tracked->size, .bytes = tracked->value});
}

/* Call the next tracker of a key that has changed. */
static void refresh_tracker(struct stats_trackers *trackers)
{
	struct stats_tracker *tracker = trackers->next_tracker;

	trackers->next_tracker = tracker->next;
	bring_up_to_date(tracker);
}

void stats_track_catch_up(struct stats_trackers *trackers, struct stats_tracker *tracker)
{
	if (tracker->tracked == NULL)
		return;
	look(trackers, tracker->tracked);
	bring_up_to_date(tracker);
}

static void refresh_later(struct stats_trackers *trackers);

static void on_refresh(void *arg)
{
	struct stats_trackers *trackers = arg;

	trackers->timer = NULL;
	if (!trackers->is_refreshing)
		trackers->next_key = 0;
	trackers->is_refreshing = true;
	for (uint32_t i = 0; i < SLICE_STEPS && trackers->is_refreshing; i++) {
		if (trackers->next_tracker != NULL)
			refresh_tracker(trackers);
		else if (trackers->next_key < trackers->tracked_count)
			refresh_key(trackers);
		else
			trackers->is_refreshing = false;
	}
	refresh_later(trackers);
}

static void refresh_later(struct stats_trackers *trackers)
{
	uint64_t pause_ns = trackers->is_refreshing ? SLICE_PAUSE_NS : STATS_REFRESH_NS;

	if (trackers->timer == NULL && (trackers->tracked_count > 0 || trackers->is_refreshing))
		trackers->timer = loop_timer_add(
			trackers->loop, loop_now_ns(trackers->loop) + pause_ns, on_refresh, trackers);
}

int stats_track_add(struct stats_trackers *trackers, const char *key, uint32_t events, coterie_map_notify notify,
	void *arg, struct stats_tracker **out)
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
		link_tracker(tracker, &trackers->prefixes);
		*out = tracker;
		return 0;
	}
	tracker->tracked = tracked_get(trackers, key);
	if (tracker->tracked == NULL) {
		free(tracker);
		return -ENOMEM;
	}
	look(trackers, tracker->tracked);
	tracker->version = tracker->tracked->version;
	link_tracker(tracker, &tracker->tracked->trackers);
	refresh_later(trackers);
	*out = tracker;
	return 0;
}

void stats_track_remove(struct stats_trackers *trackers, struct stats_tracker *tracker)
{
	if (tracker == NULL)
		return;
	struct tracked_key *tracked = tracker->tracked;

	if (tracked == NULL && trackers->depth > 0) {
		tracker->is_gone = true;
		return;
	}
	if (trackers->next_tracker == tracker)
		trackers->next_tracker = tracker->next;
	unlink_tracker(tracker);
	free(tracker);
	if (tracked != NULL && tracked->trackers == NULL)
		tracked_free(trackers, tracked);
}
