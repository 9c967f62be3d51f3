/* SPDX-License-Identifier: BSD-3-Clause */
/* Members, votes and quorum. */
#include <string.h>

#include "plugins/common/metrics/writer.h"

/* Flags of votequorum_info, and of NODEINFO on the ring. */
#define FLAG_DEVICE_REGISTERED 64u
#define FLAG_DEVICE_ALIVE 128u

static void write_votes(struct writer *writer, const struct metrics_votes *votes)
{
	static const char *const flags[] = {"two_node", "quorate", "wait_for_all", "last_man_standing",
		"auto_tie_breaker", "allow_downscale", "qdevice_registered", "qdevice_alive", "qdevice_cast_vote",
		"qdevice_master_wins"};

	writer_family(writer, METRIC_GAUGE, "coterie_quorum_votes", "Votes.");
	writer_sample(writer, LABELS("type", "expected"), votes->expected);
	writer_sample(writer, LABELS("type", "highest_expected"), votes->highest_expected);
	writer_sample(writer, LABELS("type", "total"), votes->total);
	writer_sample(writer, LABELS("type", "quorum"), votes->quorum);
	writer_family(
		writer, METRIC_GAUGE, "coterie_quorum_votes_spare", "Votes that may go before the quorum is lost.");
	writer_sample(writer, NULL, (double)votes->total - votes->quorum);
	writer_family(writer, METRIC_GAUGE, "coterie_quorum_flag", "1: the option is in force, or the state is so.");
	for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		writer_sample(writer, LABELS("flag", flags[i]), (votes->flags & UINT32_C(1) << i) != 0);
}

/* Write one sample for each node that has a quorum device. */
static void write_devices(struct writer *writer, bool is_up)
{
	const struct metrics_source *source = writer->source;

	if (is_up)
		writer_family(writer, METRIC_GAUGE, "coterie_qdevice_up", "1: the node's quorum device answers.");
	else
		writer_family(writer, METRIC_GAUGE, "coterie_qdevice_votes", "Votes of the quorum device.");
	for (uint32_t i = 0; i < writer->nodes->count; i++) {
		const struct metrics_node *node = &writer->nodes->list[i];
		struct metrics_votes votes = {.votes = 0};

		if (!source->votes(source->arg, node->id, &votes) || (votes.flags & FLAG_DEVICE_REGISTERED) == 0)
			continue;
		writer_sample(writer, LABELS("node_id", node->id_text, "name", votes.device),
			is_up ? (votes.flags & FLAG_DEVICE_ALIVE) != 0 : votes.device_votes);
	}
}

void metrics_write_quorum(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	struct metrics_votes votes = {.votes = 0};
	int quorate = source->quorate(source->arg);

	writer_family(writer, METRIC_GAUGE, "coterie_quorate", "1: this partition is quorate.");
	if (quorate >= 0)
		writer_sample(writer, NULL, quorate);
	if (!source->votes(source->arg, 0, &votes))
		return;
	write_votes(writer, &votes);
	write_devices(writer, true);
	write_devices(writer, false);
}

static bool is_joined(struct writer *writer, const struct metrics_node *node)
{
	char status[METRICS_VALUE_MAX];

	return source_text(writer, COTERIE_MAP_CONFIG, status, "runtime.members.%s.status", node->id_text) &&
	       strcmp(status, "joined") == 0;
}

void metrics_write_members(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	const struct metrics_nodes *nodes = writer->nodes;
	uint32_t joined = 0;

	writer_family(writer, METRIC_GAUGE, "coterie_member", "1: the node is in the ring.");
	for (uint32_t i = 0; i < nodes->count; i++) {
		bool is_member = is_joined(writer, &nodes->list[i]);

		joined += is_member;
		writer_sample(
			writer, LABELS("node_id", nodes->list[i].id_text, "node", nodes->list[i].name), is_member);
	}
	writer_family(writer, METRIC_GAUGE, "coterie_member_votes", "Votes of the node.");
	for (uint32_t i = 0; i < nodes->count; i++) {
		struct metrics_votes votes = {.votes = 0};

		if (source->votes(source->arg, nodes->list[i].id, &votes))
			writer_sample(writer, LABELS("node_id", nodes->list[i].id_text, "node", nodes->list[i].name),
				votes.votes);
	}
	writer_family(writer, METRIC_COUNTER, "coterie_member_joins", "Times the node joined the ring.");
	for (uint32_t i = 0; i < nodes->count; i++) {
		double joins = 0;

		source_number_f(
			writer, COTERIE_MAP_CONFIG, &joins, "runtime.members.%s.join_count", nodes->list[i].id_text);
		writer_sample(writer, LABELS("node_id", nodes->list[i].id_text, "node", nodes->list[i].name), joins);
	}
	writer_family(writer, METRIC_GAUGE, "coterie_ring_members", "Nodes in the ring.");
	if (joined > 0)
		writer_sample(writer, NULL, joined);
}
