/* SPDX-License-Identifier: BSD-3-Clause */
/* Links to other nodes, as the transport sees them, and the additional counters of knet. */
#include <stdio.h>
#include <string.h>

#include "plugins/common/metrics/writer.h"

#define KNET "stats.knet."

/* Rows of one family are neighbours. The first one has the help text. */
struct row {
	const char *family;
	enum metric_type type;
	const char *labels[5];
	const char *key;
	double scale;
	const char *help;
};

#define PACKETS(what, direction, kind, help) \
	{ \
		"coterie_link_" what, METRIC_COUNTER, {"direction", direction, "kind", kind, NULL}, \
			direction "_" kind "_" what, 1, help \
	}
#define OTHERS(what, direction) \
	PACKETS(what, direction, "ping", NULL), PACKETS(what, direction, "pong", NULL), \
		PACKETS(what, direction, "pmtu", NULL)

static const struct row link_rows[] = {
	{"coterie_link_latency_seconds", METRIC_GAUGE, {"stat", "avg", NULL}, "latency_ave", 0.000001,
		"Time of a ping and its answer."},
	{"coterie_link_latency_seconds", METRIC_GAUGE, {"stat", "min", NULL}, "latency_min", 0.000001, NULL},
	{"coterie_link_latency_seconds", METRIC_GAUGE, {"stat", "max", NULL}, "latency_max", 0.000001, NULL},
	{"coterie_link_transitions", METRIC_COUNTER, {"to", "up", NULL}, "up_count", 1,
		"Times the link came up or went down."},
	{"coterie_link_transitions", METRIC_COUNTER, {"to", "down", NULL}, "down_count", 1, NULL},
	PACKETS("packets", "tx", "data", "Packets on the link."),
	OTHERS("packets", "tx"),
	PACKETS("packets", "rx", "data", NULL),
	OTHERS("packets", "rx"),
	PACKETS("bytes", "tx", "data", "Bytes on the link."),
	OTHERS("bytes", "tx"),
	PACKETS("bytes", "rx", "data", NULL),
	OTHERS("bytes", "rx"),
	PACKETS("errors", "tx", "data", "Packets that could not be sent."),
	OTHERS("errors", "tx"),
	PACKETS("retries", "tx", "data", "Packets that had to be sent again, for want of room."),
	OTHERS("retries", "tx"),
};

static const struct row handle_rows[] = {
	{"coterie_crypto_packets", METRIC_COUNTER, {"direction", "tx", NULL}, "tx_crypt_packets", 1,
		"Packets encrypted and decrypted."},
	{"coterie_crypto_packets", METRIC_COUNTER, {"direction", "rx", NULL}, "rx_crypt_packets", 1, NULL},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "tx", "stat", "avg", NULL}, "tx_crypt_time_ave", 1e-9,
		"Time that encryption takes for a packet."},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "tx", "stat", "min", NULL}, "tx_crypt_time_min", 1e-9,
		NULL},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "tx", "stat", "max", NULL}, "tx_crypt_time_max", 1e-9,
		NULL},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "rx", "stat", "avg", NULL}, "rx_crypt_time_ave", 1e-9,
		NULL},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "rx", "stat", "min", NULL}, "rx_crypt_time_min", 1e-9,
		NULL},
	{"coterie_crypto_seconds", METRIC_GAUGE, {"direction", "rx", "stat", "max", NULL}, "rx_crypt_time_max", 1e-9,
		NULL},
	{"coterie_compress_packets", METRIC_COUNTER, {"direction", "tx", NULL}, "tx_compressed_packets", 1,
		"Packets compressed and expanded."},
	{"coterie_compress_packets", METRIC_COUNTER, {"direction", "rx", NULL}, "rx_compressed_packets", 1, NULL},
	{"coterie_compress_bytes", METRIC_COUNTER, {"direction", "tx", "stage", "original", NULL},
		"tx_compressed_original_bytes", 1, "Bytes before and after compression."},
	{"coterie_compress_bytes", METRIC_COUNTER, {"direction", "tx", "stage", "compressed", NULL},
		"tx_compressed_size_bytes", 1, NULL},
	{"coterie_compress_bytes", METRIC_COUNTER, {"direction", "rx", "stage", "original", NULL},
		"rx_compressed_original_bytes", 1, NULL},
	{"coterie_compress_bytes", METRIC_COUNTER, {"direction", "rx", "stage", "compressed", NULL},
		"rx_compressed_size_bytes", 1, NULL},
};

/* --- figures of every transport --- */

