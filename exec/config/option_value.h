/*
 * Check one value by its option, of the executive or of a plugin: type, units, range, words. Also the names of
 * options. No other file reads the text of a value.
 */
#ifndef CONFIG_OPTION_VALUE_H
#define CONFIG_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

/** Ways of writing values. */
enum option_dialect {
	OPTION_NATIVE, /* coterie.conf: a duration has a unit, a boolean is a word, 010 is an error */
	OPTION_PLAIN,  /* corosync.conf, descriptors, command lines: also bare milliseconds, 0 and 1, 010 */
};

/**
 * Check a value.
 *
 * @param number  out: milliseconds, bytes, 0 or 1, the index of the choice; 0 for texts; may be NULL
 * @param why     out: the error, as "what: what to do"
 * @return 0; -EINVAL
 */
int option_value(const struct coterie_option *option, enum option_dialect dialect, const char *text,
	uint64_t *number, char *why, size_t size);
/** Return whether the value of an option is a number, or the index of a choice. */
bool option_is_number(const struct coterie_option *option);

/** Write a duration or a size in the largest unit that divides it. */
void option_duration(uint64_t ms, char *text, size_t size);
void option_size(uint64_t bytes, char *text, size_t size);
/** Write a limit of the option, in the units of its type. */
void option_limit(const struct coterie_option *option, uint64_t number, char text[32]);

/** Find an option in the list of a descriptor. stride is the size of an element. */
const struct coterie_option *option_at(const struct coterie_option *options, size_t stride, uint32_t index);
const struct coterie_option *option_find(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name);
/** Return the name to suggest, or NULL. */
const char *option_nearest(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name);

#endif
