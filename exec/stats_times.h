/*
 * How long things take on this node, as histograms: stats.coterie.times.NAME.NN.below_us (a bound) and .count
 * (what was below it and not below the one before; the last has no bound), and .sum_us.
 */
#ifndef EXEC_STATS_TIMES_H
#define EXEC_STATS_TIMES_H

#include <stdint.h>

#define STATS_TIMES_BOUNDS 15u

struct stats_histogram {
	uint64_t counts[STATS_TIMES_BOUNDS + 1];
	uint64_t sum_us;
};

/** Zeroed: nothing happened yet. */
struct stats_times {
	struct stats_histogram token_rotation; /* from one token to the next */
	struct stats_histogram token_hold;     /* how long this node kept one */
	uint64_t token_ns;                     /* when the token came that was noted last */
};

struct stats;

/** A token is passed on. The same again, a retransmission, does not count. */
void stats_times_token(struct stats_times *times, uint64_t received_ns, uint64_t now_ns);
/** Offer them. times is kept until the map ends. 0; -ENOMEM */
int stats_times_add(struct stats *stats, const struct stats_times *times);

#endif
