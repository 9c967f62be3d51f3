/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to exec/stats: the trackers of statistics. stats.h has their public functions. */
#ifndef EXEC_STATS_TRACK_H
#define EXEC_STATS_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>

struct loop;
struct stats;
struct stats_tracker;
struct stats_trackers;

#define STATS_VALUE_MAX 256u /* bytes of a value at most */

/** Read a value, as stats_read does. */
typedef int (*stats_track_read)(struct stats *stats, const char *key, struct coterie_map_value *value);

/** Create the trackers of these statistics, which are read with `read`. NULL: out of memory. */
struct stats_trackers *stats_track_create(struct loop *loop, stats_track_read read, struct stats *stats);
void stats_track_destroy(struct stats_trackers *trackers); /* with all trackers */
/** See stats_track and stats_untrack of stats.h. */
int stats_track_add(struct stats_trackers *trackers, const char *key, uint32_t events, coterie_map_notify notify,
	void *arg, struct stats_tracker **out);
void stats_track_remove(struct stats_trackers *trackers, struct stats_tracker *tracker);
/** See stats_catch_up of stats.h. */
void stats_track_catch_up(struct stats_trackers *trackers, struct stats_tracker *tracker);
bool stats_track_hears_prefixes(const struct stats_trackers *trackers); /* return whether a prefix is tracked */
/** Call the trackers of prefixes of this key, with its value. They may add and delete keys and trackers. */
void stats_track_tell(
	struct stats_trackers *trackers, uint32_t event, const char *key, const struct coterie_map_value *value);

#endif
