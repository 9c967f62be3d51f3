/*
 * Keys of a map and their values: printed, set, deleted.
 *
 * All functions that return a bool have said on stderr why it is false.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_TOOL_KEYS_H
#define SERVICES_CMAP_TOOL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <corosync/cmap.h>

/** How keys are printed. */
struct key_format {
	bool with_binary; /* values of type binary too */
	bool is_quiet;    /* the value alone */
};

/**
 * Print a key with its value as one line; a string may hold line ends.
 *
 * @param value borrowed; size bytes in host byte order
 */
void key_print(const struct key_format *format, const char *key, cmap_value_types_t type,
	const void *value, size_t size);

/** Read keys and print them, up to the first that fails. */
bool keys_get(cmap_handle_t map, const struct key_format *format, char *const *keys, int count);

/**
 * Print all keys with one of the prefixes; without prefixes all keys.
 *
 * @return also false, silently, when there was no key to print
 */
bool keys_list(
	cmap_handle_t map, const struct key_format *format, char *const *prefixes, int count);

/**
 * Set a key.
 *
 * @param type word for a type, as printed
 * @param text value; for binary the name of a file, "-" for standard input
 */
bool key_set(cmap_handle_t map, const char *key, const char *type, const char *text);

/** Delete keys, up to the first that fails. */
bool keys_delete(cmap_handle_t map, char *const *keys, int count);

/** Delete all keys with a prefix; a key that cannot be deleted is reported and stays. */
bool keys_delete_prefix(cmap_handle_t map, const char *prefix);

/**
 * Do what a file of settings says, line by line, up to the first key that cannot be set.
 *
 * @return true also when the file cannot be opened, which is reported
 */
bool keys_load(cmap_handle_t map, const char *path);

#endif
