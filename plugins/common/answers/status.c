/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer of `status`. */
#include "plugins/common/answers/answers.h"

#include <stdlib.h>
#include <string.h>

static uint32_t count_joined(const struct metrics_source *source)
{
	struct json_object *members = answers_members_list(source);
	uint32_t count = 0;

	for (size_t i = 0; i < json_object_array_length(members); i++)
		count += strcmp(get_text(json_object_array_get_idx(members, i), "state"), "joined") == 0;
	json_object_put(members);
	return count;
}

static void put_key(const struct metrics_source *source, struct json_object *data, const char *name, uint32_t map,
	const char *key, const char *otherwise)
{
	char *text = answers_key_text(source, map, key);

	put_text(data, name, text != NULL ? text : otherwise);
	free(text);
}

/*
 * Add facts about the daemon. Corosync's daemon publishes none about itself, so only facts about the ring are added for
 * it.
 */
static void put_daemon(const struct metrics_source *source, struct json_object *data)
{
	int64_t pid = answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.pid", 0);

	put_key(source, data, "version", COTERIE_MAP_STATS, "stats.coterie.version", "unknown");
	put_text(data, "compat", pid != 0 ? "coterie" : "corosync");
	put_bool(data, "encrypted", metrics_protection(source) == METRICS_PROTECTION_ENCRYPTED);
	if (pid != 0)
		put_number(data, "pid", pid);
	int64_t uptime_ms = answers_key_number(source, COTERIE_MAP_STATS, "stats.coterie.uptime_ms", 0);
	json_object_object_add(data, "uptime_s", json_object_new_double((double)uptime_ms / 1000));
}

int answers_status(const struct metrics_source *source, const char *instance, struct json_object *data)
{
	char buffer[12];
	struct json_object *nodes = answers_nodes(source), *node = json_object_new_object();
	struct json_object *ring = answers_ring(source);
	uint32_t local = source->local(source->arg), members = count_joined(source);
	int quorate = source->quorate(source->arg);
	put_daemon(source, data);
	put_key(source, data, "instance", COTERIE_MAP_STATS, "stats.coterie.instance", instance);
	put_key(source, data, "cluster", COTERIE_MAP_CONFIG, "totem.cluster_name", "");
	put_number(node, "id", local);
	put_text(node, "name", answers_node_name(nodes, local, buffer));
	put_bool(node, "local", true);
	json_object_object_add(data, "node", node);
	put_key(source, data, "transport", COTERIE_MAP_CONFIG, "totem.transport", "knet");
	put_key(source, data, "state", COTERIE_MAP_STATS, "stats.coterie.state", "operational");
	json_object_object_add(data, "ring", ring);
	put_number(data, "members", members);
	put_number(data, "expected_members",
		json_object_array_length(nodes) > 0 ? (int64_t)json_object_array_length(nodes) : members);
	json_object_object_add(data, "quorate", quorate < 0 ? NULL : json_object_new_boolean(quorate));
	put_number(data, "config_version", answers_key_number(source, COTERIE_MAP_CONFIG, "totem.config_version", 0));
	struct json_object *lease = answers_lease(source);
	if (lease != NULL) {
		json_object_object_add(data, "lease", lease);
		json_object_object_add(data, "silent", answers_silent(source));
		json_object_object_add(data, "evictions", answers_evictions(source));
	}
	json_object_object_add(data, "issues", answers_issues(source, nodes));
	json_object_put(nodes);
	return quorate;
}
