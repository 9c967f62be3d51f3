/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring's protocol: figures that are plain numbers in the maps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

#define SRP "stats.srp."
#define OWN "stats.coterie.ring."
#define RECEIVED OWN "received."

/* Rows of one family are neighbours. The first one has the help text. */
struct row {
	const char *family;
	enum metric_type type;
	const char *labels[5]; /* name, value, …, NULL */
	uint32_t map;
	const char *key;
	double scale;
	const char *help; /* NULL: the row has the family of the row above */
};

#define COUNTER(family, key, help) \
	{ \
		family, METRIC_COUNTER, {NULL}, COTERIE_MAP_STATS, key, 1, help \
	}
#define GAUGE(family, key, help) \
	{ \
		family, METRIC_GAUGE, {NULL}, COTERIE_MAP_STATS, key, 1, help \
	}
#define STATE(family, state, key, help) \
	{ \
		family, METRIC_COUNTER, {"state", state, NULL}, COTERIE_MAP_STATS, key, 1, help \
	}
#define CHANGE(reason, help) \
	{ \
		"coterie_ring_changes", METRIC_COUNTER, {"reason", reason, NULL}, COTERIE_MAP_STATS, \
			OWN "changes." reason, 1, help \
	}
#define EVICTION(evidence, help) \
	{ \
		"coterie_evictions", METRIC_COUNTER, {"evidence", evidence, NULL}, COTERIE_MAP_STATS, \
			OWN "evictions." evidence, 1, help \
	}
#define CONTROL(kind, direction, key, help) \
	{ \
		"coterie_control_packets", METRIC_COUNTER, {"kind", kind, "direction", direction, NULL}, \
			COTERIE_MAP_STATS, key, 1, help \
	}

static const struct row rows[] = {
	CHANGE("join", "New rings, by what made them necessary, as this node saw it."),
	CHANGE("leave", NULL),
	CHANGE("merge", NULL),
	CHANGE("start", NULL),
	CHANGE("token_lost", NULL),
	EVICTION("closed", "Members that were removed from the ring against their will, by the evidence."),
	EVICTION("disagreed", NULL),
	EVICTION("named", NULL),
	EVICTION("silent", NULL),
	EVICTION("voted", NULL),
	GAUGE("coterie_lease", "stats.coterie.lease.held",
		"1: this node was in contact with a majority of the votes within the lease."),
	{"coterie_lease_seconds", METRIC_GAUGE, {NULL}, COTERIE_MAP_STATS, "stats.coterie.lease.length_ms", 0.001,
		"Time without contact after which requests that need quorum wait."},
	COUNTER("coterie_lease_lapses", "stats.coterie.lease.lapses", "Times the lease ended without contact."),
	STATE("coterie_ring_state_entered", "gather", SRP "gather_entered",
		"Times the ring's protocol entered a state."),
	STATE("coterie_ring_state_entered", "commit", SRP "commit_entered", NULL),
	STATE("coterie_ring_state_entered", "recovery", SRP "recovery_entered", NULL),
	STATE("coterie_ring_state_entered", "operational", SRP "operational_entered", NULL),
	STATE("coterie_ring_token_lost", "operational", SRP "operational_token_lost",
		"Tokens lost, by the state they were lost in."),
	STATE("coterie_ring_token_lost", "gather", SRP "gather_token_lost", NULL),
	STATE("coterie_ring_token_lost", "commit", SRP "commit_token_lost", NULL),
	STATE("coterie_ring_token_lost", "recovery", SRP "recovery_token_lost", NULL),
	COUNTER("coterie_ring_consensus_timeouts", SRP "consensus_timeouts", "Gathers that did not agree in time."),
	COUNTER("coterie_token_received", SRP "orf_token_rx", "Tokens received."),
	COUNTER("coterie_token_sent", SRP "orf_token_tx", "Tokens sent."),
	COUNTER("coterie_token_retransmits", OWN "token_retransmits", "Tokens sent again."),
	COUNTER("coterie_token_warnings", OWN "token_warnings", "Times a token did not come for most of its timeout."),
	{"coterie_token_last_received_seconds", METRIC_GAUGE, {NULL}, COTERIE_MAP_STATS,
		SRP "time_since_token_last_received", 0.001, "Time since the last token."},
	{"coterie_token_timeout_seconds", METRIC_GAUGE, {NULL}, COTERIE_MAP_CONFIG, "runtime.config.totem.token", 0.001,
		"Time after which a token counts as lost."},
	COUNTER("coterie_messages_sent", SRP "mcast_tx", "Frames multicast."),
	COUNTER("coterie_messages_retransmitted", SRP "mcast_retx", "Frames sent again."),
	COUNTER("coterie_messages_dropped", SRP "rx_msg_dropped", "Packets that were malformed or of another ring."),
	CONTROL("join", "tx", SRP "memb_join_tx", "Packets of the membership protocol."),
	CONTROL("join", "rx", SRP "memb_join_rx", NULL),
	CONTROL("merge_detect", "tx", SRP "memb_merge_detect_tx", NULL),
	CONTROL("merge_detect", "rx", SRP "memb_merge_detect_rx", NULL),
	CONTROL("commit_token", "tx", SRP "memb_commit_token_tx", NULL),
	CONTROL("commit_token", "rx", SRP "memb_commit_token_rx", NULL),
	CONTROL("hold_cancel", "tx", SRP "token_hold_cancel_tx", NULL),
	CONTROL("hold_cancel", "rx", SRP "token_hold_cancel_rx", NULL),
	{"coterie_bytes", METRIC_COUNTER, {"direction", "tx", NULL}, COTERIE_MAP_STATS,
		"stats.coterie.transport.bytes_tx", 1, "Bytes of the ring's packets."},
	{"coterie_bytes", METRIC_COUNTER, {"direction", "rx", NULL}, COTERIE_MAP_STATS,
		"stats.coterie.transport.bytes_rx", 1, NULL},
	GAUGE("coterie_send_queue_free", "stats.pg.msg_queue_avail", "Free places in the queue of messages to send."),
	GAUGE("coterie_send_queue_reserved", "stats.pg.msg_reserved", "Places reserved by requests being handled."),
	GAUGE("coterie_send_backlog_messages", SRP "avg_backlog_calc", "Messages waiting to be sent, on average."),
	GAUGE("coterie_gather_continuous", SRP "continuous_gather", "Gathers since the last ring."),
	GAUGE("coterie_send_failures_continuous", SRP "continuous_sendmsg_failures",
		"Failed sends since the last that worked."),
	GAUGE("coterie_link_suspect", SRP "firewall_enabled_or_nic_failure",
		"1: a firewall or a broken interface is suspected."),
};

