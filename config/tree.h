/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree: keys with typed values and their lines, and the messages for the operator. The front ends write it, and
 * the checks read it. Private to config/.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/model.h"

struct map_value;
struct described;
struct unknown_key;

#define CONFIG_FILE_SIZE_MAX (1024u * 1024)
#define CONFIG_ERRORS_MAX 20
#define CONFIG_WARNINGS_MAX 50
#define CONFIG_KEY_LENGTH_MAX 255

/** Memory that is freed all at once. */
struct arena;
struct arena *arena_create(void);                   /* NULL: out of memory */
void arena_destroy(struct arena *arena);            /* its memory is wiped, since it may have keys */
void *arena_take(struct arena *arena, size_t size); /* zeroed, aligned for any type, or NULL: out of memory */
/**
 * Take memory for a key: locked if the limit allows that, and left out of core dumps. Each call takes whole pages.
 *
 * @return zeroed, aligned for any type; NULL: out of memory
 */
void *arena_take_secret(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length); /* with a NUL behind it */
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Return a larger copy of an array. */
void *arena_grow(struct arena *arena, const void *array, size_t old_size, size_t size);

/** A place in a file. line 0: the file as a whole. */
struct place {
	const char *file;
	uint32_t line;
};

struct tree_item {
	const char *key;
	const char *text; /* as written, except for numbers, which are in plain decimal */
	uint32_t type;    /* COTERIE_MAP_* */
	const void *value;
	uint32_t size;
	uint64_t number; /* value of an integer, in two's complement */
	struct place place;
};

struct tree {
	struct arena *arena;
	struct tree_item *items; /* in order of first appearance, without duplicate keys */
	uint32_t count, capacity;
	uint32_t *slots;               /* hash of keys: index + 1 of the item, or 0: free */
	uint32_t slot_count;           /* a power of two */
	struct config_option *options; /* options of plugins in `service` and `transport` sections */
	uint32_t option_count, option_capacity;
	struct config_plugin *services;
	uint32_t service_count, service_capacity;
	const char *transport_plugin; /* plugin of a `transport` section, or NULL */
	struct place transport_place;
	const char *file;                /* the main file */
	const struct config *key_source; /* running configuration, whose key is used, or NULL: read the key file */
	struct described *plugins;       /* plugins that were described, or looked for */
	struct unknown_key *unknown;     /* unknown keys of corosync.conf, in the order of the file */
	struct unknown_key **unknown_end;
	uint32_t unknown_count;
	struct config_messages *messages;
	uint32_t hidden;       /* errors beyond CONFIG_ERRORS_MAX */
	bool is_native;        /* read from coterie.conf: messages use its words */
	bool has_no_provider;  /* the file has `provider = none`, so there is no default provider */
	bool has_standard_set; /* the standard services are loaded besides those that have a block */
	bool is_partial;       /* parts with errors are missing: report no error about missing keys */
	bool is_again;         /* the file is read for a reload */
	bool has_error, has_log_error;
	bool is_out_of_memory; /* memory is missing: later calls do nothing */
};

/** Set a key to a text. A later value replaces an earlier one. Texts are copied. NULL: out of memory. */
struct tree_item *tree_set_string(struct tree *tree, const char *key, const char *text, struct place place);
/** Set a key to a number. type: COTERIE_MAP_U8 .. COTERIE_MAP_U64, or COTERIE_MAP_I32 in two's complement. */
struct tree_item *tree_set_number(
	struct tree *tree, const char *key, uint32_t type, uint64_t number, struct place place);
/** Set the text of a key, which plugins see. Its number does not change. */
void tree_set_text(struct tree *tree, const char *key, const char *text);
void tree_delete(struct tree *tree, const char *key);                        /* moves items. An absent key is ignored */
const struct tree_item *tree_find(const struct tree *tree, const char *key); /* or NULL */
/** Return the text of a key, or NULL if it is absent. */
const char *tree_text(const struct tree *tree, const char *key);
/** Return the number of a key, or `otherwise` if it is absent or no number. */
uint64_t tree_number(const struct tree *tree, const char *key, uint64_t otherwise);
/** Return the place where a key was set, or the file as a whole. */
struct place tree_place(const struct tree *tree, const char *key);

/** Add a service to load. name must live as long as the tree. */
void tree_add_service(struct tree *tree, const char *name, struct place place);
/** Add an option of a plugin. Texts are copied. */
void tree_add_option(struct tree *tree, const char *plugin, const char *name, const char *value, struct place place);

