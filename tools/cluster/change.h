/*
 * A change of the cluster on all of its nodes: sessions, facts, plan, steps, and undoing the steps.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_CHANGE_H
#define TOOLS_CLUSTER_CHANGE_H

#include "tools/cluster/agent.h"
#include "tools/cluster/peer.h"
#include "tools/cluster/plan.h"

enum change_outcome {
	CHANGE_PLANNED, /* --dry-run: the plan was made, and no step was run */
	CHANGE_PRINTED, /* --print: the instructions were printed, and no step was run */
	CHANGE_DONE,
	CHANGE_REFUSED, /* the planner has rejected the change, and no file has changed */
	CHANGE_UNDONE,  /* a step has failed, and all steps were undone */
	CHANGE_BROKEN,  /* a step has failed, and some steps could not be undone */
};

struct change {
	struct ctl *ctl;
	struct plan_request request;
	char cluster[WORDS_NAME_MAX + 1]; /* name that request.cluster points to */
	char transport[32];               /* name that request.transport points to */
	struct plan_node *nodes;          /* `count` elements, with the same indices as peers */
	struct peer *peers;
	size_t count;
	const char *shell;    /* command of the remote shell */
	bool is_dry;          /* --dry-run */
	bool is_printed;      /* --print */
	char *old_text;       /* config before the change; NULL: none */
	char *new_text;       /* config after the change */
	uint64_t new_version; /* config-version of the new config */
	uint32_t highest_id;  /* highest id that a node of the config has or had */
	char key_file[4096];  /* path as in the config. "": the default place */
	char state_dir[4096]; /* path as in the config. "": the default */
	char *key;            /* the key in hexadecimal digits, or NULL */

	struct plan plan;
	size_t steps_done;
	bool is_reloaded; /* the ring has applied the new files */
	enum change_outcome outcome;
	struct plan_finding failure; /* describes the step that has failed; text "": none */
	enum step_kind failed_step;
	struct plan_finding *troubles; /* failures while steps were undone */
	size_t trouble_count;
};

/**
 * Make the change: open sessions to all nodes, read their facts, and plan. Unless is_dry is set, run the steps. If a
 * step fails, undo all steps.
 * @return enum ctl_exit; ctl->error is set only if there is no change to show
 */
int change_run(struct change *change);
/** Free everything, and end the sessions. The key is overwritten. */
void change_fini(struct change *change);
/** Add a node. The struct is copied. @return 0; -ENOMEM; -E2BIG: a ring cannot have so many nodes */
int change_add_node(struct change *change, const struct words_node *node, enum plan_role role, uint32_t votes);

/* --- show.c --- */

/** Put the change into the answer of a command, from which text and JSON are made. */
void change_show(const struct change *change, struct json_object *data);

/* --- diff.c --- */

/** Return an array of the lines in which two texts differ, each with "- " or "+ " in front. The caller puts it. */
struct json_object *diff_lines(const char *old_text, const char *new_text);

#endif
