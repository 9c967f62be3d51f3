/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: the frames of one ring by seq. */
#ifndef TOTEM_STORE_H
#define TOTEM_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "exec/totem/wire.h"

struct totem_engine;
struct coterie_frame;

#define STORE_WINDOW 16384u /* consecutive seqs in a store, a power of two */
/*
 * Bytes of frames between the slowest member's aru and the newest frame. Members send no new ones beyond it. Two such
 * stores, in receive buffers of 64 KiB for each frame above 16 KiB, must fit into the half of the pool that is for large
 * frames. The other half is for tokens and joins, without which no frame would ever be freed.
 */
#define STORE_BYTES_MAX ((size_t)48 << 20)

/* Place of one frame in the order. */
struct store_slot {
	struct coterie_frame *frame; /* referenced; NULL: missing */
	uint32_t source;             /* node id of the originator */
	uint8_t miss;                /* visits at which it was missing */
	bool is_swapped : 1;
	bool is_safe : 1;
	bool is_encapsulated : 1;
	bool is_owed : 1; /* this node must still send it in the recovery */
};

/* Frames of one ring by seq. released <= aru <= high_seq <= released + STORE_WINDOW. */
struct store {
	struct store_slot *slots; /* STORE_WINDOW of them, the index is seq modulo that */
	uint32_t released;        /* highest seq that was freed */
	uint32_t aru;             /* all frames up to this seq are, or were, present */
	uint32_t high_seq;        /* highest seq that was present so far */
	uint32_t touched;         /* highest seq whose slot may be dirty */
	uint32_t count;           /* frames present */
	uint32_t puts;            /* frames that were stored so far; wraps */
};

int store_init(struct store *store, uint32_t base); /* -ENOMEM */
void store_fini(struct store *store);
/** Drop all frames. The next frame has the seq base + 1. */
void store_reset(struct store *store, uint32_t base);
/**
 * Return how many frames the stores may keep. All members compute it from the same numbers, so that nobody has to keep
 * more. In RECOVERY frames are only freed with the ring, and the stores of the old ring bound what is owed.
 */
uint32_t store_room(const struct totem_engine *engine);
/** Return whether seq is in the window: it is neither freed nor too far ahead. */
bool store_fits(const struct store *store, uint32_t seq);
/** Return the slot of seq. store_fits must be true for it. */
struct store_slot *store_slot(const struct store *store, uint32_t seq);
/** Return the slot of a frame that is present, otherwise NULL. seq may be any number. */
struct store_slot *store_find(const struct store *store, uint32_t seq);
/** Store a frame, with a reference. @return false: there is no room for its seq, or it is there already. */
bool store_put(struct store *store, const struct wire_mcast *mcast, struct coterie_frame *frame);
void store_advance(struct store *store); /* recompute aru */
/** Drop all frames with higher seqs than seq. seq has not been freed. */
void store_truncate(struct store *store, uint32_t seq);
/** Free all frames up to seq, which is high_seq or less. */
void store_release(struct totem_engine *engine, uint32_t seq);
void store_switch(struct totem_engine *engine); /* make the store of the recovery that of the ring */

#endif
