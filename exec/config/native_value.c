/* One value of coterie.conf against its row: types, units, ranges; into the key's value and back. */
#include "exec/config/native.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What went wrong, for the caller's line. */
struct complaint {
	char *text;
	size_t size;
};

static int refuse(const struct complaint *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int refuse(const struct complaint *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, why->size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* --- units --- */

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit durations[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};

/* In the largest unit that divides it; 0 has none. */
static void print_units(uint64_t number, const struct unit *units, const char *zero, char *text, size_t size)
{
	const struct unit *largest = units;

	for (const struct unit *unit = units; unit->suffix != NULL; unit++)
		if (number % unit->factor == 0)
			largest = unit;
	if (number == 0)
		snprintf(text, size, "%s", zero);
	else
		snprintf(text, size, "%" PRIu64 "%s", number / largest->factor, largest->suffix);
}

void native_duration(uint64_t ms, char *text, size_t size)
{
	print_units(ms, durations, "0", text, size);
}

void native_size(uint64_t bytes, char *text, size_t size) { print_units(bytes, sizes, "0", text, size); }

void native_limit(const struct coterie_option *option, uint64_t number, char text[32])
{
	if (option->type == COTERIE_OPT_MS)
		native_duration(number, text, 32);
	else if (option->type == COTERIE_OPT_SIZE)
		native_size(number, text, 32);
	else
		snprintf(text, 32, "%" PRIu64, number);
}

/* --- numbers --- */

static int check_range(const struct coterie_option *option, const char *text, uint64_t number,
	const struct complaint *why)
{
	char min[32], max[32];
	bool has_limits = option->min != 0 || option->max != 0;
	uint64_t last = option->type == COTERIE_OPT_U32 ? UINT32_MAX : UINT64_MAX;

	if (has_limits && option->max < last)
		last = option->max;
	if (number >= option->min && number <= last)
		return 0;
	native_limit(option, option->min, min);
	native_limit(option, last, max);
	if (number < option->min && option->type == COTERIE_OPT_MS && last >= INT32_MAX)
		return refuse(why, "'%s' is %s: must be at least %s", option->name, text, min);
	return refuse(why, "'%s' is %s: must be between %s and %s", option->name, text, min, max);
}

/* Digits alone, up to 64 bits. 0; -EINVAL; -ERANGE. */
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

static int check_number(const struct coterie_option *option, const char *text, uint64_t *number,
	const struct complaint *why)
{
	size_t length = strlen(text);

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && text[2] != '\0' &&
		length <= 18 && strspn(text + 2, "0123456789abcdefABCDEF") == length - 2)
		return refuse(why, "'%s' is not a decimal number: write %" PRIu64, text,
			(uint64_t)strtoull(text, NULL, 16));
	int rc = parse_digits(text, length, number);

	if (rc == 0 && text[0] == '0' && length > 1)
		return refuse(why, "'%s' has a leading zero: write %" PRIu64, text, *number);
	if (rc == -ERANGE || (text[0] == '-' && parse_digits(text + 1, length - 1, number) == 0)) {
		char min[32], max[32];
		bool has_limits = option->min != 0 || option->max != 0;

		native_limit(option, option->min, min);
		native_limit(option, has_limits ? option->max : UINT64_MAX, max);
		return refuse(
			why, "'%s' is %s: must be between %s and %s", option->name, text, min, max);
	}
	if (rc < 0)
		return refuse(why, "'%s' is not a number: use decimal digits", text);
	return check_range(option, text, *number, why);
}

static int check_signed(
	const struct coterie_option *option, const char *text, const struct complaint *why)
{
	int64_t min = (int64_t)option->min, max = (int64_t)option->max, number;
	int rc = *text == '+' || *text == ' ' || *text == '\t'
			 ? -EINVAL
			 : config_parse_integer(text, min, max, &number);

	if (rc == -EINVAL)
		return refuse(why, "'%s' is not a number: use decimal digits", text);
	if (rc < 0)
		return refuse(why, "'%s' is %s: must be between %" PRId64 " and %" PRId64,
			option->name, text, min, max);
	return 0;
}

/*
 * Digits, perhaps a fraction, and a unit; the result must be whole in the smallest unit.
 * @return 0; -EINVAL: something else; -ERANGE
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

static int check_duration(const struct coterie_option *option, const char *text, uint64_t *number,
	const struct complaint *why)
{
	char min[32], better[32];
	int rc = parse_units(text, durations, number);

	native_duration(option->min, min, sizeof(min));
	if (text[0] == '-' && parse_units(text + 1, durations, number) == 0)
		return refuse(why, "'%s' is negative: give a duration of at least %s", option->name, min);
	if (rc == -EINVAL && strcmp(text, "0") == 0) {
		*number = 0;
		return check_range(option, text, 0, why);
	}
	if (rc == -EINVAL && parse_digits(text, strlen(text), number) == 0) {
		if (*number % 1000 == 0)
			snprintf(better, sizeof(better), "%" PRIu64 "s", *number / 1000);
		else
			snprintf(better, sizeof(better), "%" PRIu64 "s", *number);
		return refuse(why, "'%s' needs a unit: write '%sms' or '%s'", option->name, text, better);
	}
	if (rc == -EINVAL)
		return refuse(why, "'%s' is not a duration: use ms, s, m, h or d", text);
	if (rc < 0)
		*number = UINT64_MAX;
	if (rc < 0 && option->min == 0 && option->max == 0)
		return refuse(why, "'%s' is %s: that is too long", option->name, text);
	return check_range(option, text, *number, why);
}

static int check_size(const struct coterie_option *option, const char *text, uint64_t *number,
	const struct complaint *why)
{
	int rc = parse_units(text, sizes, number);

	if (rc == -EINVAL)
		return refuse(why, "'%s' is not a size: use a number of bytes or K, M, G", text);
	if (rc < 0)
		*number = UINT64_MAX;
	if (rc < 0 && option->min == 0 && option->max == 0)
		return refuse(why, "'%s' is %s: that is too much", option->name, text);
	return check_range(option, text, *number, why);
}

static int check_percent(const struct coterie_option *option, const char *text, uint64_t *number,
	const struct complaint *why)
{
	char digits[16] = "";
	size_t length = strcspn(text, "%");

	if (length < sizeof(digits) && text[length] == '%' && text[length + 1] == '\0') {
		memcpy(digits, text, length);
		text = digits;
	}
	return check_number(option, text, number, why);
}

/* --- words --- */

static int check_bool(const char *text, uint64_t *number, const struct complaint *why)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*number = i % 2;
			return 0;
		}
	}
	return refuse(why, "'%s' is not yes or no: use yes, no, on, off, true or false", text);
}

