/* SPDX-License-Identifier: BSD-3-Clause */
/* The loaded plugins in their order, and files of unloaded plugins that are not closed yet. */
#include "exec/plugin/plugin_private.h"

#include <stdlib.h>
#include <string.h>

#include "exec/loop/loop.h"
#include "exec/plugin/plugin_watch.h"

struct plugin_closing {
	struct plugin_file *file;
	struct plugin_closing *next;
};

/* --- registry --- */

struct plugin_registry *plugin_registry_create(
	const struct plugin_parts *parts, const char *const *directories, uint32_t count)
{
	struct plugin_registry *registry = calloc(1, sizeof(*registry));

	if (registry == NULL)
		return NULL;
	registry->parts = *parts;
	registry->watch = plugin_watch_create(parts->loop, parts->stats, parts->config);
	if (registry->watch == NULL)
		goto free_registry;
	if (plugin_search_init(&registry->search, directories, count) < 0)
		goto destroy_watch;
	if (plugin_open_init() < 0)
		goto free_search;
	return registry;
free_search:
	plugin_search_fini(&registry->search);
destroy_watch:
	plugin_watch_destroy(registry->watch);
free_registry:
	free(registry);
	return NULL;
}

static void close_files(void *arg)
{
	struct plugin_registry *registry = arg;
	struct plugin_closing *closing = registry->closing;

	registry->close_timer = NULL;
	registry->closing = NULL;
	while (closing != NULL) {
		struct plugin_closing *next = closing->next;

		plugin_file_close(closing->file);
		free(closing);
		closing = next;
	}
}

void plugin_registry_destroy(struct plugin_registry *registry)
{
	if (registry == NULL)
		return;
	if (registry->close_timer != NULL)
		loop_timer_del(registry->parts.loop, registry->close_timer);
	close_files(registry);
	plugin_open_fini();
	plugin_search_fini(&registry->search);
	plugin_watch_destroy(registry->watch);
	free(registry);
}

struct plugin_watch *plugin_registry_watch(const struct plugin_registry *registry) { return registry->watch; }

struct plugin *plugin_first(const struct plugin_registry *registry)
{
	return registry != NULL ? registry->first : NULL;
}

struct plugin *plugin_by_name(const struct plugin_registry *registry, const char *name)
{
	struct plugin *plugin = plugin_first(registry);

	while (plugin != NULL && strcmp(plugin->name, name) != 0)
		plugin = plugin->next;
	return plugin;
}

struct plugin *plugin_by_ring_id(const struct plugin_registry *registry, uint32_t ring_id)
{
	struct plugin *plugin = plugin_first(registry);

	while (plugin != NULL &&
		(plugin->descriptor->kind != COTERIE_KIND_SERVICE || plugin->service.ring_id != ring_id))
		plugin = plugin->next;
	return plugin;
}

/* Rank in the list of plugins: services by ascending ring id, then all other plugins. */
static uint32_t rank(const struct plugin *plugin)
{
	return plugin->descriptor->kind == COTERIE_KIND_SERVICE ? plugin->service.ring_id : UINT32_MAX;
}

void plugin_enlist(struct plugin_registry *registry, struct plugin *plugin)
{
	struct plugin **place = &registry->first;

	while (*place != NULL && rank(*place) <= rank(plugin))
		place = &(*place)->next;
	plugin->next = *place;
	*place = plugin;
	plugin->is_beside = false;
}

void plugin_remove(struct plugin_registry *registry, struct plugin *plugin)
{
	struct plugin **place = &registry->first;

	while (*place != plugin)
		place = &(*place)->next;
	*place = plugin->next;
	plugin->next = NULL;
}

/* --- replacing a plugin by its successor --- */

void plugin_close_later(struct plugin_registry *registry, struct plugin_file *file)
{
	struct plugin_closing *closing = malloc(sizeof(*closing));
	struct loop *loop = registry->parts.loop;

	if (closing == NULL)
		return; /* the file stays mapped, which is harmless */
	*closing = (struct plugin_closing){.file = file, .next = registry->closing};
	registry->closing = closing;
	if (registry->close_timer == NULL && loop != NULL)
		registry->close_timer = loop_timer_add(loop, loop_now_ns(loop), close_files, registry);
}

void plugin_succeed(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor)
{
	struct plugin **place = &registry->first;

	while (*place != predecessor)
		place = &(*place)->next;
	plugin->next = predecessor->next;
	*place = plugin;
	predecessor->next = NULL;
	predecessor->is_beside = true;
	plugin->is_beside = false;
	/* writable() of the successor is called, since it sends the messages that its predecessor could not send. */
	plugin->wants_room |= predecessor->wants_room && plugin->service.writable != NULL;
	/* Messages belong to the place on the ring: the plugin that has it waits for them before it is unloaded. */
	plugin->underway += predecessor->underway;
	predecessor->underway = 0;
}

void plugin_retreat(struct plugin_registry *registry, struct plugin *plugin, struct plugin *predecessor)
{
	plugin_succeed(registry, predecessor, plugin);
}
