/* Words: in lists, where blanks separate them, and those that were meant. */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool config_has_word(const char *words, const char *word);
/** The word at a place, or the end of the list; its length. */
const char *words_at(const char *words, uint64_t place, size_t *length);
/** The place of a word, or -1. */
int64_t words_place(const char *words, const char *word, bool ignores_case);

/** Edit distance with transpositions, for "did you mean"; stops at limit + 1. */
uint32_t config_distance(const char *a, const char *b, uint32_t limit);
/** How far apart a name and the one that is meant may be. */
uint32_t config_tolerance(const char *name);

#endif
