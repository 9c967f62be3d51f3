/* SPDX-License-Identifier: BSD-3-Clause */
/* Words in lists, and suggestions for misspelled words. */
#include "config/words.h"

#include <string.h>
#include <strings.h>

bool config_has_word(const char *words, const char *word) { return words_place(words, word, false) >= 0; }

const char *words_at(const char *words, uint64_t place, size_t *length)
{
	while (place > 0 && *words != '\0') {
		words += strcspn(words, " ");
		words += strspn(words, " ");
		place--;
	}
	*length = strcspn(words, " ");
	return words;
}

int64_t words_place(const char *words, const char *word, bool ignores_case)
{
	int64_t place = 0;
	size_t length = strlen(word);

	while (*words != '\0') {
		size_t size = strcspn(words, " ");

		if (size == length && (ignores_case ? strncasecmp(words, word, size) : strncmp(words, word, size)) == 0)
			return place;
		words += size;
		words += strspn(words, " ");
		place++;
	}
	return -1;
}

uint32_t config_distance(const char *a, const char *b, uint32_t limit)
{
	enum { LENGTH_MAX = 63 };
	uint32_t rows[3][LENGTH_MAX + 1];
	uint32_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t a_length = strnlen(a, LENGTH_MAX + 1), b_length = strnlen(b, LENGTH_MAX + 1);

	if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
		return limit + 1;
	for (uint32_t j = 0; j <= b_length; j++)
		above[j] = j;
	for (uint32_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (uint32_t j = 1; j <= b_length; j++) {
			uint32_t least = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < least)
				least = above[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			row[j] = least;
		}
		uint32_t *free_row = before;

		before = above;
		above = row;
		row = free_row;
	}
	return above[b_length] > limit ? limit + 1 : above[b_length];
}

uint32_t config_tolerance(const char *name)
{
	size_t length = strlen(name);

	return length < 3 ? 1 : length / 3 > 2 ? (uint32_t)(length / 3) : 2;
}
