/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options that `coterie-ctl plugin load` gave to a service. They override the config file, so the map shows them in
 * place of the file's values while the service is loaded.
 */
#include "exec/life/map_options.h"

#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "exec/map/map.h"
#include "exec/plugin/plugin_load.h"

/* Get the key and the value of a word "NAME=VALUE". NULL: no such option, or a secret one. */
static const char *key_of(const struct plugin *plugin, const char *word, char *name, char *key)
{
	const struct coterie_plugin *descriptor = plugin->descriptor;
	size_t length = strcspn(word, "=");

	if (word[length] == '\0' || length >= MAP_KEY_LENGTH_MAX)
		return NULL;
	snprintf(name, MAP_KEY_LENGTH_MAX + 1, "%.*s", (int)length, word);
	const struct coterie_option *option = option_find(
		descriptor->options, descriptor->option_size, descriptor->option_count, name);
	int size = snprintf(key, MAP_KEY_LENGTH_MAX + 1, "service.%s.%s", plugin->name, name);

	if (option == NULL || (option->flags & COTERIE_OPT_SECRET) != 0 || size > MAP_KEY_LENGTH_MAX)
		return NULL;
	return word + length + 1;
}

void map_publish_options(struct map *map, const struct plugin *plugin)
{
	char name[MAP_KEY_LENGTH_MAX + 1], key[MAP_KEY_LENGTH_MAX + 1];

	/* Of two words with the same name the first one counts, so it is written last. */
	for (uint32_t i = plugin->overrides != NULL ? plugin->overrides->count : 0; i > 0; i--) {
		const char *value = key_of(plugin, plugin->overrides->words[i - 1], name, key);

		if (value != NULL)
			map_set_string(map, key, value);
	}
}

void map_unpublish_options(struct map *map, const struct config *config, const struct plugin *plugin)
{
	char name[MAP_KEY_LENGTH_MAX + 1], key[MAP_KEY_LENGTH_MAX + 1];

	for (uint32_t i = 0; plugin->overrides != NULL && i < plugin->overrides->count; i++) {
		if (key_of(plugin, plugin->overrides->words[i], name, key) == NULL)
			continue;
		const char *written = config_option_text(config, plugin->name, name, NULL, NULL);

		if (written != NULL)
			map_set_string(map, key, written);
		else
			map_delete(map, key);
	}
}

void map_option_names(const struct plugin *plugin, char *text, size_t size)
{
	char name[MAP_KEY_LENGTH_MAX + 1], key[MAP_KEY_LENGTH_MAX + 1];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; plugin->overrides != NULL && i < plugin->overrides->count && used < size; i++)
		if (key_of(plugin, plugin->overrides->words[i], name, key) != NULL)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used == 0 ? "" : " ", name);
}
