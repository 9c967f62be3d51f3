/*
 * The arithmetic of votes: who counts, how many votes make a quorum, and whether this node has one.
 * Pure: no host, no clock, no map. The rest of the service looks at the verdict and the values
 * afterwards; what they do not show comes back as VOTE_… bits.
 *
 * The rules are those of Corosync 3.1.7 (book services, "quorum and votequorum"), or two nodes of
 * one ring would disagree. Sums are of 32 bits and stop at the greatest number instead of wrapping
 * around; the reference cuts the quorum to 8.
 */
#ifndef SERVICES_VOTEQUORUM_CALC_H
#define SERVICES_VOTEQUORUM_CALC_H

#include <stdbool.h>
#include <stdint.h>

#include "services/votequorum/messages.h"

/** What a change brings about. */
#define VOTE_EXPECTED 1u     /* own expected votes rose to told_expected: clients hear of it */
#define VOTE_WAITING 2u      /* still waiting for all nodes, with waiting_votes so far */
#define VOTE_STANDING_OFF 4u /* last_man_standing is over: a node has more than one vote */
#define VOTE_UNKNOWN_NODE 8u /* told of a node that never told of itself: nothing was done */

/** Which half of an even split goes on. */
enum vote_tie_breaker {
	VOTE_TIE_NONE = 0, /* the numbers are those of runtime.votequorum.atb_type */
	VOTE_TIE_LOWEST = 1,
	VOTE_TIE_HIGHEST = 2,
	VOTE_TIE_LIST = 3,
};

/** A node that was heard of; never forgotten. */
struct vote_node {
	uint32_t nodeid;
	uint32_t state; /* enum votequorum_wire_state */
	uint32_t votes;
	uint32_t expected_votes;
	uint32_t flags; /* enum votequorum_ring_flag; unknown bits are kept */
};

/** Node ids. */
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
	struct vote_list tie_list; /* borrowed; VOTE_TIE_LIST: in the order of preference */
};

struct vote_calc {
	uint32_t local; /* node id */
	struct vote_options options;
	struct vote_node *nodes; /* node_count, ascending */
	uint32_t node_count, node_capacity;
	struct vote_list members, previous; /* of the last two configurations; ascending */
	uint32_t device_votes;
	uint32_t quorum;
	bool is_quorate;
	bool is_waiting;           /* for all nodes, once */
	bool is_master;            /* this node's device said: master wins */
	uint32_t ev_barrier;       /* allow_downscale does not go below */
	uint32_t tracking_barrier; /* the most expected votes ever seen */
	uint32_t lowest, highest;  /* of the members of the last quorate decision */
	uint32_t told_expected;    /* with VOTE_EXPECTED */
	uint32_t waiting_votes;    /* with VOTE_WAITING */
};

/** A quorum, and the votes that are there. */
struct vote_sum {
	uint32_t quorum;
	uint32_t total;
};

/** @return 0; -ENOMEM. The local node is a member with one vote, and has seen nobody (FIRST). */
int vote_init(struct vote_calc *calc, uint32_t local);
void vote_fini(struct vote_calc *calc);

/** @return borrowed until a node is added; NULL: never heard of */
struct vote_node *vote_find(const struct vote_calc *calc, uint32_t nodeid);
/** The local node; borrowed until a node is added. */
struct vote_node *vote_local(const struct vote_calc *calc);
bool vote_list_has(const struct vote_list *list, uint32_t nodeid);
/** Greatest number of expected votes of the members. */
uint32_t vote_highest_expected(const struct vote_calc *calc);
/** Votes of the members, and the device's if has_device. */
uint32_t vote_total(const struct vote_calc *calc, bool has_device);

/**
 * The quorum as it would be now.
 *
 * @param can_fall      it may be lower than the one in force
 * @param expected_max  counts instead of what members expect; 0: they do
 */
struct vote_sum vote_quorum(const struct vote_calc *calc, bool can_fall, uint32_t expected_max);

/**
 * Work out quorum and verdict again.
 *
 * @param by_members  expected votes become the number of members (last man standing, downscale)
 * @return VOTE_… bits
 */
uint32_t vote_recalculate(struct vote_calc *calc, bool can_fall, bool by_members);

/** A configuration of the ring. @return 0; 1: somebody left; -ENOMEM: nothing changed */
int vote_configure(struct vote_calc *calc, const uint32_t *members, uint32_t count);

/** A node tells of itself. @return 0; -ENOMEM; *bits VOTE_… */
int vote_nodeinfo(struct vote_calc *calc, uint32_t nodeid, uint32_t votes, uint32_t expected,
	uint32_t flags, uint32_t *bits);
/** A node tells of its quorum device. @return VOTE_… */
uint32_t vote_deviceinfo(struct vote_calc *calc, uint32_t sender, uint32_t votes);

/** Expected votes of all members at once. */
void vote_expect(struct vote_calc *calc, uint32_t expected);
/** The same as all nodes do it together; clients are told `told_expected`. @return VOTE_… */
uint32_t vote_reconfigure_expected(struct vote_calc *calc, uint32_t expected);
/** nodeid 0: the device. An unknown node is ignored. @return VOTE_… */
uint32_t vote_reconfigure_votes(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);
uint32_t vote_cancel_waiting(struct vote_calc *calc);

/** May a client set expected votes so? */
bool vote_may_expect(const struct vote_calc *calc, uint32_t expected);
/** May a client set a node's votes so? @return 0; -ENOENT: no such node; -EINVAL */
int vote_may_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);
/** Set them. @return 0; -ENOENT */
int vote_set(struct vote_calc *calc, uint32_t nodeid, uint32_t votes);

/** True when the window of last man standing starts anew with this configuration. */
bool vote_window_opens(const struct vote_calc *calc, bool has_left);

/** Set or clear the waiting for all, and the flag that tells others. */
void vote_set_waiting(struct vote_calc *calc, bool is_waiting);

#endif
