/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/stats/histogram.h"

#include <stdio.h>

#include "exec/stats/stats.h"

/* Upper bounds of the buckets. */
static const uint64_t bounds_us[HISTOGRAM_BOUNDS] = {
	100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000};

void histogram_note(struct histogram *histogram, uint64_t took_ns)
{
	uint64_t took_us = took_ns / 1000;
	uint32_t i = 0;

	while (i < HISTOGRAM_BOUNDS && took_us >= bounds_us[i])
		i++;
	histogram->counts[i]++;
	histogram->sum_ns += took_ns;
	if (took_ns > histogram->max_ns)
		histogram->max_ns = took_ns;
}

/* --- the map --- */

static uint32_t read_us(void *arg, void *value) { return stats_put_u64(value, *(const uint64_t *)arg / 1000); }

struct offer {
	struct stats *stats;
	const void *owner;
	const char *name;
};

/* Offer a statistic. read: function that reads it, or NULL: it is the number itself. */
static int add(const struct offer *offer, const char *what, coterie_stat_read read, const uint64_t *number)
{
	char key[COTERIE_MAP_NAME_MAX + 1];

	snprintf(key, sizeof(key), "stats.coterie.times.%s.%s", offer->name, what);
	if (read == NULL)
		return stats_add_u64(offer->stats, offer->owner, key, number);
	return stats_add(offer->stats, offer->owner, key, COTERIE_MAP_U64, read, (void *)(uintptr_t)number);
}

int histogram_offer(struct stats *stats, const void *owner, const char *name, const struct histogram *histogram)
{
	const struct offer offer = {.stats = stats, .owner = owner, .name = name};
	int rc = add(&offer, "sum_us", read_us, &histogram->sum_ns);
	char what[16];

	if (rc == 0)
		rc = add(&offer, "max_us", read_us, &histogram->max_ns);
	for (uint32_t i = 0; rc == 0 && i <= HISTOGRAM_BOUNDS; i++) {
		snprintf(what, sizeof(what), "%02u.count", i);
		rc = add(&offer, what, NULL, &histogram->counts[i]);
		if (rc < 0 || i == HISTOGRAM_BOUNDS)
			continue;
		snprintf(what, sizeof(what), "%02u.below_us", i);
		rc = add(&offer, what, NULL, &bounds_us[i]);
	}
	return rc;
}
