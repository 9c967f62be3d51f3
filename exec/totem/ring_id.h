/* SPDX-License-Identifier: BSD-3-Clause */
/* Identity of a ring: book ring, "Terms". */
#ifndef TOTEM_RING_ID_H
#define TOTEM_RING_ID_H

#include <stdbool.h>
#include <stdint.h>

struct ring_id {
	uint32_t rep; /* node id of the representative, the lowest of the ring */
	uint64_t seq; /* grows with each ring that a node commits to */
};

static inline bool ring_id_equal(const struct ring_id *a, const struct ring_id *b)
{
	return a->rep == b->rep && a->seq == b->seq;
}

/**
 * Compare sequence numbers (seq, aru, token_seq) that wrap at 2^32. The result is negative, 0 or positive if a is
 * before, at or after b. It is right if the two numbers are less than 2^31 apart (book ring, "Wrapping").
 */
static inline int32_t seq_compare(uint32_t a, uint32_t b) { return (int32_t)(a - b); }

static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_compare(a, b) < 0 ? a : b; }

static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_compare(a, b) > 0 ? a : b; }

#endif
