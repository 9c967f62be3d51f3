/*
 * All of libcorosync_common: the results of its functions for each number that has a meaning, for the numbers next to
 * these, and for the limits of an int.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <limits.h>

#include "tests/interop/matrix.h"

#define NUMBER_MAX 200 /* all errors of the library and all values of errno are lower */

/* The library has no events. */
const struct matrix_library matrix_library = {NULL, NULL, NULL};

static void say_all(int number)
{
	say("%d: %s, errno %d, handle %d", number, cs_strerror((cs_error_t)number), (int)qb_to_cs_error(number),
		(int)hdb_error_to_cs(number));
}

static void part_calls(pid_t daemon)
{
	static const int far[] = {INT_MIN, INT_MIN + 1, -4096, -1000, 255, 256, 257, 1000, 65537, INT_MAX};

	(void)daemon;
	for (int number = -NUMBER_MAX; number <= NUMBER_MAX; number++)
		say_all(number);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		say_all(far[i]);
}

const struct matrix_part matrix_parts[] = {
	{"calls", part_calls},
	{NULL, NULL},
};
