/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by legacy.c, which reads lines, and legacy_sections.c, which knows the sections. */
#ifndef CONFIG_LEGACY_H
#define CONFIG_LEGACY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/tree.h"

#define PATH_LENGTH_MAX 255
#define DEPTH_MAX 128 /* a path of 255 characters has no more parts */

enum kind {
	KIND_PLAIN,
	KIND_INTERFACE,
	KIND_MEMBER,
	KIND_NODELIST,
	KIND_NODE,
	KIND_SUBSYSTEM, /* logger_subsys */
	KIND_DAEMON,    /* logging_daemon */
	KIND_ACCESS,    /* uidgid */
	KIND_PLUGIN,    /* service, transport */
};

/* An item of a section that is held back. */
struct held {
	const char *path; /* path as in the file: totem.interface.ttl */
	const char *name; /* part behind the path of the section: ttl */
	const char *text;
	struct place place;
};

struct section {
	enum kind kind;
	uint32_t path_length; /* of reader->path without this section */
	uint32_t line;
};

struct reader {
	struct tree *tree;
	struct place place;
	bool is_access_file; /* file of uidgid.d: only uidgid sections are allowed */
	char path[PATH_LENGTH_MAX + 1];
	struct section stack[DEPTH_MAX];
	uint32_t depth;
	uint32_t node_count; /* nodes begun in this nodelist */
	uint32_t member_count;
	struct held *held; /* items of the section at held_depth */
	uint32_t held_count, held_capacity;
	uint32_t held_depth; /* depth of the section that is held back, or 0: none */
	bool is_broken;      /* braces do not match: the rest of the file is not interpreted */
};

/** Return the kind of a section, by its path and its depth. */
enum kind legacy_kind(const char *path, uint32_t depth);
/** Return whether the items of a section of this kind are held back until the section ends. */
bool legacy_is_held(enum kind kind);
/** Store a value in the type that the schema says for path, under its key of the map. */
void legacy_store(struct tree *tree, const char *key, const char *path, const char *text, struct place place);
/** Store that a user or group may connect. text: its name or number. */
void legacy_store_access(struct tree *tree, bool is_user, const char *text, struct place place);
/** Find the number of a user or group that is written as a name or a number. false: the messages say why not. */
bool legacy_find_id(struct tree *tree, bool is_user, const char *text, struct place place, uint64_t *id);
/** Handle an item of a uidgid section. */
void legacy_access(struct reader *reader, const char *key, const char *text);
/** Hold an item back. path is the path in the file, name is its part behind the path of the held section. */
void legacy_hold(struct reader *reader, const char *path, const char *name, const char *text);
/** End a held section: its items become keys, options or plugins. */
void legacy_end_held(struct reader *reader, enum kind kind);

#endif
