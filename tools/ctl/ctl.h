/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coterie-ctl: one command for people and programs, which prints text and JSON from the same facts
 * (book configuration, "Programs").
 *
 * A command stores its answer in a JSON object, in the form of the published schema. The object is printed as JSON, or
 * as text by the command's own print function. All data is read through the public client libraries. So the command
 * also works with a Corosync daemon, with fewer facts.
 */
#ifndef TOOLS_CTL_CTL_H
#define TOOLS_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <corosync/cfg.h>
#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "plugins/common/answers/answers.h"

/** Exit status: book configuration, "Programs". */
enum ctl_exit {
	CTL_GOOD = 0,
	CTL_FAILED = 1,
	CTL_NOT_QUORATE = 2,
	CTL_NOT_RUNNING = 3,
	CTL_DENIED = 4,
	CTL_NOT_LOADED = 5,
	CTL_TIMED_OUT = 6,
	CTL_REFUSED = 7,
	CTL_INVALID = 8,
	CTL_FOUND_WARNINGS = 10, /* only of doctor */
	CTL_FOUND_ERRORS = 11,
	CTL_USAGE = 64,
};

enum ctl_format {
	CTL_TEXT,
	CTL_JSON,  /* one document, indented */
	CTL_JSONL, /* one document on each line */
};

/** The services from which answers are made. */
enum ctl_service {
	CTL_CONFIG, /* the configuration map */
	CTL_STATS,  /* the statistics map */
	CTL_CFG,
	CTL_QUORUM,
	CTL_VOTES,
	CTL_CPG,
	CTL_SERVICES,
};

struct ctl_error {
	int code;       /* enum ctl_exit; 0: no error */
	char text[512]; /* the error and its cause */
	char hint[256]; /* advice, or "" */
};

struct ctl {
	enum ctl_format format;
	const char *instance; /* NULL: the default instance */
	uint32_t timeout_s;
	bool is_watching;
	double watch_s; /* seconds between two answers, or 0 to answer after each change */
	bool is_quiet, is_verbose, has_color;
	bool is_confirmed;     /* --yes: do not ask for a confirmation */
	const char *node_name; /* name of this node for a file that is read, or NULL */
	const char *nodes;     /* argument of --nodes: "all", or ids and names; NULL: this node */
	uint32_t asked;        /* id of the node for which the answer is made; 0: this node */
	struct remote *remote; /* source of the facts if they are from another node, or NULL */
	struct follow *follow; /* log file whose new lines are shown after the answer, or NULL */
	FILE *out;             /* standard output, or a buffer in memory for --watch */
	struct ctl_error error;
	struct json_object *warnings; /* list of texts in the answer, or NULL */

	bool is_open[CTL_SERVICES];
	cmap_handle_t config, stats;
	corosync_cfg_handle_t cfg;
	quorum_handle_t quorum;
	votequorum_handle_t votes;
	cpg_handle_t cpg;
};

#define CTL_REPEATABLE 1u /* --watch is allowed */
#define CTL_OF_NODES 2u   /* --nodes is allowed: the answer consists of facts that any node can report */
#define CTL_ASKS_NODES \
	4u /* --nodes is allowed, and the command handles it itself: it makes one answer
	    * for all of these nodes */

