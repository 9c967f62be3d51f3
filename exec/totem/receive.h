/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames and tokens that arrive. */
#ifndef TOTEM_RECEIVE_H
#define TOTEM_RECEIVE_H

#include <stdbool.h>

#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

/* Packets of this batch that are not handled yet. Only receive.c changes the members. */
struct arrivals {
	struct wire_token pending; /* newest valid token of the batch */
	bool has_pending;
	bool is_store_dirty; /* frames have arrived since the aru was computed */
};

/** @return false: the token before the frame installs a ring, and that has yielded. Nothing is done with the frame */
bool receive_frame(struct totem_engine *engine, struct coterie_frame *frame);
void receive_token(struct totem_engine *engine, struct coterie_frame *frame);
/** Finish a batch: compute the aru, deliver, then handle the newest token. */
void receive_settle(struct totem_engine *engine);

#endif
