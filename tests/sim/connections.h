/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections between neighbours, as a transport has them: reports that a connection is up, or how it ended. */
#ifndef SIM_CONNECTIONS_H
#define SIM_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct sim;

/* A bit in the value of SIM_CLOSED: the other end sent a goodbye. */
#define CONNECTION_GOODBYE 256u

/** Connect the node to the daemon of `id`, as its engine wants. 0: to no daemon any more. */
void connections_watch(struct node *node, uint32_t id);
/** Handle SIM_CONNECT: a connection of node to the node with index `to` is up, if they reach each other. */
void connections_made(struct node *node, uint32_t to);
/** Handle SIM_CLOSED: the node learns how a connection ended. value: index of the other end | CONNECTION_GOODBYE. */
void connections_ended(struct node *node, uint32_t value);
/** Close all connections of a daemon that has ended, as its kernel does. */
void connections_close(struct node *node);

#endif
