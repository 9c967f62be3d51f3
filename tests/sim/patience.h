/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of the silence budget, each on a calm ring of Coterie's nodes. They are the fault kind "patience", which a seed
 * plays alone. They play outages that are too short to count, silence that is long enough, and a node that is cut off
 * for good.
 */
#ifndef SIM_PATIENCE_H
#define SIM_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct totem_options;

/** Return whether the seed plays this test only. */
bool patience_is_played(const struct sim *sim);
/** Set the number of nodes, the delays, and the timers of all nodes, in place of the values that faults would vary. */
uint32_t patience_nodes(const struct sim *sim);
void patience_set_network(struct sim *sim, uint64_t *token_ns);
void patience_set(const struct sim *sim, struct totem_options *options);
void patience_run(struct sim *sim);

#endif
