/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host table's maps: the configuration map (exec/map/map.h) and the statistics (exec/stats/stats.h), through the
 * same functions. Trackers and iterators belong to the plugin's resources. Those that the plugin does not remove are
 * leaks. Its statistics are removed when it ends.
 */
#include "exec/host/host_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/log/log.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/stats/stats.h"

struct coterie_map_tracker {
	struct plugin *plugin;
	uint32_t events;
	struct map_tracker *config;  /* NULL: `stats` is used */
	struct stats_tracker *stats; /* NULL: `config` is used */
	coterie_map_notify notify;
	void *arg;
	struct coterie_map_tracker *previous, *next;
};

struct coterie_map_iterator {
	struct plugin *plugin;
	struct map_iterator *config;  /* NULL: `stats` is used */
	struct stats_iterator *stats; /* NULL: `config` is used */
	struct coterie_map_iterator *previous, *next;
	bool has_ended;
};

static struct map *map_of(struct coterie_ctx *ctx) { return host_plugin(ctx)->host->map; }

static struct stats *stats_of(struct coterie_ctx *ctx) { return host_plugin(ctx)->host->stats; }

/* --- values of the configuration --- */

/*
 * A write of a plugin that is not in service. Keys may be set only by the plugin in service. If a successor takes over
 * the state of its predecessor, the keys are those of the state. If it starts cold, it has its keys from init.
 */
struct waiting_write {
	struct waiting_write *next;
	enum { WRITE_SET, WRITE_DELETE, WRITE_ADJUST } kind;
	uint32_t type, size;
	int64_t delta;
	char *key; /* behind the bytes */
	uint8_t bytes[];
};

/* Note a write. @return 0; -ENOMEM */
static int put_off(struct plugin *plugin, const struct waiting_write *write, const char *key, const void *value)
{
	struct waiting_write **end = &plugin->resources->writes, *copy;
	size_t length = strlen(key);

	copy = malloc(sizeof(*copy) + write->size + length + 1);
	if (copy == NULL)
		return -ENOMEM;
	*copy = *write;
	copy->key = (char *)copy->bytes + write->size;
	memcpy(copy->key, key, length + 1);
	if (write->size > 0)
		memcpy(copy->bytes, value, write->size);
	while (*end != NULL)
		end = &(*end)->next;
	*end = copy;
	return 0;
}

static void forget_writes(struct plugin *plugin)
{
	struct waiting_write **first = &plugin->resources->writes;

	while (*first != NULL) {
		struct waiting_write *write = *first;

		*first = write->next;
		free(write);
	}
}

void host_map_write(struct plugin *plugin)
{
	struct map *map = plugin->host->map;

	for (const struct waiting_write *write = plugin->resources->writes; write != NULL; write = write->next) {
		int rc = write->kind == WRITE_SET ? map_set(map, write->key, write->type, write->bytes, write->size)
			 : write->kind == WRITE_DELETE ? map_delete(map, write->key)
						       : map_adjust(map, write->key, write->delta);

		if (rc < 0 && rc != -ENOENT)
			log_line(
				plugin->subsystem, LOG_WARNING, "Key %s is not written: %s", write->key, strerror(-rc));
	}
	forget_writes(plugin);
}

int host_map_set(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value, uint32_t value_size)
{
	struct plugin *plugin = host_plugin(ctx);
	const struct waiting_write write = {.kind = WRITE_SET, .type = type, .size = value_size};

	return plugin->is_beside ? put_off(plugin, &write, key, value)
				 : map_set(plugin->host->map, key, type, value, value_size);
}

int host_map_get(struct coterie_ctx *ctx, const char *key, uint32_t *type, const void **value, uint32_t *value_size)
{
	struct map_value found;
	int rc = map_get(host_plugin(ctx)->host->map, key, &found);

	if (rc < 0)
		return rc;
	if (type != NULL)
		*type = found.type;
	if (value != NULL)
		*value = found.bytes;
	if (value_size != NULL)
		*value_size = found.size;
	return 0;
}

int host_map_delete(struct coterie_ctx *ctx, const char *key)
{
	struct plugin *plugin = host_plugin(ctx);
	const struct waiting_write write = {.kind = WRITE_DELETE};

	return plugin->is_beside ? put_off(plugin, &write, key, NULL) : map_delete(plugin->host->map, key);
}

static struct coterie_map_value value_of(const struct map_value *value)
{
	if (value == NULL)
		return (struct coterie_map_value){0};
	return (struct coterie_map_value){.type = value->type, .size = value->size, .bytes = value->bytes};
}

int host_map_adjust(struct coterie_ctx *ctx, const char *key, int64_t delta)
{
	struct plugin *plugin = host_plugin(ctx);
	const struct waiting_write write = {.kind = WRITE_ADJUST, .delta = delta};

	return plugin->is_beside ? put_off(plugin, &write, key, NULL) : map_adjust(map_of(ctx), key, delta);
}

