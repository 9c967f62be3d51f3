/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by the tests of votes on silent members: rings with a silence budget, and members that fall silent. */
#ifndef UNIT_SILENCE_CASE_H
#define UNIT_SILENCE_CASE_H

#include "tests/unit/exec/totem/engine_case.h"

#define BUDGET_MS UINT64_C(500)
#define HOLD_MS UINT64_C(150)

/** Set `options` to a ring of `count` nodes with the budget BUDGET_MS. */
void set_options(uint32_t count);
/** Start a ring with these options, and wait until it is idle, so that its representative holds the token. */
void start_quick_ring(uint32_t count);
/** Silence a member. is_cut: it is cut off; otherwise its daemon is stopped. */
void silence_node(uint32_t id, bool is_cut);
/** End what silence_node() has done. */
void end_silence(uint32_t id);
/** Run until the members `first` .. `last` are removed. Fails after most_ms. @return the time, ms */
uint64_t wait_until_removed(uint32_t first, uint32_t last, uint64_t most_ms);

#endif
