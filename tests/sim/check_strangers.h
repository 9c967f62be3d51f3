/* SPDX-License-Identifier: BSD-3-Clause */
/* Checker of property C11: no healthy member leaves a transitional set (book invariants). */
#ifndef SIM_CHECK_STRANGERS_H
#define SIM_CHECK_STRANGERS_H

#include "tests/sim/history.h"

/** Call when a life delivers its transitional configuration into `next`, after next->came has it. */
void strangers_check(struct history *history, const struct life *life, const struct ring_record *next);

#endif
