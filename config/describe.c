/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plugins that a configuration names, as their descriptors describe them. A descriptor is in a
 * file that is closed again, so its options are copied. At a reload the descriptors are those of
 * the plugins that run (config_fixed_describe): no file is opened then.
 */
#include "config/tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/compat.h"
#include "config/words.h"

/* --- copies --- */

static const char *copy_text(struct arena *arena, const char *text, bool *is_complete)
{
	const char *copy = text == NULL ? NULL : arena_copy(arena, text, strlen(text));

	*is_complete = *is_complete && (text == NULL || copy != NULL);
	return copy;
}

bool described_fill(struct arena *arena, struct described *plugin, const struct coterie_plugin *descriptor)
{
	uint32_t count = descriptor->option_count;
	struct coterie_option *options = arena_take(arena, (count + 1) * sizeof(*options));
	bool is_complete = options != NULL;

	for (uint32_t i = 0; i < count && is_complete; i++) {
		struct coterie_option *option = &options[i];

		*option = option_copy(descriptor->options, descriptor->option_size, i);
		option->name = copy_text(arena, option->name, &is_complete);
		option->initial = copy_text(arena, option->initial, &is_complete);
		option->choices = copy_text(arena, option->choices, &is_complete);
		option->help = copy_text(arena, option->help, &is_complete);
		option->legacy = copy_text(arena, option->legacy, &is_complete);
	}
	if (COTERIE_HAS(descriptor, log_name))
		plugin->log_name = copy_text(arena, descriptor->log_name, &is_complete);
	if (!is_complete)
		return false;
	plugin->options = options;
	plugin->option_count = count;
	plugin->is_described = true;
	return true;
}

struct copying {
	struct tree *tree;
	struct described *plugin;
};

static void see(void *arg, const struct coterie_plugin *descriptor)
{
	struct copying *copying = arg;
	struct tree *tree = copying->tree;

	if (!described_fill(tree->arena, copying->plugin, descriptor))
		tree->is_out_of_memory = true;
}

/* Return whether a name written in coterie.conf is the plugin's name. A '-' in coterie.conf counts as '_'. */
static bool is_name(const char *name, const char *written)
{
	for (; *name != '\0' && *written != '\0'; name++, written++)
		if (*name != (*written == '-' ? '_' : *written))
			return false;
	return *name == *written;
}

/* --- entry points --- */

struct described *described_add(struct arena *arena, struct described **list, uint32_t kind, const char *name)
{
	struct described *plugin = arena_take(arena, sizeof(*plugin));
	char *copy = arena_copy(arena, name, strlen(name));

	if (plugin == NULL || copy == NULL)
		return NULL;
	for (char *at = copy; *at != '\0'; at++)
		*at = *at == '-' ? '_' : *at;
	plugin->kind = kind;
	plugin->name = copy;
	plugin->next = *list;
	*list = plugin;
	return plugin;
}

struct described *described_find(struct described *list, uint32_t kind, const char *name)
{
	for (struct described *plugin = list; plugin != NULL; plugin = plugin->next)
		if (plugin->kind == kind && is_name(plugin->name, name))
			return plugin;
	return NULL;
}

/* Return the plugin folders that the file names. They are known only when the file has been read. */
static const char *folders_of(const struct tree *tree)
{
	const char *is_builtin_only = tree_text(tree, "coterie.plugins.builtin_only");

	return is_builtin_only != NULL && strcmp(is_builtin_only, "yes") == 0 ? ""
									      : tree_text(tree, "coterie.plugins.path");
}

const struct described *describe(
	struct tree *tree, const struct config_environment *environment, uint32_t kind, const char *name)
{
	struct described *plugin = described_find(tree->plugins, kind, name);
	const char *folders = folders_of(tree);

	if (plugin != NULL && (plugin->is_described || plugin->has_folders || folders == NULL))
		return plugin;
	if (plugin == NULL)
		plugin = described_add(tree->arena, &tree->plugins, kind, name);
	if (plugin == NULL) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	plugin->has_folders = folders != NULL;
	if (environment->describe != NULL) {
		struct copying copying = {tree, plugin};

		environment->describe(environment->arg, kind, plugin->name, folders, see, &copying);
	}
	return plugin;
}

