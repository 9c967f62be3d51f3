#include "exec/plugin_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/config/model.h"
#include "exec/executive.h"
#include "exec/log.h"
#include "exec/loop.h"
#include "exec/stats.h"

#define WITHOUT_CONFIG_NS UINT64_C(250000000)

static uint32_t put_u64(void *value, uint64_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

static uint32_t read_overruns(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->overruns);
}

static uint32_t read_overrun_ms_max(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->overrun_ms_max);
}

static uint32_t read_leaks(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->leaks);
}

static uint32_t read_fails(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->events[PLUGIN_EVENT_FAIL]);
}

static uint32_t read_loads(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->events[PLUGIN_EVENT_LOAD]);
}

static uint32_t read_replaces(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->events[PLUGIN_EVENT_REPLACE]);
}

static uint32_t read_unloads(void *arg, void *value)
{
	return put_u64(value, ((const struct plugin_record *)arg)->events[PLUGIN_EVENT_UNLOAD]);
}

struct plugin_record *plugin_record_get(struct executive *executive, const char *name)
{
	static const struct {
		const char *name;
		coterie_stat_read read;
	} values[] = {
		{"fails", read_fails}, {"leaks", read_leaks}, {"loads", read_loads},
		{"overrun_ms_max", read_overrun_ms_max}, {"overruns", read_overruns},
		{"replaces", read_replaces}, {"unloads", read_unloads}};
	struct plugin_record *record = executive->plugin_records;
	char key[COTERIE_MAP_NAME_MAX + 1];
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
	for (size_t i = 0; executive->stats != NULL && i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(key, sizeof(key), "stats.plugins.%s.%s", name, values[i].name);
		stats_add(executive->stats, record, key, COTERIE_MAP_U64, values[i].read, record);
	}
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

void plugin_leaked(struct plugin *plugin, uint32_t count)
{
	if (plugin->record != NULL)
		plugin->record->leaks += count;
}
