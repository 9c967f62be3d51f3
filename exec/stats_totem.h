/*
 * Statistics of the ring, stats.srp.* and stats.pg.*, and of times when the process did not run,
 * stats.schedmiss.* (book configuration, "Statistics map").
 */
#ifndef EXEC_STATS_TOTEM_H
#define EXEC_STATS_TOTEM_H

#include <stdint.h>

struct executive;
struct totem_stats;

/** Offer the statistics of executive->ring, which may be created later. NULL: out of memory. */
struct totem_stats *totem_stats_create(struct executive *executive);
void totem_stats_destroy(struct totem_stats *totem_stats); /* NULL is ignored */
/** Log that the process did not run for a while, and add a statistic if that was long. */
void totem_stats_paused(struct totem_stats *totem_stats, uint64_t pause_ms);

#endif
