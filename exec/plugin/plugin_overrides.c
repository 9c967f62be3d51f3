/* SPDX-License-Identifier: BSD-3-Clause */
/* Options that were given when a plugin was loaded, in addition to the config file. */
#include "exec/plugin/plugin_load.h"

#include <stdlib.h>
#include <string.h>

struct plugin_overrides *plugin_overrides_create(const char *const *words, uint32_t count)
{
	struct plugin_overrides *overrides = calloc(1, sizeof(*overrides) + count * sizeof(char *));

	if (overrides == NULL)
		return NULL;
	for (; overrides->count < count; overrides->count++) {
		char *word = overrides->words[overrides->count] = strdup(words[overrides->count]);

		if (word == NULL) {
			plugin_overrides_destroy(overrides);
			return NULL;
		}
		/* '-' stands for '_' in an option's name, as in coterie.conf. */
		for (char *at = word; *at != '=' && *at != '\0'; at++)
			*at = *at == '-' ? '_' : *at;
	}
	return overrides;
}

void plugin_overrides_destroy(struct plugin_overrides *overrides)
{
	for (uint32_t i = 0; overrides != NULL && i < overrides->count; i++)
		free(overrides->words[i]);
	free(overrides);
}
