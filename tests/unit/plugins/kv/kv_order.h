/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A complete search for one order of the operations of all clients of kv's table that explains all answers and agrees
 * with the times. The algorithm is that of Wing and Gong 1993, with the memory of Lowe 2017. kv_history.h checks only
 * what must hold in each such order.
 *
 * The order is that of one table. Each put or delete increases the table's revision by one, even if its condition
 * fails. An operation without an answer may have been done at any time after it was sent, or never.
 *
 * Nodes that have lost the table may begin with an older one. Each time this happens is an operation, too: kv_reset.
 */
#ifndef UNIT_KV_ORDER_H
#define UNIT_KV_ORDER_H

#include "tests/unit/plugins/kv/kv_history.h"

/** A reset: once, at some time after start_ns, the table may become an older state again. */
struct kv_reset {
	uint64_t start_ns;
	uint64_t revision; /* revision of the older state. 0: an empty table; UINT64_MAX: any older state */
};

enum kv_verdict {
	KV_ORDERED,   /* an order was found */
	KV_UNORDERED, /* there is no order */
	KV_UNDECIDED, /* the search was given up */
};

/**
 * Search for an order.
 *
 * @param resets     count of them, borrowed
 * @param steps_max  limit of the search
 * @param out        if there is no order, the operation that could not be placed behind the longest one is written
 * there
 */
enum kv_verdict kv_order_check(
	const struct kv_history *history, const struct kv_reset *resets, uint32_t count, uint64_t steps_max, FILE *out);

#endif
