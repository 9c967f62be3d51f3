/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of coterie.conf that set several keys, or another key than that of their row. */
#include "config/native_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN_PATHS_MAX 4000
#define VALUE_LENGTH_MAX 4095

static void set_text(struct tree *tree, const char *key, const char *text, struct place place)
{
	legacy_store(tree, key, key, text, place);
}

/* Return an absolute path. A path in a file is relative to that file. */
const char *native_absolute(struct tree *tree, const char *path, struct place place)
{
	const char *slash = place.file == NULL ? NULL : strrchr(place.file, '/');

	if (*path == '/' || slash == NULL)
		return path;
	const char *absolute = arena_print(tree->arena, "%.*s%s", (int)(slash - place.file + 1), place.file, path);

	tree->is_out_of_memory = tree->is_out_of_memory || absolute == NULL;
	return absolute == NULL ? path : absolute;
}

/* Return the value of an option that has passed its check. NULL: it is absent or was refused. */
static const char *checked(struct tree *tree, const struct native_block *block, const char *name, uint64_t *number)
{
	const struct native_setting *setting = native_setting_find(block, name);

	if (setting == NULL || !native_check(tree, block, setting, setting->values[0], number))
		return NULL;
	return setting->values[0];
}

static struct place place_of(const struct native_block *block, const char *name)
{
	const struct native_setting *setting = native_setting_find(block, name);

	return setting == NULL ? block->place : setting->place;
}

static void set_path(struct tree *tree, const struct native_block *block, const char *name, const char *key)
{
	const char *text = checked(tree, block, name, NULL);

	if (text != NULL)
		set_text(tree, key, native_absolute(tree, text, place_of(block, name)), place_of(block, name));
}

/* --- node --- */

/* Split "key=value". false: an error was reported. */
static bool split(struct tree *tree, const char *option, const char *text, struct place place,
	char key[CONFIG_KEY_LENGTH_MAX + 1], const char **value)
{
	const char *sign = strchr(text, '=');

	if (strlen(text) > VALUE_LENGTH_MAX) {
		tree_error(tree, place, "a value in '%s' is longer than %d characters: shorten it", option,
			VALUE_LENGTH_MAX);
		return false;
	}

	if (sign == NULL || sign == text || sign - text > CONFIG_KEY_LENGTH_MAX) {
		tree_error(tree, place, "'%s' in '%s' is no key with a value: write \"key=value\"", text, option);
		return false;
	}
	snprintf(key, CONFIG_KEY_LENGTH_MAX + 1, "%.*s", (int)(sign - text), text);
	*value = sign + 1;
	return true;
}

static void set_addresses(struct tree *tree, const struct native_block *block, const char *index)
{
	const struct native_setting *addresses = native_setting_find(block, "address");
	uint32_t count = 0;

	for (uint32_t i = 0; addresses != NULL && i < addresses->count; i++) {
		char key[96];

		if (*addresses->values[i] == '\0')
			continue;
		if (i >= CONFIG_LINKS_MAX) {
			tree_error(tree, addresses->place, "node '%s' has %u addresses: there are at most %d links",
				block->title, addresses->count, CONFIG_LINKS_MAX);
			return;
		}
		snprintf(key, sizeof(key), "nodelist.node.%s.ring%u_addr", index, i);
		set_text(tree, key, addresses->values[i], addresses->place);
		count++;
	}
	if (count == 0 && !tree->is_partial)
		tree_error(tree, block->place, "node '%s' has no address: add 'address = HOST'", block->title);
}

void native_set_node(struct tree *tree, const struct native_block *block, const char *index)
{
	const struct native_setting *keys = native_setting_find(block, "keys");
	uint64_t is_named = 1;
	char key[96];

	if (checked(tree, block, "named", &is_named) == NULL && native_setting_find(block, "named") != NULL)
		return;
	if (*block->title == '\0' && is_named != 0)
		tree_error(tree, block->place, "block 'node' needs a name: write 'node NAME {'");
	snprintf(key, sizeof(key), "nodelist.node.%s.name", index);
	if (is_named != 0)
		set_text(tree, key, block->title, block->place);
	set_addresses(tree, block, index);
	for (uint32_t i = 0; keys != NULL && i < keys->count; i++) {
		char name[CONFIG_KEY_LENGTH_MAX + 1], full[2 * CONFIG_KEY_LENGTH_MAX], path[256 + 16];
		const char *value;

		if (!split(tree, "keys", keys->values[i], keys->place, name, &value))
			continue;
		snprintf(full, sizeof(full), "nodelist.node.%s.%s", index, name);
		native_path_of(full, path, sizeof(path));
		legacy_store(tree, full, path, value, keys->place);
	}
}

/* --- log --- */

