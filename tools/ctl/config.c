/* SPDX-License-Identifier: BSD-3-Clause */
/* `config`: the configuration map, and the file from which it is made. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/daemon.h"
#include "tools/ctl/origin.h"
#include "tools/ctl/reload.h"

#include "tools/common/terminal.h"

/* --- one key --- */

enum which {
	WHICH_ALL,
	WHICH_EFFECTIVE, /* all keys, with their origins */
	WHICH_FILE,      /* keys that the daemon's file makes */
	WHICH_CHANGED,   /* keys that a reload can change, and whose values differ from the file */
	WHICH_STATS,     /* keys of the statistics map */
	WHICHES,
};

struct show {
	struct ctl *ctl;
	struct json_object *keys; /* rows for the keys found so far */
	enum which which;
	char *name; /* name of the daemon's file; NULL: not known */
	bool is_read;
	char *transport;
	struct daemon_keys file;
};

/* Return the transport of the ring. @return malloc'd text; NULL: out of memory */
static char *find_transport(struct ctl *ctl)
{
	char *transport = fact_text(ctl, CTL_CONFIG, "totem.transport");

	return transport != NULL ? transport : strdup("knet");
}

static const char *name_of(const char *transport) { return transport != NULL ? transport : ""; }

static bool is_wanted(
	const struct show *show, const struct daemon_key *written, const char *key, struct json_object *value)
{
	switch (show->which) {
	case WHICH_ALL:
	case WHICH_EFFECTIVE:
	case WHICH_STATS:
	case WHICHES:
		return true;
	case WHICH_FILE:
		return written != NULL && origin_of_daemon(key) == NULL;
	case WHICH_CHANGED:
		return origin_of_daemon(key) == NULL &&
		       strcmp(origin_changeable(key, name_of(show->transport)), "reload") == 0 &&
		       (written == NULL || strcmp(json_object_get_string(value), written->value) != 0);
	}
	return true;
}

/* Return whether this option was given when its service was loaded. */
static bool is_given(struct ctl *ctl, const char *key)
{
	static const char prefix[] = "service.";
	char name[300];
	const char *plugin = key + strlen(prefix), *option = strchr(plugin, '.');

	if (strncmp(key, prefix, strlen(prefix)) != 0 || option == NULL)
		return false;
	snprintf(name, sizeof(name), "stats.plugins.%.*s.given", (int)(option - plugin), plugin);
	char *given = ctl_try(ctl, CTL_STATS) ? fact_text(ctl, CTL_STATS, name) : NULL;
	size_t length = strlen(++option);
	bool is_found = false;

	for (const char *at = given; at != NULL && *at != '\0' && !is_found; at += strspn(at, " ")) {
		is_found = strcspn(at, " ") == length && strncmp(at, option, length) == 0;
		at += strcspn(at, " ");
	}
	free(given);
	return is_found;
}

static void add_key(struct show *show, const char *key)
{
	const struct daemon_keys *file = show->is_read ? &show->file : NULL;
	enum ctl_service map = show->which == WHICH_STATS ? CTL_STATS : CTL_CONFIG;
	cmap_value_types_t type;
	struct json_object *value = fact_value(show->ctl, map, key, &type);

	if (value == NULL || !is_wanted(show, origin_find(file, key), key, value)) {
		json_object_put(value); /* the key was deleted meanwhile, or was not requested */
		return;
	}
	struct json_object *row = json_object_new_object();
	put_text(row, "key", key);
	put_text(row, "type", fact_type_name(type));
	json_object_object_add(row, "value", value);
	if (is_given(show->ctl, key))
		origin_put_given(row);
	else
		origin_put(row, key, file, show->name, name_of(show->transport));
	json_object_array_add(show->keys, row);
}

static bool see_key(void *arg, const char *key)
{
	add_key(arg, key);
	return true;
}

/* --- the answer around the keys --- */

/* Add a key, but only if it is equal on nodes with the same configuration. */
static bool see_common_key(void *arg, const char *key)
{
	return strcmp(key, "nodelist.local_node_pos") == 0 || see_key(arg, key);
}

/* Compute a checksum of the keys that a file makes. It is used if the daemon's file cannot be read here. */
static void sum_of_keys(struct ctl *ctl, char sum[65])
{
	static const char *const sections[] = {"totem.", "nodelist.", "quorum."};
	struct show show = {.ctl = ctl, .keys = json_object_new_array()};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		fact_each(ctl, CTL_CONFIG, sections[i], see_common_key, &show);
	daemon_text_sha256(json_object_to_json_string_ext(show.keys, JSON_C_TO_STRING_PLAIN), sum);
	json_object_put(show.keys);
}

