/* SPDX-License-Identifier: BSD-3-Clause */
/* The token while this node keeps it. */
#ifndef TOTEM_HOLD_H
#define TOTEM_HOLD_H

struct totem_engine;
struct coterie_frame;

/** Send the frames that wait, then send on the token that this node holds. */
void hold_let_go(struct totem_engine *engine);
/** Send the messages that were queued since the visit, as a part of it. The token is still here. */
void hold_send_late(struct totem_engine *engine);
void hold_wake(struct totem_engine *engine); /* call when a message waits to be sent */
void hold_cancelled(struct totem_engine *engine, struct coterie_frame *frame);
/** After a visit that keeps the token: send the token on if a frame could not be delivered. */
void hold_settle(struct totem_engine *engine);
void hold_turn(struct totem_engine *engine); /* call when messages wait, or when the time to keep the token is over */

#endif
