/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sections of corosync.conf that are more than a list of keys: access by uid and gid, and the
 * sections that are held back. Such a section waits until its end, because one of its items decides
 * where the others belong.
 */
#include "config/legacy.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <coterie/plugin.h>

enum kind legacy_kind(const char *path, uint32_t depth)
{
	/* Names may contain dots, so the depth has to agree as well. */
	static const struct {
		const char *path;
		uint32_t depth;
		enum kind kind;
	} kinds[] = {
		{"totem.interface", 2, KIND_INTERFACE},
		{"totem.interface.member", 3, KIND_MEMBER},
		{"nodelist", 1, KIND_NODELIST},
		{"nodelist.node", 2, KIND_NODE},
		{"logging.logger_subsys", 2, KIND_SUBSYSTEM},
		{"logging.logging_daemon", 2, KIND_DAEMON},
		{"uidgid", 1, KIND_ACCESS},
		{"service", 1, KIND_PLUGIN},
		{"transport", 1, KIND_PLUGIN},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].depth == depth && strcmp(kinds[i].path, path) == 0)
			return kinds[i].kind;
	return KIND_PLAIN;
}

bool legacy_is_held(enum kind kind)
{
	return kind == KIND_INTERFACE || kind == KIND_SUBSYSTEM || kind == KIND_DAEMON || kind == KIND_PLUGIN;
}

static bool key_is_valid(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	size_t length = strlen(key);

	return length >= 3 && length <= CONFIG_KEY_LENGTH_MAX && strspn(key, allowed) == length;
}

/* Store a value in the type that the schema has for it, under its key of the map. */
void legacy_store(struct tree *tree, const char *key, const char *path, const char *text, struct place place)
{
	struct schema_key known;

	if (!key_is_valid(key)) {
		tree_error(tree, place,
			"'%s' cannot be a key: use 3 to 255 of the characters a-z A-Z 0-9 . _ - / "
			":",
			key);
		return;
	}
	if (!schema_find(path, &known) || known.type == COTERIE_MAP_STRING) {
		tree_set_string(tree, key, text, place);
		return;
	}
	if (known.type == COTERIE_MAP_U64) {
		uint64_t number;

		if (config_parse_unsigned(text, &number) < 0)
			tree_error(tree, place, "'%s' is '%s': must be an integer from 0 to 18446744073709551615", path,
				text);
		else
			tree_set_number(tree, key, known.type, number, place);
		return;
	}
	int64_t number;

	if (config_parse_integer(text, known.min, known.max, &number) < 0)
		tree_error(tree, place, "'%s' is '%s': must be an integer from %" PRId64 " to %" PRId64, path, text,
			known.min, known.max);
	else
		tree_set_number(tree, key, known.type, (uint64_t)number, place);
}

/* --- uidgid --- */

/* Find the number of a user or group by name. false: there is no such user or group. */
static bool find_id(bool is_user, const char *name, uint64_t *id)
{
	const struct passwd *user = !is_user || *name == '\0' ? NULL : getpwnam(name);
	const struct group *group = is_user || *name == '\0' ? NULL : getgrnam(name);

	if (user != NULL)
		*id = user->pw_uid;
	else if (group != NULL)
		*id = group->gr_gid;
	return user != NULL || group != NULL;
}

bool legacy_find_id(struct tree *tree, bool is_user, const char *text, struct place place, uint64_t *id)
{
	int rc = config_parse_unsigned(text, id);

	if (rc == -ERANGE || (rc == 0 && *id >= UINT32_MAX)) {
		tree_error(tree, place, "'%s' is '%s': must be from 0 to 4294967294", is_user ? "uid" : "gid", text);
		return false;
	}
	if (rc < 0 && !find_id(is_user, text, id)) {
		tree_error(tree, place, "no %s '%s' on this host: create it or use a numeric id",
			is_user ? "user" : "group", text);
		return false;
	}
	return true;
}

