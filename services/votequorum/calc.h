/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arithmetic of votes: the nodes that count, the number of votes that make a quorum, and whether this node has
 * quorum. This module uses no host, clock or map. The rest of the service reads the results from struct vote_calc.
 * Results that the struct does not show are returned as VOTE_… bits.
 *
 * The rules are those of Corosync 3.1.7 (book services, "quorum and votequorum"), so that nodes of one ring agree. Sums
 * have 32 bits and stop at the largest number instead of wrapping around. In Corosync the quorum has only 8 bits. A list
 * of tie-breakers compares with the last majority. Corosync compares with the ring before, so that a half that was
 * refused gains quorum, beside the other one, when its ring forms again.
 */
#ifndef SERVICES_VOTEQUORUM_CALC_H
#define SERVICES_VOTEQUORUM_CALC_H

#include <stdbool.h>
#include <stdint.h>

#include "services/votequorum/messages.h"

/** Bits that describe the results of a change. */
#define VOTE_EXPECTED 1u     /* this node's expected votes rose to told_expected. The caller notifies clients */
#define VOTE_WAITING 2u      /* this node still waits for all nodes. The present votes are in waiting_votes */
#define VOTE_STANDING_OFF 4u /* last_man_standing was turned off: a node has more than one vote */
#define VOTE_UNKNOWN_NODE 8u /* the message was ignored: it is about a node that never sent NODEINFO */
#define VOTE_FORGOTTEN 16u   /* nodes were removed, since there were VOTE_NODES_MAX */

/** The rule that decides which half keeps quorum after an even split. */
enum vote_tie_breaker {
	VOTE_TIE_NONE = 0, /* the numbers are those of runtime.votequorum.atb_type */
	VOTE_TIE_LOWEST = 1,
	VOTE_TIE_HIGHEST = 2,
	VOTE_TIE_LIST = 3,
};

/**
 * The number of nodes that are known at most: the nodes of the ring, of the last majority and of the node list, 384
 * each, and others that have left. When a further node comes, the others are removed.
 */
#define VOTE_NODES_MAX 1280u

/** A node that has sent NODEINFO. */
struct vote_node {
	uint32_t nodeid;
	uint32_t state; /* enum votequorum_wire_state */
	uint32_t votes;
	uint32_t expected_votes;
	uint32_t flags; /* enum votequorum_ring_flag. Unknown bits are kept */
	bool was_here;  /* a member at the last decision by which a majority of votes gave quorum */
};

/** A list of node ids. */
struct vote_list {
	uint32_t *nodeids;
	uint32_t count;
};

/** The options in force. */
struct vote_options {
	bool has_two_node;
	bool has_wait_for_all;
	bool has_last_man_standing;
	bool has_downscale;
	bool has_tracking; /* expected_votes_tracking */
	enum vote_tie_breaker tie_breaker;
	struct vote_list tie_list; /* borrowed. With VOTE_TIE_LIST it has the order of preference */
};

#define VOTE_UNDECIDED_MAX 16u

struct vote_calc {
	uint32_t local; /* node id of this node */
	struct vote_options options;
	struct vote_node *nodes; /* node_count elements, ascending by node id */
	uint32_t node_count, node_capacity;
	uint64_t node_changes;              /* number of times that nodes were added to `nodes` or removed */
	struct vote_list configured;        /* nodes of the node list, which are not removed; ascending */
	struct vote_list members, previous; /* nodes of the present configuration, and of the one before; ascending */
	uint32_t device_votes;
	uint32_t quorum;
	bool is_quorate;
	bool is_waiting;           /* this node waits until all nodes have been members at the same time */
	bool is_master;            /* the device of this node has set "master wins" */
	uint32_t ev_barrier;       /* lower limit for allow_downscale */
	uint32_t tracking_barrier; /* highest number of expected votes so far, for expected_votes_tracking */
	uint32_t lowest, highest;  /* node ids of the members of the last majority, or 0 */
	/*
	 * Deciding nodes of rings whose synchronisation this node has not completed: other members may have noted these
	 * rings as the last majority. 0: there were more than fit, so no tie is won
	 */
	uint32_t undecided[VOTE_UNDECIDED_MAX];
	uint32_t undecided_count, undecided_before; /* before: without the present ring */
	bool is_syncing;                            /* the members exchange their votes, so that no majority is noted */
	uint32_t told_expected;                     /* valid with VOTE_EXPECTED */
	uint32_t waiting_votes;                     /* valid with VOTE_WAITING */
};

