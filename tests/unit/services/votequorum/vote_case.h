/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by tests of votequorum: a ring of votequorum services, and clients on its first nodes. */
#ifndef UNIT_VOTE_CASE_H
#define UNIT_VOTE_CASE_H

#include <stdbool.h>

#include "tests/unit/services/votequorum/vote_ring.h"

extern struct service_ring ring;
extern struct service_user users[3]; /* clients on nodes 1 to 3 */

/** Fixture: a ring without nodes. */
void vote_case_set_up(void);
void vote_case_tear_down(void);

struct coterie_ctx *host(uint32_t nodeid);
/** Start nodes with this configuration (vote_ring_config). */
void start(const char *config, uint32_t first, uint32_t last);
/** Create clients on nodes 1 to count that track changes, and read their first events. */
void watch(uint32_t count);
/** Check that this is the next event of the client on a node: vote_event(). */
void expect(uint32_t nodeid, const char *event);
/** Check that each of these nodes, a digit each, is quorate, or that none is. */
void each_is_quorate(const char *nodes, bool is_quorate);
/** Deliver a message of the service to one node, as if another node had sent it in the ring. size: with its header */
void deliver(uint32_t to, uint32_t from, uint32_t function, const void *message, uint32_t size);

#endif