const struct coterie_option *described_option(const struct described *plugin, const char *written)
{
	for (uint32_t i = 0; i < plugin->option_count; i++)
		if (is_name(plugin->options[i].name, written))
			return &plugin->options[i];
	return NULL;
}

const struct coterie_option *described_legacy(
	const struct described *list, const char *key, const struct described **owner)
{
	for (const struct described *plugin = list; plugin != NULL; plugin = plugin->next) {
		for (uint32_t i = 0; i < plugin->option_count; i++) {
			const char *legacy = plugin->options[i].legacy;

			if (legacy == NULL || strcmp(legacy, key) != 0)
				continue;
			*owner = plugin;
			return &plugin->options[i];
		}
	}
	return NULL;
}

bool described_logs_as(const struct described *list, const char *subsystem)
{
	for (const struct described *plugin = list; plugin != NULL; plugin = plugin->next) {
		const char *name = plugin->log_name, *at = plugin->name;

		if (!plugin->is_described)
			continue;
		if (name != NULL && strcmp(name, subsystem) == 0)
			return true;
		size_t i = 0;

		while (at[i] != '\0' && (char)toupper((unsigned char)at[i]) == subsystem[i])
			i++;
		if (name == NULL && at[i] == subsystem[i])
			return true;
	}
	return false;
}

/* --- the plugins of a configuration, and what corosync.conf says of their options --- */

void described_use(struct tree *tree, const struct config_environment *environment)
{
	const char *transport = tree->transport_plugin != NULL ? tree->transport_plugin
							       : tree_text(tree, "totem.transport");
	const char *provider = tree_text(tree, "quorum.provider");

	describe(tree, environment, COTERIE_KIND_TRANSPORT, transport != NULL ? transport : COMPAT_TRANSPORT);
	if (provider != NULL)
		describe(tree, environment, COTERIE_KIND_SERVICE, compat_provider_plugin(provider));
	for (uint32_t i = 0; i < tree->service_count; i++)
		describe(tree, environment, COTERIE_KIND_SERVICE, tree->services[i].name);
}

/* Check the value of an option. In corosync.conf it is under its legacy name, among keys of the executive. */
static void check_value(struct tree *tree, const struct coterie_option *option)
{
	const struct tree_item *item = tree_find(tree, option->legacy);
	struct coterie_option named = *option;
	char why[600];

	if (item == NULL || item->place.line == 0)
		return;
	named.name = strrchr(option->legacy, '.') + 1;
	if (option_value(&named, OPTION_PLAIN, item->text, NULL, why, sizeof(why)) < 0)
		tree_error(tree, item->place, "%s", why);
}

void described_check(struct tree *tree)
{
	for (const struct described *plugin = tree->plugins; plugin != NULL && !tree->is_native; plugin = plugin->next)
		for (uint32_t i = 0; i < plugin->option_count; i++)
			if (plugin->options[i].legacy != NULL)
				check_value(tree, &plugin->options[i]);
}

/* Return the legacy name that is most similar to a key, in the same section. */
static const char *nearest_legacy(const struct tree *tree, const char *key)
{
	size_t length = (size_t)(strrchr(key, '.') - key) + 1;
	uint32_t best = config_tolerance(key + length) + 1;
	const char *nearest = NULL;

	for (const struct described *plugin = tree->plugins; plugin != NULL; plugin = plugin->next)
		for (uint32_t i = 0; i < plugin->option_count; i++) {
			const char *legacy = plugin->options[i].legacy;

			if (legacy == NULL || strncmp(legacy, key, length) != 0 || strchr(legacy + length, '.') != NULL)
				continue;
			uint32_t distance = config_distance(key + length, legacy + length, best);

			if (distance < best) {
				best = distance;
				nearest = legacy + length;
			}
		}
	return nearest;
}

void described_warn_unknown(struct tree *tree)
{
	for (const struct unknown_key *key = tree->unknown; key != NULL; key = key->next) {
		const struct described *owner;

		if (described_legacy(tree->plugins, key->path, &owner) != NULL)
			continue;
		const char *near = nearest_legacy(tree, key->path);

		if (near == NULL)
			near = schema_suggest(tree, key->path);
		if (near != NULL)
			tree_warning(tree, key->place, "nothing uses '%s': did you mean '%s'?", key->path, near);
		else
			tree_warning(tree, key->place, "nothing uses '%s': it is only kept in the map", key->path);
	}
}
