/*
 * What the parts of the executive know of each other. One struct per process in the daemon, several in
 * tests; created and torn down by main.c in the order of the members.
 */
#ifndef EXEC_EXECUTIVE_H
#define EXEC_EXECUTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/histogram.h"
#include "exec/log.h"
#include "exec/ring_account.h"

struct config;
struct delivery;
struct evictions;
struct ipc;
struct loop;
struct map;
struct plugin;
struct plugin_life;
struct plugin_record;
struct plugin_registry;
struct quorum;
struct rekey;
struct reload;
struct resync;
struct ring;
struct runtime_keys;
struct rotate;
struct route;
struct stats;
struct totem_stats;
struct sync;

struct executive {
	struct config *config;
	const char *instance;      /* NULL: the default one */
	const char *local_name;    /* --node; NULL: not given */
	const char *state_dir;     /* absolute */
	const char *program;       /* file that plugins are tried out with; NULL: they are not */
	struct loop *loop;
	struct map *map;
	struct runtime_keys *runtime_keys;
	struct stats *stats;
	struct totem_stats *totem_stats;
	struct evictions *evictions;
	struct ring_account account;
	struct histogram timers_late; /* how long after their time timers ran */
	struct quorum *quorum;
	struct rekey *rekey;
	struct plugin_registry *plugins;
	struct plugin_record *plugin_records; /* of all names there have been */
	struct plugin_life *life;
	struct route *route;
	struct delivery *delivery;
	struct sync *sync;
	struct resync *resync;
	struct ipc *ipc;
	struct ring *ring;
	struct reload *reload;
	struct rotate *rotate;
	uint32_t nodeid;
	bool is_quorate;           /* set by quorum.c; true without a provider */
	bool has_synchronized;     /* the first synchronisation is complete */
	bool is_stopping;
	uint64_t random_seed;      /* of the ring; 0: from the system */
	uint64_t started_ns;
	uint64_t started_ms;       /* since the epoch */
	uint64_t stop_deadline_ns; /* what is still queued then is given up */
	uint64_t stop_moved_ns;    /* when the queue was last seen to get shorter, while stopping */
	uint32_t stop_backlog;     /* its length at the last look */
	struct log_limit overrun_limit; /* of plugins that hold the loop up */
	int exit_code;
	int report_fd;             /* tells the waiting parent that we are up; -1: nobody waits */
};

/**
 * Make map, plugin registry, routing, synchronisation, IPC and ring for executive->config; the loop is
 * there already. What went wrong has been logged.
 * @param directories  where plugins are looked for
 * @return 0, or an exit code (book configuration, "Exit codes"): executive_destroy_parts cleans up
 * in that case too
 */
int executive_create_parts(struct executive *executive, const char *const *directories, uint32_t count);
/** Leave the ring, unload every plugin, take the parts down. */
void executive_destroy_parts(struct executive *executive);

/** What the maps say of a loaded plugin appears, and goes. */
void executive_show(struct executive *executive, struct plugin *plugin);
void executive_conceal(struct executive *executive, struct plugin *plugin);

/** End the process in order: services stop, the node leaves, loop_run returns. */
void executive_stop(struct executive *executive, int exit_code);
/** Every service logs what it knows. */
void executive_dump(struct executive *executive);
/** End the process now: nobody is told. The reason has been logged. */
void executive_die(struct executive *executive, int exit_status) __attribute__((noreturn));
/** A synchronisation is complete: called by sync.c. */
void executive_synchronized(struct executive *executive);

#endif
