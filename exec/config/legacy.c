/*
 * The corosync.conf front end: lines into keys (spec 07 §1.2, §1.3). What the values mean is validate.c's.
 *
 * A line is one of: blank, comment, section start, `key: value`, section end. Sections whose keys depend
 * on an item inside them (the link number of an interface, the name of a subsystem) are held back until
 * they end. Where 3.1.7 and 3.1.10 differ this is 3.1.10: only a section's own end counts as its end, and
 * keys are told apart by their full path.
 */
#include "exec/config/tree.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#define LINE_LENGTH_MAX 510
#define PATH_LENGTH_MAX 255
#define DEPTH_MAX 128 /* a path of 255 characters has no more parts */

enum kind {
	KIND_PLAIN,
	KIND_INTERFACE,
	KIND_MEMBER,
	KIND_NODELIST,
	KIND_NODE,
	KIND_SUBSYSTEM, /* logger_subsys */
	KIND_DAEMON,    /* logging_daemon */
	KIND_ACCESS,    /* uidgid */
	KIND_PLUGIN,    /* service, transport */
};

/* An item of a section that is held back. */
struct held {
	const char *path; /* as in the file: totem.interface.ttl */
	const char *name; /* behind the section's own path: ttl */
	const char *text;
	struct place place;
};

struct section {
	enum kind kind;
	uint32_t path_length; /* of reader->path without this section */
	uint32_t line;
};

struct reader {
	struct tree *tree;
	struct place place;
	bool is_access_file; /* uidgid.d: only uidgid sections */
	char path[PATH_LENGTH_MAX + 1];
	struct section stack[DEPTH_MAX];
	uint32_t depth;
	uint32_t node_count;  /* nodes begun in this nodelist */
	uint32_t member_count;
	struct held *held;    /* of the section at held_depth */
	uint32_t held_count, held_capacity;
	uint32_t held_depth;  /* 0: none is held back */
	bool is_broken;       /* braces do not match: what follows would be nonsense */
};

static enum kind kind_of(const char *path, uint32_t depth)
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

static bool is_held_kind(enum kind kind)
{
	return kind == KIND_INTERFACE || kind == KIND_SUBSYSTEM || kind == KIND_DAEMON ||
		kind == KIND_PLUGIN;
}

static bool key_is_valid(const char *key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:";
	size_t length = strlen(key);

	return length >= 3 && length <= CONFIG_KEY_LENGTH_MAX && strspn(key, allowed) == length;
}

/* A value in the type that the schema says, under its key of the map. */
static void store(struct tree *tree, const char *key, const char *path, const char *text,
	struct place place)
{
	struct schema_key known;

	if (!key_is_valid(key)) {
		tree_error(tree, place,
			"'%s' cannot be a key: use 3 to 255 of the characters a-z A-Z 0-9 . _ - / :", key);
		return;
	}
	if (!schema_find(path, &known) || known.type == COTERIE_MAP_STRING) {
		tree_set_string(tree, key, text, place);
		return;
	}
	if (known.type == COTERIE_MAP_U64) {
		uint64_t number;

		if (config_parse_unsigned(text, &number) < 0)
			tree_error(tree, place,
				"'%s' is '%s': must be an integer from 0 to 18446744073709551615", path, text);
		else
			tree_set_number(tree, key, known.type, number, place);
		return;
	}
	int64_t number;

	if (config_parse_integer(text, known.min, known.max, &number) < 0)
		tree_error(tree, place, "'%s' is '%s': must be an integer from %" PRId64 " to %" PRId64,
			path, text, known.min, known.max);
	else
		tree_set_number(tree, key, known.type, (uint64_t)number, place);
}

