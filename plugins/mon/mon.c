/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watch memory and load of the machine. Each resource is a small state machine:
 *
 * 1. stopped: the key `max` is missing. Nothing is read.
 * 2. running: `max` is a number. Every poll_period the value is read and written to `current`.
 * 3. failed: `current` was above `max`. Reading continues. Only a change of `max` or poll_period ends this state.
 *
 * Programs and plugins that track the key `state`, for example the plugin wd, react to it. This plugin does not use the
 * ring. Its state is in the map. A new version of the plugin continues from the map, so the state that is handed over is
 * empty.
 */
#include "plugins/mon/mon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "plugins/common/keys.h"

#define POLL_PERIOD_MS UINT64_C(3000)
#define NS_PER_MS UINT64_C(1000000)
#define PREFIX "resources.system."

struct mon;

/* The constant description of a resource. */
struct kind {
	const char *name;
	const char *file; /* path below the folder `proc` */
	int (*parse)(const char *text, double *value);
	uint32_t type; /* type of the key `current` */
};

struct resource {
	struct mon *mon; /* borrowed */
	const struct kind *kind;
	const char *state; /* constant text, or NULL before the first state is set */
	uint64_t period_ms;
	double max;
	struct coterie_timer *timer; /* runs while the resource is polled; NULL: not polled */
	bool is_unreadable;          /* a failure to read was logged already */
};

