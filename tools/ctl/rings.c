/* SPDX-License-Identifier: BSD-3-Clause */
/* `rings`: show the links of this node, the timers of the token and its rotation times. */
#include "tools/ctl/ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int rings_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 0)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "rings takes no '%s'", argv[0]);
	int code = ctl->remote != NULL ? 0 : ctl_open(ctl, CTL_CFG);
	if (code != 0)
		return code;
	const struct metrics_source source = ctl_source(ctl);
	answers_rings(&source, data);
	return CTL_GOOD;
}

/* Return a time which this percentage of the rotations did not exceed: the bound of a bucket, or the longest time. */
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
		fprintf(ctl->out,
			"Token     lost after %" PRIi64 " ms, sent again after %" PRIi64 " ms, consensus after %" PRIi64
			" ms\n",
			get_number(timers, "timeout"), get_number(timers, "retransmit"),
			get_number(timers, "consensus"));
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
			get_bool(node, "local")       ? ", local"
			: get_bool(node, "reachable") ? ""
						      : ", not reachable");
		for (size_t j = 0; j < json_object_array_length(links); j++) {
			struct json_object *link = json_object_array_get_idx(links, j),
					   *latency = get(link, "latency_us");

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
