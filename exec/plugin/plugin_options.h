/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of one plugin, with the values of the config file, or their defaults. */
#ifndef EXEC_PLUGIN_OPTIONS_H
#define EXEC_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <coterie/plugin.h>

struct config;
struct plugin;
struct plugin_error;
struct plugin_options;
struct plugin_overrides;

/**
 * Check the values of the file against the descriptor's list: type, range, choices. Options that the list does
 * not have are refused.
 * @param config  borrowed for the call; NULL: no file, only defaults
 * @return caller destroys; NULL: *error has the reason
 */
struct plugin_options *plugin_options_create(
	const struct config *config, const struct coterie_plugin *descriptor, struct plugin_error *error);
/** As plugin_options_create, but "KEY=VALUE" words (or NULL) override the file. */
struct plugin_options *plugin_options_create_over(const struct config *config, const struct coterie_plugin *descriptor,
	const struct plugin_overrides *overrides, struct plugin_error *error);
/**
 * Return the options of a loaded plugin from a new config file and the values given when it was loaded. NULL: *error
 * has the reason.
 */
struct plugin_options *plugin_options_again(
	const struct plugin *plugin, const struct config *config, struct plugin_error *error);
void plugin_options_destroy(struct plugin_options *options); /* NULL is ignored */
int plugin_option_u64(const struct plugin_options *options, const char *name, uint64_t *value);
int plugin_option_string(const struct plugin_options *options, const char *name, const char **value);
int plugin_option_list(
	const struct plugin_options *options, const char *name, const char *const **words, uint32_t *count);

/**
 * Prepare the options of a new file to replace those of a running plugin. Options that must not change while the plugin
 * runs keep their values.
 *
 * @param options      of the new file; changed by this call
 * @param running      options of the running plugin, for the same descriptor
 * @param has_changed  out: whether a value that may change has changed
 * @param kept         called for each option that keeps its value although the file has another
 * @return 0; -ENOMEM
 */
int plugin_options_succeed(struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor, bool *has_changed, void (*kept)(void *arg, const char *name),
	void *arg);

/**
 * Call differs for each difference between two sets of options of one descriptor. Values are borrowed, NULL if unset.
 * Values of secret options are not hidden.
 */
void plugin_options_compare(const struct plugin_options *options, const struct plugin_options *running,
	const struct coterie_plugin *descriptor,
	void (*differs)(void *arg, const struct coterie_option *option, const char *now, const char *before),
	void *arg);

#endif
