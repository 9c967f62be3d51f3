/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files that print a configuration. Private to config/. */
#ifndef CONFIG_PRINT_H
#define CONFIG_PRINT_H

#include "config/native.h"

/** A configuration that is being printed. */
struct print {
	const struct config *config;
	FILE *out;
	bool *is_done; /* for each entry: it has been printed */
};

/** Return the entry of a key that a file has set, or NULL. */
const struct config_entry *print_find(const struct print *print, const char *key);
/** Return the entry of a key, even if the checks derived it, or NULL. */
const struct config_entry *print_find_any(const struct print *print, const char *key);
void print_done(struct print *print, const struct config_entry *entry);
bool print_is_open(const struct print *print, uint32_t index); /* set by a file, not printed yet */
/** Write an origin: "coterie.conf:12". */
void print_origin(const struct print *print, const char *file, uint32_t line, char *text, size_t size);
/** Print a text as a word, or as a string in quotes if that is needed. */
void print_text(FILE *out, const char *text);
bool print_is_secret(const char *key);

int print_native(struct print *print);
/* Print the blocks of coterie.conf: print_quorum.c, print_log.c, print_process.c. @return 0; -ENOMEM */
int print_quorum(struct print *print);
int print_log(struct print *print);
int print_access(struct print *print);
int print_process(struct print *print);
int print_instances(struct print *print);
int print_legacy(struct print *print);

#endif
