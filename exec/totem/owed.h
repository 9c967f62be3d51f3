/* SPDX-License-Identifier: BSD-3-Clause */
/* The frames of the old ring that this node sends again in RECOVERY. */
#ifndef TOTEM_OWED_H
#define TOTEM_OWED_H

#include <stdint.h>

struct totem_engine;
struct store_slot;

/* A queue of seqs of the old ring, whose slots are marked is_owed. Only owed.c changes the members. */
struct owed {
	uint32_t next, end; /* the marks are behind next, up to end */
	uint32_t count;     /* slots with a mark */
};

void owed_begin(struct totem_engine *engine, uint32_t after); /* owe all frames that are here behind that seq */
void owed_forget(struct totem_engine *engine);
/** Return the slot with the lowest seq. At least one is owed. */
struct store_slot *owed_first(struct totem_engine *engine);
void owed_sent(struct totem_engine *engine, struct store_slot *slot); /* slot: from owed_first() */
void owed_drop(struct totem_engine *engine, struct store_slot *slot); /* another member has sent it */

#endif
