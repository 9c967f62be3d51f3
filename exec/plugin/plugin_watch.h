/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measure how long a plugin's code blocks the loop, and count the resources that it leaves behind. The calls that take
 * long, or run for clients and the ring, are between plugin_enter and plugin_leave.
 */
#ifndef EXEC_PLUGIN_WATCH_H
#define EXEC_PLUGIN_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "exec/plugin/plugin.h"

/** A shorter call is not checked. The kernel's coarse clock has a resolution of 4 ms, and costs a few nanoseconds. */
#define PLUGIN_LOOK_NS UINT64_C(20000000)

#define PLUGIN_RECORDS_MAX 256u /* most records. Names beyond that have none */

/** Events in the life of a plugin. */
enum plugin_event {
	PLUGIN_EVENT_FAIL, /* a plugin was not loaded, or did not replace another one */
	PLUGIN_EVENT_LOAD,
	PLUGIN_EVENT_REPLACE,
	PLUGIN_EVENT_UNLOAD,
	PLUGIN_EVENTS,
};

/**
 * The record of one name, which outlives the plugin. Its keys are stats.plugins.NAME.{leaks,overruns,overrun_ms_max}
 * and stats.plugins.NAME.{fails,loads,replaces,unloads}.
 */
struct plugin_record {
	char name[64];
	uint64_t events[PLUGIN_EVENTS];
	uint64_t overruns, overrun_ms_max;
	/* timers, descriptors, posts, map trackers and iterators that were left when the plugin ended */
	uint64_t leaks;
	struct plugin_record *next;
};

struct config;
struct loop;
struct stats;

/** The records of all names that were loaded so far. */
struct plugin_watch;

/**
 * Create the records.
 * @param loop    kept until destroy; its clock limits the log lines
 * @param stats   kept until destroy, for the records' keys; NULL: they have none
 * @param config  kept until destroy; points to the running configuration, which a reload replaces, or to NULL. The
 *                limit of a call depends on its token timeout
 * @return NULL: out of memory
 */
struct plugin_watch *plugin_watch_create(struct loop *loop, struct stats *stats, struct config *const *config);
void plugin_watch_destroy(struct plugin_watch *watch); /* NULL is ignored. All plugins must have been unloaded */

/** Return the record of a name, or create it. NULL: out of memory, or there are too many. */
struct plugin_record *plugin_watch_record(struct plugin_watch *watch, const char *name);
/** Count an event in the record of a name, if it has one. */
void plugin_watch_event(struct plugin_watch *watch, const char *name, enum plugin_event event);

/**
 * Count and log that a plugin blocked the loop, if ran_ns is more than a quarter of the token timeout and the plugin is
 * watched.
 */
void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what);
/** Count the resources that a plugin left behind. */
void plugin_watch_leak(struct plugin *plugin, uint32_t count);

#define PLUGIN_NO_NUMBER (-1)

/** One call of a plugin's function, in a variable of the caller. */
struct plugin_call {
	struct plugin *plugin; /* NULL: the file of a plugin is being loaded or unloaded */
	const char *what;      /* name of the operation, for the log */
	uint64_t began_ns;
	int64_t number;       /* number of the request or ring message, or PLUGIN_NO_NUMBER */
	const void *function; /* the function that is called, where several have the same `what`; otherwise NULL */
	const char *path;     /* path of the file, if plugin is NULL */
	const struct plugin_call *outer; /* the call during which this call was made, or NULL */
};

/** The innermost call on the loop thread. NULL: no plugin's code runs. */
extern const struct plugin_call *plugin_call_now;

/**
 * Describe the call that runs, for the last log line of the process. The code that failed may be the executive's,
 * called by the plugin.
 * @return text; NULL: no plugin's function is running on the first thread of the watched process
 */
const char *plugin_call_describe(char *text, size_t size);
/**
 * Watch the calls of this process from now on. If exit() is called during a call of a plugin, log that: no other log
 * line would give the reason. Call it again after a fork.
 */
void plugin_call_watch(void);

static inline uint64_t plugin_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/** Begin a call. plugin and what are borrowed until plugin_leave. */
static inline void plugin_enter(struct plugin_call *call, struct plugin *plugin, const char *what)
{
	*call = (struct plugin_call){.plugin = plugin,
		.what = what,
		.began_ns = plugin_clock_ns(),
		.number = PLUGIN_NO_NUMBER,
		.outer = plugin_call_now};
	plugin_call_now = call;
}

/** Begin a call of one of several functions. number: entry in the plugin's table, or PLUGIN_NO_NUMBER. */
static inline void plugin_enter_at(
	struct plugin_call *call, struct plugin *plugin, const char *what, int64_t number, const void *function)
{
	plugin_enter(call, plugin, what);
	call->number = number;
	call->function = function;
}

/** Begin and end a call that is not measured: functions of a transport are called for each frame. */
static inline void plugin_mark(struct plugin_call *call, const struct plugin *plugin, const char *what)
{
	call->plugin = (struct plugin *)(uintptr_t)plugin;
	call->what = what;
	call->number = PLUGIN_NO_NUMBER;
	call->function = NULL;
	call->path = NULL;
	call->outer = plugin_call_now;
	plugin_call_now = call;
}

static inline void plugin_unmark(const struct plugin_call *call) { plugin_call_now = call->outer; }

/** Run a statement that calls a plugin, between plugin_mark and its end. */
#define PLUGIN_MARKED(plugin, what, statement) \
	do { \
		struct plugin_call plugin_marked; \
		plugin_mark(&plugin_marked, plugin, what); \
		statement; \
		plugin_unmark(&plugin_marked); \
	} while (0)

/**
 * Run a statement that loads or unloads the file of a plugin. Constructors or destructors of the file run during it.
 */
#define PLUGIN_FILE_MARKED(file, whose, statement) \
	do { \
		struct plugin_call plugin_marked; \
		plugin_mark(&plugin_marked, NULL, whose); \
		plugin_marked.path = (file); \
		statement; \
		plugin_unmark(&plugin_marked); \
	} while (0)

/** End the call that plugin_enter or plugin_enter_at began last, without use of the plugin, which is gone. */
static inline void plugin_forget_call(const struct plugin_call *call) { plugin_call_now = call->outer; }

/** End the call that plugin_enter began last. */
static inline void plugin_leave(struct plugin_call *call)
{
	uint64_t ran_ns = plugin_clock_ns() - call->began_ns;

	plugin_call_now = call->outer;
	if (__builtin_expect(ran_ns >= PLUGIN_LOOK_NS, 0))
		plugin_overran(call->plugin, ran_ns, call->what);
}

#endif
