/* SPDX-License-Identifier: BSD-3-Clause */
/* Durations: histograms of the statistics map. */
#include <inttypes.h>

#include "plugins/common/metrics/writer.h"

#define BUCKETS_MAX 32u

/* Entries of one family are neighbours. The first one has the help text. */
static const struct {
	const char *family, *name;
	const char *label[2]; /* name and value; NULL: no label */
	const char *help;
} times[] = {
	{"coterie_ring_formation_seconds", "ring_formation", {NULL}, "Time from the end of a ring to the next one."},
	{"coterie_token_rotation_seconds", "token_rotation", {NULL}, "Time from one token to the next, on this node."},
	{"coterie_token_hold_seconds", "token_hold", {NULL}, "Time that this node kept a token."},
	{"coterie_delivery_latency_seconds", "delivery_agreed", {"guarantee", "agreed"},
		"Time from sending a message to its delivery on this node; of one message at a time."},
	{"coterie_delivery_latency_seconds", "delivery_safe", {"guarantee", "safe"}, NULL},
	{"coterie_scheduler_delay_seconds", "timers_late", {NULL}, "How late the daemon came to what was due."},
};

/*
 * Write a histogram. Its bounds are in microseconds. stats.coterie.times.NAME.N has one count for each bound, and a
 * last one for values above all bounds.
 */
static void write_histogram(struct writer *writer, const char *name, const char *const label[2])
{
	double bounds[BUCKETS_MAX], number, sum;
	uint64_t buckets[BUCKETS_MAX + 1];
	uint32_t count = 0;

	while (count < BUCKETS_MAX && source_number_f(writer, COTERIE_MAP_STATS, &number,
					      "stats.coterie.times.%s.%02" PRIu32 ".below_us", name, count))
		bounds[count++] = number / 1000000;
	for (uint32_t i = 0; i <= count; i++) {
		if (!source_number_f(
			    writer, COTERIE_MAP_STATS, &number, "stats.coterie.times.%s.%02" PRIu32 ".count", name, i))
			return;
		buckets[i] = (uint64_t)number;
	}
	if (source_number_f(writer, COTERIE_MAP_STATS, &sum, "stats.coterie.times.%s.sum_us", name))
		writer_histogram(writer, label, bounds, buckets, count, sum / 1000000);
}

void metrics_write_times(struct writer *writer)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].help != NULL)
			writer_family(writer, METRIC_HISTOGRAM, times[i].family, times[i].help);
		write_histogram(writer, times[i].name, times[i].label[0] != NULL ? times[i].label : NULL);
	}
}
