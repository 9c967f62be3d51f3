/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of the host table: host.c, host_loop.c, host_map.c, host_metric.c and host_admin.c. Each has some
 * sections of struct coterie_host. <coterie/plugin.h> has the contracts of the members. No other file includes this.
 */
#ifndef EXEC_HOST_PRIVATE_H
#define EXEC_HOST_PRIVATE_H

#include "exec/host/host.h"
#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_options.h"

struct mailbox;
struct plugin_metrics;
struct waiting_stat;
struct watched_fd;

/** The resources that a plugin holds. */
struct plugin_resources {
	struct coterie_timer *timers;
	struct watched_fd *fds;
	uint32_t timer_count, fd_count;
	struct mailbox *mailbox;
	struct coterie_map_tracker *trackers;
	uint64_t ended_trackers; /* how many the plugin has removed */
	struct coterie_map_iterator *iterators;
	struct plugin_metrics *metrics; /* or NULL: it has no metrics yet */
	struct waiting_write *writes;   /* to the configuration map, while the plugin was not in service */
	struct waiting_stat *stats; /* statistics that are added to the map when the plugin's predecessor has ended */
};

static inline struct plugin *host_plugin(struct coterie_ctx *ctx) { return (struct plugin *)ctx; }

/** Return whether the plugin was stopped. From any thread. */
static inline bool host_is_stopped(const struct plugin *plugin)
{
	return __atomic_load_n(&plugin->state, __ATOMIC_ACQUIRE) == PLUGIN_STOPPED;
}

/* --- host_loop.c --- */

int host_post(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);
uint64_t host_now_ns(struct coterie_ctx *ctx);
int host_timer_add(
	struct coterie_ctx *ctx, uint64_t at_ns, void (*run)(void *arg), void *arg, struct coterie_timer **out);
void host_timer_del(struct coterie_ctx *ctx, struct coterie_timer *timer);
int host_fd_add(struct coterie_ctx *ctx, int fd, uint32_t events, uint32_t is_urgent,
	void (*run)(void *arg, int fd, uint32_t revents), void *arg);
int host_fd_mod(struct coterie_ctx *ctx, int fd, uint32_t events);
void host_fd_del(struct coterie_ctx *ctx, int fd);

struct mailbox *host_mailbox_create(struct plugin *plugin); /* NULL: out of memory */
void host_loop_reclaim(struct plugin *plugin);

/* --- host_map.c --- */

int host_map_set(struct coterie_ctx *ctx, const char *key, uint32_t type, const void *value, uint32_t value_size);
int host_map_get(struct coterie_ctx *ctx, const char *key, uint32_t *type, const void **value, uint32_t *value_size);
int host_map_delete(struct coterie_ctx *ctx, const char *key);
int host_map_read(struct coterie_ctx *ctx, uint32_t which, const char *key, struct coterie_map_value *value);
int host_map_iterate(struct coterie_ctx *ctx, uint32_t which, const char *prefix, struct coterie_map_iterator **out);
const char *host_map_iterate_next(struct coterie_map_iterator *iterator, struct coterie_map_value *value);
void host_map_iterate_end(struct coterie_map_iterator *iterator);
int host_map_track(struct coterie_ctx *ctx, uint32_t which, const char *key, uint32_t events, coterie_map_notify notify,
	void *arg, struct coterie_map_tracker **out);
void host_map_untrack(struct coterie_ctx *ctx, struct coterie_map_tracker *tracker);
int host_map_adjust(struct coterie_ctx *ctx, const char *key, int64_t delta);
int host_map_protect(struct coterie_ctx *ctx, const char *key, uint32_t is_prefix);
uint32_t host_map_is_protected(struct coterie_ctx *ctx, const char *key);
int host_stat_add(struct coterie_ctx *ctx, const char *key, uint32_t type, coterie_stat_read read, void *arg);
void host_stat_del(struct coterie_ctx *ctx, const char *key);
int host_stats_on_clear(struct coterie_ctx *ctx, const char *name, void (*run)(void *arg), void *arg);
int host_stats_clear(struct coterie_ctx *ctx, const char *name);

void host_map_reclaim(struct plugin *plugin);
/**
 * Add the statistics that a successor offered while its predecessor was in service. Those of the predecessor are
 * removed by now.
 */
void host_stats_settle(struct plugin *plugin);
/** Write the keys that a successor set before it was in service. Otherwise host_stats_settle drops these writes. */
void host_map_write(struct plugin *plugin);
/**
 * Call the plugin's trackers of single statistics for changes of which they are not notified yet. Those of a successor
 * begin with the present values.
 */
void host_stats_catch_up(struct plugin *plugin);

/* --- host_metric.c --- */

int host_metric_add(struct coterie_ctx *ctx, const struct coterie_metric *metric, struct coterie_series **series);
void host_metric_del(struct coterie_ctx *ctx, struct coterie_series *series);
void host_metric_count(struct coterie_series *series, uint64_t delta);
void host_metric_set(struct coterie_series *series, double value);
void host_metric_observe(struct coterie_series *series, double value);

void host_metric_reclaim(struct plugin *plugin); /* its statistics are removed already */

/* --- host_admin.c --- */

int host_quorum_publish(struct coterie_ctx *ctx, const struct coterie_quorum *quorum);
void host_quorum_get(struct coterie_ctx *ctx, struct coterie_quorum *quorum);
int host_quorum_watch(struct coterie_ctx *ctx, void (*run)(void *arg, const struct coterie_quorum *quorum), void *arg);
uint32_t host_is_safe_kept(struct coterie_ctx *ctx);
int host_node_status(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_node_status *status);
int host_node_addresses(struct coterie_ctx *ctx, uint32_t nodeid, struct coterie_peer *peer);
void host_stop(struct coterie_ctx *ctx);
void host_die(struct coterie_ctx *ctx, int32_t exit_status, const char *reason);
int host_reload(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
int host_reload_with(
	struct coterie_ctx *ctx, uint32_t flags, void (*done)(void *arg, int rc, const char *text), void *arg);
int host_reload_prepare(struct coterie_ctx *ctx, void (*done)(void *arg, int rc, const char *text), void *arg);
int host_reload_commit(struct coterie_ctx *ctx);
void host_reload_drop(struct coterie_ctx *ctx);
int host_log_reopen(struct coterie_ctx *ctx);
int host_key_get(struct coterie_ctx *ctx, const void **bytes, uint32_t *size);
int host_rekey_watch(struct coterie_ctx *ctx, void (*run)(void *arg), void *arg);
int host_rekey(struct coterie_ctx *ctx, uint32_t phase);
int host_key_prepare(struct coterie_ctx *ctx, const void *key, uint32_t size,
	void (*done)(void *arg, int rc, const char *text), void *arg);
int host_key_commit(struct coterie_ctx *ctx, char *text, uint32_t size);
void host_key_drop(struct coterie_ctx *ctx);
void host_key_leave(struct coterie_ctx *ctx);

int host_plugin_load(struct coterie_ctx *ctx, const char *what, const char *const *options, uint32_t count,
	void (*done)(void *arg, int rc, const char *text), void *arg);
int host_plugin_unload(struct coterie_ctx *ctx, const char *name, uint32_t drain_ms,
	void (*done)(void *arg, int rc, const char *text), void *arg);
int host_plugin_replace(struct coterie_ctx *ctx, const char *name, const char *path, uint32_t forced,
	void (*done)(void *arg, int rc, const char *text), void *arg);
struct coterie_client *host_client_find(struct coterie_ctx *ctx, uint64_t id);

void host_admin_reclaim(struct plugin *plugin);

#endif
