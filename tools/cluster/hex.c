/*
 * Convert bytes to hexadecimal digits and back.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cluster/agent.h"

char *hex_encode(const void *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	char *text = malloc(2 * size + 1);

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[from[i] >> 4];
		text[2 * i + 1] = digits[from[i] & 15];
	}
	text[2 * size] = '\0';
	return text;
}

static int digit(char letter)
{
	return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

ssize_t hex_decode(const char *text, char **bytes)
{
	size_t size = strlen(text) / 2;

	*bytes = NULL;
	if (strlen(text) % 2 != 0)
		return -EINVAL;
	char *to = malloc(size + 1);

	if (to == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			explicit_bzero(to, size);
			free(to);
			return -EINVAL;
		}
		to[i] = (char)(high << 4 | low);
	}
	to[size] = '\0';
	*bytes = to;
	return (ssize_t)size;
}
