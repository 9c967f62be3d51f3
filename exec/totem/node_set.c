/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted arrays of node ids. Sets are small (the nodes of a ring), so it costs little to move elements. */
#include "exec/totem/node_set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 8u

static int reserve(struct node_set *set, uint32_t count)
{
	uint32_t capacity = set->capacity == 0 ? CAPACITY_FIRST : set->capacity;

	if (count <= set->capacity)
		return 0;
	while (capacity < count) {
		if (capacity > UINT32_MAX / 2)
			return -ENOMEM;
		capacity *= 2;
	}

	uint32_t *ids = reallocarray(set->ids, capacity, sizeof(*ids));

	if (ids == NULL)
		return -ENOMEM;
	set->ids = ids;
	set->capacity = capacity;
	return 0;
}

/*
 * Return the index of the first element that is not below id. Each join leads to a search for each of its ids, so this
 * has no branch that the processor could predict wrongly.
 */
static uint32_t lower_bound(const struct node_set *set, uint32_t id)
{
	uint32_t low = 0;

	for (uint32_t left = set->count; left > 0;) {
		uint32_t half = (left + 1) / 2;

		low += set->ids[low + half - 1] < id ? half : 0;
		left -= half;
	}
	return low;
}

void node_set_fini(struct node_set *set)
{
	free(set->ids);
	*set = (struct node_set){0};
}

void node_set_clear(struct node_set *set) { set->count = 0; }

bool node_set_has(const struct node_set *set, uint32_t id)
{
	uint32_t at = lower_bound(set, id);

	return at < set->count && set->ids[at] == id;
}

int node_set_add(struct node_set *set, uint32_t id)
{
	bool is_last = set->count == 0 || set->ids[set->count - 1] < id; /* most sets are made in ascending order */
	uint32_t at = is_last ? set->count : lower_bound(set, id);

	if (at < set->count && set->ids[at] == id)
		return 0;

	int rc = reserve(set, set->count + 1);

	if (rc < 0)
		return rc;
	memmove(&set->ids[at + 1], &set->ids[at], (set->count - at) * sizeof(*set->ids));
	set->ids[at] = id;
	set->count++;
	return 0;
}

void node_set_remove(struct node_set *set, uint32_t id)
{
	uint32_t at = lower_bound(set, id);

	if (at == set->count || set->ids[at] != id)
		return;
	set->count--;
	memmove(&set->ids[at], &set->ids[at + 1], (set->count - at) * sizeof(*set->ids));
}

int node_set_copy(struct node_set *to, const struct node_set *from)
{
	int rc = reserve(to, from->count);

	if (rc < 0)
		return rc;
	if (from->count > 0)
		memmove(to->ids, from->ids, from->count * sizeof(*to->ids));
	to->count = from->count;
	return 0;
}

static int compare_ids(const void *left, const void *right)
{
	const uint32_t *a = left;
	const uint32_t *b = right;

	return (*a > *b) - (*a < *b);
}

int node_set_assign(struct node_set *to, const uint32_t *ids, uint32_t count)
{
	int rc = reserve(to, count);

	if (rc < 0)
		return rc;
	to->count = 0;
	if (count == 0)
		return 0;
	memcpy(to->ids, ids, count * sizeof(*ids));
	qsort(to->ids, count, sizeof(*to->ids), compare_ids);
	for (uint32_t i = 0; i < count; i++) {
		if (to->count == 0 || to->ids[to->count - 1] != to->ids[i])
			to->ids[to->count++] = to->ids[i];
	}
	return 0;
}

static uint32_t common_count(const struct node_set *a, const struct node_set *b)
{
	uint32_t count = 0;
	uint32_t i = 0;
	uint32_t j = 0;

	while (i < a->count && j < b->count) {
		count += a->ids[i] == b->ids[j];
		if (a->ids[i] < b->ids[j])
			i++;
		else if (a->ids[i] > b->ids[j])
			j++;
		else
			i++, j++;
	}
	return count;
}

int node_set_unite(struct node_set *to, const struct node_set *from)
{
	uint32_t count = to->count + from->count - common_count(to, from);
	int rc = reserve(to, count);

	if (rc < 0)
		return rc;

	/* Merge from the highest id down, so that no element is overwritten before it is read. */
	uint32_t left = to->count;
	uint32_t right = from->count;

	for (uint32_t at = count; right > 0; at--) {
		assert(at > 0);
		if (left > 0 && to->ids[left - 1] >= from->ids[right - 1]) {
			right -= to->ids[left - 1] == from->ids[right - 1];
			to->ids[at - 1] = to->ids[--left];
		} else {
			to->ids[at - 1] = from->ids[--right];
		}
	}
	to->count = count;
	return 0;
}

bool node_set_equal(const struct node_set *a, const struct node_set *b)
{
	return a->count == b->count && (a->count == 0 || memcmp(a->ids, b->ids, a->count * sizeof(*a->ids)) == 0);
}

bool node_set_contains(const struct node_set *a, const struct node_set *b)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		while (at < a->count && a->ids[at] < b->ids[i])
			at++;
		if (at == a->count || a->ids[at] != b->ids[i])
			return false;
	}
	return true;
}

/* Set `to` to the ids of a that are in b (is_in), or to those that are not in b. */
static int filter(struct node_set *to, const struct node_set *a, const struct node_set *b, bool is_in)
{
	assert(to != a && to != b);

	int rc = reserve(to, a->count);

	if (rc < 0)
		return rc;
	to->count = 0;
	for (uint32_t i = 0, k = 0; i < a->count; i++) {
		while (k < b->count && b->ids[k] < a->ids[i])
			k++;
		if ((k < b->count && b->ids[k] == a->ids[i]) == is_in)
			to->ids[to->count++] = a->ids[i];
	}
	return 0;
}

int node_set_subtract(struct node_set *to, const struct node_set *a, const struct node_set *b)
{
	return filter(to, a, b, false);
}

int node_set_intersect(struct node_set *to, const struct node_set *a, const struct node_set *b)
{
	return filter(to, a, b, true);
}
