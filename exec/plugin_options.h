/*
 * The options of one plugin with the values of the config file, defaults filled in.
 */
#ifndef EXEC_PLUGIN_OPTIONS_H
#define EXEC_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>

struct config;
struct plugin_error;
struct plugin_options;
struct plugin_overrides;

/**
 * Check the file's values against the descriptor's list (type, range, choices), refuse those that
 * the list does not have.
 * @param config  NULL: no file, defaults alone; not needed afterwards
 * @return caller destroys; NULL: *error says why
 */
struct plugin_options *plugin_options_create(const struct config *config,
	const struct coterie_plugin *descriptor, struct plugin_error *error);
/** The same with "KEY=VALUE" words that come before the file; NULL: none. */
struct plugin_options *plugin_options_create_over(const struct config *config,
	const struct coterie_plugin *descriptor, const struct plugin_overrides *overrides,
	struct plugin_error *error);
void plugin_options_destroy(struct plugin_options *options); /* NULL is ignored */
int plugin_option_u64(const struct plugin_options *options, const char *name, uint64_t *value);
int plugin_option_string(
	const struct plugin_options *options, const char *name, const char **value);

/**
 * Make the options of a new file fit to follow those of a running plugin: what may not change while it
 * runs keeps its value.
 *
 * @param options      of the new file; changed
 * @param running      of the same descriptor
 * @param has_changed  out: a value that may change has
 * @param kept         called for each one that keeps its value although the file has another
 * @return 0; -ENOMEM
 */
int plugin_options_succeed(struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor, bool *has_changed,
	void (*kept)(void *arg, const char *name), void *arg);

/**
 * What is different in two sets of options of one descriptor. Values are borrowed, NULL: unset; those of
 * secret options as they are.
 */
void plugin_options_compare(const struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor,
	void (*differs)(void *arg, const struct coterie_option *option, const char *now, const char *before),
	void *arg);

#endif