void legacy_store_access(struct tree *tree, bool is_user, const char *text, struct place place)
{
	char name[64];
	uint64_t id;

	if (!legacy_find_id(tree, is_user, text, place, &id))
		return;
	snprintf(name, sizeof(name), "uidgid.config.%s.%" PRIu64, is_user ? "uid" : "gid", id);
	tree_set_number(tree, name, COTERIE_MAP_U8, 1, place);
}

void legacy_access(struct reader *reader, const char *key, const char *text)
{
	struct tree *tree = reader->tree;
	bool is_user = strcmp(key, "uid") == 0;

	if (!is_user && strcmp(key, "gid") != 0) {
		tree_error(tree, reader->place, "uidgid: Only uid and gid are allowed items: remove '%s'", key);
		return;
	}
	if (*text == '\0' && reader->is_access_file) {
		/* pcs writes both lines, and leaves the unused one empty. */
		tree_warning(tree, reader->place, "'%s' is empty: taken as not given", key);
		return;
	}
	legacy_store_access(tree, is_user, text, reader->place);
}

/* --- sections that are held back --- */

void legacy_hold(struct reader *reader, const char *path, const char *name, const char *text)
{
	struct tree *tree = reader->tree;
	struct arena *arena = tree->arena;

	if (reader->held_count == reader->held_capacity) {
		uint32_t capacity = reader->held_capacity == 0 ? 16 : reader->held_capacity * 2;
		struct held *bigger = arena_grow(
			arena, reader->held, reader->held_count * sizeof(*bigger), capacity * sizeof(*bigger));

		if (bigger == NULL)
			goto out_of_memory;
		reader->held = bigger;
		reader->held_capacity = capacity;
	}
	struct held held = {
		.path = arena_copy(arena, path, strlen(path)),
		.name = arena_copy(arena, name, strlen(name)),
		.text = arena_copy(arena, text, strlen(text)),
		.place = reader->place,
	};

	if (held.path == NULL || held.name == NULL || held.text == NULL)
		goto out_of_memory;
	reader->held[reader->held_count++] = held;
	return;
out_of_memory:
	tree->is_out_of_memory = true;
}

/* Return the last held item of this name, or NULL. */
static const struct held *held_find(const struct reader *reader, const char *name)
{
	for (uint32_t i = reader->held_count; i > 0; i--)
		if (strcmp(reader->held[i - 1].name, name) == 0)
			return &reader->held[i - 1];
	return NULL;
}

/* Store all held items as PREFIX.NAME. */
static void held_store(struct reader *reader, const char *prefix, const char *without)
{
	for (uint32_t i = 0; i < reader->held_count; i++) {
		const struct held *held = &reader->held[i];
		char key[2 * PATH_LENGTH_MAX + 2];

		if (without != NULL && strcmp(held->name, without) == 0)
			continue;
		snprintf(key, sizeof(key), "%s.%s", prefix, held->name);
		legacy_store(reader->tree, key, held->path, held->text, held->place);
	}
}

static void end_interface(struct reader *reader)
{
	const struct held *link = held_find(reader, "linknumber");
	int64_t number = 0;
	char prefix[64];

	if (link != NULL && config_parse_integer(link->text, 0, UINT8_MAX, &number) < 0) {
		tree_error(reader->tree, link->place,
			"'totem.interface.linknumber' is '%s': must be an integer from 0 to 255", link->text);
		return;
	}
	snprintf(prefix, sizeof(prefix), "totem.interface.%d", (int)number);
	/*
	 * A key that is not known keeps the path that it has in the file, as in the reference. The
	 * old ringnumber, which names no link, is such a key.
	 */
	for (uint32_t i = 0; i < reader->held_count; i++) {
		const struct held *held = &reader->held[i];
		struct schema_key known;
		bool is_known = strcmp(held->name, "ringnumber") != 0 &&
				(schema_find(held->path, &known) || strchr(held->name, '.') != NULL);
		char key[2 * PATH_LENGTH_MAX + 2];

		if (strcmp(held->name, "linknumber") == 0)
			continue;
		snprintf(key, sizeof(key), "%s.%s", prefix, held->name);
		legacy_store(reader->tree, is_known ? key : held->path, held->path, held->text, held->place);
	}
}

