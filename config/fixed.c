/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys that cannot change while the daemon runs (common/fixed_keys.h). If a file that is read again has
 * other values, the running values stay, and a message names each such key.
 */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#include "common/fixed_keys.h"
#include "config/compat.h"
#include "config/native.h"
#include "exec/map/map.h"

static const char provider_key[] = "quorum.provider";

struct fixed_value {
	const char *key, *text;
	uint32_t type;
	const void *value;
	uint32_t size;
	bool is_made; /* the checks have derived this key, and will do so again */
};

struct config_fixed {
	struct arena *arena;
	struct fixed_value *values;
	uint32_t count;
	uint32_t links;     /* by bit */
	bool has_crypto;    /* the fixed values include encryption */
	bool has_protocols; /* a link has a protocol that cannot change */
	struct described *plugins;
	enum config_format format;
	const char *drop_ins;
};

/* Return N of nodelist.node.POSITION.ringN_addr, or -1 for another key. */
static int link_of_address(const char *key)
{
	static const char prefix[] = "nodelist.node.";
	const char *name = strrchr(key, '.');

	if (strncmp(key, prefix, strlen(prefix)) != 0 || strncmp(name, ".ring", 5) != 0 || name[5] < '0' ||
		name[5] >= '0' + CONFIG_LINKS_MAX || strcmp(name + 6, "_addr") != 0)
		return -1;
	return name[5] - '0';
}

bool entry_is_made(const struct config_entry *entry)
{
	return entry->line == 0 && fixed_link_name(entry->key) != NULL &&
	       (entry->file == NULL || strcmp(entry->file, MAP_PLACE) != 0);
}

struct config_fixed *config_fixed_create(const struct config *config, bool can_rekey)
{
	struct arena *arena = arena_create();
	struct config_fixed *fixed = arena == NULL ? NULL : arena_take(arena, sizeof(*fixed));

	if (fixed == NULL)
		goto no_memory;
	fixed->arena = arena;
	fixed->has_crypto = !can_rekey;
	fixed->format = config->format;
	fixed->drop_ins = config->drop_ins == NULL ? NULL
						   : arena_copy(arena, config->drop_ins, strlen(config->drop_ins));
	if (config->drop_ins != NULL && fixed->drop_ins == NULL)
		goto no_memory;
	fixed->has_protocols = !is_ip_transport(config->transport);
	fixed->values = arena_take(arena, (config->entry_count + 1) * sizeof(*fixed->values));
	if (fixed->values == NULL)
		goto no_memory;
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		struct fixed_value *value = &fixed->values[fixed->count];

		int link = link_of_address(entry->key);

		if (link >= 0)
			fixed->links |= 1u << link;
		if (!fixed_is_key(entry->key, can_rekey))
			continue;
		value->key = arena_copy(arena, entry->key, strlen(entry->key));
		value->text = arena_copy(arena, entry->text, strlen(entry->text));
		value->value = arena_copy(arena, entry->value, entry->size);
		if (value->key == NULL || value->text == NULL || value->value == NULL)
			goto no_memory;
		value->type = entry->type;
		value->size = entry->size;
		value->is_made = entry_is_made(entry) ||
				 (config->is_provider_default && strcmp(entry->key, provider_key) == 0);
		fixed->count++;
	}
	return fixed;
no_memory:
	if (arena != NULL)
		arena_destroy(arena);
	return NULL;
}

enum config_format config_fixed_format(const struct config_fixed *fixed) { return fixed->format; }

const char *config_fixed_drop_ins(const struct config_fixed *fixed) { return fixed->drop_ins; }

void config_fixed_destroy(struct config_fixed *fixed)
{
	if (fixed != NULL)
		arena_destroy(fixed->arena);
}

int config_fixed_describe(struct config_fixed *fixed, const struct coterie_plugin *descriptor)
{
	struct described *plugin = described_add(fixed->arena, &fixed->plugins, descriptor->kind, descriptor->name);

	return plugin != NULL && described_fill(fixed->arena, plugin, descriptor) ? 0 : -ENOMEM;
}

int config_fixed_plugins(const struct config_fixed *fixed, struct tree *tree)
{
	for (const struct described *from = fixed->plugins; from != NULL; from = from->next) {
		const struct coterie_plugin descriptor = {.size = sizeof(descriptor),
			.options = from->options,
			.option_count = from->option_count,
			.option_size = sizeof(struct coterie_option),
			.log_name = from->log_name};
		struct described *plugin = described_add(tree->arena, &tree->plugins, from->kind, from->name);

		if (plugin == NULL || !described_fill(tree->arena, plugin, &descriptor))
			return -ENOMEM;
	}
	return 0;
}

static const struct fixed_value *find_value(const struct config_fixed *fixed, const char *key)
{
	for (uint32_t i = 0; i < fixed->count; i++)
		if (strcmp(fixed->values[i].key, key) == 0)
			return &fixed->values[i];
	return NULL;
}

