/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of the old ring that this node sends again in RECOVERY. */
#ifndef TOTEM_OWED_H
#define TOTEM_OWED_H

#include <stdint.h>

struct totem_engine;
struct store_slot;

/*
 * The frames of the old ring that this node must send: their slots are marked is_owed. Only owed.c changes the members.
 */
struct owed {
	uint32_t next, end; /* all marked seqs are above next, and at most end */
	uint32_t count;     /* slots that are marked */
};

/** Mark all frames of the store with a seq above `after`. */
void owed_begin(struct totem_engine *engine, uint32_t after);
void owed_forget(struct totem_engine *engine);
/** Return the marked slot with the lowest seq. There must be one. */
struct store_slot *owed_first(struct totem_engine *engine);
void owed_sent(struct totem_engine *engine, struct store_slot *slot); /* remove the mark; slot: from owed_first() */
/** Remove the mark, since another member has sent the frame. */
void owed_drop(struct totem_engine *engine, struct store_slot *slot);

#endif
