/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the ring, stats.srp.* and stats.pg.*, and of times when the process did not run,
 * stats.schedmiss.* (book configuration, "Statistics map").
 */
#ifndef EXEC_STATS_TOTEM_H
#define EXEC_STATS_TOTEM_H

#include <stdint.h>

struct config;
struct loop;
struct ring;
struct stats;
struct totem_stats;

/** The parts that the statistics are read from. All are borrowed until stats_totem_destroy. */
struct totem_stats_parts {
	struct loop *loop;
	struct stats *stats;
	struct ring *ring;            /* may be started later */
	struct config *const *config; /* points to the running configuration, which a reload replaces */
};

/** Offer the statistics of the ring. parts: copied. NULL: out of memory */
struct totem_stats *stats_totem_create(const struct totem_stats_parts *parts);
void stats_totem_destroy(struct totem_stats *totem_stats); /* NULL is ignored */
/** Log that the process did not run for this time, and add a statistic if the time was long. */
void stats_totem_paused(struct totem_stats *totem_stats, uint64_t pause_ms);

#endif
