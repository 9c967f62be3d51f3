/*
 * The configuration as the executive uses it: the typed result of whichever front end read the file
 * (legacy.c: corosync.conf; native.c: coterie.conf), checked by validate.c. One arena;
 * everything in it lives as long as the struct.
 */
#ifndef CONFIG_MODEL_H
#define CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "exec/totem/engine.h"

struct coterie_plugin;
struct map;

#define CONFIG_LINKS_MAX 8

/** One key of the tree, as it goes into the map. */
struct config_entry {
	const char *key;
	uint32_t type;     /* COTERIE_MAP_* */
	const void *value;
	uint32_t size;
	const char *text;  /* as written; a number in plain decimal */
	const char *file;
	uint32_t line;     /* 0: made by us, not from a file */
};

struct config_node {
	uint32_t position;  /* nodelist.node.POSITION */
	uint32_t nodeid;
	const char *name;   /* NULL: none */
	uint32_t link_count;                                 /* highest link and 1 */
	const char *texts[CONFIG_LINKS_MAX];                 /* as written; NULL: not on this link */
	struct sockaddr_storage addresses[CONFIG_LINKS_MAX]; /* resolved, with the link's port; AF_UNSPEC */
};

/** A plugin to load. */
enum config_format {
	CONFIG_FORMAT_AUTO, /* by name and content */
	CONFIG_FORMAT_COTERIE,
	CONFIG_FORMAT_COROSYNC,
};

struct config_plugin {
	const char *name;
	bool is_required;    /* false: one of the standard set, loaded if it is installed */
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
	const char *name;      /* NULL: the top level, always entry 0 */
	bool to_stderr, to_syslog, to_file;
	const char *file;      /* NULL: none */
	int file_priority, syslog_priority; /* LOG_* */
	int debug;             /* 0 off, 1 on, 2 trace */
};

struct config_log {
	struct config_log_subsystem *subsystems;
	uint32_t subsystem_count; /* >= 1 */
	int facility;
	int timestamp;            /* 0 off, 1 seconds, 2 milliseconds */
	bool fileline, function_name, blackbox;
	bool is_json;             /* lines of stderr and file */
	uint32_t blackbox_size;   /* bytes; 0: the default */
};

struct config {
	const char *file;           /* absolute */
	enum config_format format;  /* that it was read in */
	const char *drop_ins;       /* folder that was read, too; NULL: none */
	struct config_entry *entries;
	uint32_t entry_count;

	struct config_node *nodes;
	uint32_t node_count;
	uint32_t local;             /* index of this node */
	uint32_t link_count;        /* highest link and 1 */
	const char *transport;      /* plugin name */
	uint32_t netmtu;            /* 0: the transport's default */
	struct totem_options totem; /* complete but for ring_seq, payload_max, random_seed, features */
	bool has_payload_max;
	bool is_absent; /* read again, and without this node: local is 0 then */
	bool is_forced; /* read again, and applied although running nodes are missing */

	struct config_plugin *services;
	uint32_t service_count;
	const char *quorum_provider; /* plugin name; NULL: none */
	struct config_option *options;
	uint32_t option_count;

	const char *cipher, *hash;   /* of the ring's encryption, with what secauth makes of them; or "none" */
	const uint8_t *key;          /* secret, wiped by config_destroy; NULL: cipher and hash are none */
	uint32_t key_size;
	bool is_encrypted_by_default; /* the file does not say whether */
	const char *key_path;        /* file of the key; NULL: no key, or it stands in the configuration */

	struct config_log log;
	const char *state_dir;      /* NULL: the default */
	const char *run_dir;        /* NULL: the default */
	const char *plugin_path;    /* folders separated by ':'; NULL: the default */
	bool is_builtin_only;       /* no plugin files */
	bool locks_memory;
	bool is_provider_default;   /* quorum_provider is no wish of the file's */
	int ipc_type;               /* enum qb_ipc_type */
	bool sched_rr;
	bool has_priority;
	int priority;
	int move_to_root_cgroup;    /* 0 no, 1 yes, 2 auto */
	void *arena;                /* private to exec/config */
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
	int exit_code;  /* a plugin is missing: of its failure; else 0 */
	char **notices; /* what is not taken from a file that is read again; without a place */
	uint32_t notice_count;
	char **restarts; /* the same for programs: "KEY OLD -> NEW", "(none)" where there is no value */
	uint32_t restart_count;
};
void config_messages_fini(struct config_messages *messages);

