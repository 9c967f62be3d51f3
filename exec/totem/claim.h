/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring seqs in packets, which may be forged. */
#ifndef TOTEM_CLAIM_H
#define TOTEM_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

#define RING_SEQ_STEP 4u /* from the highest seq of the candidates to that of their ring */
/* The limit for a node that is alone. Such a node must be able to join a ring whose seq an attacker has raised. */
#define RING_SEQ_LONE_MAX (TOTEM_RING_SEQ_JUMP_MAX + (UINT64_C(1) << 62))
/*
 * The ring seq in a join may be above a limit by at most this number. The limit is TOTEM_RING_SEQ_JUMP_MAX, or this
 * node's own ring seq if that is higher.
 */
#define RING_SEQ_STEP_MAX (UINT64_C(1) << 20)
/*
 * The same limit for a commit token and for packets of other rings. Their sender may be one step ahead of this node,
 * and may have accepted a join that is one step higher.
 */
#define RING_SEQ_COMMIT_MAX (3 * RING_SEQ_STEP_MAX)

/* Claims that are far below the ring seq of this node. Only claim.c uses the members. */
struct claim {
	uint64_t low_claim;   /* the highest of those ring seqs in packets that were far below that of `ring` */
	uint32_t low_claimer; /* the node that sent it last */
	bool has_low_claim;   /* one was received since the last installation */
	bool has_fallen;      /* since that installation a ring with a new, lower seq was begun */
};

/**
 * Return whether a ring seq of a packet leaves room for many more. Any seq up to TOTEM_RING_SEQ_JUMP_MAX does, and for
 * a node alone any up to RING_SEQ_LONE_MAX. A higher one may be at most step_max above the ring that this node
 * committed to last. So packets between two rings can raise the seq only once. An absolute limit would not be enough:
 * one forged packet could take all rings to it, and then no node would accept the next one.
 */
bool claim_is_believed(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max);
/** Note that node id has sent this ring seq, which is believed. */
void claim_heard(struct totem_engine *engine, uint32_t id, uint64_t ring_seq);
/**
 * Return whether a ring with this seq may follow `ring`: it must be higher, unless other nodes may refuse the seq of
 * `ring`.
 */
bool claim_is_followed(const struct totem_engine *engine, uint64_t ring_seq);
/** Return the highest seq that this node or a node in `live` has claimed. */
uint64_t claim_highest(const struct totem_engine *engine);
/**
 * Return the seq that the next ring of the nodes in `live` must exceed: the highest of theirs. If that would keep
 * another node out, return a new, lower number, and trace it.
 */
uint64_t claim_next(struct totem_engine *engine);
void claim_installed(struct totem_engine *engine); /* call when a configuration has come into force */

#endif
