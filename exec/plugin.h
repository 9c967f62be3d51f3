/*
 * The plugin registry: find, check, load and unload plugins. Only plugin_open.c opens files, through libltdl.
 * plugin_check.c checks descriptors.
 */
#ifndef EXEC_PLUGIN_H
#define EXEC_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>
#include <coterie/service.h>
#include <coterie/transport.h>

struct config;
struct executive;
struct map_shared;
struct plugin_file;    /* an open module, plugin_open.c */
struct plugin_record;  /* counters of a name, plugin_watch.c */
struct plugin_options; /* checked values, plugin_options.c */

enum plugin_state {
	PLUGIN_CHECKED,
	PLUGIN_READY,
	PLUGIN_RUNNING,
	PLUGIN_DRAINING,
	PLUGIN_STOPPED,
};

/** One loaded plugin. Plugins have a pointer to it as struct coterie_ctx. */
struct plugin {
	const struct coterie_plugin *descriptor; /* in the module */
	const char *name;
	const char *path;                        /* absolute, or "builtin" */
	enum plugin_state state;
	struct executive *executive;
	struct plugin_file *file;
	/* Copies, cut or filled with zeros to the size of this ABI, so that members can be used without COTERIE_HAS. */
	struct coterie_service service;          /* kind service */
	struct coterie_transport transport;      /* kind transport */
	void *self;                              /* result of init or open */
	const char *subsystem;                   /* upper-case name for the log */
	struct plugin_options *options;
	uint64_t *rx, *tx;                       /* for each function of ring messages */
	struct map_shared **rx_keys, **tx_keys;  /* of them in the map (map_publish.c), or NULL */
	struct ipc_server *ipc;                  /* or NULL: no clients */
	struct plugin_resources *resources;      /* timers, descriptors and posts that it holds: host.c */
	struct plugin_record *record;            /* overruns and leaks of this name, or NULL: no memory */
	struct plugin_overrides *overrides;      /* options given when it was loaded, or NULL */
	bool is_beside;  /* loaded beside the plugin in service: its successor, or its predecessor */
	bool is_deaf;    /* loaded while the ring runs, before its first configuration or round */
	bool is_held;    /* its service synchronises alone: requests wait */
	struct plugin *next;
};

/** An error, for the operator and for main.c's exit code. */
struct plugin_error {
	int exit_code;   /* 30 not found, 31 descriptor, 32 ABI, 33 init failed */
	char text[512];  /* file, symbol, reason, and what to do */
	int rc;          /* only of plugin_load_anew: see host->plugin_load */
};

struct plugin_registry;

/** Create a registry. directories are searched in order, after COTERIE_PLUGIN_PATH (ignored in a setuid process). */
struct plugin_registry *plugin_registry_create(struct executive *executive,
	const char *const *directories, uint32_t count);
/** Destroy a registry. All plugins must have been unloaded. */
void plugin_registry_destroy(struct plugin_registry *registry);

/**
 * Find, open and check a plugin and run its init (service) or open (transport).
 * @param kind  COTERIE_KIND_*; 0: any
 * @return the plugin, owned by the registry; NULL: *error has the reason
 */
struct plugin *plugin_load(struct plugin_registry *registry, uint32_t kind, const char *name,
	struct plugin_error *error);
/** A file that is open from its check to its load. */
struct plugin_source {
	char *path; /* of the shared object, without links, or NULL: there is none, or the plugin is built in */
	int fd;     /* or -1: the same */
};
/** As plugin_source_open, with the folders of the registry. */
int plugin_find_source(const struct plugin_registry *registry, const char *what, struct plugin_source *source,
	struct plugin_error *error);
void plugin_source_close(struct plugin_source *source); /* may be called twice */

/** Options that were given in addition to the config file, each "KEY=VALUE". */
struct plugin_overrides {
	uint32_t count;
	char *words[];
};

