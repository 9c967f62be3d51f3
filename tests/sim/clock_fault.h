/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults of a node's clock (FAULT_CLOCK). */
#ifndef SIM_CLOCK_FAULT_H
#define SIM_CLOCK_FAULT_H

#define CLOCK_DRIFT_PPM 500 /* no clock is too fast or too slow by more millionths */
/* the largest error of a duration by such a clock, if it was set in between */
#define CLOCK_DRIFT_NS(ns) ((ns) / 1000000 * 2 * CLOCK_DRIFT_PPM + 2 * CLOCK_DRIFT_PPM)

struct sim;
struct node;

/** Let the node's clock jump ahead, change its rate, or stand still for a while since the host is suspended. */
void clock_fault(struct sim *sim, struct node *node);

#endif
