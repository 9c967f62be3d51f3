/* SPDX-License-Identifier: BSD-3-Clause */
/* Modes of the daemon's program that do not run the daemon (coterie(8)), and the plugins that they need. */
#ifndef EXEC_MODES_H
#define EXEC_MODES_H

#include <stdint.h>

#include "config/model.h"
#include "exec/daemon/options.h"

#define MODES_FOLDERS_MAX 32

/** The folders that are searched for plugins. */
struct plugin_folders {
	const char *list[MODES_FOLDERS_MAX];
	uint32_t count;
	char *text; /* text that list points into, or NULL: the built-in folder */
};

/** Take the folders of a configuration, or the built-in folder if config is NULL. 0; -ENOMEM */
int modes_folders_init(struct plugin_folders *folders, const struct config *config);
void modes_folders_fini(struct plugin_folders *folders);

/** Fill in the functions by which the configuration reader gets facts from the installed plugins. */
void modes_environment(struct config_environment *environment);

/** --help-config. @return exit code */
int modes_help_config(const struct options *options);
/** -t: print that a configuration is good, unless its transport is missing. @return exit code */
int modes_tell_test(const struct config *config);
/** --print-config. @return exit code */
int modes_print_config(const struct options *options, const struct config *config);
/** `coterie SUBCOMMAND …`: run coterie-ctl. @return exit code, if there is no coterie-ctl */
int modes_run_command(int argc, char **argv);
/**
 * --doctor: run coterie-ctl, which checks this host as if the daemon were to start with its file.
 * @return exit code; 1: there is no coterie-ctl
 */
int modes_doctor(const struct options *options);
/**
 * --check-reload: run coterie-ctl, which asks the running daemon, or compares the file of config with it.
 * @return exit code; 1: there is no coterie-ctl
 */
int modes_check_reload(const struct options *options, const struct config *config);

#endif
