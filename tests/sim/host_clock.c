/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/host_clock.h"

/* Return ns * to / from, rounded down, without an overflow of the product. */
static uint64_t scaled(uint64_t ns, uint64_t from, uint64_t to) { return ns / from * to + ns % from * to / from; }

static uint64_t scaled_up(uint64_t ns, uint64_t from, uint64_t to)
{
	return ns / from * to + (ns % from * to + from - 1) / from;
}

static uint64_t rate(const struct host_clock *clock) { return (uint64_t)(HOST_CLOCK_PPM + clock->drift_ppm); }

bool host_clock_is_suspended(const struct host_clock *clock, uint64_t now_ns) { return clock->set_ns > now_ns; }

uint64_t host_clock_now(const struct host_clock *clock, uint64_t now_ns)
{
	if (host_clock_is_suspended(clock, now_ns))
		return clock->then_ns;
	return clock->then_ns + scaled(now_ns - clock->set_ns, HOST_CLOCK_PPM, rate(clock));
}

uint64_t host_clock_when(const struct host_clock *clock, uint64_t at_ns)
{
	if (at_ns < clock->then_ns)
		return clock->set_ns;
	return clock->set_ns + scaled_up(at_ns - clock->then_ns, rate(clock), HOST_CLOCK_PPM);
}

void host_clock_change(struct host_clock *clock, uint64_t now_ns, uint64_t jump_ns, int32_t drift_ppm)
{
	clock->then_ns = host_clock_now(clock, now_ns) + jump_ns;
	if (!host_clock_is_suspended(clock, now_ns))
		clock->set_ns = now_ns;
	clock->drift_ppm = drift_ppm;
}

void host_clock_suspend(struct host_clock *clock, uint64_t now_ns, uint64_t until_ns)
{
	uint64_t from_ns = host_clock_is_suspended(clock, now_ns) ? clock->set_ns : now_ns;

	if (until_ns <= from_ns)
		return;
	clock->then_ns = host_clock_now(clock, now_ns);
	clock->set_ns = until_ns;
	clock->suspended_ns += until_ns - from_ns;
}

void host_clock_resume(struct host_clock *clock, uint64_t now_ns)
{
	if (!host_clock_is_suspended(clock, now_ns))
		return;
	clock->suspended_ns -= clock->set_ns - now_ns;
	clock->set_ns = now_ns;
}
