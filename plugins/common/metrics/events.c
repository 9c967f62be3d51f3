/* SPDX-License-Identifier: BSD-3-Clause */
/* Events: of the configuration file, of plugins, and in the log. */
#include <stdio.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

/* Write a family of counters that differ in one label: stats.coterie.PREFIX.VALUE. */
static void write_each(struct writer *writer, const char *prefix, const char *label, const char *const *values)
{
	for (; *values != NULL; values++) {
		double number;

		if (source_number_f(writer, COTERIE_MAP_STATS, &number, "stats.coterie.%s.%s", prefix, *values))
			writer_sample(writer, LABELS(label, *values), number);
	}
}

static void write_reloads(struct writer *writer)
{
	static const char *const results[] = {"applied", "unchanged", "refused", "error", NULL};
	double taken_ms = 0;

	writer_family(writer, METRIC_COUNTER, "coterie_config_reload", "Reloads of the config file, by their end.");
	write_each(writer, "reload", "result", results);
	writer_family(writer, METRIC_GAUGE, "coterie_config_last_reload_timestamp_seconds",
		"When the config file was last taken by a reload, in seconds since 1970.");
	source_number(writer, COTERIE_MAP_STATS, "stats.coterie.reload.taken_ms", &taken_ms);
	if (taken_ms > 0)
		writer_sample(writer, NULL, taken_ms / 1000);
}

/*
 * Write the events of a plugin. The key stats.plugins.NAME.loads exists for each name, also for plugins that were
 * unloaded.
 */
static bool see_plugin(void *arg, const char *key)
{
	static const struct {
		const char *event, *key;
	} events[] = {{"load", "loads"}, {"unload", "unloads"}, {"replace", "replaces"}, {"fail", "fails"}};
	static const char prefix[] = "stats.plugins.";
	struct writer *writer = arg;
	const char *name = key + sizeof(prefix) - 1, *end;
	char plugin[METRICS_VALUE_MAX];
	double number;

	if (strncmp(key, prefix, sizeof(prefix) - 1) != 0)
		return true;
	end = strchr(name, '.');
	if (end == NULL || strcmp(end, ".loads") != 0)
		return true;
	snprintf(plugin, sizeof(plugin), "%.*s", (int)(end - name), name);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (source_number_f(writer, COTERIE_MAP_STATS, &number, "%s%s.%s", prefix, plugin, events[i].key))
			writer_sample(writer, LABELS("name", plugin, "event", events[i].event), number);
	return true;
}

void metrics_write_events(struct writer *writer)
{
	static const char *const levels[] = {"error", "warning", "notice", "info", "debug", "trace", NULL};
	const struct metrics_source *source = writer->source;
	double late;

	write_reloads(writer);
	writer_family(writer, METRIC_COUNTER, "coterie_plugin_events", "What happened to plugins.");
	source->each(source->arg, COTERIE_MAP_STATS, "stats.plugins.", see_plugin, writer);
	writer_family(writer, METRIC_COUNTER, "coterie_log_lines", "Lines of the log.");
	write_each(writer, "log", "level", levels);
	writer_family(writer, METRIC_COUNTER, "coterie_scheduler_late",
		"Times the daemon did not run for more than four fifths of the token timeout.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.coterie.scheduler.late", &late))
		writer_sample(writer, NULL, late);
}
