/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t utf8_size(const char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *at = (const uint8_t *)text;
	size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf8 ? 4 : 0;
	uint32_t value = size == 1 ? at[0] : at[0] & (0x7fu >> size);

	for (size_t i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fu);
	}
	return value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) ? 0 : size;
}

/* Return whether a character of UTF-8 is a control character. U+0080 to U+009F are control characters, too. */
static bool is_control(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	return at[0] < ' ' || at[0] == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0);
}

void utf8_make_printable(char *text, char with)
{
	while (*text != '\0') {
		size_t size = utf8_size(text);
		bool is_good = size > 0 && !is_control(text);

		if (size == 0)
			size = 1;
		if (!is_good)
			memset(text, with, size);
		text += size;
	}
}
