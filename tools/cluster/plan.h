/*
 * From the facts of all nodes, make the steps of a change, or find the reasons against it. The planner uses no files,
 * no clock and no network.
 *
 * A change has phases. Each phase is done on all nodes that it concerns before the next phase begins. So all errors
 * that can be found without a change are found before any change:
 *
 *   1. Check the facts of all nodes: this file.
 *   2. Store the key on nodes that have none, and the new config as coterie.conf.new.
 *   3. Check that file on each node with coterie -t.
 *   4. Rename it to coterie.conf on all nodes.
 *   5. In a running ring: check all files, then reload on all nodes or on none.
 *   6. Stop the daemon of a removed node, and rename its files. Start the daemons of new nodes if this is requested.
 *
 * If any phase fails, the change is undone on all nodes.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TOOLS_CLUSTER_PLAN_H
#define TOOLS_CLUSTER_PLAN_H

#include "tools/cluster/conf.h"
#include "tools/cluster/words.h"

enum {
	PLAN_TEXT_MAX = 512,
	PLAN_PROTOCOL = 2, /* protocol number of the helper on a node. Helpers with other numbers are rejected */
};
#define OPEN_REMEDY "give the folder and those above it to root, with mode 0755"

/** The facts of a node. The texts come from another host, so they are only shown and compared. */
struct node_facts {
	bool is_reached;
	char error[PLAN_TEXT_MAX]; /* why the facts are not known */
	uint32_t protocol;
	char version[32];                /* version of Coterie on that node */
	char daemon[PLAN_TEXT_MAX];      /* "": the daemon's program exists; otherwise why it cannot be run */
	char folder[256];                /* folder of the node's config */
	char write_error[PLAN_TEXT_MAX]; /* "": the folder can be written */
	char file[256];                  /* path of the node's config */
	bool has_config;
	bool has_corosync_config;
	char *config;             /* text of the node's config, which the caller frees. NULL: none */
	bool has_key;             /* there is a key that the node's daemon would use */
	char key_file[256];       /* path of that key */
	bool is_locked;           /* another change is in progress */
	bool is_open;             /* other users can change the folder of the config */
	bool is_running;          /* a daemon answers */
	bool is_corosync;         /* the running daemon is Corosync's */
	char cluster[128];        /* cluster name of the running daemon */
	uint32_t id;              /* node id of the running daemon */
	uint64_t running_version; /* config-version of the running daemon */
	bool is_quorate;
	uint64_t members[WORDS_NODES_MAX]; /* ids in the running daemon's ring */
	size_t member_count;
};

enum plan_role {
	ROLE_STAYS,
	ROLE_JOINS,
	ROLE_LEAVES,
};

struct plan_node {
	struct words_node node;
	uint32_t votes;
	enum plan_role role;
	struct node_facts facts;
};

enum plan_change {
	PLAN_CREATE,
	PLAN_NODE_ADD,
	PLAN_NODE_REMOVE,
	PLAN_LINK_ADD,
};

struct plan_request {
	enum plan_change change;
	const char *cluster;  /* name of the cluster. "": not known */
	const char *old_text; /* the config from which the change was made. NULL: there was none */
	const char *transport;
	bool is_encrypted;
	bool is_two_node; /* two_node of the present config */
	bool has_device;  /* the config has a quorum device, or another option in place of two_node */
	bool has_expected_votes;
	bool is_forced;
	bool is_started; /* the option --start is set */
};

enum step_kind {
	STEP_KEY,          /* store the key on nodes without one */
	STEP_WRITE,        /* write coterie.conf.new */
	STEP_TEST,         /* run coterie -t with the new config */
	STEP_PLACE,        /* rename coterie.conf.new to coterie.conf */
	STEP_RELOAD_CHECK, /* one node has all nodes of the ring check their files */
	STEP_RELOAD,
	STEP_STOP,   /* stop the daemon of a node that leaves */
	STEP_RETIRE, /* rename the config and the key of a node that leaves */
	STEP_START,
	STEP_KINDS,
};

struct plan_step {
	enum step_kind kind;
	size_t node; /* index of the node */
};

struct plan_finding {
	size_t node; /* index of the node. SIZE_MAX: it concerns the cluster */
	char text[PLAN_TEXT_MAX];
	char remedy[PLAN_TEXT_MAX]; /* action for a person. "": none */
};

struct plan {
	struct plan_step *steps;
	size_t step_count;
	struct plan_finding *refusals; /* reasons against the change. If there is one, no step is run */
	size_t refusal_count;
	struct plan_finding *notes; /* notes, which are printed and do not prevent the change */
	size_t note_count;
};

/**
 * Make the plan. Call plan_fini also after an error.
 * @param nodes  borrowed; all nodes of the cluster before and after the change, in the order of the file
 * @return 0, also if the change is rejected; -ENOMEM
 */
int plan_make(const struct plan_request *request, const struct plan_node *nodes, size_t count, struct plan *plan);
void plan_fini(struct plan *plan);

/** Return the name of a step, which JSON and the protocol use: "write". */
const char *plan_step_name(enum step_kind kind);

/**
 * Return whether the remaining ring keeps quorum when one node leaves. Votes of a quorum device do not count.
 * @param leaving  index of the node
 * @param why  out: the reason against it, with the numbers
 */
bool plan_keeps_quorum(const struct plan_request *request, const struct plan_node *nodes, size_t count, size_t leaving,
	char *why, size_t size);

#endif
