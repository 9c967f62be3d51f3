/*
 * What the files of the plugin registry share: plugin.c, plugin_open.c, plugin_check.c,
 * plugin_options.c and the host table's. Nothing else includes this.
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
/** "transport", "service", "extension" or "unknown kind". */
const char *plugin_kind_name(uint32_t kind);
/** One or more of [a-z0-9_], at most 63: safe in a path and in a symbol. */
bool plugin_name_is_valid(const char *name);
/** The name that a file of this path must have, cut at 63 characters. */
void plugin_name_of_path(const char *path, char name[64]);

/* --- plugin_open.c --- */

/** Directories in the order in which they are searched. */
struct plugin_search {
	char **directories;
	uint32_t count;
};

/** COTERIE_PLUGIN_PATH (unless privileges were gained), then directories. -ENOMEM. */
int plugin_search_init(
	struct plugin_search *search, const char *const *directories, uint32_t count);
void plugin_search_fini(struct plugin_search *search);

/** Start libltdl, once per registry. -ENOSYS when it cannot. */
int plugin_open_init(void);
void plugin_open_fini(void);

/**
 * Find and open the file of a plugin: a builtin first, then NAME.la and NAME.so in each directory.
 * Code of the plugin runs only as far as ELF constructors go.
 * @param kind  for the text of a failure
 * @return caller closes; NULL: *error says why
 */
struct plugin_file *plugin_file_open(const struct plugin_search *search, uint32_t kind,
	const char *name, struct plugin_error *error);
/**
 * Open the file of a plugin for its check, its trial and its load, so that all three see the same file. No code of it
 * runs yet.
 * @param source  out, caller closes. No file is there, or the plugin is built in: fd is -1
 * @param what    a name as above, or an absolute path
 * @return 0; -EPERM: users other than root and the daemon's own can change the file; -EINVAL: it cannot be opened.
 *     *error says why
 */
int plugin_source_open(
	struct plugin_source *source, const struct plugin_search *search, const char *what, struct plugin_error *error);
/**
 * The same while the daemon runs.
 * @param what    a name as above, or an absolute path
 * @param source  borrowed: the file of plugin_source_open, and no other one; NULL: find one, unchecked (test kit)
 * @param serial  another number than of every file that is open: libltdl takes a path that it has open for
 *     the same file, whatever has become of it
 */
struct plugin_file *plugin_file_open_anew(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, uint32_t serial, struct plugin_error *error);
/** Unmap it, unless COTERIE_KEEP_PLUGINS=1. NULL is ignored. */
void plugin_file_close(struct plugin_file *file);
const char *plugin_file_path(const struct plugin_file *file); /* absolute, or "builtin" */
const struct coterie_plugin *plugin_file_descriptor(const struct plugin_file *file);
/** A file of the same name that the builtin hides, or NULL. */
const char *plugin_file_shadowed(const struct plugin_file *file);

#endif
