/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run the daemon's program to check a configuration file, or to list the keys that it makes. So there is only one
 * parser.
 */
#ifndef TOOLS_CTL_DAEMON_H
#define TOOLS_CTL_DAEMON_H

#include <stddef.h>

#include "tools/ctl/ctl.h"

#define DAEMON_USER "coterie" /* the user that packages create for the daemon */

struct daemon_key {
	char *key, *type, *value; /* as the daemon prints them, with the types of cmapctl */
	char *file;               /* file that sets the key, with the line. NULL and line 0: the daemon makes the key */
	uint32_t line;
};

struct daemon_keys {
	struct daemon_key *list;
	size_t count;
};

/**
 * Find the daemon's program: near this program in the build folder or in an installed tree of the usual layout,
 * otherwise at the configured path. The file may be missing.
 */
void daemon_program(char path[4096]);
/**
 * Return the name of the file that the running daemon has read. NULL: the daemon uses its default file. The caller
 * frees the name.
 */
char *daemon_config_file(struct ctl *ctl);
/** Compute the SHA-256 of a file, in hexadecimal. "": the file cannot be read. */
void daemon_file_sha256(const char *file, char sum[65]);
void daemon_text_sha256(const char *text, char sum[65]);
/**
 * Check a configuration file (NULL: the default one) and list the findings: {line, level, text}.
 * @return 0: the file is valid; CTL_INVALID; CTL_FAILED with ctl->error set: the program cannot be run
 */
int daemon_check(struct ctl *ctl, const char *file, struct json_object *findings);
/** Read the keys of a configuration file (NULL: the default one). Call daemon_keys_fini, also after an error. */
int daemon_read_keys(struct ctl *ctl, const char *file, struct daemon_keys *keys);
void daemon_keys_fini(struct daemon_keys *keys);

#endif
