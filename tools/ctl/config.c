/* `config`: the configuration map, and the file behind it. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/daemon.h"
#include "tools/ctl/reload.h"

/* --- one key --- */

static bool begins(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Spec 06c.1, step 4: what a running daemon does not take from the file. */
static bool is_fixed(const char *key)
{
	static const char *const keys[] = {"totem.version", "totem.threads", "totem.ip_version", "totem.rrp_mode",
		"totem.netmtu", "totem.transport", "totem.cluster_name", "quorum.provider",
		"system.move_to_root_cgroup", "system.allow_knet_handle_fallback", "system.sched_rr",
		"system.priority", "system.qb_ipc_type", "system.state_dir"};
	static const char *const ends[] = {".bindnetaddr", ".mcastaddr", ".broadcast", ".mcastport", ".ttl"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && begins(key, "totem.interface."); i++)
		if (strlen(key) > strlen(ends[i]) && strcmp(key + strlen(key) - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static const char *changeable(const char *key)
{
	static const char *const from_file[] = {"totem.", "logging.", "nodelist.", "quorum.", "uidgid.", "resources."};

	if (is_fixed(key))
		return "restart";
	for (size_t i = 0; i < sizeof(from_file) / sizeof(from_file[0]); i++)
		if (begins(key, from_file[i]))
			return "reload";
	return begins(key, "runtime.") || begins(key, "internal_configuration.") ? "never" : "runtime";
}

static const char *source(const char *key)
{
	if (begins(key, "runtime.config."))
		return "computed";
	if (begins(key, "runtime.") || begins(key, "internal_configuration.") || begins(key, "config.") ||
		begins(key, "resources."))
		return "runtime";
	return NULL; /* the file's or a default: the daemon does not tell */
}

enum which {
	WHICH_EFFECTIVE, /* all that the daemon has */
	WHICH_FILE,      /* those that its file makes */
	WHICH_CHANGED,   /* those of its sections that the file does not make so */
};

static const struct daemon_key *find_written(const struct daemon_keys *file, const char *key)
{
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->list[i].key, key) == 0)
			return &file->list[i];
	return NULL;
}

static bool is_wanted(
	enum which which, const struct daemon_key *written, const char *key, struct json_object *value)
{
	switch (which) {
	case WHICH_EFFECTIVE:
		return true;
	case WHICH_FILE:
		return written != NULL && source(key) == NULL;
	case WHICH_CHANGED:
		return source(key) == NULL && strcmp(changeable(key), "reload") == 0 &&
		       (written == NULL || strcmp(json_object_get_string(value), written->value) != 0);
	}
	return true;
}

/* file: what its keys are held against. */
static void add_key(struct ctl *ctl, struct json_object *keys, const char *key, enum which which,
	const struct daemon_keys *file)
{
	const struct daemon_key *written = find_written(file, key);
	cmap_value_types_t type;
	struct json_object *value = fact_value(ctl, CTL_CONFIG, key, &type);

	if (value == NULL || !is_wanted(which, written, key, value)) {
		json_object_put(value); /* gone meanwhile, or not asked for */
		return;
	}
	struct json_object *row = json_object_new_object();
	put_text(row, "key", key);
	put_text(row, "type", fact_type_name(type));
	json_object_object_add(row, "value", value);
	if (source(key) != NULL || which == WHICH_FILE)
		put_text(row, "source", which == WHICH_FILE ? "file" : source(key));
	put_text(row, "changeable", changeable(key));
	json_object_array_add(keys, row);
}

struct show {
	struct ctl *ctl;
	struct json_object *keys;
	enum which which;
	struct daemon_keys file;
};

static bool see_key(void *arg, const char *key)
{
	struct show *show = arg;

	add_key(show->ctl, show->keys, key, show->which, &show->file);
	return true;
}

/* Where the daemon names no file, the sum is of the keys that a file makes. */
static void sum_of_keys(struct ctl *ctl, char sum[65])
{
	static const char *const sections[] = {"totem.", "nodelist.", "quorum."};
	struct show show = {.ctl = ctl, .keys = json_object_new_array()};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		fact_each(ctl, CTL_CONFIG, sections[i], see_key, &show);
	daemon_text_sha256(json_object_to_json_string_ext(show.keys, JSON_C_TO_STRING_PLAIN), sum);
	json_object_put(show.keys);
}

/* What every answer about keys begins with. @return the list to fill */
static struct json_object *start_answer(struct ctl *ctl, struct json_object *data)
{
	struct json_object *keys = json_object_new_array();
	char sum[65] = "", *file = daemon_config_file(ctl);

	if (file != NULL)
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

/* The option, taken out of the words. */
static enum which take_which(int *argc, char **argv)
{
	static const char *const words[] = {
		[WHICH_EFFECTIVE] = "--effective", [WHICH_FILE] = "--file", [WHICH_CHANGED] = "--changed"};
	enum which which = WHICH_EFFECTIVE;
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		size_t word = 0;

		while (word < sizeof(words) / sizeof(words[0]) && strcmp(argv[i], words[word]) != 0)
			word++;
		if (word < sizeof(words) / sizeof(words[0]))
			which = (enum which)word;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
	return which;
}

/* What the daemon's file says now. */
static int read_file(struct ctl *ctl, struct daemon_keys *keys)
{
	char *file = daemon_config_file(ctl);
	int code = daemon_read_keys(ctl, file, keys);

	free(file);
	return code;
}

int config_show(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct show show = {.ctl = ctl, .which = take_which(&argc, argv)};
	int code = argc > 1 || (argc == 1 && argv[0][0] == '-')
		? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config show takes no '%s'", argv[argc - 1])
		: ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	show.keys = start_answer(ctl, data);
	if (show.which != WHICH_EFFECTIVE)
		code = read_file(ctl, &show.file);
	if (code == 0)
		fact_each(ctl, CTL_CONFIG, argc > 0 ? argv[0] : NULL, see_key, &show);
	daemon_keys_fini(&show.file);
	if (code == 0 && argc > 0 && show.which == WHICH_EFFECTIVE && json_object_array_length(show.keys) == 0)
		return ctl_fail(ctl, CTL_FAILED, "coterie-ctl config show lists all", "no key begins with '%s'", argv[0]);
	return code;
}

int config_get(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	int code = argc != 1 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config get wants one key")
			     : ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	struct json_object *keys = start_answer(ctl, data);
	add_key(ctl, keys, argv[0], WHICH_EFFECTIVE, &(struct daemon_keys){0});
	if (json_object_array_length(keys) == 0)
		return ctl_fail(ctl, CTL_FAILED, "coterie-ctl config show lists all", "no key '%s'", argv[0]);
	return CTL_GOOD;
}

void config_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *keys = get(data, "keys");

	for (size_t i = 0; i < json_object_array_length(keys); i++) {
		struct json_object *row = json_object_array_get_idx(keys, i), *value = get(row, "value");

		if (get(row, "node") != NULL)
			fprintf(ctl->out, "node %" PRIi64 ": ", get_number(row, "node"));
		fprintf(ctl->out, "%s (%s) = %s", get_text(row, "key"), get_text(row, "type"),
			value != NULL ? json_object_get_string(value) : "");
		if (ctl->is_verbose)
			fprintf(ctl->out, "  [%s%schange: %s]", get_text(row, "source"),
				get(row, "source") != NULL ? ", " : "", get_text(row, "changeable"));
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

/* @return 0; -EINVAL */
static int parse_number(const struct number_type *type, const char *word, uint64_t *bits)
{
	char *end;

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
		/* The low bytes come first only on such machines: the typed calls do not care. */
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
		return ctl_fail(ctl, CTL_REFUSED, "change the config file, then coterie-ctl reload", "'%s' is read-only",
			argv[0]);
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

/* Each node's file against what runs there: the daemons tell it of a reload that is only checked. */
static int diff_nodes(struct ctl *ctl, struct json_object *data)
{
	struct json_object *report = json_object_new_object();
	bool is_each;
	int code = ctl_open(ctl, CTL_CONFIG);

	if (code == 0)
		code = ctl_open(ctl, CTL_CFG);
	if (code == 0) {
		struct json_object *keys = start_answer(ctl, data);

		if (ctl->timeout_s < RELOAD_LIMIT_S)
			alarm(RELOAD_LIMIT_S);
		code = reload_ask(ctl, true, report, &is_each);
		struct json_object *nodes = get(report, "nodes");
		for (size_t i = 0; nodes != NULL && i < json_object_array_length(nodes); i++) {
			struct json_object *node = json_object_array_get_idx(nodes, i);

			add_lines(keys, node, "changes", "reload");
			add_lines(keys, node, "restarts", "restart");
			if (get(node, "text") != NULL)
				ctl_fail(ctl, code, "coterie-ctl reload --check-only tells of all",
					"node %" PRIi64 ": %s", get_number(node, "id"), get_text(node, "text"));
		}
	}
	if (code == RELOAD_UNKNOWN)
		code = ctl_fail(ctl, CTL_FAILED, "ask each node", "this daemon compares no files of nodes");
	json_object_put(report);
	return code;
}

/* Keys that a reload would bring or take away, or give another value. */
int config_diff(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	if (argc == 2 && strcmp(argv[0], "--nodes") == 0 && strcmp(argv[1], "all") == 0)
		return diff_nodes(ctl, data);
	if (argc > 1)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "config diff takes one file, or --nodes all");
	int code = ctl_open(ctl, CTL_CONFIG);
	if (code != 0)
		return code;
	struct json_object *keys = start_answer(ctl, data);
	char *file = argc == 1 ? strdup(argv[0]) : daemon_config_file(ctl);
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
			put_text(row, "changeable", changeable(wanted.list[i].key));
			json_object_array_add(keys, row);
		}
		json_object_put(now);
	}
	daemon_keys_fini(&wanted);
	return code;
}
