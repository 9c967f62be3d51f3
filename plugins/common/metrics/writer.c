/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugins/common/metrics/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the text --- */

void metrics_text_fini(struct metrics_text *text)
{
	free(text->bytes);
	text->bytes = NULL;
	text->size = text->capacity = 0;
}

static void put(struct metrics_text *text, const char *bytes, size_t size)
{
	if (text->error < 0)
		return;
	if (text->size_max > 0 && size > text->size_max - text->size) {
		text->error = -EMSGSIZE;
		return;
	}
	if (text->size + size >= text->capacity) {
		size_t capacity = text->capacity < 4096 ? 4096 : text->capacity * 2;

		while (capacity <= text->size + size)
			capacity *= 2;
		char *grown = realloc(text->bytes, capacity);
		if (grown == NULL) {
			text->error = -ENOMEM;
			return;
		}
		text->bytes = grown;
		text->capacity = capacity;
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

static void put_text(struct metrics_text *text, const char *string) { put(text, string, strlen(string)); }

/* Return the bytes of the UTF-8 character at the start, or 0 if there is none (RFC 3629). */
static size_t utf8_size(const unsigned char *at)
{
	static const struct {
		unsigned char first, last, second_min, second_max;
		size_t size;
	} ranges[] = {{0x01, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (at[0] < ranges[i].first || at[0] > ranges[i].last)
			continue;
		size_t size = ranges[i].size;

		if (size > 1 && (at[1] < ranges[i].second_min || at[1] > ranges[i].second_max))
			return 0;
		for (size_t k = 2; k < size; k++)
			if (at[k] < 0x80 || at[k] > 0xbf)
				return 0;
		return size;
	}
	return 0;
}

/* Write a label's value. Three characters are escaped, and bytes that are not UTF-8 become U+FFFD. */
static void put_label(struct metrics_text *text, const char *value)
{
	while (*value != '\0') {
		size_t size = utf8_size((const unsigned char *)value);

		if (size == 0)
			put_text(text, "\xef\xbf\xbd");
		else if (*value == '\n')
			put_text(text, "\\n");
		else if (*value == '\\' || *value == '"')
			put(text, (char[]){'\\', *value}, 2);
		else
			put(text, value, size);
		value += size == 0 ? 1 : size;
	}
}

/* Write a whole number without a point, and any other number as the shortest text that is exact enough. */
static void put_number(struct metrics_text *text, double value)
{
	char digits[400];

	if (value == floor(value) && fabs(value) < 1e15)
		snprintf(digits, sizeof(digits), "%.0f", value);
	else
		snprintf(digits, sizeof(digits), "%.15g", value);
	put_text(text, digits);
}

/* --- families and samples --- */

void writer_family(struct writer *writer, enum metric_type type, const char *name, const char *help)
{
	writer->type = type;
	writer->family = name;
	writer->help = help;
	writer->is_open = false;
}

static const char *suffix_of(enum metric_type type)
{
	return type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
}

static const char *unit_of(const struct writer *writer)
{
	static const char *const units[] = {"seconds", "bytes"};
	size_t length = strlen(writer->family);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit = strlen(units[i]);

		if (length > unit && writer->family[length - unit - 1] == '_' &&
			strcmp(writer->family + length - unit, units[i]) == 0)
			return units[i];
	}
	return NULL;
}

static void put_meta(struct writer *writer, const char *what, const char *suffix, const char *words)
{
	put_text(writer->text, "# ");
	put_text(writer->text, what);
	put_text(writer->text, " ");
	put_text(writer->text, writer->family);
	put_text(writer->text, suffix);
	put_text(writer->text, " ");
	put_text(writer->text, words);
	put_text(writer->text, "\n");
}

/* Write the head of a family. The older format has fewer types, and its heads have the names of the samples. */
static void open_family(struct writer *writer)
{
	static const char *const names[] = {[METRIC_GAUGE] = "gauge",
		[METRIC_COUNTER] = "counter",
		[METRIC_INFO] = "info",
		[METRIC_STATESET] = "stateset",
		[METRIC_HISTOGRAM] = "histogram"};
	bool is_older = writer->options->format == METRICS_PROMETHEUS;
	const char *suffix = is_older ? suffix_of(writer->type) : "";
	const char *type = names[writer->type];

	if (writer->is_open)
		return;
	writer->is_open = true;
	if (is_older && (writer->type == METRIC_INFO || writer->type == METRIC_STATESET))
		type = names[METRIC_GAUGE];
	put_meta(writer, "TYPE", suffix, type);
	if (!is_older && unit_of(writer) != NULL)
		put_meta(writer, "UNIT", suffix, unit_of(writer));
	put_meta(writer, "HELP", suffix, writer->help);
}

static void put_sample(struct writer *writer, const char *suffix, const char *const *labels, double value)
{
	struct metrics_text *text = writer->text;

	open_family(writer);
	put_text(text, writer->family);
	put_text(text, suffix);
	for (const char *const *label = labels; label != NULL && *label != NULL; label += 2) {
		put_text(text, label == labels ? "{" : ",");
		put_text(text, label[0]);
		put_text(text, "=\"");
		put_label(text, label[1]);
		put_text(text, "\"");
	}
	put_text(text, labels != NULL && *labels != NULL ? "} " : " ");
	put_number(text, value);
	put_text(text, "\n");
}

void writer_sample(struct writer *writer, const char *const *labels, double value)
{
	put_sample(writer, suffix_of(writer->type), labels, value);
}

/* The label `le` is first: if the histogram has no label of its own, the NULL behind `le` ends the list. */
#define BOUND(bound, label) \
	LABELS("le", bound, (label) != NULL ? (label)[0] : NULL, (label) != NULL ? (label)[1] : NULL)

void writer_histogram(struct writer *writer, const char *const label[2], const double *bounds, const uint64_t *buckets,
	uint32_t bucket_count, double sum)
{
	const char *const alone[] = {label != NULL ? label[0] : NULL, label != NULL ? label[1] : NULL, NULL};
	uint64_t count = 0;

	for (uint32_t i = 0; i < bucket_count; i++) {
		char bound[32];

		snprintf(bound, sizeof(bound), bounds[i] == floor(bounds[i]) ? "%.1f" : "%.15g", bounds[i]);
		count += buckets[i];
		put_sample(writer, "_bucket", BOUND(bound, label), (double)count);
	}
	count += buckets[bucket_count];
	put_sample(writer, "_bucket", BOUND("+Inf", label), (double)count);
	put_sample(writer, "_count", alone, (double)count);
	put_sample(writer, "_sum", alone, sum);
}

void writer_sample_as(struct writer *writer, const char *suffix, const char *labels, double value)
{
	struct metrics_text *text = writer->text;

	open_family(writer);
	put_text(text, writer->family);
	put_text(text, *suffix != '\0' ? suffix : suffix_of(writer->type));
	put_text(text, *labels != '\0' ? "{" : "");
	put_text(text, labels);
	put_text(text, *labels != '\0' ? "} " : " ");
	put_number(text, value);
	put_text(text, "\n");
}

void writer_end(struct writer *writer)
{
	if (writer->options->format == METRICS_OPENMETRICS)
		put_text(writer->text, "# EOF\n");
}

/* --- the source --- */

#define AS(ctype, bytes) \
	({ \
		ctype as_value; \
		memcpy(&as_value, bytes, sizeof(as_value)); \
		(double)as_value; \
	})

static bool number_of(uint32_t type, const char *bytes, double *number)
{
	char *end;

	switch (type) {
	case COTERIE_MAP_I8:
		*number = AS(int8_t, bytes);
		return true;
	case COTERIE_MAP_U8:
		*number = AS(uint8_t, bytes);
		return true;
	case COTERIE_MAP_I16:
		*number = AS(int16_t, bytes);
		return true;
	case COTERIE_MAP_U16:
		*number = AS(uint16_t, bytes);
		return true;
	case COTERIE_MAP_I32:
		*number = AS(int32_t, bytes);
		return true;
	case COTERIE_MAP_U32:
		*number = AS(uint32_t, bytes);
		return true;
	case COTERIE_MAP_I64:
		*number = AS(int64_t, bytes);
		return true;
	case COTERIE_MAP_U64:
		*number = AS(uint64_t, bytes);
		return true;
	case COTERIE_MAP_FLOAT:
		*number = AS(float, bytes);
		return isfinite(*number);
	case COTERIE_MAP_DOUBLE:
		*number = AS(double, bytes);
		return isfinite(*number);
	case COTERIE_MAP_STRING:
		*number = strtod(bytes, &end);
		return end != bytes && *end == '\0' && isfinite(*number);
	}
	return false;
}

bool source_number(const struct writer *writer, uint32_t map, const char *key, double *number)
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	uint32_t type;

	return writer->source->read(writer->source->arg, map, key, &type, bytes) && number_of(type, bytes, number);
}

/* Format a key. @return false: the text is too long for a key */
static bool make_key(char key[COTERIE_MAP_NAME_MAX + 1], const char *format, va_list arguments)
{
	int length = vsnprintf(key, COTERIE_MAP_NAME_MAX + 1, format, arguments);

	return length > 0 && length <= (int)COTERIE_MAP_NAME_MAX;
}

bool source_number_f(const struct writer *writer, uint32_t map, double *number, const char *format, ...)
{
	char key[COTERIE_MAP_NAME_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	bool is_key = make_key(key, format, arguments);
	va_end(arguments);
	return is_key && source_number(writer, map, key, number);
}

bool source_text(const struct writer *writer, uint32_t map, char text[METRICS_VALUE_MAX], const char *format, ...)
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	char key[COTERIE_MAP_NAME_MAX + 1];
	uint32_t type;
	va_list arguments;

	va_start(arguments, format);
	bool is_key = make_key(key, format, arguments);
	va_end(arguments);
	if (!is_key || !writer->source->read(writer->source->arg, map, key, &type, bytes) || type != COTERIE_MAP_STRING)
		return false;
	bytes[METRICS_VALUE_MAX - 1] = '\0';
	memcpy(text, bytes, METRICS_VALUE_MAX);
	return true;
}
