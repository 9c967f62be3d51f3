/* `rings`: links as this node sees them, the timers of the token and how long it takes. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_knet(const char *transport) { return strcmp(transport, "knet") == 0; }

static int64_t knet_stat(struct ctl *ctl, int64_t node, int link, const char *name)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(key, sizeof(key), "stats.knet.node%" PRIi64 ".link%d.%s", node, link, name);
	return fact_number(ctl, CTL_STATS, key, -1);
}

static void put_knet_stats(struct ctl *ctl, int64_t node, int number, struct json_object *link)
{
	static const char *const parts[] = {"avg", "min", "max", "samples"};
	static const char *const names[] = {"latency_ave", "latency_min", "latency_max", "latency_samples"};
	struct json_object *latency = json_object_new_object();

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t value = knet_stat(ctl, node, number, names[i]);

		if (value < 0) {
			json_object_put(latency);
			return;
		}
		put_number(latency, parts[i], value);
	}
	json_object_object_add(link, "latency_us", latency);
	put_number(link, "up_count", knet_stat(ctl, node, number, "up_count"));
	put_number(link, "down_count", knet_stat(ctl, node, number, "down_count"));
}

static struct json_object *links_of(struct ctl *ctl, int64_t id, bool has_knet,
	const struct corosync_cfg_node_status_v1 *status)
{
	struct json_object *links = json_object_new_array();

	for (int number = 0; number < CFG_MAX_LINKS; number++) {
		const struct corosync_knet_link_status_v1 *seen = &status->link_status[number];

		if (!seen->enabled)
			continue;
		struct json_object *link = json_object_new_object();
		put_number(link, "link", number);
		put_bool(link, "enabled", true);
		put_bool(link, "connected", seen->connected != 0);
		put_text(link, "transport", "udp");
		if (seen->src_ipaddr[0] != '\0')
			put_text(link, "local", seen->src_ipaddr);
		if (seen->dst_ipaddr[0] != '\0')
			put_text(link, "remote", seen->dst_ipaddr);
		put_number(link, "mtu", seen->mtu);
		if (has_knet)
			put_knet_stats(ctl, id, number, link);
		json_object_array_add(links, link);
	}
	return links;
}

static void put_timers(struct ctl *ctl, struct json_object *data)
{
	static const char *const names[] = {"timeout", "hold", "retransmit", "consensus"};
	static const char *const keys[] = {"runtime.config.totem.token", "runtime.config.totem.hold",
		"runtime.config.totem.token_retransmit", "runtime.config.totem.consensus"};
	struct json_object *timers = json_object_new_object();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int64_t value = fact_number(ctl, CTL_CONFIG, keys[i], -1);

		if (value < 0) {
			json_object_put(timers);
			return;
		}
		put_number(timers, names[i], value);
	}
	json_object_object_add(data, "token_ms", timers);
}

static int64_t rotation_stat(struct ctl *ctl, const char *name)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(key, sizeof(key), "stats.coterie.times.token_rotation.%s", name);
	return fact_number(ctl, CTL_STATS, key, -1);
}

static int64_t bucket_stat(struct ctl *ctl, int bucket, const char *name)
{
	char whole[32];

	snprintf(whole, sizeof(whole), "%02d.%s", bucket, name);
	return rotation_stat(ctl, whole);
}

static void put_rotation(struct ctl *ctl, struct json_object *data)
{
	struct json_object *buckets = json_object_new_array(), *rotation;
	int64_t sum = rotation_stat(ctl, "sum_us"), max = rotation_stat(ctl, "max_us"), count = 0, counted;

	for (int i = 0; (counted = bucket_stat(ctl, i, "count")) >= 0; i++) {
		struct json_object *bucket = json_object_new_object();
		int64_t bound = bucket_stat(ctl, i, "below_us");

		count += counted;
		if (bound >= 0)
			put_number(bucket, "le", bound);
		else
			put_text(bucket, "le", "+Inf");
		put_number(bucket, "count", count);
		json_object_array_add(buckets, bucket);
	}
	if (sum < 0 || max < 0 || json_object_array_length(buckets) == 0) { /* no daemon of ours */
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

