/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds a configuration from keys of the map that clients have changed
 * (book configuration, "Reload"). It uses the tree of the running configuration, but takes the sections totem and
 * logging from the map.
 */
#include "config/tree.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <coterie/plugin.h>

#include "config/compat.h"
#include "config/legacy.h"
#include "exec/map/map.h"

static const char *const changeable[] = {"logging.", "totem."};

#define CHANGEABLE (sizeof(changeable) / sizeof(changeable[0]))
#define SUBSYSTEM_KEYS_MAX 1000 /* most keys of subsystems: clients choose the names, so they could add any number */

static const char interface_prefix[] = "totem.interface.";
static const char subsystem_prefix[] = "logging.logger_subsys.";

struct revision {
	struct tree *tree;
	const struct config *running;
	struct map *map;
	uint32_t subsystem_keys; /* number of keys of subsystems in the map */
};

static bool is_changeable(const char *key)
{
	for (size_t i = 0; i < CHANGEABLE; i++)
		if (strncmp(key, changeable[i], strlen(changeable[i])) == 0)
			return true;
	return false;
}

/* --- answers from the running configuration --- */

static int resolve(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	const struct config *running = arg;

	for (uint32_t i = 0; i < running->node_count; i++) {
		const struct config_node *node = &running->nodes[i];

		for (uint32_t link = 0; link < node->link_count; link++)
			if (node->texts[link] != NULL && strcmp(node->texts[link], name) == 0 &&
				node->addresses[link].ss_family == family) {
				*address = node->addresses[link];
				return 0;
			}
	}
	return -ENOENT;
}

/* Not called, since the node is known by its id. */
static bool is_local(void *arg, const struct sockaddr *address)
{
	(void)arg, (void)address;
	return false;
}

/* --- the tree --- */

/* Store a key. In a file, "totem.interface.0.ttl" is "totem.interface.ttl" in a section that has the number. */
static void store(struct tree *tree, const char *key, const char *text)
{
	const size_t length = strlen(interface_prefix);
	char path[MAP_KEY_LENGTH_MAX + 1];

	snprintf(path, sizeof(path), "%s", key);
	if (strncmp(key, interface_prefix, length) == 0) {
		const char *rest = key + length + strspn(key + length, "0123456789");

		if (*rest == '.')
			snprintf(path, sizeof(path), "%s%s", interface_prefix, rest + 1);
	}
	legacy_store(tree, key, path, text, (struct place){.file = MAP_PLACE});
}

/* Store a value of the map. false: it is neither a text nor an integer, and is not stored */
static bool store_value(struct tree *tree, const char *key, const struct map_value *value)
{
	char text[32];

	if (value->type == COTERIE_MAP_STRING)
		store(tree, key, value->bytes);
	else if (config_integer_text(value, text, sizeof(text)))
		store(tree, key, text);
	else
		return false;
	return true;
}

/* Copy the text, since the running configuration will be freed. */
static const char *copy(struct tree *tree, const char *text)
{
	const char *made = text == NULL ? NULL : arena_copy(tree->arena, text, strlen(text));

	tree->is_out_of_memory = tree->is_out_of_memory || (made == NULL && text != NULL);
	return made;
}

static void keep_entry(struct tree *tree, const struct config_entry *entry)
{
	struct place place = {.file = copy(tree, entry->file), .line = entry->line};

	if (entry->type == COTERIE_MAP_STRING)
		tree_set_string(tree, entry->key, entry->value, place);
	else
		tree_set_number(
			tree, entry->key, entry->type, config_number(entry->type, entry->size, entry->value), place);
}

static bool is_of_subsystem(const char *key) { return strncmp(key, subsystem_prefix, strlen(subsystem_prefix)) == 0; }

/*
 * Add the keys of the running configuration. Those of the map's sections get the values of the map.
 */
static void add_running(struct revision *revision)
{
	const struct config *running = revision->running;
	struct map_value value;

	for (uint32_t i = 0; i < running->entry_count; i++) {
		const struct config_entry *entry = &running->entries[i];

		if (strncmp(entry->key, "runtime.", 8) == 0)
			continue;
		if (entry_is_made(entry))
			continue;
		/* The secret key is not in the map. */
		if (revision->map == NULL || !is_changeable(entry->key) || strcmp(entry->key, "totem.key") == 0) {
			keep_entry(revision->tree, entry);
			continue;
		}
		if (map_get(revision->map, entry->key, &value) < 0)
			continue;
		revision->subsystem_keys += is_of_subsystem(entry->key);
		if (!store_value(revision->tree, entry->key, &value))
			keep_entry(revision->tree, entry);
	}
}

/* --- keys that the running configuration does not have --- */

static bool has_made(const struct config *running, const char *key)
{
	for (uint32_t i = 0; i < running->entry_count; i++)
		if (entry_is_made(&running->entries[i]) && strcmp(running->entries[i].key, key) == 0)
			return true;
	return false;
}

static void add_new(const struct revision *revision, const char *key, const struct map_value *value)
{
	if (tree_find(revision->tree, key) == NULL)
		store_value(revision->tree, key, value);
}

static void add_named(const struct revision *revision, const char *key)
{
	struct map_value value;

	if (map_get(revision->map, key, &value) == 0)
		add_new(revision, key, &value);
}

