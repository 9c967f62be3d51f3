/*
 * Suggestions for unknown names of coterie.conf, by spelling or by place
 * (book configuration, "Messages").
 */
#include "config/native.h"

#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "config/words.h"

static bool has_room_for_errors(const struct native *native)
{
	return native->tree->messages->error_count < CONFIG_ERRORS_MAX;
}

/* Write "block 'totem'", "block 'transport udpu'", or "at top level". */
static void print_block(const struct native_block *block, char *text, size_t size)
{
	if (block->kind == NULL)
		snprintf(text, size, "at top level");
	else if (block->title != NULL)
		snprintf(text, size, "in block '%s %s'", block->kind->name, block->title);
	else
		snprintf(text, size, "in block '%s'", block->kind->name);
}

void native_example(const struct native_row *row, const char *name, char *text, size_t size)
{
	const char *value = "VALUE";

	if (row != NULL && row->option.initial != NULL)
		value = row->option.initial;
	else if (row != NULL && row->option.type == COTERIE_OPT_MS)
		value = "3s";
	else if (row != NULL && row->option.type == COTERIE_OPT_LIST)
		value = strcmp(name, "address") == 0 ? "HOST" : "{\"VALUE\"}";
	else if (row != NULL && (row->option.type == COTERIE_OPT_U32 || row->option.type == COTERIE_OPT_U64))
		value = "N";
	snprintf(text, size, "%s = %s", name, value);
}

/* Find the most similar name among the options of a block. */
static const char *nearest_option(const char *path, const char *transport, const char *name)
{
	uint32_t best = config_tolerance(name) + 1;
	const struct native_row *row;
	const char *nearest = NULL;

	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++) {
		if (strcmp(row->block, path) != 0 || (transport != NULL && !native_row_is_for(row, transport)))
			continue;
		uint32_t distance = config_distance(name, row->option.name, best);

		if (distance < best) {
			best = distance;
			nearest = row->option.name;
		}
	}
	return nearest;
}

/* Find a block that has an option of exactly this name. */
static const struct native_row *elsewhere(const char *name)
{
	const struct native_row *row;

	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++)
		if (strcmp(row->option.name, name) == 0)
			return row;
	return NULL;
}

/* Find the row of an option by its name in corosync.conf. */
static const struct native_row *from_corosync(const char *name)
{
	const struct native_row *row;

	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++) {
		const char *dot = row->path == NULL ? NULL : strrchr(row->path, '.');

		if (dot != NULL && strcmp(dot + 1, name) == 0)
			return row;
	}
	return NULL;
}

void native_unknown_option(struct native *native, const struct native_block *block,
	const char *name, struct place place)
{
	struct tree *tree = native->tree;
	const char *path = block->kind == NULL ? "" : block->kind->path;
	const char *transport = strcmp(path, "transport") == 0 ? block->title : NULL;
	char where[300];

	print_block(block, where, sizeof(where));
	if (!has_room_for_errors(native)) {
		tree_error(tree, place, "unknown option");
		return;
	}
	const struct native_row *row = elsewhere(name), *meant = from_corosync(name);
	const char *near = nearest_option(path, transport, name);

	if (near != NULL)
		tree_error(tree, place, "unknown option '%s' %s: did you mean '%s'?", name, where, near);
	else if (row != NULL)
		tree_error(tree, place, "unknown option '%s' %s: it belongs in block '%s'", name, where,
			row->block);
	else if (meant != NULL)
		tree_error(tree, place, "unknown option '%s' %s: write '%s' in block '%s'", name, where,
			meant->option.name, meant->block);
	else
		tree_error(tree, place, "unknown option '%s' %s: remove it", name, where);
}

void native_unknown_block(
	struct native *native, const struct native_block *parent, const char *name, struct place place)
{
	const char *path = parent->kind == NULL ? "" : parent->kind->path;
	size_t length = strlen(path);
	uint32_t best = config_tolerance(name) + 1;
	const struct native_kind *kind, *nearest = NULL, *other = NULL;

