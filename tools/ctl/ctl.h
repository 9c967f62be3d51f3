/*
 * coterie-ctl: one command for people and programs, with text and JSON from one set of facts
 * (book configuration, "Programs").
 *
 * A command gathers its answer into a JSON object, of the shape that the published schema gives it; that is
 * printed as it is, or shown as text by the command's own print function. Everything comes through the
 * public client libraries, so that it works, with fewer facts, against a Corosync daemon as well.
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
	CTL_FOUND_WARNINGS = 10, /* of doctor */
	CTL_FOUND_ERRORS = 11,
	CTL_USAGE = 64,
};

enum ctl_format {
	CTL_TEXT,
	CTL_JSON,  /* one document, indented */
	CTL_JSONL, /* one document a line */
};

/** What the answer of a service comes through. */
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
	int code;       /* enum ctl_exit; 0: none */
	char text[512]; /* what, and why */
	char hint[256]; /* what to do; may be empty */
};

struct ctl {
	enum ctl_format format;
	const char *instance; /* NULL: the default one */
	uint32_t timeout_s;
	bool is_watching;
	double watch_s; /* seconds between looks; 0: when something changes */
	bool is_quiet, is_verbose, has_color;
	bool is_confirmed; /* --yes: ask nothing */
	const char *node_name; /* this node in a file that is read, or NULL */
	const char *nodes; /* of --nodes: "all", or ids and names; NULL: this one */
	uint32_t asked;        /* the node whose answer is being made; 0: this one */
	struct remote *remote; /* what facts come through; NULL: from this node */
	struct follow *follow; /* what is to be shown behind the answer as it comes; NULL: nothing */
	FILE *out;         /* standard output, or what a watch compares */
	struct ctl_error error;
	struct json_object *warnings; /* texts, beside the answer; NULL: none */

	bool is_open[CTL_SERVICES];
	cmap_handle_t config, stats;
	corosync_cfg_handle_t cfg;
	quorum_handle_t quorum;
	votequorum_handle_t votes;
	cpg_handle_t cpg;
};

#define CTL_REPEATABLE 1u /* --watch makes sense */
#define CTL_OF_NODES 2u   /* --nodes does: all of the answer is made of facts, which any node can tell */
#define CTL_ASKS_NODES 4u /* --nodes does, and is the command's own business: one answer for all */

struct ctl_command {
	const char *name;      /* one or two words */
	const char *arguments; /* for the usage text; "" */
	const char *help;      /* one line */
	unsigned int flags;    /* CTL_* above */
	/**
	 * Fill data. argv: the words behind the name, options of the command included.
	 * @return enum ctl_exit; ctl->error is set when there is no answer
	 */
	int (*gather)(struct ctl *ctl, int argc, char **argv, struct json_object *data);
	void (*print)(const struct ctl *ctl, struct json_object *data); /* NULL: data.text */
	/** In place of both: what prints by itself. ctl->error is set when it has not. @return enum ctl_exit */
	int (*run)(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
};

/* ctl.c */

/** All commands, ended by one without a name. */
const struct ctl_command *ctl_commands(void);
/** The command that these words begin with, or NULL. words: how many of them name it. */
const struct ctl_command *ctl_find_command(const char *first, const char *second, int *words);

/* answer.c */

/** Run a command and print what it answers, or why there is no answer. @return exit status */
int answer_once(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** The same whenever it changes, until the daemon has gone. */
int answer_watch(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Run a command on a copy of the words, which it may change. */
int answer_gather(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv, struct json_object *data);
/** Print data, which is taken, or ctl->error when that is set. */
void answer_print(struct ctl *ctl, const struct ctl_command *command, struct json_object *data);
/** End the process with CTL_TIMED_OUT, which is said, if it still runs after ctl->timeout_s. alarm(0) ends that. */
void answer_limit(const struct ctl *ctl, const struct ctl_command *command);

/* nodes.c */

/** answer_once for each node of ctl->nodes. */
int nodes_answer(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** Are all words of ctl->nodes among the members? @return 0; the exit status with ctl->error set */
int nodes_check(struct ctl *ctl, struct json_object *members);
/** Is a node meant by --nodes? nodes: as of fact_nodes. */
bool nodes_has(const struct ctl *ctl, struct json_object *nodes, uint32_t nodeid);

/* matrix.c */

/** Give each of members_all a list "hears", where it can be asked, and all a list "heard_by". */
void matrix_put(struct ctl *ctl, struct json_object *members);
/** Nothing if the members have no such lists. */
void matrix_print(const struct ctl *ctl, struct json_object *members);

/* connect.c */

/** Connect to a service unless we are. @return 0, or the exit status with ctl->error set */
int ctl_open(struct ctl *ctl, enum ctl_service service);
/** The same for an answer that is poorer without it: no error is left behind. */
bool ctl_try(struct ctl *ctl, enum ctl_service service);
void ctl_close(struct ctl *ctl);
/** Set ctl->error. hint may be NULL. @return code */
int ctl_fail(struct ctl *ctl, int code, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/** Something to say beside the answer. */
void ctl_warn(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The same for what a library call answered. what: the thing that did not work out. */
int ctl_fail_cs(struct ctl *ctl, const char *what, cs_error_t error);
/** The same for a connection that failed. service: its IPC name. */
int ctl_fail_connect(struct ctl *ctl, const char *service, cs_error_t error);

/* facts.c, source.c: what several commands tell. Objects are returned, caller frees or adds them. */

/** Text of a key, or NULL; caller frees. */
char *fact_text(struct ctl *ctl, enum ctl_service map, const char *key);
/** Number of a key, or otherwise. */
int64_t fact_number(struct ctl *ctl, enum ctl_service map, const char *key, int64_t otherwise);
/** Value of any type, or NULL; *type may be NULL. */
struct json_object *fact_value(struct ctl *ctl, enum ctl_service map, const char *key,
	cmap_value_types_t *type);
const char *fact_type_name(cmap_value_types_t type);
cmap_value_types_t fact_type(const char *name); /* the other way round; CMAP_VALUETYPE_BINARY if none */
/** Call each(key) for all keys that begin so, until it returns false. */
void fact_each(struct ctl *ctl, enum ctl_service map, const char *prefix,
	bool (*each)(void *arg, const char *key), void *arg);

/** The same facts for answers that are made elsewhere, too (plugins/common). Borrows ctl. */
struct metrics_source ctl_source(struct ctl *ctl);
/** As of answers_nodes. */
struct json_object *fact_nodes(struct ctl *ctl);
/** As of answers_members_list. */
struct json_object *fact_members(struct ctl *ctl);
/** The node of this name or number; 0: there is none. */
uint32_t fact_find_node(struct json_object *nodes, const char *word);
uint32_t fact_local(struct ctl *ctl);
/** What the transport tells of a node; all zero if nothing. */
bool fact_status(struct ctl *ctl, uint32_t nodeid, struct corosync_cfg_node_status_v1 *status);
/** 1, 0, or -1: no provider, or nobody to ask. */
int fact_quorate(struct ctl *ctl);

/* commands, one file each */
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

/** Show lines of the log as they come, forever. */
int log_follow(struct ctl *ctl, const struct ctl_command *command);

/* Those that print by themselves. */
int watch_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
int metrics_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
int completion_run(struct ctl *ctl, const struct ctl_command *command, int argc, char **argv);
/** What may stand in place of the last word. */
int complete_run(struct ctl *ctl, int argc, char **argv);

#endif
