/* SPDX-License-Identifier: BSD-3-Clause */
/* `plugin list`: the plugins that this node has loaded. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	const struct metrics_source *source;
	struct json_object *plugins;
};

struct count {
	uint32_t count;
};

static bool see_client(void *arg, const char *key)
{
	static const char end[] = ".procname";
	size_t length = strlen(key);

	if (length > sizeof(end) && strcmp(key + length - (sizeof(end) - 1), end) == 0)
		((struct count *)arg)->count++;
	return true;
}

static uint32_t count_clients(const struct metrics_source *source, int64_t service)
{
	struct count count = {0};
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "stats.ipcs.service%" PRIi64 ".", service);
	source->each(source->arg, COTERIE_MAP_STATS, prefix, see_client, &count);
	return count.count;
}

static void put_fact(const struct metrics_source *source, struct json_object *plugin, const char *name,
	const char *field, const char *otherwise)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "stats.plugins.%.63s.%s", name, field);
	char *text = answers_key_text(source, COTERIE_MAP_STATS, key);
	if (text != NULL || otherwise != NULL)
		put_text(plugin, field, text != NULL ? text : otherwise);
	free(text);
}

/* Add the plugin of a key stats.plugins.NAME.kind, which Coterie's daemon has for each loaded plugin. */
static bool see_plugin(void *arg, const char *key)
{
	struct walk *walk = arg;
	char name[64], sibling[COTERIE_MAP_NAME_MAX + 1];
	int end = 0;

	if (sscanf(key, "stats.plugins.%63[^.].kind%n", name, &end) != 1 || end == 0 || key[end] != '\0')
		return true;
	struct json_object *plugin = json_object_new_object();
	put_text(plugin, "name", name);
	put_fact(walk->source, plugin, name, "kind", "service");
	put_fact(walk->source, plugin, name, "version", "");
	put_fact(walk->source, plugin, name, "abi", "0.0");
	put_fact(walk->source, plugin, name, "state", "active");
	put_fact(walk->source, plugin, name, "file", NULL);
	put_fact(walk->source, plugin, name, "description", NULL);
	put_bool(plugin, "builtin", strcmp(get_text(plugin, "file"), "builtin") == 0);
	snprintf(sibling, sizeof(sibling), "stats.plugins.%s.service_id", name);
	int64_t service = answers_key_number(walk->source, COTERIE_MAP_STATS, sibling, -1);
	if (service >= 0) {
		put_number(plugin, "service_id", service);
		put_number(plugin, "clients", count_clients(walk->source, service));
	}
	answers_put_metrics(walk->source, plugin, name);
	json_object_array_add(walk->plugins, plugin);
	return true;
}

/*
 * Add the service of a key internal_configuration.service.ID.name. Corosync's daemon publishes no other facts about
 * services.
 */
static bool see_service(void *arg, const char *key)
{
	struct walk *walk = arg;
	int64_t service;
	int end = 0;

	if (sscanf(key, "internal_configuration.service.%" SCNi64 ".name%n", &service, &end) != 1 || end == 0 ||
		key[end] != '\0')
		return true;
	char *name = answers_key_text(walk->source, COTERIE_MAP_CONFIG, key);
	if (name == NULL)
		return true;
	struct json_object *plugin = json_object_new_object();
	put_text(plugin, "name", strncmp(name, "corosync_", 9) == 0 ? name + 9 : name);
	put_text(plugin, "kind", "service");
	put_text(plugin, "version", "");
	put_text(plugin, "abi", "0.0");
	put_text(plugin, "state", "active");
	put_bool(plugin, "builtin", true);
	put_number(plugin, "service_id", service);
	put_number(plugin, "clients", count_clients(walk->source, service));
	json_object_array_add(walk->plugins, plugin);
	free(name);
	return true;
}

struct json_object *answers_plugins(const struct metrics_source *source, const char *prefix)
{
	struct walk walk = {.source = source, .plugins = json_object_new_array()};

	source->each(source->arg, COTERIE_MAP_STATS, prefix, see_plugin, &walk);
	return walk.plugins;
}

struct json_object *answers_services(const struct metrics_source *source)
{
	struct walk walk = {.source = source, .plugins = json_object_new_array()};

	source->each(source->arg, COTERIE_MAP_CONFIG, "internal_configuration.service.", see_service, &walk);
	return walk.plugins;
}
