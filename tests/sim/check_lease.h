/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks which nodes may serve requests that need quorum: S1 and S2. */
#ifndef SIM_CHECK_LEASE_H
#define SIM_CHECK_LEASE_H

#include <stdbool.h>

struct node;

/** Check S1 and S2 after a step of the node. */
void lease_check(struct node *node);
/** Return whether the node's engine holds the lease and the node is not paused. */
bool lease_is_serving(const struct node *node);

#endif
