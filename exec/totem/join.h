/* SPDX-License-Identifier: BSD-3-Clause */
/* The joins that this node sends. */
#ifndef TOTEM_JOIN_H
#define TOTEM_JOIN_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/* The joins of this gather. Only join.c uses the members. */
struct joins {
	uint32_t rounds;  /* how often T-join has expired */
	uint64_t sent_ns; /* when this node sent its last join, maybe in an earlier gather */
	uint64_t due_ns;  /* when the join that waits is due, or the last one that waited */
	uint64_t late_ns; /* how late such joins are sent lately, since the machine is too busy */
};

void join_begin(struct totem_engine *engine); /* call when GATHER is entered: start T-join */

/** Send a join now, if this node is in GATHER. */
void join_send(struct totem_engine *engine);
/** T-send-join: send the join that has waited. */
void join_delayed_expired(struct totem_engine *engine);
/**
 * Send a join, maybe after a delay. is_prompted: a packet of another node made the join necessary. In a crowd such a
 * join waits for more changes.
 */
void join_schedule(struct totem_engine *engine, bool is_prompted);
/** Return whether there are so many candidates or configured nodes that joins and strangers wait for each other. */
bool join_is_crowd(const struct totem_engine *engine);
void join_hurry(struct totem_engine *engine);   /* send the join that waits for more changes now */
void join_expired(struct totem_engine *engine); /* call when T-join has expired */
void join_leave(struct totem_engine *engine);

#endif