static void add_totem(void *arg, const char *name)
{
	char key[MAP_KEY_LENGTH_MAX + 1];

	snprintf(key, sizeof(key), "totem.%s", name);
	add_named(arg, key);
}

static void add_logging(void *arg, const char *name)
{
	char key[MAP_KEY_LENGTH_MAX + 1];

	snprintf(key, sizeof(key), "logging.%s", name);
	add_named(arg, key);
}

/* Add keys of the existing links only: a key alone does not make a link. */
static void add_interfaces(void *arg, const char *name)
{
	const struct revision *revision = arg;
	const struct config_node *local = &revision->running->nodes[revision->running->local];
	char key[MAP_KEY_LENGTH_MAX + 1];

	for (uint32_t link = 0; link < local->link_count; link++) {
		if (local->texts[link] == NULL)
			continue;
		snprintf(key, sizeof(key), "%s%u.%s", interface_prefix, link, name);
		if (!has_made(revision->running, key))
			add_named(revision, key);
	}
}

static int add_subsystems(struct revision *revision)
{
	struct map_iterator *iterator = map_iterator_create(revision->map, subsystem_prefix);
	struct map_value value;
	struct schema_key known;
	uint32_t seen = 0;
	const char *key;

	if (iterator == NULL)
		return -ENOMEM;
	while ((key = map_iterator_next(iterator, &value)) != NULL) {
		char path[MAP_KEY_LENGTH_MAX + 1];
		const char *name = strrchr(key, '.') + 1;

		if (tree_find(revision->tree, key) != NULL)
			continue;
		if (++seen > SUBSYSTEM_KEYS_MAX || revision->subsystem_keys >= SUBSYSTEM_KEYS_MAX) {
			tree_notice(revision->tree, "More than %d keys below '%s': some of them have no effect",
				SUBSYSTEM_KEYS_MAX, subsystem_prefix);
			break;
		}
		snprintf(path, sizeof(path), "%s%s", subsystem_prefix, name);
		if (name < key + strlen(subsystem_prefix) || !schema_find(path, &known))
			continue;
		add_new(revision, key, &value);
		revision->subsystem_keys++;
	}
	map_iterator_destroy(iterator);
	return 0;
}

static int add_map(struct revision *revision)
{
	schema_each("totem", add_totem, revision);
	schema_each("totem.interface", add_interfaces, revision);
	schema_each("logging", add_logging, revision);
	return add_subsystems(revision);
}

/* --- plugins --- */

static int add_plugins(struct tree *tree, const struct config *running)
{
	const char *transport = tree_text(tree, "totem.transport");

	tree->services = arena_take(tree->arena, (running->service_count + 1) * sizeof(*tree->services));
	tree->options = arena_take(tree->arena, (running->option_count + 1) * sizeof(*tree->options));
	if (tree->services == NULL || tree->options == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < running->service_count; i++) {
		const struct config_plugin *from = &running->services[i];

		if (from->is_required)
			tree->services[tree->service_count++] = (struct config_plugin){.name = copy(tree, from->name),
				.is_required = true,
				.file = copy(tree, from->file),
				.line = from->line};
	}
	for (uint32_t i = 0; i < running->option_count; i++) {
		const struct config_option *from = &running->options[i];

		tree->options[tree->option_count++] = (struct config_option){.plugin = copy(tree, from->plugin),
			.name = copy(tree, from->name),
			.value = copy(tree, from->value),
			.file = copy(tree, from->file),
			.line = from->line};
	}
	if (strcmp(transport == NULL ? COMPAT_TRANSPORT : transport, running->transport) != 0)
		tree->transport_plugin = copy(tree, running->transport);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}

int config_revise(
	const struct config *running, struct map *map, struct config **config, struct config_messages *messages)
{
	struct config_environment environment = {.resolve = resolve,
		.is_local = is_local,
		.local_nodeid = running->nodes[running->local].nodeid,
		.arg = (void *)(uintptr_t)running};
	struct tree *tree;

	*config = NULL;
	*messages = (struct config_messages){0};
	struct config_fixed *fixed = config_fixed_create(running, false);
	struct config *made = fixed == NULL ? NULL : config_begin(running->file, messages, &tree);
	int rc = made == NULL ? -ENOMEM : 0;

	if (rc == 0) {
		struct revision revision = {.tree = tree, .running = running, .map = map};

		tree->key_source = running;
		made->format = running->format; /* drop_ins: the next reload reads this folder */
		made->drop_ins = copy(tree, running->drop_ins);
		add_running(&revision);
		rc = map != NULL ? add_map(&revision) : 0;
	}
	if (rc == 0)
		fixed_keep(tree, fixed, FIXED_MAP);
	if (rc == 0)
		rc = add_plugins(tree, running);
	if (rc == 0)
		rc = config_end(tree, made, &environment);
	/* The tree has these defaults as if the file had named them. */
	if (rc == 0) {
		made->is_provider_default = running->is_provider_default;
		made->is_encrypted_by_default = running->is_encrypted_by_default;
	}
	if (rc < 0)
		config_destroy(made);
	else
		*config = made;
	config_fixed_destroy(fixed);
	return rc;
}
