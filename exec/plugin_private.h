/*
 * Shared by the files of the plugin registry: plugin.c, plugin_open.c, plugin_check.c, plugin_options.c and
 * those of the host table. No other file includes this.
 */
#ifndef EXEC_PLUGIN_PRIVATE_H
#define EXEC_PLUGIN_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/plugin.h"
#include "exec/plugin_options.h"

struct config;

/* Book configuration, "Exit codes". */
enum {
	PLUGIN_EXIT_CONFIG = 8,
	PLUGIN_EXIT_NOT_FOUND = 30,
	PLUGIN_EXIT_DESCRIPTOR = 31,
	PLUGIN_EXIT_ABI = 32,
	PLUGIN_EXIT_INIT = 33,
};

/** Fill in *error (NULL is ignored). @return -EINVAL, so that callers can return it. */
int plugin_fail(struct plugin_error *error, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Return "transport", "service", "extension" or "unknown kind". */
const char *plugin_kind_name(uint32_t kind);
/** Return whether a name has 1 to 63 characters of [a-z0-9_], so that it is safe in a path and in a symbol. */
bool plugin_name_is_valid(const char *name);
/** Get the name that a plugin in a file of this path must have, cut at 63 characters. */
void plugin_name_of_path(const char *path, char name[64]);

/* --- plugin_open.c --- */

/** Directories in the order in which they are searched. */
struct plugin_search {
	char **directories;
	uint32_t count;
};

/** Take COTERIE_PLUGIN_PATH (not in a setuid process), then directories. -ENOMEM. */
int plugin_search_init(
	struct plugin_search *search, const char *const *directories, uint32_t count);
void plugin_search_fini(struct plugin_search *search);

/** Start libltdl, once for each registry. -ENOSYS if it fails. */
int plugin_open_init(void);
void plugin_open_fini(void);

/**
 * Find and open the file of a plugin: a builtin first, then NAME.la and NAME.so in each directory.
 * Of the plugin's code only ELF constructors run.
 * @param kind  for the text of a failure
 * @return caller closes; NULL: *error has the reason
 */
struct plugin_file *plugin_file_open(const struct plugin_search *search, uint32_t kind,
	const char *name, struct plugin_error *error);
/**
 * Open the file of a plugin for its check, its trial and its load, so that all three see the same file. No code of it
 * runs yet.
 * @param source  out, caller closes. If there is no file, or the plugin is built in, fd is -1
 * @param what    a name as above, or an absolute path
 * @return 0; -EPERM: users other than root and the daemon's own can change the file; -EINVAL: it cannot be opened.
 *     *error has the reason
 */
int plugin_source_open(
	struct plugin_source *source, const struct plugin_search *search, const char *what, struct plugin_error *error);
/**
 * Open the file of a plugin while the daemon runs.
 * @param what    a name as above, or an absolute path
 * @param source  borrowed, of plugin_source_open: this file is opened; NULL: find one, unchecked (test kit)
 * @param serial  a number that no open file has. libltdl assumes that a path which it has open is still the
 *     same file, even if it was replaced
 */
struct plugin_file *plugin_file_open_anew(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, uint32_t serial, struct plugin_error *error);
/** Unmap it, unless COTERIE_KEEP_PLUGINS=1. NULL is ignored. */
void plugin_file_close(struct plugin_file *file);
const char *plugin_file_path(const struct plugin_file *file); /* absolute, or "builtin" */
const struct coterie_plugin *plugin_file_descriptor(const struct plugin_file *file);
/** Return the path of a file that the builtin of the same name hides, or NULL. */
const char *plugin_file_shadowed(const struct plugin_file *file);

#endif