int rings_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "rings takes no '%s'", argv[0]);
	int code = ctl->remote != NULL ? 0 : ctl_open(ctl, CTL_CFG);
	if (code != 0)
		return code;
	char *transport = fact_text(ctl, CTL_CONFIG, "totem.transport");
	struct json_object *nodes = fact_nodes(ctl), *answer = json_object_new_array();
	bool has_knet = is_knet(transport != NULL ? transport : "knet");
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i), *row = json_object_new_object();
		int64_t id = get_number(node, "id");
		struct corosync_cfg_node_status_v1 status;

		fact_status(ctl, (uint32_t)id, &status);
		put_number(row, "id", id);
		put_text(row, "name", get_text(node, "name"));
		put_bool(row, "reachable", status.reachable != 0);
		json_object_object_add(row, "links", links_of(ctl, id, has_knet, &status));
		put_bool(row, "local", get_bool(node, "local"));
		json_object_array_add(answer, row);
	}
	put_text(data, "transport", transport != NULL ? transport : "knet");
	json_object_object_add(data, "nodes", answer);
	put_timers(ctl, data);
	put_rotation(ctl, data);
	int64_t retransmits = fact_number(ctl, CTL_STATS, "stats.srp.mcast_retx", -1);
	if (retransmits >= 0)
		put_number(data, "retransmits", retransmits);
	json_object_put(nodes);
	free(transport);
	return CTL_GOOD;
}

/* What so many of a hundred stayed below: the bound of a bucket, or the longest of all. */
static int64_t rotation_below(struct json_object *rotation, int64_t percent)
{
	struct json_object *buckets = get(rotation, "buckets");
	int64_t max = get_number(rotation, "max");

	for (size_t i = 0; i + 1 < json_object_array_length(buckets); i++) {
		struct json_object *bucket = json_object_array_get_idx(buckets, i);
		int64_t bound = get_number(bucket, "le");

		if (get_number(bucket, "count") * 100 >= get_number(rotation, "count") * percent)
			return bound < max ? bound : max;
	}
	return max;
}

void rings_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *nodes = get(data, "nodes"), *timers = get(data, "token_ms");
	struct json_object *rotation = get(data, "rotation_us");

	fprintf(ctl->out, "Transport %s\n", get_text(data, "transport"));
	if (timers != NULL)
		fprintf(ctl->out, "Token     lost after %" PRIi64 " ms, sent again after %" PRIi64 " ms, consensus after %" PRIi64
				  " ms\n",
			get_number(timers, "timeout"), get_number(timers, "retransmit"), get_number(timers, "consensus"));
	if (rotation != NULL && get_number(rotation, "count") > 0)
		fprintf(ctl->out,
			"Rotation  p50 %" PRIi64 " us, p99 %" PRIi64 " us, max %" PRIi64 " us, of %" PRIi64 "\n",
			rotation_below(rotation, 50), rotation_below(rotation, 99), get_number(rotation, "max"),
			get_number(rotation, "count"));
	if (get(data, "retransmits") != NULL)
		fprintf(ctl->out, "Frames    %" PRIi64 " sent again\n", get_number(data, "retransmits"));
	for (size_t i = 0; i < json_object_array_length(nodes); i++) {
		struct json_object *node = json_object_array_get_idx(nodes, i), *links = get(node, "links");

		fprintf(ctl->out, "\nNode %" PRIi64 " (%s)%s\n", get_number(node, "id"), get_text(node, "name"),
			get_bool(node, "local") ? ", local" : get_bool(node, "reachable") ? "" : ", not reachable");
		for (size_t j = 0; j < json_object_array_length(links); j++) {
			struct json_object *link = json_object_array_get_idx(links, j), *latency = get(link, "latency_us");

			fprintf(ctl->out, "  link %" PRIi64 "  %-4s  %s%s%s  mtu %" PRIi64, get_number(link, "link"),
				get_bool(link, "connected") ? "up" : "DOWN", get_text(link, "local"),
				get(link, "local") != NULL && get(link, "remote") != NULL ? " -> " : "",
				get_text(link, "remote"), get_number(link, "mtu"));
			if (latency != NULL)
				fprintf(ctl->out, "  latency %" PRIi64 " us", get_number(latency, "avg"));
			fprintf(ctl->out, "\n");
		}
	}
}
