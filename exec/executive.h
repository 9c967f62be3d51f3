/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the executive. The daemon has a single such struct, a test may have several. executive_create_parts and
 * executive_destroy_parts show the order of start and end.
 */
#ifndef EXEC_EXECUTIVE_H
#define EXEC_EXECUTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/daemon/departed.h"
#include "exec/host/host.h"
#include "exec/ring/ring_account.h"
#include "exec/stats/histogram.h"

struct config;
struct delivery;
struct evictions;
struct ipc;
struct loop;
struct map;
struct plugin;
struct plugin_host;
struct plugin_life;
struct plugin_registry;
struct quorum;
struct rekey;
struct reload;
struct ring;
struct runtime_keys;
struct shared_tell;
struct rotate;
struct route;
struct state_writer;
struct stats;
struct stats_daemon;
struct totem_stats;
struct sync;
struct writable;

struct executive {
	struct config *config;
	const char *instance;   /* NULL: the default instance */
	const char *local_name; /* --node, or NULL: not given */
	const char *state_dir;  /* absolute */
	/*
	 * Called before plugins get the first key of the ring, or NULL: nothing has to be done. It may be called again
	 * later. Returns 0, or an errno value below 0 and the reason: the ring cannot be encrypted.
	 */
	int (*prepare_crypto)(char *error, size_t size);
	const char *program; /* program for the trials of plugins, or NULL: no trials */
	struct loop *loop;
	struct map *map;
	struct runtime_keys *runtime_keys;
	struct shared_tell *shared_tell;
	struct state_writer *state_writer;
	struct stats *stats;
	struct stats_daemon *stats_daemon;
	struct totem_stats *totem_stats;
	struct evictions *evictions;
	struct ring_account account;
	struct departed departed;
	struct histogram timers_late; /* delays with which timers ran */
	struct quorum *quorum;
	struct rekey *rekey;
	struct host_parts host;                /* for the functions of the host table */
	const struct plugin_host *plugin_host; /* host table of plugins, or NULL: host_for_plugins() */
	struct plugin_registry *plugins;
	struct plugin_life *life;
	struct route *route;
	struct delivery *delivery;
	struct sync *sync;
	struct writable *writable;
	struct ipc *ipc;
	struct ring *ring;
	struct reload *reload;
	struct rotate *rotate;
	uint32_t nodeid;
	bool is_quorate;       /* as the quorum provider has decided, or true: there is no provider */
	bool has_synchronized; /* the first synchronisation is complete */
	bool is_stopping;
	bool is_withdrawn;    /* while stopping: it takes no further part in the synchronisation */
	uint64_t random_seed; /* seed of the ring's random numbers, or 0: from the system */
	uint32_t first_seq;   /* seq of a ring's first frame minus 1: 0, except in tests of wrapping */
	/* WIRE_FEATURE_* that are not announced: 0, except in tests of older versions, which know no joint turn either */
	uint64_t features_missing;
	uint32_t deliver_frames;   /* as in struct totem_options: TOTEM_DELIVER_FRAMES, or less in tests */
	uint64_t stop_deadline_ns; /* time at which the frames that are still queued are dropped */
	uint64_t stop_moved_ns;    /* while stopping: time at which the queue last got shorter */
	uint32_t stop_backlog;     /* while stopping: length of the queue at that time */
	int exit_code;
	int report_fd; /* pipe to the parent that waits for the start, or -1: there is none */
};

/** Set the members to what a daemon has before its start: most are 0, and report_fd is none. */
void executive_init(struct executive *executive);
/**
 * Create map, plugin registry, routing, synchronisation, IPC and ring for executive->config. The loop exists
 * already. Errors have been logged.
 * @param directories  folders that are searched for plugins
 * @return 0, or an exit code (book configuration, "Exit codes"): executive_destroy_parts cleans up
 * in that case too
 */
int executive_create_parts(struct executive *executive, const char *const *directories, uint32_t count);
/** Leave the ring, unload all plugins, destroy the parts. */
void executive_destroy_parts(struct executive *executive);

/** Add or remove the keys of a loaded plugin in the maps. */
void executive_show(struct executive *executive, struct plugin *plugin);
void executive_conceal(struct executive *executive, struct plugin *plugin);

/** End the process in steps: the services stop, the node leaves the ring, loop_run returns. */
void executive_stop(struct executive *executive, int exit_code);
/** Make all services log their state. */
void executive_dump(struct executive *executive);
/** End the process at once, without a message to clients or nodes. The caller has logged the reason. */
void executive_die(struct executive *executive, int exit_status) __attribute__((noreturn));

#endif
