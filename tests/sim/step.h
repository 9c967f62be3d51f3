/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A step: an event enters a node's engine, until the engine returns. Then the properties of the engine and of the sent
 * packets are checked (I6, I7, I8 of book invariants, "Ring" and the timers).
 *
 * 1 step_begin; 2 the engine is entered, its callbacks tell what they see; 3 step_end, after which the node may be
 * down.
 */
#ifndef SIM_STEP_H
#define SIM_STEP_H

#include <stdint.h>

struct node;

void step_begin(struct node *node);
void step_end(struct node *node);

/**
 * Note that the engine has accepted a token. Called at once, since at the end of the step the node may already gather.
 */
void step_token_accepted(struct node *node);
void step_token_sent(struct node *node, uint32_t fcc, uint32_t backlog);

/** Return what the sockets of the node's ring allow the window, its members' extra frames left out; 0: not known. */
uint32_t step_window_max(const struct node *node);

/**
 * Return the frames of all nodes in a rotation, by the ring's sockets or as configured. 0: the members differ.
 */
uint32_t step_window(const struct node *node);

#endif
