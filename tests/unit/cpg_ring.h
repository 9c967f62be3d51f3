/*
 * A ring of CPG services without daemons: each node is a service on a mock host, messages go to
 * everybody in one order, configurations change when the test says so.
 */
#ifndef UNIT_CPG_RING_H
#define UNIT_CPG_RING_H

#include "services/cpg/messages.h"
#include "tests/unit/mock_host.h"

#define CPG_RING_NODES 5

/** One node; ids are 1 .. CPG_RING_NODES. */
struct cpg_node {
	struct coterie_ctx *host; /* NULL: not running */
	void *self;
	uint32_t ring_rep; /* ring it is in; 0: none yet */
	uint64_t ring_seq;
};

struct cpg_ring {
	const struct coterie_service *ops;
	struct cpg_node nodes[CPG_RING_NODES + 1]; /* by node id */
	uint64_t seq;                              /* of the newest ring */
	uint32_t first;   /* whose messages come first in a round; 0: ascending */
	bool has_swapped; /* messages between different nodes change byte order on the way */
};

/** One client of a node. */
struct cpg_user {
	struct cpg_ring *ring;
	uint32_t nodeid;
	struct coterie_client *client; /* NULL: gone */
	uint32_t seen;                 /* events already looked at */
	struct cpg_wire_name group;    /* of the last join */
};

void cpg_ring_init(struct cpg_ring *ring);
/** Stop everything; fails the test when a plugin leaked. */
void cpg_ring_fini(struct cpg_ring *ring);

/** Start a node, or end it without a word to anybody. */
void cpg_ring_start(struct cpg_ring *ring, uint32_t nodeid);
void cpg_ring_kill(struct cpg_ring *ring, uint32_t nodeid);

/** Deliver all queued messages, in each ring to all its members in the same order. */
void cpg_ring_run(struct cpg_ring *ring);

/**
 * Make rings: "1 2 | 3 4" are two. Nodes in none are left alone. Synchronises each to its end.
 * Nodes that come from the same ring are each other's transitional members.
 */
void cpg_ring_form(struct cpg_ring *ring, const char *rings);
/** The same in parts: the start, what happens between, the end. */
void cpg_ring_form_start(struct cpg_ring *ring, const char *rings);
void cpg_ring_form_steps(struct cpg_ring *ring);
void cpg_ring_form_done(struct cpg_ring *ring);

struct cpg_user cpg_user_create(struct cpg_ring *ring, uint32_t nodeid, uint32_t pid);
/** The connection ends. */
void cpg_user_close(struct cpg_user *user);

/** Send a request; the header is filled in. @return the error of the answer; 0: none came */
int32_t cpg_user_request(struct cpg_user *user, int32_t id, void *request, uint32_t size);
int32_t cpg_user_join(struct cpg_user *user, const char *group, uint32_t flags);
int32_t cpg_user_leave(struct cpg_user *user);
/** @return the handler's result */
int cpg_user_mcast(struct cpg_user *user, const char *text);

/** A name as it is on the wire. */
struct cpg_wire_name cpg_wire_name(const void *bytes, uint32_t length);

/**
 * The next event in words, valid until the next call: "confchg grp [1:10 2:20] left [] joined
 * [2:20/1]", "totem 1.5 [1 2]", "deliver grp 1:10 hello", "partial grp 1:10 1 4/8 hell", "" when
 * there is none.
 */
const char *cpg_user_event(struct cpg_user *user);

#endif
