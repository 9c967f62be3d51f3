/* Keys that the executive writes into the map while it runs: book configuration, "Keys of the daemon". */
#ifndef EXEC_MAP_PUBLISH_H
#define EXEC_MAP_PUBLISH_H

#include <stddef.h>

struct config;
struct map;
struct plugin;
struct totem_configuration;

/** Set runtime.members.* to the members that joined and left. */
void map_publish_members(struct map *map, const struct config *config,
	const struct totem_configuration *configuration);
/** Set internal_configuration.service.* and runtime.services.* of a loaded service. */
void map_publish_service(struct map *map, struct plugin *plugin);
/** Delete them, before the plugin is unloaded. config: the running one. */
void map_unpublish_service(struct map *map, const struct config *config, struct plugin *plugin);

/** service.NAME.* of the options that a load gave, in the place of the file's values: at the load, and after a reload. */
void map_publish_options(struct map *map, const struct plugin *plugin);
/** The file's values again, before the plugin goes. */
void map_unpublish_options(struct map *map, const struct config *config, const struct plugin *plugin);
/** Names of these options, separated by blanks. */
void map_option_names(const struct plugin *plugin, char *text, size_t size);

#endif
