/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The groups of one client. They are sorted, so that the receivers of a message are found quickly. For messages with
 * many groups see index.c.
 */
#include "services/evs/evs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return memcmp(a, b, sizeof(struct evs_wire_group)); }

/* Return the index of the first group that is not less than `group`. */
static uint32_t first_of(const struct evs_connection *connection, const struct evs_wire_group *group)
{
	uint32_t low = 0, high = connection->group_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&connection->groups[middle], group) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct evs_connection *connection, uint32_t at, const struct evs_wire_group *group)
{
	return at < connection->group_count && compare(&connection->groups[at], group) == 0;
}

/*
 * Sort the few new groups, then merge both lists from the end. To sort all groups again would take milliseconds if a
 * client has many groups.
 */
static void merge(struct evs_wire_group *all, uint32_t old_count, const struct evs_wire_group *groups, uint32_t count)
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

static uint32_t count_of_user(const struct evs *evs, uint32_t uid)
{
	uint32_t count = 0;

	for (const struct evs_connection *one = evs->connections; one != NULL; one = one->next)
		count += one->uid == uid ? one->group_count : 0;
	return count;
}

int evs_groups_add(
	const struct evs *evs, struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count)
{
	return count_of_user(evs, connection->uid) + count > EVS_USER_GROUPS_MAX
		       ? -ENOMEM
		       : evs_groups_insert(connection, groups, count);
}

int evs_groups_insert(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count)
{
	uint32_t needed = connection->group_count + count;

	if (needed > EVS_CONNECTION_GROUPS_MAX)
		return -ENOMEM;
	if (count == 0)
		return 0;
	if (needed > connection->group_capacity) {
		uint32_t capacity = needed + needed / 2;
		struct evs_wire_group *grown = reallocarray(connection->groups, capacity, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		connection->groups = grown;
		connection->group_capacity = capacity;
	}
	merge(connection->groups, connection->group_count, groups, count);
	connection->group_count = needed;
	return 0;
}

/* Remove the groups at these ascending indices, in one pass over the list. */
static void take_out(struct evs_connection *connection, const uint32_t *places, uint32_t count)
{
	struct evs_wire_group *groups = connection->groups;
	uint32_t to = count > 0 ? places[0] : 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = places[i] + 1, end = i + 1 < count ? places[i + 1] : connection->group_count;

		memmove(groups + to, groups + from, (end - from) * sizeof(*groups));
		to += end - from;
	}
	connection->group_count -= count;
}

int evs_groups_remove(struct evs_connection *connection, const struct evs_wire_group *groups, uint32_t count)
{
	uint32_t places[EVS_REQUEST_GROUPS_MAX], found = 0;
	int rc = 0;

	assert(count <= EVS_REQUEST_GROUPS_MAX);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = first_of(connection, &groups[i]), place = 0;

		while (place < found && places[place] < at)
			place++;
		for (; place < found && places[place] == at; place++)
			at++; /* an earlier element of the request has the same group, and removes this entry */
		if (!is_at(connection, at, &groups[i])) {
			rc = -ENOENT;
			break;
		}
		memmove(places + place + 1, places + place, (found - place) * sizeof(places[0]));
		places[place] = at;
		found++;
	}
	take_out(connection, places, found);
	return rc;
}

/*
 * Return whether a message has few groups. In that case search each of them in the client's list. A message to all
 * joined groups of its sender may have 16,384. In that case search each group of the client in a table of the message's
 * groups.
 */
static bool are_few(uint32_t count) { return count <= EVS_REQUEST_GROUPS_MAX; }

int evs_groups_prepare(struct evs *evs, const struct evs_wire_group *groups, uint32_t count)
{
	return are_few(count) ? 0 : evs_index_fill(evs, groups, count);
}

bool evs_groups_meet(const struct evs *evs, const struct evs_connection *connection,
	const struct evs_wire_group *groups, uint32_t count)
{
	for (uint32_t i = 0; are_few(count) && i < count; i++) {
		if (is_at(connection, first_of(connection, &groups[i]), &groups[i]))
			return true;
	}
	for (uint32_t i = 0; !are_few(count) && i < connection->group_count; i++) {
		if (evs_index_has(evs, &connection->groups[i]))
			return true;
	}
	return false;
}

void evs_groups_free(struct evs_connection *connection)
{
	free(connection->groups);
	connection->groups = NULL;
	connection->group_count = connection->group_capacity = 0;
}
