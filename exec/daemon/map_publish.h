/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that the executive writes into the map while it runs: book configuration, "Keys of the daemon". */
#ifndef EXEC_MAP_PUBLISH_H
#define EXEC_MAP_PUBLISH_H

#include <stdint.h>

struct config;
struct map;
struct plugin;
struct totem_configuration;

/** Set runtime.members.* to the members that joined and left. */
void map_publish_members(struct map *map, const struct config *config, const struct totem_configuration *configuration);
/** Delete all keys runtime.members.NODEID.*, also those of services. */
void map_forget_member(struct map *map, uint32_t nodeid);
/** Set internal_configuration.service.* and runtime.services.* of a loaded service. */
void map_publish_service(struct map *map, struct plugin *plugin);
/** Delete the keys of a service before its plugin is unloaded. config: the running configuration. */
void map_unpublish_service(struct map *map, const struct config *config, struct plugin *plugin);

#endif