static void warn_if_unknown(struct reader *reader, const char *path)
{
	struct tree *tree = reader->tree;
	struct schema_key known;
	const char *dot = strrchr(path, '.');

	if (dot == NULL || tree->messages->warning_count >= CONFIG_WARNINGS_MAX ||
		schema_find(path, &known))
		return;
	char section[PATH_LENGTH_MAX + 1];

	snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
	if (!schema_has_section(section))
		return;
	const char *near = schema_suggest(tree, path);

	if (near != NULL)
		tree_warning(tree, reader->place, "nothing uses '%s': did you mean '%s'?", path, near);
	else
		tree_warning(tree, reader->place, "nothing uses '%s': it is only kept in the map", path);
}

/* --- uidgid --- */

static void read_access(struct reader *reader, const char *key, const char *text)
{
	struct tree *tree = reader->tree;
	bool is_user = strcmp(key, "uid") == 0;
	uint64_t id;

	if (!is_user && strcmp(key, "gid") != 0) {
		tree_error(tree, reader->place,
			"uidgid: Only uid and gid are allowed items: remove '%s'", key);
		return;
	}
	if (*text == '\0' && reader->is_access_file) {
		/* pcs writes the line of the one that was not given empty. */
		tree_warning(tree, reader->place, "'%s' is empty: taken as not given", key);
		return;
	}
	int rc = config_parse_unsigned(text, &id);

	if (rc == -ERANGE || (rc == 0 && id >= UINT32_MAX)) {
		tree_error(tree, reader->place, "'%s' is '%s': must be from 0 to 4294967294", key, text);
		return;
	}
	if (rc < 0 && is_user) {
		const struct passwd *user = *text == '\0' ? NULL : getpwnam(text);

		if (user == NULL) {
			tree_error(tree, reader->place,
				"no user '%s' on this host: create it or use a numeric id", text);
			return;
		}
		id = user->pw_uid;
	} else if (rc < 0) {
		const struct group *group = *text == '\0' ? NULL : getgrnam(text);

		if (group == NULL) {
			tree_error(tree, reader->place,
				"no group '%s' on this host: create it or use a numeric id", text);
			return;
		}
		id = group->gr_gid;
	}
	char name[64];

	snprintf(name, sizeof(name), "uidgid.config.%s.%" PRIu64, key, id);
	tree_set_number(tree, name, COTERIE_MAP_U8, 1, reader->place);
}

/* --- sections that are held back --- */

