/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of this node to all nodes. */
#ifndef TOTEM_MULTICAST_H
#define TOTEM_MULTICAST_H

#include <stdint.h>

struct totem_engine;
struct coterie_frame;

/* The frames of a visit that are not sent yet. Only multicast.c changes the members. */
struct outbox {
	struct coterie_frame **frames; /* borrowed from the store */
	uint32_t count;                /* at most WINDOW_MAX */
};

/** Send one frame to all nodes. The call takes over the reference to the frame. NULL is ignored. */
void multicast_frame(struct totem_engine *engine, struct coterie_frame *frame);
void multicast_add(struct totem_engine *engine, struct coterie_frame *frame);
void multicast_flush(struct totem_engine *engine);

#endif
