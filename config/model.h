/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration as the executive uses it: typed and checked by validate.c. One of two front ends has read the
 * file: legacy.c (corosync.conf) or native.c (coterie.conf). All of its memory is in one arena, and lives as long as
 * the struct.
 */
#ifndef CONFIG_MODEL_H
#define CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <coterie/plugin.h>

#include "exec/totem/engine.h"

struct map;

#define CONFIG_LINKS_MAX 8

/** One key of the tree, as it goes into the map. */
struct config_entry {
	const char *key;
	uint32_t type; /* COTERIE_MAP_* */
	const void *value;
	uint32_t size;
	const char *text; /* as written in the file, except for numbers, which are in plain decimal */
	const char *file;
	uint32_t line; /* line in the file, or 0: the checks have derived the key */
};

struct config_node {
	uint32_t position; /* nodelist.node.POSITION */
	uint32_t nodeid;
	const char *name;                    /* or NULL: none */
	uint32_t link_count;                 /* highest link number plus 1 */
	const char *texts[CONFIG_LINKS_MAX]; /* as written, or NULL: the node is not on this link */
	/* resolved, with the link's port. AF_UNSPEC: the node is not on this link, or its name is unknown */
	struct sockaddr_storage addresses[CONFIG_LINKS_MAX];
};

/** Syntax of a file. */
enum config_format {
	CONFIG_FORMAT_AUTO, /* by name and content */
	CONFIG_FORMAT_COTERIE,
	CONFIG_FORMAT_COROSYNC,
};

/** A plugin to load. */
struct config_plugin {
	const char *name;
	bool is_required; /* false: it belongs to the standard set, and is loaded only if it is installed */
	const char *file;
	uint32_t line;
};

struct config_option {
	const char *plugin;
	const char *name;
	const char *value;
	const char *file;
	uint32_t line;
};

struct config_log_subsystem {
	const char *name; /* or NULL: the top level, always entry 0 */
	bool to_stderr, to_syslog, to_file;
	const char *file;                   /* or NULL: none */
	int file_priority, syslog_priority; /* LOG_* */
	int debug;                          /* 0 off, 1 on, 2 trace */
};

struct config_log {
	struct config_log_subsystem *subsystems;
	uint32_t subsystem_count; /* >= 1 */
	int facility;
	int timestamp; /* 0 off, 1 seconds, 2 milliseconds */
	bool fileline, function_name, blackbox;
	bool is_json;           /* lines on stderr and in the file are JSON */
	uint32_t blackbox_size; /* bytes, or 0: the default */
};

struct config {
	const char *file;          /* absolute */
	enum config_format format; /* its syntax */
	const char *drop_ins;      /* folder whose files were read as well, or NULL: none */
	struct config_entry *entries;
	uint32_t entry_count;

	struct config_node *nodes;
	uint32_t node_count;
	uint32_t local;             /* index of this node */
	uint32_t link_count;        /* highest link number plus 1 */
	const char *transport;      /* plugin name */
	uint32_t netmtu;            /* or 0: the transport's default */
	struct totem_options totem; /* complete except for ring_seq, payload_max, random_seed, features */
	bool has_payload_max;
	bool is_absent; /* only after a reload: this node is not in the node list. Then local is 0 */
	bool is_forced; /* only for a reload: apply the file although nodes that run are missing in it */

	struct config_plugin *services;
	uint32_t service_count;
	const char *quorum_provider; /* plugin name, or NULL: none */
	struct config_option *options;
	uint32_t option_count;

	const char *cipher, *hash; /* cipher and hash of the ring's encryption, or "none". secauth is considered */
	const uint8_t *key;        /* secret, wiped by config_destroy, or NULL: cipher and hash are none */
	uint32_t key_size;
	bool is_encrypted_by_default; /* the file has no option about encryption */
	const char *key_path; /* file of the key, or NULL: there is no key, or it is in the configuration itself */

