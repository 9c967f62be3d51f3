/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to exec/stats: the trackers of statistics. stats.h has their public functions. */
#ifndef EXEC_STATS_TRACK_H
#define EXEC_STATS_TRACK_H

#include <stdbool.h>
#include <stdint.h>

struct coterie_map_value;
struct loop;
struct stats;
struct stats_trackers;

#define STATS_VALUE_MAX 256u /* bytes of a value at most */

/** Create the trackers of these statistics, which read the values. Both arguments are borrowed. NULL: out of memory. */
struct stats_trackers *stats_track_create(struct loop *loop, struct stats *stats);
void stats_track_destroy(struct stats_trackers *trackers);              /* with all trackers */
bool stats_track_hears_prefixes(const struct stats_trackers *trackers); /* return whether a prefix is tracked */
/** Call the trackers of prefixes of this key, with its value. They may add and delete keys and trackers. */
void stats_track_tell(
	struct stats_trackers *trackers, uint32_t event, const char *key, const struct coterie_map_value *value);
struct stats_trackers *stats_trackers(struct stats *stats); /* of these statistics */

#endif
