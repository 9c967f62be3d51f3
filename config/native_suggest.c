/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Suggestions for unknown names of coterie.conf, by spelling or by place
 * (book configuration, "Messages").
 */
#include "config/native.h"

#include <stdio.h>
#include <string.h>

#include "config/compat.h"
#include "config/words.h"

static bool has_room_for_errors(const struct native *native)
{
	return native->tree->messages->error_count < CONFIG_ERRORS_MAX;
}

/* Write the place of an option: "block 'totem'", "block 'transport udpu'", or "at top level". */
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

void native_unknown_option(
	struct native *native, const struct native_block *block, const char *name, struct place place)
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
		tree_error(tree, place, "unknown option '%s' %s: it belongs in block '%s'", name, where, row->block);
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
					   : strncmp(kind->path, path, length) == 0 && kind->path[length] == ' ' &&
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
		tree_error(native->tree, place, "block '%s' stands in the wrong place: move it to the top level", name);
	else
		tree_error(native->tree, place, "unknown block '%s': remove it", name);
}

/* --- options of plugins --- */

const struct described *native_describe(struct native *native, const struct native_block *block)
{
	bool is_transport = strcmp(block->kind->path, "transport") == 0;
	const char *name = is_transport && strcmp(block->title, "default") == 0 ? COMPAT_TRANSPORT : block->title;

	return describe(
		native->tree, native->environment, is_transport ? COTERIE_KIND_TRANSPORT : COTERIE_KIND_SERVICE, name);
}

bool native_is_plugin_option(
	struct native *native, const struct native_block *block, const char *name, struct place place)
{
	struct tree *tree = native->tree;
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name)) {
		native_unknown_option(native, block, name, place);
		return false;
	}
	const struct described *plugin = native_describe(native, block);

	/* Without a description, a wrong option is found when the plugin is loaded. */
	if (plugin == NULL || !plugin->is_described || described_option(plugin, name) != NULL)
		return true;
	const char *nearest = option_nearest(plugin->options, sizeof(plugin->options[0]), plugin->option_count, name);
	const char *near = nearest_option(block->kind->path, block->title, name);

	if (nearest == NULL && near != NULL)
		nearest = near;
	if (nearest != NULL)
		tree_error(tree, place, "%s %s has no option '%s': did you mean '%s'?", block->kind->name, block->title,
			name, nearest);
	else
		tree_error(tree, place, "%s %s has no option '%s': remove it", block->kind->name, block->title, name);
	return false;
}
