/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of one plugin: the descriptor's list, the config file's values.
 */
#include "exec/plugin/plugin_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"

struct value {
	const char *name;
	char *text; /* NULL: unset */
	uint64_t number;
	bool is_number;
	char **words; /* words of a list, in one block with their text, or NULL: the option is unset, or is no list */
	uint32_t word_count;
};

struct plugin_options {
	uint32_t count;
	struct value values[];
};

/* An option that is being checked. */
struct check {
	const struct coterie_plugin *descriptor;
	const struct coterie_option *option;
	const char *legacy; /* name of the option in corosync.conf, or NULL */
	const char *text;
	char where[288]; /* "FILE:LINE: ", or empty for a default */
	struct plugin_error *error;
};

#define REFUSE(check, format, ...) \
	plugin_fail((check)->error, PLUGIN_EXIT_CONFIG, "%s" format, (check)->where, ##__VA_ARGS__)

static int check_value(const struct check *check, struct value *value)
{
	char why[512];

	value->is_number = option_is_number(check->option);
	if (option_value(check->option, OPTION_PLAIN, check->text, &value->number, why, sizeof(why)) < 0)
		return REFUSE(check, "%s", why);
	return 0;
}

#define BLANKS " \t"

/* Split the text of a list into words. @return 0; -ENOMEM */
static int split(struct value *value)
{
	size_t size = strlen(value->text) + 1, room = size / 2 + 1;
	char **words = malloc(room * sizeof(*words) + size), *text, *rest = NULL;

	if (words == NULL)
		return -ENOMEM;
	text = memcpy(words + room, value->text, size);
	value->words = words;
	value->word_count = 0;
	for (char *word = strtok_r(text, BLANKS, &rest); word != NULL; word = strtok_r(NULL, BLANKS, &rest))
		words[value->word_count++] = word;
	return 0;
}

/* Set the text of a value to a copy of this text. @return 0; -ENOMEM */
static int set_text(struct value *value, const struct coterie_option *option, const char *text)
{
	value->text = strdup(text);
	if (value->text == NULL)
		return -ENOMEM;
	return option->type == COTERIE_OPT_LIST ? split(value) : 0;
}

static void clear(struct value *value)
{
	free(value->text);
	free(value->words);
	value->text = NULL;
	value->words = NULL;
}

static const struct coterie_option *at(const struct coterie_plugin *descriptor, uint32_t index)
{
	return option_at(descriptor->options, descriptor->option_size, index);
}

static bool has_option(const struct coterie_plugin *descriptor, const char *name)
{
	return option_find(descriptor->options, descriptor->option_size, descriptor->option_count, name) != NULL;
}

/* Refuse an option that does not exist: "service tally has no option 'stpe': did you mean 'step'?" */
static int refuse_name(const struct check *check, const char *name)
{
	const struct coterie_plugin *descriptor = check->descriptor;
	const char *kind = plugin_kind_name(descriptor->kind);
	const char *meant = option_nearest(
		descriptor->options, descriptor->option_size, descriptor->option_count, name);

	if (meant != NULL)
		return REFUSE(
			check, "%s %s has no option '%s': did you mean '%s'?", kind, descriptor->name, name, meant);
	return REFUSE(check, "%s %s has no option '%s': remove it", kind, descriptor->name, name);
}

static void set_where(struct check *check, const struct config_option *written)
{
	if (written->file != NULL)
		snprintf(check->where, sizeof(check->where), "%.255s:%u: ", written->file, written->line);
}

static int refuse_unknown(
	const struct config *config, const struct coterie_plugin *descriptor, struct plugin_error *error)
{
	for (uint32_t i = 0; config != NULL && i < config->option_count; i++) {
		const struct config_option *written = &config->options[i];

		if (strcmp(written->plugin, descriptor->name) != 0 || has_option(descriptor, written->name))
			continue;
		struct check check = {.descriptor = descriptor, .error = error};

		set_where(&check, written);
		return refuse_name(&check, written->name);
	}
	return 0;
}

/* Return the value of the option among those given at the load, or NULL. */
static const char *overriding(const struct plugin_overrides *overrides, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = 0; overrides != NULL && i < overrides->count; i++)
		if (strncmp(overrides->words[i], name, length) == 0 && overrides->words[i][length] == '=')
			return overrides->words[i] + length + 1;
	return NULL;
}

static int refuse_overrides(
	const struct plugin_overrides *overrides, const struct coterie_plugin *descriptor, struct plugin_error *error)
{
	for (uint32_t i = 0; overrides != NULL && i < overrides->count; i++) {
		const char *word = overrides->words[i], *equal = strchr(word, '=');
		char name[64];

		if (equal == NULL || equal == word || equal - word >= (ptrdiff_t)sizeof(name))
			return plugin_fail(error, PLUGIN_EXIT_CONFIG, "'%s' is no option: write KEY=VALUE", word);
		snprintf(name, sizeof(name), "%.*s", (int)(equal - word), word);
		if (!has_option(descriptor, name)) {
			const struct check check = {.descriptor = descriptor, .error = error};

			return refuse_name(&check, name);
		}
	}
	return 0;
}

