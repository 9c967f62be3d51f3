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

/* The message at a place is the first of its sender, and the other one, if it has any of it, begins with the next. */
static bool may_lack(const struct play_sequence *one, const struct play_sequence *other, uint32_t at)
{
	uint64_t sender = one->list[at] >> 32;

	if (sender == 0)
		return false;
	for (uint32_t i = 0; i < at; i++)
		if (one->list[i] >> 32 == sender)
			return false;
	for (uint32_t i = 0; i < other->count; i++)
		if (other->list[i] >> 32 == sender)
			return other->list[i] == one->list[at] + 1;
	return true;
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
		else if (i < a->count && may_lack(a, b, i))
			i++;
		else if (k < b->count && may_lack(b, a, k))
			k++;
		else
			return false;
	}
	return true;
}
