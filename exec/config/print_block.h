/* A block of coterie.conf on its way out. Private to exec/config. */
#ifndef CONFIG_PRINT_BLOCK_H
#define CONFIG_PRINT_BLOCK_H

#include "exec/config/print.h"

/** Its lines are collected, since a block without any is not written. */
struct print_block {
	struct print *print;
	FILE *lines;
	char *text;
	size_t size;
	uint32_t set_count; /* lines that are no comments */
	uint32_t depth;
};

int print_block_begin(struct print_block *block, struct print *print, uint32_t depth); /* 0; -ENOMEM */
/** Write it, with or without a title, if it has lines at all, or must stand there. 0; -ENOMEM. */
int print_block_end(
	struct print_block *block, const char *name, const char *title, bool is_needed, FILE *out);

/** A line with its origin. */
void print_block_set(
	struct print_block *block, const char *name, const char *value, const struct config_entry *entry);
/** A comment: what an option is that nobody sets. */
void print_block_default(struct print_block *block, const char *name, const char *value, const char *why);
/** An option that is the text of one key. */
void print_block_key(struct print_block *block, const char *name, const char *key);
/** The rows of a block whose key is theirs alone. prefix and index: of its keys, "" for none. */
void print_block_rows(
	struct print_block *block, const char *path, const char *prefix, const char *index, bool defaults);
/** The options of a plugin. */
void print_block_plugin(struct print_block *block, const char *plugin);

/* For a line of another form, which the caller counts. */
void print_tabs(FILE *out, uint32_t count);
void print_block_origin(struct print_block *block, const char *file, uint32_t line);

#endif
