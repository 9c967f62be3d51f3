/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics map (book configuration, "Statistics map"): keys in byte order. Their owner computes the
 * values when they are read. The owner is the executive (NULL) or a plugin. Types are COTERIE_MAP_*.
 */
#ifndef EXEC_STATS_H
#define EXEC_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>

struct loop;
struct stats;
struct stats_iterator;
struct stats_tracker;

/** Time between two refreshes of tracked keys. */
#define STATS_REFRESH_NS UINT64_C(1500000000)

struct stats *stats_create(struct loop *loop); /* NULL: out of memory */
void stats_destroy(struct stats *stats);       /* NULL is ignored */

/** See struct coterie_host. Of owner only the address is used. -EEXIST; -EINVAL: name or type; -ENOMEM. */
int stats_add(
	struct stats *stats, const void *owner, const char *key, uint32_t type, coterie_stat_read read, void *arg);
/** Offer a number as a statistic. number is borrowed until the key is deleted. Returns as stats_add. */
int stats_add_u64(struct stats *stats, const void *owner, const char *key, const uint64_t *number);
/**
 * Write a number as a value. Used by functions that read a statistic. @return the value's size, as a coterie_stat_read
 * returns it
 */
uint32_t stats_put_u64(void *value, uint64_t number);
/** Delete a key, if it belongs to this owner. */
void stats_del(struct stats *stats, const void *owner, const char *key);
/**
 * Do not call trackers when keys with this prefix are added or deleted. There can be one prefix. It is borrowed for
 * ever.
 */
void stats_hush(struct stats *stats, const char *prefix);
/** Delete all keys of an owner. @return number of deleted keys */
uint32_t stats_forget(struct stats *stats, const void *owner);

/** Read a key. *value is borrowed until the next call that reads. -ENOENT. */
int stats_read(struct stats *stats, const char *key, struct coterie_map_value *value);
/** Iterate over keys that begin with prefix (NULL: all), as in struct coterie_host. NULL: out of memory. */
struct stats_iterator *stats_iterator_create(struct stats *stats, const char *prefix);
const char *stats_iterator_next(struct stats_iterator *iterator, struct coterie_map_value *value);
void stats_iterator_destroy(struct stats_iterator *iterator); /* NULL is ignored */

/** As map_track of struct coterie_host. */
int stats_track(struct stats *stats, const char *key, uint32_t events, coterie_map_notify notify, void *arg,
	struct stats_tracker **out);
void stats_untrack(struct stats *stats, struct stats_tracker *tracker); /* NULL is ignored */

/** Call the tracker of a single key at once, if the value has changed since its last call. */
void stats_catch_up(struct stats *stats, struct stats_tracker *tracker);

/** As stats_on_clear and stats_clear of struct coterie_host. The name "all" calls all functions. */
int stats_on_clear(struct stats *stats, const void *owner, const char *name, void (*run)(void *arg), void *arg);
int stats_clear(struct stats *stats, const char *name);

#endif
