/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's command line: coterie(8). */
#ifndef EXEC_OPTIONS_H
#define EXEC_OPTIONS_H

#include <stdbool.h>

#include "config/model.h"

struct options {
	bool is_foreground;                 /* -f */
	bool is_test;                       /* -t, and with --print-config */
	bool is_print;                      /* --print-config */
	bool is_help_config;                /* --help-config */
	bool is_check_reload;               /* --check-reload */
	bool is_doctor;                     /* --doctor */
	bool is_repair;                     /* --repair-ring-seq */
	const char *lock_file;              /* -l, or NULL: the usual lock file */
	enum config_form form;              /* of --print-config */
	const char *help_block, *help_name; /* operands of --help-config, or NULL: none */
	enum config_format format;          /* --format */
	const char *config;                 /* -c, COTERIE_CONFIG, or NULL: the default places */
	const char *instance;               /* --instance, COTERIE_INSTANCE, or NULL: the default one */
	const char *node;                   /* --node */
	const char *user;                   /* --user, or NULL: the user that started the daemon */
	const char *check_plugin;           /* --check-plugin FILE */
	int check_fd; /* descriptor of the same file, passed by a daemon to its trial, or -1: none */
	/* with check_fd: the longest start that the daemon's ring tolerates, milliseconds; 0: the default */
	uint32_t check_bound_ms;
};

/**
 * Read the command line. Errors are printed on stderr.
 * @return -1: go on; otherwise an exit code: 0 after --help and --version, 1 for a wrong command line, 36 for a
 *         bad instance name
 */
int options_parse(int argc, char **argv, struct options *options);

/**
 * Find the config file to read. path gets its absolute name. -errno if there is none.
 * @param drop_ins  out: folder of files to read after it, or NULL
 */
int options_config_path(const struct options *options, char path[4096], const char **drop_ins);

#endif
