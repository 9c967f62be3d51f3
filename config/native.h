/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read coterie.conf, the native syntax (book configuration, "Native syntax"), into the tree. Private to config/.
 *
 *   native_files.c   finds the files: includes, conf.d
 *   native_token.c   words, strings and signs
 *   native_scan.c    scans one file for errors that libconfuse does not report, or reports badly
 *   native_parse.c   reads the values of scanned files with libconfuse
 *   native_value.c   checks one value by its row of the option table, converts it to the key's value and back
 *   native_table.c   the option tables of the executive's own blocks
 *   native.c         converts blocks to keys, with the rules that no row has
 */
#ifndef CONFIG_NATIVE_H
#define CONFIG_NATIVE_H

#include <coterie/plugin.h>

#include "config/legacy.h"
#include "config/tree.h"

#define NATIVE_DEPTH_MAX 4
#define NATIVE_FILES_MAX 200
#define NATIVE_INCLUDE_DEPTH_MAX 8

/** Conversion of the value of an option to that of a key. */
enum native_form {
	FORM_TEXT,    /* as it is. A key that is a number in the schema becomes plain decimal */
	FORM_NUMBER,  /* plain number, milliseconds, bytes */
	FORM_SIGNED,  /* a whole number with a sign, as min and max of the option are */
	FORM_SECONDS, /* a duration, in whole seconds */
	FORM_PERCENT, /* 75% or 75 */
	FORM_YES_NO,  /* a boolean as these words */
	FORM_NO_YES,  /* a boolean as the opposite word */
	FORM_BIT,     /* a boolean as 1 or 0 */
	FORM_WORDS,   /* a word of the choices becomes the word at the same place of `words` */
	FORM_BUDGET,  /* a duration, as milliseconds, or a word of the choices as it is */
	FORM_SPECIAL, /* native.c converts it */
};

/** One option of a block of the executive's own. */
struct native_row {
	const char *block; /* path of the block: "totem", "quorum device heuristics", or "": the top level */
	struct coterie_option option;
	enum native_form form;
	const char *path;  /* path of the key, as corosync.conf nests it, or NULL: native.c sets the keys */
	const char *words; /* FORM_WORDS: values of the key, in the order of the choices */
	const char *only;  /* block transport: transports that have the option, separated by blanks, or NULL: all */
	bool is_path;      /* a path, relative to the file with this setting */
};

/** A kind of block. */
struct native_kind {
	const char *path;  /* path of the block: names from the top, separated by blanks */
	const char *name;  /* last name of the path */
	const char *title; /* placeholder of the title in messages: "NAME", or NULL: the block has no title */
	bool is_open;      /* it may contain options of plugins */
	const char *help;
};

/** A plain value: a bare word, or a string without escapes and variables. */
struct native_plain {
	struct native_plain *next;
	const char *text; /* or NULL: only libconfuse can read the value */
};

struct native_setting {
	struct native_setting *next;
	const char *name;
	const struct native_row *row; /* or NULL: an option of a plugin */
	struct place place;
	bool is_list, is_append;
	const char **values; /* from libconfuse */
	uint32_t count;
	struct native_plain *plain, *last_plain; /* the values that are plain, as the scanner found them */
};

struct native_block {
	struct native_block *next; /* in order of the file, below one parent */
	struct native_block *parent, *blocks, *last_block;
	const struct native_kind *kind;
	const char *title; /* or NULL: none */
	struct place place;
	struct native_setting *settings, *last_setting;
	bool is_replaced; /* a later file has a block of the same title */
};

/** A file to read. */
struct native_include {
	struct native_include *next;
	const char *pattern;
	struct place place;
};

struct native_file {
	struct native_file *next;
	const char *path;
	struct place included; /* place of the include. line 0: from the command line or conf.d */
	uint32_t depth;
	const struct native_file *parent;
	struct native_block top;
	struct native_include *includes, *last_include;
	const char *bytes; /* without a byte order mark, NUL-terminated */
	size_t size;
};