/* Write the start that all answers about keys have. @return the list to fill */
static struct json_object *start_answer(struct ctl *ctl, struct json_object *data)
{
	struct json_object *keys = json_object_new_array();
	char sum[65] = "", *file = daemon_config_file(ctl);

	if (file != NULL && ctl->nodes == NULL)
		daemon_file_sha256(file, sum);
	if (sum[0] == '\0')
		sum_of_keys(ctl, sum);
	put_text(data, "file", file != NULL ? file : "");
	put_number(data, "version", fact_number(ctl, CTL_CONFIG, "totem.config_version", 0));
	put_text(data, "sha256", sum);
	json_object_object_add(data, "keys", keys);
	free(file);
	return keys;
}

/* --- show and get --- */

/* Find the option that selects keys, and remove it from the words. */
static enum which take_which(int *argc, char **argv)
{
	static const char *const words[WHICHES] = {[WHICH_EFFECTIVE] = "--effective",
		[WHICH_FILE] = "--file",
		[WHICH_CHANGED] = "--changed",
		[WHICH_STATS] = "--stats"};
	enum which which = WHICH_ALL;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		size_t word = WHICH_EFFECTIVE;

		while (word < WHICHES && strcmp(argv[i], words[word]) != 0)
			word++;
		if (word < WHICHES)
			which = (enum which)word;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return which;
}

/*
 * Read the keys of the daemon's file, if the answer needs them. The file is not known for another node, and if the
 * daemon does not report its name. A file with errors is an error only if the request is about the file's keys.
 */
static int read_file(struct show *show)
{
	struct ctl *ctl = show->ctl;
	bool is_needed = show->which == WHICH_FILE || show->which == WHICH_CHANGED;
	bool is_told = ctl->is_verbose || ctl->format != CTL_TEXT || show->which == WHICH_EFFECTIVE;

	show->name = ctl->remote == NULL && show->which != WHICH_STATS ? daemon_config_file(ctl) : NULL;
	if (!is_needed && (!is_told || show->name == NULL))
		return 0;
	int code = daemon_read_keys(ctl, show->name, &show->file);

	show->is_read = code == 0;
	if (is_needed)
		return code;
	memset(&ctl->error, 0, sizeof(ctl->error));
	return 0;
}

/* Parse the words of the command, and prepare the answer. */
static int start_show(struct show *show, const char *command, int argc, char **argv, struct json_object *data)
{
	struct ctl *ctl = show->ctl;
	int code = 0;

	for (int i = 0; i < argc && code == 0; i++)
		if (argv[i][0] == '-')
			code = ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "%s takes no '%s'", command, argv[i]);
	if (code == 0 && ctl->nodes != NULL && (show->which == WHICH_FILE || show->which == WHICH_CHANGED))
		code = ctl_fail(ctl, CTL_USAGE,
			"coterie-ctl config diff --nodes all compares every node's file with what it runs",
			"%s: the file of another node cannot be read here", command);
	if (code == 0)
		code = ctl_open(ctl, show->which == WHICH_STATS ? CTL_STATS : CTL_CONFIG);
	if (code != 0)
		return code;
	show->keys = start_answer(ctl, data);
	show->transport = find_transport(ctl);
	return read_file(show);
}

static void end_show(struct show *show)
{
	daemon_keys_fini(&show->file);
	free(show->name);
	free(show->transport);
}

int config_show(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct show show = {.ctl = ctl, .which = take_which(&argc, argv)};
	enum ctl_service map = show.which == WHICH_STATS ? CTL_STATS : CTL_CONFIG;
	bool is_filtered = show.which == WHICH_FILE || show.which == WHICH_CHANGED;
	int code = start_show(&show, "config show", argc, argv, data);

	ctl->is_verbose = ctl->is_verbose || show.which == WHICH_EFFECTIVE;
	for (int i = 0; i < (argc > 0 ? argc : 1) && code == 0; i++) {
		size_t before = json_object_array_length(show.keys);

		fact_each(ctl, map, argc > 0 ? argv[i] : NULL, see_key, &show);
		if (argc > 0 && !is_filtered && json_object_array_length(show.keys) == before)
			code = ctl_fail(ctl, CTL_FAILED, "coterie-ctl config show lists all", "no key begins with '%s'",
				argv[i]);
	}
	end_show(&show);
	return code;
}