struct ctl_command {
	const char *name;      /* one or two words */
	const char *arguments; /* for the usage text, may be "" */
	const char *help;      /* help text of one line */
	unsigned int flags;    /* CTL_REPEATABLE, CTL_OF_NODES, CTL_ASKS_NODES */
	/**
	 * Make the answer in data. argv: the words behind the name, with the options of the command.
	 * @return enum ctl_exit; if there is no answer, ctl->error is set
	 */
	int (*gather)(struct ctl *ctl, int argc, char **argv, struct json_object *data);
	void (*print)(const struct ctl *ctl, struct json_object *data); /* NULL: print data.text */
	/**
	 * Used in place of gather and print by a command that prints by itself. If it has printed nothing, ctl->error
	 * is set.
	 * @return enum ctl_exit
	 */
	int (*run)(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
};

/* --- ctl.c --- */

/** Return the list of all commands. Its last element has no name. */
const struct ctl_command *ctl_commands(void);
/**
 * Find the command whose name is at the start of these words, or return NULL. words: out: the number of words in its
 * name.
 */
const struct ctl_command *ctl_find_command(const char *first, const char *second, int *words);

/* --- answer.c --- */

/** Run a command and print its answer or its error. @return exit status */
int answer_once(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Print the answer, and again after each change, until the daemon ends. */
int answer_watch(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Run a command with a copy of the words, which it may change. */
int answer_gather(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv, struct json_object *data);
/** Print data, which is freed, or ctl->error if that is set. */
void answer_print(struct ctl *ctl, const struct ctl_command *command, struct json_object *data);
/**
 * End the process with CTL_TIMED_OUT and a message if it still runs after ctl->timeout_s. alarm(0) cancels the limit.
 */
void answer_limit(const struct ctl *ctl, const struct ctl_command *command);

/* --- nodes.c --- */

/** Call answer_once for each node of ctl->nodes. */
int nodes_answer(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Check that all words of ctl->nodes name members. @return 0; otherwise the exit status with ctl->error set */
int nodes_check(struct ctl *ctl, struct json_object *members);
/** Return whether --nodes includes a node. nodes: the result of fact_nodes. */
bool nodes_has(const struct ctl *ctl, struct json_object *nodes, uint32_t nodeid);

/* --- matrix.c --- */

/** Add a list "hears" to each member that can be queried, and a list "heard_by" to all members. */
void matrix_put(struct ctl *ctl, struct json_object *members);
/** Print the lists, or nothing if the members have no lists. */
void matrix_print(const struct ctl *ctl, struct json_object *members);

/* --- connect.c --- */

/** Connect to a service, unless it is connected already. @return 0, or the exit status with ctl->error set */
int ctl_open(struct ctl *ctl, enum ctl_service service);
/** Connect to a service that the answer does not depend on: a failure does not set ctl->error. */
bool ctl_try(struct ctl *ctl, enum ctl_service service);
/**
 * Check that all open connections still work. If the daemon dies while an answer is made, the values that could not be
 * read look like values that do not exist.
 *
 * @param what  the command, for the message
 * @return 0, or the exit status with ctl->error set
 */
int ctl_check(struct ctl *ctl, const char *what);
void ctl_close(struct ctl *ctl);
/** Set ctl->error. hint may be NULL. @return code */
int ctl_fail(struct ctl *ctl, int code, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/** Add a warning to the answer. */
void ctl_warn(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Set ctl->error for the error of a library call. what: the failed action. */
int ctl_fail_cs(struct ctl *ctl, const char *what, cs_error_t error);
/** Set ctl->error for a failed connection. service: its IPC name. */
int ctl_fail_connect(struct ctl *ctl, const char *service, cs_error_t error);

/*
 * --- facts.c, source.c: facts for several commands ---
 *
 * The caller frees the returned objects, or adds them to other objects.
 */

/** Return the text of a key, or NULL. The caller frees the text. */
char *fact_text(struct ctl *ctl, enum ctl_service map, const char *key);
/** Return the number of a key, or `otherwise`. */
int64_t fact_number(struct ctl *ctl, enum ctl_service map, const char *key, int64_t otherwise);
/** Return a value of any type, or NULL. *type is filled in unless type is NULL. */
struct json_object *fact_value(struct ctl *ctl, enum ctl_service map, const char *key, cmap_value_types_t *type);
const char *fact_type_name(cmap_value_types_t type);
cmap_value_types_t fact_type(const char *name); /* CMAP_VALUETYPE_BINARY: the name is unknown */
/** Call each(arg, key) for all keys with this prefix, until a call returns false. */
void fact_each(
	struct ctl *ctl, enum ctl_service map, const char *prefix, bool (*each)(void *arg, const char *key), void *arg);

/** Return a source for plugins/common with the facts that ctl can read. It borrows ctl. */
struct metrics_source ctl_source(struct ctl *ctl);
/** Return the result of answers_nodes. */
struct json_object *fact_nodes(struct ctl *ctl);
/** Return the result of answers_members_list. */
struct json_object *fact_members(struct ctl *ctl);
/** Return the id of the node with this name or number. 0: there is no such node. */
uint32_t fact_find_node(struct json_object *nodes, const char *word);
uint32_t fact_local(struct ctl *ctl);
/** Get the transport's status of a node. @return false: there is no status, and *status is zero */
bool fact_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status);
/** Return whether the node is quorate, 1 or 0. -1: there is no quorum provider, or no answer. */
int fact_quorate(struct ctl *ctl);

/* --- commands, one file each --- */
int status_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void status_print(const struct ctl *ctl, struct json_object *data);
int members_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void members_print(const struct ctl *ctl, struct json_object *data);
int quorum_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void quorum_print(const struct ctl *ctl, struct json_object *data);
int quorum_set_expected(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int quorum_set_votes(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int quorum_drop_qdevice(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int quorum_unblock(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int rings_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void rings_print(const struct ctl *ctl, struct json_object *data);
int config_show(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int config_get(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int config_set(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int config_check(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int config_diff(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void config_print(const struct ctl *ctl, struct json_object *data);
void config_check_print(const struct ctl *ctl, struct json_object *data);
int key_create(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int key_rotate(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void key_rotate_print(const struct ctl *ctl, struct json_object *data);
int key_status(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void key_status_print(const struct ctl *ctl, struct json_object *data);
int log_show(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void log_print(const struct ctl *ctl, struct json_object *data);
int log_level(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void log_level_print(const struct ctl *ctl, struct json_object *data);
int log_reopen(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int log_dump(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int reload_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void reload_print(const struct ctl *ctl, struct json_object *data);
int plugin_list(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void plugin_print(const struct ctl *ctl, struct json_object *data);
int plugin_load(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int plugin_unload(struct ctl *ctl, int argc, char **argv, struct json_object *data);
int plugin_replace(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void plugin_change_print(const struct ctl *ctl, struct json_object *data);
int cpg_list(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void cpg_print(const struct ctl *ctl, struct json_object *data);
int clients_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);
void clients_print(const struct ctl *ctl, struct json_object *data);
int shutdown_gather(struct ctl *ctl, int argc, char **argv, struct json_object *data);

/** Print new lines of the log, without end. */
int log_follow(struct ctl *ctl, const struct ctl_command *command);

/* Commands that print by themselves: */
int watch_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
int metrics_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
int completion_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Print the possible words for the last word of argv. */
int complete_run(struct ctl *ctl, int argc, char **argv);

#endif
