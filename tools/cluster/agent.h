/*
 * The helper of a change on one node. 'coterie-ctl' starts it there over ssh, as 'coterie-ctl __node', and writes
 * requests to its standard input: one JSON object on each line, with the member "do". The helper writes one answer to
 * each on its standard output: {"ok": true, ...}, or {"ok": false, "text": ..., "remedy": ...}. File contents are sent
 * as hexadecimal digits. So no part of a request passes through a shell, and a key is never in an argument.
 *
 *   facts   {instance, lock}  return the facts for the planner (plan.h, struct node_facts)
 *   secret  {}         return the key in use, for a node that joins
 *   key     {key, file, state}  store the key. file: its path in the config, "" for the default; state: the state-dir
 *   write   {text}     write coterie.conf.new
 *   test    {}         check that file with coterie -t
 *   place   {}         rename it to coterie.conf
 *   reload  {check, force}  reload the ring, or only check
 *   await   {}         the ring is reloaded next, by another node's helper
 *   stop    {force}    stop the daemon
 *   retire  {}         rename config and key, except a key that other instances may use. With systemd, disable the unit
 *   start   {}         start the daemon. With systemd, enable its unit
 *   undo    {}         undo all of this
 *   keep    {}         make the change final: replaced files become NAME.old
 *
 * If the input ends before undo or keep, the caller has ended. Then the helper keeps the change if the running daemon
 * has its config-version, and otherwise undoes it. After await the ring may still be at its reload, so the helper looks
 * for up to AGENT_AWAIT_MS before it undoes the change. The helper of a node that is being added undoes it at once.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_AGENT_H
#define TOOLS_CLUSTER_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "tools/cluster/conf.h"
#include "tools/ctl/ctl.h"

#define AGENT_LINE_MAX (2u * CONF_SIZE_MAX + 65536u) /* bytes of the longest request or answer */
#define AGENT_KEY_MAX 4096u                          /* bytes of a key */
#define AGENT_COMMAND "__node"
#define AGENT_AWAIT_MS 60000u /* milliseconds that a reload of the ring may take */

/* --- agent_files.c: files that are replaced together, or not at all --- */

#define FILES_MAX 6

struct files_change {
	char path[4096];
	bool had;        /* a file existed before the change, and is now PATH.before */
	bool is_removed; /* the file is removed, and there is no new one */
	bool is_new;     /* PATH.new exists */
	bool is_placed;
};

struct files {
	struct files_change list[FILES_MAX];
	size_t count;
	char made_folder[4096]; /* folder that the change has created; "": none */
	char why[512];          /* reason of the last error */
};

/**
 * Write PATH.new, and create its folder if that is missing. The file is on the disk when this returns.
 * @param is_secret  the file has mode 0400 and belongs to the daemon's user; otherwise its mode is 0644
 * @return 0; negative errno, with files->why
 */
int files_write(struct files *files, const char *path, const void *bytes, size_t size, bool is_secret);
/** Rename PATH.new to PATH. @return 0; negative errno, with files->why */
int files_place(struct files *files, const char *path);
/** Rename a file to PATH.before, if it exists. @return 0; negative errno, with files->why */
int files_remove(struct files *files, const char *path);
/** Undo all changes. @return 0; negative errno of the first change that cannot be undone, with files->why */
int files_undo(struct files *files);
/** Keep all changes: files that were replaced or removed become PATH.old. */
void files_keep(struct files *files);
/**
 * Read a file of at most `limit` bytes. Links of users other than root and the caller are not followed.
 *
 * @param owner  user that must own the file; FILES_ANY_OWNER: any
 * @return its size, with *bytes, which the caller frees; -EPERM: it has another owner; negative errno
 */
ssize_t files_read(const char *path, size_t limit, uid_t owner, char **bytes);
#define FILES_ANY_OWNER ((uid_t)-1)

/* --- agent_facts.c --- */

struct agent {
	struct ctl *ctl;
	struct files files;
	char config[4096];    /* path of the node's config file */
	char key_named[4096]; /* path of the key file in the config; "": none */
	char state_dir[4096]; /* path of the state folder in the config; "": the default */
	uint64_t version;     /* config-version of the new config; 0: none */
	char *key_in;         /* key of the request, hexadecimal; NULL: none */
	char *key_out;        /* key of the answer, hexadecimal; NULL: none */
	int lock;             /* descriptor of the lock; -1: not locked */
	bool is_open;         /* other users can change the folder of the config file */
	bool has_started;     /* the helper has started the daemon, so undo stops it */
	bool has_stopped;     /* the helper has stopped the daemon, so undo starts it */
	bool is_awaiting;     /* the ring may be at its reload */
	bool has_enabled;     /* the helper has enabled the unit, so undo disables it */
	bool has_disabled;    /* the helper has disabled the unit, so undo enables it */
};

/** Fill an answer with the facts. The path of the config is also stored in agent->config. */
void agent_facts(struct agent *agent, bool is_locking, struct json_object *answer);
/** Get the path of the config file that the daemon reads by default. */
void agent_default_config(const struct ctl *ctl, char path[4096]);
/**
 * Get the path of this node's key file: as the running daemon reports it, as the config has it, or the first default
 * path where a file exists. "": none.
 *
 * @return user that must own the file for files_read. The daemon has a user of its own. If its program was taken over, it
 *     could report any path, and this helper reads as root
 */
uid_t agent_key_file(struct agent *agent, char path[4096]);
/**
 * Get a default path of the key by its rank: in the state folder, in the config folder, in Corosync's folder. NULL:
 * there is no such rank.
 */
const char *agent_key_place(const struct agent *agent, size_t rank, char path[4096]);

/* --- agent_daemon.c: if a function fails, it puts the error into `answer`. @return whether it succeeded --- */

bool agent_test(struct agent *agent, struct json_object *answer);
bool agent_reload(struct agent *agent, bool is_check, bool is_forced, struct json_object *answer);
bool agent_stop(struct agent *agent, bool is_forced, struct json_object *answer);
bool agent_start(struct agent *agent, struct json_object *answer);
/** Have the daemon started at boot, or not, if its unit does that. Undo does the opposite if this changes anything. */
bool agent_enable(struct agent *agent, bool is_wanted, struct json_object *answer);
/** Return whether the running daemon has the config-version of the new file. While is_awaiting is set, wait for that. */
bool agent_is_applied(struct agent *agent);

/* --- agent.c --- */

/** Put a failure into an answer. @return always false */
bool agent_fail(struct json_object *answer, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Serve requests until the input ends. @return exit status */
int agent_main(struct ctl *ctl);

/* --- hex.c --- */

/** Convert bytes to hexadecimal digits. @return the caller frees it; NULL: out of memory */
char *hex_encode(const void *bytes, size_t size);
/** Convert hexadecimal digits to bytes, with a NUL behind them. @return their count; -EINVAL; -ENOMEM */
ssize_t hex_decode(const char *text, char **bytes);

/* --- secret.c: keys stay out of the JSON library, which leaves copies of texts in freed memory --- */

/**
 * Take the key out of a line of JSON: the value of a member "key", hexadecimal digits. The line has blanks in its place.
 * @return the digits, which the caller frees with secret_free; NULL: there is no such value, or no memory
 */
char *secret_take(char *line);
/** Overwrite a text and free it. NULL is ignored. */
void secret_free(char *secret);
/** Leave the memory of this process out of core dumps, and closed to other processes of its user. */
void secret_process(void);

#endif
