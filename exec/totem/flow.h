/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow control, and the frames of a visit. */
#ifndef TOTEM_FLOW_H
#define TOTEM_FLOW_H

#include <stdint.h>

#include "exec/totem/wire.h"

struct totem_engine;

/** Return how many frames are worth keeping in a queue of `total`: see totem_queue. */
uint32_t flow_wanted(const struct totem_engine *engine, uint32_t total);
/** Return how many frames all members together may send in a rotation. */
uint32_t flow_window_size(const struct totem_engine *engine, const struct wire_token *token);
/** Choose the window of the next rotation, at the representative. */
void flow_steer(struct totem_engine *engine, struct wire_token *token);
/** Return how many frames this visit may send by window and max_messages. */
uint32_t flow_window(const struct totem_engine *engine, const struct wire_token *token);
/** Return the same, also limited by the share of the backlog: book ring, "Flow control". */
uint32_t flow_allowed(
	const struct totem_engine *engine, const struct wire_token *token, uint32_t waiting);
/**
 * Return how many of the allowed frames may be new ones. The store keeps all frames between the aru of the slowest member
 * and the newest frame. If it has no room, a visit sends none, but answers requests: they are what makes room.
 */
uint32_t flow_allowed_new(const struct totem_engine *engine, const struct wire_token *token, uint32_t allowed);
/** Remove from fcc and backlog of an idle ring's token the rests that no member has added. */
void flow_heal(const struct totem_engine *engine, struct wire_token *token);
void flow_account(struct totem_engine *engine, struct wire_token *token, uint32_t waiting);
uint32_t flow_waiting(const struct totem_engine *engine); /* cbl */
void flow_flush(struct totem_engine *engine);
/** Give seqs to up to `allowed` waiting frames and put them in the outbox. Return how many. */
uint32_t flow_send(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);

#endif