/** The number of votes that make a quorum, and the number of present votes. */
struct vote_sum {
	uint32_t quorum;
	uint32_t total;
};

/**
 * Initialise the calculation. The local node is a member with one vote, and has seen no other node (FIRST). @return 0;
 * -ENOMEM
 */
int vote_init(struct vote_calc *calc, uint32_t local);
void vote_fini(struct vote_calc *calc);

/** Find a node. @return borrowed until a node is added or removed; NULL: no such node */
struct vote_node *vote_find(const struct vote_calc *calc, uint32_t nodeid);
/** Return the local node, borrowed until a node is added or removed. */
struct vote_node *vote_local(const struct vote_calc *calc);
/** Return whether an ascending list has a node. */
bool vote_list_has(const struct vote_list *list, uint32_t nodeid);
/** Return the greatest number of expected votes of the members. */
uint32_t vote_highest_expected(const struct vote_calc *calc);
/** Return the number of votes that two parts of the cluster without a common node never have both. */
uint32_t vote_majority(const struct vote_calc *calc);
/**
 * Write the votes of each member.
 * @param votes  room for calc->members.count values, in the order of calc->members
 */
void vote_list_votes(const struct vote_calc *calc, uint32_t *votes);
/** Return the votes of all members, and those of the device if has_device. */
uint32_t vote_total(const struct vote_calc *calc, bool has_device);

/**
 * Compute the quorum without changing calc.
 * @param can_fall the result may be below the present quorum
 * @param expected_max replaces the members' expected votes, unless it is 0
 */
struct vote_sum vote_quorum(const struct vote_calc *calc, bool can_fall, uint32_t expected_max);

/**
 * Compute the quorum again, and whether this node has quorum.
 * @param by_members expected votes become the number of members (last man standing, downscale)
 * @return VOTE_… bits
 */
uint32_t vote_recalculate(struct vote_calc *calc, bool can_fall, bool by_members);

/** A synchronisation begins, and ends. In between each vote_configure is of a ring whose majority is not noted yet. */
void vote_sync_begin(struct vote_calc *calc);
/** @return VOTE_… */
uint32_t vote_sync_end(struct vote_calc *calc);

/** Handle a configuration of the ring. @return 0; 1: a node left; -ENOMEM: nothing changed */
int vote_configure(struct vote_calc *calc, const uint32_t *members, uint32_t count);

/** Handle NODEINFO of a node about itself. @return 0; -ENOMEM: there is no room for a node; *bits VOTE_… */
int vote_nodeinfo(
	struct vote_calc *calc, uint32_t nodeid, uint32_t votes, uint32_t expected, uint32_t flags, uint32_t *bits);
/** Handle NODEINFO of a node about its quorum device. @return VOTE_… */
uint32_t vote_deviceinfo(struct vote_calc *calc, uint32_t sender, uint32_t votes);

/** Set the expected votes of all members. */
void vote_expect(struct vote_calc *calc, uint32_t expected);
/**
 * Set the expected votes of all members after a RECONFIGURE message, which all nodes handle. Clients are notified of
 * `told_expected`. @return VOTE_…
 */
uint32_t vote_reconfigure_expected(struct vote_calc *calc, uint32_t expected);
/** Set the votes of a node, or with nodeid 0 those of the device. An unknown node is ignored. @return VOTE_… */
uint32_t vote_reconfigure_votes(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);
uint32_t vote_cancel_waiting(struct vote_calc *calc);

/** Return whether a client may set these expected votes. */
bool vote_may_expect(const struct vote_calc *calc, uint32_t expected);
/**
 * Check whether a client may set these votes of a node. @return 0; -ENOENT: no such node; -EINVAL
 */
int vote_may_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);
/** Set the votes of a node. @return 0; -ENOENT: no such node */
int vote_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);

/** Return whether the timer of last man standing starts again with this configuration. */
bool vote_window_opens(const struct vote_calc *calc, bool has_left);

/** Set or clear the state of waiting for all nodes, and the flag that shows this state to the other nodes. */
void vote_set_waiting(struct vote_calc *calc, bool is_waiting);

#endif
