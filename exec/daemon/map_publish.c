/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/map_publish.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "exec/life/map_options.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin.h"

/* Write "r(0) ip(10.0.0.1) r(1) ip(10.1.0.1) ", trailing space included: tools split the text at " r(". */
static void addresses_text(const struct config *config, uint32_t nodeid, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		if (node->nodeid != nodeid)
			continue;
		for (uint32_t link = 0; link < node->link_count && length < size; link++) {
			char address[64] = "";

			if (node->addresses[link].ss_family == AF_UNSPEC)
				continue;
			getnameinfo((const struct sockaddr *)&node->addresses[link], sizeof(node->addresses[link]),
				address, sizeof(address), NULL, 0, NI_NUMERICHOST);
			length += (size_t)snprintf(text + length, size - length, "r(%u) ip(%s) ", link, address);
		}
	}
}

static void publish_member(struct map *map, const struct config *config, uint32_t nodeid, const char *status)
{
	char key[MAP_KEY_LENGTH_MAX + 1];
	char text[CONFIG_LINKS_MAX * 64];

	snprintf(key, sizeof(key), "runtime.members.%u.ip", nodeid);
	addresses_text(config, nodeid, text, sizeof(text));
	map_set_string(map, key, text);
	snprintf(key, sizeof(key), "runtime.members.%u.join_count", nodeid);
	uint32_t count = 0;
	if (strcmp(status, "joined") == 0 || map_get_u32(map, key, &count) < 0) {
		map_get_u32(map, key, &count);
		map_set_u32(map, key, count + 1);
	}
	snprintf(key, sizeof(key), "runtime.members.%u.status", nodeid);
	map_set_string(map, key, status);
}

void map_publish_members(struct map *map, const struct config *config, const struct totem_configuration *configuration)
{
	for (uint32_t i = 0; i < configuration->left_count; i++)
		publish_member(map, config, configuration->left[i], "left");
	for (uint32_t i = 0; i < configuration->joined_count; i++)
		publish_member(map, config, configuration->joined[i], "joined");
}

void map_forget_member(struct map *map, uint32_t nodeid)
{
	char prefix[MAP_KEY_LENGTH_MAX + 1], deleted[MAP_KEY_LENGTH_MAX + 1];
	struct map_iterator *iterator;
	const char *key;

	snprintf(prefix, sizeof(prefix), "runtime.members.%u.", nodeid);
	iterator = map_iterator_create(map, prefix);
	while (iterator != NULL && (key = map_iterator_next(iterator, NULL)) != NULL) {
		snprintf(deleted, sizeof(deleted), "%s", key);
		map_delete(map, deleted);
	}
	map_iterator_destroy(iterator);
}

/* Share the counters of one direction as keys. Out of memory: some keys are missing. */
static struct map_shared **share_counters(
	struct map *map, const struct plugin *plugin, const char *direction, const uint64_t *counters)
{
	uint32_t count = plugin->service.ring_msg_count;
	struct map_shared **keys = calloc(count + 1, sizeof(struct map_shared *));
	char key[MAP_KEY_LENGTH_MAX + 1];

	for (uint32_t i = 0; keys != NULL && i < count; i++) {
		snprintf(key, sizeof(key), "runtime.services.%s.%u.%s", plugin->name, i, direction);
		keys[i] = map_share(map, key, COTERIE_MAP_U64, &counters[i], sizeof(counters[i]));
	}
	return keys;
}

static void unshare_counters(const struct plugin *plugin, struct map_shared **keys)
{
	for (uint32_t i = 0; keys != NULL && i < plugin->service.ring_msg_count; i++)
		map_unshare(keys[i]);
	free(keys);
}

void map_unpublish_service(struct map *map, const struct config *config, struct plugin *plugin)
{
	char key[MAP_KEY_LENGTH_MAX + 1];

	map_unpublish_options(map, config, plugin);
	snprintf(key, sizeof(key), "internal_configuration.service.%u.name", plugin->service.ring_id);
	map_delete(map, key);
	snprintf(key, sizeof(key), "internal_configuration.service.%u.ver", plugin->service.ring_id);
	map_delete(map, key);
	snprintf(key, sizeof(key), "runtime.services.%s.service_id", plugin->name);
	map_delete(map, key);
	unshare_counters(plugin, plugin->rx_keys);
	unshare_counters(plugin, plugin->tx_keys);
	plugin->rx_keys = plugin->tx_keys = NULL;
}

void map_publish_service(struct map *map, struct plugin *plugin)
{
	char key[MAP_KEY_LENGTH_MAX + 1];
	char name[128];

	snprintf(key, sizeof(key), "internal_configuration.service.%u.name", plugin->service.ring_id);
	snprintf(name, sizeof(name), "corosync_%s", plugin->name);
	map_set_string(map, key, name);
	snprintf(key, sizeof(key), "internal_configuration.service.%u.ver", plugin->service.ring_id);
	map_set_u32(map, key, 0);
	snprintf(key, sizeof(key), "runtime.services.%s.service_id", plugin->name);
	map_set_u16(map, key, (uint16_t)plugin->service.ring_id);
	map_publish_options(map, plugin);
	plugin->rx_keys = share_counters(map, plugin, "rx", plugin->rx);
	plugin->tx_keys = share_counters(map, plugin, "tx", plugin->tx);
}
