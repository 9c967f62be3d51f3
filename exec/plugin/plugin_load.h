/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Find, check, load, replace and unload plugins. Only plugin_open.c opens files, through libltdl. plugin_check.c checks
 * descriptors. plugin_life.h has the changes while the daemon runs.
 */
#ifndef EXEC_PLUGIN_LOAD_H
#define EXEC_PLUGIN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/plugin/plugin.h"

struct config;
struct loop;
struct stats;

/** An error, for the operator and for main.c's exit code. */
struct plugin_error {
	int exit_code;  /* 30 not found, 31 descriptor, 32 ABI, 33 init failed */
	char text[512]; /* file, symbol, reason, and what to do */
	int rc;         /* set only by plugin_load_anew: see host->plugin_load */
};

/* --- plugin_overrides.c --- */

/** Options that were given in addition to the config file, each "KEY=VALUE". */
struct plugin_overrides {
	uint32_t count;
	char *words[];
};

/** Copy count words. NULL: out of memory. */
struct plugin_overrides *plugin_overrides_create(const char *const *words, uint32_t count);
void plugin_overrides_destroy(struct plugin_overrides *overrides); /* NULL is ignored */

/* --- plugin.c --- */

/** Abilities that this host table has. A descriptor names those that it needs. */
#define PLUGIN_HOST_CAPS \
	(COTERIE_CAP_RING | COTERIE_CAP_IPC | COTERIE_CAP_SYNC | COTERIE_CAP_MAP | COTERIE_CAP_TRANSPORT | \
		COTERIE_CAP_STATS | COTERIE_CAP_QUORUM | COTERIE_CAP_ADMIN | COTERIE_CAP_CRYPTO | COTERIE_CAP_LIFE | \
		COTERIE_CAP_CHANNEL | COTERIE_CAP_RIGHTS | COTERIE_CAP_DELIVERY | COTERIE_CAP_WRITABLE | \
		COTERIE_CAP_REPLIES | COTERIE_CAP_FILES | COTERIE_CAP_METRICS | COTERIE_CAP_CALLS)

/** The functions of the host table that the registry calls: host_for_plugins in host.h. */
struct plugin_host {
	const struct coterie_host *table; /* for init and open */
	/** Begin to record the resources that the plugin holds. Called before init. -ENOMEM. */
	int (*begin)(struct plugin *plugin);
	/** Release the resources that the plugin still holds, and end the record. */
	void (*end)(struct plugin *plugin);
	/** Close its IPC server, if it has one, and disconnect the clients. */
	void (*disconnect)(struct plugin *plugin);
	/**
	 * Show the statistics that a successor offered while its predecessor was in service. Those of the predecessor
	 * are removed by now.
	 */
	void (*settle)(struct plugin *plugin);
	/** Write the keys that a successor has written before. Called before settle, if it starts without a state. */
	void (*write)(struct plugin *plugin);
	/** Call its trackers of statistics for changes of which they are not notified yet. */
	void (*catch_up)(struct plugin *plugin);
};

/** The parts that the registry uses. All of them outlive it. */
struct plugin_parts {
	struct loop *loop;            /* or NULL: files stay open until the registry is destroyed */
	struct stats *stats;          /* or NULL: plugins have no records in the statistics */
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	const struct plugin_host *host;
	const struct host_parts *host_parts; /* for the functions of the host table */
};

/**
 * Create a registry.
 * @param parts        copied
 * @param directories  searched in order, after COTERIE_PLUGIN_PATH (ignored in a setuid process)
 * @return NULL: out of memory, or libltdl does not start
 */
struct plugin_registry *plugin_registry_create(
	const struct plugin_parts *parts, const char *const *directories, uint32_t count);
/** Destroy a registry. All plugins must have been unloaded. */
void plugin_registry_destroy(struct plugin_registry *registry);
/** Return the records of the registry's plugins. */
struct plugin_watch *plugin_registry_watch(const struct plugin_registry *registry);
/** Replace a plugin by a loaded successor at the same place of the registry. No function of either plugin is called. */
void plugin_succeed(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** Undo plugin_succeed. */
void plugin_retreat(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** Put a loaded plugin into the registry. Its predecessor has been removed already. */
void plugin_enlist(struct plugin_registry *registry, struct plugin *plugin);

/* --- plugin_load.c --- */

/**
 * Find, open and check a plugin and run its init (service) or open (transport).
 * @param kind  COTERIE_KIND_*; 0: any
 * @return the plugin, owned by the registry; NULL: *error has the reason
 */
struct plugin *plugin_load(
	struct plugin_registry *registry, uint32_t kind, const char *name, struct plugin_error *error);
/** A file that is open from its check to its load. */
struct plugin_source {
	char *path; /* path of the shared object, without links, or NULL: there is no file, or the plugin is built in */
	int fd;     /* its descriptor, or -1: there is no file, or the plugin is built in */
};
/** As plugin_source_open, with the folders of the registry. */
int plugin_find_source(const struct plugin_registry *registry, const char *what, struct plugin_source *source,
	struct plugin_error *error);

/**
 * Load a plugin while the daemon runs.
 * @param what         a name, or an absolute path
 * @param source       borrowed, of plugin_find_source; NULL: find a file, unchecked (test kit)
 * @param overrides    taken, unless the call fails; NULL: none
 * @param predecessor  a service that the new one will replace; NULL: none. With a predecessor, the new plugin is not in
 *                     the registry before plugin_succeed
 */
struct plugin *plugin_load_anew(struct plugin_registry *registry, const char *what, const struct plugin_source *source,
	struct plugin_overrides *overrides, struct plugin *predecessor, struct plugin_error *error);
/**
 * End a plugin that is not in service, such as a replaced one: call fini, reclaim leaked resources, close the file
 * later.
 */
void plugin_retire(struct plugin_registry *registry, struct plugin *plugin);
/** End a plugin: call fini or close, reclaim resources that it leaked, close the file one turn of the loop later. */
void plugin_unload(struct plugin_registry *registry, struct plugin *plugin);

/* --- plugin_probe.c --- */

/**
 * Find and check a plugin as plugin_load would, but do not load it. @param offers  out: COTERIE_CAN_* @return as
 * plugin_probe
 */
int plugin_look(const struct plugin_registry *registry, uint32_t kind, const char *name, uint64_t *offers,
	struct plugin_error *error);

/**
 * Find and check a plugin without loading it: of its code only ELF constructors run. Do not call this while a
 * registry is in use on another thread.
 * @return 0; -EINVAL: *error has the reason
 */
int plugin_probe(
	const char *const *directories, uint32_t count, uint32_t kind, const char *name, struct plugin_error *error);
/**
 * As plugin_probe. If the descriptor is good, also call see (unless NULL) with it. The descriptor is valid only during
 * the call.
 */
int plugin_describe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	void (*see)(void *arg, const struct coterie_plugin *descriptor), void *arg, struct plugin_error *error);

#endif
