/* SPDX-License-Identifier: BSD-3-Clause */
/* The state RECOVERY. */
#ifndef TOTEM_RECOVERY_H
#define TOTEM_RECOVERY_H

#include <stdbool.h>

#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

void recovery_enter(struct totem_engine *engine);
void recovery_leave(struct totem_engine *engine); /* the attempt failed */
/** Take the old frame out of a frame of the recovery that is not stored yet. false: no memory, drop it. */
bool recovery_frame(
	struct totem_engine *engine, const struct wire_mcast *outer, struct coterie_frame *frame);
/** Return whether the flag or a seq was forged: no member lacks a frame, but the recovery does not end for long. */
bool recovery_is_stuck(const struct totem_engine *engine, const struct wire_token *token);
void recovery_step(struct totem_engine *engine, struct wire_token *token); /* may install */

#endif