/* The word at a place of a list; its length. */
static const char *word_at(const char *words, uint64_t place, size_t *length)
{
	while (place > 0 && *words != '\0') {
		words += strcspn(words, " ");
		words += strspn(words, " ");
		place--;
	}
	*length = strcspn(words, " ");
	return words;
}

/* The place of a word in a list, or -1. */
static int64_t place_of(const char *words, const char *text, bool ignores_case)
{
	int64_t place = 0;
	size_t length = strlen(text);

	while (*words != '\0') {
		size_t size = strcspn(words, " ");

		if (size == length && (ignores_case ? strncasecmp(words, text, size)
						    : strncmp(words, text, size)) == 0)
			return place;
		words += size;
		words += strspn(words, " ");
		place++;
	}
	return -1;
}

/* "a, b or c" */
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

static int check_choice(const struct coterie_option *option, const char *text, uint64_t *number,
	const struct complaint *why)
{
	const char *noun = strcmp(option->name, "facility") == 0 ? "syslog facility" : option->name;
	const char *article = strchr("aeiou", noun[0]) != NULL ? "an" : "a";
	int64_t place = place_of(option->choices, text, false);
	char choices[512];

	if (place >= 0) {
		*number = (uint64_t)place;
		return 0;
	}
	place = place_of(option->choices, text, true);
	if (place >= 0) {
		size_t length;
		const char *word = word_at(option->choices, (uint64_t)place, &length);

		return refuse(why, "'%s' is not %s %s: did you mean '%.*s'?", text, article, noun,
			(int)length, word);
	}
	print_choices(option->choices, choices, sizeof(choices));
	return refuse(why, "'%s' is not %s %s: choose %s", text, article, noun, choices);
}

static int check_text(const struct coterie_option *option, const char *text, const struct complaint *why)
{
	size_t length = strlen(text);

	if (length < option->min)
		return refuse(why, "'%s' is empty: give a value or remove it", option->name);
	if (option->max != 0 && length > option->max)
		return refuse(why, "'%s' has %zu characters: at most %" PRIu64 " are allowed", option->name,
			length, option->max);
	return 0;
}