static const struct kind kinds[] = {
	{"memory_used", "meminfo", mon_parse_memory, COTERIE_MAP_U32},
	{"load_15min", "loadavg", mon_parse_load, COTERIE_MAP_DOUBLE},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

struct mon {
	const struct coterie_host *host; /* borrowed, lives longer than this struct */
	struct coterie_ctx *ctx;
	char *proc; /* folder of the kernel's figures, copied because a reload replaces the options */
	struct coterie_map_tracker *tracker;
	struct resource resources[KIND_COUNT];
};

struct key {
	char name[COTERIE_MAP_NAME_MAX + 1];
};

static struct key key_of(const struct resource *resource, const char *what)
{
	struct key key;

	snprintf(key.name, sizeof(key.name), PREFIX "%s.%s", resource->kind->name, what);
	return key;
}

static void set_state(struct resource *resource, const char *state)
{
	const struct mon *mon = resource->mon;
	const char *before = resource->state;

	if (before == state)
		return;
	resource->state = state;
	if (before != NULL)
		mon->host->log(mon->ctx, LOG_INFO, "%s: %s, was %s", resource->kind->name, state, before);
	keys_set_text(mon->host, mon->ctx, key_of(resource, "state").name, state);
}

/* States are compared by their pointers, so each text exists only once. */
static const char stopped[] = "stopped", running[] = "running", failed[] = "failed";

static int read_value(const struct resource *resource, double *value)
{
	char path[256], text[8192];
	ssize_t size;
	int fd, rc;

	rc = snprintf(path, sizeof(path), "%s/%s", resource->mon->proc, resource->kind->file);
	if (rc < 0 || (size_t)rc >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	rc = size < 0 ? -errno : 0;
	close(fd);
	if (rc < 0)
		return rc;
	text[size] = '\0';
	return resource->kind->parse(text, value);
}

/* Write `current` as the reference does: memory in whole percent, the load unchanged. */
static void publish(const struct resource *resource, double value)
{
	const struct mon *mon = resource->mon;
	struct key current = key_of(resource, "current");
	uint32_t whole = (uint32_t)value;
	uint64_t now_ns = mon->host->now_ns(mon->ctx);

	if (resource->kind->type == COTERIE_MAP_U32)
		mon->host->map_set(mon->ctx, current.name, COTERIE_MAP_U32, &whole, sizeof(whole));
	else
		mon->host->map_set(mon->ctx, current.name, COTERIE_MAP_DOUBLE, &value, sizeof(value));
	mon->host->map_set(mon->ctx, key_of(resource, "last_updated").name, COTERIE_MAP_U64, &now_ns, sizeof(now_ns));
}

static void poll_resource(void *arg);

static void arm(struct resource *resource)
{
	const struct mon *mon = resource->mon;
	uint64_t at_ns = mon->host->now_ns(mon->ctx) + resource->period_ms * NS_PER_MS;
	int rc = mon->host->timer_add(mon->ctx, at_ns, poll_resource, resource, &resource->timer);

	if (rc < 0) {
		resource->timer = NULL;
		mon->host->log(
			mon->ctx, LOG_ERR, "%s: is not polled any more: %s", resource->kind->name, strerror(-rc));
		set_state(resource, stopped);
	}
}

static void poll_resource(void *arg)
{
	struct resource *resource = arg;
	const struct mon *mon = resource->mon;
	double value;
	int rc = read_value(resource, &value);

	resource->timer = NULL;
	if (rc < 0 && !resource->is_unreadable)
		mon->host->log(mon->ctx, LOG_ERR, "%s: %s/%s cannot be read: %s", resource->kind->name, mon->proc,
			resource->kind->file, strerror(-rc));
	resource->is_unreadable = rc < 0;
	if (rc == 0) {
		publish(resource, value);
		if (resource->kind->type == COTERIE_MAP_U32)
			value = (double)(uint32_t)value;
		if (value > resource->max)
			set_state(resource, failed);
	}
	arm(resource);
}

/* Read the keys of the resource. Start polling again in this state, or stop polling. */
static void configure(struct resource *resource, const char *state)
{
	const struct mon *mon = resource->mon;
	struct key period = key_of(resource, "poll_period");
	int rc = keys_poll_period(mon->host, mon->ctx, period.name, POLL_PERIOD_MS, &resource->period_ms);

	if (rc < 0)
		mon->host->log(mon->ctx, LOG_WARNING, "%s: poll_period must be %u to %u ms: it stays at %ju ms",
			resource->kind->name, KEYS_POLL_PERIOD_MIN_MS, KEYS_POLL_PERIOD_MAX_MS,
			(uintmax_t)resource->period_ms);
	mon->host->timer_del(mon->ctx, resource->timer);
	resource->timer = NULL;
	rc = keys_number(mon->host, mon->ctx, key_of(resource, "max").name, &resource->max);
	if (rc == -EINVAL)
		mon->host->log(mon->ctx, LOG_WARNING, "%s: max is no number: it is not watched", resource->kind->name);
	set_state(resource, rc < 0 ? stopped : state);
	if (rc == 0)
		poll_resource(resource);
}

/* Continue from the keys that an earlier version of the plugin has written: a failed state stays failed. */
static void begin(struct resource *resource)
{
	const struct mon *mon = resource->mon;
	const char *state = keys_text(mon->host, mon->ctx, key_of(resource, "state").name);

	configure(resource, state != NULL && strcmp(state, failed) == 0 ? failed : running);
}

static void map_changed(void *arg, uint32_t event, const char *key, const struct coterie_map_value *now,
	const struct coterie_map_value *before)
{
	struct mon *mon = arg;

	(void)event, (void)now, (void)before;
	for (uint32_t i = 0; i < KIND_COUNT; i++) {
		struct resource *resource = &mon->resources[i];

		/* Other keys are ignored, since only the plugin writes them. */
		if (strcmp(key, key_of(resource, "max").name) == 0 ||
			strcmp(key, key_of(resource, "poll_period").name) == 0)
			configure(resource, running);
	}
}

/* Set the keys that exist before the first value. Keys and types are those of the reference. */
static void publish_initial(struct resource *resource)
{
	const struct mon *mon = resource->mon;
	struct key current = key_of(resource, "current"), period = key_of(resource, "poll_period");
	int32_t none = 0;
	double nothing = 0;
	uint64_t never = 0;

	resource->period_ms = POLL_PERIOD_MS;
	if (resource->kind->type == COTERIE_MAP_U32)
		mon->host->map_set(mon->ctx, current.name, COTERIE_MAP_I32, &none, sizeof(none));
	else
		mon->host->map_set(mon->ctx, current.name, COTERIE_MAP_DOUBLE, &nothing, sizeof(nothing));
	mon->host->map_set(mon->ctx, key_of(resource, "last_updated").name, COTERIE_MAP_U64, &never, sizeof(never));
	if (mon->host->map_get(mon->ctx, period.name, NULL, NULL, NULL) < 0)
		mon->host->map_set(
			mon->ctx, period.name, COTERIE_MAP_U64, &resource->period_ms, sizeof(resource->period_ms));
}

static int mon_init(const struct coterie_host *host, struct coterie_ctx *ctx, void **self)
{
	struct mon *mon = calloc(1, sizeof(*mon));
	const char *proc;
	int rc;

	if (mon == NULL)
		return -ENOMEM;
	mon->host = host;
	mon->ctx = ctx;
	rc = host->option_string(ctx, "proc", &proc);
	if (rc < 0)
		goto free_mon;
	mon->proc = strdup(proc);
	if (mon->proc == NULL) {
		rc = -ENOMEM;
		goto free_mon;
	}
	for (uint32_t i = 0; i < KIND_COUNT; i++) {
		mon->resources[i].mon = mon;
		mon->resources[i].kind = &kinds[i];
		publish_initial(&mon->resources[i]);
	}
	rc = host->map_track(ctx, COTERIE_MAP_CONFIG, PREFIX,
		COTERIE_MAP_PREFIX | COTERIE_MAP_ADDED | COTERIE_MAP_MODIFIED | COTERIE_MAP_DELETED, map_changed, mon,
		&mon->tracker);
	if (rc < 0)
		goto free_mon;
	for (uint32_t i = 0; i < KIND_COUNT; i++)
		begin(&mon->resources[i]);
	*self = mon;
	return 0;
free_mon:
	free(mon->proc);
	free(mon);
	return rc;
}

static void mon_fini(void *self)
{
	struct mon *mon = self;

	for (uint32_t i = 0; i < KIND_COUNT; i++)
		mon->host->timer_del(mon->ctx, mon->resources[i].timer);
	mon->host->map_untrack(mon->ctx, mon->tracker);
	free(mon->proc);
	free(mon);
}

static int mon_state_save(void *self, void **blob, uint32_t *size)
{
	(void)self;
	*blob = NULL;
	*size = 0;
	return 0;
}

/* Write what init has found out: it could not, since the keys were those of the old version. */
static int mon_state_load(void *self, const void *blob, uint32_t size)
{
	struct mon *mon = self;

	(void)blob;
	if (size != 0)
		return -ENOTSUP;
	for (uint32_t i = 0; i < KIND_COUNT; i++) {
		struct resource *resource = &mon->resources[i];

		keys_set_text(mon->host, mon->ctx, key_of(resource, "state").name, resource->state);
		if (resource->timer == NULL)
			continue;
		mon->host->timer_del(mon->ctx, resource->timer);
		poll_resource(resource);
	}
	return 0;
}

static const struct coterie_option mon_options[] = {
	{.name = "proc",
		.type = COTERIE_OPT_STRING,
		.initial = "/proc",
		.help = "where the kernel's meminfo and loadavg are"},
};

static const struct coterie_service mon_ops = {
	.size = sizeof(struct coterie_service),
	.ring_id = 6,
	.title = "corosync resource monitoring service",
	.priority = 1,
	.init = mon_init,
	.fini = mon_fini,
	.state_save = mon_state_save,
	.state_load = mon_state_load,
};

COTERIE_PLUGIN(mon, .kind = COTERIE_KIND_SERVICE, .version = "1.0",
	.description = "memory and load of this machine, as keys of the map",
	.needs = COTERIE_CAP_MAP | COTERIE_CAP_STATS, .offers = COTERIE_CAN_UNPRIVILEGED | COTERIE_CAN_HAND_OVER,
	COTERIE_OPTIONS(mon_options), .ops = &mon_ops);
