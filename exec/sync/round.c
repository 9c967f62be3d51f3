/* SPDX-License-Identifier: BSD-3-Clause */
#include "exec/sync/round.h"

#include "exec/plugin/plugin.h"
#include "exec/plugin/plugin_watch.h"
#include "exec/totem/node_set.h"

static const char purpose[] = "synchronisation";

bool round_has(const struct plugin *plugin)
{
	return plugin != NULL && plugin->descriptor->kind == COTERIE_KIND_SERVICE &&
	       plugin->service.sync_step != NULL;
}

struct plugin *round_find(const struct plugin_registry *plugins, uint32_t ring_id)
{
	struct plugin *plugin = plugin_by_ring_id(plugins, ring_id);

	return round_has(plugin) ? plugin : NULL;
}

void round_start(struct plugin *plugin, const struct node_set *together, const struct coterie_configuration *regular)
{
	bool was_deaf = plugin->is_deaf;
	struct plugin_call call;

	plugin_enter(&call, plugin, purpose);
	plugin->is_deaf = false;
	if (was_deaf && plugin->service.configuration != NULL)
		plugin->service.configuration(plugin->self, regular);
	if (plugin->service.sync_start != NULL)
		plugin->service.sync_start(plugin->self, together->ids, together->count, regular);
	plugin_leave(&call);
}

bool round_step(struct plugin *plugin)
{
	struct plugin_call call;

	plugin_enter(&call, plugin, purpose);
	int rc = plugin->service.sync_step(plugin->self);

	plugin_leave(&call);
	return rc == 0;
}

void round_end(struct plugin *plugin, bool is_complete)
{
	void (*end)(void *self) = is_complete ? plugin->service.sync_done : plugin->service.sync_abort;
	struct plugin_call call;

	if (end == NULL)
		return;
	plugin_enter(&call, plugin, purpose);
	end(plugin->self);
	plugin_leave(&call);
}
