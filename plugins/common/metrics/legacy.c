/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics under the names of existing exporters for Corosync, for existing dashboards. */
#include <inttypes.h>
#include <stdio.h>

#include "plugins/common/metrics/writer.h"

static void write_rings(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	double errors = 0;

	writer_family(writer, METRIC_GAUGE, "ha_cluster_corosync_rings", "The links of this node's own ring.");
	for (uint32_t i = 0; i < writer->nodes->count; i++) {
		const struct metrics_node *node = &writer->nodes->list[i];
		struct coterie_node_status status = {.size = sizeof(status)};
		struct coterie_ring_id ring;
		char ring_id[48], number[2] = "0";

		if (!source->links(source->arg, node->id, &status) || !source->ring(source->arg, &ring))
			continue;
		snprintf(ring_id, sizeof(ring_id), "%" PRIu32 ".%" PRIx64, ring.representative, ring.seq);
		for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++) {
			const struct coterie_link_status *at = &status.links[link];

			if (at->is_enabled == 0)
				continue;
			number[0] = (char)('0' + link);
			errors += at->is_connected == 0;
			writer_sample(writer,
				LABELS("ring_id", ring_id, "node_id", node->id_text, "number", number, "address",
					at->destination[0] != '\0' ? at->destination : at->source),
				1);
		}
	}
	writer_family(writer, METRIC_GAUGE, "ha_cluster_corosync_ring_errors", "Links that are down.");
	writer_sample(writer, NULL, errors);
}

static void write_votes(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	struct metrics_votes local = {.votes = 0};
	double local_id = 0;

	if (!source->votes(source->arg, 0, &local))
		return;
	source_number(writer, COTERIE_MAP_CONFIG, "runtime.votequorum.this_node_id", &local_id);
	writer_family(writer, METRIC_GAUGE, "ha_cluster_corosync_member_votes", "Votes of the node.");
	for (uint32_t i = 0; i < writer->nodes->count; i++) {
		const struct metrics_node *node = &writer->nodes->list[i];
		struct metrics_votes votes = {.votes = 0};

		if (source->votes(source->arg, node->id, &votes))
			writer_sample(writer,
				LABELS("node_id", node->id_text, "node", node->name, "local",
					node->id == local_id ? "true" : "false"),
				votes.votes);
	}
	writer_family(writer, METRIC_GAUGE, "ha_cluster_corosync_quorum_votes", "Votes.");
	writer_sample(writer, LABELS("type", "expected_votes"), local.expected);
	writer_sample(writer, LABELS("type", "highest_expected"), local.highest_expected);
	writer_sample(writer, LABELS("type", "total_votes"), local.total);
	writer_sample(writer, LABELS("type", "quorum"), local.quorum);
}

void metrics_write_legacy(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	int quorate = source->quorate(source->arg);

	writer_family(writer, METRIC_GAUGE, "ha_cluster_corosync_quorate", "1: this partition is quorate.");
	if (quorate >= 0)
		writer_sample(writer, NULL, quorate);
	write_rings(writer);
	write_votes(writer);
}
