/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by the tests of the lease: rings whose members hold one, and packets that get lost. */
#ifndef UNIT_LEASE_CASE_H
#define UNIT_LEASE_CASE_H

#include "tests/unit/exec/totem/engine_case.h"

/** Return the length of the lease of node 1. */
uint64_t lease_ms(void);
/** Return the longest time from the end of the lease to its callback: the interval of its checks, milliseconds. */
uint64_t late_ms(void);
/** Return whether the engine of this node has the lease now. */
bool has_lease(uint32_t id);
/** Check that the getter and the last callback of a node agree. */
void check_lease(uint32_t id, bool is_held);
/** Start nodes 1 .. count, and wait until their ring is idle, so that its representative holds the token. */
void start_leased_ring(uint32_t count);

/** Part the ring: nodes below `from` and the other ones do not receive each other's packets. */
void cut(uint32_t from);
bool is_probe(const struct wire_header *header, const struct coterie_frame *frame);

/* Functions for net->drops. */

bool is_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
bool drops_probes(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);
bool drops_all(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame);

#endif
