/*
 * A change of the cluster on all of its nodes: sessions, facts, plan, steps, and the way back.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_CHANGE_H
#define TOOLS_CLUSTER_CHANGE_H

#include "tools/cluster/agent.h"
#include "tools/cluster/peer.h"
#include "tools/cluster/plan.h"

enum change_outcome {
	CHANGE_PLANNED, /* --dry-run */
	CHANGE_PRINTED, /* --print */
	CHANGE_DONE,
	CHANGE_REFUSED, /* refused by the planner: no file has changed */
	CHANGE_UNDONE,  /* a step has failed, and all steps were undone */
	CHANGE_BROKEN,  /* a step has failed, and some steps could not be undone */
};

struct change {
	struct ctl *ctl;
	struct plan_request request;
	char cluster[WORDS_NAME_MAX + 1]; /* request.cluster */
	char transport[32];               /* request.transport */
	struct plan_node *nodes;          /* count elements, as peers */
	struct peer *peers;
	size_t count;
	const char *shell;    /* remote shell */
	bool is_dry;          /* --dry-run */
	bool is_printed;      /* --print */
	char *old_text;       /* config before; NULL: none */
	char *new_text;       /* and after */
	uint64_t new_version; /* its config-version */
	uint32_t highest_id;  /* that a node of the config has or had */
	char key_file[4096];  /* as the config names it. "": the default place */
	char state_dir[4096]; /* as the config names it. "": the default */
	char *key;            /* in hexadecimal digits; NULL: none */

	struct plan plan;
	size_t steps_done;
	bool is_reloaded; /* the ring has applied the new files */
	enum change_outcome outcome;
	struct plan_finding failure; /* finding about the step that failed; text "": none */
	enum step_kind failed_step;
	struct plan_finding *troubles; /* failures while steps were undone */
	size_t trouble_count;
};

/**
 * Make the change: open sessions to all nodes, read their facts, plan, and, unless is_dry, run the steps. If one fails,
 * all are undone.
 *
 * @return enum ctl_exit; ctl->error is set only where there is nothing to show
 */
int change_run(struct change *change);
/** Free everything, and end the sessions. The key is overwritten. */
void change_fini(struct change *change);
/** Add a node. Its words are copied. @return 0; -ENOMEM; -E2BIG: more than a ring has */
int change_add_node(struct change *change, const struct words_node *node, enum plan_role role, uint32_t votes);

/* --- show.c --- */

/** Put the change into the answer of a command, from which text and JSON are made. */
void change_show(const struct change *change, struct json_object *data);

/* --- diff.c --- */

/** Return the lines in which two texts differ, each with "- " or "+ " in front, as an array. Caller puts it. */
struct json_object *diff_lines(const char *old_text, const char *new_text);

#endif
