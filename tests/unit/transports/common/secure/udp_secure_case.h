/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by the tests of encrypted udp and udpu (programs for each): three nodes of the plugin, with one ring key. */
#ifndef UNIT_UDP_SECURE_CASE_H
#define UNIT_UDP_SECURE_CASE_H

#include "tests/unit/transports/common/udp_nodes.h"
#include "transports/common/udp_link_private.h"

/** The plugin that this program tests. */
extern const struct coterie_plugin UNDER_TEST;

extern const char key[49], other_key[12];

/** Fixture: all nodes have `key` and aes256-gcm, and know each other's sessions. */
void udp_secure_set_up(void);
void udp_secure_tear_down(void);

/** Return what a node (by its place) counts for a peer (by its id), or NULL if it does not know the peer. */
const struct secure_counts *counts(uint32_t node, uint32_t nodeid);
/** Return how many bytes encryption adds to a frame of 1,427 bytes, the largest over IPv4. */
uint32_t sealed_overhead(void);

struct tripwire *wire_of(uint32_t node);
/** Return the newest connection that others have made to this node, or NULL. */
struct tripwire_guest *guest_of(uint32_t node);
/** Run all nodes until nothing more arrives. */
void serve(void);
/** Return the last COTERIE_WATCH_… that the host was told; UINT32_MAX: none. */
uint32_t last_watch(uint32_t node);

#endif
