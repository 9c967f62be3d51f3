/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A step: an event enters a node's engine, until the engine returns. Then the properties of the engine and of the sent
 * packets are checked (I6, I7, I8 of book invariants, "Ring" and the timers).
 *
 * 1. step_begin().
 * 2. The engine is entered, and its callbacks report.
 * 3. step_end(), after which the node may be down.
 */
#ifndef SIM_STEP_H
#define SIM_STEP_H

#include <stdint.h>

struct node;

void step_begin(struct node *node);
void step_end(struct node *node);

/**
 * Note that the engine has accepted a token. Call this at once: at the end of the step the node may already be in
 * GATHER.
 */
void step_token_accepted(struct node *node);
void step_token_sent(struct node *node, uint32_t fcc, uint32_t backlog);

/**
 * Return the largest window for which the sockets of the node's ring suffice, without the extra frame of each member;
 * 0: unknown.
 */
uint32_t step_window_max(const struct node *node);

/**
 * Return the frames that all nodes may send in a rotation, by the ring's sockets or as configured. 0: the members
 * differ.
 */
uint32_t step_window(const struct node *node);

#endif