int config_get(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct show show = {.ctl = ctl, .which = take_which(&argc, argv)};
	int code = argc < 1 || (show.which != WHICH_ALL && show.which != WHICH_STATS)
			   ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config get wants keys")
			   : start_show(&show, "config get", argc, argv, data);

	for (int i = 0; i < argc && code == 0; i++) {
		size_t before = json_object_array_length(show.keys);

		add_key(&show, argv[i]);
		if (json_object_array_length(show.keys) == before)
			code = ctl_fail(ctl, CTL_FAILED, "coterie-ctl config show lists all", "no key '%s'", argv[i]);
	}
	end_show(&show);
	return code;
}

/* Print the origin of a key, for example "corosync.conf:12" or "default". */
static void print_origin(const struct ctl *ctl, struct json_object *data, struct json_object *row)
{
	const char *file = get(row, "file") != NULL ? get_text(row, "file") : get_text(data, "file");
	const char *slash = strrchr(file, '/');

	if (get(row, "line") != NULL)
		fprintf(ctl->out, "%s:%" PRIi64, slash != NULL ? slash + 1 : file, get_number(row, "line"));
	else
		fprintf(ctl->out, "%s", get_text(row, "source"));
}

void config_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *keys = get(data, "keys");

	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		struct json_object *row = json_object_array_get_idx(keys, i), *value = get(row, "value");

		if (get(row, "node") != NULL)
			fprintf(ctl->out, "node %" PRIi64 ": ", get_number(row, "node"));
		fprintf(ctl->out, "%s (%s) = ", get_text(row, "key"), get_text(row, "type"));
		if (value != NULL)
			terminal_value(ctl->out, json_object_get_string(value), SIZE_MAX);
		if (ctl->is_verbose) {
			fprintf(ctl->out, "  [");
			print_origin(ctl, data, row);
			fprintf(ctl->out, "%schange: %s]", get(row, "source") != NULL ? ", " : "",
				get_text(row, "changeable"));
		}
		fprintf(ctl->out, "\n");
	}
}

/* --- set --- */

struct number_type {
	const char *name;
	cmap_value_types_t type;
	uint8_t size;
	int64_t least;
	uint64_t most;
};

static const struct number_type number_types[] = {
	{"i8", CMAP_VALUETYPE_INT8, 1, INT8_MIN, INT8_MAX},
	{"u8", CMAP_VALUETYPE_UINT8, 1, 0, UINT8_MAX},
	{"i16", CMAP_VALUETYPE_INT16, 2, INT16_MIN, INT16_MAX},
	{"u16", CMAP_VALUETYPE_UINT16, 2, 0, UINT16_MAX},
	{"i32", CMAP_VALUETYPE_INT32, 4, INT32_MIN, INT32_MAX},
	{"u32", CMAP_VALUETYPE_UINT32, 4, 0, UINT32_MAX},
	{"i64", CMAP_VALUETYPE_INT64, 8, INT64_MIN, INT64_MAX},
	{"u64", CMAP_VALUETYPE_UINT64, 8, 0, UINT64_MAX},
};

/* Parse a number of this type. The C library takes a sign behind blanks for one of an unsigned number. @return 0; -EINVAL */
static int parse_number(const struct number_type *type, const char *word, uint64_t *bits)
{
	char *end;

	if (word[strspn(word, "+-0123456789")] != '\0')
		return -EINVAL;
	errno = 0;
	if (word[0] == '-') {
		long long value = strtoll(word, &end, 10);

		*bits = (uint64_t)value;
		return errno != 0 || *end != '\0' || value < type->least ? -EINVAL : 0;
	}
	*bits = strtoull(word, &end, 10);
	return errno != 0 || end == word || *end != '\0' || *bits > type->most ? -EINVAL : 0;
}

static cs_error_t set_real(struct ctl *ctl, const char *key, const char *type, double value)
{
	return strcmp(type, "flt") == 0 ? cmap_set_float(ctl->config, key, (float)value)
					: cmap_set_double(ctl->config, key, value);
}

