/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the files of plugins: plugin.c and plugin_*.c. check_plugin.c includes this for the exit codes. No other
 * file does.
 */
#ifndef EXEC_PLUGIN_PRIVATE_H
#define EXEC_PLUGIN_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/plugin/plugin_load.h"
#include "exec/plugin/plugin_options.h"

struct config;

/* Book configuration, "Exit codes". */
enum {
	PLUGIN_EXIT_CONFIG = 8,
	PLUGIN_EXIT_NOT_FOUND = 30,
	PLUGIN_EXIT_DESCRIPTOR = 31,
	PLUGIN_EXIT_ABI = 32,
	PLUGIN_EXIT_INIT = 33,
};

/* --- plugin_error.c --- */

/** Fill in *error (NULL is ignored). @return -EINVAL, so that callers can return it. */
int plugin_fail(struct plugin_error *error, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* --- plugin_name.c --- */

/** Return "transport", "service", "extension" or "unknown kind". */
const char *plugin_kind_name(uint32_t kind);
/** Return whether a name has 1 to 63 characters of [a-z0-9_], so that it is safe in a path and in a symbol. */
bool plugin_name_is_valid(const char *name);
/** Copy the name that a plugin in the file of this path must have, cut at 63 characters. */
void plugin_name_of_path(const char *path, char name[64]);

/* --- plugin_kind.c --- */

/**
 * Return the kind of the plugin with this name in a file (COTERIE_KIND_*). No code of the file runs.
 * @param fd  any file, borrowed
 * @return 0: the file is no shared object with a descriptor of this name, or cannot be read
 */
uint32_t plugin_kind_of_file(int fd, const char *name);

/* --- plugin_open.c, or plugin_static.c --- */

/** Directories in the order in which they are searched. */
struct plugin_search {
	char **directories;
	uint32_t count;
};

/* --- plugin.c --- */

struct plugin_closing;

struct plugin_registry {
	struct plugin_parts parts;
	struct plugin_watch *watch;
	struct plugin_search search;
	struct plugin *first;
	struct plugin_closing *closing; /* files that wait to be closed */
	struct loop_timer *close_timer;
	uint32_t serial; /* serial number of the last file opened while the daemon runs */
};

/** Remove a plugin that is in service from the registry. */
void plugin_remove(struct plugin_registry *registry, struct plugin *plugin);
/** Close the file of a plugin one turn of the loop later, when no function call can return into unmapped code. */
void plugin_close_later(struct plugin_registry *registry, struct plugin_file *file);

/* --- plugin_check.c --- */

/**
 * Check a descriptor against this ABI and the loaded plugins. Pure: no code of the plugin runs.
 * @param kind       the kind that it must have; 0: any
 * @param file_name  base name of the file without suffix
 */
int plugin_check(const struct plugin_registry *registry, const struct coterie_plugin *descriptor, uint32_t kind,
	const char *file_name, const char *path, struct plugin_error *error);
/** As plugin_check, for a plugin that replaces another service: it must have the same ring id and IPC name. */
int plugin_check_successor(const struct plugin_registry *registry, const struct plugin *predecessor,
	const struct coterie_plugin *descriptor, const char *file_name, const char *path, struct plugin_error *error);

/* --- plugin_open.c --- */

/** Fill in the search order: COTERIE_PLUGIN_PATH (not in a setuid process), then directories. -ENOMEM. */
int plugin_search_init(struct plugin_search *search, const char *const *directories, uint32_t count);
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
struct plugin_file *plugin_file_open(
	const struct plugin_search *search, uint32_t kind, const char *name, struct plugin_error *error);
/**
 * Open the file of a plugin for its check, its trial and its load, so that all three see the same file. No code of it
 * runs yet.
 * @param source  out, caller closes. If there is no file, or the plugin is built in, fd is -1
 * @param what    a plugin's name, or an absolute path
 * @return 0; -EPERM: users other than root and the daemon's own can change the file; -EINVAL: it cannot be opened.
 *         *error has the reason
 */
int plugin_source_open(
	struct plugin_source *source, const struct plugin_search *search, const char *what, struct plugin_error *error);
void plugin_source_close(struct plugin_source *source); /* may be called twice */
/**
 * Open the file of a plugin while the daemon runs.
 * @param what    a plugin's name, or an absolute path
 * @param source  borrowed, of plugin_source_open: this file is opened; NULL: find one, unchecked (test kit)
 * @param serial  a number that no open file has. libltdl assumes that a path which it has open is still the same file,
 *                even if it was replaced
 */
struct plugin_file *plugin_file_open_anew(const struct plugin_search *search, const char *what,
	const struct plugin_source *source, uint32_t serial, struct plugin_error *error);
/** Unmap the file, unless COTERIE_KEEP_PLUGINS=1. NULL is ignored. */
void plugin_file_close(struct plugin_file *file);
const char *plugin_file_path(const struct plugin_file *file); /* absolute, or "builtin" */
const struct coterie_plugin *plugin_file_descriptor(const struct plugin_file *file);
/** Return the path of a file that the builtin of the same name hides, or NULL. */
const char *plugin_file_shadowed(const struct plugin_file *file);

#endif
