/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ring sequence numbers that this node may use: book membership, "Ring ids". A node must use each number only once,
 * also after restarts. So the number has to be on stable storage before a packet carries it. The file holds a number
 * that is ahead of the ring, and a restarted node continues after it. So a change of the ring needs no write, which
 * would delay one member after the other.
 *
 * A node without a file may have lost it. It does not know which numbers it has used, so it begins at a random one.
 */
#ifndef EXEC_RING_SEQ_H
#define EXEC_RING_SEQ_H

#include <stdbool.h>
#include <stdint.h>

#define RING_SEQ_AHEAD 4096u /* 1,024 rings */
/* Random bits of the number at which a node without a file begins. With the steps of 4 it is below 2^26. */
#define RING_SEQ_FRESH_BITS 24u
/* Above the first numbers of nodes without a file, and some rings. */
#define RING_SEQ_LEAP (UINT64_C(8) << RING_SEQ_FRESH_BITS)

struct ring_seq {
	const char *dir; /* borrowed */
	uint32_t nodeid;
	/*
	 * the largest number that this node has used, or may have used, without numbers that were given up. Without a
	 * file: the random number at which this node begins
	 */
	uint64_t used;
	uint64_t stored; /* numbers up to this one need no write */
};

/**
 * Read the number after which this node continues. If none was ever stored, choose it at random.
 *
 * @param dir     the folder of the file, borrowed for the life of seq
 * @param random  any 64 bits that differ at each start
 * @return 0; errors of state_ring_seq_load
 */
int ring_seq_load(struct ring_seq *seq, const char *dir, uint32_t nodeid, uint64_t random);
/**
 * Make a number durable. If it was stored ahead, this needs no write. A number up to TOTEM_RING_SEQ_JUMP_MAX replaces a
 * stored one beyond it, which the engine has given up (book membership, "Ring ids").
 * @return 0; errors of state_ring_seq_store: nothing has changed then
 */
int ring_seq_use(struct ring_seq *seq, uint64_t number);
/**
 * Make a number durable that may be used soon. A number more than RING_SEQ_LEAP above the stored one is not stored. It
 * may come from a forged packet, and a restarted node would begin there.
 * @return 0; errors of state_ring_seq_store: nothing has changed then
 */
int ring_seq_expect(struct ring_seq *seq, uint64_t number);
/** Return whether less than half of RING_SEQ_AHEAD is left, so that ring_seq_store_ahead is worth a write. */
bool ring_seq_is_low(const struct ring_seq *seq);
/**
 * Store a number that is RING_SEQ_AHEAD larger than the last used one. The file is written with fsync: call this while
 * the ring is quiet. Numbers beyond TOTEM_RING_SEQ_JUMP_MAX are rare, because the engine limits how fast they grow. So
 * none is skipped there.
 * @return 0; errors of state_ring_seq_store: the numbers that were stored before stay usable
 */
int ring_seq_store_ahead(struct ring_seq *seq);

#endif
