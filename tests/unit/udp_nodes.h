/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three nodes of a UDP transport between mock hosts, over real sockets on loopback addresses of the test's own: the
 * fixture of the tests of udp and udpu. Failures end the test.
 */
#ifndef UNIT_UDP_NODES_H
#define UNIT_UDP_NODES_H

#include <stdbool.h>

#include "tests/unit/mock_host.h"

#define MS UINT64_C(1000000)
#define NODES 3

extern const struct coterie_transport *ops;
extern struct coterie_ctx *hosts[NODES]; /* node ids are one more than the place */
extern void *nodes[NODES];

/** messages that sockets accept before they are full; -1: no limit */
extern int send_room;
/** error of every send; 0: none */
extern int send_error;

/** Multicast address of this process's own, for the addresses chosen last. */
extern char group_text[64];

/** Of nodes opened from now on: a word of totem.encryption, NULL for none, and the ring's key. */
extern const char *encryption;
extern const char *ring_key;

/** Set `encryption` and the ring's key of an open node. It reads them at its next reload. */
void node_encrypt(uint32_t node);
/** Serve all nodes until their questions about new sessions are answered. */
void nodes_settle(void);

/** Fixture: all three on IPv4, started. */
void nodes_set_up(const struct coterie_plugin *under_test);
void nodes_tear_down(void);

/**
 * Choose 127.x.y.NODE with x and y from the process id, so that no other process on this host has
 * them. For IPv6 use ::1 with three ports, since there is only one such address.
 */
void choose_addresses(bool is_v6);
const struct sockaddr *address_of(uint32_t node);

/** Open a node that lists all three. Its map has the group, unless group_text is empty. */
void node_open(uint32_t node);
/** Open it and bring its link up. */
void start(uint32_t node);
/** Close it and check that nothing is left. It may be closed again. */
void node_close(uint32_t node);

/**
 * Run a node until count frames have arrived in all. On a loopback interface they arrive at once.
 */
void receive(uint32_t node, uint32_t count);
void receive_nothing(uint32_t node);

/** Have a node multicast count frames of this size, the i-th made of bytes i. */
void multicast(uint32_t node, uint32_t size, uint32_t count);
/** Have a node multicast frames of this size, and see that the others get them, in their order. */
void every_other_node_gets(uint32_t from, uint32_t size);
/** Have a node send "token" to another, and see what the transport says to it. */
void token(uint32_t node, uint32_t nodeid, int want);

/** Have all sends fail until the node reports its link as down. They go on to fail. */
void cut_off(uint32_t node);

/** @return a socket on a node's address and a port of its own; the caller closes it */
int stranger_open(const struct sockaddr *local);

#endif
