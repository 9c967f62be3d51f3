/* SPDX-License-Identifier: BSD-3-Clause */
/* Compare the events of two clients. */
#include <stdlib.h>

#include "tests/histories/play.h"

void play_sequence_add(struct play_sequence *sequence, uint64_t what)
{
	if (sequence->count == sequence->capacity) {
		sequence->capacity = sequence->capacity * 2 + 64;
		sequence->list = realloc(sequence->list, sequence->capacity * sizeof(*sequence->list));
		if (sequence->list == NULL)
			abort();
	}
	sequence->list[sequence->count++] = what;
}

static bool has(const struct play_sequence *sequence, uint64_t what)
{
	for (uint32_t i = 0; i < sequence->count; i++)
		if (sequence->list[i] == what)
			return true;
	return false;
}

/* Return whether the other sequence lacks the message and is allowed to. */
static bool may_lack(const struct play_sequence *one, uint32_t at, const struct play_sequence *other)
{
	uint64_t what = one->list[at];

	return what >> 32 != 0 && !has(other, what) && other->may_lack(other->arg, other->node, what);
}

/*
 * Return from which event on to compare a sequence with one of a client that is late. Events before the first one that
 * both have are ignored. This need not be the first event of the late client, since the other client may lack that
 * event.
 */
static uint32_t begin_beside(const struct play_sequence *sequence, const struct play_sequence *late)
{
	for (uint32_t i = 0; i < late->count; i++)
		for (uint32_t at = 0; at < sequence->count; at++)
			if (sequence->list[at] == late->list[i])
				return at;
	return sequence->count;
}

static bool fits_from(const struct play_sequence *a, uint32_t i, const struct play_sequence *b, uint32_t k,
	bool may_end_a, bool may_end_b, uint32_t *at)
{
	while (i < a->count || k < b->count) {
		*at = i;
		if ((i == a->count && may_end_a) || (k == b->count && may_end_b))
			return true;
		if (i < a->count && k < b->count && a->list[i] == b->list[k])
			i++, k++;
		else if (i < a->count && may_lack(a, i, b))
			i++;
		else if (k < b->count && may_lack(b, k, a))
			k++;
		else
			return false;
	}
	return true;
}

bool play_sequence_fits(
	const struct play_sequence *a, const struct play_sequence *b, bool may_end_a, bool may_end_b, uint32_t *at)
{
	/* If both are late, either may have begun later. */
	if (a->is_late && fits_from(a, 0, b, begin_beside(b, a), may_end_a, may_end_b, at))
		return true;
	if (b->is_late)
		return fits_from(a, begin_beside(a, b), b, 0, may_end_a, may_end_b, at);
	return !a->is_late && fits_from(a, 0, b, 0, may_end_a, may_end_b, at);
}