int native_value(const struct coterie_option *option, enum native_form form, const char *text,
	uint64_t *number, char *why_text, size_t size)
{
	const struct complaint why = {why_text, size};
	uint64_t unused;

	if (number == NULL)
		number = &unused;
	*number = 0;
	if (form == FORM_PERCENT)
		return check_percent(option, text, number, &why);
	if (form == FORM_SIGNED)
		return check_signed(option, text, &why);
	switch (option->type) {
	case COTERIE_OPT_BOOL:
		return check_bool(text, number, &why);
	case COTERIE_OPT_U32:
	case COTERIE_OPT_U64:
		return check_number(option, text, number, &why);
	case COTERIE_OPT_MS:
		return check_duration(option, text, number, &why);
	case COTERIE_OPT_SIZE:
		return check_size(option, text, number, &why);
	case COTERIE_OPT_ENUM:
		return check_choice(option, text, number, &why);
	case COTERIE_OPT_ADDRESS:
		if (*text == '\0')
			return refuse(&why, "'%s' is empty: give a host name or an address", option->name);
		return 0;
	default:
		return check_text(option, text, &why);
	}
}

/* --- to the key's value and back --- */

int native_to_key(const struct native_row *row, const char *text, char *value, size_t value_size,
	char *why, size_t size)
{
	uint64_t number;
	int rc = native_value(&row->option, row->form, text, &number, why, size);
	size_t length;
	const char *word;

	if (rc < 0)
		return rc;
	switch (row->form) {
	case FORM_TEXT:
	case FORM_SIGNED:
	case FORM_SPECIAL:
		snprintf(value, value_size, "%s", text);
		break;
	case FORM_NUMBER:
	case FORM_PERCENT:
	case FORM_BIT:
		snprintf(value, value_size, "%" PRIu64, number);
		break;
	case FORM_SECONDS:
		if (number % 1000 != 0) {
			snprintf(why, size, "'%s' is %s: give whole seconds", row->option.name, text);
			return -EINVAL;
		}
		snprintf(value, value_size, "%" PRIu64, number / 1000);
		break;
	case FORM_YES_NO:
		snprintf(value, value_size, "%s", number != 0 ? "yes" : "no");
		break;
	case FORM_NO_YES:
		snprintf(value, value_size, "%s", number != 0 ? "no" : "yes");
		break;
	case FORM_WORDS:
		word = word_at(row->words, number, &length);
		snprintf(value, value_size, "%.*s", (int)length, word);
		break;
	}
	return 0;
}

/* A guess, which the way back proves or not. */
static int guess(const struct native_row *row, const char *value, char *text, size_t size)
{
	uint64_t number;
	int64_t place;
	size_t length;
	const char *word;

	switch (row->form) {
	case FORM_TEXT:
	case FORM_SIGNED:
		snprintf(text, size, "%s", value);
		return 0;
	case FORM_PERCENT:
		snprintf(text, size, "%s%%", value);
		return 0;
	case FORM_NUMBER:
	case FORM_SECONDS:
		if (config_parse_unsigned(value, &number) < 0)
			return -ENOENT;
		if (row->form == FORM_SECONDS && __builtin_mul_overflow(number, (uint64_t)1000, &number))
			return -ENOENT;
		if (row->option.type == COTERIE_OPT_MS)
			native_duration(number, text, size);
		else if (row->option.type == COTERIE_OPT_SIZE)
			native_size(number, text, size);
		else
			snprintf(text, size, "%" PRIu64, number);
		return 0;
	case FORM_BIT:
		snprintf(text, size, "%s", strcmp(value, "0") == 0 ? "no" : "yes");
		return 0;
	case FORM_YES_NO:
	case FORM_NO_YES:
		snprintf(text, size, "%s",
			(strcmp(value, "yes") == 0) == (row->form == FORM_YES_NO) ? "yes" : "no");
		return 0;
	case FORM_WORDS:
		place = place_of(row->words, value, false);
		if (place < 0)
			return -ENOENT;
		word = word_at(row->option.choices, (uint64_t)place, &length);
		snprintf(text, size, "%.*s", (int)length, word);
		return 0;
	case FORM_SPECIAL:
		return -ENOENT;
	}
	return -ENOENT;
}

int native_from_key(const struct native_row *row, const char *value, char *text, size_t size)
{
	char back[4200], why[512];

	/* What does not fit, or holds what no string of the syntax can, has no option's value. */
	if (strlen(value) >= size || strlen(value) >= sizeof(back))
		return -ENOENT;
	for (const char *at = value; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return -ENOENT;
	if (guess(row, value, text, size) < 0 ||
		native_to_key(row, text, back, sizeof(back), why, sizeof(why)) < 0 ||
		strcmp(back, value) != 0)
		return -ENOENT;
	return 0;
}
