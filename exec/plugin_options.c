/*
 * Options of one plugin: the descriptor's list, the config file's values. Texts as in spec 07 §5.6.
 */
#include "exec/plugin_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/config/model.h"

struct value {
	const char *name;
	char *text; /* NULL: unset */
	uint64_t number;
	bool is_number;
};

struct plugin_options {
	uint32_t count;
	struct value values[];
};

/* One option on its way through the checks. */
struct check {
	const struct coterie_plugin *descriptor;
	const struct coterie_option *option;
	const char *text;
	char where[288]; /* "FILE:LINE: ", or empty for a default */
	struct plugin_error *error;
};

#define REFUSE(check, format, ...)                                                                 \
	plugin_fail((check)->error, PLUGIN_EXIT_CONFIG, "%s" format, (check)->where, ##__VA_ARGS__)

static const struct coterie_option *option_at(const struct coterie_plugin *descriptor, uint32_t i)
{
	return (const void *)((const char *)descriptor->options +
			      (size_t)descriptor->option_size * i);
}

/* --- numbers with units --- */

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit duration_units[] = {
	{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit size_units[] = {
	{"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {"G", 1024 * 1024 * 1024}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* Digits and one of the units. -EINVAL: neither; -ERANGE: above 64 bits. */
static int parse_number(const char *text, const struct unit *units, uint64_t *number)
{
	uint64_t value = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return -ERANGE;
	}
	for (; units->suffix != NULL; units++) {
		if (strcmp(text + digits, units->suffix) == 0)
			return __builtin_mul_overflow(value, units->factor, number) ? -ERANGE : 0;
	}
	return -EINVAL;
}

static int check_number(
	const struct check *check, const struct unit *units, const char *what, uint64_t *number)
{
	const struct coterie_option *option = check->option;
	uint64_t max = option->min == 0 && option->max == 0 ? UINT64_MAX : option->max;
	int rc = parse_number(check->text, units, number);

	if (option->type == COTERIE_OPT_U32 && max > UINT32_MAX)
		max = UINT32_MAX;
	if (rc == -EINVAL)
		return REFUSE(check, "'%s' is not %s", check->text, what);
	if (rc < 0 || *number < option->min || *number > max)
		return REFUSE(check, "'%s' is %s: must be between %ju and %ju", option->name,
			check->text, (uintmax_t)option->min, (uintmax_t)max);
	return 0;
}

static int check_bool(const struct check *check, uint64_t *number)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(check->text, words[i]) == 0) {
			*number = i % 2;
			return 0;
		}
	}
	return REFUSE(
		check, "'%s' is not yes or no: use yes, no, on, off, true or false", check->text);
}

/* *number is the word's place. */
static int check_choice(const struct check *check, uint64_t *number)
{
	const char *word = check->option->choices;
	size_t length = strlen(check->text);

	for (*number = 0; *word != '\0'; (*number)++) {
		size_t word_length = strcspn(word, " ");

		if (word_length == length && strncmp(word, check->text, length) == 0)
			return 0;
		word += word_length;
		word += strspn(word, " ");
	}
	return REFUSE(check, "'%s' is not a value of '%s': choose one of %s", check->text,
		check->option->name, check->option->choices);
}

static int check_value(const struct check *check, struct value *value)
{
	value->is_number = true;
	switch (check->option->type) {
	case COTERIE_OPT_BOOL:
		return check_bool(check, &value->number);
	case COTERIE_OPT_U32:
	case COTERIE_OPT_U64:
		return check_number(
			check, no_units, "a number: use decimal digits", &value->number);
	case COTERIE_OPT_MS:
		return check_number(
			check, duration_units, "a duration: use ms, s, m, h or d", &value->number);
	case COTERIE_OPT_SIZE:
		return check_number(check, size_units, "a size: use a number of bytes or K, M, G",
			&value->number);
	case COTERIE_OPT_ENUM:
		return check_choice(check, &value->number);
	}
	value->is_number = false;
	if (check->option->type == COTERIE_OPT_ADDRESS && check->text[0] == '\0')
		return REFUSE(check, "'%s' is empty: give a host name or an address",
			check->option->name);
	return 0;
}

/* --- names that the list does not have --- */

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edit distance of two short words (Damerau's, neighbours may swap); SIZE_MAX for long ones. */
static size_t distance(const char *a, const char *b)
{
	enum { LENGTH_MAX = 64 };
	size_t rows[3][LENGTH_MAX + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *now = rows[i % 3], *before = rows[(i + 2) % 3],
		       *earlier = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = before[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = min3(before[j] + 1, now[j - 1] + 1, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				earlier[j - 2] + 1 < now[j])
				now[j] = earlier[j - 2] + 1;
		}
	}
	return rows[a_length % 3][b_length];
}

static const char *nearest(const struct coterie_plugin *descriptor, const char *name)
{
	size_t limit = strlen(name) / 3 > 2 ? strlen(name) / 3 : 2;
	size_t best = limit + 1;
	const char *found = NULL;

	for (uint32_t i = 0; i < descriptor->option_count; i++) {
		size_t steps = distance(name, option_at(descriptor, i)->name);

		if (steps < best) {
			best = steps;
			found = option_at(descriptor, i)->name;
		}
	}
	return found;
}

static const struct coterie_option *find_option(
	const struct coterie_plugin *descriptor, const char *name)
{
	for (uint32_t i = 0; i < descriptor->option_count; i++) {
		if (strcmp(option_at(descriptor, i)->name, name) == 0)
			return option_at(descriptor, i);
	}
	return NULL;
}

static void set_where(struct check *check, const struct config_option *written)
{
	if (written->file != NULL)
		snprintf(check->where, sizeof(check->where), "%.255s:%u: ", written->file,
			written->line);
}

static int refuse_unknown(const struct config *config, const struct coterie_plugin *descriptor,
	struct plugin_error *error)
{
	for (uint32_t i = 0; config != NULL && i < config->option_count; i++) {
		const struct config_option *written = &config->options[i];

		if (strcmp(written->plugin, descriptor->name) != 0 ||
			find_option(descriptor, written->name) != NULL)
			continue;
		struct check check = {.descriptor = descriptor, .error = error};
		const char *meant = nearest(descriptor, written->name);
		const char *kind = plugin_kind_name(descriptor->kind);

		set_where(&check, written);
		if (meant != NULL)
			return REFUSE(&check, "%s %s has no option '%s': did you mean '%s'?", kind,
				descriptor->name, written->name, meant);
		return REFUSE(&check, "%s %s has no option '%s': remove it", kind, descriptor->name,
			written->name);
	}
	return 0;
}

/* What was given at the load, or NULL. */
static const char *overriding(const struct plugin_overrides *overrides, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = 0; overrides != NULL && i < overrides->count; i++)
		if (strncmp(overrides->words[i], name, length) == 0 && overrides->words[i][length] == '=')
			return overrides->words[i] + length + 1;
	return NULL;
}

static int refuse_overrides(const struct plugin_overrides *overrides,
	const struct coterie_plugin *descriptor, struct plugin_error *error)
{
	for (uint32_t i = 0; overrides != NULL && i < overrides->count; i++) {
		const char *word = overrides->words[i], *equal = strchr(word, '=');
		char name[64];

		if (equal == NULL || equal == word || equal - word >= (ptrdiff_t)sizeof(name))
			return plugin_fail(error, PLUGIN_EXIT_CONFIG,
				"'%s' is no option: write KEY=VALUE", word);
		snprintf(name, sizeof(name), "%.*s", (int)(equal - word), word);
		if (find_option(descriptor, name) == NULL)
			return plugin_fail(error, PLUGIN_EXIT_CONFIG, "%s %s has no option '%s'%s%s%s",
				plugin_kind_name(descriptor->kind), descriptor->name, name,
				nearest(descriptor, name) != NULL ? ": did you mean '" : ": leave it out",
				nearest(descriptor, name) != NULL ? nearest(descriptor, name) : "",
				nearest(descriptor, name) != NULL ? "'?" : "");
	}
	return 0;
}

/* What was given, the file's value or the default. */
static void choose(
	struct check *check, const struct config *config, const struct plugin_overrides *overrides)
{
	struct config_option written = {0};
	const char *given = overriding(overrides, check->option->name);

	check->text = given != NULL ? given : check->option->initial;
	check->where[0] = '\0';
	if (given != NULL)
		return;
	if (config == NULL)
		return;
	written.value = config_option(
		config, check->descriptor->name, check->option->name, &written.file, &written.line);
	if (written.value == NULL)
		return;
	check->text = written.value;
	set_where(check, &written);
}

/* --- entry points --- */

struct plugin_options *plugin_options_create(const struct config *config,
	const struct coterie_plugin *descriptor, struct plugin_error *error)
{
	return plugin_options_create_over(config, descriptor, NULL, error);
}

struct plugin_options *plugin_options_create_over(const struct config *config,
	const struct coterie_plugin *descriptor, const struct plugin_overrides *overrides,
	struct plugin_error *error)
{
	uint32_t count = descriptor->option_count;
	struct plugin_options *options =
		calloc(1, sizeof(*options) + count * sizeof(options->values[0]));

	if (options == NULL) {
		plugin_fail(error, PLUGIN_EXIT_INIT, "out of memory for the options of plugin '%s'",
			descriptor->name);
		return NULL;
	}
	options->count = count;
	int rc = refuse_unknown(config, descriptor, error);
	if (rc == 0)
		rc = refuse_overrides(overrides, descriptor, error);
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		struct check check = {.descriptor = descriptor, .error = error};
		struct value *value = &options->values[i];

		check.option = option_at(descriptor, i);
		choose(&check, config, overrides);
		value->name = check.option->name;
		if (check.text == NULL)
			continue;
		rc = check_value(&check, value);
		if (rc == 0 && (value->text = strdup(check.text)) == NULL)
			rc = plugin_fail(error, PLUGIN_EXIT_INIT,
				"out of memory for the options of plugin '%s'", descriptor->name);
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
		free(options->values[i].text);
	free(options);
}

static bool is_same_value(const struct value *a, const struct value *b)
{
	if (a->text == NULL || b->text == NULL)
		return a->text == b->text;
	return a->is_number ? a->number == b->number : strcmp(a->text, b->text) == 0;
}

int plugin_options_succeed(struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor, bool *has_changed,
	void (*kept)(void *arg, const char *name), void *arg)
{
	*has_changed = false;
	for (uint32_t i = 0; i < options->count; i++) {
		struct value *value = &options->values[i];
		const struct value *old = &running->values[i];

		if (is_same_value(value, old))
			continue;
		if ((option_at(descriptor, i)->flags & COTERIE_OPT_RELOAD) != 0) {
			*has_changed = true;
			continue;
		}
		char *text = old->text == NULL ? NULL : strdup(old->text);

		if (text == NULL && old->text != NULL)
			return -ENOMEM;
		free(value->text);
		*value = *old;
		value->text = text;
		kept(arg, value->name);
	}
	return 0;
}

void plugin_options_compare(const struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor,
	void (*differs)(void *arg, const struct coterie_option *option, const char *now, const char *before),
	void *arg)
{
	for (uint32_t i = 0; i < options->count; i++) {
		const struct value *now = &options->values[i], *before = &running->values[i];

		if (!is_same_value(now, before))
			differs(arg, option_at(descriptor, i), now->text, before->text);
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
