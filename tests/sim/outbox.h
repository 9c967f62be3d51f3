/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frames that a node's engine has numbered and not sent yet, known from its trace and its packets. A lone
 * sender's frames may wait for its next turns, but not for ever.
 */
#ifndef SIM_OUTBOX_H
#define SIM_OUTBOX_H

#include <stdint.h>

struct node;
struct ring_record;

struct outbox {
	uint32_t count;    /* frames */
	uint32_t joined;   /* number of them that wait together with frames of a later turn */
	uint64_t step;     /* step in which the last frame was added */
	uint64_t since_ns; /* time at which the first frame was added */
};

/** A frame of `ring` (NULL: not known) will be sent, for the first time or again. */
void outbox_add(struct node *node, const struct ring_record *ring);
void outbox_take(struct node *node, const struct ring_record *ring); /* it is */
/** W3, after a step. */
void outbox_judge(struct node *node);

#endif