static int set_key(struct ctl *ctl, const char *key, const char *type, const char *word, cs_error_t *error)
{
	char *end;

	if (strcmp(type, "str") == 0) {
		*error = cmap_set_string(ctl->config, key, word);
		return 0;
	}
	if (strcmp(type, "flt") == 0 || strcmp(type, "dbl") == 0) {
		double value = strtod(word, &end);

		if (end == word || *end != '\0')
			return ctl_fail(ctl, CTL_USAGE, NULL, "config set: '%s' is no number", word);
		*error = set_real(ctl, key, type, value);
		return 0;
	}
	for (size_t i = 0; i < sizeof(number_types) / sizeof(number_types[0]); i++) {
		uint64_t bits;

		if (strcmp(type, number_types[i].name) != 0)
			continue;
		if (parse_number(&number_types[i], word, &bits) < 0)
			return ctl_fail(ctl, CTL_USAGE, NULL, "config set: '%s' is no %s number", word, type);
		/*
		 * The typed calls take the value as a number. The generic call takes its bytes, and the low bytes must
		 * be first. This is the byte order of this machine.
		 */
		switch (number_types[i].type) {
		case CMAP_VALUETYPE_INT8:
			*error = cmap_set_int8(ctl->config, key, (int8_t)bits);
			break;
		case CMAP_VALUETYPE_UINT8:
			*error = cmap_set_uint8(ctl->config, key, (uint8_t)bits);
			break;
		case CMAP_VALUETYPE_INT16:
			*error = cmap_set_int16(ctl->config, key, (int16_t)bits);
			break;
		case CMAP_VALUETYPE_UINT16:
			*error = cmap_set_uint16(ctl->config, key, (uint16_t)bits);
			break;
		case CMAP_VALUETYPE_INT32:
			*error = cmap_set_int32(ctl->config, key, (int32_t)bits);
			break;
		case CMAP_VALUETYPE_UINT32:
			*error = cmap_set_uint32(ctl->config, key, (uint32_t)bits);
			break;
		case CMAP_VALUETYPE_INT64:
			*error = cmap_set_int64(ctl->config, key, (int64_t)bits);
			break;
		default:
			*error = cmap_set_uint64(ctl->config, key, bits);
			break;
		}
		return 0;
	}
	return ctl_fail(ctl, CTL_USAGE, "i8 u8 i16 u16 i32 u32 i64 u64 flt dbl str", "config set: no type '%s'", type);
}

int config_set(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	cs_error_t error = CS_OK;
	char text[512];

	if (argc != 3)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config set wants a key, a type and a value");
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code == 0)
		code = set_key(ctl, argv[0], argv[1], argv[2], &error);
	if (code != 0)
		return code;
	if (error == CS_ERR_ACCESS)
		return ctl_fail(ctl, CTL_REFUSED, "change the config file, then coterie-ctl reload",
			"'%s' is read-only", argv[0]);
	if (error == CS_ERR_NAME_TOO_LONG)
		return ctl_fail(ctl, CTL_USAGE, "3 to 255 of a-z A-Z 0-9 . _ - / :", "'%s' is no key", argv[0]);
	if (error != CS_OK)
		return ctl_fail_cs(ctl, "config set", error);
	snprintf(text, sizeof(text), "%.255s is set, until the daemon of this node ends", argv[0]);
	put_text(data, "text", text);
	return CTL_GOOD;
}

/* --- check and diff --- */

int config_check(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > 1)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config check takes one file");
	char *file = argc == 1 ? strdup(argv[0]) : daemon_config_file(ctl);
	struct json_object *findings = json_object_new_array();
	int code = daemon_check(ctl, file, findings);

	if (code != 0 && code != CTL_INVALID) {
		json_object_put(findings);
		free(file);
		return code;
	}
	put_text(data, "file", file != NULL ? file : "");
	put_bool(data, "valid", code == 0);
	json_object_object_add(data, "findings", findings);
	free(file);
	return code;
}

void config_check_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *findings = get(data, "findings");

	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);

		fprintf(ctl->out, "%s:%" PRIi64 ": %s: %s\n", get_text(data, "file"), get_number(finding, "line"),
			get_text(finding, "level"), get_text(finding, "text"));
	}
	fprintf(ctl->out, "%s: %s\n", get_text(data, "file"), get_bool(data, "valid") ? "valid" : "NOT valid");
}

static void add_lines(struct json_object *keys, struct json_object *node, const char *list, const char *how)
{
	struct json_object *lines = get(node, list);

	for (size_t i = 0; lines != NULL && i < json_object_array_length(lines); i++) {
		struct json_object *line = json_object_array_get_idx(lines, i), *row = json_object_new_object();

		put_text(row, "key", get_text(line, "key"));
		put_text(row, "type", "str");
		json_object_object_add(row, "value", json_object_get(get(line, "new")));
		put_text(row, "source", "file");
		put_text(row, "changeable", how);
		put_number(row, "node", get_number(node, "id"));
		json_object_array_add(keys, row);
	}
}

