/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three engines on a small simulated network, for fuzzing with forged packets. Time is simulated, and each run with the
 * same input is the same.
 */
#ifndef TESTS_FUZZ_RING_H
#define TESTS_FUZZ_RING_H

#include <stdbool.h>

#include "exec/totem/engine.h"

#define RING_NODES 3u

struct ring;

struct ring_setup {
	bool is_open;     /* no node list: any node may join */
	bool is_plain;    /* no features are announced */
	bool has_swapper; /* node 3 has the other byte order */
};

/** Create every node, with its link down. */
struct ring *ring_create(const struct ring_setup *setup);
/** Destroy the ring, and check that no memory leaks. */
void ring_destroy(struct ring *ring);

/* Nodes have the numbers 0 .. RING_NODES - 1 here. A node's id is its number plus one. */

void ring_link_up(struct ring *ring, uint32_t node);
/** Cut a node off from the others, or connect it again. */
void ring_cut(struct ring *ring, uint32_t node, bool is_cut);
enum totem_state ring_state(const struct ring *ring, uint32_t node);
const struct ring_id *ring_of(const struct ring *ring, uint32_t node);

/** Handle the next packet, or the next timer if no packet is on its way. */
void ring_step(struct ring *ring);
/** Run for that much simulated time. */
void ring_run(struct ring *ring, uint64_t ns);
/** Run until the node is in this state. @return false: the time has passed before */
bool ring_run_until(struct ring *ring, uint32_t node, enum totem_state state, uint64_t ns);
/** Run until all nodes are operational in one ring. @return false: the time has passed before */
bool ring_run_together(struct ring *ring, uint64_t ns);

/** Let the node receive a packet that no node sent. */
void ring_inject(struct ring *ring, uint32_t node, const uint8_t *bytes, size_t size);
void ring_send(struct ring *ring, uint32_t node, bool is_safe, size_t size);

/**
 * Take the packet that would arrive next off the network. @return its bytes, valid until the next call of any of these
 * functions; NULL: no packet is under way
 */
uint8_t *ring_intercept(struct ring *ring, uint32_t *node, size_t *size);
/** Return one of the last few packets: the newest one with back 0. NULL: there is none. */
const uint8_t *ring_history(const struct ring *ring, uint32_t back, size_t *size);

struct ring_counts {
	uint64_t refused, delivered, configurations;
};
/** Return the counts of all nodes together. */
const struct ring_counts *ring_counts(const struct ring *ring);

#endif
