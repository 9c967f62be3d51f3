/* What the daemon's program does instead of running (coterie(8)), and what it asks plugins for meanwhile. */
#ifndef EXEC_MODES_H
#define EXEC_MODES_H

#include <stdint.h>

#include "exec/config/model.h"
#include "exec/options.h"

#define MODES_FOLDERS_MAX 32

/** Where plugins are looked for. */
struct plugin_folders {
	const char *list[MODES_FOLDERS_MAX];
	uint32_t count;
	char *text; /* what list points into; NULL: the built-in place */
};

/** As the configuration wants it; NULL: the built-in place. 0; -ENOMEM */
int plugin_folders_init(struct plugin_folders *folders, const struct config *config);
void plugin_folders_fini(struct plugin_folders *folders);

/** Let a reader of configurations ask the installed plugins. */
void modes_environment(struct config_environment *environment);

/** --help-config. @return exit code */
int modes_help_config(const struct options *options);
/** -t: say that a configuration is fine, unless its transport is missing. @return exit code */
int modes_tell_test(const struct config *config);
/** --print-config. @return exit code */
int modes_print_config(const struct options *options, const struct config *config);
/** `coterie SUBCOMMAND …` is coterie-ctl's. @return exit code; it is not there */
int modes_run_command(int argc, char **argv);
/** --check-reload: hand over to coterie-ctl, which asks the running daemon, or (config) compares
    a file with it. @return exit code; 1: it is not there */
int modes_check_reload(const struct options *options, const struct config *config);

#endif