/** Add an error for the operator, in the form `what: what to do`. Exit 8. */
void tree_error(struct tree *tree, struct place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** As tree_error, for errors about the logging section. Exit 7. */
void tree_log_error(struct tree *tree, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void tree_warning(struct tree *tree, struct place place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** As tree_error and tree_warning, with a va_list. */
void tree_error_list(struct tree *tree, struct place place, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
void tree_warning_list(struct tree *tree, struct place place, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
/** Add a text for the log, unchanged. */
void tree_notice(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Add a text to config_messages.restarts. */
void tree_restart(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Sort the errors of the main file by line. Other errors follow in their order. */
void tree_errors_sort(struct tree *tree);
/** Add a message with the number of errors that were left out, if any. */
void tree_messages_close(struct tree *tree);

/** Parse a decimal integer. Blanks and a sign may be before it, and no text after it. -EINVAL; -ERANGE. */
int config_parse_integer(const char *text, int64_t min, int64_t max, int64_t *value);
int config_parse_unsigned(const char *text, uint64_t *value); /* up to 2^64 - 1. A '-' is -EINVAL */
/** Write an integer of the map as text. false: it is no integer. */
bool config_integer_text(const struct map_value *value, char *text, size_t size);
/** Return the value of an integer of the map, in two's complement. A text has the value 0. */
uint64_t config_number(uint32_t type, uint32_t size, const void *value);
bool is_ip_transport(const char *transport); /* return whether it is udp or udpu */
/**
 * Read a regular file of at most CONFIG_FILE_SIZE_MAX bytes.
 *
 * @param bytes  out, caller frees
 * @return 0; -EISDIR; -EFBIG; -ENOMEM; -errno of open and read
 */
int config_read_file(int dir, const char *name, char **bytes, size_t *size);

/* schema.c */

/** The schema of a key. Paths are as in the file: without link and node numbers. */
struct schema_key {
	uint32_t type;    /* COTERIE_MAP_* */
	int64_t min, max; /* limits of an integer, except for COTERIE_MAP_U64 */
};
bool schema_find(const char *path, struct schema_key *key); /* false: unknown, kept as a string */
/** Call run with the name (borrowed for the call) of each known key of a section. */
void schema_each(const char *section, void (*run)(void *arg, const char *name), void *arg);
/** Return the known name that is nearest to the last part of path, in the same section. NULL: none is near. */
const char *schema_suggest(struct tree *tree, const char *path);
/* whether all keys of the section are known, so that other keys get a warning */
bool schema_has_section(const char *section);
/** Return the known section that is nearest to this one. NULL: it is known itself, or none is near. */
const char *schema_suggest_section(const char *section);

/* legacy.c: the corosync.conf front end */

/** Read the bytes of a file into the tree. Errors are in the messages. 0; -ENOMEM. */
int legacy_read(struct tree *tree, const char *file, const char *bytes, size_t size);
/** As legacy_read, for a file of uidgid.d. */
int legacy_read_access(struct tree *tree, const char *file, const char *bytes, size_t size);

/* describe.c: plugins, as their descriptors describe them */

/** A plugin that the configuration names. */
struct described {
	struct described *next;
	uint32_t kind; /* COTERIE_KIND_* */
	const char *name;
	bool is_described; /* false: it is not installed, or its descriptor is not available. There are no options then */
	bool has_folders;                     /* the plugin folders that the file names were searched for it */
	const struct coterie_option *options; /* options, each of the size in this ABI */
	uint32_t option_count;
	const char *log_name; /* or NULL: the name in capitals */
};
/** A key of corosync.conf that the executive does not know. It may be the legacy name of an option. */
struct unknown_key {
	struct unknown_key *next;
	const char *path;
	struct place place;
};
/** Add a plugin without a description to a list. NULL: out of memory. */
struct described *described_add(struct arena *arena, struct described **list, uint32_t kind, const char *name);
/** Fill in a description. Texts are copied. false: out of memory. */
bool described_fill(struct arena *arena, struct described *plugin, const struct coterie_plugin *descriptor);
/** Return a plugin of the list, whose name may be written with '-' for '_', or NULL. */
struct described *described_find(struct described *list, uint32_t kind, const char *name);
/**
 * As described_find, but if the plugin is not in the list, add it with the description of the installed plugin. NULL:
 * out of memory.
 */
const struct described *describe(
	struct tree *tree, const struct config_environment *environment, uint32_t kind, const char *name);
/** Return the option of a name as written, with '-' in place of '_'. NULL: none. */
const struct coterie_option *described_option(const struct described *plugin, const char *written);
/** Return the option that has this legacy name, and its plugin. NULL: none. */
const struct coterie_option *described_legacy(
	const struct described *list, const char *key, const struct described **owner);
/** Return whether a plugin of the list uses this log subsystem. */
bool described_logs_as(const struct described *list, const char *subsystem);
/** Add the plugins that the tree uses to its list of plugins: the transport, the quorum provider and the services. */
void described_use(struct tree *tree, const struct config_environment *environment);
/** Check the values that corosync.conf has under legacy names. */
void described_check(struct tree *tree);
/** Warn of keys that neither the executive nor an option knows. */
void described_warn_unknown(struct tree *tree);

/* view.c */

/** Call the checks of the installed plugins that the configuration uses. Its entries must be complete. -ENOMEM */
int view_check(struct tree *tree, const struct config *config, const struct config_environment *environment);

/* native.c: the coterie.conf front end */

/** As legacy_read. drop_ins: a folder, or NULL. has_files: includes and drop_ins are read. */
int native_read(struct tree *tree, const char *file, const char *bytes, size_t size,
	const struct config_environment *environment, const char *drop_ins, bool has_files);
/** Return 1 if the bytes look like coterie.conf, -1 if like corosync.conf, 0 if that is not clear. */
int native_looks_like(const char *bytes, size_t size);

/* fixed.c */

/** Place that a message names for a key that is set only in the map. */
#define MAP_PLACE "key of the map"

/** Where a changed value of a fixed key comes from. */
enum fixed_source {
	FIXED_FILE, /* a file: it is refused if its other values do not fit the fixed ones */
	FIXED_MAP,  /* a client's key in the map: all running values are kept, since a client cannot be refused */
};
/** Return the syntax of the running configuration. */
enum config_format config_fixed_format(const struct config_fixed *fixed);
const char *config_fixed_drop_ins(const struct config_fixed *fixed); /* or NULL: none */
/** Copy the descriptions of running plugins into the tree, so that no file is opened. -ENOMEM */
int config_fixed_plugins(const struct config_fixed *fixed, struct tree *tree);
/** Set fixed keys to their running values again. Add a notice for each that differs. */
void fixed_keep(struct tree *tree, const struct config_fixed *fixed, enum fixed_source source);
/** Return whether the checks have derived this key of a link, so that they will derive it again. */
bool entry_is_made(const struct config_entry *entry);

/* model.c: begin and end of reading a config, from a file, bytes or the map */

/** Create an empty config, and a tree in its arena. config_destroy frees both. NULL: out of memory. */
struct config *config_begin(const char *file, struct config_messages *messages, struct tree **tree);
/** Check the tree and fill in the config. As config_load. */
int config_end(struct tree *tree, struct config *config, const struct config_environment *environment);

/* validate.c and its parts: fill in the model from the tree. Errors are in the messages; -ENOMEM. */

int logging_build(struct tree *tree, struct config *config);
/** Report log files that cannot be opened. None is created. */
void logging_check_files(struct tree *tree, const struct config *config);
int nodes_build(struct tree *tree, struct config *config, const struct config_environment *environment);
int links_build(struct tree *tree, struct config *config);
int timers_build(struct tree *tree, struct config *config);
void dscp_build(struct tree *tree);
int plugins_build(struct tree *tree, struct config *config);
int crypto_build(struct tree *tree, struct config *config, const struct config_environment *environment);
/**
 * Return whether users other than root and the daemon's own can read or write a key file. The daemon's group may read
 * it, unless the daemon is root. A daemon of root accepts a file of the user coterie. The result is false for files
 * that are not regular.
 */
bool key_file_is_shared(int fd);
/**
 * Look for a different key in the system's config folder that is newer than the used file.
 *
 * @param used  file of the key that the daemon uses, in its state folder
 * @param key   contents of that file, borrowed: size bytes; NULL: unknown
 * @return path of the newer file, constant; NULL: there is none, or used is itself in the config folder
 */
const char *key_newer_than(const char *used, const void *key, uint32_t size);
int config_validate(struct tree *tree, struct config *config, const struct config_environment *environment);
/** Turn warnings into errors if the file has the option `strict`. */
void check_strict(struct tree *tree);

/** Resolve a host name or numeric address, with the family of totem.ip_version. Errors as environment->resolve. */
int config_resolve(const struct config_environment *environment, const char *ip_version, const char *text,
	struct sockaddr_storage *address);
/** Parse a numeric address. 0; -ENOENT: it is no address, or not of the family (AF_UNSPEC: any). */
int config_parse_address(const char *text, int family, struct sockaddr_storage *address);

#endif
