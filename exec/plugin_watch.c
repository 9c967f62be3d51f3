#include "exec/plugin_watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/config/model.h"
#include "exec/executive.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/stats.h"

#define WITHOUT_CONFIG_NS UINT64_C(250000000)

/* Its numbers in the statistics. */
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

struct plugin_record *plugin_record_get(struct executive *executive, const char *name)
{
	struct plugin_record *record = executive->plugin_records;
	uint32_t count = 0;

	for (; record != NULL && strcmp(record->name, name) != 0; count++)
		record = record->next;
	if (record != NULL || count == PLUGIN_RECORDS_MAX)
		return record;
	record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	snprintf(record->name, sizeof(record->name), "%s", name);
	record->next = executive->plugin_records;
	executive->plugin_records = record;
	if (executive->stats != NULL)
		offer(executive->stats, record);
	return record;
}

void plugin_record_event(struct executive *executive, const char *name, enum plugin_event event)
{
	struct plugin_record *record = plugin_record_get(executive, name);

	if (record != NULL)
		record->events[event]++;
}

void plugin_records_free(struct executive *executive)
{
	while (executive->plugin_records != NULL) {
		struct plugin_record *record = executive->plugin_records;

		executive->plugin_records = record->next;
		if (executive->stats != NULL)
			stats_forget(executive->stats, record);
		free(record);
	}
}

void plugin_overran(struct plugin *plugin, uint64_t ran_ns, const char *what)
{
	struct executive *executive = plugin->executive;
	uint64_t bound_ns = executive->config != NULL && executive->config->totem.token_ns > 0
				    ? executive->config->totem.token_ns / 4
				    : WITHOUT_CONFIG_NS;
	uint64_t ran_ms = ran_ns / 1000000;

	if (ran_ns < bound_ns)
		return;
	if (plugin->record != NULL) {
		plugin->record->overruns++;
		if (ran_ms > plugin->record->overrun_ms_max)
			plugin->record->overrun_ms_max = ran_ms;
	}
	log_limited(&executive->overrun_limit, loop_now_ns(executive->loop), "MAIN", LOG_WARNING,
		"Plugin '%s' held the daemon up for %ju ms in its %s (more than %ju ms may cost the token): "
		"it must not block",
		plugin->name, (uintmax_t)ran_ms, what, (uintmax_t)(bound_ns / 1000000));
}

const struct plugin_call *plugin_call_now;
static pid_t watched_pid; /* whose first thread runs the loop */

const char *plugin_call_describe(char *text, size_t size)
{
	const struct plugin_call *call = plugin_call_now;

	/* Another thread runs beside the loop. A child of a plugin is a process of its own. */
	if (call == NULL || getpid() != watched_pid || gettid() != watched_pid)
		return NULL;
	snprintf(text, size, "plugin '%s' (%s) ran its %s", call->plugin->name,
		call->plugin->path != NULL ? call->plugin->path : "built in", call->what);
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

void plugin_leaked(struct plugin *plugin, uint32_t count)
{
	if (plugin->record != NULL)
		plugin->record->leaks += count;
}
