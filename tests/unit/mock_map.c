/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/mock_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A key of the configuration map with its value, or of the statistics map with its reader. */
struct mock_entry {
	struct mock_entry *next;
	char key[COTERIE_MAP_NAME_MAX + 1];
	uint32_t type, size;
	void *bytes;
	coterie_stat_read read;
	void *arg;
	uint64_t seen[32]; /* of the statistics: value at the last refresh */
	uint32_t seen_size;
};

struct coterie_map_tracker {
	struct coterie_map_tracker *next; /* next tracker in the order of the calls */
	uint64_t turn;
	uint32_t which, events;
	char *key;
	bool is_gone;
	coterie_map_notify notify;
	void *arg;
};

struct coterie_map_iterator {
	struct coterie_ctx *host;
	uint32_t which;
	char *prefix;
	char key[COTERIE_MAP_NAME_MAX + 1]; /* key that the iterator returned last; empty: none yet */
};

struct mock_clear {
	struct mock_clear *next;
	char *name;
	void (*run)(void *arg);
	void *arg;
};

/* ---- Entries ------------------------------------------------------------- */

/* Return the place of the key in the list, or the place where it would be inserted. */
static struct mock_entry **find_in(struct mock_entry **place, const char *key)
{
	while (*place != NULL && strcmp((*place)->key, key) < 0)
		place = &(*place)->next;
	return place;
}

static struct mock_entry **find(struct coterie_ctx *host, uint32_t which, const char *key)
{
	return find_in(&host->maps[which & 1], key);
}

static struct mock_entry *find_exact(struct coterie_ctx *host, uint32_t which, const char *key)
{
	struct mock_entry *entry = *find(host, which, key);

	return entry != NULL && strcmp(entry->key, key) == 0 ? entry : NULL;
}

static bool is_name(const char *key)
{
	size_t length = strlen(key);

	return length >= 3 && length <= COTERIE_MAP_NAME_MAX &&
	       strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:") == length;
}

static uint32_t size_of(uint32_t type)
{
	static const uint32_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 0, 0};

	return type < sizeof(sizes) / sizeof(sizes[0]) ? sizes[type] : 0;
}

static bool is_value(uint32_t type, const void *bytes, uint32_t size)
{
	if (type == COTERIE_MAP_STRING)
		return size > 0 && size <= COTERIE_MAP_VALUE_MAX + 1 &&
		       memchr(bytes, 0, size) == (const char *)bytes + size - 1;
	if (type == COTERIE_MAP_BINARY)
		return size <= COTERIE_MAP_VALUE_MAX;
	return size != 0 && size == size_of(type);
}

static struct mock_entry *add_at(struct mock_entry **place, const char *key)
{
	struct mock_entry *entry = mock_need(calloc(1, sizeof(*entry)));

	strcpy(entry->key, key);
	entry->next = *place;
	*place = entry;
	return entry;
}

static struct mock_entry *add_entry(struct coterie_ctx *host, uint32_t which, const char *key)
{
	return add_at(find(host, which, key), key);
}

/* ---- Trackers ------------------------------------------------------------ */

static bool covers(const struct coterie_map_tracker *tracker, const char *key)
{
	return (tracker->events & COTERIE_MAP_PREFIX) != 0 ? strncmp(key, tracker->key, strlen(tracker->key)) == 0
							   : strcmp(key, tracker->key) == 0;
}

static void sweep(struct coterie_ctx *host)
{
	for (struct coterie_map_tracker **place = &host->trackers; *place != NULL;) {
		struct coterie_map_tracker *tracker = *place;

		if (!tracker->is_gone) {
			place = &tracker->next;
			continue;
		}
		*place = tracker->next;
		free(tracker->key);
		free(tracker);
	}
}

static void tell(struct coterie_ctx *host, uint32_t which, uint32_t event, const char *key,
	const struct coterie_map_value *now, const struct coterie_map_value *before)
{
	uint64_t turn = host->tracker_turn; /* trackers that are added during the calls get later changes only */

	host->depth++;
	for (struct coterie_map_tracker *tracker = host->trackers; tracker != NULL; tracker = tracker->next) {
		if (!tracker->is_gone && tracker->turn <= turn && tracker->which == which &&
			(tracker->events & event) != 0 && covers(tracker, key))
			tracker->notify(tracker->arg, event, key, now, before);
	}
	if (--host->depth == 0)
		sweep(host);
}

static size_t rank(const struct coterie_map_tracker *tracker)
{
	return (tracker->events & COTERIE_MAP_PREFIX) == 0 ? COTERIE_MAP_NAME_MAX + 1 : strlen(tracker->key);
}

/*
 * Return whether a tracker is called after another one. The order is that of exec/map/map_track.c: trackers of the key
 * itself, then of its prefixes from the longest to the shortest. Of trackers with the same key the newest is called
 * first, with the same prefix the oldest, and of those of all keys the newest.
 */
