/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a lone sender keeps the token. */
#ifndef TOTEM_LINGER_H
#define TOTEM_LINGER_H

#include <stdbool.h>

#include "exec/totem/wire.h"

struct totem_engine;

void linger_reset(struct totem_engine *engine); /* a ring begins */
void linger_note(struct totem_engine *engine, const struct wire_token *token); /* it was accepted */
/** Return whether to keep the token at the end of a visit. */
bool linger_is_due(const struct totem_engine *engine);
void linger_begin(struct totem_engine *engine, struct wire_token *token);
/** Return whether the next turn follows at once, so that the frames in the outbox leave with its frames. */
bool linger_is_gathering(const struct totem_engine *engine);
/** Return whether another member may be keeping the token. */
bool linger_is_likely(const struct totem_engine *engine);

#endif
