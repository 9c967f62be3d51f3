/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a gather: the candidates agree, or this node goes on without those that do not. */
#ifndef TOTEM_CONCLUDE_H
#define TOTEM_CONCLUDE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/engine.h"

/** Return whether all candidates have sent the lists of this node. Put the candidates into lists.live. */
bool conclude_is_agreed(struct totem_engine *engine);
/**
 * Count the candidates that have not agreed as failed: book membership, "Joins". Return whether the node must gather
 * again. It need not if all have agreed and the commit token of the representative is missing.
 */
bool conclude_now(struct totem_engine *engine);
/**
 * Return whether this node must conclude now: member `from` of the last ring is forming a ring without it, and this node
 * has waited for silent members for long enough. If it waited a second time, it would be quorate at the same time as that
 * ring.
 */
bool conclude_is_due(struct totem_engine *engine, uint32_t from);
/** Return whether a member that would be given up has a lease. If so, set the timer to the end of the last one. */
bool conclude_waits_for_leases(struct totem_engine *engine, enum totem_timer timer);
/**
 * Return whether this node must wait before it concludes, since it is in a majority of the last ring. If so, set the
 * timer to the end of the wait. Call it once for each gather. A node that is cut off must first have concluded that it is
 * alone. The majority may have had the token up to one hold time before that node. So two quorate memberships are never
 * in force at the same time. Corosync does not wait.
 */
bool conclude_waits_for_margin(struct totem_engine *engine, enum totem_timer timer);

#endif