static void hold(struct reader *reader, const char *path, const char *name, const char *text)
{
	struct tree *tree = reader->tree;
	struct arena *arena = tree->arena;

	if (reader->held_count == reader->held_capacity) {
		uint32_t capacity = reader->held_capacity == 0 ? 16 : reader->held_capacity * 2;
		struct held *bigger = arena_grow(arena, reader->held,
			reader->held_count * sizeof(*bigger), capacity * sizeof(*bigger));

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

/* The last item of this name that is held back, or NULL. */
static const struct held *held_find(const struct reader *reader, const char *name)
{
	for (uint32_t i = reader->held_count; i > 0; i--)
		if (strcmp(reader->held[i - 1].name, name) == 0)
			return &reader->held[i - 1];
	return NULL;
}

/* Store all that is held back as PREFIX.NAME. */
static void held_store(struct reader *reader, const char *prefix, const char *without)
{
	for (uint32_t i = 0; i < reader->held_count; i++) {
		const struct held *held = &reader->held[i];
		char key[2 * PATH_LENGTH_MAX + 2];

		if (without != NULL && strcmp(held->name, without) == 0)
			continue;
		snprintf(key, sizeof(key), "%s.%s", prefix, held->name);
		store(reader->tree, key, held->path, held->text, held->place);
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
	held_store(reader, prefix, "linknumber");
}

static void end_subsystem(struct reader *reader)
{
	const struct held *name = held_find(reader, "subsys");
	char prefix[PATH_LENGTH_MAX + 64];

	if (name == NULL) {
		tree_error(reader->tree, reader->place,
			"No subsys key in logger_subsys directive: add 'subsys: NAME'");
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
		tree_error(reader->tree, reader->place,
			"No name key in logging_daemon directive: add 'name: DAEMON'");
		return;
	}
	if (strcmp(name->text, "corosync") != 0)
		snprintf(prefix, sizeof(prefix), "logging.logging_daemon.%.255s%s%.255s", name->text, dot,
			part);
	else if (subsystem != NULL)
		snprintf(prefix, sizeof(prefix), "logging.logger_subsys.%.255s", part);
	else
		snprintf(prefix, sizeof(prefix), "logging");
	held_store(reader, prefix, strcmp(name->text, "corosync") == 0 ? "name" : NULL);
}

static int plugin_add(struct tree *tree, const char *name, struct place place)
{
	if (tree->service_count == tree->service_capacity) {
		uint32_t capacity = tree->service_capacity == 0 ? 16 : tree->service_capacity * 2;
		struct config_plugin *bigger = arena_grow(tree->arena, tree->services,
			tree->service_count * sizeof(*bigger), capacity * sizeof(*bigger));

		if (bigger == NULL)
			return -ENOMEM;
		tree->services = bigger;
		tree->service_capacity = capacity;
	}
	tree->services[tree->service_count++] = (struct config_plugin){
		.name = name, .is_required = true, .file = place.file, .line = place.line};
	return 0;
}

static int option_add(struct tree *tree, const char *plugin, const struct held *held)
{
	if (tree->option_count == tree->option_capacity) {
		uint32_t capacity = tree->option_capacity == 0 ? 16 : tree->option_capacity * 2;
		struct config_option *bigger = arena_grow(tree->arena, tree->options,
			tree->option_count * sizeof(*bigger), capacity * sizeof(*bigger));

		if (bigger == NULL)
			return -ENOMEM;
		tree->options = bigger;
		tree->option_capacity = capacity;
	}
	tree->options[tree->option_count++] = (struct config_option){.plugin = plugin, .name = held->name,
		.value = held->text, .file = held->place.file, .line = held->place.line};
	return 0;
}

/* `service { name: X … }` asks for the plugin X, `transport { name: X … }` picks one as transport. */
static void end_plugin(struct reader *reader, bool is_transport)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	static const char prefix[] = "corosync_";
	struct tree *tree = reader->tree;
	const struct held *name = held_find(reader, "name");

	held_store(reader, reader->path, NULL);
	if (name == NULL) {
		tree_error(tree, reader->place, "section '%s' names no plugin: add 'name: PLUGIN'",
			reader->path);
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
		/* Left over from Corosync 1.x in many files; since then it starts on its own. */
		tree_warning(tree, name->place,
			"'pacemaker' is a daemon of its own, no plugin: remove this section");
		return;
	}
	int rc = 0;

	if (is_transport) {
		tree->transport_plugin = plugin;
		tree->transport_place = name->place;
	} else {
		rc = plugin_add(tree, plugin, name->place);
	}
	for (uint32_t i = 0; i < reader->held_count && rc == 0; i++)
		if (strcmp(reader->held[i].name, "name") != 0 && strcmp(reader->held[i].name, "ver") != 0)
			rc = option_add(tree, plugin, &reader->held[i]);
	if (rc < 0)
		tree->is_out_of_memory = true;
}

/* --- lines --- */

static void begin_section(struct reader *reader, const char *name)
{
	struct tree *tree = reader->tree;
	size_t length = strlen(reader->path), added = strlen(name);

	if (length + added + 1 >= PATH_LENGTH_MAX || reader->depth == DEPTH_MAX) {
		tree_error(tree, reader->place,
			"Start of section makes total cmap path too long: use a shorter name");
		reader->is_broken = true;
		return;
	}
	struct section *section = &reader->stack[reader->depth++];

	*section = (struct section){.path_length = (uint32_t)length, .line = reader->place.line};
	snprintf(reader->path + length, sizeof(reader->path) - length, "%s%s", length == 0 ? "" : ".",
		name);
	section->kind = kind_of(reader->path, reader->depth);
	if (reader->is_access_file && section->kind != KIND_ACCESS)
		tree_error(tree, reader->place,
			"uidgid: Can't add subsection different than uidgid: remove section '%s'", name);
	if (reader->depth == 1) {
		const char *near = schema_suggest_section(name);

		if (near != NULL)
			tree_warning(tree, reader->place, "nothing uses section '%s': did you mean '%s'?",
				name, near);
	}
	if (section->kind == KIND_NODELIST)
		reader->node_count = 0;
	if (section->kind == KIND_NODE)
		reader->node_count++;
	if (is_held_kind(section->kind)) {
		reader->held_depth = reader->depth;
		reader->held_count = 0;
		reader->member_count = 0;
	}
}

static void end_section(struct reader *reader)
{
	if (reader->depth == 0) {
		tree_error(reader->tree, reader->place, "Unexpected closing brace: remove it");
		reader->is_broken = true;
		return;
	}
	struct section section = reader->stack[--reader->depth];

	switch (section.kind) {
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
		break;
	}
	if (is_held_kind(section.kind))
		reader->held_depth = 0;
	reader->path[section.path_length] = '\0';
}

/* Inside a node the key of the map has the node's position behind `nodelist.node`. */
static void store_in_node(struct reader *reader, const char *path, const char *text)
{
	static const char prefix[] = "nodelist.node";
	char key[2 * PATH_LENGTH_MAX + 32];

	assert(strncmp(path, prefix, strlen(prefix)) == 0);
	snprintf(key, sizeof(key), "%s.%u%s", prefix, reader->node_count - 1, path + strlen(prefix));
	store(reader->tree, key, path, text, reader->place);
}

static void read_item(struct reader *reader, const char *name, const char *text)
{
	struct tree *tree = reader->tree;
	enum kind kind = reader->depth == 0 ? KIND_PLAIN : reader->stack[reader->depth - 1].kind;
	size_t length = strlen(reader->path);
	char path[2 * PATH_LENGTH_MAX + 2];

	if (*name == '\0') {
		tree_error(tree, reader->place, "Key name can't be empty: write 'key: value'");
		return;
	}
	if (length + strlen(name) + 1 >= PATH_LENGTH_MAX) {
		tree_error(tree, reader->place,
			"New key makes total cmap path too long: use a shorter name");
		return;
	}
	if (kind == KIND_ACCESS) {
		read_access(reader, name, text);
		return;
	}
	if (reader->is_access_file) {
		if (reader->depth == 0)
			tree_error(tree, reader->place, "'%s' is outside a section: put it into 'uidgid {'",
				name);
		return; /* a section of another name has been reported */
	}
	snprintf(path, sizeof(path), "%s%s%s", reader->path, length == 0 ? "" : ".", name);
	if (kind == KIND_MEMBER) {
		char member[32];

		if (strcmp(name, "memberaddr") != 0) {
			tree_error(tree, reader->place,
				"Only memberaddr is allowed in member section: remove '%s'", name);
			return;
		}
		snprintf(member, sizeof(member), "member.%u", reader->member_count++);
		hold(reader, path, member, text);
		return;
	}
	warn_if_unknown(reader, path);
	if (reader->held_depth != 0) {
		/* The path of the section that is held back, and the dot, are not part of the name. */
		size_t skip = reader->held_depth == reader->depth
			? length
			: reader->stack[reader->held_depth].path_length;

		hold(reader, path, path + skip + 1, text);
	} else if (reader->depth >= 2 && reader->stack[1].kind == KIND_NODE) {
		store_in_node(reader, path, text);
	} else {
		store(tree, path, path, text, reader->place);
	}
}

/* Cut blanks off the left, and of these characters off the right. */
static char *trim(char *text, const char *right)
{
	text += strspn(text, " \t");
	size_t length = strlen(text);

	while (length > 0 && strchr(right, text[length - 1]) != NULL)
		length--;
	text[length] = '\0';
	return text;
}

/* next: what follows the line in the file, NUL-terminated. */
static void read_line(struct reader *reader, char *line, const char *next)
{
	struct tree *tree = reader->tree;
	char *text = trim(line, " \t"), *at;

	if (*text == '#' || *text == '\0')
		return;
	if ((at = strchr(text, '{')) != NULL) {
		*at = '\0';
		const char *name = trim(text, " \t:{");

		if (*name == '\0') {
			tree_error(tree, reader->place,
				"Missing section name before opening bracket '{': put '{' at the end of the "
				"section's own line");
			reader->is_broken = true;
		} else if (at[1 + strspn(at + 1, " \t")] != '\0') {
			tree_error(tree, reader->place,
				"Extra characters after opening bracket '{': put each item on its own line; a "
				"value cannot contain '{'");
			reader->is_broken = true;
		} else {
			begin_section(reader, name);
		}
	} else if ((at = strchr(text, ':')) != NULL) {
		*at = '\0';
		read_item(reader, trim(text, " \t:{"), trim(at + 1, " \t"));
	} else if (strchr(text, '}') != NULL) {
		if (strcmp(text, "}") != 0) {
			tree_error(tree, reader->place,
				"Extra characters before or after closing bracket '}': put '}' on a line of "
				"its own");
			reader->is_broken = true;
		} else {
			end_section(reader);
		}
	} else {
		bool is_open = next[strspn(next, " \t\r\n")] == '{';

		tree_error(tree, reader->place, "Line is not opening or closing section or key value: %s",
			is_open ? "put '{' at the end of the section's own line" : "write 'key: value'");
		reader->is_broken = is_open;
	}
}

static void read_lines(struct reader *reader, const char *bytes, size_t size)
{
	const char *at = bytes, *end = bytes + size;
	struct tree *tree = reader->tree;

	while (at < end && !reader->is_broken && !tree->is_out_of_memory) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((feed != NULL ? feed : end) - at);
		char line[LINE_LENGTH_MAX + 2];

		reader->place.line++;
		if (memchr(at, '\0', length) != NULL) {
			tree_error(tree, reader->place, "not a text file: NUL byte");
			return;
		}
		/* Without its LF the last line may have one byte more, as the reference reads them. */
		if (length > LINE_LENGTH_MAX + (feed == NULL ? 1u : 0u)) {
			tree_error(tree, reader->place, "Line too long: at most %d bytes are allowed",
				LINE_LENGTH_MAX);
		} else {
			if (length > 0 && at[length - 1] == '\r')
				length--;
			memcpy(line, at, length);
			line[length] = '\0';
			read_line(reader, line, feed != NULL ? feed + 1 : end);
		}
		at = feed != NULL ? feed + 1 : end;
	}
	if (reader->depth > 0 && !reader->is_broken)
		tree_error(tree, reader->place,
			"Missing closing brace: section '%s' opened in line %u is not closed", reader->path,
			reader->stack[reader->depth - 1].line);
}

static int read_bytes(struct tree *tree, const char *file, const char *bytes, size_t size,
	bool is_access_file)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader *reader = calloc(1, sizeof(*reader));
	char *text = malloc(size + 1); /* ends in a NUL for those who look ahead */

	if (reader == NULL || text == NULL) {
		free(reader);
		free(text);
		return -ENOMEM;
	}
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	reader->tree = tree;
	reader->place.file = file;
	reader->is_access_file = is_access_file;
	const char *at = text;

	if (size >= 3 && memcmp(at, bom, 3) == 0) {
		tree_warning(tree, (struct place){file, 1}, "byte order mark skipped: save without it");
		at += 3;
		size -= 3;
	}
	read_lines(reader, at, size);
	free(text);
	free(reader);
	return tree->is_out_of_memory ? -ENOMEM : 0;
}

int legacy_read(struct tree *tree, const char *file, const char *bytes, size_t size)
{
	return read_bytes(tree, file, bytes, size, false);
}

int legacy_read_access(struct tree *tree, const char *file, const char *bytes, size_t size)
{
	return read_bytes(tree, file, bytes, size, true);
}
