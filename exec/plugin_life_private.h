/* What plugin_life.c and plugin_replace.c share. Nothing else includes this. */
#ifndef EXEC_PLUGIN_LIFE_PRIVATE_H
#define EXEC_PLUGIN_LIFE_PRIVATE_H

#include <stddef.h>

#include "exec/plugin_life.h"
#include "exec/plugin_private.h"

/**
 * Put the new file's plugin into the place of the old one, in this turn.
 *
 * @param what        name or absolute path of the new file
 * @param source      borrowed: the file that was checked and tried out
 * @param is_forced   one that cannot take over the state is kept, ready to start cold
 * @param successor   out, with is_forced: it; the old plugin serves on until it is unloaded
 * @param error       rc and text of a refusal: the old plugin serves on as before
 * @return 0: *place is the new plugin; -errno: refused; -EINPROGRESS: *successor is to start cold
 */
int plugin_replace_warm(struct executive *executive, struct plugin *old, const char *what,
	const struct plugin_source *source, bool is_forced, struct plugin **successor, struct plugin_error *error);

#endif
