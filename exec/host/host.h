/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host table, which all plugins receive, and the resources that each plugin holds through it. host.c has the
 * sections log, options, ring, transports and state files. The others are in host_loop.c, host_map.c, host_metric.c and
 * host_admin.c.
 */
#ifndef EXEC_HOST_H
#define EXEC_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>

struct config;
struct delivery;
struct ipc;
struct loop;
struct map;
struct plugin;
struct plugin_host;
struct plugin_life;
struct quorum;
struct rekey;
struct reload;
struct sync;
struct ring;
struct rotate;
struct route;
struct state_writer;
struct stats;

/** The parts that the functions of the table use. They are complete before the first plugin is loaded. */
struct host_parts {
	struct loop *loop;
	struct map *map;
	struct stats *stats;
	struct config *const *config; /* points to the running configuration, which a reload replaces */
	const char *state_dir;        /* absolute */
	struct state_writer *state_writer;
	uint32_t nodeid; /* of this node */
	const bool *is_quorate;
	struct quorum *quorum;
	struct rekey *rekey;
	struct route *route;
	struct delivery *delivery;
	struct sync *sync;
	struct ring *ring;
	struct ipc *ipc;
	struct reload *reload;
	struct rotate *rotate;
	struct plugin_life *life; /* NULL again while the daemon ends */
	/** End the process as executive_stop() does. */
	void (*stop)(void *arg);
	/** End the process at once. It does not return. */
	void (*die)(void *arg, int exit_status);
	void *arg; /* argument of stop and die */
};

const struct coterie_host *host_table(void);
/** Return the functions that plugin_registry_create needs: the table, and those for a plugin's resources. */
const struct plugin_host *host_for_plugins(void);

int host_resources_create(struct plugin *plugin);
/** Count the timers and watched descriptors that the plugin holds. */
void host_resources_count(const struct plugin *plugin, uint32_t *timers, uint32_t *descriptors);
/** Drop the posts of a plugin that ends before the loop runs. A plugin cannot cancel its posts, so they are no leak. */
void host_drop_posts(struct plugin *plugin);
void host_resources_reclaim(struct plugin *plugin); /* cancel and report resources that are still held */

#endif
