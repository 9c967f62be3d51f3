/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options that `coterie-ctl plugin load` gave to a service, as keys of the map: service.NAME.*
 * (book configuration, "Keys of the daemon").
 */
#ifndef EXEC_MAP_OPTIONS_H
#define EXEC_MAP_OPTIONS_H

#include <stddef.h>

struct config;
struct map;
struct plugin;

/**
 * Set service.NAME.* to the options given at the load, in place of the file's values. Called at the load, and after a
 * reload.
 */
void map_publish_options(struct map *map, const struct plugin *plugin);
/**
 * Set the keys of these options to the file's values again, before the plugin is unloaded. config: the running
 * configuration.
 */
void map_unpublish_options(struct map *map, const struct config *config, const struct plugin *plugin);
/** Write the names of the options given at the load into text (size bytes, NUL included), separated by blanks. */
void map_option_names(const struct plugin *plugin, char *text, size_t size);

#endif
