/*
 * coterie.conf, the native syntax (book configuration, "Native syntax"), on its way into the tree.
 * Private to exec/config.
 *
 *   native_files.c   which files: includes, conf.d
 *   native_token.c   words, strings and signs
 *   native_scan.c    a first look at one file, which finds what libconfuse cannot tell or tells badly
 *   native_parse.c   libconfuse reads the values of what the first look let pass
 *   native_value.c   one value against its row of the option table; into the key's value and back
 *   native_table.c   the option tables of the executive's own blocks
 *   native.c         blocks into keys; what a key needs that is more than its row
 */
#ifndef CONFIG_NATIVE_H
#define CONFIG_NATIVE_H

#include <coterie/plugin.h>

#include "exec/config/legacy.h"
#include "exec/config/tree.h"

#define NATIVE_DEPTH_MAX 4
#define NATIVE_FILES_MAX 200
#define NATIVE_INCLUDE_DEPTH_MAX 8

/** How the value of an option becomes that of a key. */
enum native_form {
	FORM_TEXT,     /* as it is; what has a type in the schema is a number in plain decimal */
	FORM_NUMBER,   /* plain number, milliseconds, bytes */
	FORM_SIGNED,   /* a whole number with a sign; min and max of the option are, too */
	FORM_SECONDS,  /* a duration, in whole seconds */
	FORM_PERCENT,  /* 75% or 75 */
	FORM_YES_NO,   /* a boolean as these words */
	FORM_NO_YES,   /* the contrary */
	FORM_BIT,      /* a boolean as 1 or 0 */
	FORM_WORDS,    /* a word of the choices; the word of `words` in the same place */
	FORM_BUDGET,   /* a duration, as milliseconds, or a word of the choices as it is */
	FORM_SPECIAL,  /* native.c knows */
};

/** One option of a block of the executive's own. */
struct native_row {
	const char *block; /* "totem", "quorum device heuristics"; "" is the top level */
	struct coterie_option option;
	enum native_form form;
	const char *path;  /* of the key, as corosync.conf nests it; NULL: made by native.c */
	const char *words; /* FORM_WORDS: values of the key, in the order of the choices */
	const char *only;  /* block transport: those that have it, separated by blanks; NULL: all */
	bool is_path;      /* relative to the file it stands in */
};

/** A kind of block. */
struct native_kind {
	const char *path;   /* names from the top, separated by blanks */
	const char *name;   /* the last of them */
	const char *title;  /* what the title stands for, for messages: "NAME"; NULL: it has none */
	bool is_open;       /* options of plugins may stand in it */
	const char *help;
};

/** A value that stands for itself: a bare word, or a string without escapes and variables. */
struct native_plain {
	struct native_plain *next;
	const char *text; /* NULL: only libconfuse can tell */
};

struct native_setting {
	struct native_setting *next;
	const char *name;
	const struct native_row *row; /* NULL: an option of a plugin */
	struct place place;
	bool is_list, is_append;
	const char **values; /* from libconfuse */
	uint32_t count;
	struct native_plain *plain, *last_plain; /* as the scanner saw them */
};

struct native_block {
	struct native_block *next; /* in order of the file, below one parent */
	struct native_block *parent, *blocks, *last_block;
	const struct native_kind *kind;
	const char *title; /* NULL: none */
	struct place place;
	struct native_setting *settings, *last_setting;
	bool is_replaced; /* a later file has a block of the same title */
};

/** A file that is to be read. */
struct native_include {
	struct native_include *next;
	const char *pattern;
	struct place place;
};

struct native_file {
	struct native_file *next;
	const char *path;
	struct place included; /* where it is named; line 0: by the command line or conf.d */
	uint32_t depth;
	const struct native_file *parent;
	struct native_block top;
	struct native_include *includes, *last_include;
	const char *bytes; /* without a byte order mark, NUL-terminated */
	size_t size;
};

