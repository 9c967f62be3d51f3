/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of a node's host. Compared with simulated time it jumps ahead, is too fast or too slow, and stands still
 * while the host is suspended, as CLOCK_MONOTONIC does.
 */
#ifndef SIM_HOST_CLOCK_H
#define SIM_HOST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define HOST_CLOCK_PPM 1000000

/** At set_ns of simulated time, the clock showed then_ns. While set_ns is in the future, the host is suspended. */
struct host_clock {
	uint64_t set_ns, then_ns;
	uint64_t suspended_ns; /* time of all suspends so far */
	int32_t drift_ppm;     /* by how many millionths the rate is too high */
};

/** Return what the clock shows at now_ns, the present simulated time. */
uint64_t host_clock_now(const struct host_clock *clock, uint64_t now_ns);
/** Return the simulated time from which on the clock shows at_ns or more, if nothing changes it. */
uint64_t host_clock_when(const struct host_clock *clock, uint64_t at_ns);
/** Let the clock jump ahead, and change its rate. */
void host_clock_change(struct host_clock *clock, uint64_t now_ns, uint64_t jump_ns, int32_t drift_ppm);
/** Let the clock stand still until this time. Within a longer suspend this changes nothing. */
void host_clock_suspend(struct host_clock *clock, uint64_t now_ns, uint64_t until_ns);
bool host_clock_is_suspended(const struct host_clock *clock, uint64_t now_ns);
/** End a suspend now, if there is one. */
void host_clock_resume(struct host_clock *clock, uint64_t now_ns);

#endif