/* Choose the value given at the load, otherwise that of the config file, otherwise the default. */
static void choose(struct check *check, const struct config *config, const struct plugin_overrides *overrides)
{
	struct config_option written = {0};
	const char *given = overriding(overrides, check->option->name);

	check->text = given != NULL ? given : check->option->initial;
	check->where[0] = '\0';
	if (given != NULL)
		return;
	if (config == NULL)
		return;
	written.value = config_option_text(
		config, check->descriptor->name, check->option->name, &written.file, &written.line);
	if (written.value == NULL && check->legacy != NULL)
		written.value = config_key(config, check->legacy, &written.file, &written.line);
	if (written.value == NULL)
		return;
	check->text = written.value;
	set_where(check, &written);
}

/* --- entry points --- */

struct plugin_options *plugin_options_create(
	const struct config *config, const struct coterie_plugin *descriptor, struct plugin_error *error)
{
	return plugin_options_create_over(config, descriptor, NULL, error);
}

struct plugin_options *plugin_options_create_over(const struct config *config, const struct coterie_plugin *descriptor,
	const struct plugin_overrides *overrides, struct plugin_error *error)
{
	uint32_t count = descriptor->option_count;
	struct plugin_options *options = calloc(1, sizeof(*options) + count * sizeof(options->values[0]));

	if (options == NULL) {
		plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory for the options of plugin '%s'", descriptor->name);
		return NULL;
	}
	options->count = count;
	int rc = refuse_unknown(config, descriptor, error);
	if (rc == 0)
		rc = refuse_overrides(overrides, descriptor, error);
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		struct check check = {.descriptor = descriptor, .error = error};
		struct value *value = &options->values[i];

		check.option = at(descriptor, i);
		check.legacy = option_copy(descriptor->options, descriptor->option_size, i).legacy;
		choose(&check, config, overrides);
		value->name = check.option->name;
		if (check.text == NULL)
			continue;
		rc = check_value(&check, value);
		if (rc == 0 && set_text(value, check.option, check.text) < 0)
			rc = plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory for the options of plugin '%s'",
				descriptor->name);
	}
	if (rc < 0) {
		plugin_options_destroy(options);
		return NULL;
	}
	return options;
}

struct plugin_options *plugin_options_again(
	const struct plugin *plugin, const struct config *config, struct plugin_error *error)
{
	return plugin_options_create_over(config, plugin->descriptor, plugin->overrides, error);
}

void plugin_options_destroy(struct plugin_options *options)
{
	for (uint32_t i = 0; options != NULL && i < options->count; i++)
		clear(&options->values[i]);
	free(options);
}

static bool is_same_value(const struct value *a, const struct value *b)
{
	if (a->text == NULL || b->text == NULL)
		return a->text == b->text;
	return a->is_number ? a->number == b->number : strcmp(a->text, b->text) == 0;
}

int plugin_options_succeed(struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor, bool *has_changed, void (*kept)(void *arg, const char *name),
	void *arg)
{
	*has_changed = false;
	for (uint32_t i = 0; i < options->count; i++) {
		struct value *value = &options->values[i];
		const struct value *old = &running->values[i];

		if (is_same_value(value, old))
			continue;
		if ((at(descriptor, i)->flags & COTERIE_OPT_RELOAD) != 0) {
			*has_changed = true;
			continue;
		}
		clear(value);
		value->number = old->number;
		value->is_number = old->is_number;
		if (old->text != NULL && set_text(value, at(descriptor, i), old->text) < 0)
			return -ENOMEM;
		kept(arg, value->name);
	}
	return 0;
}

void plugin_options_compare(const struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor,
	void (*differs)(void *arg, const struct coterie_option *option, const char *now, const char *before), void *arg)
{
	for (uint32_t i = 0; i < options->count; i++) {
		const struct value *now = &options->values[i], *before = &running->values[i];

		if (!is_same_value(now, before))
			differs(arg, at(descriptor, i), now->text, before->text);
	}
}

static const struct value *find_value(const struct plugin_options *options, const char *name)
{
	for (uint32_t i = 0; options != NULL && i < options->count; i++) {
		if (strcmp(options->values[i].name, name) == 0)
			return &options->values[i];
	}
	return NULL;
}

int plugin_option_u64(const struct plugin_options *options, const char *name, uint64_t *value)
{
	const struct value *found = find_value(options, name);

	if (found == NULL)
		return -ENOENT;
	if (found->text == NULL || !found->is_number)
		return -ENODATA;
	*value = found->number;
	return 0;
}

int plugin_option_string(const struct plugin_options *options, const char *name, const char **value)
{
	const struct value *found = find_value(options, name);

	if (found == NULL)
		return -ENOENT;
	if (found->text == NULL)
		return -ENODATA;
	*value = found->text;
	return 0;
}

int plugin_option_list(
	const struct plugin_options *options, const char *name, const char *const **words, uint32_t *count)
{
	const struct value *found = find_value(options, name);

	if (found == NULL)
		return -ENOENT;
	if (found->text == NULL)
		return -ENODATA;
	if (found->words == NULL)
		return -EINVAL;
	*words = (const char *const *)found->words;
	*count = found->word_count;
	return 0;
}
