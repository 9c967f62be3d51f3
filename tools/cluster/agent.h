/*
 * The helper of a change on one node. 'coterie-ctl' starts it there over ssh, as 'coterie-ctl __node', and gives it
 * requests on standard input: one JSON object a line, each with the member "do". It answers each with one on standard
 * output: {"ok": true, ...}, or {"ok": false, "text": ..., "remedy": ...}. File contents travel as hexadecimal digits. So
 * nothing of a request passes through a shell, and a key is in no argument.
 *
 *   facts   {instance, lock}  what the planner needs (plan.h, struct node_facts)
 *   secret  {}         the key in use, for a node that joins
 *   key     {key, file, state}  store it; file: where the config names it, "" for the default place; state: its state-dir
 *   write   {text}     coterie.conf.new
 *   test    {}         coterie -t of it
 *   place   {}         put it in its place
 *   reload  {check, force}
 *   stop    {force}    the daemon
 *   retire  {}         put config and key aside, but a key that other instances may use
 *   start   {}         the daemon
 *   undo    {}         take all of it back
 *   keep    {}         let it stand: replaced files become NAME.old
 *
 * If the input ends before undo or keep, the caller is gone. The helper then keeps the change if the running daemon has
 * its config-version, and otherwise takes it back.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_AGENT_H
#define TOOLS_CLUSTER_AGENT_H

#include "tools/cluster/conf.h"
#include "tools/ctl/ctl.h"

#define AGENT_LINE_MAX (2u * CONF_SIZE_MAX + 65536u) /* size of a request or an answer */
#define AGENT_KEY_MAX 4096u                          /* bytes of a key */
#define AGENT_COMMAND "__node"

/* --- agent_files.c: files that are replaced together, or not at all --- */

#define FILES_MAX 6

struct files_change {
	char path[4096];
	bool had;        /* a file existed before, and is now PATH.before */
	bool is_removed; /* the file is removed and not replaced */
	bool is_new;     /* PATH.new exists */
	bool is_placed;
};

struct files {
	struct files_change list[FILES_MAX];
	size_t count;
	char made_folder[4096]; /* folder that was created; "": none */
	char why[512];          /* reason of the last error */
};

/**
 * Write PATH.new, with its folder if that is missing. The file is on the disk before return.
 * @param is_secret  mode 0400, of the daemon's user; otherwise 0644
 * @return 0; negative errno, with files->why
 */
int files_write(struct files *files, const char *path, const void *bytes, size_t size, bool is_secret);
/** Rename PATH.new to PATH. @return 0; negative errno, with files->why */
int files_place(struct files *files, const char *path);
/** Rename a file to PATH.before, if it exists. @return 0; negative errno, with files->why */
int files_remove(struct files *files, const char *path);
/** Undo all changes. @return 0; negative errno of the first one that cannot be undone, with files->why */
int files_undo(struct files *files);
/** Keep all changes: files that were replaced or removed become PATH.old. */
void files_keep(struct files *files);
/** Read a file of at most limit bytes. @return its size, with *bytes, which caller frees; negative errno */
ssize_t files_read(const char *path, size_t limit, char **bytes);

/* --- agent_facts.c --- */

struct agent {
	struct ctl *ctl;
	struct files files;
	char config[4096];    /* the node's config file */
	char key_named[4096]; /* key file that the config names; "": none */
	char state_dir[4096]; /* state folder that the config names; "": the default */
	uint64_t version;     /* config-version of the new config; 0: none */
	int lock;             /* descriptor; -1: not locked */
	bool has_started;     /* the daemon, which undo stops */
	bool has_stopped;     /* the daemon, which undo starts */
};

/** Fill an answer with the facts. config: their "file" is kept in agent->config. */
void agent_facts(struct agent *agent, bool is_locking, struct json_object *answer);
/** Get the path at which the daemon looks for its config by default. */
void agent_default_config(const struct ctl *ctl, char path[4096]);
/**
 * Get the path of this node's key file: from the running daemon, from the config, or the first default path with a
 * file. "": none.
 */
void agent_key_file(struct agent *agent, char path[4096]);
/** Default places of a key, by their rank: state folder, config folder, Corosync's. */
const char *agent_key_place(const struct agent *agent, size_t rank, char path[4096]); /* NULL: no more */

/* --- agent_daemon.c: each fills the answer when it fails. @return whether it has worked --- */

bool agent_test(struct agent *agent, struct json_object *answer);
bool agent_reload(struct agent *agent, bool is_check, bool is_forced, struct json_object *answer);
bool agent_stop(struct agent *agent, bool is_forced, struct json_object *answer);
bool agent_start(struct agent *agent, struct json_object *answer);
/** Whether the running daemon has the config-version of the new file. */
bool agent_is_applied(struct agent *agent);

/* --- agent.c --- */

/** Put a failure into an answer. @return false */
bool agent_fail(struct json_object *answer, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Serve requests until the input ends. @return exit status */
int agent_main(struct ctl *ctl);

/* --- hex.c --- */

/** Hexadecimal digits of bytes; caller frees. NULL: out of memory. */
char *hex_encode(const void *bytes, size_t size);
/** Convert hexadecimal digits to bytes, with a NUL behind them. @return their count; -EINVAL; -ENOMEM */
ssize_t hex_decode(const char *text, char **bytes);

#endif
