/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/check_strangers.h"

#include <inttypes.h>

/* Return whether the life has taken part in the attempt that formed the ring. */
static bool took_part(const struct life *life, const struct ring_record *ring)
{
	uint32_t at = (uint32_t)__builtin_popcountll(ring->members & (BIT(life->node) - 1));

	return (ring->members & BIT(life->node)) != 0 && at < ring->commit_index && !ring->entries[at].is_loose &&
	       ring->entries[at].life == life;
}

/* Return whether the life comes from the ring `older`, or from none, though it has taken part in the attempt for `newer`. */
static bool has_missed(const struct life *life, const struct ring_record *newer, const struct ring_record *older)
{
	return newer != NULL && (older == NULL || older->id.seq < newer->id.seq) && took_part(life, newer);
}

static bool came_with(const struct ring_record *next, uint32_t a, uint32_t b)
{
	return (next->came_with[a] & BIT(b)) != 0;
}

/*
 * Two lives that both enter `next` were members of every recovery that one of them has entered since its last ring. Then
 * none of them had a reason to leave the other behind.
 */
static bool kept_company(const struct ring_record *next, uint32_t a, uint32_t b)
{
	return (next->came_attempted[a] & BIT(b)) != 0 && (next->came_attempted[b] & BIT(a)) != 0;
}

static bool is_plain(const struct life *life, const struct ring_record *from)
{
	return life->is_plain || (from != NULL && from->is_plain);
}

static uint64_t seq_of(const struct ring_record *ring) { return ring == NULL ? 0 : ring->id.seq; }

void strangers_check(struct history *history, const struct life *life, const struct ring_record *next)
{
	const struct ring_record *from = next->came_from[life->node];

	for (uint32_t other = 0; other < history->node_count; other++) {
		const struct life *theirs = next->came_life[other];
		const struct ring_record *their_from = next->came_from[other];

		if ((next->came & BIT(other)) == 0 || other == life->node || came_with(next, life->node, other) ||
			is_plain(life, from) || is_plain(theirs, their_from) || !kept_company(next, life->node, other))
			continue;
		if (from == their_from ? from != NULL && from->lives[other] == theirs
				       : has_missed(theirs, from, their_from) || has_missed(life, their_from, from))
			report_violation(history->report, "C11", BIT(life->node) | BIT(other), &next->id,
				"nodes %u and %u go into %x.%" PRIx64 " as strangers, from sequences %" PRIx64
				" and %" PRIx64 ", though none of them was away",
				history->ids[life->node], history->ids[other], next->id.rep, next->id.seq, seq_of(from),
				seq_of(their_from));
	}
}
