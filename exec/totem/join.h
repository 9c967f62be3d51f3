/* SPDX-License-Identifier: BSD-3-Clause */
/* The joins that this node sends. */
#ifndef TOTEM_JOIN_H
#define TOTEM_JOIN_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/* The joins of this gather. Only join.c uses the members. */
struct joins {
	uint32_t rounds;  /* T-join has expired that often */
	uint64_t sent_ns; /* when this node sent its last join, also in an earlier gather */
};

void join_begin(struct totem_engine *engine); /* GATHER was entered: start T-join */

/** Send a join now, if this node is in GATHER. */
void join_send(struct totem_engine *engine);
/**
 * Send a join, maybe after a delay. In a crowd a node waits for more changes before it sends the join that packets of
 * other nodes made necessary (is_prompted).
 */
void join_schedule(struct totem_engine *engine, bool is_prompted);
/** Return whether there are so many candidates or configured nodes that joins and strangers wait for each other. */
bool join_is_crowd(const struct totem_engine *engine);
void join_hurry(struct totem_engine *engine);   /* the join that waits for more changes leaves now */
void join_expired(struct totem_engine *engine); /* T-join */
void join_leave(struct totem_engine *engine);

#endif
