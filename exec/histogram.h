/*
 * How long something takes, by fixed bounds, without memory beyond the struct. In the statistics map:
 * stats.coterie.times.NAME.NN.below_us (a bound) and .count (what was below it and not below the one before;
 * the last has no bound), .sum_us and .max_us.
 */
#ifndef EXEC_HISTOGRAM_H
#define EXEC_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 15u

struct stats;

/** Zeroed: nothing happened yet. */
struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_ns, max_ns;
};

void histogram_note(struct histogram *histogram, uint64_t took_ns);
/** Offer it. histogram is kept until the owner's statistics end. 0; -ENOMEM */
int histogram_offer(
	struct stats *stats, const void *owner, const char *name, const struct histogram *histogram);

#endif