static void set_value(struct tree *tree, const struct fixed_value *value)
{
	const struct place place = tree_place(tree, value->key);

	if (value->type == COTERIE_MAP_STRING)
		tree_set_string(tree, value->key, value->value, place);
	else
		tree_set_number(
			tree, value->key, value->type, config_number(value->type, value->size, value->value), place);
}

static bool is_same(const struct tree_item *item, const struct fixed_value *value)
{
	return item->type == value->type && item->size == value->size &&
	       memcmp(item->value, value->value, value->size) == 0;
}

/* Return the name of a key's option in coterie.conf. */
static const char *option_name(const char *key, const char *transport)
{
	char title[256];
	const struct native_row *row = native_row_of_key(key, transport, title, sizeof(title));

	if (row != NULL)
		return row->option.name;
	return strcmp(key, "totem.transport") == 0 ? "transport" : key;
}

/*
 * Add a message with the value in the file and the value that stays, in the words of the file's
 * syntax.
 */
static void tell_kept(struct tree *tree, const char *key, const struct tree_item *item, const struct fixed_value *value)
{
	const char *transport = tree_text(tree, "totem.transport");
	struct map_value running = {0};
	char text[64] = "";
	const char *before = "its default";

	if (value != NULL && value->type == COTERIE_MAP_STRING) {
		before = value->value;
	} else if (value != NULL) {
		running = (struct map_value){.type = value->type, .size = value->size, .bytes = value->value};
		if (config_integer_text(&running, text, sizeof(text)))
			before = text;
	}
	tree_notice(tree, "'%s' changed from %s to %s: takes effect only at restart, kept %s",
		option_name(key, transport == NULL ? COMPAT_TRANSPORT : transport), before,
		item == NULL ? "its default" : item->text, before);
}

static void keep_one(struct tree *tree, const char *key, const struct fixed_value *value)
{
	const struct tree_item *item = tree_find(tree, key);
	/* no provider is configured: do not use the default provider again */
	bool is_none = tree->has_no_provider && strcmp(key, provider_key) == 0;
	bool is_made = value != NULL && value->is_made && !is_none;

	if (item == NULL && (value == NULL || is_made))
		return;
	if (item != NULL && value != NULL && is_same(item, value))
		return;
	if (tree->is_native)
		tell_kept(tree, key, item, value);
	else
		tree_notice(tree, "Modified entry '%s' in corosync.conf cannot be changed at run-time", key);
	if (strcmp(key, "totem.key") != 0)
		tree_restart(tree, "%s %s -> %s", key, value == NULL || is_made ? "(none)" : value->text,
			item == NULL ? "(none)" : item->text);
	if (value != NULL && !is_made)
		set_value(tree, value);
	else
		tree_delete(tree, key);
}

/* --- links --- */

static void refuse_protocol(struct tree *tree, const char *key, uint32_t link, const struct fixed_value *value)
{
	const char *text = tree_text(tree, key), *now = text == NULL ? "udp" : text;
	const char *before = value == NULL ? "udp" : value->value;

	if (strcmp(now, before) != 0)
		tree_error(tree, tree_place(tree, key), COMPAT_TEXT_LINK_PROTOCOL, link, now, before);
}

static void keep_link(struct tree *tree, const struct config_fixed *fixed, uint32_t link, enum fixed_source source)
{
	char key[64];

	for (size_t i = 0; i < fixed_link_keys.count; i++) {
		snprintf(key, sizeof(key), "totem.interface.%u.%s", link, fixed_link_keys.list[i]);
		keep_one(tree, key, find_value(fixed, key));
	}
	for (size_t i = 0; source == FIXED_MAP && i < fixed_refused_link_keys.count; i++) {
		snprintf(key, sizeof(key), "totem.interface.%u.%s", link, fixed_refused_link_keys.list[i]);
		keep_one(tree, key, find_value(fixed, key));
	}
	snprintf(key, sizeof(key), "totem.interface.%u." COMPAT_LINK_PROTOCOL, link);
	if (source == FIXED_FILE && fixed->has_protocols)
		refuse_protocol(tree, key, link, find_value(fixed, key));
}

void fixed_keep(struct tree *tree, const struct config_fixed *fixed, enum fixed_source source)
{
	uint32_t links = 0;

	for (size_t i = 0; i < fixed_keys.count; i++) {
		const char *key = fixed_keys.list[i];
		const struct fixed_value *value = find_value(fixed, key);

		/* A file may add a provider where none was configured. */
		if (value != NULL || source != FIXED_FILE || strcmp(key, provider_key) != 0)
			keep_one(tree, key, value);
	}
	for (size_t i = 0; fixed->has_crypto && i < fixed_crypto_keys.count; i++)
		keep_one(tree, fixed_crypto_keys.list[i], find_value(fixed, fixed_crypto_keys.list[i]));
	for (uint32_t i = 0; i < tree->count; i++) {
		int link = link_of_address(tree->items[i].key);

		if (link >= 0)
			links |= 1u << link;
	}
	for (uint32_t link = 0; link < CONFIG_LINKS_MAX; link++)
		if ((links & fixed->links & 1u << link) != 0)
			keep_link(tree, fixed, link, source);
}
