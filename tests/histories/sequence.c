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

/* @return the place, or the number of all */
static uint32_t place_of(const struct play_sequence *sequence, uint64_t what)
{
	uint32_t at = 0;

	while (at < sequence->count && sequence->list[at] != what)
		at++;
	return at;
}

/* Return where a sequence begins that is compared with a late one: events before the late one's first are ignored. */
static uint32_t place_of_first(const struct play_sequence *sequence, const struct play_sequence *late)
{
	return late->count == 0 ? sequence->count : place_of(sequence, late->list[0]);
}

/* If both sequences are late, the one that begins later counts as late. */
static void align(const struct play_sequence *a, uint32_t *from_a, const struct play_sequence *b, uint32_t *from_b)
{
	if (a->is_late && (a->count == 0 || !b->is_late || place_of_first(b, a) < b->count))
		*from_b = place_of_first(b, a);
	else if (b->is_late)
		*from_a = place_of_first(a, b);
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

bool play_sequence_fits(const struct play_sequence *a, const struct play_sequence *b, bool may_end_a,
	bool may_end_b, uint32_t *at)
{
	uint32_t from_a = 0, from_b = 0;

	align(a, &from_a, b, &from_b);
	return fits_from(a, from_a, b, from_b, may_end_a, may_end_b, at);
}
