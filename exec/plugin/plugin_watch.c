/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/plugin/plugin_watch.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/model.h"
#include "exec/log/log.h"
#include "exec/loop/loop.h"
#include "exec/stats/stats.h"

#define WITHOUT_CONFIG_NS UINT64_C(250000000)

struct plugin_watch {
	struct loop *loop;
	struct stats *stats;
	struct config *const *config;
	struct plugin_record *records;
	struct log_limit overrun_limit; /* limits log lines about plugins that block the loop */
};

/* Offer the numbers of a record as statistics. */
static void offer(struct stats *stats, const struct plugin_record *record)
{
	const struct {
		const char *name;
		const uint64_t *number;
	} values[] = {
		{"fails", &record->events[PLUGIN_EVENT_FAIL]},
		{"leaks", &record->leaks},
		{"loads", &record->events[PLUGIN_EVENT_LOAD]},
		{"overrun_ms_max", &record->overrun_ms_max},
		{"overruns", &record->overruns},
		{"replaces", &record->events[PLUGIN_EVENT_REPLACE]},
		{"unloads", &record->events[PLUGIN_EVENT_UNLOAD]},
	};
	char key[COTERIE_MAP_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(key, sizeof(key), "stats.plugins.%s.%s", record->name, values[i].name);
		stats_add_u64(stats, record, key, values[i].number);
	}
}

struct plugin_watch *plugin_watch_create(struct loop *loop, struct stats *stats, struct config *const *config)
{
	struct plugin_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->loop = loop;
	watch->stats = stats;
	watch->config = config;
	return watch;
}

void plugin_watch_destroy(struct plugin_watch *watch)
{
	while (watch != NULL && watch->records != NULL) {
		struct plugin_record *record = watch->records;

		watch->records = record->next;
		if (watch->stats != NULL)
			stats_forget(watch->stats, record);
		free(record);
	}
	free(watch);
}

struct plugin_record *plugin_watch_record(struct plugin_watch *watch, const char *name)
{
	struct plugin_record *record = watch->records;
	uint32_t count = 0;

	for (; record != NULL && strcmp(record->name, name) != 0; count++)
		record = record->next;
	if (record != NULL || count == PLUGIN_RECORDS_MAX)
		return record;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	snprintf(record->name, sizeof(record->name), "%s", name);
	record->next = watch->records;
	watch->records = record;
	if (watch->stats != NULL)
		offer(watch->stats, record);
	return record;
}

void plugin_watch_event(struct plugin_watch *watch, const char *name, enum plugin_event event)
{
	struct plugin_record *record = plugin_watch_record(watch, name);

	if (record != NULL)
		record->events[event]++;
}

static uint64_t bound_of(const struct plugin_watch *watch)
{
	const struct config *config = *watch->config;

	return config != NULL && config->totem.token_ns > 0 ? config->totem.token_ns / 4 : WITHOUT_CONFIG_NS;
}

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	struct plugin_watch *watch = plugin->watch;
	uint64_t ran_ms = ran_ns / 1000000;

	if (watch == NULL || ran_ns < bound_of(watch))
		return;
	if (plugin->record != NULL) {
		plugin->record->overruns++;
		if (ran_ms > plugin->record->overrun_ms_max)
			plugin->record->overrun_ms_max = ran_ms;
	}
	log_limited(&watch->overrun_limit, loop_now_ns(watch->loop), "MAIN", LOG_WARNING,
		"Plugin '%s' held the daemon up for %ju ms in its %s (more than %ju ms may cost the token): "
		"it must not block",
		plugin->name, (uintmax_t)ran_ms, what, (uintmax_t)(bound_of(watch) / 1000000));
}

const struct plugin_call *plugin_call_now;
static pid_t watched_pid; /* process whose first thread runs the loop */

/*
 * Append the number of the entry in the plugin's table, and the function in the form that addr2line(1) takes:
 * FILE+OFFSET.
 */
static void add_place(const struct plugin_call *call, char *text, size_t size)
{
	size_t length = strlen(text);
	Dl_info info;

	if (call->number != PLUGIN_NO_NUMBER)
		snprintf(text + length, size - length, ", number %jd", (intmax_t)call->number);
	length = strlen(text);
	if (call->function == NULL || dladdr(call->function, &info) == 0 || info.dli_fname == NULL)
		return;
	const char *slash = strrchr(info.dli_fname, '/');
	snprintf(text + length, size - length, " (function %s+0x%jx)", slash != NULL ? slash + 1 : info.dli_fname,
		(uintmax_t)((uintptr_t)call->function - (uintptr_t)info.dli_fbase));
}

const char *plugin_call_describe(char *text, size_t size)
{
	const struct plugin_call *call = plugin_call_now;

	/* Other threads do not run the loop's calls, and neither does a child process of a plugin. */
	if (call == NULL || getpid() != watched_pid || gettid() != watched_pid)
		return NULL;
	if (call->plugin == NULL)
		snprintf(text, size, "the plugin file %s ran its %s", call->path, call->what);
	else
		snprintf(text, size, "plugin '%s' (%s) ran its %s", call->plugin->name,
			call->plugin->path != NULL ? call->plugin->path : "built in", call->what);
	add_place(call, text, size);
	return text;
}

static void on_exit_inside(void)
{
	char text[PATH_MAX + 128];

	if (plugin_call_describe(text, sizeof(text)) != NULL)
		log_line("MAIN", LOG_CRIT,
			"exit() was called while %s: the process ends. A plugin must return an error instead", text);
}

void plugin_call_watch(void)
{
	if (watched_pid == 0)
		atexit(on_exit_inside);
	watched_pid = getpid();
}

void plugin_watch_leak(struct plugin *plugin, uint32_t count)
{
	if (plugin->record != NULL)
		plugin->record->leaks += count;
}
