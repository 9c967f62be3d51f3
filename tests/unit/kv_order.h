/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A complete search for one order of the operations of all clients of the table kv that explains all answers and agrees
 * with the times. The search is that of Wing and Gong 1993, with the memory of Lowe 2017. kv_history.h checks only what
 * must hold in each such order.
 *
 * The order is that of one table. A put or delete counts the table's revision up by one, also when its condition fails.
 * An operation without an answer may have been done at any time after it was sent, or never.
 *
 * Nodes that have forgotten the table may begin with an older one. Each such time is an operation, too: kv_reset.
 */
#ifndef UNIT_KV_ORDER_H
#define UNIT_KV_ORDER_H

#include "tests/unit/kv_history.h"

/** At some time after this one the table may fall back to an older state, once. */
struct kv_reset {
	uint64_t start_ns;
	uint64_t revision; /* revision of the older state. 0: an empty table; UINT64_MAX: any older state */
};

enum kv_verdict {
	KV_ORDERED,   /* an order was found */
	KV_UNORDERED, /* there is none */
	KV_UNDECIDED, /* the search was given up */
};

/**
 * Search for an order.
 *
 * @param resets     count of them, borrowed
 * @param steps_max  bound of the search
 * @param out        if there is no order, the operation that ended the longest one is written there
 */
enum kv_verdict kv_order_check(
	const struct kv_history *history, const struct kv_reset *resets, uint32_t count, uint64_t steps_max, FILE *out);

#endif
