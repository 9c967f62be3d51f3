/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lists the changes that a configuration would make, one on each line, for the operator of a reload that
 * is only prepared.
 */
#include "exec/reload/reload_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_options.h"

#define KEY_SIZE 300
#define NONE "(none)"
#define HIDDEN "(hidden)"

/* Keys that are stored in the map, but read only at the start. */
static const char *const start_keys[] = {
	"quorum.allow_downscale",
	"quorum.auto_tie_breaker",
	"quorum.auto_tie_breaker_node",
	"quorum.expected_votes_tracking",
	"quorum.last_man_standing",
	"quorum.last_man_standing_window",
	"quorum.wait_for_all",
};

struct line {
	bool is_restart;
	char *key, *before, *now;
};

struct list {
	struct line *lines;
	uint32_t count;
	bool is_out_of_memory;
};

static void list_fini(struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		free(list->lines[i].key);
		free(list->lines[i].before);
		free(list->lines[i].now);
	}
	free(list->lines);
}

/* Return a copy without line breaks, so that each change has one line: values come from a file or a client. */
static char *printable(const char *text)
{
	char *copy = strdup(text != NULL ? text : NONE);

	for (char *at = copy; at != NULL && *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return copy;
}

static void add(struct list *list, bool is_restart, const char *key, const char *before, const char *now)
{
	struct line *lines = reallocarray(list->lines, list->count + 1, sizeof(*lines));

	if (lines == NULL) {
		list->is_out_of_memory = true;
		return;
	}
	list->lines = lines;
	struct line *line = &lines[list->count++];

	*line = (struct line){
		.is_restart = is_restart, .key = strdup(key), .before = printable(before), .now = printable(now)};
	if (line->key == NULL || line->before == NULL || line->now == NULL)
		list->is_out_of_memory = true;
}

/* --- keys --- */

static void add_key(void *arg, const char *key, const char *now, const char *before)
{
	bool is_restart = false;

	for (size_t i = 0; i < sizeof(start_keys) / sizeof(start_keys[0]); i++)
		is_restart = is_restart || strcmp(key, start_keys[i]) == 0;
	add(arg, is_restart, key, before, now);
}

/* Add a change of the ring's key, which is in no map. */
static void add_secret(struct list *list, const struct config *running, const struct config *config)
{
	bool is_same = running->key_size == config->key_size && (config->key == NULL) == (running->key == NULL) &&
		       (config->key == NULL || memcmp(config->key, running->key, config->key_size) == 0);

	if (!is_same)
		add(list, false, "totem.key", running->key != NULL ? HIDDEN : NULL,
			config->key != NULL ? HIDDEN : NULL);
}

/* --- plugins --- */

struct option_list {
	struct list *list;
	const struct coterie_plugin *descriptor;
};

/* Find the line of a transport's option. Such an option is also a key of the map, which is listed already. */
static struct line *find_transport_key(struct list *list, const char *name)
{
	static const char *const prefixes[] = {"totem.", "totem.interface.0."};
	char key[KEY_SIZE];

	for (uint32_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
			snprintf(key, sizeof(key), "%s%s", prefixes[k], name);
			if (list->lines[i].key != NULL && strcmp(list->lines[i].key, key) == 0)
				return &list->lines[i];
		}
	return NULL;
}

static void add_option(void *arg, const struct coterie_option *option, const char *now, const char *before)
{
	const struct option_list *options = arg;
	bool is_restart = (option->flags & COTERIE_OPT_RELOAD) == 0;
	bool is_secret = (option->flags & COTERIE_OPT_SECRET) != 0;
	char key[KEY_SIZE];

	if (options->descriptor->kind == COTERIE_KIND_TRANSPORT) {
		struct line *line = find_transport_key(options->list, option->name);

		if (line != NULL) {
			line->is_restart = line->is_restart || is_restart;
			return;
		}
	}
	snprintf(key, sizeof(key), "%s.%s", options->descriptor->name, option->name);
	add(options->list, is_restart, key, is_secret && before != NULL ? HIDDEN : before,
		is_secret && now != NULL ? HIDDEN : now);
}

static void add_options(struct list *list, const struct reload *reload, const struct config *config)
{
	for (struct plugin *one = plugin_first(reload->parts.plugins); one != NULL; one = one->next) {
		struct option_list arg = {.list = list, .descriptor = one->descriptor};
		struct plugin_error why;
		struct plugin_options *options = plugin_options_again(one, config, &why);

		if (options == NULL) {
			list->is_out_of_memory = true; /* other errors would have been found by the checks before */
			return;
		}
		plugin_options_compare(options, one->options, one->descriptor, add_option, &arg);
		plugin_options_destroy(options);
	}
}

static bool has_service(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].name, name) == 0)
			return true;
	return false;
}

static void add_services(struct list *list, const struct config *running, const struct config *config)
{
	char key[KEY_SIZE];

	for (uint32_t i = 0; i < config->service_count; i++) {
		snprintf(key, sizeof(key), "service.%.250s", config->services[i].name);
		if (!has_service(running, config->services[i].name))
			add(list, false, key, NULL, "loaded");
	}
	for (uint32_t i = 0; i < running->service_count; i++) {
		snprintf(key, sizeof(key), "service.%.250s", running->services[i].name);
		if (!has_service(config, running->services[i].name))
			add(list, false, key, "loaded", NULL);
	}
}

/* --- the text --- */

static char *print(const struct list *list, char *const *restarts, uint32_t restart_count)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (stream == NULL)
		return NULL;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct line *line = &list->lines[i];

		fprintf(stream, "%s %s %s -> %s\n", line->is_restart ? "restart" : "change", line->key, line->before,
			line->now);
	}
	for (uint32_t i = 0; i < restart_count; i++)
		fprintf(stream, "restart %s\n", restarts[i]);
	bool has_failed = ferror(stream) != 0;

	if (fclose(stream) != 0 || has_failed) {
		free(text);
		return NULL;
	}
	return text;
}

char *reload_list(
	const struct reload *reload, const struct config *config, char *const *restarts, uint32_t restart_count)
{
	struct list list = {0};
	char *text = NULL;

	if (config_each_change(config, reload->parts.map, add_key, &list) < 0)
		list.is_out_of_memory = true;
	add_secret(&list, reload_running(reload), config);
	add_options(&list, reload, config);
	add_services(&list, reload_running(reload), config);
	if (!list.is_out_of_memory)
		text = print(&list, restarts, restart_count);
	list_fini(&list);
	return text;
}
