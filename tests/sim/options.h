/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration of the nodes of a run. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdint.h>

struct sim;
struct node;
struct totem_options;

/** Set the options of a node from the run's seed and kinds of faults. seq: first seq of each ring. */
void options_set(struct sim *sim, struct node *node, uint64_t token_ns, uint32_t seq);
/**
 * Return the ring sequence at which a life without storage begins. It is 0 for a node like Corosync. For others it is
 * random, with more bits than in the daemon, so that no run uses a ring id twice by chance.
 */
uint64_t options_fresh_seq(const struct sim *sim, const struct node *node, uint32_t life);
/** Return the longest time for which a node with these options delays a join. */
uint64_t options_join_wait_ns(const struct sim *sim, const struct totem_options *options);

#endif