/** What a front end may ask of the outside: makes it testable and keeps resolvers off the loop. */
struct config_environment {
	const char *local_name;       /* --node NAME; NULL: find out by address and host name */
	const char *instance;         /* NULL: default instance */
	enum config_format format;    /* of the file; at a reload that of the start counts */
	const char *state_dir;        /* default folder of the state; NULL: none. coterie.conf: a key may be there */
	const char *drop_ins;         /* coterie.conf: read *.conf of this folder, too; NULL: none */
	bool needs_no_key;            /* nothing will be sent: a key file is named and not read, and may be missing */
	bool is_test;                 /* nothing will be started: look at what else could end a start */
	uint32_t local_nodeid;        /* who we are already, if that node has its id in the file; 0: not known */
	/** Numeric addresses never come here. 0; -ENOENT: unknown; -EAGAIN: the resolver failed. */
	int (*resolve)(void *arg, const char *name, int family, struct sockaddr_storage *address);
	/** Is this one of the machine's own addresses? All of 127/8 is. */
	bool (*is_local)(void *arg, const struct sockaddr *address);
	/**
	 * Asked about a totem.transport that is none of Corosync's: is there a transport plugin of this name?
	 * text is then for the operator: what is wrong, what to do. 0; -ENOENT. NULL: whoever loads it sees.
	 */
	int (*find_transport)(void *arg, const char *name, char *text, size_t size);
	/** Own addresses, for the operator: "10.0.0.1, 10.1.0.1"; may be cut. NULL: not known. */
	void (*list_addresses)(void *arg, char *text, size_t size);
	/**
	 * Let see have the descriptor of an installed plugin, for its options; see is not called if there is
	 * none. NULL: plugins cannot be asked (a reload), who runs them looks at their options.
	 */
	void (*describe)(void *arg, uint32_t kind, const char *name,
		void (*see)(void *see_arg, const struct coterie_plugin *descriptor), void *see_arg);
	char host_name[65];           /* uname nodename */
	void *arg;
};
/** The real one: getaddrinfo, getifaddrs, uname. Blocks; run it before the ring or on a helper thread. */
void config_environment_system(struct config_environment *environment);

/**
 * Read and check a config file.
 *
 * @param config    out, caller destroys; NULL on error
 * @param messages  out, caller finishes; warnings also on success
 * @return 0; -EINVAL with at least one error text (exit 8); -EBADF: logging section, perhaps with other
 *     errors behind it (exit 7); -ENOMEM
 */
int config_load(const char *path, const struct config_environment *environment,
	struct config **config, struct config_messages *messages);
/** Values of a running configuration that no file can change: copies, for a thread of their own. */
struct config_fixed;
/**
 * What of a configuration's values is fixed.
 * @param can_rekey  cipher, hash and key are not: the transport can change them under way
 * @return caller destroys; NULL: out of memory
 */
struct config_fixed *config_fixed_create(const struct config *config, bool can_rekey);
void config_fixed_destroy(struct config_fixed *fixed);                 /* NULL is ignored */
/** As config_load, for a reload: what is fixed keeps its values; a notice for each that the file changes. */
int config_load_again(const char *path, const struct config_environment *environment,
	const struct config_fixed *fixed, struct config **config, struct config_messages *messages);
/**
 * The same for bytes in memory (borrowed); any bytes are safe. Reads no file but a key file that they
 * name, and no uidgid.d.
 * @param name  stands for the file in messages
 */
int config_load_bytes(const char *name, const char *bytes, size_t size,
	const struct config_environment *environment, struct config **config,
	struct config_messages *messages);
void config_destroy(struct config *config); /* NULL is ignored */

