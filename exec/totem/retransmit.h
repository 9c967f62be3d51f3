/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests for missing frames, and the answers to them. */
#ifndef TOTEM_RETRANSMIT_H
#define TOTEM_RETRANSMIT_H

#include <stdint.h>

#include "exec/totem/wire.h"

struct totem_engine;

/** Put the frames that the token requests into the outbox. Return how many. */
uint32_t retransmit_answer(struct totem_engine *engine, struct wire_token *token, uint32_t allowed);
void retransmit_request(struct totem_engine *engine, struct wire_token *token);

#endif
