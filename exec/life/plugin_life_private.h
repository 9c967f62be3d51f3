/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by plugin_life.c and plugin_replace.c. No other file includes this. */
#ifndef EXEC_PLUGIN_LIFE_PRIVATE_H
#define EXEC_PLUGIN_LIFE_PRIVATE_H

#include <stddef.h>

#include "exec/life/plugin_life.h"
#include "exec/plugin/plugin_private.h"

/**
 * Put the new file's plugin into the place of the old one, in this turn.
 *
 * @param what        name or absolute path of the new file
 * @param source      borrowed: the file that was checked and tried out
 * @param is_forced   a new plugin that cannot take over the state is kept, to start cold
 * @param successor   out, with is_forced: that plugin. The old one serves until it is unloaded
 * @param error       rc and text of a refusal: the old plugin serves as before
 * @return 0: the new plugin serves; -errno: refused; -EINPROGRESS: *successor must start cold
 */
int plugin_replace_warm(const struct plugin_life_parts *parts, struct plugin *old, const char *what,
	const struct plugin_source *source, bool is_forced, struct plugin **successor, struct plugin_error *error);

#endif
