/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring seqs in packets, which may be forged. */
#ifndef TOTEM_CLAIM_H
#define TOTEM_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

/* The limit for a node alone. A ring that was attacked must stay open for nodes with no history. */
#define RING_SEQ_LONE_MAX (TOTEM_RING_SEQ_JUMP_MAX + (UINT64_C(1) << 62))
/* The most that one join may add to the ring seq beyond TOTEM_RING_SEQ_JUMP_MAX. */
#define RING_SEQ_STEP_MAX (UINT64_C(1) << 20)
/* The same for a commit token. Its sender may be a step ahead of this node, and may have believed a join. */
#define RING_SEQ_COMMIT_MAX (3 * RING_SEQ_STEP_MAX)

/* Claims that are far below the ring seq of this node. Only claim.c uses the members. */
struct claim {
	uint64_t low_claim;   /* the highest ring seq heard that was far below that of `ring` */
	uint32_t low_claimer; /* the node that named it last */
	bool has_low_claim;   /* since the last installation */
	bool has_fallen;      /* a ring with a new, lower seq was begun since then */
};

/**
 * Return whether a ring seq of a packet leaves room for many more. Any seq up to TOTEM_RING_SEQ_JUMP_MAX does,
 * for a node alone up to RING_SEQ_LONE_MAX. Above that it may be step_max higher than the ring that this node last
 * committed to. So the packets between two rings cannot add up. An absolute bound would not be enough. One forged
 * packet could take all rings there, and then no node would accept the next one.
 */
bool claim_is_believed(const struct totem_engine *engine, uint64_t ring_seq, uint64_t step_max);
/** Node id has named this ring seq, which is believed. */
void claim_heard(struct totem_engine *engine, uint32_t id, uint64_t ring_seq);
/** Return whether a ring with this seq may follow `ring`. It is higher, unless other nodes may refuse the seq of `ring`. */
bool claim_is_followed(const struct totem_engine *engine, uint64_t ring_seq);
/**
 * Return the seq that the next ring of the nodes in `live` must exceed: the highest of theirs. If it keeps another node
 * out, it is a new number, and a trace says so.
 */
uint64_t claim_next(struct totem_engine *engine);
void claim_installed(struct totem_engine *engine); /* a configuration came into force */

#endif