static void set_level(struct tree *tree, const struct native_block *block, const char *prefix)
{
	const char *level = checked(tree, block, "level", NULL);
	const struct place place = place_of(block, "level");
	char key[CONFIG_KEY_LENGTH_MAX + 64];

	if (level == NULL)
		return;
	if (strcmp(level, "debug") == 0 || strcmp(level, "trace") == 0) {
		snprintf(key, sizeof(key), "%s.debug", prefix);
		set_text(tree, key, strcmp(level, "debug") == 0 ? "on" : "trace", place);
		return;
	}
	snprintf(key, sizeof(key), "%s.logfile_priority", prefix);
	if (native_setting_find(block, "file-level") == NULL)
		set_text(tree, key, level, place);
	snprintf(key, sizeof(key), "%s.syslog_priority", prefix);
	if (native_setting_find(block, "syslog-level") == NULL)
		set_text(tree, key, level, place);
}

static void set_log_file(struct tree *tree, const struct native_block *block, const char *prefix)
{
	char key[CONFIG_KEY_LENGTH_MAX + 64];

	if (native_setting_find(block, "file") == NULL)
		return;
	snprintf(key, sizeof(key), "%s.to_logfile", prefix);
	set_text(tree, key, "yes", place_of(block, "file"));
	snprintf(key, sizeof(key), "%s.logfile", prefix);
	set_path(tree, block, "file", key);
}

static void set_log(struct tree *tree, const struct native_block *block)
{
	uint64_t shows_source;

	set_level(tree, block, "logging");
	set_log_file(tree, block, "logging");
	if (checked(tree, block, "source", &shows_source) == NULL)
		return;
	set_text(tree, "logging.fileline", shows_source != 0 ? "on" : "off", place_of(block, "source"));
	set_text(tree, "logging.function_name", shows_source != 0 ? "on" : "off", place_of(block, "source"));
}

void native_set_subsystem(struct tree *tree, const struct native_block *block)
{
	char prefix[CONFIG_KEY_LENGTH_MAX + 32], key[CONFIG_KEY_LENGTH_MAX + 64];

	snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%.200s", block->title);
	snprintf(key, sizeof(key), "%s.subsys", prefix);
	set_text(tree, key, block->title, block->place);
	set_level(tree, block, prefix);
	set_log_file(tree, block, prefix);
}

/* --- transport --- */

void native_set_transport(struct tree *tree, const struct native_block *block)
{
	const struct native_setting *setting = native_setting_find(block, "encryption"), *other;

	if (setting == NULL || setting->row == NULL || setting->row->form != FORM_SPECIAL)
		return;
	if (strcmp(setting->values[0], "none") != 0) {
		tree_error(tree, setting->place,
			"'%s' is not a value of 'encryption' here: transport %s has 'cipher' and 'hash' for that, and "
			"'encryption = none' for neither",
			setting->values[0], block->title);
		return;
	}
	if ((other = native_setting_find(block, "cipher")) != NULL ||
		(other = native_setting_find(block, "hash")) != NULL) {
		tree_error(tree, setting->place,
			"'encryption = none' and '%s = %s' (%s:%u) contradict each other: keep one", other->name,
			other->values[0], other->place.file, other->place.line);
		return;
	}
	set_text(tree, "totem.crypto_cipher", "none", setting->place);
	set_text(tree, "totem.crypto_hash", "none", setting->place);
}

/* --- quorum --- */

static void set_quorum(struct tree *tree, const struct native_block *block)
{
	const char *provider = checked(tree, block, "provider", NULL);
	const char *breaker = checked(tree, block, "auto-tie-breaker", NULL);
	const struct place place = place_of(block, "auto-tie-breaker");

	if (provider != NULL && strcmp(provider, "none") == 0)
		tree->has_no_provider = true;
	else if (provider != NULL)
		set_text(tree, "quorum.provider", config_provider_name(provider), place_of(block, "provider"));
	if (breaker == NULL)
		return;
	bool is_list = strspn(breaker, "0123456789 ") == strlen(breaker);
	bool is_end = strcmp(breaker, "lowest") == 0 || strcmp(breaker, "highest") == 0;
	bool is_no = strcmp(breaker, "no") == 0, is_yes = strcmp(breaker, "yes") == 0;

	if (!is_list && !is_end && !is_no && !is_yes) {
		tree_error(tree, place,
			"'%s' is not an auto-tie-breaker: choose no, yes, lowest, highest or node ids "
			"separated by blanks",
			breaker);
		return;
	}
	set_text(tree, "quorum.auto_tie_breaker", is_no ? "0" : "1", place);
	if (is_list || is_end)
		set_text(tree, "quorum.auto_tie_breaker_node", breaker, place);
}

static void set_device(struct tree *tree, const struct native_block *block)
{
	const struct tree_item *model = tree_find(tree, "quorum.device.model");

	if (model != NULL)
		tree_error(tree, block->place, "second quorum device '%s': only one can be used, the first is at %s:%u",
			block->title, model->place.file, model->place.line);
	else
		set_text(tree, "quorum.device.model", block->title, block->place);
}