static bool comes_after(const struct coterie_map_tracker *tracker, const struct coterie_map_tracker *other)
{
	if (rank(tracker) != rank(other))
		return rank(tracker) < rank(other);
	return (tracker->events & COTERIE_MAP_PREFIX) != 0 && tracker->key[0] != '\0';
}

static int host_map_track(struct coterie_ctx *host, uint32_t which, const char *key, uint32_t events,
	coterie_map_notify notify, void *arg, struct coterie_map_tracker **out)
{
	uint32_t both = COTERIE_MAP_ADDED | COTERIE_MAP_DELETED;

	if (which == COTERIE_MAP_STATS && (events & COTERIE_MAP_PREFIX) != 0 && (events & both) != both)
		return -ENOTSUP;

	struct coterie_map_tracker *tracker = mock_need(calloc(1, sizeof(*tracker)));

	*tracker = (struct coterie_map_tracker){
		.turn = ++host->tracker_turn,
		.which = which,
		.events = events,
		.key = mock_need(strdup(key != NULL ? key : "")),
		.notify = notify,
		.arg = arg,
	};

	struct coterie_map_tracker **place = &host->trackers;

	while (*place != NULL && comes_after(tracker, *place))
		place = &(*place)->next;
	tracker->next = *place;
	*place = tracker;
	*out = tracker;
	return 0;
}

static void host_map_untrack(struct coterie_ctx *host, struct coterie_map_tracker *tracker)
{
	if (tracker == NULL)
		return;
	tracker->is_gone = true;
	if (host->depth == 0)
		sweep(host);
}

/* ---- The configuration --------------------------------------------------- */

static int host_map_set(struct coterie_ctx *host, const char *key, uint32_t type, const void *bytes, uint32_t size)
{
	struct mock_entry *entry = find_exact(host, COTERIE_MAP_CONFIG, key);
	struct coterie_map_value before = {0};

	if (!is_name(key) || !is_value(type, bytes, size))
		return -EINVAL;
	if (entry != NULL && entry->type == type && entry->size == size && memcmp(entry->bytes, bytes, size) == 0)
		return 0;
	/*
	 * The memory of a value is never used again, so that a sanitizer finds a plugin that uses a borrowed value too
	 * long.
	 */
	void *copy = mock_need(malloc(size + !size));

	if (size > 0)
		memcpy(copy, bytes, size);

	struct coterie_map_value now = {type, size, copy};
	uint32_t event = entry != NULL ? COTERIE_MAP_MODIFIED : COTERIE_MAP_ADDED;

	if (entry == NULL)
		entry = add_entry(host, COTERIE_MAP_CONFIG, key);
	else
		before = (struct coterie_map_value){entry->type, entry->size, entry->bytes};
	entry->type = type;
	entry->size = size;
	entry->bytes = mock_need(malloc(size + !size));
	memcpy(entry->bytes, copy, size);

	char name[COTERIE_MAP_NAME_MAX + 1];

	strcpy(name, entry->key); /* a callback may delete the entry, so its name is copied */
	tell(host, COTERIE_MAP_CONFIG, event, name, &now, &before);
	free(copy);
	free((void *)(uintptr_t)before.bytes);
	return 0;
}

static int host_map_delete(struct coterie_ctx *host, const char *key)
{
	struct mock_entry **place = find(host, COTERIE_MAP_CONFIG, key);
	struct mock_entry *entry = *place;

	if (entry == NULL || strcmp(entry->key, key) != 0)
		return -ENOENT;
	*place = entry->next;

	struct coterie_map_value before = {entry->type, entry->size, entry->bytes};

	tell(host, COTERIE_MAP_CONFIG, COTERIE_MAP_DELETED, entry->key, &(struct coterie_map_value){0}, &before);
	free(entry->bytes);
	free(entry);
	return 0;
}

static int host_map_read(struct coterie_ctx *host, uint32_t which, const char *key, struct coterie_map_value *value)
{
	struct mock_entry *entry = find_exact(host, which, key);

	if (entry == NULL)
		return -ENOENT;
	*value = (struct coterie_map_value){entry->type, entry->size, entry->bytes};
	if (entry->read != NULL) {
		memset(host->stat_value, 0, sizeof(host->stat_value));
		value->size = entry->read(entry->arg, host->stat_value);
		value->bytes = host->stat_value;
	}
	return 0;
}

static int host_map_get(struct coterie_ctx *host, const char *key, uint32_t *type, const void **bytes, uint32_t *size)
{
	struct coterie_map_value value;
	int rc = host_map_read(host, COTERIE_MAP_CONFIG, key, &value);

	if (rc < 0)
		return rc;
	if (type != NULL)
		*type = value.type;
	if (bytes != NULL)
		*bytes = value.bytes;
	if (size != NULL)
		*size = value.size;
	return 0;
}