/** Copy count words. NULL: out of memory. */
struct plugin_overrides *plugin_overrides_create(const char *const *words, uint32_t count);
void plugin_overrides_destroy(struct plugin_overrides *overrides); /* NULL is ignored */

/**
 * Load a plugin while the daemon runs.
 * @param what         a name, or an absolute path
 * @param source       borrowed, of plugin_find_source; NULL: find a file, unchecked (test kit)
 * @param overrides    taken, unless the call fails; NULL: none
 * @param predecessor  a service that the new one will replace; NULL: none. The new one is not in the registry before
 *     plugin_succeed
 */
struct plugin *plugin_load_anew(struct plugin_registry *registry, const char *what,
	const struct plugin_source *source, struct plugin_overrides *overrides, struct plugin *predecessor, struct plugin_error *error);
/** Put a loaded plugin into the place of its predecessor, which leaves the registry. No function of theirs is called. */
void plugin_succeed(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** Undo plugin_succeed. */
void plugin_retreat(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** End a plugin beside the one in service: fini, reclaim, close the file later. */
void plugin_retire(struct plugin_registry *registry, struct plugin *plugin);
/** Put a loaded plugin, whose predecessor is gone, into the registry. */
void plugin_enlist(struct plugin_registry *registry, struct plugin *plugin);
/** Return its options of a new config file, with those that were given at its load. NULL: *error has the reason. */
struct plugin_options *plugin_options_again(
	const struct plugin *plugin, const struct config *config, struct plugin_error *error);

/** Find and check a plugin as plugin_load would, but do not load it. As plugin_probe. *offers: COTERIE_CAN_*. */
int plugin_look(const struct plugin_registry *registry, uint32_t kind, const char *name, uint64_t *offers,
	struct plugin_error *error);

/**
 * Find and check a plugin without loading it: of its code only ELF constructors run. Do not call this while a
 * registry is in use on another thread.
 * @return 0; -EINVAL: *error has the reason
 */
int plugin_probe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	struct plugin_error *error);
/** The same, and call see (unless NULL) with the descriptor, which is valid only during the call. */
int plugin_describe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	void (*see)(void *arg, const struct coterie_plugin *descriptor), void *arg,
	struct plugin_error *error);
/** End a plugin: call fini or close, reclaim resources that it leaked, close the file one turn of the loop later. */
void plugin_unload(struct plugin_registry *registry, struct plugin *plugin);

struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id); /* or NULL */
struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name);    /* or NULL */
/** Return the first plugin. plugin->next has the others: services by ascending ring id, then transports. */
struct plugin *plugin_first(const struct plugin_registry *registry);

/** Return the request or ring message with this number, or NULL. Entries have the stride of the plugin's own ABI. */
const struct coterie_request *plugin_request(const struct plugin *plugin, int32_t id);
const struct coterie_ring_msg *plugin_ring_msg(const struct plugin *plugin, uint32_t function);

/**
 * Check a descriptor against this ABI and the loaded plugins. Pure: no code of the plugin runs.
 * @param kind       the kind that it must have; 0: any
 * @param file_name  base name of the file without suffix
 */
int plugin_check(const struct plugin_registry *registry, const struct coterie_plugin *descriptor,
	uint32_t kind, const char *file_name, const char *path, struct plugin_error *error);
/** The same for a plugin that replaces another service: it must have the same ring id and IPC name. */
int plugin_check_successor(const struct plugin_registry *registry, const struct plugin *predecessor,
	const struct coterie_plugin *descriptor, const char *file_name, const char *path,
	struct plugin_error *error);

/** Return the host table, which all plugins get (host.c). */
const struct coterie_host *host_table(void);
int host_resources_create(struct plugin *plugin);
/** Count the timers and watched descriptors that the plugin holds. */
void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors);
void host_resources_reclaim(struct plugin *plugin); /* cancel and report resources that are still held */
/** Add the statistics that a plugin offered beside its predecessor. Those of the predecessor are gone now. */
void host_stats_settle(struct plugin *plugin);

#endif
