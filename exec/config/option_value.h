/*
 * One value against its option, the executive's own or a plugin's: type, units, range, words; and the names
 * of options. Nobody else looks at what a value says.
 */
#ifndef CONFIG_OPTION_VALUE_H
#define CONFIG_OPTION_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coterie/plugin.h>

/** How values are written. */
enum option_dialect {
	OPTION_NATIVE, /* coterie.conf: a duration has a unit, a boolean is a word, 010 is a slip */
	OPTION_PLAIN,  /* corosync.conf, descriptors, command lines: also bare milliseconds, 0 and 1, 010 */
};

/**
 * Check a value.
 *
 * @param number  out: milliseconds, bytes, 0 or 1, the place among the choices; 0 for texts; may be NULL
 * @param why     out: what is wrong: what to do
 * @return 0; -EINVAL
 */
int option_value(const struct coterie_option *option, enum option_dialect dialect, const char *text,
	uint64_t *number, char *why, size_t size);
/** Is its value a number, a place among choices included? */
bool option_is_number(const struct coterie_option *option);

/** In the largest unit that divides it. */
void option_duration(uint64_t ms, char *text, size_t size);
void option_size(uint64_t bytes, char *text, size_t size);
/** A limit of the option, in the words of its type. */
void option_limit(const struct coterie_option *option, uint64_t number, char text[32]);

/** Lists of options as a descriptor has them: stride is the size of an element. */
const struct coterie_option *option_at(const struct coterie_option *options, size_t stride, uint32_t index);
const struct coterie_option *option_find(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name);
/** The name that may be meant, or NULL. */
const char *option_nearest(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name);

#endif
