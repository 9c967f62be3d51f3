/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether to accept another node's word that a member has failed. */
#ifndef TOTEM_BELIEF_H
#define TOTEM_BELIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/ring_id.h"

struct totem_engine;
struct peer;

/* The last recovery that this node has left without success. Only belief.c changes the members. */
struct belief {
	uint64_t recovery_ns; /* since when it has waited for its members, without a pause; 0: no recovery */
	struct ring_id recovery;
};

/** Return whether this node has waited for members of its last ring for its consensus timeout. */
bool belief_is_patience_over(const struct totem_engine *engine);
/**
 * Return the latest time at which the lease of the peer can end, computed from its last contact with this node. 0: this
 * node need not wait for it, since the peer was in no ring with it.
 */
uint64_t belief_lease_end_ns(const struct totem_engine *engine, const struct peer *peer);
/**
 * Call before RECOVERY is left without success. Other members may have completed the recovery, and have a lease. What
 * their joins said before does not count any more, but for the one of node `teller` that has just arrived; 0: none has.
 */
void belief_note_recovery(struct totem_engine *engine, uint32_t teller);
/**
 * Note the mark in a join of the peer with this ring seq. A late join may say that the peer has just started, though it
 * is in a ring by now: such a mark does not count.
 */
void belief_note_mark(const struct totem_engine *engine, struct peer *peer, uint32_t mark, uint64_t ring_seq);
void belief_forget_recovery(struct totem_engine *engine); /* call when a ring is installed */
/** Note that this node did not run for so long, and has waited for no member of a recovery in that time. */
void belief_note_stall(struct totem_engine *engine, uint64_t stall_ns);
void belief_wait_again(struct totem_engine *engine); /* wait for members of a recovery from now on */
/**
 * Return whether to accept that node id has failed, as a join of node `from` with this ring seq says. Its word counts if
 * it knows the same leases as this node, unless this node has answered node id later.
 */
bool belief_of_member(const struct totem_engine *engine, uint32_t from, uint64_t ring_seq, uint32_t id);
/**
 * Return whether to accept that node id has failed, as any join says: book membership, "Joins". A node that has not
 * agreed yet counts as failed then. Without this rule two groups that meet, while one of them waits for a node, might
 * never agree: their timers would expire one after the other. (Corosync ignores the list of a stranger.)
 */
bool belief_of_stranger(const struct totem_engine *engine, uint32_t id);

#endif
