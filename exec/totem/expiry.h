/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers that have expired. */
#ifndef TOTEM_EXPIRY_H
#define TOTEM_EXPIRY_H

#include "exec/totem/engine.h"

void expiry_handle(struct totem_engine *engine, enum totem_timer timer);

#endif