static void write_rows(struct writer *writer)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		double number;

		if (row->help != NULL)
			writer_family(writer, row->type, row->family, row->help);
		if (source_number(writer, row->map, row->key, &number))
			writer_sample(writer, row->labels, number * row->scale);
	}
}

/* Write the protection of the packets. Without a configured address there is no ring that needs protection. */
static void write_protection(struct writer *writer)
{
	enum metrics_protection protection = metrics_protection(writer->source);

	writer_family(writer, METRIC_GAUGE, "coterie_ring_plain",
		"1: the ring's packets are not encrypted, and its addresses are not all of the loopback.");
	if (protection != METRICS_PROTECTION_UNKNOWN)
		writer_sample(writer, NULL,
			protection == METRICS_PROTECTION_NONE || protection == METRICS_PROTECTION_AUTHENTICATED);
}

static bool write_source(void *arg, const char *key)
{
	struct writer *writer = arg;
	double frames;

	if (source_number(writer, COTERIE_MAP_STATS, key, &frames))
		writer_sample(writer, LABELS("source", key + strlen(RECEIVED)), frames);
	return true;
}

/* Write the frames received from each node. Corosync's daemon has no such counts. */
static void write_received(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	double frames;

	writer_family(
		writer, METRIC_COUNTER, "coterie_messages_received", "Frames received, by the node that made them.");
	source->each(source->arg, COTERIE_MAP_STATS, RECEIVED, write_source, writer);
	if (!writer->is_open && source_number(writer, COTERIE_MAP_STATS, SRP "mcast_rx", &frames))
		writer_sample(writer, NULL, frames);
}

static void write_ring(struct writer *writer)
{
	const struct metrics_source *source = writer->source;
	struct coterie_ring_id ring;
	char representative[12], seq[24];

	if (!source->ring(source->arg, &ring))
		return;
	snprintf(representative, sizeof(representative), "%" PRIu32, ring.representative);
	snprintf(seq, sizeof(seq), "%" PRIu64, ring.seq);
	writer_family(writer, METRIC_INFO, "coterie_ring", "The present ring.");
	writer_sample(writer, LABELS("rep", representative, "seq", seq), 1);
}

void metrics_write_ring(struct writer *writer)
{
	write_ring(writer);
	write_rows(writer);
	write_received(writer);
	write_protection(writer);
}
