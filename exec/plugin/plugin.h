/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A loaded plugin, and the ways to find one. plugin_load.h has the functions that load and unload it, host.h those that
 * it calls.
 */
#ifndef EXEC_PLUGIN_H
#define EXEC_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>
#include <coterie/service.h>
#include <coterie/transport.h>

struct host_parts; /* parts behind the host table, host.h */
struct ipc_server;
struct map_shared;
struct plugin_file;    /* an open module, plugin_open.c */
struct plugin_options; /* checked values, plugin_options.c */
struct plugin_overrides;
struct plugin_record; /* counters of a name, plugin_watch.c */
struct plugin_registry;
struct plugin_resources;
struct plugin_watch; /* the records of all names, plugin_watch.c */

enum plugin_state {
	PLUGIN_CHECKED,
	PLUGIN_READY,
	PLUGIN_RUNNING,
	PLUGIN_DRAINING,
	PLUGIN_STOPPED,
};

/** One loaded plugin. Plugins have a pointer to it as struct coterie_ctx. */
struct plugin {
	/* Facts. They stay the same until the plugin is unloaded. */
	const struct coterie_plugin *descriptor; /* in the module */
	const char *name;
	const char *path;      /* absolute, or "builtin" */
	const char *subsystem; /* upper-case name for the log */
	struct plugin_file *file;
	const struct host_parts *host; /* parts that the host table uses for it */
	/* Copies, cut or filled with zeros to the size of this ABI, so that members can be used without COTERIE_HAS. */
	struct coterie_service service;     /* kind service */
	struct coterie_transport transport; /* kind transport */
	void *self;                         /* result of init or open */
	struct plugin_overrides *overrides; /* options given when it was loaded, or NULL */
	struct plugin_watch *watch;         /* of the registry, or NULL: its calls are not watched */
	struct plugin_record *record;       /* overruns and leaks of this name, or NULL: no memory */

	/* State. The files named here change it. */
	enum plugin_state state;        /* plugin_load.c, plugin_life.c, plugin_replace.c */
	bool is_beside;                 /* loaded beside the plugin in service: its successor, or its predecessor */
	bool is_deaf;                   /* loaded while the ring runs, before its first configuration or round */
	bool is_held;                   /* its service synchronises alone: requests wait. sync.c */
	bool wants_room;                /* ring_send refused it, and it has a writable: writable.c */
	struct plugin_options *options; /* a reload replaces them */
	uint64_t underway;              /* own ring messages that are not delivered here yet: route.c */
	uint64_t *rx, *tx;              /* for each function of ring messages: route.c */
	struct map_shared **rx_keys, **tx_keys; /* of them in the map (map_publish.c), or NULL */
	struct ipc_server *ipc;                 /* or NULL: no clients. ipc_server.c, ipc_handover.c */
	struct plugin_resources *resources;     /* timers, descriptors and posts that it holds: host.c */
	struct plugin *next;                    /* in the registry: plugin.c */
};

/** Find a plugin in service. NULL: there is none. */
struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id);
struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name);
/** Return the first plugin. plugin->next has the others: services by ascending ring id, then transports. */
struct plugin *plugin_first(const struct plugin_registry *registry);

/** Return the request or ring message with this number, or NULL. Entries have the stride of the plugin's own ABI. */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id);
const struct coterie_ring_msg *plugin_table_ring_msg(const struct plugin *plugin, uint32_t function);

#endif
