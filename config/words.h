/* SPDX-License-Identifier: BSD-3-Clause */
/* Words in lists, where blanks separate them, and suggestions for misspelled words. */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool config_has_word(const char *words, const char *word);
/** Return the word at an index of the list, and its length, or the end of the list. */
const char *words_at(const char *words, uint64_t place, size_t *length);
/** Return the index of a word in the list, or -1. */
int64_t words_place(const char *words, const char *word, bool ignores_case);

/** Return the edit distance with transpositions, at most limit + 1, for "did you mean". */
uint32_t config_distance(const char *a, const char *b, uint32_t limit);
/** Return the largest distance at which a name is suggested. */
uint32_t config_tolerance(const char *name);

#endif
