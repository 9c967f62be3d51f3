/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three nodes of a UDP transport between mock hosts, with real sockets on loopback addresses that only this test uses:
 * the fixture of the tests of udp and udpu. Failures end the test.
 */
#ifndef UNIT_UDP_NODES_H
#define UNIT_UDP_NODES_H

#include <stdbool.h>

#include "tests/unit/mock_host.h"

#define MS UINT64_C(1000000)
#define NODES 3

extern const struct coterie_transport *ops;
extern struct coterie_ctx *hosts[NODES]; /* hosts[i] is the host of node i + 1 */
extern void *nodes[NODES];

/** Number of messages that a socket accepts before it is full; -1: not limited. */
extern int send_room;
/** Error with which every send fails; 0: none. */
extern int send_error;

/** Node to which every run of datagrams fails with EMSGSIZE, as if its path took no offload; NODES: none. */
extern uint32_t refuses_runs;
/** Number of runs that were sent. */
extern uint32_t runs_sent;

/** Multicast address that only this process uses. choose_addresses() sets it. */
extern char group_text[64];

/** Encryption of nodes that are opened from now on: a value of totem.encryption, NULL for none, and the ring's key. */
extern const char *encryption;
extern const char *ring_key;

/** Give an open node the present `encryption` and `ring_key`. It reads them at its next reload. */
void node_encrypt(uint32_t node);
/** Serve all nodes until their questions about new sessions are answered. */
void nodes_settle(void);

/** Set up the fixture: three nodes on IPv4, started. */
void nodes_set_up(const struct coterie_plugin *under_test);
void nodes_tear_down(void);

/**
 * Choose 127.x.y.NODE with x and y from the process id, so that no other process on this host has
 * them. For IPv6 use ::1 with three ports, since there is only one such address.
 */
void choose_addresses(bool is_v6);
const struct sockaddr *address_of(uint32_t node);

/** Open a node whose list has all three nodes. Its map has the multicast group, unless group_text is empty. */
void node_open(uint32_t node);
/** Open a node and bring its link up. */
void start(uint32_t node);
/** Close a node, if it is open, and check that nothing is left. */
void node_close(uint32_t node);

/** Run a node until it has received count frames in all. On a loopback interface they arrive at once. */
void receive(uint32_t node, uint32_t count);
void receive_nothing(uint32_t node);

/** Let a node multicast count frames of this size. The i-th frame consists of bytes with the value i. */
void multicast(uint32_t node, uint32_t size, uint32_t count);
/** Let a node multicast frames of this size, and check that the other nodes get them in order. */
void every_other_node_gets(uint32_t from, uint32_t size);
/** Let a node send "token" to another node, and check the transport's result. */
void token(uint32_t node, uint32_t nodeid, int want);

/** Let all sends of all nodes fail from now on, and check that this node reports its link as down. */
void cut_off(uint32_t node);

/** Open a socket on a node's address and another port. @return the socket, which the caller closes */
int stranger_open(const struct sockaddr *local);

#endif
