/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie --check-plugin FILE: check whether the executive would load this plugin. */
#ifndef EXEC_CHECK_PLUGIN_H
#define EXEC_CHECK_PLUGIN_H

#include <stdint.h>

struct config;
struct loop;
struct plugin_registry;

/** How to create the parts around a plugin, as a daemon does. */
struct check_stage {
	/**
	 * Create the parts.
	 * @param config, loop  kept until tear_down
	 * @param directories   count folders that are searched for plugins
	 * @param plugins       out: the registry
	 * @return 0, or an exit code. tear_down is called in that case too
	 */
	int (*set_up)(void *arg, struct config *config, struct loop *loop, const char *const *directories,
		uint32_t count, struct plugin_registry **plugins);
	void (*tear_down)(void *arg);
	void *arg; /* argument of set_up and tear_down */
};

/**
 * Open a plugin file, check its descriptor, start it with its default options and stop it again, without a ring or a
 * client. Print the outcome on stdout or stderr.
 * @param fd        the same file, open: it is loaded even if the path names another file by now (only a service);
 *                  -1: none
 * @param bound_ms  with fd: the longest start that the daemon's ring tolerates; 0: PLUGIN_START_MS_MAX
 * @return exit code: 0, or 30 to 33 (book configuration, "Exit codes")
 */
int check_plugin(const struct check_stage *stage, const char *file, int fd, uint32_t bound_ms);

#endif