static void set_heuristics(struct tree *tree, const struct native_block *block)
{
	const struct native_setting *commands = native_setting_find(block, "exec");

	for (uint32_t i = 0; commands != NULL && i < commands->count; i++) {
		char name[CONFIG_KEY_LENGTH_MAX + 1], key[2 * CONFIG_KEY_LENGTH_MAX];
		const char *value;

		if (!split(tree, "exec", commands->values[i], commands->place, name, &value))
			continue;
		snprintf(key, sizeof(key), "quorum.device.heuristics.exec_%s", name);
		set_text(tree, key, value, commands->place);
	}
}

/* --- plugins, access, process, instance --- */

static void set_plugins(struct tree *tree, const struct native_block *block)
{
	const struct native_setting *paths = native_setting_find(block, "path");
	const struct native_setting *load = native_setting_find(block, "load");
	char joined[PLUGIN_PATHS_MAX] = "";
	uint64_t is_standard;

	if (checked(tree, block, "standard", &is_standard) != NULL && is_standard == 0)
		set_text(tree, "coterie.plugins.standard", "no", place_of(block, "standard"));

	for (uint32_t i = 0; paths != NULL && i < paths->count; i++) {
		const char *path = native_absolute(tree, paths->values[i], paths->place);
		size_t used = strlen(joined);

		if (*path == '\0' || strchr(path, ':') != NULL || used + strlen(path) + 2 > sizeof(joined)) {
			tree_error(tree, paths->place, "'%s' cannot be a plugin folder: give a path without ':'", path);
			continue;
		}
		snprintf(joined + used, sizeof(joined) - used, "%s%s", used == 0 ? "" : ":", path);
	}
	if (paths != NULL)
		set_text(tree, "coterie.plugins.path", joined, paths->place);
	for (uint32_t i = 0; load != NULL && i < load->count; i++) {
		const char *name = load->values[i];

		if (*name == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name)) {
			tree_error(tree, load->place, "'%s' is no plugin name: use a-z, 0-9 and '_'", name);
			continue;
		}
		tree_add_service(tree, name, load->place);
	}
}

/*
 * Set the keys coterie.access.LIST.uid.N and .gid.N for a list of users, and of groups that are
 * written with an @.
 */
static void set_right(struct tree *tree, const struct native_block *block, const char *list)
{
	const struct native_setting *names = native_setting_find(block, list);

	for (uint32_t i = 0; names != NULL && i < names->count; i++) {
		const char *text = names->values[i];
		bool is_user = *text != '@';
		char key[96];
		uint64_t id;

		if (!legacy_find_id(tree, is_user, is_user ? text : text + 1, names->place, &id))
			continue;
		snprintf(key, sizeof(key), "coterie.access.%s.%s.%" PRIu64, list, is_user ? "uid" : "gid", id);
		set_text(tree, key, "yes", names->place);
	}
}

static void set_access(struct tree *tree, const struct native_block *block)
{
	const struct native_setting *users = native_setting_find(block, "users");
	const struct native_setting *groups = native_setting_find(block, "groups");

	set_right(tree, block, "administrators");
	for (uint32_t i = 0; users != NULL && i < users->count; i++) {
		const char *text = users->values[i];
		bool is_user = *text != '@';

		legacy_store_access(tree, is_user, is_user ? text : text + 1, users->place);
	}
	for (uint32_t i = 0; groups != NULL && i < groups->count; i++)
		legacy_store_access(tree, false, groups->values[i], groups->place);
	set_right(tree, block, "observers");
}

static void set_process(struct tree *tree, const struct native_block *block)
{
	const struct place place = place_of(block, "blackbox-size");
	uint64_t size;
	char text[32];

	set_path(tree, block, "state-dir", "system.state_dir");
	set_path(tree, block, "run-dir", "coterie.process.run_dir");
	if (checked(tree, block, "blackbox-size", &size) == NULL)
		return;
	if (size == 0) {
		set_text(tree, "logging.blackbox", "off", place);
	} else if (size < 65536) {
		tree_error(tree, place, "'blackbox-size' is %s: must be 0, or between 64K and 64M",
			native_setting_find(block, "blackbox-size")->values[0]);
	} else {
		snprintf(text, sizeof(text), "%" PRIu64, size);
		set_text(tree, "coterie.process.blackbox_size", text, place);
	}
}

