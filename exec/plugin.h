/*
 * The plugin registry: finding, checking, loading and unloading. Files are opened through libltdl in
 * plugin_open.c alone; what was found is checked in plugin_check.c.
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
struct plugin_record;  /* what is remembered of a name, plugin_watch.c */
struct plugin_options; /* checked values, plugin_options.c */

enum plugin_state {
	PLUGIN_CHECKED,
	PLUGIN_READY,
	PLUGIN_RUNNING,
	PLUGIN_DRAINING,
	PLUGIN_STOPPED,
};

/** One loaded plugin; plugins know it as their struct coterie_ctx. */
struct plugin {
	const struct coterie_plugin *descriptor; /* in the module */
	const char *name;
	const char *path;                        /* absolute, or "builtin" */
	enum plugin_state state;
	struct executive *executive;
	struct plugin_file *file;
	/* Copies, cut or zero-filled to our size, so that a member may be used without COTERIE_HAS. */
	struct coterie_service service;          /* kind service */
	struct coterie_transport transport;      /* kind transport */
	void *self;                              /* what init or open gave */
	const char *subsystem;                   /* upper-case name for the log */
	struct plugin_options *options;
	uint64_t *rx, *tx;                       /* per ring message function */
	struct map_shared **rx_keys, **tx_keys;  /* of them in the map, or NULL; map_publish.c */
	struct ipc_server *ipc;                  /* NULL: no clients */
	struct plugin_resources *resources;      /* timers, fds, posts it holds; host.c */
	struct plugin_record *record;            /* overruns and leaks of this name; NULL: no memory */
	struct plugin_overrides *overrides;      /* options given when it was loaded; NULL: none */
	bool is_beside;  /* stands beside the one in service: not in its place yet, or not any more */
	bool is_deaf;    /* loaded while the ring runs, before its first configuration or round */
	bool is_held;    /* its service synchronises alone: requests wait */
	struct plugin *next;
};

/** What went wrong, for the operator and for main.c's exit code. */
struct plugin_error {
	int exit_code;   /* 30 not found, 31 descriptor, 32 ABI, 33 init failed */
	char text[512];  /* names file, symbol and reason, and says what to do */
	int rc;          /* of plugin_load_anew: as host->plugin_load says; else not set */
};

struct plugin_registry;

/** directories: searched in order behind COTERIE_PLUGIN_PATH (ignored when privileges were gained). */
struct plugin_registry *plugin_registry_create(struct executive *executive,
	const char *const *directories, uint32_t count);
/** Every plugin must have been unloaded. */
void plugin_registry_destroy(struct plugin_registry *registry);

/**
 * Find, open and check a plugin and run its init (service) or open (transport).
 * @param kind  COTERIE_KIND_*; 0: whatever it is
 * @return the plugin, owned by the registry; NULL: *error says why
 */
struct plugin *plugin_load(struct plugin_registry *registry, uint32_t kind, const char *name,
	struct plugin_error *error);
/** A file that is open from its check to its load. */
struct plugin_source {
	char *path; /* of the shared object, without links; NULL: there is none, or the plugin is built in */
	int fd;     /* -1: the same */
};
/** As plugin_source_open, with the folders of the registry. */
int plugin_find_source(const struct plugin_registry *registry, const char *what, struct plugin_source *source,
	struct plugin_error *error);
void plugin_source_close(struct plugin_source *source); /* twice is fine */

/** Options that somebody gave beside the config file, "KEY=VALUE" each. */
struct plugin_overrides {
	uint32_t count;
	char *words[];
};

/** Copies count words. NULL: out of memory. */
struct plugin_overrides *plugin_overrides_create(const char *const *words, uint32_t count);
void plugin_overrides_destroy(struct plugin_overrides *overrides); /* NULL is ignored */

/**
 * The same while the daemon runs.
 * @param what         a name, or an absolute path
 * @param source       borrowed: what plugin_find_source found; NULL: find a file, unchecked (test kit)
 * @param overrides    taken unless it fails; NULL: none
 * @param predecessor  a service that the new one is to replace: it is not in the registry then, until
 *     plugin_succeed; NULL: none
 */
struct plugin *plugin_load_anew(struct plugin_registry *registry, const char *what,
	const struct plugin_source *source, struct plugin_overrides *overrides, struct plugin *predecessor, struct plugin_error *error);
/** Put a loaded plugin into the place of its predecessor, which is taken out. Nothing of theirs is called. */
void plugin_succeed(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** The other way round: as it was before. */
void plugin_retreat(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor);
/** End a plugin that stands beside the one in service: fini, reclaim, close the file later. */
void plugin_retire(struct plugin_registry *registry, struct plugin *plugin);
/** Put a loaded plugin, whose predecessor is gone, into the registry. */
void plugin_enlist(struct plugin_registry *registry, struct plugin *plugin);
/** Its options by a config file of now, with what was given at its load. NULL: *error says why. */
struct plugin_options *plugin_options_again(
	const struct plugin *plugin, const struct config *config, struct plugin_error *error);

/** Find and check a plugin that is not loaded, as one would be. As plugin_probe; *offers: COTERIE_CAN_*. */
int plugin_look(const struct plugin_registry *registry, uint32_t kind, const char *name, uint64_t *offers,
	struct plugin_error *error);

/**
 * Find and check a plugin without loading it: of its code only ELF constructors run. Not while a registry
 * is in use on another thread.
 * @return 0; -EINVAL: *error says why
 */
int plugin_probe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	struct plugin_error *error);
/** The same, and let see (NULL: nobody) look at the descriptor, which goes with the file when it returns. */
int plugin_describe(const char *const *directories, uint32_t count, uint32_t kind, const char *name,
	void (*see)(void *arg, const struct coterie_plugin *descriptor), void *arg,
	struct plugin_error *error);
/** fini or close, reclaim what it leaked, close the file one turn of the loop later. */
void plugin_unload(struct plugin_registry *registry, struct plugin *plugin);

struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id); /* or NULL */
struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name);    /* or NULL */
/** The first, then plugin->next: ascending ring id; transports behind services. */
struct plugin *plugin_first(const struct plugin_registry *registry);

/** The request or ring message with this number, or NULL. Walks by stride, reads what it may. */
const struct coterie_request *plugin_request(const struct plugin *plugin, int32_t id);
const struct coterie_ring_msg *plugin_ring_msg(const struct plugin *plugin, uint32_t function);

/**
 * Check a descriptor against our ABI and what is loaded. Pure; no code of the plugin runs.
 * @param kind       what it should be; 0: either
 * @param file_name  base name of the file without suffix
 */
int plugin_check(const struct plugin_registry *registry, const struct coterie_plugin *descriptor,
	uint32_t kind, const char *file_name, const char *path, struct plugin_error *error);
/** The same for one that replaces another service: it has that one's ring id and IPC name. */
int plugin_check_successor(const struct plugin_registry *registry, const struct plugin *predecessor,
	const struct coterie_plugin *descriptor, const char *file_name, const char *path,
	struct plugin_error *error);

/** The host table every plugin gets (host.c). */
const struct coterie_host *host_table(void);
int host_resources_create(struct plugin *plugin);
/** How many timers and watched descriptors it holds. */
void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors);
void host_resources_reclaim(struct plugin *plugin); /* cancel and report what is still held */
/** Statistics that a plugin offered beside its predecessor appear, now that this one's are gone. */
void host_stats_settle(struct plugin *plugin);

#endif
