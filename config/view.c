/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The view of a configuration for the check of a plugin (<coterie/plugin.h>), and the report of that check. At a start
 * the view is of the configuration that is being read. At a reload it is of the one that has been read, and is used on
 * the thread that calls plugins.
 */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/native.h"

/* One configuration that is shown to one plugin after another. */
struct viewing {
	struct coterie_config_view view;
	struct coterie_config_report report;
	struct tree *tree;
	const struct config *config;
	struct coterie_config_key *keys;   /* one for each entry of the configuration, in the same order */
	struct coterie_config_key service; /* option of a service that find() returned last */
	char name[CONFIG_KEY_LENGTH_MAX + 1];
};

/* --- functions of the view --- */

static const struct coterie_config_key *find(const struct coterie_config_view *view, const char *key)
{
	const struct viewing *viewing = view->context;

	for (uint32_t i = 0; i < viewing->config->entry_count; i++)
		if (strcmp(viewing->keys[i].key, key) == 0)
			return &viewing->keys[i];
	return NULL;
}

static const struct coterie_config_key *next(
	const struct coterie_config_view *view, const char *prefix, const struct coterie_config_key *before)
{
	const struct viewing *viewing = view->context;
	const struct coterie_config_key *end = viewing->keys + viewing->config->entry_count;

	for (const struct coterie_config_key *key = before == NULL ? viewing->keys : before + 1; key < end; key++)
		if (strncmp(key->key, prefix, strlen(prefix)) == 0)
			return key;
	return NULL;
}

static const struct coterie_config_key *service(const struct coterie_config_view *view, const char *name)
{
	struct viewing *viewing = (struct viewing *)(uintptr_t)view->context;
	const struct config *config = viewing->config;

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct config_plugin *one = &config->services[i];

		if (strcmp(one->name, name) != 0)
			continue;
		viewing->service = (struct coterie_config_key){.key = one->name,
			.text = one->name,
			.file = one->file,
			.line = one->line,
			.type = COTERIE_MAP_STRING};
		return &viewing->service;
	}
	return NULL;
}

static const char *name(const struct coterie_config_view *view, const char *key)
{
	struct viewing *viewing = (struct viewing *)(uintptr_t)view->context;
	const char *dot = strrchr(key, '.'), *last = dot == NULL ? key : dot + 1;
	const struct coterie_option *option;
	const struct described *owner;
	char title[256];

	if (view->syntax != COTERIE_SYNTAX_COTERIE)
		return last;
	const struct native_row *row = native_row_of_key(key, view->transport, title, sizeof(title));

	if (row != NULL)
		return row->option.name;
	option = described_legacy(viewing->config->plugins, key, &owner);
	if (option == NULL)
		return last;
	snprintf(viewing->name, sizeof(viewing->name), "%s", option->name);
	for (char *at = viewing->name; *at != '\0'; at++)
		*at = *at == '_' ? '-' : *at;
	return viewing->name;
}

/* --- functions of the report --- */

static struct place place_of(const struct viewing *viewing, const struct coterie_config_key *at)
{
	if (at == NULL)
		return (struct place){.file = viewing->tree->file};
	return (struct place){.file = at->file, .line = at->line};
}