static int host_map_adjust(struct coterie_ctx *host, const char *key, int64_t delta)
{
	const struct mock_entry *entry = find_exact(host, COTERIE_MAP_CONFIG, key);
	uint64_t number = 0;

	if (entry == NULL)
		return -ENOENT;
	if (entry->type < COTERIE_MAP_I8 || entry->type > COTERIE_MAP_U64)
		return -EINVAL;
	memcpy(&number, entry->bytes, entry->size); /* correct on little-endian hosts only, on which these tests run */
	number += (uint64_t)delta;
	return host_map_set(host, key, entry->type, &number, entry->size);
}

static int host_map_protect(struct coterie_ctx *host, const char *key, uint32_t is_prefix)
{
	struct iovec iov = {(void *)(uintptr_t)key, strlen(key) + 1};

	mock_queue_add(&host->protected_keys, is_prefix, &iov, 1);
	return 0;
}

static uint32_t host_map_is_protected(struct coterie_ctx *host, const char *key)
{
	for (uint32_t i = 0; i < host->protected_keys.count; i++) {
		const struct mock_message *one = &host->protected_keys.list[i];

		if (one->id != 0 ? strncmp(key, (const char *)one->data, one->size - 1) == 0
				 : strcmp(key, (const char *)one->data) == 0)
			return 1;
	}
	return 0;
}

uint64_t mock_map_u64(struct coterie_ctx *host, const char *key)
{
	const struct mock_entry *entry = find_exact(host, COTERIE_MAP_CONFIG, key);
	uint64_t number = 0;

	if (entry == NULL || entry->type < COTERIE_MAP_I8 || entry->type > COTERIE_MAP_U64)
		abort(); /* the test expects an integer */
	memcpy(&number, entry->bytes, entry->size);
	return number;
}

const char *mock_map_string(struct coterie_ctx *host, const char *key)
{
	const struct mock_entry *entry = find_exact(host, COTERIE_MAP_CONFIG, key);

	return entry != NULL && entry->type == COTERIE_MAP_STRING ? entry->bytes : NULL;
}

/* ---- Iterators ----------------------------------------------------------- */

static int host_map_iterate(
	struct coterie_ctx *host, uint32_t which, const char *prefix, struct coterie_map_iterator **out)
{
	struct coterie_map_iterator *iterator = mock_need(calloc(1, sizeof(*iterator)));

	iterator->host = host;
	iterator->which = which;
	iterator->prefix = mock_need(strdup(prefix != NULL ? prefix : ""));
	host->iterators++;
	*out = iterator;
	return 0;
}

static const char *host_map_iterate_next(struct coterie_map_iterator *iterator, struct coterie_map_value *value)
{
	bool is_begun = iterator->key[0] != '\0';
	const struct mock_entry *entry = *find(
		iterator->host, iterator->which, is_begun ? iterator->key : iterator->prefix);

	if (is_begun && entry != NULL && strcmp(entry->key, iterator->key) == 0)
		entry = entry->next;
	if (entry == NULL || strncmp(entry->key, iterator->prefix, strlen(iterator->prefix)) != 0)
		return NULL;
	strcpy(iterator->key, entry->key);
	if (value != NULL)
		host_map_read(iterator->host, iterator->which, entry->key, value);
	if (value != NULL && entry->read != NULL && value->type == COTERIE_MAP_STRING)
		*value = (struct coterie_map_value){.type = COTERIE_MAP_STRING};
	return iterator->key;
}

static void host_map_iterate_end(struct coterie_map_iterator *iterator)
{
	if (iterator == NULL)
		return;
	iterator->host->iterators--;
	free(iterator->prefix);
	free(iterator);
}

/* ---- Statistics ---------------------------------------------------------- */

static void tell_stat(struct coterie_ctx *host, uint32_t event, const char *key)
{
	struct coterie_map_value value;

	if (host_map_read(host, COTERIE_MAP_STATS, key, &value) == 0)
		tell(host, COTERIE_MAP_STATS, event, key, &value, &value);
}

static int host_stat_add(struct coterie_ctx *host, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	if (!is_name(key) || type < COTERIE_MAP_I8 || type > COTERIE_MAP_BINARY)
		return -EINVAL;
	struct mock_entry **list = host->is_beside ? &host->waiting_stats : &host->maps[COTERIE_MAP_STATS];
	struct mock_entry **place = find_in(list, key);

	if (*place != NULL && strcmp((*place)->key, key) == 0)
		return -EEXIST;
	struct mock_entry *entry = add_at(place, key);

	entry->type = type;
	entry->size = size_of(type);
	entry->read = read;
	entry->arg = arg;
	if (host->is_beside)
		return 0;
	entry->seen_size = read(arg, entry->seen);
	tell_stat(host, COTERIE_MAP_ADDED, key);
	return 0;
}

