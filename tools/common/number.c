/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, long long min, long long max, long long *value)
{
	char *end;

	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
		return false;
	*value = number;
	return true;
}
