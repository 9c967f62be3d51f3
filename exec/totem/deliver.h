/* SPDX-License-Identifier: BSD-3-Clause */
/* Delivery of frames to the user. */
#ifndef TOTEM_DELIVER_H
#define TOTEM_DELIVER_H

#include <stdbool.h>
#include <stdint.h>

struct totem_engine;

/* The frames that one event may still deliver. */
struct share {
	uint32_t free; /* frames of any size */
	uint64_t rest; /* bytes of further frames */
};

/* How far the frames of the installed ring are delivered. Only deliver.c changes the members. */
struct delivery {
	uint32_t high; /* highest seq that was delivered, or is being delivered */
	uint32_t seen; /* `puts` of the store when deliver_ready() was last called */
	struct unpack *unpack;
	bool is_sync;         /* messages that are delivered belong to the synchronisation */
	uint32_t turns;       /* runs of frames of one member, delivered since the window was steered */
	uint32_t turn_source; /* the member of the last run */
	struct share share;   /* of the event that began to deliver */
	bool is_stopped;      /* the user has called totem_engine_yield */
	bool has_yielded;     /* a timer delivers what is left of share */
	bool is_partial;      /* part of the frame `high` is not delivered */
	uint32_t due;         /* the ring has ended: it allows the delivery of frames up to this seq */
	bool is_behind_hole;  /* an installation delivers frames behind one that is lost */
};

/**
 * Deliver frames, but not a whole backlog at once: book ring, "Delivery". A timer delivers the rest. Nothing is done
 * if the delivery has yielded.
 */
void deliver_ready(struct totem_engine *engine);
/** Go on after a yield, until the next one. Without a yield deliver the next share of a backlog. */
void deliver_resume(struct totem_engine *engine);
/** Deliver what a yield has left over. Call this before another event is handled. */
void deliver_finish(struct totem_engine *engine);
/** Deliver all that deliver_ready() has left over. Call this before the node leaves. */
void deliver_rest(struct totem_engine *engine);
/** Note which frames may still be delivered. Call this when the ring ends. */
void deliver_end(struct totem_engine *engine);
/**
 * At an installation, before and after the transitional configuration: book membership, "Installation".
 * @return false: the delivery has yielded, and the next call goes on
 */
bool deliver_regular(struct totem_engine *engine);
bool deliver_transitional(struct totem_engine *engine);
void deliver_forget_left(struct totem_engine *engine);         /* drop unfinished messages of nodes in `left` */
void deliver_begin(struct totem_engine *engine, uint32_t seq); /* frames up to seq count as delivered in the new ring */
void deliver_synchronized(struct totem_engine *engine);
uint32_t deliver_take_turns(struct totem_engine *engine); /* return `turns`, and set it to 0 */
bool deliver_is_safe(const struct totem_engine *engine);  /* return whether the installed ring has safe delivery */

#endif
