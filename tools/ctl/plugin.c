/* SPDX-License-Identifier: BSD-3-Clause */
/* `plugin`: list, load, unload and replace plugins. */
#include "tools/ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/control.h"

/* --- other nodes --- */

static bool has_name(const char *text, uint32_t size, const char *name)
{
	for (const char *at = text; at < text + size; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

/* Add to each plugin of this node a list of the nodes that lack it. Only nodes that have sent their own lists count. */
static void put_missing(struct ctl *ctl, struct json_object *plugins)
{
	struct control_nodes nodes;

	if (control_ask_nodes(ctl, &nodes) != 0) {
		memset(&ctl->error, 0, sizeof(ctl->error));
		return; /* this daemon, for example Corosync's, has no such list */
	}
	for (size_t i = 0; i < json_object_array_length(plugins); i++) {
		struct json_object *plugin = json_object_array_get_idx(plugins, i);
		struct json_object *missing = json_object_new_array();

		for (uint32_t k = 0; k < nodes.count; k++)
			if (!has_name(nodes.list[k].text, nodes.list[k].size, get_text(plugin, "name")))
				json_object_array_add(missing, json_object_new_int64(nodes.list[k].nodeid));
		json_object_object_add(plugin, "peers_without", missing);
	}
	control_nodes_fini(&nodes);
}

int plugin_list(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	(void)argv;
	int code = argc > 0 ? ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "plugin list takes no argument")
			    : ctl_open(ctl, CTL_CONFIG);

	if (code != 0)
		return code;
	const struct metrics_source source = ctl_source(ctl);
	struct json_object *plugins = answers_plugins(&source, "stats.plugins.");
	if (json_object_array_length(plugins) > 0) {
		put_missing(ctl, plugins);
	} else { /* the daemon is Corosync's */
		json_object_put(plugins);
		plugins = answers_services(&source);
	}
	json_object_object_add(data, "plugins", plugins);
	return CTL_GOOD;
}

static void print_missing(const struct ctl *ctl, struct json_object *plugin)
{
	struct json_object *missing = get(plugin, "peers_without");

	if (missing == NULL || json_object_array_length(missing) == 0)
		return;
	fprintf(ctl->out, "  (not on node");
	for (size_t i = 0; i < json_object_array_length(missing); i++)
		fprintf(ctl->out, " %" PRIi64, json_object_get_int64(json_object_array_get_idx(missing, i)));
	fprintf(ctl->out, ")");
}

void plugin_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *plugins = get(data, "plugins");

	fprintf(ctl->out, "%-12s %-10s %-8s %-5s %-9s %3s %7s  %s\n", "Name", "Kind", "Version", "ABI", "State", "Id",
		"Clients", "File");
	for (size_t i = 0; i < json_object_array_length(plugins); i++) {
		struct json_object *plugin = json_object_array_get_idx(plugins, i);
		char id[24] = "", clients[24] = "";

		if (get(plugin, "service_id") != NULL) {
			snprintf(id, sizeof(id), "%" PRIi64, get_number(plugin, "service_id"));
			snprintf(clients, sizeof(clients), "%" PRIi64, get_number(plugin, "clients"));
		}
		fprintf(ctl->out, "%-12s %-10s %-8s %-5s %-9s %3s %7s  %s", get_text(plugin, "name"),
			get_text(plugin, "kind"), get_text(plugin, "version"), get_text(plugin, "abi"),
			get_text(plugin, "state"), id, clients, get_text(plugin, "file"));
		print_missing(ctl, plugin);
		fprintf(ctl->out, "\n");
	}
}

/* --- changes --- */

/* Use an absolute path, since the daemon has another current folder. */
static int make_absolute(struct ctl *ctl, const char *file, char path[PATH_MAX])
{
	if (realpath(file, path) != NULL)
		return 0;
	return ctl_fail(
		ctl, CTL_FAILED, "name a plugin in the search path, or a file", "%s: %s", file, strerror(errno));
}

static bool is_file(const char *word) { return strchr(word, '/') != NULL; }

/* Return the plugin in the daemon's list, or NULL. */
static struct json_object *find_plugin(struct ctl *ctl, const char *name)
{
	const struct metrics_source source = ctl_source(ctl);
	struct json_object *plugins, *found = NULL;
	char prefix[CMAP_KEYNAME_MAXLEN + 1];

	snprintf(prefix, sizeof(prefix), "stats.plugins.%.63s.", name);
	plugins = answers_plugins(&source, prefix);
	if (json_object_array_length(plugins) > 0)
		found = json_object_get(json_object_array_get_idx(plugins, 0));
	json_object_put(plugins);
	return found;
}

/* Describe a plugin that is unloaded, or that the map does not show. */
static struct json_object *describe(const char *name)
{
	struct json_object *plugin = json_object_new_object();

	put_text(plugin, "name", name);
	put_text(plugin, "kind", "service");
	put_text(plugin, "version", "");
	put_text(plugin, "abi", "0.0");
	put_text(plugin, "state", "active");
	return plugin;
}

/* Get the plugin's name: "tally" from "/a/b/tally.so" or "tally". */
static void name_of(const char *word, char name[64])
{
	const char *slash = strrchr(word, '/');

	snprintf(name, 64, "%s", slash != NULL ? slash + 1 : word);
	name[strcspn(name, ".")] = '\0';
}

