/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the daemon itself, stats.coterie.*, and of each loaded plugin, stats.plugins.NAME.*. Corosync
 * has none of these.
 */
#ifndef EXEC_STATS_DAEMON_H
#define EXEC_STATS_DAEMON_H

#include <stdint.h>

struct config;
struct histogram;
struct loop;
struct plugin;
struct ring;
struct ring_account;
struct stats;
struct stats_daemon;

/** The parts that the statistics are read from. All are borrowed until stats_daemon_destroy. */
struct stats_daemon_parts {
	struct loop *loop;
	struct stats *stats;
	struct ring *ring;
	struct ring_account *account;
	struct histogram *timers_late; /* delays with which timers ran */
	struct config *const *config;  /* points to the running configuration, which a reload replaces */
	const char *instance;          /* NULL: the default one */
	uint32_t nodeid;
	/** @return "starting" or "stopping"; NULL: stats.coterie.state is the state of the ring */
	const char *(*phase)(void *arg);
	void *arg;
};

/** Add statistics of the daemon, which end with the statistics map. parts: copied. NULL: out of memory */
struct stats_daemon *stats_daemon_create(const struct stats_daemon_parts *parts);
void stats_daemon_destroy(struct stats_daemon *daemon); /* after the statistics map; NULL is ignored */

/** Time for which a value from a file is kept. Any number of clients may read it. */
#define STATS_KEEP_NS UINT64_C(1000000000)

/** A number that is read again only when it is too old. */
struct stats_kept {
	uint64_t number;
	uint64_t until_ns; /* time from which it is too old. 0: it was never read */
};

/** Source of the statistics of the process and of the ring's transport. */
struct stats_process {
	struct loop *loop; /* borrowed */
	struct ring *ring; /* borrowed */
	struct stats_kept open_fds, resident_bytes;
};

/**
 * Add statistics of the process and of the ring's transport. Called by stats_daemon_create.
 * @param process  borrowed until the end of the statistics map
 * @return 0; -ENOMEM
 */
int stats_process_add(struct stats *stats, struct stats_process *process);

/** Add statistics of a plugin that was loaded. Without memory they are missing. */
void stats_plugin_add(struct stats *stats, struct plugin *plugin);
/** Remove the statistics of a plugin before it is unloaded. */
void stats_plugin_del(struct stats *stats, struct plugin *plugin);

#endif
