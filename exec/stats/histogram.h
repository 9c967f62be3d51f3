/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A histogram of durations with fixed bounds. It takes no memory beyond the struct. Its keys in the statistics map:
 *
 * - stats.coterie.times.NAME.NN.below_us: upper bound of bucket NN; the last bucket has none
 * - stats.coterie.times.NAME.NN.count: durations below it and not below the bound before
 * - stats.coterie.times.NAME.sum_us, stats.coterie.times.NAME.max_us
 */
#ifndef EXEC_HISTOGRAM_H
#define EXEC_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 15u

struct stats;

/** All members zero: an empty histogram. */
struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_ns, max_ns;
};

void histogram_note(struct histogram *histogram, uint64_t took_ns);
/** Offer the histogram in the statistics map. It must live until the owner's statistics are removed. 0; -ENOMEM */
int histogram_offer(struct stats *stats, const void *owner, const char *name, const struct histogram *histogram);

#endif