static const struct {
	const char *family, *help;
} status_families[] = {
	{"coterie_link_up", "1: the other end of the link answers."},
	{"coterie_link_enabled", "1: the link is configured and in use."},
	{"coterie_link_mtu_bytes", "Largest packet that the link carries."},
};

/* Get the value of one of the families above. @return false: the transport does not report it */
static bool status_value(const struct coterie_link_status *status, size_t family, double *value)
{
	*value = family == 0 ? status->is_connected : family == 1 ? status->is_enabled : status->mtu;
	return family != 2 || (status->is_enabled != 0 && status->mtu > 0);
}

static void write_status(struct writer *writer, size_t family)
{
	const struct metrics_source *source = writer->source;

	writer_family(writer, METRIC_GAUGE, status_families[family].family, status_families[family].help);
	for (uint32_t i = 0; i < writer->nodes->count; i++) {
		const struct metrics_node *node = &writer->nodes->list[i];
		struct coterie_node_status status = {.size = sizeof(status)};

		if (!source->links(source->arg, node->id, &status))
			continue;
		for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++) {
			char number[12];
			double value;

			if (status.links[link].is_enabled == 0 && status.links[link].destination[0] == '\0')
				continue;
			snprintf(number, sizeof(number), "%u", link);
			if (status_value(&status.links[link], family, &value))
				writer_sample(writer,
					LABELS("node_id", node->id_text, "node", node->name, "link", number), value);
		}
	}
}

/* --- figures of knet --- */

/* Return whether a value is a measurement. Before the first measurement a minimum is the largest possible number. */
static bool is_measured(const char *key, double number)
{
	return strstr(key, "_min") == NULL || (number != (double)UINT32_MAX && number != (double)UINT64_MAX);
}

static void write_link_row(struct writer *writer, const struct row *row, const struct metrics_node *node, uint32_t link)
{
	char number_text[12];
	double number;

	if (!source_number_f(
		    writer, COTERIE_MAP_STATS, &number, KNET "node%s.link%u.%s", node->id_text, link, row->key) ||
		!is_measured(row->key, number))
		return;
	snprintf(number_text, sizeof(number_text), "%u", link);
	const char *labels[] = {"node_id", node->id_text, "node", node->name, "link", number_text, row->labels[0],
		row->labels[1], row->labels[2], row->labels[2] != NULL ? row->labels[3] : NULL, NULL};
	writer_sample(writer, labels, number * row->scale);
}

/* Return the numbers of those links of a node that have statistics, as a bit mask. */
static uint32_t links_of(struct writer *writer, const struct metrics_node *node)
{
	uint32_t links = 0;
	double ignored;

	for (uint32_t link = 0; link < COTERIE_LINKS_MAX; link++)
		if (source_number_f(
			    writer, COTERIE_MAP_STATS, &ignored, KNET "node%s.link%u.enabled", node->id_text, link))
			links |= UINT32_C(1) << link;
	return links;
}

static void write_knet(struct writer *writer)
{
	for (size_t i = 0; i < sizeof(link_rows) / sizeof(link_rows[0]);) {
		size_t first = i;

		writer_family(writer, link_rows[i].type, link_rows[i].family, link_rows[i].help);
		for (i++; i < sizeof(link_rows) / sizeof(link_rows[0]) && link_rows[i].help == NULL; i++)
			;
		for (uint32_t n = 0; n < writer->nodes->count; n++) {
			uint32_t links = links_of(writer, &writer->nodes->list[n]);

			for (uint32_t link = 0; links >> link != 0; link++)
				for (size_t k = first; k < i && (links >> link & 1) != 0; k++)
					write_link_row(writer, &link_rows[k], &writer->nodes->list[n], link);
		}
	}
	for (size_t i = 0; i < sizeof(handle_rows) / sizeof(handle_rows[0]); i++) {
		const struct row *row = &handle_rows[i];
		double number;

		if (row->help != NULL)
			writer_family(writer, row->type, row->family, row->help);
		if (source_number_f(writer, COTERIE_MAP_STATS, &number, KNET "handle.%s", row->key) &&
			is_measured(row->key, number))
			writer_sample(writer, row->labels, number * row->scale);
	}
}

void metrics_write_links(struct writer *writer)
{
	for (size_t i = 0; i < sizeof(status_families) / sizeof(status_families[0]); i++)
		write_status(writer, i);
	/* Read one figure first, so that a daemon without knet is not queried for all of them. */
	double ignored;
	if (source_number(writer, COTERIE_MAP_STATS, KNET "handle.tx_crypt_packets", &ignored))
		write_knet(writer);
}
