/*
 * What the front ends write and the checks read: keys with typed values and the line each came
 * from, and the messages for the operator. Private to exec/config.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/config/model.h"

struct map_value;

#define CONFIG_FILE_SIZE_MAX (1024u * 1024)
#define CONFIG_ERRORS_MAX 20
#define CONFIG_WARNINGS_MAX 50
#define CONFIG_KEY_LENGTH_MAX 255

/** Memory of one life. Everything is freed at once. */
struct arena;
struct arena *arena_create(void); /* NULL: out of memory */
void arena_destroy(struct arena *arena); /* what it held is wiped: keys are among it */
void *arena_take(
	struct arena *arena, size_t size); /* zeroed, aligned for any type; NULL: out of memory */
/**
 * Take memory for a key: locked if the limit allows that, and left out of core dumps. Each call takes whole pages.
 *
 * @return zeroed, aligned for any type; NULL: out of memory
 */
void *arena_take_secret(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length); /* with a NUL behind it */
char *arena_print(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** A bigger copy of an array. */
void *arena_grow(struct arena *arena, const void *array, size_t old_size, size_t size);

/** Where something was written. line 0: nowhere, it is about the file as a whole. */
struct place {
	const char *file;
	uint32_t line;
};

struct tree_item {
	const char *key;
	const char *text; /* as written; a number in plain decimal */
	uint32_t type;    /* COTERIE_MAP_* */
	const void *value;
	uint32_t size;
	uint64_t number; /* value of an integer, two's complement */
	struct place place;
};

struct tree {
	struct arena *arena;
	struct tree_item *items; /* in order of first appearance; keys differ */
	uint32_t count, capacity;
	uint32_t *slots;               /* hash of keys: index + 1 of the item; 0: free */
	uint32_t slot_count;           /* a power of two */
	struct config_option *options; /* of `service` and `transport` sections */
	uint32_t option_count, option_capacity;
	struct config_plugin *services;
	uint32_t service_count, service_capacity;
	const char *transport_plugin; /* of a `transport` section, or NULL */
	struct place transport_place;
	const char *file; /* the main file */
	const struct config *key_source; /* the running configuration has read the key; NULL: read it */
	struct config_messages *messages;
	uint32_t hidden; /* errors beyond CONFIG_ERRORS_MAX */
	bool is_native;       /* read from coterie.conf: messages use its words */
	bool has_no_provider; /* `provider = none`; else one is found where the file names none */
	bool is_partial;      /* what could not be understood is missing: do not miss it */
	bool is_again;        /* for a reload */
	bool has_error, has_log_error;
	bool is_out_of_memory; /* sticks: what follows does nothing */
};

/** Set a key to a text; a later one replaces an earlier one. texts are copied. NULL: out of memory.
 */
struct tree_item *tree_set_string(
	struct tree *tree, const char *key, const char *text, struct place place);
/** type: COTERIE_MAP_U8 .. COTERIE_MAP_U64; a negative number of COTERIE_MAP_I32 in two's
 * complement. */
struct tree_item *tree_set_number(
	struct tree *tree, const char *key, uint32_t type, uint64_t number, struct place place);
/** What plugins shall see as the text of a key instead of what is written; the value stays. */
void tree_set_text(struct tree *tree, const char *key, const char *text);
void tree_delete(struct tree *tree, const char *key); /* items move; an absent key is ignored */
const struct tree_item *tree_find(const struct tree *tree, const char *key); /* or NULL */
/** Text of a key that is there, else NULL. */
const char *tree_text(const struct tree *tree, const char *key);
/** Number of a key that is there and is a number, else otherwise. */
uint64_t tree_number(const struct tree *tree, const char *key, uint64_t otherwise);
/** Where a key was set, else the file as a whole. */
struct place tree_place(const struct tree *tree, const char *key);

/** Ask for a service; name is kept as long as the tree. */
void tree_add_service(struct tree *tree, const char *name, struct place place);
/** Give a plugin an option; texts are copied. */
void tree_add_option(struct tree *tree, const char *plugin, const char *name, const char *value,
	struct place place);

/** One line for the operator, in the form `what: what to do`. Exit 8. */
void tree_error(struct tree *tree, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** The same about the logging section. Exit 7. */
void tree_log_error(struct tree *tree, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void tree_warning(struct tree *tree, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** A text as it is, for the log. */
void tree_notice(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** For config_messages.restarts. */
void tree_restart(struct tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Errors of the main file by line; others keep their places behind them. */
void tree_errors_sort(struct tree *tree);
/** Say how many errors were left out, if any. */
void tree_messages_close(struct tree *tree);

/** Decimal integer with optional blanks and sign in front, nothing behind. -EINVAL; -ERANGE. */
int config_parse_integer(const char *text, int64_t min, int64_t max, int64_t *value);
int config_parse_unsigned(const char *text, uint64_t *value); /* up to 2^64 - 1; '-' is -EINVAL */
/** An integer of the map as text; false: it is none. */
bool config_integer_text(const struct map_value *value, char *text, size_t size);
bool is_ip_transport(const char *transport); /* udp or udpu */
/**
 * Read a regular file of at most CONFIG_FILE_SIZE_MAX bytes.
 *
 * @param bytes  out, caller frees
 * @return 0; -EISDIR; -EFBIG; -ENOMEM; -errno of open and read
 */
int config_read_file(int dir, const char *name, char **bytes, size_t *size);

/* schema.c */

/** What is known of a key. Paths are as in the file: without link and node numbers. */
struct schema_key {
	uint32_t type;    /* COTERIE_MAP_* */
	int64_t min, max; /* of an integer; COTERIE_MAP_U64 has none */
};
bool schema_find(const char *path, struct schema_key *key); /* false: unknown, kept as a string */
/** Call run with the name (borrowed for the call) of each known key of a section. */
void schema_each(const char *section, void (*run)(void *arg, const char *name), void *arg);
/** Known name nearest to the last part of path, in the same section. NULL: none is near. */
const char *schema_suggest(struct tree *tree, const char *path);
bool schema_has_section(const char *section); /* its keys are known: others deserve a warning */
/** Known section nearest to this one; NULL: it is one itself, or none is near. */
const char *schema_suggest_section(const char *section);

/* legacy.c: the corosync.conf front end */

/** Read the bytes of a file into the tree. Errors are in the messages. 0; -ENOMEM. */
int legacy_read(struct tree *tree, const char *file, const char *bytes, size_t size);
/** The same for a file of uidgid.d. */
int legacy_read_access(struct tree *tree, const char *file, const char *bytes, size_t size);

/* native.c: the coterie.conf front end */

/** As legacy_read. drop_ins: a folder, or NULL.
 * has_files: may follow includes and read drop_ins. */
int native_read(struct tree *tree, const char *file, const char *bytes, size_t size,
	const struct config_environment *environment, const char *drop_ins, bool has_files);
/** 1: the bytes look like coterie.conf; -1: like corosync.conf; 0: one cannot tell. */
int native_looks_like(const char *bytes, size_t size);

/* fixed.c */

/** Place of what stands in the map and in no file. */
#define MAP_PLACE "key of the map"

/** Who wants to change what is fixed. */
enum fixed_source {
	FIXED_FILE, /* is refused where its other values would not fit */
	FIXED_MAP,  /* keeps the running values throughout: a client could not be refused */
};
/** In which the running configuration was read. */
enum config_format config_fixed_format(const struct config_fixed *fixed);
const char *config_fixed_drop_ins(const struct config_fixed *fixed); /* NULL: none */
/** Give what cannot change at run time its running values again; a notice for each that differs. */
void fixed_keep(struct tree *tree, const struct config_fixed *fixed, enum fixed_source source);
/** A key of a link that the checks made themselves: they make it again. */
bool entry_is_made(const struct config_entry *entry);

/* model.c: what every way of making a config begins and ends with */

/** An empty config, and a tree in its arena. config_destroy ends both. NULL: out of memory. */
struct config *config_begin(
	const char *file, struct config_messages *messages, struct tree **tree);
/** Check what the tree holds and fill in the config. As config_load. */
int config_end(
	struct tree *tree, struct config *config, const struct config_environment *environment);

/* validate.c and its parts: the tree into the model. Errors are in the messages; -ENOMEM. */

int logging_build(struct tree *tree, struct config *config);
/** Say which log files could not be opened, without making one. */
void logging_check_files(struct tree *tree, const struct config *config);
int nodes_build(
	struct tree *tree, struct config *config, const struct config_environment *environment);
int links_build(struct tree *tree, struct config *config);
int timers_build(struct tree *tree, struct config *config);
void dscp_build(struct tree *tree);
int plugins_build(struct tree *tree, struct config *config);
int crypto_build(
	struct tree *tree, struct config *config, const struct config_environment *environment);
/**
 * Return whether users other than root and the daemon's own can read or write a key file. The daemon's group may read
 * it, unless the daemon is root. A daemon of root accepts a file of the user coterie. What is no regular file is not
 * judged.
 */
bool key_file_is_shared(int fd);
/**
 * Look for a key in the system's config folder that came there after the used file was written, and differs.
 *
 * @param used  file of the key that the daemon uses, which it found in its state folder
 * @param key   contents of that file, borrowed: size bytes; NULL: unknown
 * @return path of the newer file, constant; NULL: there is none, or used is itself in the config folder
 */
const char *key_newer_than(const char *used, const void *key, uint32_t size);
/** Contradictions of the section quorum. */
void votes_check(
	struct tree *tree, const struct config *config, const struct config_environment *environment);
int config_validate(
	struct tree *tree, struct config *config, const struct config_environment *environment);

/** Resolve a host name or numeric address by the words of totem.ip_version. Errors as
 * environment->resolve. */
int config_resolve(const struct config_environment *environment, const char *ip_version,
	const char *text, struct sockaddr_storage *address);
/** A numeric address. 0; -ENOENT: not one, or not of the family (AF_UNSPEC: any). */
int config_parse_address(const char *text, int family, struct sockaddr_storage *address);

#endif
