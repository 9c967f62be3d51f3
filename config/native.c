/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Converts blocks of coterie.conf to keys: merges the files, then handles the options of each
 * block.
 */
#include "config/native.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/compat.h"
#include "config/native_keys.h"
#include "config/words.h"

#define PLUGIN_NAMES_MAX 4000

/* --- merging: later files override earlier ones --- */

static int append_values(struct tree *tree, struct native_setting *to, const struct native_setting *from)
{
	const char **values = arena_take(tree->arena, (to->count + from->count + 1) * sizeof(*values));

	if (values == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < to->count; i++)
		values[i] = to->values[i];
	for (uint32_t i = 0; i < from->count; i++)
		values[to->count + i] = from->values[i];
	to->values = values;
	to->count += from->count;
	return 0;
}

static int merge_settings(struct tree *tree, struct native_block *into, struct native_block *from)
{
	struct native_setting *next;

	for (struct native_setting *at = from->settings; at != NULL; at = next) {
		struct native_setting *known = native_setting_named(into, at->name);

		next = at->next;
		at->next = NULL;
		if (at->values == NULL)
			continue; /* an option with `+=`, whose values were added to the first
				   * setting of the file */
		if (known == NULL) {
			if (into->last_setting == NULL)
				into->settings = at;
			else
				into->last_setting->next = at;
			into->last_setting = at;
		} else if (at->is_append) {
			if (append_values(tree, known, at) < 0)
				return -ENOMEM;
		} else {
			known->values = at->values;
			known->count = at->count;
			known->place = at->place;
			known->is_list = at->is_list;
		}
	}
	return 0;
}

static struct native_block *find_block(struct native_block *parent, const struct native_block *like)
{
	for (struct native_block *at = parent->blocks; at != NULL; at = at->next)
		if (at->kind == like->kind && (like->title == NULL || strcmp(at->title, like->title) == 0))
			return at;
	return NULL;
}

/*
 * Merge a block of a later file into that of an earlier file. Blocks without a title are mixed. A block with a title
 * replaces the earlier block of the same title as a whole.
 */
static int merge(struct tree *tree, struct native_block *into, struct native_block *from)
{
	int rc = merge_settings(tree, into, from);

	for (struct native_block *at = from->blocks; at != NULL && rc == 0; at = at->next) {
		struct native_block *known = find_block(into, at);

		if (known == NULL) {
			known = native_block_add(tree, into, at);
		} else if (known->title != NULL) {
			known->settings = known->last_setting = NULL;
			known->blocks = known->last_block = NULL;
			known->place = at->place;
		}
		rc = known == NULL ? -ENOMEM : merge(tree, known, at);
	}
	return rc;
}

/* --- one option --- */

bool native_is_logging(const struct native_block *block)
{
	return block->kind != NULL && strncmp(block->kind->path, "log", 3) == 0 &&
	       (block->kind->path[3] == '\0' || block->kind->path[3] == ' ');
}

void native_refuse(
	struct tree *tree, const struct native_block *block, const struct native_setting *setting, const char *why)
{
	if (native_is_logging(block))
		tree_log_error(tree, setting->place, "%s", why);
	else
		tree_error(tree, setting->place, "%s", why);
}

bool native_check(struct tree *tree, const struct native_block *block, const struct native_setting *setting,
	const char *text, uint64_t *number)
{
	char why[600];

	if (native_value(&setting->row->option, setting->row->form, text, number, why, sizeof(why)) == 0)
		return true;
	native_refuse(tree, block, setting, why);
	return false;
}

/* Write the key of a row that belongs to a block with a title. */
static void print_key(const struct native_row *row, const char *index, char *key, size_t size)
{
	static const char *const parts[] = {"totem.interface.", "nodelist.node.", "logging.logger_subsys."};
	const char *path = row->path;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t length = strlen(parts[i]);

		if (strncmp(path, parts[i], length) == 0) {
			snprintf(key, size, "%s%s.%s", parts[i], index, path + length);
			return;
		}
	}
	snprintf(key, size, "%s", path);
}