/* Add the report of one node. @return enum ctl_exit; ctl->error is set if the report has an error and no differences */
static int add_node(struct ctl *ctl, struct json_object *keys, struct json_object *node, int code)
{
	add_lines(keys, node, "changes", "reload");
	add_lines(keys, node, "restarts", "restart");
	if (get(node, "text") == NULL)
		return 0;
	return ctl_fail(ctl, code != 0 ? code : CTL_FAILED, "coterie-ctl reload --check-only tells of all",
		"node %" PRIi64 ": %s", get_number(node, "id"), get_text(node, "text"));
}

static bool is_told(struct json_object *nodes, int64_t id)
{
	for (size_t i = 0; nodes != NULL && i < json_object_array_length(nodes); i++)
		if (get_number(json_object_array_get_idx(nodes, i), "id") == id)
			return true;
	return false;
}

/* List the requested nodes that did not answer. */
static int warn_of_silent(struct ctl *ctl, struct json_object *members, struct json_object *nodes)
{
	int code = 0;

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		int64_t id = get_number(member, "id");
		bool is_joined = strcmp(get_text(member, "state"), "joined") == 0;

		if (is_told(nodes, id) || !nodes_has(ctl, members, (uint32_t)id) ||
			(get(member, "addresses") == NULL && !is_joined))
			continue;
		ctl_warn(ctl, "node %" PRIi64 " %s", id,
			is_joined ? "compares no file for others: Corosync is in the ring, where each node has its own"
				  : "is not in the ring");
		code = is_joined ? CTL_NOT_LOADED : CTL_FAILED;
	}
	return code;
}

/*
 * Compare the file of each node with its running configuration. The differences are in the daemons' reports on a reload
 * that is only checked.
 */
static int diff_nodes(struct ctl *ctl, struct json_object *data)
{
	struct json_object *report = json_object_new_object(), *members = NULL;
	bool is_each;
	int code = ctl_open(ctl, CTL_CONFIG);

	if (code == 0)
		code = ctl_open(ctl, CTL_CFG);
	if (code == 0) {
		members = fact_members(ctl);
		code = nodes_check(ctl, members);
	}
	if (code == 0) {
		struct json_object *keys = start_answer(ctl, data);

		if (ctl->timeout_s < RELOAD_LIMIT_S)
			alarm(RELOAD_LIMIT_S);
		int reported = reload_ask(ctl, true, false, report, &is_each);
		struct json_object *nodes = get(report, "nodes");

		code = nodes == NULL && reported != RELOAD_UNKNOWN ? reported : 0;
		for (size_t i = 0; nodes != NULL && i < json_object_array_length(nodes) && code == 0; i++) {
			struct json_object *node = json_object_array_get_idx(nodes, i);

			if (nodes_has(ctl, members, (uint32_t)get_number(node, "id")))
				code = add_node(ctl, keys, node, reported);
		}
		if (reported == RELOAD_UNKNOWN)
			code = ctl_fail(ctl, CTL_NOT_LOADED, "ask each node", "this daemon compares no files of nodes");
		else if (code == 0)
			code = warn_of_silent(ctl, members, nodes);
	}
	json_object_put(members);
	json_object_put(report);
	return code;
}

/* List the keys that a reload would add, remove or change. */
int config_diff(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc > (ctl->nodes != NULL ? 0 : 1))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config diff takes one file, or --nodes");
	if (ctl->nodes != NULL)
		return diff_nodes(ctl, data);
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	struct json_object *keys = start_answer(ctl, data);
	char *file = argc == 1 ? strdup(argv[0]) : daemon_config_file(ctl), *transport = find_transport(ctl);
	struct daemon_keys wanted;

	code = daemon_read_keys(ctl, file, &wanted);
	free(file);
	for (size_t i = 0; code == 0 && i < wanted.count; i++) {
		struct json_object *now = fact_value(ctl, CTL_CONFIG, wanted.list[i].key, NULL);

		if (now == NULL || strcmp(json_object_get_string(now), wanted.list[i].value) != 0) {
			struct json_object *row = json_object_new_object();

			put_text(row, "key", wanted.list[i].key);
			put_text(row, "type", wanted.list[i].type);
			put_text(row, "value", wanted.list[i].value);
			put_text(row, "source", "file");
			if (wanted.list[i].line > 0)
				put_number(row, "line", wanted.list[i].line);
			put_text(row, "changeable", origin_changeable(wanted.list[i].key, name_of(transport)));
			json_object_array_add(keys, row);
		}
		json_object_put(now);
	}
	daemon_keys_fini(&wanted);
	free(transport);
	return code;
}