void native_set_instance(struct tree *tree, const struct native_block *block)
{
	static const char *const names[][2] = {{"state-dir", "state_dir"}, {"run-dir", "run_dir"}};
	const char *title = block->title, *node = checked(tree, block, "node", NULL);
	char key[CONFIG_KEY_LENGTH_MAX + 1];

	if (*title == '\0' || strlen(title) > 31 ||
		strspn(title, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(title)) {
		tree_error(tree, block->place, "'%s' is not an instance name: use 1 to 31 of a-z, 0-9, '-' and '_'",
			title);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(key, sizeof(key), "coterie.instance.%s.%s", title, names[i][1]);
		set_path(tree, block, names[i][0], key);
	}
	snprintf(key, sizeof(key), "coterie.instance.%s.node", title);
	if (node != NULL)
		set_text(tree, key, node, place_of(block, "node"));
}

void native_set_special(struct tree *tree, const struct native_block *block)
{
	static const struct {
		const char *path;
		void (*set)(struct tree *tree, const struct native_block *block);
	} kinds[] = {
		{"log", set_log},
		{"quorum", set_quorum},
		{"quorum device", set_device},
		{"quorum device heuristics", set_heuristics},
		{"plugins", set_plugins},
		{"access", set_access},
		{"process", set_process},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].path, block->kind->path) == 0)
			kinds[i].set(tree, block);
}

/* --- keys --- */

/* Return the index in PREFIX.INDEX.REST, and its length. NULL: the key has another form. */
static const char *indexed(const char *key, const char *prefix, size_t *length)
{
	size_t size = strlen(prefix);

	if (strncmp(key, prefix, size) != 0)
		return NULL;
	*length = strspn(key + size, "0123456789");
	return *length > 0 && key[size + *length] == '.' ? key + size : NULL;
}

void native_path_of(const char *key, char *path, size_t size)
{
	static const char subsystem[] = "logging.logger_subsys.";
	const char *const prefixes[] = {"totem.interface.", "nodelist.node."};
	const char *last = strrchr(key, '.');
	size_t length;

	snprintf(path, size, "%s", key);
	for (size_t i = 0; i < 2; i++) {
		const char *index = indexed(key, prefixes[i], &length);

		if (index != NULL)
			snprintf(path, size, "%s%s", prefixes[i], index + length + 1);
	}
	if (strncmp(key, subsystem, strlen(subsystem)) == 0 && last != NULL && last >= key + strlen(subsystem))
		snprintf(path, size, "%s%s", subsystem, last + 1);
}

const struct native_row *native_row_of_key(const char *key, const char *transport, char *title, size_t size)
{
	static const char interface[] = "totem.interface.", subsystem[] = "logging.logger_subsys.";
	char path[CONFIG_KEY_LENGTH_MAX + 64];
	const struct native_row *row;
	size_t length;
	const char *index = indexed(key, interface, &length);
	bool is_link = index != NULL && length == 1 && *index < '0' + CONFIG_LINKS_MAX;
	bool is_first = is_link && *index == '0';

	snprintf(title, size, "%s", "");
	if (index != NULL && (!is_link || (!is_first && is_ip_transport(transport))))
		return NULL; /* no block can express these keys */
	native_path_of(key, path, sizeof(path));
	for (uint32_t i = 0; (row = native_row_at(i)) != NULL; i++) {
		bool is_transport = strcmp(row->block, "transport") == 0;

		if (row->path == NULL || strcmp(row->path, path) != 0)
			continue;
		if (is_transport && (!native_row_is_for(row, transport) || (is_link && !is_first)))
			continue;
		if (strcmp(row->block, "link") == 0)
			snprintf(title, size, "%.*s", (int)length, index);
		else if (strcmp(row->block, "log subsystem") == 0)
			snprintf(title, size, "%.*s", (int)(strrchr(key, '.') - key - (ptrdiff_t)strlen(subsystem)),
				key + strlen(subsystem));
		return row;
	}
	return NULL;
}

void native_set_keys(struct native *native, const struct native_block *top)
{
	const struct native_setting *keys = native_setting_find(top, "keys");
	struct tree *tree = native->tree;

	for (uint32_t i = 0; keys != NULL && i < keys->count; i++) {
		char key[CONFIG_KEY_LENGTH_MAX + 1], path[CONFIG_KEY_LENGTH_MAX + 64], title[256];
		char text[4200];
		const char *value;

		if (!split(tree, "keys", keys->values[i], keys->place, key, &value))
			continue;
		const struct native_row *row = native_row_of_key(key, native->transport, title, sizeof(title));

		/*
		 * A file without a model of a device has no block for the other keys of the device.
		 */
		if (row != NULL && strncmp(row->block, "quorum device", 13) == 0 &&
			tree_find(tree, "quorum.device.model") == NULL)
			row = NULL;
		if (row != NULL && native_from_key(row, value, text, sizeof(text)) == 0) {
			tree_error(tree, keys->place, "'%s' has its own option '%s' in block '%s': use that", key,
				row->option.name, row->block);
			continue;
		}
		native_path_of(key, path, sizeof(path));
		legacy_store(tree, key, path, value, keys->place);
	}
}