	struct config_log log;
	const char *state_dir;   /* or NULL: the default */
	const char *run_dir;     /* or NULL: the default */
	const char *plugin_path; /* folders separated by ':', or NULL: the default */
	bool is_builtin_only;    /* no plugin files */
	bool locks_memory;
	bool is_provider_default; /* quorum_provider is the default, the file does not name one */
	int ipc_type;             /* enum qb_ipc_type */
	bool sched_rr;
	bool has_priority;
	int priority;
	int move_to_root_cgroup;   /* 0 no, 1 yes, 2 auto */
	struct described *plugins; /* private to config/: descriptions of the plugins that it names */
	void *arena;               /* private to config/ */
};

/**
 * Texts for the operator, one line each: `FILE:LINE: what: what to do`, as in
 * book configuration, "Messages".
 */
struct config_messages {
	char **errors;
	uint32_t error_count;
	char **warnings;
	uint32_t warning_count;
	int exit_code;  /* exit code of an error about a missing plugin, otherwise 0 */
	char **notices; /* values of the file that a reload does not apply, without a place */
	uint32_t notice_count;
	char **restarts; /* changes that need a restart: "KEY OLD -> NEW". A missing value is "(none)" */
	uint32_t restart_count;
};
void config_messages_fini(struct config_messages *messages);

/** The environment of a front end. It makes a front end testable, and keeps resolvers off the loop. */
struct config_environment {
	const char *local_name;    /* --node NAME, or NULL: find the node by address and host name */
	const char *instance;      /* or NULL: default instance */
	enum config_format format; /* format of the file. A reload uses the format of the start */
	const char *state_dir;     /* default folder of the state, or NULL. With coterie.conf a key may be there */
	const char *drop_ins;      /* coterie.conf: also read *.conf of this folder; NULL: none */
	bool needs_no_key;         /* the ring will not start: a key file is not read, and may be missing */
	bool is_test;              /* the daemon will not start: also check for other causes that would end a start */
	uint32_t local_nodeid;     /* id of this node if it is known already and is in the file, or 0 */
	/**
	 * Resolve a host name. It is never called for a numeric address. 0; -ENOENT: unknown; -EAGAIN: the resolver
	 * failed; -ETIMEDOUT: no answer in time.
	 */
	int (*resolve)(void *arg, const char *name, int family, struct sockaddr_storage *address);
	/** Return whether this is an address of this host. All of 127.0.0.0/8 counts. */
	bool (*is_local)(void *arg, const struct sockaddr *address);
	/**
	 * Look for a transport plugin of this name, if totem.transport is none of Corosync's. 0; -ENOENT: text is the
	 * error for the operator, as "what: what to do". If this member is NULL, a missing plugin is found only when it
	 * is loaded.
	 */
	int (*find_transport)(void *arg, const char *name, char *text, size_t size);
	/** Write this host's addresses for the operator, maybe cut: "10.0.0.1, 10.1.0.1". NULL: not known. */
	void (*list_addresses)(void *arg, char *text, size_t size);
	/**
	 * If a plugin is installed, call see with its descriptor, for its options and its check. NULL: descriptors are
	 * not available (a reload, where config_fixed_describe and config_check are called instead). folders: of plugin
	 * files, separated by ':'; NULL: the default; "": only plugins that are linked into the daemon
	 */
	void (*describe)(void *arg, uint32_t kind, const char *name, const char *folders,
		void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg);
	char host_name[65]; /* uname nodename */
	void *arg;
};
/**
 * Fill in the real environment: getaddrinfo, getifaddrs, uname. It blocks: use it before the ring, or on a helper
 * thread.
 */
void config_environment_system(struct config_environment *environment);

/**
 * Limit the time that the real environment waits for the resolver. When it is over, further names are not looked up,
 * and the messages name them.
 *
 * @param environment  as config_environment_system has filled it in
 * @param left_ms      milliseconds for all names together; counts down. Kept until the environment is not used any more
 */
void config_environment_limit(struct config_environment *environment, int64_t *left_ms);

/**
 * Read and check a config file.
 *
 * @param config    out, caller destroys; NULL on error
 * @param messages  out, caller calls config_messages_fini; warnings also on success
 * @return 0; -EINVAL with at least one error text (exit 8); -EBADF: logging section, perhaps with other
 *     errors after it (exit 7); -ENOMEM
 */
int config_load(const char *path, const struct config_environment *environment, struct config **config,
	struct config_messages *messages);
