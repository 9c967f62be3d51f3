/* SPDX-License-Identifier: BSD-3-Clause */
/* Pass the token on. */
#ifndef TOTEM_PASS_H
#define TOTEM_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

/** End a visit, or such a part: deliver, free frames, tell the user. */
void pass_finish(struct totem_engine *engine, bool was_refused);
void pass_originate(struct totem_engine *engine); /* the first token of a ring */
/** Keep frame (referenced) for retransmission and send it to target. */
void pass_send_saved(struct totem_engine *engine, struct coterie_frame *frame, uint32_t target);
void pass_note_seq(struct totem_engine *engine, uint32_t seq); /* count visits without a new frame */
/** Encode the token of this node and send it to the successor. */
void pass_forward(struct totem_engine *engine);
/**
 * Lower the aru of the token to that of this node, or raise it if this node has lowered it before
 * (book ring, "The aru").
 */
void pass_update_aru(struct totem_engine *engine, struct wire_token *token);

#endif
