/* What the nodes of a run are configured with. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdint.h>

struct sim;
struct node;

/** By the run's seed and kinds of faults. seq: what a ring begins to count at. */
void options_set(struct sim *sim, struct node *node, uint64_t token_ns, uint32_t seq);

#endif