/** Values of a running configuration that no file can change: copies, for use on another thread. */
struct config_fixed;
/**
 * Copy the fixed values of a configuration.
 * @param can_rekey  cipher, hash and key are not fixed: the transport can change them while it runs
 * @return caller destroys; NULL: out of memory
 */
struct config_fixed *config_fixed_create(const struct config *config, bool can_rekey);
void config_fixed_destroy(struct config_fixed *fixed); /* NULL is ignored */
/** Copy the options of a plugin that runs, so that a reload can read them. -ENOMEM */
int config_fixed_describe(struct config_fixed *fixed, const struct coterie_plugin *descriptor);
/**
 * Call the check of a plugin that runs, if it has one, for a configuration that was read again. Call it on the thread that
 * calls plugins.
 *
 * @param messages  errors and warnings are added
 * @return 0; -EINVAL: there is an error; -ENOMEM
 */
int config_check(struct config *config, const struct coterie_plugin *descriptor, struct config_messages *messages);
/**
 * As config_load, for a reload. Fixed keys keep their values. A notice is added for each fixed key that the file
 * changes.
 */
int config_load_again(const char *path, const struct config_environment *environment, const struct config_fixed *fixed,
	struct config **config, struct config_messages *messages);
/**
 * As config_load, for bytes in memory (borrowed). Any bytes are safe. A key file that they name is read, but no
 * uidgid.d.
 * @param name  name of the file in messages
 */
int config_load_bytes(const char *name, const char *bytes, size_t size, const struct config_environment *environment,
	struct config **config, struct config_messages *messages);
void config_destroy(struct config *config); /* NULL is ignored */

/**
 * Return the value of a plugin's option as written, or NULL. file and line may be NULL. Options of the transport may
 * also be keys of totem.interface.0 and totem. crypto_cipher and crypto_hash then have the effect of secauth.
 */
const char *config_option_text(
	const struct config *config, const char *plugin, const char *name, const char **file, uint32_t *line);
/**
 * Return the text of a key by its whole name. file and line: as for config_option_text. NULL: the files do not set it.
 */
const char *config_key(const struct config *config, const char *key, const char **file, uint32_t *line);
/**
 * Make a new configuration from a running one and the keys of the sections totem and logging in the map, which clients
 * may have changed. It never blocks: names and the key are taken from the running configuration. Keys that neither the
 * schema nor the running configuration has are ignored. So the work is bounded, whatever keys clients add. A key that
 * is neither a text nor an integer keeps its running value.
 * @param map  NULL: copy the running configuration
 * @return as config_load
 */
int config_revise(
	const struct config *running, struct map *map, struct config **config, struct config_messages *messages);
/** Compare addresses without ports: AF_INET, AF_INET6 (with its scope), or both unset. */
bool config_is_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/** Return whether all addresses of all nodes are of 127.0.0.0/8 or ::1. */
bool config_is_loopback(const struct config *config);
/** Return whether this is one of Corosync's transports, even if its plugin is not installed. */
bool config_transport_is_standard(const char *name);
/**
 * Return the name that a provider plugin has in corosync.conf, constant or borrowed. plugin NULL: the default provider.
 */
const char *config_provider_name(const char *plugin);
/** Return the service that has this number in Corosync's rings, or NULL. */
const char *config_service_at(uint32_t ring_id);
/** Remove the default quorum provider from a configuration, since its plugin is not installed. */
void config_drop_provider(struct config *config);
/** Forms of printing a configuration. */
enum config_form {
	CONFIG_FORM_COTERIE,  /* as coterie.conf, with the origin of each value, and the defaults as comments */
	CONFIG_FORM_COROSYNC, /* as corosync.conf */
	CONFIG_FORM_CMAP,     /* the keys, as cmapctl shows them */
	CONFIG_FORM_JSON,     /* the keys, as a JSON array */
};
/**
 * Print a configuration. The first two forms, read again, make the same keys. The ring's key and secret options of
 * plugins are left out.
 * @return 0; -ENOMEM
 */
