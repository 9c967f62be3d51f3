/*
 * coterie.conf as a text. A change edits few places of the text, so that comments and all other options stay as they
 * are. The daemon's own parser checks every result (coterie -t).
 *
 *   conf_scan.c  blocks and options of the text
 *   conf_read.c  the facts on which a change depends
 *   conf_make.c  a new file
 *   conf_edit.c  edits
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_CONF_H
#define TOOLS_CLUSTER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/cluster/words.h"

#define CONF_SIZE_MAX (1024u * 1024u) /* bytes of a file, as in the daemon */

/* --- conf_scan.c --- */

/** A part of the text: bytes from .. to - 1. */
struct conf_range {
	size_t from, to;
};

struct conf_setting {
	size_t block;                  /* index of the block. SIZE_MAX: the top level */
	struct conf_range name, value; /* the value includes its quotes or braces */
	bool is_append;                /* the sign is += */
};

/** A block of the top level. Nested blocks and their settings are skipped. */
struct conf_block {
	struct conf_range kind, title; /* title without quotes; empty: none */
	struct conf_range whole;       /* from the kind to the closing brace */
	size_t open;                   /* offset behind the opening brace */
};

struct conf_text {
	const char *text; /* borrowed */
	struct conf_block *blocks;
	size_t block_count;
	struct conf_setting *settings;
	size_t setting_count;
	bool has_includes;
	bool has_device; /* block quorum contains a block device */
};

/**
 * Scan a text. Call conf_text_fini also after an error.
 * @param why  out: the error, with its line
 * @return 0; -EINVAL: the text is not in this syntax; -ENOMEM
 */
int conf_scan(const char *text, struct conf_text *scanned, char *why, size_t size);
void conf_text_fini(struct conf_text *scanned);
/** Return whether the range is this word. */
bool conf_is(const struct conf_text *scanned, struct conf_range range, const char *word);
/**
 * Find the block with this kind and title. title NULL: the first block of the kind. @return its index; SIZE_MAX: none
 */
size_t conf_find_block(const struct conf_text *scanned, const char *kind, const char *title);
/** Find a setting of a block. If there are several, with +=, return the first one. @return NULL: none */
const struct conf_setting *conf_find_setting(const struct conf_text *scanned, size_t block, const char *name);
/**
 * Copy a single plain value without its quotes.
 * @return 0; -EINVAL: the value is a list, has an escape or a variable, or is too long
 */
int conf_plain_value(const struct conf_text *scanned, struct conf_range value, char *text, size_t size);

/* --- conf_read.c --- */

/** The beginning of the comment line that conf_note_id() writes. The number follows. */
#define CONF_HIGHEST_ID "# highest node id so far: "

struct conf_node {
	struct words_node node;
	uint32_t votes;
};

struct conf {
	char cluster[WORDS_NAME_MAX + 1]; /* "": the file has no cluster name */
	uint64_t version;                 /* config-version; 0: none */
	uint32_t highest_id;              /* highest id that a node has or had */
	char transport[32];
	char key_file[4096]; /* "": the file has no path of a key */
	bool is_encrypted;   /* false: encryption or cipher is none */
	bool is_two_node;
	bool has_device;         /* a quorum device */
	bool has_expected_votes; /* the file sets the expected votes */
	bool has_tie_breaker;    /* auto-tie-breaker or last-man-standing is set: an alternative to two-node in a
				  * cluster of two nodes */
	struct conf_node *nodes; /* in the order of the file */
	size_t node_count;
};

/**
 * Read the facts from a config. Call conf_fini also after an error.
 * @return 0; -EINVAL with why, for example if a fact is in an included file or in a variable; -ENOMEM
 */
int conf_read(const char *text, struct conf *conf, char *why, size_t size);
void conf_fini(struct conf *conf);
/**
 * Find the paths of the key file and the state folder in a config.
 * @param instance  the block 'instance' with this title has precedence over the block 'process'; NULL: no such block
 * @param key_file, state_dir  out: "" if the config does not set it, or cannot be read
 */
void conf_key_places(const char *text, const char *instance, char key_file[4096], char state_dir[4096]);

/* --- conf_make.c --- */

struct conf_wanted {
	const char *cluster;
	const char *transport;
	bool is_encrypted;
	const struct words_node *nodes;
	size_t node_count;
};

/**
 * Return a whole file with config-version 1. With two nodes it has two-node = yes. The caller frees it. NULL: out of
 * memory.
 */
char *conf_make(const struct conf_wanted *wanted);

/*
 * --- conf_edit.c: each returns a new text in *result, which the caller frees. @return 0; -EINVAL with why; -ENOMEM ---
 */

/** Add the block of a node behind the last such block. */
int conf_add_node(const char *text, const struct words_node *node, char **result, char *why, size_t size);
/** Remove the block of a node, with its whole line. */
int conf_remove_node(const char *text, const char *name, char **result, char *why, size_t size);
/**
 * Write the highest node id that was in use into a comment behind the last node. This is used when the node with that
 * id is removed. An older comment of this kind is replaced.
 */
int conf_note_id(const char *text, uint32_t id, char **result, char *why, size_t size);
/** Add an address for the next link to a node. */
int conf_add_address(const char *text, const char *name, const char *address, char **result, char *why, size_t size);
/**
 * Set an option in the block of this kind and title. If there is no such block, add it. value: as written in the file.
 */
int conf_set(const char *text, const char *kind, const char *title, const char *option, const char *value,
	char **result, char *why, size_t size);

#endif