__attribute__((format(printf, 3, 4))) static void error(
	const struct coterie_config_report *report, const struct coterie_config_key *at, const char *format, ...)
{
	const struct viewing *viewing = report->context;
	va_list arguments;

	va_start(arguments, format);
	tree_error_list(viewing->tree, place_of(viewing, at), format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void warning(
	const struct coterie_config_report *report, const struct coterie_config_key *at, const char *format, ...)
{
	const struct viewing *viewing = report->context;
	va_list arguments;

	va_start(arguments, format);
	tree_warning_list(viewing->tree, place_of(viewing, at), format, arguments);
	va_end(arguments);
}

/* --- preparing a view --- */

static bool copy_keys(struct viewing *viewing, struct arena *arena)
{
	const struct config *config = viewing->config;

	viewing->keys = arena_take(arena, (config->entry_count + 1) * sizeof(*viewing->keys));
	for (uint32_t i = 0; viewing->keys != NULL && i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		viewing->keys[i] = (struct coterie_config_key){.key = entry->key,
			.text = entry->text,
			.file = entry->file,
			.line = entry->line,
			.type = entry->type,
			.number = config_number(entry->type, entry->size, entry->value)};
	}
	return viewing->keys != NULL;
}

static bool copy_nodes(struct viewing *viewing, struct arena *arena)
{
	const struct config *config = viewing->config;
	struct coterie_config_node *nodes = arena_take(arena, (config->node_count + 1) * sizeof(*nodes));

	for (uint32_t i = 0; nodes != NULL && i < config->node_count; i++) {
		const struct config_node *node = &config->nodes[i];

		nodes[i] = (struct coterie_config_node){.name = node->name,
			.position = node->position,
			.nodeid = node->nodeid,
			.is_local = i == config->local};
		for (uint32_t link = 0; link < node->link_count; link++)
			nodes[i].links |= node->texts[link] == NULL ? 0 : 1u << link;
	}
	viewing->view.nodes = nodes;
	viewing->view.node_count = config->node_count;
	viewing->view.node_size = sizeof(*nodes);
	return nodes != NULL;
}

static struct viewing *begin(struct tree *tree, const struct config *config, uint32_t purpose)
{
	struct viewing *viewing = arena_take(tree->arena, sizeof(*viewing));

	if (viewing == NULL)
		return NULL;
	viewing->tree = tree;
	viewing->config = config;
	viewing->view = (struct coterie_config_view){.size = sizeof(viewing->view),
		.key_size = sizeof(struct coterie_config_key),
		.syntax = config->format == CONFIG_FORMAT_COTERIE ? COTERIE_SYNTAX_COTERIE : COTERIE_SYNTAX_COROSYNC,
		.purpose = purpose,
		.transport = config->transport,
		.provider = config->quorum_provider,
		.context = viewing,
		.find = find,
		.next = next,
		.service = service,
		.name = name};
	viewing->report = (struct coterie_config_report){
		.size = sizeof(viewing->report), .context = viewing, .error = error, .warning = warning};
	return copy_keys(viewing, tree->arena) && copy_nodes(viewing, tree->arena) ? viewing : NULL;
}

/* --- entry points --- */

static void see(void *arg, const struct coterie_plugin *descriptor)
{
	const struct viewing *viewing = arg;

	if (COTERIE_HAS(descriptor, check))
		descriptor->check(&viewing->view, &viewing->report);
}

int view_check(struct tree *tree, const struct config *config, const struct config_environment *environment)
{
	const char *folders = config->is_builtin_only ? "" : config->plugin_path;
	struct viewing *viewing;
	bool is_service = false;

	if (environment->describe == NULL)
		return 0;
	viewing = begin(tree, config, environment->is_test ? COTERIE_CHECK_TEST : COTERIE_CHECK_START);
	if (viewing == NULL)
		return -ENOMEM;
	environment->describe(environment->arg, COTERIE_KIND_TRANSPORT, config->transport, folders, see, viewing);
	for (uint32_t i = 0; i < config->service_count; i++) {
		const char *one = config->services[i].name;

		is_service = is_service ||
			     (config->quorum_provider != NULL && strcmp(one, config->quorum_provider) == 0);
		environment->describe(environment->arg, COTERIE_KIND_SERVICE, one, folders, see, viewing);
	}
	if (config->quorum_provider != NULL && !is_service)
		environment->describe(
			environment->arg, COTERIE_KIND_SERVICE, config->quorum_provider, folders, see, viewing);
	return 0;
}

int config_check(struct config *config, const struct coterie_plugin *descriptor, struct config_messages *messages)
{
	struct tree tree = {.arena = config->arena, .file = config->file, .messages = messages};

	if (!COTERIE_HAS(descriptor, check))
		return 0;
	struct viewing *viewing = begin(&tree, config, COTERIE_CHECK_RELOAD);

	if (viewing == NULL)
		return -ENOMEM;
	see(viewing, descriptor);
	tree_messages_close(&tree);
	return tree.is_out_of_memory ? -ENOMEM : tree.has_error ? -EINVAL : 0;
}