int config_print(const struct config *config, enum config_form form, FILE *out);
/** Print the options of coterie.conf: of all blocks, or of one (name: the plugin of transport or service).
    0; -ENOENT: no such block or plugin, as printed on stderr; -ENOMEM */
int config_help(const struct config_environment *environment, const char *block, const char *name, FILE *out);
/**
 * Replace the ring's key in a configuration.
 * @param key   copied, into memory as that of config->key: size bytes
 * @param path  copied: the file that has the key, or will have it
 * @return 0; -ENOMEM: the key is as before
 */
int config_replace_key(struct config *config, const void *key, uint32_t size, const char *path);
/**
 * Look for a newer key in the system's config folder, which the used key in the state folder hides. An administrator
 * has copied it there later. Reads files.
 *
 * @return path of the newer file, constant; NULL: there is none, or the key has not been found in the state folder
 */
const char *config_newer_key(const struct config *config);
/** Return whether an open file has this key from its position on, and nothing behind it. May wait for the disk. */
bool config_file_has_key(int fd, const void *key, uint32_t size);
/**
 * Find the file in which a new key must be stored, so that the next start reads it: the file that the configuration
 * names, otherwise the default file. With coterie.conf the default is "authkey" in the state folder.
 *
 * @param is_named  out: the configuration names the file
 * @param path      out, size bytes
 * @return 0; -ENOTSUP: the key is in the configuration itself; -ENAMETOOLONG
 */
int config_key_place(const struct config *config, const char *state_dir, bool *is_named, char *path, size_t size);

/** Put only the keys runtime.config.totem.* into the map, without those of links. -ENOMEM */
int config_publish_runtime(const struct config *config, struct map *map);
/**
 * Replace the keys of an old configuration by those of a new one. Keys that the file no longer has are deleted.
 * -ENOMEM
 */
int config_publish_changes(const struct config *config, struct map *map);
/** A change of a key. Values are text, borrowed for the call, or NULL: there is none. */
typedef void (*config_change)(void *arg, const char *key, const char *now, const char *before);
/** Call run for each key that config_publish_changes would change, except for keys that the daemon derives. -ENOMEM */
int config_each_change(const struct config *config, struct map *map, config_change run, void *arg);
/**
 * Put the keys of the tree and runtime.config.totem.* into the map, and protect the keys of book configuration, "Map".
 */
int config_publish(const struct config *config, struct map *map);

/*
 * option_value.c: check the text of one value against its option, of the executive or of a plugin. No other file reads
 * the text of a value.
 */

/** Ways of writing values. */
enum option_dialect {
	OPTION_NATIVE, /* coterie.conf: a duration has a unit, a boolean is a word, 010 is an error */
	OPTION_PLAIN,  /* corosync.conf, descriptors, command lines: also bare milliseconds, 0 and 1, 010 */
};

/**
 * Check a value.
 *
 * @param number  out: milliseconds, bytes, 0 or 1, the index of the choice; 0 for texts; may be NULL
 * @param why     out: the error, as "what: what to do"
 * @return 0; -EINVAL
 */
int option_value(const struct coterie_option *option, enum option_dialect dialect, const char *text, uint64_t *number,
	char *why, size_t size);
/** Return whether the value of an option is a number, or the index of a choice. */
bool option_is_number(const struct coterie_option *option);

/** Write a duration or a size in the largest unit that divides it. */
void option_duration(uint64_t ms, char *text, size_t size);
void option_size(uint64_t bytes, char *text, size_t size);
/** Write a limit of the option, in the units of its type. */
void option_limit(const struct coterie_option *option, uint64_t number, char text[32]);

/** Copy an element of a descriptor's list. Members that it does not have are 0. */
struct coterie_option option_copy(const struct coterie_option *options, size_t stride, uint32_t index);
/** Find an option in the list of a descriptor. stride is the size of an element. */
const struct coterie_option *option_at(const struct coterie_option *options, size_t stride, uint32_t index);
const struct coterie_option *option_find(
	const struct coterie_option *options, size_t stride, uint32_t count, const char *name);
/** Return the option name that is most similar to this name, for "did you mean", or NULL. */
const char *option_nearest(const struct coterie_option *options, size_t stride, uint32_t count, const char *name);

#endif