static void host_stat_del(struct coterie_ctx *host, const char *key)
{
	struct mock_entry **place = find_in(
		host->is_beside ? &host->waiting_stats : &host->maps[COTERIE_MAP_STATS], key);
	struct mock_entry *entry = *place;

	if (entry == NULL || strcmp(entry->key, key) != 0)
		return;
	if (!host->is_beside) {
		tell_stat(host, COTERIE_MAP_DELETED, key);
		place = find(host, COTERIE_MAP_STATS, key); /* a tracker may have changed the list */
	}
	*place = entry->next;
	free(entry);
}

void mock_stats_settle(struct coterie_ctx *host, bool is_successor)
{
	while (host->waiting_stats != NULL) {
		struct mock_entry *waiting = host->waiting_stats;
		struct mock_entry *old = find_exact(host, COTERIE_MAP_STATS, waiting->key);

		host->waiting_stats = waiting->next;
		if (is_successor && old != NULL) {
			/* The executive ends what the old service has left. */
			old->read = waiting->read;
			old->arg = waiting->arg;
		} else if (is_successor) {
			host_stat_add(host, waiting->key, waiting->type, waiting->read, waiting->arg);
		}
		free(waiting);
	}
}

static int host_stats_on_clear(struct coterie_ctx *host, const char *name, void (*run)(void *arg), void *arg)
{
	struct mock_clear *clear = mock_need(calloc(1, sizeof(*clear)));

	*clear = (struct mock_clear){.next = host->clears, .name = mock_need(strdup(name)), .run = run, .arg = arg};
	host->clears = clear;
	return 0;
}

static int host_stats_clear(struct coterie_ctx *host, const char *name)
{
	bool is_all = strcmp(name, "all") == 0;
	bool is_known = is_all || strcmp(name, "totem") == 0 || strcmp(name, "ipc") == 0 ||
			strcmp(name, "schedmiss") == 0;

	for (const struct mock_clear *clear = host->clears; clear != NULL; clear = clear->next) {
		if (!is_all && strcmp(clear->name, name) != 0)
			continue;
		is_known = true;
		clear->run(clear->arg);
	}
	if (!is_known)
		return -ENOENT;

	struct iovec iov = {(void *)(uintptr_t)name, strlen(name) + 1};

	mock_queue_add(&host->cleared, 0, &iov, 1);
	return 0;
}

void mock_stats_refresh(struct coterie_ctx *host)
{
	for (struct mock_entry *entry = host->maps[COTERIE_MAP_STATS]; entry != NULL; entry = entry->next) {
		struct coterie_map_value value;

		host_map_read(host, COTERIE_MAP_STATS, entry->key, &value);
		bool is_new = entry->seen_size != value.size || memcmp(entry->seen, value.bytes, value.size) != 0;
		memcpy(entry->seen, value.bytes, value.size);
		entry->seen_size = value.size;
		if (is_new)
			tell(host, COTERIE_MAP_STATS, COTERIE_MAP_MODIFIED, entry->key, &value, &value);
	}
}

/* ---- Life ---------------------------------------------------------------- */

void mock_map_table(struct coterie_host *table)
{
	table->map_set = host_map_set;
	table->map_get = host_map_get;
	table->map_delete = host_map_delete;
	table->map_read = host_map_read;
	table->map_iterate = host_map_iterate;
	table->map_iterate_next = host_map_iterate_next;
	table->map_iterate_end = host_map_iterate_end;
	table->map_track = host_map_track;
	table->map_untrack = host_map_untrack;
	table->map_adjust = host_map_adjust;
	table->map_protect = host_map_protect;
	table->map_is_protected = host_map_is_protected;
	table->stat_add = host_stat_add;
	table->stat_del = host_stat_del;
	table->stats_on_clear = host_stats_on_clear;
	table->stats_clear = host_stats_clear;
}

uint32_t mock_map_fini(struct coterie_ctx *host)
{
	uint32_t leaks = host->iterators;

	while (host->trackers != NULL) {
		struct coterie_map_tracker *next = host->trackers->next;

		leaks++;
		free(host->trackers->key);
		free(host->trackers);
		host->trackers = next;
	}
	while (host->clears != NULL) {
		struct mock_clear *next = host->clears->next;

		free(host->clears->name);
		free(host->clears);
		host->clears = next;
	}
	for (uint32_t i = 0; i < 2; i++) {
		while (host->maps[i] != NULL) {
			struct mock_entry *next = host->maps[i]->next;

			free(host->maps[i]->bytes);
			free(host->maps[i]);
			host->maps[i] = next;
		}
	}
	mock_queue_clear(&host->protected_keys);
	mock_queue_clear(&host->cleared);
	return leaks;
}
