/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/words.h"

/* A value that is being checked. */
struct check {
	const struct coterie_option *option;
	enum option_dialect dialect;
	const char *text;
	char *why;
	size_t why_size;
};

static int refuse(const struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const struct check *check, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(check->why, check->why_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* --- units --- */

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit plain_durations[] = {
	{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit *const durations = plain_durations + 1;
static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};

/* Print the number in the largest unit that divides it. 0 has no unit. */
static void print_units(uint64_t number, const struct unit *units, char *text, size_t size)
{
	const struct unit *largest = units;

	for (const struct unit *unit = units; unit->suffix != NULL; unit++)
		if (number % unit->factor == 0)
			largest = unit;
	if (number == 0)
		snprintf(text, size, "0");
	else
		snprintf(text, size, "%" PRIu64 "%s", number / largest->factor, largest->suffix);
}

void option_duration(uint64_t ms, char *text, size_t size) { print_units(ms, durations, text, size); }
void option_size(uint64_t bytes, char *text, size_t size) { print_units(bytes, sizes, text, size); }

void option_limit(const struct coterie_option *option, uint64_t number, char text[32])
{
	if (option->type == COTERIE_OPT_MS)
		option_duration(number, text, 32);
	else if (option->type == COTERIE_OPT_SIZE)
		option_size(number, text, 32);
	else
		snprintf(text, 32, "%" PRIu64, number);
}

/* --- numbers --- */

/* Return the largest value of an option. Without limits that is the largest value of its type. */
static uint64_t last_of(const struct coterie_option *option)
{
	uint64_t last = option->type == COTERIE_OPT_U32 ? UINT32_MAX : UINT64_MAX;
	bool has_limits = option->min != 0 || option->max != 0;

	return has_limits && option->max < last ? option->max : last;
}

static int refuse_range(const struct check *check)
{
	const struct coterie_option *option = check->option;
	char min[32], max[32];

	option_limit(option, option->min, min);
	option_limit(option, last_of(option), max);
	return refuse(check, "'%s' is %s: must be between %s and %s", option->name, check->text, min, max);
}

static int check_range(const struct check *check, uint64_t number)
{
	const struct coterie_option *option = check->option;
	uint64_t last = last_of(option);
	char min[32];

	if (number >= option->min && number <= last)
		return 0;
	if (number >= option->min || option->type != COTERIE_OPT_MS || last < INT32_MAX)
		return refuse_range(check);
	option_limit(option, option->min, min);
	return refuse(check, "'%s' is %s: must be at least %s", option->name, check->text, min);
}

/* Parse digits, up to 64 bits. 0; -EINVAL; -ERANGE. */
static int parse_digits(const char *text, size_t length, uint64_t *number)
{
	*number = 0;
	if (length == 0 || strspn(text, "0123456789") < length)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (__builtin_mul_overflow(*number, (uint64_t)10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(text[i] - '0'), number))
			return -ERANGE;
	return 0;
}

static int check_number(const struct check *check, uint64_t *number)
{
	const char *text = check->text;
	size_t length = strlen(text);

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '\0' && length <= 18 &&
		strspn(text + 2, "0123456789abcdefABCDEF") == length - 2)
		return refuse(check, "'%s' is not a decimal number: write %" PRIu64, text,
			(uint64_t)strtoull(text, NULL, 16));
	int rc = parse_digits(text, length, number);

	if (rc == 0 && text[0] == '0' && length > 1 && check->dialect == OPTION_NATIVE)
		return refuse(check, "'%s' has a leading zero: write %" PRIu64, text, *number);
	if (rc == -ERANGE || (text[0] == '-' && parse_digits(text + 1, length - 1, number) == 0))
		return refuse_range(check);
	if (rc < 0)
		return refuse(check, "'%s' is not a number: use decimal digits", text);
	return check_range(check, *number);
}

/*
 * Parse digits, an optional fraction, and a unit. The result must be a whole number of the smallest
 * unit.
 * @return 0; -EINVAL: another form; -ERANGE
 */
static int parse_units(const char *text, const struct unit *units, uint64_t *number)
{
	size_t whole = strspn(text, "0123456789"), digits = 0;
	const char *fraction = text + whole;
	uint64_t part = 0, scale = 1;

	if (whole == 0)
		return -EINVAL;
	if (*fraction == '.') {
		fraction++;
		digits = strspn(fraction, "0123456789");
		if (digits == 0 || digits > 6)
			return -EINVAL;
		for (size_t i = 0; i < digits; i++) {
			part = part * 10 + (uint64_t)(fraction[i] - '0');
			scale *= 10;
		}
	}
	const char *suffix = fraction + digits;
	int rc = parse_digits(text, whole, number);

	for (; units->suffix != NULL; units++) {
		if (strcmp(suffix, units->suffix) != 0)
			continue;
		if (part * units->factor % scale != 0)
			return -EINVAL;
		if (rc < 0 || __builtin_mul_overflow(*number, units->factor, number) ||
			__builtin_add_overflow(*number, part * units->factor / scale, number))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

static int check_duration(const struct check *check, uint64_t *number)
{
	const struct coterie_option *option = check->option;
	const struct unit *units = check->dialect == OPTION_NATIVE ? durations : plain_durations;
	const char *text = check->text;
	char min[32];
	int rc = parse_units(text, units, number);

	option_duration(option->min, min, sizeof(min));
	if (text[0] == '-' && parse_units(text + 1, units, number) == 0)
		return refuse(check, "'%s' is negative: give a duration of at least %s", option->name, min);
	if (rc == -EINVAL && strcmp(text, "0") == 0) {
		*number = 0;
		return check_range(check, 0);
	}
	if (rc == -EINVAL && parse_digits(text, strlen(text), number) == 0)
		return refuse(check, "'%s' needs a unit: write '%sms' or '%" PRIu64 "s'", option->name, text,
			*number % 1000 == 0 ? *number / 1000 : *number);
	if (rc == -EINVAL)
		return refuse(check, "'%s' is not a duration: use ms, s, m, h or d", text);
	if (rc < 0)
		*number = UINT64_MAX;
	if (rc < 0 && option->min == 0 && option->max == 0)
		return refuse(check, "'%s' is %s: that is too long", option->name, text);
	return check_range(check, *number);
}

static int check_size(const struct check *check, uint64_t *number)
{
	const struct coterie_option *option = check->option;
	int rc = parse_units(check->text, sizes, number);

	if (rc == -EINVAL)
		return refuse(check, "'%s' is not a size: use a number of bytes or K, M, G", check->text);
	if (rc < 0)
		*number = UINT64_MAX;
	if (rc < 0 && option->min == 0 && option->max == 0)
		return refuse(check, "'%s' is %s: that is too much", option->name, check->text);
	return check_range(check, *number);
}

/* --- words --- */

static int check_bool(const struct check *check, uint64_t *number)
{
	const char *words = check->dialect == OPTION_NATIVE ? "no yes off on false true"
							    : "no yes off on false true 0 1";
	int64_t place = words_place(words, check->text, false);

	if (place < 0)
		return refuse(check, "'%s' is not yes or no: use yes, no, on, off, true or false", check->text);
	*number = (uint64_t)place % 2;
	return 0;
}

/* Write the choices as "a, b or c". */
static void print_choices(const char *words, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	while (*words != '\0' && used < size) {
		size_t length = strcspn(words, " ");
		const char *next = words + length + strspn(words + length, " ");
		const char *between = used == 0 ? "" : *next == '\0' ? " or " : ", ";

		used += (size_t)snprintf(text + used, size - used, "%s%.*s", between, (int)length, words);
		words = next;
	}
}

static int check_choice(const struct check *check, uint64_t *number)
{
	const struct coterie_option *option = check->option;
	const char *noun = strcmp(option->name, "facility") == 0 ? "syslog facility" : option->name;
	const char *article = strchr("aeiou", noun[0]) != NULL ? "an" : "a";
	int64_t place = words_place(option->choices, check->text, false);
	char choices[512];

	if (place >= 0) {
		*number = (uint64_t)place;
		return 0;
	}
	place = words_place(option->choices, check->text, true);
	if (place >= 0) {
		size_t length;
		const char *word = words_at(option->choices, (uint64_t)place, &length);

		return refuse(check, "'%s' is not %s %s: did you mean '%.*s'?", check->text, article, noun, (int)length,
			word);
	}
	print_choices(option->choices, choices, sizeof(choices));
	return refuse(check, "'%s' is not %s %s: choose %s", check->text, article, noun, choices);
}

static int check_text(const struct check *check)
{
	const struct coterie_option *option = check->option;
	size_t length = strlen(check->text);

	if (length < option->min)
		return refuse(check, "'%s' is empty: give a value or remove it", option->name);
	if (option->max != 0 && length > option->max)
		return refuse(check, "'%s' has %zu characters: at most %" PRIu64 " are allowed", option->name, length,
			option->max);
	return 0;
}

/* --- entry points --- */

int option_value(const struct coterie_option *option, enum option_dialect dialect, const char *text, uint64_t *number,
	char *why, size_t size)
{
	const struct check check = {option, dialect, text, why, size};
	uint64_t unused;

	if (number == NULL)
		number = &unused;
	*number = 0;
	switch (option->type) {
	case COTERIE_OPT_BOOL:
		return check_bool(&check, number);
	case COTERIE_OPT_U32:
	case COTERIE_OPT_U64:
		return check_number(&check, number);
	case COTERIE_OPT_MS:
		return check_duration(&check, number);
	case COTERIE_OPT_SIZE:
		return check_size(&check, number);
	case COTERIE_OPT_ENUM:
		return check_choice(&check, number);
	case COTERIE_OPT_ADDRESS:
		if (*text == '\0')
			return refuse(&check, "'%s' is empty: give a host name or an address", option->name);
		return 0;
	default:
		return check_text(&check);
	}
}

bool option_is_number(const struct coterie_option *option)
{
	return option->type == COTERIE_OPT_BOOL || option->type == COTERIE_OPT_U32 || option->type == COTERIE_OPT_U64 ||
	       option->type == COTERIE_OPT_MS || option->type == COTERIE_OPT_SIZE || option->type == COTERIE_OPT_ENUM;
}

const struct coterie_option *option_at(const struct coterie_option *options, size_t stride, uint32_t index)
{
	return (const void *)((const char *)options + stride * index);
}

struct coterie_option option_copy(const struct coterie_option *options, size_t stride, uint32_t index)
{
	struct coterie_option option = {0};

	memcpy(&option, option_at(options, stride, index), stride < sizeof(option) ? stride : sizeof(option));
	return option;
}

const struct coterie_option *option_find(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(option_at(options, stride, i)->name, name) == 0)
			return option_at(options, stride, i);
	return NULL;
}

const char *option_nearest(const struct coterie_option *options, size_t stride, uint32_t count, const char *name)
{
	uint32_t best = config_tolerance(name) + 1;
	const char *nearest = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const char *one = option_at(options, stride, i)->name;
		uint32_t distance = config_distance(name, one, best);

		if (distance < best) {
			best = distance;
			nearest = one;
		}
	}
	return nearest;
}