int host_map_protect(struct coterie_ctx *ctx, const char *key, uint32_t is_prefix)
{
	return map_protect(map_of(ctx), key, is_prefix != 0);
}

uint32_t host_map_is_protected(struct coterie_ctx *ctx, const char *key) { return map_is_protected(map_of(ctx), key); }

/* --- both maps --- */

int host_map_read(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_value *value)
{
	struct map_value found;

	if (which == COTERIE_MAP_STATS)
		return stats_read(stats_of(ctx), key, value);
	if (which != COTERIE_MAP_CONFIG)
		return -ENOENT;
	int rc = map_get(map_of(ctx), key, &found);
	if (rc == 0)
		*value = value_of(&found);
	return rc;
}

int host_map_iterate(struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **out)
{
	struct plugin *plugin = host_plugin(ctx);
	struct coterie_map_iterator *iterator = calloc(1, sizeof(*iterator));

	if (iterator == NULL)
		return -ENOMEM;
	if (which == COTERIE_MAP_STATS)
		iterator->stats = stats_iterator_create(stats_of(ctx), prefix);
	else
		iterator->config = map_iterator_create(map_of(ctx), prefix);
	if (iterator->stats == NULL && iterator->config == NULL) {
		free(iterator);
		return -ENOMEM;
	}
	iterator->plugin = plugin;
	iterator->next = plugin->resources->iterators;
	if (iterator->next != NULL)
		iterator->next->previous = iterator;
	plugin->resources->iterators = iterator;
	*out = iterator;
	return 0;
}

const char *host_map_iterate_next(struct coterie_map_iterator *iterator, struct coterie_map_value *value)
{
	struct map_value found;
	const char *key;

	if (iterator->has_ended)
		return NULL;
	if (iterator->stats != NULL) {
		key = stats_iterator_next(iterator->stats, value);
	} else {
		key = map_iterator_next(iterator->config, &found);
		if (key != NULL && value != NULL)
			*value = value_of(&found);
	}
	iterator->has_ended = key == NULL; /* at the end of the map, so that keys added later are not returned */
	return key;
}

void host_map_iterate_end(struct coterie_map_iterator *iterator)
{
	if (iterator == NULL)
		return;
	if (iterator->previous != NULL)
		iterator->previous->next = iterator->next;
	else
		iterator->plugin->resources->iterators = iterator->next;
	if (iterator->next != NULL)
		iterator->next->previous = iterator->previous;
	map_iterator_destroy(iterator->config);
	stats_iterator_destroy(iterator->stats);
	free(iterator);
}

/* --- trackers --- */

/* A plugin that is not in service must not hear anything: its clients, and their data, are those of another version. */
static bool is_told(const struct coterie_map_tracker *tracker) { return !tracker->plugin->is_beside; }

static void on_stat(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	const struct coterie_map_tracker *tracker = arg;

	if (is_told(tracker))
		tracker->notify(tracker->arg, event, key, now, before);
}

static void on_config(
	void *arg, enum map_event event, const char *key, const struct map_value *now, const struct map_value *before)
{
	const struct coterie_map_tracker *tracker = arg;
	struct coterie_map_value told_now = value_of(now), told_before = value_of(before);

	if ((tracker->events & (uint32_t)event) != 0 && is_told(tracker))
		tracker->notify(tracker->arg, (uint32_t)event, key, &told_now, &told_before);
}

static int start_tracker(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_tracker *tracker)
{
	if (which == COTERIE_MAP_STATS)
		return stats_track(stats_of(ctx), key, tracker->events, on_stat, tracker, &tracker->stats);
	tracker->config = map_track(map_of(ctx), key, (tracker->events & COTERIE_MAP_PREFIX) != 0, on_config, tracker);
	return tracker->config != NULL ? 0 : -ENOMEM;
}

int host_map_track(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events, coterie_map_notify notify,
	void *arg, struct coterie_map_tracker **out)
{
	struct plugin *plugin = host_plugin(ctx);
	struct coterie_map_tracker *tracker = calloc(1, sizeof(*tracker));

	if (tracker == NULL)
		return -ENOMEM;
	*tracker = (struct coterie_map_tracker){.plugin = plugin, .events = events, .notify = notify, .arg = arg};
	int rc = start_tracker(ctx, which, key, tracker);
	if (rc < 0) {
		free(tracker);
		return rc;
	}
	tracker->next = plugin->resources->trackers;
	if (tracker->next != NULL)
		tracker->next->previous = tracker;
	plugin->resources->trackers = tracker;
	*out = tracker;
	return 0;
}