/** The state of one reading. */
struct native {
	struct tree *tree;
	const struct config_environment *environment;
	struct native_file *files, *last_file;
	uint32_t file_count;
	const char *transport; /* title of the transport block, or the default transport */
	struct place transport_place;
	bool has_files; /* other files may be read, too. False for bytes in memory */
};

/* native_table.c */

const struct native_kind *native_kind_find(const char *path); /* NULL: no such block */
const struct native_kind *native_kind_at(uint32_t index);     /* NULL: after the last one */
const struct native_row *native_row_at(uint32_t index);       /* NULL: after the last one */
/** Return the row of an option in a block. If several rows have this name, prefer that of the transport. */
const struct native_row *native_row_find(const char *block, const char *name, const char *transport);
bool native_row_is_for(const struct native_row *row, const char *transport);

/* native_block.c */

/** Add a block to a parent. kind, title and place are those of `like`. NULL: out of memory. */
struct native_block *native_block_add(struct tree *tree, struct native_block *parent, const struct native_block *like);
/** Return the setting of this name, or NULL. */
struct native_setting *native_setting_named(struct native_block *block, const char *name);
/** Return the setting of this name that has a value, or NULL. */
const struct native_setting *native_setting_find(const struct native_block *block, const char *name);

/* native_scan.c */

/** Find blocks, options and includes of file->bytes. Report errors. */
void native_scan(struct native *native, struct native_file *file);

/* native_suggest.c */

/** Report that an option is not known, and suggest one. */
void native_unknown_option(
	struct native *native, const struct native_block *block, const char *name, struct place place);
void native_unknown_block(
	struct native *native, const struct native_block *parent, const char *name, struct place place);
/** Write an example of a setting of this row: "token = 3s". */
void native_example(const struct native_row *row, const char *name, char *text, size_t size);

/**
 * Return whether the plugin of this block may have such an option. True if its descriptor is not available. false: an
 * error was reported.
 */
bool native_is_plugin_option(
	struct native *native, const struct native_block *block, const char *name, struct place place);
/** Return the description of the plugin of a block. NULL: out of memory. */
const struct described *native_describe(struct native *native, const struct native_block *block);

/* native_parse.c */

/** Read the values of a file. If native_scan found no error in any file, libconfuse reads them. Otherwise only plain
    values are read, so that errors in them are reported as well. -ENOMEM; errors are in the messages. */
int native_parse(struct native *native, struct native_file *file);

/* native_files.c */

/** Read and scan the bytes, the files that they include, and those of a folder of drop-ins (NULL: none). */
int native_files(struct native *native, const char *file, const char *bytes, size_t size, const char *folder);

/* native_value.c */

/**
 * Check a value against the option's type, range and words.
 *
 * @param number  out: milliseconds, bytes, 0 or 1, or the index of the choice; may be NULL
 * @param why     out: the error, as "what: what to do"
 * @return 0; -EINVAL
 */
int native_value(const struct coterie_option *option, enum native_form form, const char *text, uint64_t *number,
	char *why, size_t size);
/** Convert a row's value to that of the key. 0; -EINVAL: why has the error. */
int native_to_key(
	const struct native_row *row, const char *text, char *value, size_t value_size, char *why, size_t size);
/** Convert the value of a key to that of its option. -ENOENT: no value of the option becomes this one. */
int native_from_key(const struct native_row *row, const char *value, char *text, size_t size);

/* native_keys.c */

/** Return an absolute path. A relative one is below the folder of the file that has it. */
const char *native_absolute(struct tree *tree, const char *path, struct place place);

/** Get the path of a key as corosync.conf nests it: without link number and position. text: 256 bytes. */
void native_path_of(const char *key, char *path, size_t size);
/**
 * Return the row of the option that sets this key and no other, or NULL. *title (256 bytes): title of its block, or "".
 */
const struct native_row *native_row_of_key(const char *key, const char *transport, char *title, size_t size);

#endif