	if (!has_room_for_errors(native)) {
		tree_error(native->tree, place, "unknown block");
		return;
	}
	for (uint32_t i = 0; (kind = native_kind_at(i)) != NULL; i++) {
		bool is_here = length == 0 ? strchr(kind->path, ' ') == NULL
					   : strncmp(kind->path, path, length) == 0 &&
						     kind->path[length] == ' ' &&
						     strchr(kind->path + length + 1, ' ') == NULL;
		uint32_t distance = config_distance(name, kind->name, best);

		if (is_here && distance < best) {
			best = distance;
			nearest = kind;
		}
		if (!is_here && strcmp(kind->name, name) == 0)
			other = kind;
	}
	if (nearest != NULL && other == NULL)
		tree_error(native->tree, place, "unknown block '%s': did you mean '%s'?", name, nearest->name);
	else if (other != NULL && strchr(other->path, ' ') != NULL)
		tree_error(native->tree, place, "block '%s' stands in the wrong place: it belongs in block '%.*s'",
			name, (int)(strlen(other->path) - strlen(other->name) - 1), other->path);
	else if (other != NULL)
		tree_error(native->tree, place,
			"block '%s' stands in the wrong place: move it to the top level", name);
	else
		tree_error(native->tree, place, "unknown block '%s': remove it", name);
}

/* --- options of plugins --- */

/* Compare a plugin's option with a name in coterie.conf, where '-' stands for '_'. */
static bool is_same_name(const char *option, const char *written)
{
	for (; *option != '\0' && *written != '\0'; option++, written++)
		if (*option != (*written == '-' ? '_' : *written))
			return false;
	return *option == *written;
}

const struct coterie_option *native_plugin_option(
	const struct native_plugin *plugin, const char *written)
{
	for (uint32_t i = 0; i < plugin->option_count; i++)
		if (is_same_name(plugin->options[i].name, written))
			return &plugin->options[i];
	return NULL;
}

struct copying {
	struct native *native;
	struct native_plugin *plugin;
};

static const char *copy_text(struct tree *tree, const char *text)
{
	const char *copy = text == NULL ? NULL : arena_copy(tree->arena, text, strlen(text));

	if (text != NULL && copy == NULL)
		tree->is_out_of_memory = true;
	return copy;
}

/* Copy all texts: the plugin's file is closed when this returns. */
static void copy_options(void *arg, const struct coterie_plugin *descriptor)
{
	struct copying *copying = arg;
	struct tree *tree = copying->native->tree;
	uint32_t count = descriptor->option_count;
	struct coterie_option *options = arena_take(tree->arena, (count + 1) * sizeof(*options));

	if (options == NULL) {
		tree->is_out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct coterie_option *from =
			(const void *)((const char *)descriptor->options + (size_t)descriptor->option_size * i);

		options[i] = *from;
		options[i].name = copy_text(tree, from->name);
		options[i].initial = copy_text(tree, from->initial);
		options[i].choices = copy_text(tree, from->choices);
		options[i].help = copy_text(tree, from->help);
	}
	if (tree->is_out_of_memory)
		return;
	copying->plugin->options = options;
	copying->plugin->option_count = count;
	copying->plugin->is_described = true;
}

const struct native_plugin *native_plugin(struct native *native, uint32_t kind, const char *name)
{
	struct native_plugin *plugin;

	for (plugin = native->plugins; plugin != NULL; plugin = plugin->next)
		if (plugin->kind == kind && strcmp(plugin->name, name) == 0)
			return plugin;
	plugin = arena_take(native->tree->arena, sizeof(*plugin));
	if (plugin == NULL) {
		native->tree->is_out_of_memory = true;
		return NULL;
	}
	plugin->kind = kind;
	plugin->name = name;
	plugin->next = native->plugins;
	native->plugins = plugin;
	if (native->environment->describe != NULL) {
		struct copying copying = {native, plugin};

		native->environment->describe(
			native->environment->arg, kind, name, copy_options, &copying);
	}
	return plugin;
}

bool native_is_plugin_option(struct native *native, const struct native_block *block,
	const char *name, struct place place)
{
	uint32_t kind = strcmp(block->kind->name, "transport") == 0 ? COTERIE_KIND_TRANSPORT
								    : COTERIE_KIND_SERVICE;
	struct tree *tree = native->tree;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name)) {
		native_unknown_option(native, block, name, place);
		return false;
	}
	const struct native_plugin *plugin = native_plugin(native, kind, block->title);

	/* If the plugin cannot be read here, the code that loads it reports unknown options. */
	if (plugin == NULL || !plugin->is_described || native_plugin_option(plugin, name) != NULL)
		return true;
	const char *nearest = option_nearest(
		plugin->options, sizeof(plugin->options[0]), plugin->option_count, name);
	const char *near = nearest_option(block->kind->path, block->title, name);

	if (nearest == NULL && near != NULL)
		nearest = near;
	if (nearest != NULL)
		tree_error(tree, place, "%s %s has no option '%s': did you mean '%s'?", block->kind->name,
			block->title, name, nearest);
	else
		tree_error(tree, place, "%s %s has no option '%s': remove it", block->kind->name,
			block->title, name);
	return false;
}