void host_map_untrack(struct coterie_ctx *ctx, struct coterie_map_tracker *tracker)
{
	if (tracker == NULL)
		return;
	if (tracker->previous != NULL)
		tracker->previous->next = tracker->next;
	else
		tracker->plugin->resources->trackers = tracker->next;
	if (tracker->next != NULL)
		tracker->next->previous = tracker->previous;
	tracker->plugin->resources->ended_trackers++;
	/* Neither map calls the tracker any more, and on_config and on_stat do not use it after the plugin's call. */
	map_untrack(map_of(ctx), tracker->config);
	stats_untrack(stats_of(ctx), tracker->stats);
	free(tracker);
}

void host_stats_catch_up(struct plugin *plugin)
{
	struct plugin_resources *resources = plugin->resources;
	uint64_t left = 0; /* a bound for a plugin that tracks again in each call */

	for (const struct coterie_map_tracker *tracker = resources->trackers; tracker != NULL; tracker = tracker->next)
		left++;
	for (struct coterie_map_tracker *tracker = resources->trackers, *next; tracker != NULL && left > 0;
		tracker = next, left--) {
		uint64_t ended = resources->ended_trackers;

		next = tracker->next;
		if (tracker->stats == NULL)
			continue;
		stats_catch_up(plugin->host->stats, tracker->stats);
		if (resources->ended_trackers != ended)
			next = resources->trackers; /* `next` may have ended: begin again */
	}
}

/* --- statistics --- */

/* A statistic of a successor while its predecessor, which may have the same key, has not ended. */
struct waiting_stat {
	char key[COTERIE_MAP_NAME_MAX + 1];
	uint32_t type;
	coterie_stat_read read;
	void *arg;
	struct waiting_stat *next;
};

static void forget_stat(struct waiting_stat **place)
{
	struct waiting_stat *stat = *place;

	*place = stat->next;
	free(stat);
}

int host_stat_add(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read, void *arg)
{
	struct plugin *plugin = host_plugin(ctx);

	if (!plugin->is_beside && !plugin->is_taking_over)
		return stats_add(stats_of(ctx), plugin, key, type, read, arg);
	if (strlen(key) > COTERIE_MAP_NAME_MAX)
		return -EINVAL;
	struct waiting_stat *stat = calloc(1, sizeof(*stat));
	if (stat == NULL)
		return -ENOMEM;
	strcpy(stat->key, key);
	stat->type = type;
	stat->read = read;
	stat->arg = arg;
	stat->next = plugin->resources->stats;
	plugin->resources->stats = stat;
	return 0;
}

void host_stats_settle(struct plugin *plugin)
{
	struct waiting_stat **first = &plugin->resources->stats;

	plugin->is_taking_over = false;
	forget_writes(plugin);
	for (; *first != NULL; forget_stat(first)) {
		const struct waiting_stat *stat = *first;
		int rc = stats_add(plugin->host->stats, plugin, stat->key, stat->type, stat->read, stat->arg);

		if (rc < 0)
			log_line(plugin->subsystem, LOG_WARNING, "No statistic %s: %s", stat->key, strerror(-rc));
	}
}

void host_stat_del(struct coterie_ctx *ctx, const char *key)
{
	struct waiting_stat **place = &host_plugin(ctx)->resources->stats;

	while (*place != NULL && strcmp((*place)->key, key) != 0)
		place = &(*place)->next;
	if (*place != NULL)
		forget_stat(place);
	stats_del(stats_of(ctx), host_plugin(ctx), key);
}

int host_stats_on_clear(struct coterie_ctx *ctx, const char *name, void (*run)(void *arg), void *arg)
{
	return stats_on_clear(stats_of(ctx), host_plugin(ctx), name, run, arg);
}

int host_stats_clear(struct coterie_ctx *ctx, const char *name) { return stats_clear(stats_of(ctx), name); }

/* --- the resources of a plugin --- */

void host_map_reclaim(struct plugin *plugin)
{
	struct plugin_resources *resources = plugin->resources;
	uint32_t trackers = 0, iterators = 0;

	while (resources->trackers != NULL) {
		host_map_untrack((struct coterie_ctx *)plugin, resources->trackers);
		trackers++;
	}
	while (resources->iterators != NULL) {
		host_map_iterate_end(resources->iterators);
		iterators++;
	}
	if (trackers > 0)
		log_line(plugin->subsystem, LOG_WARNING, "Leak: %u map trackers were left; they are ended", trackers);
	if (iterators > 0)
		log_line(plugin->subsystem, LOG_WARNING, "Leak: %u map iterators were left; they are ended", iterators);
	plugin_watch_leak(plugin, trackers + iterators);
	while (resources->stats != NULL)
		forget_stat(&resources->stats);
	forget_writes(plugin);
	uint32_t stats = stats_forget(plugin->host->stats, plugin);
	if (stats > 0)
		log_line(plugin->subsystem, LOG_DEBUG, "%u statistics ended with the plugin", stats);
}
