/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The watched resources. A resource consists of all keys with the same name. It exists if it has `recovery` and
 * `state`.
 *
 * 1. watched: it is checked after a delay, and then every poll_period. It has failed if its state is `failed`
 *    or `disabled`, or if its last sign of life is older than one and a half periods.
 * 2. failed: the recovery is carried out once. There are no more checks.
 * 3. After a change of recovery, state or poll_period the resource is watched again, unless its state is still `failed`
 *    or `disabled`.
 *
 * No signs of life are expected in the state `stopped`, and in libsam's state `waiting for quorum`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <syslog.h>
#include <time.h>

#include "plugins/common/keys.h"
#include "plugins/wd/wd.h"

#define POLL_PERIOD_MS UINT64_C(6000)
/* Delay of the first check, since a program needs time to write the keys. */
#define GRACE_MS UINT64_C(6000)
#define RESOURCES_MAX 1024

/*
 * Limit that separates two kinds of times, in nanoseconds. A time of day is larger. A time since the start of the
 * machine is smaller.
 */
#define TIME_OF_DAY_NS UINT64_C(1000000000000000000)

struct wd_resource {
	struct wd *wd; /* borrowed */
	struct wd_resource *next;
	enum wd_recovery recovery;
	uint64_t period_ms; /* 0: the resource gives no signs of life */
	bool has_failed;
	bool is_resting; /* state of the last change */
	struct coterie_timer *timer;
	uint32_t prefix_size;
	char prefix[]; /* "resources.process.100." */
};

struct key {
	char name[COTERIE_MAP_NAME_MAX + 1];
};

static struct key key_of(const struct wd_resource *resource, const char *what)
{
	struct key key;

	snprintf(key.name, sizeof(key.name), "%s%s", resource->prefix, what);
	return key;
}

static const char *text_of(const struct wd_resource *resource, const char *what)
{
	const struct wd *wd = resource->wd;

	return keys_text(wd->host, wd->ctx, key_of(resource, what).name);
}

/* The name of a resource without the last dot, for "%.*s". */
#define NAME(resource) (int)((resource)->prefix_size - 1), (resource)->prefix

/* --- checks --- */

static void act(struct wd_resource *resource)
{
	struct wd *wd = resource->wd;
	const char *recovery = text_of(resource, "recovery");

	wd->host->log(
		wd->ctx, LOG_CRIT, "%s resource \"%.*s\" failed!", recovery == NULL ? "" : recovery, NAME(resource));
	resource->has_failed = true;
	switch (resource->recovery) {
	case WD_RECOVERY_NONE:
	case WD_RECOVERY_STARVE: /* checked before the device is fed the next time */
		return;
	case WD_RECOVERY_SHUTDOWN:
		wd->host->stop(wd->ctx);
		return;
	case WD_RECOVERY_REBOOT:
		/* File systems are not synchronised on purpose, since that may never end. */
		if (reboot(RB_AUTOBOOT) == 0)
			return;
		wd->host->log(wd->ctx, LOG_ALERT,
			"this machine cannot be restarted (%s): the watchdog is left to do it", strerror(errno));
		resource->recovery = WD_RECOVERY_STARVE;
		return;
	}
}

/*
 * Get the milliseconds since the last sign of life. The time 0 in the key means "not yet". @return -ENOENT: no key has
 * the time
 */
