/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending the token on. */
#ifndef TOTEM_PASS_H
#define TOTEM_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

/*
 * The token that is here, or was here last. Only pass.c changes the members. token.c and hold.c also write `token`, by
 * the pointer that pass_take() returned.
 */
struct pass {
	struct wire_token token;     /* as this node sent it, or will send it */
	struct coterie_frame *saved; /* the last token or commit token, encoded, for retransmission */
	uint32_t saved_target;
	uint64_t sent_ns;    /* when the token was sent to the successor */
	uint32_t tseq;       /* token_seq of the last token that was accepted */
	uint32_t seen_seq;   /* seq of the last token that was accepted */
	uint32_t unchanged;  /* visits in a row at which seen_seq did not change */
	uint64_t changed_ns; /* when seen_seq changed last */
	bool was_refused;    /* a message was refused before this visit */
};

void pass_begin(struct totem_engine *engine); /* call when RECOVERY is entered: there is no token yet */
/** Begin a visit: copy the accepted token. Return the copy, into which this visit writes. */
struct wire_token *pass_take(struct totem_engine *engine, const struct wire_token *token);
/** Forget the copy for retransmission, since this node keeps the token. */
void pass_keep(struct totem_engine *engine);
/** Note that a member has something to send, so that the ring is not idle. */
void pass_note_busy(struct totem_engine *engine);

/** End a visit, or a late part of it: deliver messages, free frames, call back the user. */
void pass_finish(struct totem_engine *engine, bool was_refused);
void pass_originate(struct totem_engine *engine, bool has_flag); /* send the first token of a ring */
/** Keep the frame for retransmission (with a reference), and send it to target. */
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
