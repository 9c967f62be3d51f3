/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Shared by the tests of the TCP connections (wires) of udpu: three nodes between mock hosts, of which node 1 watches
 * node 2. Functions take the place of a node in `nodes`, or its node id, which is one more.
 */
#ifndef UNIT_TRIPWIRE_CASE_H
#define UNIT_TRIPWIRE_CASE_H

#include "tests/unit/transports/common/udp_nodes.h"
#include "transports/common/udp_link.h"

/** Fixture: the nodes are started, and node 1 watches node 2. Ends with nodes_tear_down(). */
void tripwire_set_up(void);

/** Return the wire of a node: the connection that it has made, and those that it has accepted. */
struct tripwire *wire_of(uint32_t node);
/** Serve all nodes until nothing has happened for a moment. */
void serve(void);
/** Let a node's clock advance, then serve all nodes. */
void pass_time(uint32_t node, uint64_t ns);

/** Check that a node has reported `count` states of its watches so far, the last one of nodeid. */
void check_told(uint32_t node, uint32_t count, uint32_t nodeid, uint32_t state);
/** Start a watch, and check that the next report of `node` says that it is on. */
void watch(uint32_t node, uint32_t nodeid);

/** Return the number of connections that a node has accepted, with a greeting (named) or without one so far. */
uint32_t guests_of(uint32_t node, bool are_named);
/** Return the newest connection that a node has accepted and not closed, or NULL. */
struct tripwire_guest *guest_of(uint32_t node);

#endif
