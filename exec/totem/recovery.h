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

/* The recovery of the ring that is being formed, and the promise that outlives it. Only recovery.c changes the members. */
struct recovery {
	bool received_flg;            /* this node has all frames of the old ring that a companion has */
	bool is_promised;             /* it has promised the nodes of `deliver` to deliver what it received */
	struct ring_id promise;       /* the old ring that this node names in later attempts */
	uint32_t high_ring_delivered; /* highest seq of the old ring that a companion is known to have delivered */
	uint32_t flg_count;           /* visits in a row without a member that owes frames */
	uint32_t rotations;           /* visits in a row at which all members had all frames */
	uint32_t install_seq;         /* frames up to this seq belong to the recovery */
	bool is_flg_mine;             /* this node has set the flag of the token */
	struct node_set trans;        /* companions: members of the same old ring */
	struct node_set deliver;      /* nodes whose frames behind a hole are delivered */
	uint64_t features;            /* that all members of the new ring have; 0: none */
};

void recovery_enter(struct totem_engine *engine);
void recovery_note_received(struct totem_engine *engine, bool is_received); /* in COMMIT: see received_flg */
/** Set the flag of the first token of this ring if this node owes frames. Return whether it is set. */
bool recovery_raise_flag(struct totem_engine *engine);
void recovery_leave(struct totem_engine *engine); /* the attempt failed */
/** Take the old frame out of a frame of the recovery that is not stored yet. false: no memory, drop it. */
bool recovery_frame(struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame);
/** Return whether the flag or a seq was forged: no member lacks a frame, but the recovery does not end for long. */
bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token);
void recovery_step(struct totem_engine *engine, struct wire_token *token); /* may install */

#endif
