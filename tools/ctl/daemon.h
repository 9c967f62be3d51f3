/*
 * What only the daemon's own program knows: the check of a config file and the keys it makes. It is run as a
 * command, so that there is one parser.
 */
#ifndef TOOLS_CTL_DAEMON_H
#define TOOLS_CTL_DAEMON_H

#include <stddef.h>

#include "tools/ctl/ctl.h"

#define DAEMON_USER "coterie" /* the user that packages make for the daemon */

struct daemon_key {
	char *key, *type, *value; /* as the daemon prints them: types as in cmapctl */
	char *file;               /* where it is set; NULL with line 0: nowhere, the daemon makes it */
	uint32_t line;
};

struct daemon_keys {
	struct daemon_key *list;
	size_t count;
};

/**
 * Find the daemon's program: beside this one in the build folder and in an installed tree of the usual shape, otherwise
 * where it was configured. It may be missing.
 */
void daemon_program(char path[4096]);
/** The file the running daemon has read, else NULL: the daemon's own default. Caller frees. */
char *daemon_config_file(struct ctl *ctl);
/** Hexadecimal SHA-256 of a file; "" when there is none to be had. */
void daemon_file_sha256(const char *file, char sum[65]);
void daemon_text_sha256(const char *text, char sum[65]);
/**
 * Check a file (NULL: the default one) and list what is to be said: {line, level, text}.
 * @return 0: valid; CTL_INVALID; CTL_FAILED with ctl->error set: the program cannot be run
 */
int daemon_check(struct ctl *ctl, const char *file, struct json_object *findings);
/** The keys of a file (NULL: the default one). Finish them with daemon_keys_fini, also after an error. */
int daemon_read_keys(struct ctl *ctl, const char *file, struct daemon_keys *keys);
void daemon_keys_fini(struct daemon_keys *keys);

#endif
