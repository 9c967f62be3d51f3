/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks one value of coterie.conf against its row, and converts it to the key's value and back. */
#include "config/native.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/model.h"
#include "config/words.h"

static int check_signed(const struct coterie_option *option, const char *text, char *why, size_t size)
{
	int64_t min = (int64_t)option->min, max = (int64_t)option->max, number;
	int rc = *text == '+' || *text == ' ' || *text == '\t' ? -EINVAL
							       : config_parse_integer(text, min, max, &number);

	if (rc == -EINVAL)
		snprintf(why, size, "'%s' is not a number: use decimal digits", text);
	else if (rc < 0)
		snprintf(why, size, "'%s' is %s: must be between %" PRId64 " and %" PRId64, option->name, text, min,
			max);
	return rc < 0 ? -EINVAL : 0;
}

/* Check a percentage, "75%" or "75". */
static int check_percent(
	const struct coterie_option *option, const char *text, uint64_t *number, char *why, size_t size)
{
	char digits[16] = "";
	size_t length = strcspn(text, "%");

	if (length < sizeof(digits) && text[length] == '%' && text[length + 1] == '\0') {
		memcpy(digits, text, length);
		text = digits;
	}
	return option_value(option, OPTION_NATIVE, text, number, why, size);
}

static int check_budget(const struct coterie_option *option, const char *text, uint64_t *number, char *why, size_t size)
{
	if (words_place(option->choices, text, false) >= 0)
		return 0;
	if (*text != '-' && (*text < '0' || *text > '9')) {
		snprintf(why, size, "'%s' is '%s': give a duration or a word of: %s", option->name, text,
			option->choices);
		return -EINVAL;
	}
	return option_value(option, OPTION_NATIVE, text, number, why, size);
}

int native_value(const struct coterie_option *option, enum native_form form, const char *text, uint64_t *number,
	char *why, size_t size)
{
	if (number != NULL)
		*number = 0;
	if (form == FORM_PERCENT)
		return check_percent(option, text, number, why, size);
	if (form == FORM_SIGNED)
		return check_signed(option, text, why, size);
	if (form == FORM_BUDGET)
		return check_budget(option, text, number, why, size);
	return option_value(option, OPTION_NATIVE, text, number, why, size);
}

/* --- conversion to the key's value and back --- */

int native_to_key(
	const struct native_row *row, const char *text, char *value, size_t value_size, char *why, size_t size)
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
	case FORM_BUDGET:
		if (words_place(row->option.choices, text, false) >= 0)
			snprintf(value, value_size, "%s", text);
		else
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
		word = words_at(row->words, number, &length);
		snprintf(value, value_size, "%.*s", (int)length, word);
		break;
	}
	return 0;
}

/* Guess the option's value. Converting it back shows whether the guess is right. */
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
	case FORM_BUDGET:
		if (words_place(row->option.choices, value, false) >= 0) {
			snprintf(text, size, "%s", value);
			return 0;
		}
		__attribute__((fallthrough));
	case FORM_NUMBER:
	case FORM_SECONDS:
		if (config_parse_unsigned(value, &number) < 0)
			return -ENOENT;
		if (row->form == FORM_SECONDS && __builtin_mul_overflow(number, (uint64_t)1000, &number))
			return -ENOENT;
		if (row->option.type == COTERIE_OPT_MS)
			option_duration(number, text, size);
		else if (row->option.type == COTERIE_OPT_SIZE)
			option_size(number, text, size);
		else
			snprintf(text, size, "%" PRIu64, number);
		return 0;
	case FORM_BIT:
		snprintf(text, size, "%s", strcmp(value, "0") == 0 ? "no" : "yes");
		return 0;
	case FORM_YES_NO:
	case FORM_NO_YES:
		snprintf(text, size, "%s", (strcmp(value, "yes") == 0) == (row->form == FORM_YES_NO) ? "yes" : "no");
		return 0;
	case FORM_WORDS:
		place = words_place(row->words, value, false);
		if (place < 0)
			return -ENOENT;
		word = words_at(row->option.choices, (uint64_t)place, &length);
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

	/*
	 * A value that is too long, or that no string of the syntax can contain, is no option's
	 * value.
	 */
	if (strlen(value) >= size || strlen(value) >= sizeof(back))
		return -ENOENT;
	for (const char *at = value; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return -ENOENT;
	if (guess(row, value, text, size) < 0 || native_to_key(row, text, back, sizeof(back), why, sizeof(why)) < 0 ||
		strcmp(back, value) != 0)
		return -ENOENT;
	return 0;
}
