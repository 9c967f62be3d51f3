/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines that outside events cause: one per cause and pause, with a count of what was hidden.
 */
#ifndef COMMON_LIMITER_H
#define COMMON_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed, the first line passes. */
struct limiter {
	uint64_t next_ns; /* when a line may be written again */
	uint64_t hidden;  /* lines that were not since the last one */
};

/**
 * Ask for a line.
 *
 * @param now_ns  monotonic time
 * @param hidden  out, when it is granted: how many were not before this one
 * @return true: write it
 */
bool limiter_pass(struct limiter *limiter, uint64_t now_ns, uint64_t *hidden);

#endif
