/*
 * The commands of corosync-cmapctl that print, set and delete keys.
 *
 * A function that returns false has printed the reason on stderr.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVICES_CMAP_TOOL_KEYS_H
#define SERVICES_CMAP_TOOL_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <corosync/cmap.h>

/** The format in which keys are printed. */
struct key_format {
	bool with_binary; /* print values of type binary, too */
	bool is_quiet;    /* print only the value */
};

/**
 * Print a key with its value as one line. A string may contain line ends.
 *
 * @param value borrowed: size bytes in host byte order
 */
void key_print(
	const struct key_format *format, const char *key, cmap_value_types_t type, const void *value, size_t size);

/** Read and print keys. Stop at the first key that fails. */
bool keys_get(cmap_handle_t map, const struct key_format *format, char *const *keys, int count);

/**
 * Print all keys with one of the prefixes. Without prefixes print all keys.
 *
 * @return false also if there was no key to print. In this case no message is printed
 */
bool keys_list(cmap_handle_t map, const struct key_format *format, char *const *prefixes, int count);

/**
 * Set a key.
 *
 * @param type name of a type, as printed with keys
 * @param text the value. For type binary it is the name of a file, or "-" for standard input
 */
bool key_set(cmap_handle_t map, const char *key, const char *type, const char *text);

/** Delete keys. Stop at the first key that fails. */
bool keys_delete(cmap_handle_t map, char *const *keys, int count);

/**
 * Delete all keys with a prefix. A key that cannot be deleted is reported and stays.
 *
 * @return false only if the keys cannot be listed, for example because the daemon has gone
 */
bool keys_delete_prefix(cmap_handle_t map, const char *prefix);

/**
 * Set and delete keys as the lines of a settings file require. Stop at the first key that cannot be set.
 *
 * @return true also if the file cannot be opened. In this case a message is printed
 */
bool keys_load(cmap_handle_t map, const char *path);

#endif
