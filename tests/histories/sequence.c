/* SPDX-License-Identifier: BSD-3-Clause */
/* The events of two clients, compared. */
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

/* Return whether the other sequence lacks the message, and may lack it. */
static bool may_lack(const struct play_sequence *one, uint32_t at, const struct play_sequence *other)
{
	uint64_t what = one->list[at];

	return what >> 32 != 0 && !has(other, what) && other->may_lack(other->arg, other->node, what);
}

bool play_sequence_fits(const struct play_sequence *a, const struct play_sequence *b, bool may_end_a,
	bool may_end_b, uint32_t *at)
{
	uint32_t i = 0, k = 0;

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
