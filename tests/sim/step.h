/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A step: an event enters a node's engine, and what that does until it returns. What is to hold then is checked here,
 * with what the step has sent (I6, I7, I8 of book invariants, "Ring" and the timers).
 *
 * 1 step_begin; 2 the engine is entered, its callbacks tell what they see; 3 step_end, after which the node may be down.
 */
#ifndef SIM_STEP_H
#define SIM_STEP_H

#include <stdint.h>

struct node;

void step_begin(struct node *node);
void step_end(struct node *node);

/** Its engine has taken a token. At once: by the end of the step it may be on the way to another ring. */
void step_token_accepted(struct node *node);
void step_token_sent(struct node *node, uint32_t fcc, uint32_t backlog);

/** Return what the sockets of the node's ring allow the window, its members' extra frames left out; 0: not known. */
uint32_t step_window_max(const struct node *node);

/**
 * Return the frames of all nodes in a rotation, by the ring's sockets or as configured. 0: the members differ.
 */
uint32_t step_window(const struct node *node);

#endif
