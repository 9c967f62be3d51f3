/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/bytes.h"

void bytes_print(FILE *out, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++) {
		if (byte[i] == '\\')
			fputs("\\\\", out);
		else if (byte[i] >= ' ' && byte[i] <= '~')
			fputc(byte[i], out);
		else
			fprintf(out, "\\x%02X", byte[i]);
	}
}
