/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts and bytes as JSON. */
#include "plugins/common/answers/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

/* Return the length of the UTF-8 character at bytes, or 0 if there is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_length(const uint8_t *bytes, size_t size)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = bytes[0] < 0x80       ? 1
			: bytes[0] >> 5 == 6  ? 2
			: bytes[0] >> 4 == 14 ? 3
			: bytes[0] >> 3 == 30 ? 4
					      : 0;

	if (length == 1)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f ? 1 : 0;
	if (length == 0 || length > size)
		return 0;
	uint32_t point = bytes[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] >> 6 != 2)
			return 0;
		point = point << 6 | (bytes[i] & 0x3f);
	}
	return point >= least[length] && point < 0x110000 && (point < 0xd800 || point > 0xdfff) ? length : 0;
}

/*
 * Return the text as a JSON value. Bytes that are not UTF-8 are replaced, since programs could not read the document
 * otherwise.
 */
struct json_object *answers_text_value(const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t size = strlen(text), at = 0, length = 0;
	char *copy = malloc(3 * size + 1);
	struct json_object *value;

	while (copy != NULL && at < size) {
		bool is_control = bytes[at] < 0x20 || bytes[at] == 0x7f;
		size_t take = is_control ? 1 : utf8_length(bytes + at, size - at);

		memcpy(copy + length, take > 0 ? text + at : replacement, take > 0 ? take : sizeof(replacement) - 1);
		length += take > 0 ? take : sizeof(replacement) - 1;
		at += take > 0 ? take : 1;
	}
	value = copy != NULL ? json_object_new_string_len(copy, (int)length) : NULL;
	free(copy);
	return value;
}

struct json_object *answers_real(double number)
{
	if (isfinite(number))
		return json_object_new_double(number);
	return json_object_new_string(isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
}

void answers_put_bytes(struct json_object *object, const char *key, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	char *text = malloc(3 * size + 1), *hex = malloc(2 * size + 1);
	char hex_key[64];
	size_t at = 0;

	if (text != NULL && hex != NULL) {
		for (size_t i = 0; i < size;) {
			size_t length = utf8_length(bytes + i, size - i);
			const void *from = length > 0 ? (const void *)(bytes + i) : replacement;
			size_t take = length > 0 ? length : sizeof(replacement) - 1;

			memcpy(text + at, from, take);
			at += take;
			i += length > 0 ? length : 1;
		}
		for (size_t i = 0; i < size; i++)
			snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
		hex[2 * size] = '\0';
		json_object_object_add(object, key, json_object_new_string_len(text, (int)at));
		snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
		put_text(object, hex_key, hex);
	}
	free(text);
	free(hex);
}