void native_set_simple(
	struct tree *tree, const struct native_block *block, const struct native_setting *setting, const char *index)
{
	const struct native_row *row = setting->row;
	char key[CONFIG_KEY_LENGTH_MAX + 1], value[4200], why[600];

	if (setting->count == 0)
		return;
	if (native_to_key(row, setting->values[0], value, sizeof(value), why, sizeof(why)) < 0) {
		native_refuse(tree, block, setting, why);
		return;
	}
	print_key(row, index, key, sizeof(key));
	if (row->is_path)
		snprintf(value, sizeof(value), "%s", native_absolute(tree, setting->values[0], setting->place));
	const struct tree_item *item = tree_find(tree, key);

	if (item != NULL && item->place.line != 0) {
		tree_error(tree, setting->place, "'%s' is already set at %s:%u: keep one", setting->name,
			item->place.file, item->place.line);
		return;
	}
	legacy_store(tree, key, row->path, value, setting->place);
}

/* Set the options of a block that the table describes completely. Other options are set by a function of the block. */
static void set_simple(struct tree *tree, const struct native_block *block, const char *index)
{
	for (const struct native_setting *at = block->settings; at != NULL; at = at->next)
		if (at->row != NULL && at->row->form != FORM_SPECIAL)
			native_set_simple(tree, block, at, index);
}

/* --- blocks --- */

/* A block of a plugin. */
struct plugin_block {
	uint32_t kind; /* COTERIE_KIND_* */
	const char *name;
};

static void set_link(struct native *native, const struct native_block *block)
{
	struct tree *tree = native->tree;
	int64_t number;

	if (config_parse_integer(block->title, INT32_MIN, INT32_MAX, &number) < 0) {
		tree_error(tree, block->place, "'%s' is not a link number: use 0 to 7", block->title);
	} else if (number < 0 || number >= CONFIG_LINKS_MAX) {
		tree_error(tree, block->place, "link number %s: must be between 0 and %d", block->title,
			CONFIG_LINKS_MAX - 1);
	} else if (number > 0 && is_ip_transport(native->transport)) {
		tree_error(tree, block->place, "transport %s has one link: remove block 'link %s' or use %s",
			native->transport, block->title, COMPAT_TRANSPORT);
	} else {
		char index[8];

		snprintf(index, sizeof(index), "%d", (int)number);
		set_simple(tree, block, index);
	}
}

/* Set the key of a plugin's option. A legacy name's value has the form of corosync.conf. */
static void set_plugin_key(struct tree *tree, const struct plugin_block *plugin, const struct coterie_option *option,
	const char *name, const char *text, uint64_t number, struct place place)
{
	char key[2 * CONFIG_KEY_LENGTH_MAX], plain[32];

	if (option != NULL && (option->flags & COTERIE_OPT_SECRET) != 0)
		return;
	if (option != NULL && option->legacy != NULL) {
		if (option->type == COTERIE_OPT_BOOL)
			text = number != 0 ? "yes" : "no";
		if (option->type == COTERIE_OPT_MS) {
			snprintf(plain, sizeof(plain), "%" PRIu64, number);
			text = plain;
		}
		legacy_store(tree, option->legacy, option->legacy, text, place);
	} else if (plugin->kind == COTERIE_KIND_SERVICE) {
		snprintf(key, sizeof(key), "service.%s.%s", plugin->name, name);
		legacy_store(tree, key, key, text, place);
	}
}

/*
 * Return whether the plugin has the option, or report an error. If the file names the plugin folders, the plugin was
 * not described before.
 */
static bool has_option(struct tree *tree, const struct native_block *block, const struct native_setting *at,
	const struct described *described, const struct coterie_option *option)
{
	if (option != NULL || !described->is_described)
		return true;
	tree_error(tree, at->place, "%s %s has no option '%s': remove it", block->kind->name, block->title, at->name);
	return false;
}