static void end_subsystem(struct reader *reader)
{
	const struct held *name = held_find(reader, "subsys");
	char prefix[PATH_LENGTH_MAX + 64];

	if (name == NULL) {
		tree_error(reader->tree, reader->place, "No subsys key in logger_subsys directive: add 'subsys: NAME'");
		return;
	}
	snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%.255s", name->text);
	held_store(reader, prefix, NULL);
}

static void end_daemon(struct reader *reader)
{
	const struct held *name = held_find(reader, "name"), *subsystem = held_find(reader, "subsys");
	const char *dot = subsystem == NULL ? "" : ".", *part = subsystem == NULL ? "" : subsystem->text;
	char prefix[2 * PATH_LENGTH_MAX + 64];

	if (name == NULL) {
		tree_error(reader->tree, reader->place, "No name key in logging_daemon directive: add 'name: DAEMON'");
		return;
	}
	if (strcmp(name->text, "corosync") != 0)
		snprintf(prefix, sizeof(prefix), "logging.logging_daemon.%.255s%s%.255s", name->text, dot, part);
	else if (subsystem != NULL)
		snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%.255s", part);
	else
		snprintf(prefix, sizeof(prefix), "logging");
	held_store(reader, prefix, strcmp(name->text, "corosync") == 0 ? "name" : NULL);
}

/*
 * Handle `service { name: X … }`, which loads the plugin X, and `transport { name: X … }`, which
 * selects a transport.
 */
static void end_plugin(struct reader *reader, bool is_transport)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	static const char prefix[] = "corosync_";
	struct tree *tree = reader->tree;
	const struct held *name = held_find(reader, "name");

	held_store(reader, reader->path, NULL);
	if (name == NULL) {
		tree_error(tree, reader->place, "section '%s' names no plugin: add 'name: PLUGIN'", reader->path);
		return;
	}
	const char *plugin = name->text;

	if (strncmp(plugin, prefix, strlen(prefix)) == 0)
		plugin += strlen(prefix); /* the service's name in Corosync 1.x */
	if (*plugin == '\0' || strspn(plugin, allowed) != strlen(plugin)) {
		tree_error(tree, name->place, "'%s' is no plugin name: use a-z, 0-9 and '_'", name->text);
		return;
	}
	if (!is_transport && strcmp(plugin, "pacemaker") == 0) {
		/*
		 * Many files still have this section from Corosync 1.x. Since then pacemaker starts
		 * on its own.
		 */
		tree_warning(tree, name->place, "'pacemaker' is a daemon of its own, no plugin: remove this section");
		return;
	}
	if (is_transport) {
		tree->transport_plugin = plugin;
		tree->transport_place = name->place;
	} else {
		tree_add_service(tree, plugin, name->place);
	}
	for (uint32_t i = 0; i < reader->held_count; i++) {
		const struct held *held = &reader->held[i];

		if (strcmp(held->name, "name") != 0 && strcmp(held->name, "ver") != 0)
			tree_add_option(tree, plugin, held->name, held->text, held->place);
	}
}

void legacy_end_held(struct reader *reader, enum kind kind)
{
	switch (kind) {
	case KIND_INTERFACE:
		end_interface(reader);
		break;
	case KIND_SUBSYSTEM:
		end_subsystem(reader);
		break;
	case KIND_DAEMON:
		end_daemon(reader);
		break;
	case KIND_PLUGIN:
		end_plugin(reader, strcmp(reader->path, "transport") == 0);
		break;
	case KIND_PLAIN:
	case KIND_MEMBER:
	case KIND_NODELIST:
	case KIND_NODE:
	case KIND_ACCESS:
		return;
	}
	reader->held_depth = 0;
}
