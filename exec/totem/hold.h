/* SPDX-License-Identifier: BSD-3-Clause */
/* A token that is here and kept. */
#ifndef TOTEM_HOLD_H
#define TOTEM_HOLD_H

struct totem_engine;
struct coterie_frame;

/** Send what waits, then send on a token that the representative holds. */
void hold_let_go(struct totem_engine *engine);
/** Send what was queued since the visit, as a part of it. The token is still here. */
void hold_send_late(struct totem_engine *engine);
void hold_wake(struct totem_engine *engine); /* a message waits to be sent */
void hold_cancelled(struct totem_engine *engine, struct coterie_frame *frame);
/** After the end of a visit that keeps the token: let it go if a frame could not be delivered. */
void hold_settle(struct totem_engine *engine);
void hold_turn(struct totem_engine *engine); /* messages wait, or the time is over */

#endif
