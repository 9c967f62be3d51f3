/* SPDX-License-Identifier: BSD-3-Clause */
/* Print a block of coterie.conf. Private to config/. */
#ifndef CONFIG_PRINT_BLOCK_H
#define CONFIG_PRINT_BLOCK_H

#include "config/print.h"

/** A block. Its lines are collected first, since a block without lines is not written. */
struct print_block {
	struct print *print;
	FILE *lines;
	char *text;
	size_t size;
	uint32_t set_count; /* number of lines that are no comments */
	uint32_t depth;
};

int print_block_begin(struct print_block *block, struct print *print, uint32_t depth); /* 0; -ENOMEM */
/** Write the block, with or without a title, if it has lines or is_needed. 0; -ENOMEM. */
int print_block_end(struct print_block *block, const char *name, const char *title, bool is_needed, FILE *out);

/** Print a line with its origin. */
void print_block_set(struct print_block *block, const char *name, const char *value, const struct config_entry *entry);
/** Print an option that no file sets, as a comment. */
void print_block_default(struct print_block *block, const char *name, const char *value, const char *why);
/** Print an option that is the text of one key. */
void print_block_key(struct print_block *block, const char *name, const char *key);
/** Print the rows of a block that have a key of their own. prefix and index: of the block's keys, "" for none. */
void print_block_rows(
	struct print_block *block, const char *path, const char *prefix, const char *index, bool defaults);
/**
 * Print the options of a plugin, also those that corosync.conf has under legacy names.
 *
 * @param kind      COTERIE_KIND_*
 * @param defaults  print also the defaults of options that are not set
 */
void print_block_plugin(struct print_block *block, uint32_t kind, const char *plugin, bool defaults);

/* Print indentation or an origin, for a line that the caller itself writes and counts. */
void print_tabs(FILE *out, uint32_t count);
void print_block_origin(struct print_block *block, const char *file, uint32_t line);

#endif
