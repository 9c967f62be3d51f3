/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow control, and the frames of a visit. */
#ifndef TOTEM_FLOW_H
#define TOTEM_FLOW_H

#include <stdint.h>

#include "exec/totem/window.h"
#include "exec/totem/wire.h"

struct totem_engine;

/* The frames of this visit and of the last one. Only flow.c changes the members. */
struct flow {
	uint32_t trc;         /* frames that this node sent at its last visit */
	uint32_t pbl;         /* frames that waited at the last visit */
	uint32_t sent;        /* new and repeated frames of the current visit */
	uint32_t fresh;       /* the new ones among `sent` */
	uint32_t this_seqno;  /* number of the next new frame */
	struct window window; /* of the ring whose token runs */
};

/** Call when COMMIT is entered: this node has sent no frame in the ring. */
void flow_begin(struct totem_engine *engine);
/**
 * Begin the window of a new ring: see window_begin(). `rotations`: for how many rotations frames may wait in a receive
 * buffer.
 */
void flow_begin_window(struct totem_engine *engine, uint32_t capacity, uint32_t rotations);
void flow_begin_visit(struct totem_engine *engine);
void flow_note_repeated(struct totem_engine *engine, uint32_t count); /* count frames that this visit sends again */

/** Return how many frames are worth keeping in a queue of `total` frames: see struct totem_queue. */
uint32_t flow_wanted(const struct totem_engine *engine, uint32_t total);
/** Return how many frames all members together may send in a rotation. */
uint32_t flow_window_size(const struct totem_engine *engine, const struct wire_token *token);
/** Choose the window of the next rotation, if this node is the representative. */
void flow_steer(struct totem_engine *engine, struct wire_token *token);
/** Return how many frames this visit may send by the window and by max_messages. */
uint32_t flow_window(const struct totem_engine *engine, const struct wire_token *token);
/**
 * Return how many frames this visit may send by flow_window and by its share of the backlog: book ring, "Flow control".
 */
uint32_t flow_allowed(const struct totem_engine *engine, const struct wire_token *token, uint32_t waiting);
/**
 * Return how many of the allowed frames may be new ones. The store keeps all frames between the aru of the slowest
 * member and the newest frame. If the stores have no room, by STORE_WINDOW and STORE_BYTES_MAX, return 0: a visit then
 * only sends frames that were requested, which makes room.
 */
uint32_t flow_allowed_new(const struct totem_engine *engine, const struct wire_token *token, uint32_t allowed);
/** Correct fcc and backlog in the token of an idle ring, where a lost or forged token has left wrong values. */
void flow_heal(const struct totem_engine *engine, struct wire_token *token);
void flow_account(struct totem_engine *engine, struct wire_token *token, uint32_t waiting);
uint32_t flow_waiting(const struct totem_engine *engine); /* return how many frames wait (cbl) */
void flow_flush(struct totem_engine *engine);
/**
 * Give seqs to up to `allowed` waiting frames, and put these into the outbox. Return how many. `fresh` and `sent` count
 * them.
 */
uint32_t flow_send(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);

#endif
