/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/daemon/departed.h"

#include <stdbool.h>
#include <string.h>

#include "config/model.h"
#include "exec/daemon/map_publish.h"
#include "exec/ring/ring.h"

static bool is_listed(const struct config *config, uint32_t nodeid)
{
	for (uint32_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].nodeid == nodeid)
			return true;
	return false;
}

static void take_out(struct departed *departed, uint32_t place)
{
	departed->count--;
	memmove(&departed->nodeids[place], &departed->nodeids[place + 1],
		(departed->count - place) * sizeof(departed->nodeids[0]));
}

static void note_joined(struct departed *departed, uint32_t nodeid)
{
	uint32_t place = 0;

	while (place < departed->count && departed->nodeids[place] != nodeid)
		place++;
	if (place < departed->count)
		take_out(departed, place);
}

void departed_note(struct departed *departed, const struct totem_configuration *configuration,
	const struct config *config, struct map *map, struct ring *ring)
{
	for (uint32_t i = 0; i < configuration->left_count; i++) {
		uint32_t oldest = departed->nodeids[0];

		if (departed->count == DEPARTED_MAX) {
			take_out(departed, 0);
			/* A reload may have added the node to the list since it left. */
			if (!is_listed(config, oldest)) {
				map_forget_member(map, oldest);
				ring_forget_node(ring, oldest);
			}
		}
		departed->nodeids[departed->count++] = configuration->left[i];
	}
	for (uint32_t i = 0; i < configuration->joined_count; i++)
		note_joined(departed, configuration->joined[i]);
}