/** A plugin whose options are known. */
struct native_plugin {
	struct native_plugin *next;
	uint32_t kind; /* COTERIE_KIND_* */
	const char *name;
	bool is_described; /* false: it could not be asked */
	const struct coterie_option *options;
	uint32_t option_count;
};

/** Everything about one reading. */
struct native {
	struct tree *tree;
	const struct config_environment *environment;
	struct native_file *files, *last_file;
	uint32_t file_count;
	struct native_plugin *plugins; /* asked so far */
	const char *transport; /* title of its block, or "knet" */
	struct place transport_place;
	bool has_files; /* may read other files: false for bytes in memory */
};

/* native_table.c */

const struct native_kind *native_kind_find(const char *path); /* NULL: no such block */
const struct native_kind *native_kind_at(uint32_t index);     /* NULL: behind the last */
const struct native_row *native_row_at(uint32_t index);       /* NULL: behind the last */
/** The row of an option in a block; of several with this name the one that transport has, if any. */
const struct native_row *native_row_find(
	const char *block, const char *name, const char *transport);
bool native_row_is_for(const struct native_row *row, const char *transport);

/* native_scan.c */

/** Find blocks, options and includes of file->bytes; say what is wrong. */
void native_scan(struct native *native, struct native_file *file);

/* native_suggest.c */

/** Say that an option is not known, and which is meant. */
void native_unknown_option(struct native *native, const struct native_block *block,
	const char *name, struct place place);
void native_unknown_block(
	struct native *native, const struct native_block *parent, const char *name, struct place place);
/** An example of a setting of this row: "token = 3s". */
void native_example(const struct native_row *row, const char *name, char *text, size_t size);

/** A plugin as it describes itself: never NULL but when out of memory. */
const struct native_plugin *native_plugin(struct native *native, uint32_t kind, const char *name);
/** The option of a name as written, where '-' stands for '_'. */
const struct coterie_option *native_plugin_option(
	const struct native_plugin *plugin, const char *written);
/** Has the plugin of this block such an option? Where it cannot be asked, it may. false: said so. */
bool native_is_plugin_option(struct native *native, const struct native_block *block,
	const char *name, struct place place);

/* native_parse.c */

/** Values of a file: from libconfuse if native_scan found nothing wrong in any, else those that stand for
    themselves, so that what is wrong with them is said as well. -ENOMEM; errors are in the messages. */
int native_parse(struct native *native, struct native_file *file);

/* native_files.c */

/** Read and scan the bytes, the files they include and those of a folder of drop-ins (NULL: none). */
int native_files(
	struct native *native, const char *file, const char *bytes, size_t size, const char *folder);

/* native_value.c */

/**
 * Check a value against the option's type, range and words.
 *
 * @param number  out: milliseconds, bytes, 0 or 1, the place among the choices; may be NULL
 * @param why     out: what is wrong: what to do
 * @return 0; -EINVAL
 */
int native_value(const struct coterie_option *option, enum native_form form, const char *text,
	uint64_t *number, char *why, size_t size);
/** The value of the key that a row's value becomes. 0; -EINVAL: why says what is wrong. */
int native_to_key(const struct native_row *row, const char *text, char *value, size_t value_size,
	char *why, size_t size);
/** The other way; -ENOENT: no value of the option makes this one. */
int native_from_key(const struct native_row *row, const char *value, char *text, size_t size);

/* native_keys.c */

/** A path as it is meant: relative ones belong to the folder of the file they stand in. */
const char *native_absolute(struct tree *tree, const char *path, struct place place);

/** The path of a key as corosync.conf nests it: without link number and position. text: 256 bytes. */
void native_path_of(const char *key, char *path, size_t size);
/** The row whose option alone makes this key, or NULL. *title (256 bytes): of its block, or "". */
const struct native_row *native_row_of_key(
	const char *key, const char *transport, char *title, size_t size);

#endif
