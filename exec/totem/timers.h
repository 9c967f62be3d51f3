/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers, and the lengths that are measured. */
#ifndef TOTEM_TIMERS_H
#define TOTEM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/core.h"
#include "exec/totem/engine.h"

#define ROTATION_SAMPLES 32u
#define PAUSE_FLUSH_NS (5 * MILLISECOND_NS)

void timer_set(struct totem_engine *engine, enum totem_timer timer, uint64_t delay_ns);
void timer_cancel(struct totem_engine *engine, enum totem_timer timer);
bool timer_is_set(const struct totem_engine *engine, enum totem_timer timer);
void timer_start_pause(struct totem_engine *engine);
void timer_start_token(struct totem_engine *engine); /* T-token and T-warning */
void timer_cancel_token(struct totem_engine *engine);
/** Start T-retransmit after the token was sent, or sent again. Its length: book ring, "Timers". */
void timer_start_retransmit(struct totem_engine *engine);
void timer_token_accepted(struct totem_engine *engine); /* sample the rotation */
/** Return the length of the shortest of the last few rotations, 0 if it is not known yet. */
uint64_t timer_shortest_rotation(const struct totem_engine *engine);
/** Notice that this process did not run for a while: book failure, "Pauses". */
void timer_check_pause(struct totem_engine *engine);

#endif