/* Set the options of a plugin, for its load, and as keys. */
static void set_plugin_options(
	struct native *native, const struct native_block *block, const struct plugin_block *plugin)
{
	struct tree *tree = native->tree;
	const struct described *described = native_describe(native, block);

	for (const struct native_setting *at = block->settings; at != NULL && described != NULL; at = at->next) {
		const struct coterie_option *option = described_option(described, at->name);
		char name[256], why[600], text[4200] = "";
		uint64_t number = 0;

		if (at->row != NULL || !has_option(tree, block, at, described, option))
			continue;
		snprintf(name, sizeof(name), "%s", at->name);
		for (char *dash = name; *dash != '\0'; dash++)
			*dash = *dash == '-' ? '_' : *dash;
		for (uint32_t i = 0; i < at->count && strlen(text) < sizeof(text) - 1; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i == 0 ? "" : " ",
				at->values[i]);
		if (strlen(text) > 4095) {
			tree_error(tree, at->place, "'%s' is longer than 4095 characters: shorten it", at->name);
			continue;
		}
		if (option != NULL && option->type != COTERIE_OPT_LIST && at->is_list) {
			tree_error(tree, at->place, "'%s' takes one value: remove the braces", at->name);
			continue;
		}
		if (option != NULL && native_value(option, FORM_TEXT, text, &number, why, sizeof(why)) < 0) {
			native_refuse(tree, block, at, why);
			continue;
		}
		if (option != NULL && option->type == COTERIE_OPT_MS)
			snprintf(text, sizeof(text), "%" PRIu64 "ms", number);
		if (option != NULL && option->type == COTERIE_OPT_SIZE)
			snprintf(text, sizeof(text), "%" PRIu64, number);
		tree_add_option(tree, plugin->name, name, text, at->place);
		set_plugin_key(tree, plugin, option, name, text, number, at->place);
	}
}

/*
 * Return the plugin's name in the form of its file name, with '_' in place of '-'. NULL: it is not
 * a valid name.
 */
static const char *plugin_name(struct native *native, const struct native_block *block)
{
	struct tree *tree = native->tree;
	char *name = arena_copy(tree->arena, block->title, strlen(block->title));

	if (name == NULL) {
		tree->is_out_of_memory = true;
		return NULL;
	}
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '-' ? '_' : *at;
	if (*name == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name)) {
		tree_error(tree, block->place, "'%s' is no plugin name: use a-z, 0-9 and '-'", block->title);
		return NULL;
	}
	return name;
}

static void set_transport(struct native *native, const struct native_block *block)
{
	struct tree *tree = native->tree;
	const char *name = plugin_name(native, block);

	if (name == NULL)
		return;
	if (native->transport_place.line != 0) {
		tree_error(tree, block->place,
			"second transport '%s': only one transport can be used, the first is at %s:%u", block->title,
			native->transport_place.file, native->transport_place.line);
		return;
	}
	native->transport_place = block->place;
	/* "default" means the transport that a file without this block uses. */
	if (strcmp(name, "default") == 0) {
		name = native->transport;
	} else {
		native->transport = name;
		tree_set_string(tree, "totem.transport", name, block->place);
	}
	set_simple(tree, block, "0");
	native_set_transport(tree, block);
	set_plugin_options(native, block, &(struct plugin_block){COTERIE_KIND_TRANSPORT, name});
}

/* Add the service to the key that lists all services that the file removes. */
static void remove_service(struct tree *tree, const char *name, struct place place)
{
	static const char key[] = "coterie.plugins.without";
	const char *before = tree_text(tree, key);
	char names[PLUGIN_NAMES_MAX];

	if (before != NULL && config_has_word(before, name))
		return;
	int length = snprintf(
		names, sizeof(names), "%s%s%s", before == NULL ? "" : before, before == NULL ? "" : " ", name);

	if ((size_t)length >= sizeof(names))
		tree_error(tree, place, "too many services are not enabled: remove some blocks");
	else
		tree_set_string(tree, key, names, place);
}

