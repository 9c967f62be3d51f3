/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by plugin_life.c, plugin_follow.c and plugin_replace.c. No other file includes this. */
#ifndef EXEC_PLUGIN_LIFE_PRIVATE_H
#define EXEC_PLUGIN_LIFE_PRIVATE_H

#include <stddef.h>

#include "exec/life/plugin_life.h"
#include "exec/plugin/plugin_private.h"

/**
 * Replace a plugin by that of a new file, in this turn of the loop.
 *
 * @param what        name or absolute path of the new file
 * @param source      borrowed: the file that was checked and tried out
 * @param is_forced   if the new plugin cannot take over the state, keep the new plugin for a cold start
 * @param successor   out, with is_forced: the new plugin. The old one stays in service until it is unloaded
 * @param error       rc and text of a refusal: the old plugin stays in service
 * @return 0: the new plugin is in service; -errno: refused; -EINPROGRESS: *successor must start cold
 */
int plugin_replace_warm(const struct plugin_life_parts *parts, struct plugin *old, const char *what,
	const struct plugin_source *source, bool is_forced, struct plugin **successor, struct plugin_error *error);

/**
 * Queue a change that no plugin asked for. The result is in the log.
 *
 * @param is_load      true: load the plugin; false: unload it, with no drain time
 * @param is_optional  it is no error if the plugin is not installed, or not loaded
 */
void plugin_life_queue(struct plugin_life *life, bool is_load, const char *name, bool is_optional);

/** Return whether the plugin will be loaded after all changes that have begun or wait, if they succeed. */
bool plugin_life_stays(const struct plugin_life *life, const char *name);

/** Return whether the config names this plugin as quorum provider while there is no provider yet. */
bool plugin_life_is_to_decide(const struct plugin_life *life, const struct config *config, const char *name);

#endif
