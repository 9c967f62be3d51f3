/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by plugin_life.c and plugin_replace.c. No other file includes this. */
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

#endif