static void set_service(struct native *native, const struct native_block *block)
{
	struct tree *tree = native->tree;
	const struct native_setting *enabled = native_setting_find(block, "enabled");
	const char *name = plugin_name(native, block);
	uint64_t is_enabled = 1;

	if (name == NULL)
		return;
	if (enabled != NULL && !native_check(tree, block, enabled, enabled->values[0], &is_enabled))
		return;
	if (is_enabled == 0) {
		remove_service(tree, name, enabled->place);
		return;
	}
	tree_add_service(tree, name, block->place);
	set_plugin_options(native, block, &(struct plugin_block){COTERIE_KIND_SERVICE, name});
}

static void set_block(struct native *native, const struct native_block *block, uint32_t *node_count)
{
	struct tree *tree = native->tree;
	const char *path = block->kind->path;

	if (strcmp(path, "link") == 0) {
		set_link(native, block);
	} else if (strcmp(path, "node") == 0) {
		char index[16];

		snprintf(index, sizeof(index), "%u", (*node_count)++);
		set_simple(tree, block, index);
		native_set_node(tree, block, index);
	} else if (strcmp(path, "service") == 0) {
		set_service(native, block);
	} else if (strcmp(path, "log subsystem") == 0) {
		set_simple(tree, block, block->title);
		native_set_subsystem(tree, block);
	} else if (strcmp(path, "instance") == 0) {
		native_set_instance(tree, block);
	} else if (strcmp(path, "transport") != 0) {
		set_simple(tree, block, "");
		native_set_special(tree, block);
	}
	for (const struct native_block *at = block->blocks; at != NULL; at = at->next)
		set_block(native, at, node_count);
}

/*
 * Set the keys of all blocks. `plugins` is first: its services come before those of blocks, and it may name the plugin
 * folders. Then the transport, on which other blocks depend.
 */
static void set_blocks(struct native *native, const struct native_block *top)
{
	uint32_t node_count = 0;

	for (const struct native_block *at = top->blocks; at != NULL; at = at->next)
		if (strcmp(at->kind->path, "plugins") == 0)
			set_block(native, at, &node_count);
	for (const struct native_block *at = top->blocks; at != NULL; at = at->next)
		if (strcmp(at->kind->path, "transport") == 0)
			set_transport(native, at);
	for (const struct native_block *at = top->blocks; at != NULL; at = at->next)
		if (strcmp(at->kind->path, "plugins") != 0)
			set_block(native, at, &node_count);
}

int native_read(struct tree *tree, const char *file, const char *bytes, size_t size,
	const struct config_environment *environment, const char *drop_ins, bool has_files)
{
	struct native native = {
		.tree = tree, .environment = environment, .has_files = has_files, .transport = COMPAT_TRANSPORT};
	struct native_block top = {0};
	int rc = native_files(&native, file, bytes, size, has_files ? drop_ins : NULL);

	tree->is_native = true;
	tree->is_partial = tree->has_error;
	for (struct native_file *at = native.files; at != NULL && rc == 0; at = at->next)
		rc = native_parse(&native, at);
	if (rc < 0 || (tree->has_error && !tree->is_partial))
		return rc; /* libconfuse has reported an error */
	for (struct native_file *at = native.files; at != NULL && rc == 0; at = at->next)
		rc = merge(tree, &top, &at->top);
	if (rc < 0)
		return rc;
	tree_set_number(tree, "totem.version", COTERIE_MAP_U32, 2, (struct place){.file = tree->file});
	set_blocks(&native, &top);
	native_set_keys(&native, &top);
	tree_errors_sort(tree);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}
