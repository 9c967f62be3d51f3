/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-off: nodes that are ignored, since they and a member do not hear each other. */
#ifndef TOTEM_BACKOFF_H
#define TOTEM_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/*
 * The finding about another node that this node hears, from the last rings without that node: the table in
 * book failure, "Back-off".
 */
enum verdict {
	VERDICT_NONE,     /* no ring left the node out, or the node has become a member, or its accuser has left */
	VERDICT_OURS,     /* this node is the accuser: the other node does not answer it */
	VERDICT_THEIRS,   /* a member is the accuser: it and the other node do not hear each other */
	VERDICT_PARDONED, /* the accuser has sent a pardon: it hears the other node, and a third node is the reason */
	VERDICT_SPENT,    /* pardoned, but the back-off is over. This node still sends its own pardons */
};

/** Return the verdict that follows when a member has left the ring, maybe the accuser. */
static inline enum verdict verdict_left(enum verdict verdict)
{
	return verdict == VERDICT_PARDONED || verdict == VERDICT_SPENT ? VERDICT_SPENT : VERDICT_NONE;
}

/** Return the verdict that follows when the accuser, another member, has sent a pardon. */
static inline enum verdict verdict_pardoned(enum verdict verdict)
{
	return verdict == VERDICT_NONE || verdict == VERDICT_SPENT ? VERDICT_SPENT : VERDICT_PARDONED;
}

/** Return whether the verdict can still keep the node out of the ring. */
static inline bool verdict_stands(enum verdict verdict)
{
	return verdict == VERDICT_OURS || verdict == VERDICT_THEIRS || verdict == VERDICT_PARDONED;
}

/* The back-off of a peer. Other files read only the members verdict and accuser. */
struct backoff {
	enum verdict verdict;
	uint32_t accuser;          /* of the last verdict other than NONE and SPENT, or 0 */
	uint64_t until_ns;         /* end of the back-off. It is in force while this is later than now */
	uint64_t lift_ns;          /* until then neither an answer nor a join of the peer ends the back-off */
	uint64_t next_ns;          /* length of the next back-off */
	uint64_t ask_until_ns;     /* until then this node asks the peer whether it hears this node */
	uint64_t conflict_ns;      /* when a ring was last formed without the peer, though this node heard it */
	uint64_t conflict_members; /* hash of the members of that ring */
	uint32_t conflicts;        /* how many rings of these members were formed without the peer */
	uint32_t pardons;          /* pardons that this node has sent since the verdict */
};

/** Handle a join or leave that arrived: maybe end the back-off of its sender or of a node that it names. */
void backoff_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave);
/**
 * Handle an answer of the peer: the two nodes reach each other. Withdraw an accusation of this node against the peer.
 */
void backoff_answered(struct totem_engine *engine, struct peer *peer);
/** Handle the answer UNWANTED: the peer hears this node, but its ring ignores this node because of another member. */
void backoff_kept_apart(struct totem_engine *engine, struct peer *peer);
/** Handle a pardon: the accuser hears the accused node, and keeps it out because of a third node. */
void backoff_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** Handle the withdrawal of a member's accusation against a node. */
void backoff_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** Return whether the peer is in back-off because it and another member do not hear each other. */
bool backoff_is_unwanted(const struct totem_engine *engine, const struct peer *peer);
/**
 * Return whether to drop the packets of the node. It is in back-off, or this ring is not yet installed at all members,
 * or this node has no link.
 */
bool backoff_is_ignored(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether this node must send no multicast until its back-off ends. It is alone, because a plain node has formed
 * a ring with a node that does not hear this one. Each packet of this node would make that ring gather.
 */
bool backoff_is_quiet(const struct totem_engine *engine);
/**
 * Return whether this node was left out of a ring recently. Then other nodes shall conclude first, so that their ring
 * stays.
 */
bool backoff_yields(const struct totem_engine *engine);
/** Call when the consensus timer of this node has given up node id. */
void backoff_given_up(struct totem_engine *engine, uint32_t id);
/** Note the nodes that the sender of a join has given up. The lists of the join are in join_proc and join_failed. */
void backoff_accuse(struct totem_engine *engine, uint32_t accuser);
void backoff_installed(struct totem_engine *engine); /* call when a configuration has come into force */
void backoff_expired(struct totem_engine *engine);

#endif
