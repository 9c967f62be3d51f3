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

#include "exec/log/log.h"

struct host_parts; /* parts that the functions of the host table use, host.h */
struct ipc_server;
struct map_shared;
struct plugin_file;    /* an open plugin file, plugin_open.c */
struct plugin_options; /* checked values of a plugin's options, plugin_options.c */
struct plugin_overrides;
struct plugin_record; /* counters of a plugin name, plugin_watch.c */
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
	/* Members that stay the same until the plugin is unloaded. */
	const struct coterie_plugin *descriptor; /* in the module */
	const char *name;
	const char *path;      /* absolute path of the file, or "builtin" */
	const char *subsystem; /* log subsystem: name in upper case */
	struct plugin_file *file;
	const struct host_parts *host; /* parts that the host table uses for this plugin */
	/* Copies, cut or filled with zeros to the size of this ABI, so that members can be used without COTERIE_HAS. */
	struct coterie_service service;     /* kind service */
	struct coterie_transport transport; /* kind transport */
	void *self;                         /* result of init or open */
	struct plugin_overrides *overrides; /* options given when it was loaded, or NULL */
	struct plugin_watch *watch;         /* of the registry, or NULL: its calls are not watched */
	struct plugin_record *record;       /* overruns and leaks of this name, or NULL: no memory */

	/* Members that change. The files named here change them. */
	enum plugin_state state; /* plugin_load.c, plugin_life.c, plugin_replace.c */
	/* loaded while its predecessor is in service, or itself a predecessor that is no longer in service */
	bool is_beside;
	/* its predecessor has not ended yet, so statistics that it adds wait: plugin_replace.c, host_map.c */
	bool is_taking_over;
	bool is_deaf;    /* loaded while the ring runs, before its first configuration or round */
	bool is_held;    /* a round of this service alone is under way: requests wait. sync.c */
	bool wants_room; /* ring_send refused a message of it, and it has a function writable: writable.c */
	struct plugin_options *options; /* a reload replaces them */
	bool owes_reload; /* its last reload failed, so the next one is called even if no option changes: reload_apply.c */
	/* ring messages of this plugin that were sent and are not delivered here yet: route.c, plugin.c */
	uint64_t underway;
	uint64_t *rx, *tx;                      /* messages received and sent, by function: route.c */
	struct map_shared **rx_keys, **tx_keys; /* keys of rx and tx in the map (map_publish.c), or NULL */
	struct ipc_server *ipc;                 /* or NULL: no clients. ipc_server.c, ipc_handover.c */
	struct log_limits log_limits;           /* of a service: host.c, executive.c */
	struct plugin_resources *resources;     /* timers, descriptors and posts that the plugin holds: host.c */
	struct plugin *next;                    /* next plugin in the registry: plugin.c */
};

/** Return whether the plugin has its place on the ring. Otherwise its ring messages are refused. */
static inline bool plugin_may_send(const struct plugin *plugin)
{
	return !plugin->is_beside && !plugin->is_deaf && plugin->state != PLUGIN_STOPPED;
}

/** Find a plugin in service. NULL: none has this ring id or name. */
struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id);
struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name);
/** Return the first plugin. plugin->next has the others: services by ascending ring id, then transports. */
struct plugin *plugin_first(const struct plugin_registry *registry);

/** Return the request or ring message with this number, or NULL. Entries have the stride of the plugin's own ABI. */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id);
const struct coterie_ring_msg *plugin_table_ring_msg(const struct plugin *plugin, uint32_t function);

#endif