static int silence_ms(const struct wd_resource *resource, uint64_t *ms)
{
	const struct wd *wd = resource->wd;
	uint64_t heard_ns, now_ns = wd->host->now_ns(wd->ctx);
	struct timespec now;
	int rc = keys_whole(wd->host, wd->ctx, key_of(resource, "last_updated").name, &heard_ns);

	if (rc < 0)
		return -ENOENT;
	if (heard_ns >= TIME_OF_DAY_NS) {
		clock_gettime(CLOCK_REALTIME, &now);
		now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	*ms = heard_ns == 0 || heard_ns > now_ns ? 0 : (now_ns - heard_ns) / WD_NS_PER_MS;
	return 0;
}

static bool is_bad_state(const char *state) { return strcmp(state, "failed") == 0 || strcmp(state, "disabled") == 0; }

/* Return whether the process gives no signs of life, as it should. */
static bool is_resting(const char *state)
{
	return strcmp(state, "stopped") == 0 || strcmp(state, "waiting for quorum") == 0;
}

static bool has_failed(const struct wd_resource *resource, const char *state)
{
	const struct wd *wd = resource->wd;
	uint64_t ms;

	if (is_bad_state(state))
		return true;
	if (is_resting(state) || resource->period_ms == 0)
		return false;
	if (silence_ms(resource, &ms) < 0) {
		wd->host->log(wd->ctx, LOG_ERR, "resource %.*s does not say when it was last updated", NAME(resource));
		return true;
	}
	if (ms <= resource->period_ms * 3 / 2)
		return false;
	wd->host->log(wd->ctx, LOG_ERR, "resource %.*s: last updated %ju ms ago, its period is %ju ms", NAME(resource),
		(uintmax_t)ms, (uintmax_t)resource->period_ms);
	return true;
}

static void check(void *arg);

static void arm(struct wd_resource *resource, uint64_t ms)
{
	struct wd *wd = resource->wd;
	uint64_t at_ns = wd->host->now_ns(wd->ctx) + ms * WD_NS_PER_MS;

	if (wd->host->timer_add(wd->ctx, at_ns, check, resource, &resource->timer) < 0) {
		resource->timer = NULL;
		wd->host->log(wd->ctx, LOG_ERR, "resource %.*s: no timer, it counts as failed", NAME(resource));
		act(resource);
	}
}

static void check(void *arg)
{
	struct wd_resource *resource = arg;
	const char *state = text_of(resource, "state");

	resource->timer = NULL;
	if (state != NULL && has_failed(resource, state))
		act(resource);
	else
		arm(resource, resource->period_ms == 0 ? POLL_PERIOD_MS : resource->period_ms);
}

/* --- the list of resources --- */

static void configure(struct wd_resource *resource)
{
	struct wd *wd = resource->wd;
	const char *recovery = text_of(resource, "recovery");
	const char *state = text_of(resource, "state");
	struct key period = key_of(resource, "poll_period");
	uint64_t number, before_ms = resource->period_ms, grace_ms;
	bool was_resting = resource->is_resting, is_new = resource->timer == NULL, begins;

	resource->recovery = WD_RECOVERY_NONE;
	if (strcmp(recovery, "watchdog") == 0 || strcmp(recovery, "quit") == 0)
		resource->recovery = WD_RECOVERY_STARVE;
	else if (strcmp(recovery, "reboot") == 0)
		resource->recovery = WD_RECOVERY_REBOOT;
	else if (strcmp(recovery, "shutdown") == 0)
		resource->recovery = WD_RECOVERY_SHUTDOWN;
	resource->period_ms = POLL_PERIOD_MS;
	/* libsam sets 0 for a process that gives no signs of life. Then only the state of the resource counts. */
	if (keys_whole(wd->host, wd->ctx, period.name, &number) == 0 && number == 0)
		resource->period_ms = 0;
	else if (keys_poll_period(wd->host, wd->ctx, period.name, POLL_PERIOD_MS, &resource->period_ms) < 0)
		wd->host->log(wd->ctx, LOG_WARNING, "resource %.*s: poll_period must be %u to %u ms: %ju ms is used",
			NAME(resource), KEYS_POLL_PERIOD_MIN_MS, KEYS_POLL_PERIOD_MAX_MS,
			(uintmax_t)resource->period_ms);
	if (resource->has_failed && is_bad_state(state))
		return;
	if (resource->has_failed)
		wd->host->log(wd->ctx, LOG_NOTICE, "resource %.*s is watched again", NAME(resource));
	resource->has_failed = false;
	resource->is_resting = state != NULL && is_resting(state);
	begins = was_resting && !resource->is_resting && !is_bad_state(state);
	/*
	 * If only the state has changed, a check that is due is not delayed. But a process that begins to work has given no
	 * sign of life yet.
	 */
	if (!is_new && resource->period_ms == before_ms && !begins)
		return;
	wd->host->timer_del(wd->ctx, resource->timer);
	resource->timer = NULL;
	grace_ms = 2 * resource->period_ms;
	arm(resource, grace_ms < GRACE_MS ? GRACE_MS : grace_ms);
}

static void forget(struct wd_resource **place)
{
	struct wd_resource *resource = *place;

	*place = resource->next;
	resource->wd->resource_count--;
	resource->wd->host->timer_del(resource->wd->ctx, resource->timer);
	free(resource);
}

static struct wd_resource *add(struct wd *wd, const char *prefix, uint32_t prefix_size)
{
	struct wd_resource *resource = NULL;

	if (wd->resource_count < RESOURCES_MAX)
		resource = calloc(1, sizeof(*resource) + prefix_size + 1);
	if (resource == NULL) {
		if (!wd->is_full)
			wd->host->log(wd->ctx, LOG_ERR,
				"resource %.*s and what comes after it is not "
				"watched: there are %u",
				(int)prefix_size - 1, prefix, wd->resource_count);
		wd->is_full = true;
		return NULL;
	}
	resource->wd = wd;
	resource->prefix_size = prefix_size;
	memcpy(resource->prefix, prefix, prefix_size);
	resource->next = wd->resources;
	wd->resources = resource;
	wd->resource_count++;
	return resource;
}

/* Return the length of "resources.process.NAME." if the key is one of those that a resource has, otherwise 0. */
static uint32_t prefix_of(const char *key)
{
	const char *dot = strrchr(key, '.');

	if (dot == NULL ||
		(strcmp(dot, ".recovery") != 0 && strcmp(dot, ".state") != 0 && strcmp(dot, ".poll_period") != 0))
		return 0;
	if (strncmp(key, "resources.system.", 17) == 0 && dot > key + 17)
		return (uint32_t)(dot - key) + 1;
	if (strncmp(key, "resources.process.", 18) == 0 && dot > key + 18)
		return (uint32_t)(dot - key) + 1;
	return 0;
}

void wd_resource_key_changed(struct wd *wd, const char *key)
{
	uint32_t prefix_size = prefix_of(key);
	struct wd_resource **place = &wd->resources, *resource;
	bool is_whole, is_new;

	if (prefix_size == 0)
		return;
	while (*place != NULL &&
		((*place)->prefix_size != prefix_size || memcmp((*place)->prefix, key, prefix_size) != 0))
		place = &(*place)->next;
	is_new = *place == NULL;
	resource = is_new ? add(wd, key, prefix_size) : *place;
	if (resource == NULL)
		return;
	is_whole = text_of(resource, "recovery") != NULL && text_of(resource, "state") != NULL;
	if (is_whole) {
		configure(resource);
		return;
	}
	if (!is_new)
		wd->host->log(wd->ctx, LOG_NOTICE, "resource %.*s is not watched any more", NAME(resource));
	forget(is_new ? &wd->resources : place); /* a new resource is the first of the list */
}

void wd_resources_load(struct wd *wd)
{
	struct coterie_map_iterator *iterator;
	struct key key;
	const char *found;

	if (wd->host->map_iterate(wd->ctx, COTERIE_MAP_CONFIG, "resources.", &iterator) < 0) {
		wd->host->log(wd->ctx, LOG_ERR, "out of memory: what is there is not watched");
		return;
	}
	while ((found = wd->host->map_iterate_next(iterator, NULL)) != NULL) {
		snprintf(key.name, sizeof(key.name), "%s", found);
		wd_resource_key_changed(wd, key.name);
	}
	wd->host->map_iterate_end(iterator);
}

bool wd_resources_starve(const struct wd *wd)
{
	for (const struct wd_resource *resource = wd->resources; resource != NULL; resource = resource->next)
		if (resource->has_failed && resource->recovery == WD_RECOVERY_STARVE)
			return true;
	return false;
}

void wd_resources_save(const struct wd *wd, struct coterie_state_writer *writer)
{
	uint32_t count = 0;

	for (const struct wd_resource *one = wd->resources; one != NULL; one = one->next)
		count += one->has_failed;
	coterie_state_put_u32(writer, count);
	for (const struct wd_resource *one = wd->resources; one != NULL; one = one->next) {
		if (!one->has_failed)
			continue;
		coterie_state_put_u32(writer, one->recovery);
		coterie_state_put_u32(writer, one->prefix_size);
		coterie_state_put(writer, one->prefix, one->prefix_size);
	}
}

int wd_resources_inherit(struct wd *wd, struct coterie_state_reader *reader)
{
	uint32_t count = coterie_state_take_count(reader, 8);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t recovery = coterie_state_take_u32(reader), size = coterie_state_take_u32(reader);
		const char *prefix = coterie_state_view(reader, size);
		struct wd_resource *resource = wd->resources;

		if (prefix == NULL || recovery > WD_RECOVERY_SHUTDOWN)
			return -ENOTSUP;
		while (resource != NULL &&
			(resource->prefix_size != size || memcmp(resource->prefix, prefix, size) != 0))
			resource = resource->next;
		if (resource == NULL)
			continue;
		wd->host->timer_del(wd->ctx, resource->timer);
		resource->timer = NULL;
		resource->has_failed = true;
		resource->recovery = (enum wd_recovery)recovery; /* one that has failed itself is replaced by another */
	}
	return 0;
}

void wd_resources_free(struct wd *wd)
{
	while (wd->resources != NULL)
		forget(&wd->resources);
}
