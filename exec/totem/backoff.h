/* SPDX-License-Identifier: BSD-3-Clause */
/* The back-off: nodes that are ignored, since they and a member do not hear each other. */
#ifndef TOTEM_BACKOFF_H
#define TOTEM_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;
struct peer;

/* The meaning of the last rings without a node that this node hears: the table in book failure, "Back-off". */
enum verdict {
	VERDICT_NONE,     /* there was no such ring, or the node has become a member, or its accuser has left */
	VERDICT_OURS,     /* this node is the accuser: the node does not answer it */
	VERDICT_THEIRS,   /* another member is the accuser: the two do not hear each other */
	VERDICT_PARDONED, /* that accuser hears it, and keeps it out for the sake of a third node */
	VERDICT_SPENT,    /* the same, but it does not count any more. This node still sends its own pardons */
};

/** Return the verdict after a member has left, maybe the accuser. */
static inline enum verdict verdict_left(enum verdict verdict)
{
	return verdict == VERDICT_PARDONED || verdict == VERDICT_SPENT ? VERDICT_SPENT : VERDICT_NONE;
}

/** Return the verdict after a pardon by the last accuser, which is another member. */
static inline enum verdict verdict_pardoned(enum verdict verdict)
{
	return verdict == VERDICT_NONE || verdict == VERDICT_SPENT ? VERDICT_SPENT : VERDICT_PARDONED;
}

/** Return whether the accuser does not hear the node, as far as this node knows. */
static inline bool verdict_stands(enum verdict verdict)
{
	return verdict == VERDICT_OURS || verdict == VERDICT_THEIRS || verdict == VERDICT_PARDONED;
}

/* The back-off of a peer. Other files read verdict and accuser only. */
struct backoff {
	enum verdict verdict;
	uint32_t accuser;          /* of the last verdict other than NONE and SPENT, or 0 */
	uint64_t until_ns;         /* end of the back-off: later than now only while the verdict stands */
	uint64_t lift_ns;          /* before then neither an answer nor a join of the peer ends the back-off */
	uint64_t next_ns;          /* length of the next back-off */
	uint64_t ask_until_ns;     /* end of the questions whether the peer hears this node */
	uint64_t conflict_ns;      /* last ring that was formed without the peer though this node heard it */
	uint64_t conflict_members; /* hash of the members of that ring */
	uint32_t conflicts;        /* rings of these members that were formed so */
	uint32_t pardons;          /* pardons that this node has sent since the verdict */
};

/** A join or leave arrived: maybe end the back-off of its sender or of a node that it names. */
void backoff_reconsider(struct totem_engine *engine, struct peer *peer, bool is_leave);
/** The peer has answered a question, so both reach each other. Withdraw an accusation of this node against it. */
void backoff_answered(struct totem_engine *engine, struct peer *peer);
/** The peer has answered that it hears this node, but that its ring ignores this node for another member's sake. */
void backoff_kept_apart(struct totem_engine *engine, struct peer *peer);
/** A member says that it hears a node, and keeps it out for the sake of a third one. */
void backoff_pardoned(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** A member withdraws its accusation against a node. */
void backoff_retracted(struct totem_engine *engine, uint32_t accuser, uint32_t accused);
/** Return whether the peer is in back-off because it and another member do not hear each other. */
bool backoff_is_unwanted(const struct totem_engine *engine, const struct peer *peer);
/** Return whether to drop what the node sends: it is in back-off, or this ring is not yet installed at all members,
 * or this node has no link. */
bool backoff_is_ignored(const struct totem_engine *engine, uint32_t id);
/**
 * Return whether this node must send no multicast until its back-off ends. It is alone, because a plain node
 * prefers a node that does not hear this one. Each packet of this node would make their ring gather.
 */
bool backoff_is_quiet(const struct totem_engine *engine);
/** Return whether other nodes shall conclude first, so that their ring stays: this node was left out recently. */
bool backoff_yields(const struct totem_engine *engine);
void backoff_given_up(struct totem_engine *engine, uint32_t id); /* by our own consensus timer */
/** Note the nodes that the sender of a join (lists in join_proc, join_failed) has given up. */
void backoff_accuse(struct totem_engine *engine, uint32_t accuser);
void backoff_installed(struct totem_engine *engine); /* a configuration came into force */
void backoff_expired(struct totem_engine *engine);

#endif
