/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frames to which a node's engine has given a seq, and which it has not sent yet. They are known from its trace and
 * its packets. A lone sender's frames may wait for its next turns, but not for ever.
 */
#ifndef SIM_OUTBOX_H
#define SIM_OUTBOX_H

#include <stdint.h>

struct node;
struct ring_record;

struct outbox {
	uint32_t count;    /* frames */
	uint32_t joined;   /* frames among `count` that wait together with frames of a later turn */
	uint64_t step;     /* step in which the newest frame was added */
	uint64_t since_ns; /* time at which the oldest frame was added, without the time of suspends before */
};

/** Note that the engine will send a frame of `ring`, for the first time or again. ring NULL: unknown. */
void outbox_add(struct node *node, const struct ring_record *ring);
void outbox_take(struct node *node, const struct ring_record *ring); /* note that the frame was sent */
/** W3: check after a step that the frames that wait may wait. */
void outbox_judge(struct node *node);

#endif