/*
 * Make the answer, with the daemon's data about the plugin. before: the data of a plugin that is now unloaded. Its
 * ownership moves to the answer.
 */
static int finish(struct ctl *ctl, const char *word, const char *action, const struct control_answer *answer,
	struct json_object *before, struct json_object *data)
{
	char name[64];

	name_of(word, name);
	if (answer->rc == 0) {
		struct json_object *plugin = before != NULL ? before : find_plugin(ctl, name);

		if (plugin == NULL)
			plugin = describe(name);
		if (strcmp(action, "unload") == 0)
			put_text(plugin, "state", "unloaded");
		put_text(data, "action", action);
		json_object_object_add(data, "plugin", plugin);
		return CTL_GOOD;
	}
	json_object_put(before);
	const char *text = answer->text[0] != '\0' ? answer->text : strerror(-answer->rc);
	switch (-answer->rc) {
	case ENOENT:
		return ctl_fail(
			ctl, CTL_NOT_LOADED, "coterie-ctl plugin list shows what is loaded", "%s: %s", name, text);
	case EINVAL:
		return ctl_fail(ctl, CTL_INVALID, "coterie --check-plugin FILE tells more", "%s: %s", name, text);
	case EALREADY:
	case EBUSY:
	case EEXIST:
		return ctl_fail(ctl, CTL_REFUSED, NULL, "%s: %s", name, text);
	case ENOTSUP:
		return ctl_fail(ctl, CTL_REFUSED, "with --force it starts cold, and its clients are sent away",
			"%s: %s", name, text);
	case ETIMEDOUT:
		return ctl_fail(ctl, CTL_TIMED_OUT, "the plugin's author must act", "%s: %s", name, text);
	}
	return ctl_fail(ctl, CTL_FAILED, "the daemon's log says more", "%s: %s", name, text);
}

int plugin_load(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct control_question question = {.id = CONTROL_REQ_PLUGIN_LOAD};
	struct control_answer answer;
	char path[PATH_MAX];

	if (argc < 1 || argc > CONTROL_WORDS_MAX)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "plugin load FILE|NAME [KEY=VALUE ...]");
	for (int i = 0; i < argc; i++) {
		if (i > 0 && strchr(argv[i], '=') == NULL)
			return ctl_fail(
				ctl, CTL_USAGE, "coterie-ctl --help", "'%s' is no option: write KEY=VALUE", argv[i]);
		question.words[question.count++] = argv[i];
	}
	if (is_file(argv[0])) {
		int code = make_absolute(ctl, argv[0], path);

		if (code != 0)
			return code;
		question.words[0] = path;
	}
	int code = control_ask(ctl, &question, &answer);
	return code != 0 ? code : finish(ctl, argv[0], "load", &answer, NULL, data);
}

int plugin_unload(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct control_question question = {.id = CONTROL_REQ_PLUGIN_UNLOAD, .count = 1};
	struct control_answer answer;
	unsigned long seconds = 0;
	char *end = NULL;

	if (argc == 3 && strcmp(argv[1], "--drain") == 0)
		seconds = strtoul(argv[2], &end, 10);
	if (argc < 1 || (argc != 1 && (end == NULL || end == argv[2] || *end != '\0' || seconds > 86400)))
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "plugin unload NAME [--drain SECONDS]");
	question.words[0] = argv[0];
	question.drain_ms = (uint32_t)seconds * 1000;
	struct json_object *before = find_plugin(ctl, argv[0]);
	int code = control_ask(ctl, &question, &answer);
	if (code != 0)
		json_object_put(before);
	return code != 0 ? code : finish(ctl, argv[0], "unload", &answer, before, data);
}

int plugin_replace(struct ctl *ctl, int argc, char **argv, struct json_object *data)
{
	struct control_question question = {.id = CONTROL_REQ_PLUGIN_REPLACE};
	struct control_answer answer;
	char path[PATH_MAX];

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--force") == 0)
			question.flags = CONTROL_FORCE;
		else if (question.count < 2)
			question.words[question.count++] = argv[i];
		else
			question.count = 3;
	}
	if (question.count < 1 || question.count > 2)
		return ctl_fail(ctl, CTL_USAGE, "coterie-ctl --help", "plugin replace NAME [FILE] [--force]");
	if (question.count == 2) {
		int code = make_absolute(ctl, question.words[1], path);

		if (code != 0)
			return code;
		question.words[1] = path;
	}
	int code = control_ask(ctl, &question, &answer);
	return code != 0 ? code : finish(ctl, question.words[0], "replace", &answer, NULL, data);
}

void plugin_change_print(const struct ctl *ctl, struct json_object *data)
{
	struct json_object *plugin = get(data, "plugin");
	const char *action = get_text(data, "action"), *version = get_text(plugin, "version");

	fprintf(ctl->out, "%s: %s", get_text(plugin, "name"),
		strcmp(action, "load") == 0     ? "loaded"
		: strcmp(action, "unload") == 0 ? "unloaded"
						: "replaced");
	if (strcmp(action, "unload") != 0 && version[0] != '\0')
		fprintf(ctl->out, ", version %s from %s", version, get_text(plugin, "file"));
	fprintf(ctl->out, "\n");
}
