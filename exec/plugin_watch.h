/*
 * Whoever holds the loop up is named: how long a plugin's code ran at a time, and what it left behind.
 * Each call into a plugin stands between plugin_enter and plugin_leave.
 */
#ifndef EXEC_PLUGIN_WATCH_H
#define EXEC_PLUGIN_WATCH_H

#include <stdint.h>
#include <time.h>

#include "exec/plugin.h"

/** What the kernel's coarse clock, of 4 ms and a few nanoseconds a look, can tell apart for certain. */
#define PLUGIN_LOOK_NS UINT64_C(20000000)

#define PLUGIN_RECORDS_MAX 256u /* names; those above go without */

/** What happens to a plugin. */
enum plugin_event {
	PLUGIN_EVENT_FAIL, /* it was not loaded, or did not take another's place */
	PLUGIN_EVENT_LOAD,
	PLUGIN_EVENT_REPLACE,
	PLUGIN_EVENT_UNLOAD,
	PLUGIN_EVENTS,
};

/**
 * One name's account. It outlives the plugin: stats.plugins.NAME.{leaks,overruns,overrun_ms_max}, and
 * {fails,loads,replaces,unloads}.
 */
struct plugin_record {
	char name[64];
	uint64_t events[PLUGIN_EVENTS];
	uint64_t overruns, overrun_ms_max;
	uint64_t leaks; /* timers, descriptors, posts, map trackers, iterators left at the end */
	struct plugin_record *next;
};

/** The account of a name, made when needed; NULL: out of memory, or there are too many. */
struct plugin_record *plugin_record_get(struct executive *executive, const char *name);
/** Count in the account of a name, if it has one. */
void plugin_record_event(struct executive *executive, const char *name, enum plugin_event event);
void plugin_records_free(struct executive *executive);

/** It held the loop for so long: counted and logged when that is more than a quarter of the token timeout. */
void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what);
/** It left so many things behind. */
void plugin_leaked(struct plugin *plugin, uint32_t count);

static inline uint64_t plugin_enter(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** what: of its operations, borrowed. */
static inline void plugin_leave(struct plugin *plugin, uint64_t began_ns, const char *what)
{
	uint64_t ran_ns = plugin_enter() - began_ns;

	if (__builtin_expect(ran_ns >= PLUGIN_LOOK_NS, 0))
		plugin_overran(plugin, ran_ns, what);
}

#endif
