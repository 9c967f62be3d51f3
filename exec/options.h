/* The daemon's command line: coterie(8). */
#ifndef EXEC_OPTIONS_H
#define EXEC_OPTIONS_H

#include <stdbool.h>

#include "exec/config/model.h"

struct options {
	bool is_foreground;         /* -f */
	bool is_test;               /* -t, and with --print-config */
	bool is_print;              /* --print-config */
	bool is_help_config;        /* --help-config */
	bool is_check_reload;       /* --check-reload */
	bool is_repair;             /* --repair-ring-seq */
	const char *lock_file;      /* -l; NULL: the usual one */
	enum config_form form;      /* of --print-config */
	const char *help_block, *help_name; /* operands of --help-config; NULL: none */
	enum config_format format;  /* --format */
	const char *config;         /* -c, or COTERIE_CONFIG; NULL: the default places */
	const char *instance;       /* --instance, or COTERIE_INSTANCE; NULL: the default one */
	const char *node;           /* --node */
	const char *user;           /* --user; NULL: as it was started */
	const char *check_plugin;   /* --check-plugin FILE */
	int check_fd;               /* the same file, open, as a daemon gives it to a trial; -1: none */
};

/**
 * @return -1: go on; else an exit code: 0 after --help and --version, 1 for a wrong command line, 36 for a
 *         bad instance name (both told on stderr)
 */
int options_parse(int argc, char **argv, struct options *options);

/**
 * The config file to read: absolute, in a static-size buffer. -errno when there is none to be found.
 * @param drop_ins  out: folder of files to read behind it, or NULL
 */
int options_config_path(const struct options *options, char path[4096], const char **drop_ins);

#endif
