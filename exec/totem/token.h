/* SPDX-License-Identifier: BSD-3-Clause */
/* A visit of the token. */
#ifndef TOTEM_TOKEN_H
#define TOTEM_TOKEN_H

#include "exec/totem/wire.h"

struct totem_engine;

void token_visit(struct totem_engine *engine, const struct wire_token *token);

#endif
