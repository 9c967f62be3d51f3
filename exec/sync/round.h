/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of one service in a round of synchronisation: sync_start and its like in <coterie/service.h>. The rounds of
 * all services after a configuration are in sync.c. Rounds of one service alone are in resync.c.
 */
#ifndef EXEC_ROUND_H
#define EXEC_ROUND_H

#include <stdbool.h>
#include <stdint.h>

struct coterie_configuration;
struct node_set;
struct plugin;
struct plugin_registry;

/** Return whether a plugin is a service with state to synchronise. NULL: false */
bool round_has(const struct plugin *plugin);
/** Return the service of this ring id, or NULL: it is not loaded here, or has no state. */
struct plugin *round_find(const struct plugin_registry *plugins, uint32_t ring_id);

/**
 * Call sync_start. A service that is_deaf learns of the configuration first, and is deaf no longer.
 * @param together  members that have had the same state since the last round
 */
void round_start(struct plugin *plugin, const struct node_set *together, const struct coterie_configuration *regular);
/** Call sync_step. @return whether the service has sent all its state */
bool round_step(struct plugin *plugin);
/** Call sync_done, or sync_abort if the round is not complete. */
void round_end(struct plugin *plugin, bool is_complete);

#endif
