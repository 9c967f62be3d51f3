/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The members with which this node came to the present ring, for each service. A member counts as having left and
 * joined if it was separated from this node at any configuration since the service's last complete round. That holds
 * even if it was in the last configuration, since the service was not informed of those between.
 */
#ifndef EXEC_TOGETHER_H
#define EXEC_TOGETHER_H

#include "exec/sync/round_message.h"
#include "exec/totem/node_set.h"

struct together {
	struct node_set last;                   /* members of the last transitional configuration */
	struct node_set of[ROUND_SERVICES_MAX]; /* set of members for each service that is in `unsettled` */
	uint64_t unsettled; /* services without a complete round since the last configuration, by bit */
};

/**
 * Note a transitional configuration. services: those of this node, by bit. Out of memory: sets get too few members,
 * never too many.
 */
void together_note(struct together *together, const uint32_t *members, uint32_t count, uint64_t services);
/** Return the members that came to the present ring together with this node, as this service counts them. Borrowed. */
const struct node_set *together_of(const struct together *together, uint32_t service);
/** Note that the rounds of these services are complete. */
void together_settle(struct together *together, uint64_t services);
void together_fini(struct together *together);

#endif
