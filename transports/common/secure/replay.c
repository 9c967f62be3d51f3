/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/secure/replay.h"

#include <assert.h>
#include <string.h>

/*
 * Begin behind a number. The window is a ring of words as in RFC 6479. It has one word more than the window needs. So
 * the oldest bits are removed one word at a time, and no bit is ever shifted.
 */
void replay_begin(struct replay *window, uint64_t number)
{
	window->highest = number;
	memset(window->seen, 0xff, sizeof(window->seen));
	/* Higher numbers in the same word are not seen yet. */
	window->seen[number / 64 % WINDOW_WORDS] = number % 64 == 63 ? UINT64_MAX : (UINT64_C(2) << number % 64) - 1;
}

bool replay_is_new(const struct replay *window, uint64_t number)
{
	if (number > window->highest)
		return true;
	if (number == 0 || window->highest - number >= WINDOW_SIZE)
		return false;
	return (window->seen[number / 64 % WINDOW_WORDS] >> number % 64 & 1) == 0;
}

void replay_mark(struct replay *window, uint64_t number)
{
	assert(replay_is_new(window, number));
	if (number > window->highest) {
		uint64_t words = number / 64 - window->highest / 64;

		for (uint64_t i = 1; i <= words && i <= WINDOW_WORDS; i++)
			window->seen[(window->highest / 64 + i) % WINDOW_WORDS] = 0;
		window->highest = number;
	}
	window->seen[number / 64 % WINDOW_WORDS] |= UINT64_C(1) << number % 64;
}
