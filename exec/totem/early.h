/* SPDX-License-Identifier: BSD-3-Clause */
/* Early tokens: a node passes the token on before it sends the frames of this visit of the token. */
#ifndef TOTEM_EARLY_H
#define TOTEM_EARLY_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/** Return whether to send the token before the frames of the outbox, at the end of this visit. */
bool early_is_due(const struct totem_engine *engine);
/** Return for how many rotations frames may wait in a receive buffer of the new ring at the same time: 1 or 2. */
uint32_t early_rotations(const struct totem_engine *engine);

#endif
