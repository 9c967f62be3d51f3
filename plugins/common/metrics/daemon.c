/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon itself, its plugins, its services and their messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

static void write_build(struct writer *writer)
{
	char version[METRICS_VALUE_MAX], features[METRICS_VALUE_MAX] = "";

	writer_family(writer, METRIC_INFO, "coterie_build", "The daemon's version, and the Corosync it works with.");
	source_text(writer, COTERIE_MAP_STATS, features, "stats.coterie.features");
	if (source_text(writer, COTERIE_MAP_STATS, version, "stats.coterie.version"))
		writer_sample(writer, LABELS("version", version, "compat", "3.1", "features", features), 1);
}

static const struct metrics_node *local_node(struct writer *writer)
{
	double position, id;

	if (!source_number(writer, COTERIE_MAP_STATS, "stats.coterie.node_id", &id) &&
		(!source_number(writer, COTERIE_MAP_CONFIG, "nodelist.local_node_pos", &position) ||
			!source_number_f(writer, COTERIE_MAP_CONFIG, &id, "nodelist.node.%.0f.nodeid", position)))
		return NULL;
	for (uint32_t i = 0; i < writer->nodes->count; i++)
		if ((double)writer->nodes->list[i].id == id)
			return &writer->nodes->list[i];
	return NULL;
}

static void write_node(struct writer *writer)
{
	const struct metrics_node *local = local_node(writer);
	char cluster[METRICS_VALUE_MAX] = "", transport[METRICS_VALUE_MAX] = "knet", instance[METRICS_VALUE_MAX] = "";

	if (local == NULL)
		return;
	source_text(writer, COTERIE_MAP_CONFIG, cluster, "totem.cluster_name");
	source_text(writer, COTERIE_MAP_CONFIG, transport, "totem.transport");
	source_text(writer, COTERIE_MAP_STATS, instance, "stats.coterie.instance");
	writer_family(writer, METRIC_INFO, "coterie_node", "Which node this is.");
	writer_sample(writer,
		LABELS("node_id", local->id_text, "node", local->name, "cluster", cluster, "transport", transport,
			"instance", instance),
		1);
}

/*
 * Write the state of the ring. "isolated" is no state of the ring's protocol, so it may be true together with a state.
 */
static void write_state(struct writer *writer)
{
	static const char *const states[] = {"operational", "gather", "commit", "recovery", "starting", "stopping"};
	char state[METRICS_VALUE_MAX];
	double is_suspect = 0;

	if (!source_text(writer, COTERIE_MAP_STATS, state, "stats.coterie.state"))
		return;
	writer_family(writer, METRIC_STATESET, "coterie_state", "State of the ring's protocol on this node.");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		writer_sample(writer, LABELS("coterie_state", states[i]), strcmp(state, states[i]) == 0);
	source_number(writer, COTERIE_MAP_STATS, "stats.srp.firewall_enabled_or_nic_failure", &is_suspect);
	writer_sample(writer, LABELS("coterie_state", "isolated"), is_suspect != 0);
}

static void write_process(struct writer *writer)
{
	static const struct {
		const char *family;
		enum metric_type type;
		const char *key;
		double scale;
		const char *help;
	} values[] = {
		{"coterie_start_time_seconds", METRIC_GAUGE, "stats.coterie.start_time_ms", 0.001,
			"When the daemon started, in seconds since 1970."},
		{"process_cpu_seconds", METRIC_COUNTER, "stats.coterie.process.cpu_us", 0.000001,
			"Processor time that the daemon has used."},
		{"process_resident_memory_bytes", METRIC_GAUGE, "stats.coterie.process.resident_bytes", 1,
			"Memory of the daemon that is in use."},
		{"process_open_fds", METRIC_GAUGE, "stats.coterie.process.open_fds", 1,
			"Descriptors that the daemon has open."},
		{"process_max_fds", METRIC_GAUGE, "stats.coterie.process.max_fds", 1,
			"Descriptors that the daemon may have open."},
		{"process_start_time_seconds", METRIC_GAUGE, "stats.coterie.start_time_ms", 0.001,
			"When the daemon started, in seconds since 1970."},
		{"coterie_config_version", METRIC_GAUGE, NULL, 1, "config_version of the config file."},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		double number;
		bool is_there = values[i].key != NULL
					? source_number(writer, COTERIE_MAP_STATS, values[i].key, &number)
					: source_number(writer, COTERIE_MAP_CONFIG, "totem.config_version", &number);

		writer_family(writer, values[i].type, values[i].family, values[i].help);
		if (is_there)
			writer_sample(writer, NULL, number * values[i].scale);
	}
}

/* Write the plugin of a key stats.plugins.NAME.kind: there is one such key for each plugin. */
static bool see_plugin(void *arg, const char *key)
{
	static const char prefix[] = "stats.plugins.";
	struct writer *writer = arg;
	const char *name = key + sizeof(prefix) - 1, *end;
	char plugin[METRICS_VALUE_MAX], kind[METRICS_VALUE_MAX] = "", version[METRICS_VALUE_MAX] = "",
					state[METRICS_VALUE_MAX] = "";

	if (strncmp(key, prefix, sizeof(prefix) - 1) != 0)
		return true;
	end = strchr(name, '.');
	if (end == NULL || strcmp(end, ".kind") != 0)
		return true;
	snprintf(plugin, sizeof(plugin), "%.*s", (int)(end - name), name);
	source_text(writer, COTERIE_MAP_STATS, kind, "%s%s.kind", prefix, plugin);
	source_text(writer, COTERIE_MAP_STATS, version, "%s%s.version", prefix, plugin);
	source_text(writer, COTERIE_MAP_STATS, state, "%s%s.state", prefix, plugin);
	writer_sample(writer, LABELS("name", plugin, "kind", kind, "version", version, "state", state), 1);
	return true;
}

/* Write the counter of a key runtime.services.SERVICE.FUNCTION.tx or .rx. */
static bool see_message(void *arg, const char *key)
{
	struct writer *writer = arg;
	char service[64], function[12], direction[3];
	int length = 0;
	double number;

	if (sscanf(key, "runtime.services.%63[^.].%11[0-9].%2[rtx]%n", service, function, direction, &length) == 3 &&
		key[length] == '\0' && source_number(writer, COTERIE_MAP_CONFIG, key, &number))
		writer_sample(writer, LABELS("service", service, "function", function, "direction", direction), number);
	return true;
}

void metrics_write_daemon(struct writer *writer)
{
	write_build(writer);
	write_node(writer);
	write_state(writer);
	write_process(writer);
}

void metrics_write_services(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	double number;

	writer_family(writer, METRIC_COUNTER, "coterie_service_messages",
		"Ordered messages of a service, by the number of their function.");
	source->each(source->arg, COTERIE_MAP_CONFIG, "runtime.services.", see_message, writer);
	writer_family(writer, METRIC_GAUGE, "coterie_cpg_groups", "Closed process groups with a member anywhere.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.plugins.cpg.groups", &number))
		writer_sample(writer, NULL, number);
	writer_family(writer, METRIC_GAUGE, "coterie_cpg_members", "Processes in groups, each once for each group.");
	if (source_number(writer, COTERIE_MAP_STATS, "stats.plugins.cpg.members", &number))
		writer_sample(writer, NULL, number);
	writer_family(writer, METRIC_INFO, "coterie_plugin", "The plugins that are loaded.");
	source->each(source->arg, COTERIE_MAP_STATS, "stats.plugins.", see_plugin, writer);
}