/**
 * Value of an option of a plugin as written, or NULL. *file, *line may be NULL. The options of the
 * transport are also looked for among the keys of totem.interface.0 and totem; crypto_cipher and crypto_hash
 * are then what secauth makes of them.
 */
const char *config_option(const struct config *config, const char *plugin, const char *name,
	const char **file, uint32_t *line);
/**
 * What a running configuration becomes when clients have changed keys of the sections totem and logging in
 * the map. Blocks nowhere: names are looked up in the running configuration, which also gives the key. Keys that neither the schema
 * nor the running configuration knows are not looked at, so the work is bounded whatever clients put there.
 * A key that is neither a text nor an integer keeps its running value.
 * @return as config_load
 */
int config_revise(const struct config *running, struct map *map, struct config **config,
	struct config_messages *messages);
/** Addresses without their ports: AF_INET, AF_INET6 (with its scope), or both unset. */
bool config_is_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
/** Whether every address of every node is of 127.0.0.0/8 or ::1. */
bool config_is_loopback(const struct config *config);
/** One of Corosync's transports, wherever its plugin may be. */
bool config_transport_is_standard(const char *name);
/** Go without the quorum provider that the file did not ask for: its plugin is not installed. */
void config_drop_provider(struct config *config);
/** How a configuration is shown. */
enum config_form {
	CONFIG_FORM_COTERIE,  /* as coterie.conf, with where each value is from, and the defaults as comments */
	CONFIG_FORM_COROSYNC, /* as corosync.conf */
	CONFIG_FORM_CMAP,     /* its keys, as cmapctl shows them */
	CONFIG_FORM_JSON,     /* the same as one JSON array */
};
/**
 * Print a configuration. Either of the first two forms, read again, makes the same keys. The ring's key and
 * what plugins call secret is left out.
 * @return 0; -ENOMEM
 */
int config_print(const struct config *config, enum config_form form, FILE *out);
/** Print the options of coterie.conf: of all blocks, or of one (name: the plugin of transport or service).
    0; -ENOENT: no such block or plugin, which has been said on stderr; -ENOMEM */
int config_help(const struct config_environment *environment, const char *block, const char *name, FILE *out);
/**
 * Give a configuration another key of the ring.
 * @param key   copied, into memory as that of config->key: size bytes
 * @param path  copied: the file that has the key, or will have it
 * @return 0; -ENOMEM: the key is as before
 */
int config_replace_key(struct config *config, const void *key, uint32_t size, const char *path);
/**
 * Look for a key file that an administrator has copied to the system's config folder after the key in the state folder was
 * written. That one hides it. Reads files.
 *
 * @return its path, constant; NULL: there is none, or the key has not been found in the state folder
 */
const char *config_newer_key(const struct config *config);
/**
 * Name the file that a new key is to be stored in, so that the next start reads it: the file that the configuration
 * names, otherwise the default file. With coterie.conf that is "authkey" in the state folder.
 *
 * @param is_named  out: the configuration names the file
 * @param path      out, size bytes
 * @return 0; -ENOTSUP: the key stands in the configuration itself; -ENAMETOOLONG
 */
int config_key_place(
	const struct config *config, const char *state_dir, bool *is_named, char *path, size_t size);

/** Put the keys runtime.config.totem into the map, but not those of links, and no others. -ENOMEM */
int config_publish_runtime(const struct config *config, struct map *map);
/** The keys of a new configuration over those of an old one: what the file no longer has goes. -ENOMEM */
int config_publish_changes(const struct config *config, struct map *map);
/** Values are text, borrowed for the call; NULL: there is none. */
typedef void (*config_change)(void *arg, const char *key, const char *now, const char *before);
/** Call run for each key that config_publish_changes would change, but those that the daemon derives. -ENOMEM */
int config_each_change(const struct config *config, struct map *map, config_change run, void *arg);
/**
 * Put the tree and the runtime.config.totem keys into the map and protect what
 * book configuration, "Map" lists.
 */
int config_publish(const struct config *config, struct map *map);

#endif
