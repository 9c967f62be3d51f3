/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Contact of a node with the others. It is the time of each node's last step from which a chain of packets has reached
 * this node. (Lamport, "Time, clocks, and the ordering of events", CACM 1978, with times in place of counters.)
 */
#ifndef SIM_CONTACT_H
#define SIM_CONTACT_H

#include <stdint.h>

#include "tests/sim/history.h"

struct node;
struct packet;

/** Times of contact, indexed by node. Zero: none. */
struct contact {
	uint64_t at_ns[SIM_NODES_MAX]; /* simulated time */
	/* the same by node_boot_ns() of this node, whose clock may have jumped since then */
	uint64_t local_ns[SIM_NODES_MAX];
};

/** Begin a life of the node: it counts as in contact with all nodes now. */
void contact_begin(struct node *node);
/** Attach what the node knows to a packet that it sends. */
void contact_attach(const struct node *node, struct packet *packet);
/** Learn from a packet that the node receives. One with altered bytes may look like contact with any node. */
void contact_learn(struct node *node, const struct packet *packet);
/** Return the nodes with which this node was in contact within the last ns, itself included, bits by index. */
uint64_t contact_within(const struct node *node, uint64_t ns);

#endif
