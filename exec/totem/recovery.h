/* SPDX-License-Identifier: BSD-3-Clause */
/* The state RECOVERY. */
#ifndef TOTEM_RECOVERY_H
#define TOTEM_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/node_set.h"
#include "exec/totem/ring_id.h"
#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

/*
 * The recovery of the ring that is being formed, and the promise, which outlives the recovery. Only recovery.c changes
 * the members.
 */
struct recovery {
	bool received_flg; /* this node has all frames of the old ring that a companion has */
	/* This node has promised the nodes of `deliver` to deliver all frames that it has received. */
	bool is_promised;
	struct ring_id promise; /* the ring id that this node names as its old ring in later attempts */
	/* This node was ready to install the ring `prepared`: others may have installed it. The last such ring counts. */
	bool is_prepared;
	struct ring_id prepared;
	uint32_t high_ring_delivered; /* highest seq of the old ring that a companion is known to have delivered */
	uint32_t flg_count;           /* visits in a row at which no member owed frames */
	uint32_t rotations;           /* visits in a row at which all members had all frames */
	uint32_t install_seq;         /* frames up to this seq belong to the recovery */
	bool is_flg_mine;             /* this node has set the flag in the token */
	bool has_raised;              /* this node has set it before in this recovery */
	uint32_t visits;              /* visits of the token in this recovery, at most two are counted */
	struct node_set trans;        /* companions: members of the same old ring */
	struct node_set deliver;      /* nodes whose frames are delivered even behind a hole */
	uint64_t features;            /* features that all members of the new ring have; 0: none */
};

void recovery_enter(struct totem_engine *engine);
void recovery_note_received(struct totem_engine *engine, bool is_received); /* set received_flg, in COMMIT */
/** Return whether the representative sets the flag in the ring's first token. */
bool recovery_raise_flag(struct totem_engine *engine);
void recovery_leave(struct totem_engine *engine); /* call when the attempt has failed */
/** Take the old frame out of a frame of the recovery that is not stored yet. false: out of memory, drop the frame. */
bool recovery_frame(struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame);
/**
 * Return whether the flag or a seq must be forged: no member lacks a frame, but the recovery does not end for a long
 * time.
 */
bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token);
/** Do the step of this visit: book membership, "Recovery". Return whether the ring is to be installed now. */
bool recovery_step(struct totem_engine *engine, struct wire_token *token);
/** Return the seq of the promise that this node gives when it is prepared for the ring `prepared`. */
uint64_t recovery_promise_seq(const struct totem_engine *engine);
/** Go back to the end of the recovery of the ring `prepared`, so that it can be installed. */
void recovery_resume(
	struct totem_engine *engine, const struct node_set *trans, uint32_t install_seq, uint64_t features);
void recovery_end(struct totem_engine *engine);      /* call when a ring was installed: its promise is fulfilled */
void recovery_withdraw(struct totem_engine *engine); /* take the promise back: nobody relies on it */

#endif
