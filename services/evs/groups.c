/* The groups of one client, sorted, so that a message finds its receivers quickly. */
#include "services/evs/evs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct evs_wire_group));
}

static const struct evs_wire_group *find(
	const struct evs_connection *connection, const struct evs_wire_group *group)
{
	if (connection->group_count == 0)
		return NULL;
	return bsearch(group, connection->groups, connection->group_count, sizeof(*group), compare);
}

/*
 * Merge from the end. The new groups are few, and are sorted behind the old ones. Sorting all of
 * them again would cost milliseconds for each new group of a client with many.
 */
static void merge(struct evs_wire_group *all, uint32_t old_count,
	const struct evs_wire_group *groups, uint32_t count)
{
	struct evs_wire_group fresh[EVS_REQUEST_GROUPS_MAX];
	uint32_t to = old_count + count;

	assert(count <= EVS_REQUEST_GROUPS_MAX);
	memcpy(fresh, groups, count * sizeof(*groups));
	qsort(fresh, count, sizeof(*fresh), compare);
	while (count > 0) {
		if (old_count > 0 && compare(&all[old_count - 1], &fresh[count - 1]) > 0)
			all[--to] = all[--old_count];
		else
			all[--to] = fresh[--count];
	}
}

int evs_groups_add(
	struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count)
{
	uint32_t needed = connection->group_count + count;

	if (needed > EVS_CONNECTION_GROUPS_MAX)
		return -ENOMEM;
	if (count == 0)
		return 0;
	if (needed > connection->group_capacity) {
		uint32_t capacity = needed + needed / 2;
		struct evs_wire_group *grown =
			reallocarray(connection->groups, capacity, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		connection->groups = grown;
		connection->group_capacity = capacity;
	}
	merge(connection->groups, connection->group_count, groups, count);
	connection->group_count = needed;
	return 0;
}

int evs_groups_remove(struct evs_connection *connection, const struct evs_wire_group *group)
{
	const struct evs_wire_group *found = find(connection, group);

	if (found == NULL)
		return -ENOENT;

	size_t at = (size_t)(found - connection->groups);

	connection->group_count--;
	memmove(connection->groups + at, connection->groups + at + 1,
		(connection->group_count - at) * sizeof(*group));
	return 0;
}

void evs_groups_sort(struct evs_wire_group *groups, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare(&groups[i - 1], &groups[i]) <= 0)
			continue; /* those of a client are sorted already */
		qsort(groups, count, sizeof(*groups), compare);
		return;
	}
}

static bool is_any_in(const struct evs_wire_group *few, size_t few_count, const struct evs_wire_group *many,
	size_t many_count)
{
	for (size_t i = 0; i < few_count; i++) {
		if (bsearch(&few[i], many, many_count, sizeof(*many), compare) != NULL)
			return true;
	}
	return false;
}

/*
 * Steps of a binary search in the larger list. Searching takes so many for each group of the smaller list.
 * Walking both lists takes one step for each group.
 */
#define SEARCH_STEPS 14u

bool evs_groups_meet(
	const struct evs_connection *connection, const struct evs_wire_group *groups, size_t count)
{
	const struct evs_wire_group *own = connection->groups;
	size_t own_count = connection->group_count;

	if (count == 0 || own_count == 0)
		return false;
	if (count * SEARCH_STEPS < own_count + count)
		return is_any_in(groups, count, own, own_count);
	if (own_count * SEARCH_STEPS < own_count + count)
		return is_any_in(own, own_count, groups, count);
	while (count > 0 && own_count > 0) {
		int order = compare(own, groups);

		if (order == 0)
			return true;
		if (order < 0) {
			own++;
			own_count--;
		} else {
			groups++;
			count--;
		}
	}
	return false;
}

void evs_groups_free(struct evs_connection *connection)
{
	free(connection->groups);
	connection->groups = NULL;
	connection->group_count = connection->group_capacity = 0;
}
