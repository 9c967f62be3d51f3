/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames and tokens that arrive. */
#ifndef TOTEM_RECEIVE_H
#define TOTEM_RECEIVE_H

struct totem_engine;
struct coterie_frame;

void receive_frame(struct totem_engine *engine, struct coterie_frame *frame);
void receive_token(struct totem_engine *engine, struct coterie_frame *frame);
/** Finish a batch: compute the aru, deliver, then handle the newest token. */
void receive_settle(struct totem_engine *engine);

#endif
