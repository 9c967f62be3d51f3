/* SPDX-License-Identifier: BSD-3-Clause */
/* Make a run that breaks a property smaller. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "tests/sim/sim.h"

/**
 * Look for a smaller run that breaks the same property: with fewer kinds of faults, fewer nodes and fewer steps. Since all
 * choices of a run come from one stream of random numbers, a smaller run with the same seed is another run. So further
 * seeds are tried, too.
 *
 * @param failed  a run that broke a property; it was not destroyed yet
 * @param tries   how many runs are played at most
 * @return options of the smallest run that was found. Without a smaller one: those of `failed`
 */
struct sim_options sim_shrink(const struct sim *failed, uint32_t tries);

#endif
