/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer of `rings`: links as this node sees them, the timers of the token, and the times that the token takes. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_knet(const char *transport) { return strcmp(transport, "knet") == 0; }

static int64_t knet_stat(const struct metrics_source *source, int64_t node, int link, const char *name)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "stats.knet.node%" PRIi64 ".link%d.%s", node, link, name);
	return answers_key_number(source, COTERIE_MAP_STATS, key, -1);
}

static void put_knet_stats(const struct metrics_source *source, int64_t node, int number, struct json_object *link)
{
	static const char *const parts[] = {"avg", "min", "max", "samples"};
	static const char *const names[] = {"latency_ave", "latency_min", "latency_max", "latency_samples"};
	struct json_object *latency = json_object_new_object();

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t value = knet_stat(source, node, number, names[i]);

		if (value < 0) {
			json_object_put(latency);
			return;
		}
		put_number(latency, parts[i], value);
	}
	json_object_object_add(link, "latency_us", latency);
	put_number(link, "up_count", knet_stat(source, node, number, "up_count"));
	put_number(link, "down_count", knet_stat(source, node, number, "down_count"));
}

static struct json_object *links_of(
	const struct metrics_source *source, int64_t id, bool has_knet, const struct coterie_node_status *status)
{
	struct json_object *links = json_object_new_array();

	for (int number = 0; number < (int)COTERIE_LINKS_MAX; number++) {
		const struct coterie_link_status *seen = &status->links[number];

		if (!seen->is_enabled)
			continue;
		struct json_object *link = json_object_new_object();
		put_number(link, "link", number);
		put_bool(link, "enabled", true);
		put_bool(link, "connected", seen->is_connected != 0);
		put_text(link, "transport", "udp");
		if (seen->source[0] != '\0')
			put_text(link, "local", seen->source);
		if (seen->destination[0] != '\0')
			put_text(link, "remote", seen->destination);
		put_number(link, "mtu", seen->mtu);
		if (has_knet)
			put_knet_stats(source, id, number, link);
		json_object_array_add(links, link);
	}
	return links;
}

static void put_timers(const struct metrics_source *source, struct json_object *data)
{
	static const char *const names[] = {"timeout", "hold", "retransmit", "consensus"};
	static const char *const keys[] = {"runtime.config.totem.token", "runtime.config.totem.hold",
		"runtime.config.totem.token_retransmit", "runtime.config.totem.consensus"};
	struct json_object *timers = json_object_new_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t value = answers_key_number(source, COTERIE_MAP_CONFIG, keys[i], -1);

		if (value < 0) {
			json_object_put(timers);
			return;
		}
		put_number(timers, names[i], value);
	}
	json_object_object_add(data, "token_ms", timers);
}

static int64_t rotation_stat(const struct metrics_source *source, const char *name)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "stats.coterie.times.token_rotation.%s", name);
	return answers_key_number(source, COTERIE_MAP_STATS, key, -1);
}

static int64_t bucket_stat(const struct metrics_source *source, int bucket, const char *name)
{
	char whole[32];

	snprintf(whole, sizeof(whole), "%02d.%s", bucket, name);
	return rotation_stat(source, whole);
}

static void put_rotation(const struct metrics_source *source, struct json_object *data)
{
	struct json_object *buckets = json_object_new_array(), *rotation;
	int64_t sum = rotation_stat(source, "sum_us"), max = rotation_stat(source, "max_us"), count = 0, counted;

	for (int i = 0; (counted = bucket_stat(source, i, "count")) >= 0; i++) {
		struct json_object *bucket = json_object_new_object();
		int64_t bound = bucket_stat(source, i, "below_us");

		count += counted;
		if (bound >= 0)
			put_number(bucket, "le", bound);
		else
			put_text(bucket, "le", "+Inf");
		put_number(bucket, "count", count);
		json_object_array_add(buckets, bucket);
	}
	if (sum < 0 || max < 0 || json_object_array_length(buckets) == 0) { /* the daemon is not Coterie's */
		json_object_put(buckets);
		return;
	}
	rotation = json_object_new_object();
	put_text(rotation, "unit", "us");
	put_number(rotation, "count", count);
	put_number(rotation, "sum", sum);
	put_number(rotation, "max", max);
	json_object_object_add(rotation, "buckets", buckets);
	json_object_object_add(data, "rotation_us", rotation);
}

void answers_rings(const struct metrics_source *source, struct json_object *data)
{
	char *transport = answers_key_text(source, COTERIE_MAP_CONFIG, "totem.transport");
	struct json_object *nodes = answers_nodes(source), *answer = json_object_new_array();
	bool has_knet = is_knet(transport != NULL ? transport : "knet");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i), *row = json_object_new_object();
		int64_t id = get_number(node, "id");
		struct coterie_node_status status;

		answers_links(source, (uint32_t)id, &status);
		put_number(row, "id", id);
		put_text(row, "name", get_text(node, "name"));
		put_bool(row, "reachable", status.is_reachable != 0);
		json_object_object_add(row, "links", links_of(source, id, has_knet, &status));
		put_bool(row, "local", get_bool(node, "local"));
		json_object_array_add(answer, row);
	}
	put_text(data, "transport", transport != NULL ? transport : "knet");
	json_object_object_add(data, "nodes", answer);
	put_timers(source, data);
	put_rotation(source, data);
	int64_t retransmits = answers_key_number(source, COTERIE_MAP_STATS, "stats.srp.mcast_retx", -1);
	if (retransmits >= 0)
		put_number(data, "retransmits", retransmits);
	json_object_put(nodes);
	free(transport);
}
