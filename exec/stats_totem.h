/*
 * What the statistics map says of the ring: stats.srp.*, stats.pg.*, and of times when the process did not
 * run: stats.schedmiss.* (book configuration, "Statistics map").
 */
#ifndef EXEC_STATS_TOTEM_H
#define EXEC_STATS_TOTEM_H

#include <stdint.h>

struct executive;
struct totem_stats;

/** Of executive->ring, which may come later. NULL: out of memory. */
struct totem_stats *totem_stats_create(struct executive *executive);
void totem_stats_destroy(struct totem_stats *totem_stats); /* NULL is ignored */
/** The process did not run for a while: a line for the log, and a statistic when that was long. */
void totem_stats_paused(struct totem_stats *totem_stats, uint64_t pause_ms);

#endif
