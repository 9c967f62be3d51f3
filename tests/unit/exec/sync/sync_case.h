/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of exec/sync/sync.c: several nodes in one process. The ring is a list of
 * messages that the test delivers to all, in one order.
 */
#ifndef TESTS_UNIT_SYNC_CASE_H
#define TESTS_UNIT_SYNC_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/plugin/plugin.h"
#include "exec/ring/ring.h"
#include "exec/sync/delivery.h"
#include "exec/sync/sync.h"

#define NODES 3
#define SERVICES 3
#define TEXT 512

struct message {
	uint32_t source;
	uint8_t bytes[600];
	uint32_t size;
	bool is_sync; /* true: for group "sync"; false: for a service */
};

/* One service of one node. Its calls are recorded in its node's journal. */
struct service {
	struct node *node;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	int steps; /* sync_step() returns -EAGAIN this many times */
};

struct node {
	uint32_t id;
	struct loop *loop; /* an address that is never read, as are the next three */
	struct ring *ring;
	struct plugin_registry *plugins;
	struct delivery *delivery;
	struct sync *sync;
	struct service services[SERVICES];
	uint32_t service_count;
	char journal[TEXT];
	int synchronized, gathers;
	int holds;                /* number of calls of held() */
	int begun;                /* number of rounds of all services that have begun */
	uint32_t announcing;      /* members whose list says that they make announcements, bits by number */
	int full;                 /* ring_send() fails this many times for want of room */
	void (*deadline)(void *); /* callback of the last timer that was set; NULL: none */
	void *deadline_arg;
	uint64_t deadline_ns;
};

extern struct node nodes[NODES];
extern struct message order[256];
extern uint32_t order_count, order_delivered;
extern char last_line[TEXT]; /* the last line that any node has logged: "SUBSYSTEM PRIORITY TEXT" */

/** The fixture: nodes without services, none of which has been in a ring. */
void sync_set_up(void);
void sync_tear_down(void);

void add_service(struct node *node, uint32_t ring_id);
/**
 * Deliver a configuration to one node. In a regular one the members of the transitional one before it stay together.
 */
void configure(struct node *node, uint64_t seq, bool is_regular, const uint32_t *members, uint32_t count);
/**
 * Deliver to each node a transitional configuration of this node alone, then the regular one of all nodes, with this
 * sequence.
 */
void new_ring(uint64_t seq);
void deliver_all(void);
/** Let the timer of a node's round expire. @return false: it is not set */
bool deadline_passes(struct node *node);
/** Run this many rotations of the token: deliver the messages, then call sync_passed() on each node. */
void rotate(int rounds);

#endif
