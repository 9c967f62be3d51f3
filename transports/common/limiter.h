/* SPDX-License-Identifier: BSD-3-Clause */
/* Limit log lines that outside events cause: one line for each cause in a period, with the number of lines left out. */
#ifndef COMMON_LIMITER_H
#define COMMON_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

/** The limiter of the log lines of one cause. Zeroed at first, so that the first line passes. */
struct limiter {
	uint64_t next_ns; /* when a line may be written again */
	uint64_t hidden;  /* lines that were not written since the last one */
};

/**
 * Ask whether to write a line.
 *
 * @param now_ns  monotonic time
 * @param hidden  out, if the line may be written: number of lines that were not written since the last one
 * @return whether to write the line
 */
bool limiter_pass(struct limiter *limiter, uint64_t now_ns, uint64_t *hidden);

#endif
