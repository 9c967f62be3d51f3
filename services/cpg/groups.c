/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Members of the groups. They are indexed by group (index.c), so that the cost of a message depends only on its group's
 * members.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------- */

int cpg_name_clean(const struct cpg_wire_name *name, struct cpg_wire_name *clean)
{
	uint32_t length = name->length;

	memset(clean, 0, sizeof(*clean));
	if (length > CPG_GROUP_NAME_MAX)
		return -EOVERFLOW;
	clean->length = length;
	memcpy(clean->value, name->value, length);
	return 0;
}

/* Names may contain zero bytes. */
bool cpg_name_equal(const struct cpg_wire_name *a, const struct cpg_wire_name *b)
{
	return a->length == b->length && memcmp(a->value, b->value, a->length) == 0;
}

/* ---- Groups -------------------------------------------------------------- */

struct cpg_group *cpg_group_find_hashed(struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash)
{
	struct cpg_group *group = cpg_index_find(cpg, name, hash);

	if (group != NULL)
		cpg_settle_group(cpg, group);
	return group;
}

struct cpg_group *cpg_group_find(struct cpg *cpg, const struct cpg_wire_name *name)
{
	return cpg_group_find_hashed(cpg, name, cpg_index_hash(cpg, name));
}

struct cpg_group *cpg_group_create(struct cpg *cpg, const struct cpg_wire_name *name, uint32_t hash)
{
	struct cpg_group *group;

	if (cpg_reserve((void **)&cpg->groups, &cpg->group_capacity, cpg->group_count + 1, sizeof(*cpg->groups)) < 0)
		return NULL;
	group = calloc(1, sizeof(*group));
	if (group == NULL)
		return NULL;
	group->members = &group->single;
	group->capacity = 1;
	group->name = *name;
	group->hash = hash;
	group->settled = cpg->settle.round;
	if (cpg_index_add(cpg, group) < 0) {
		free(group);
		return NULL;
	}
	group->at = cpg->group_count;
	cpg->groups[cpg->group_count++] = group;
	cpg->list_version++;
	return group;
}

struct cpg_group *cpg_group_get(struct cpg *cpg, const struct cpg_wire_name *name)
{
	uint32_t hash = cpg_index_hash(cpg, name);
	struct cpg_group *group = cpg_group_find_hashed(cpg, name, hash);

	return group != NULL ? group : cpg_group_create(cpg, name, hash);
}

bool cpg_group_is_used(const struct cpg_group *group)
{
	return group->count > 0 || group->connections != NULL || group->pins > 0 || group->newest > 0;
}

void cpg_group_release(struct cpg *cpg, struct cpg_group *group)
{
	if (cpg->is_walking || cpg_group_is_used(group))
		return;
	cpg_index_del(cpg, group);
	cpg->groups[group->at] = cpg->groups[--cpg->group_count];
	cpg->groups[group->at]->at = group->at;
	cpg->list_version++;
	if (group->members != &group->single)
		free(group->members);
	free(group);
}

/* Add the group to the list, before it gets a connection or a local member. */
static void enter_near(struct cpg *cpg, struct cpg_group *group)
{
	if (group->connections != NULL || group->local_count > 0)
		return;
	group->near_previous = NULL;
	group->near_next = cpg->near;
	if (cpg->near != NULL)
		cpg->near->near_previous = group;
	cpg->near = group;
}

/* Remove the group from the list, if it has lost its last connection and local member. */
static void leave_near(struct cpg *cpg, struct cpg_group *group)
{
	if (group->connections != NULL || group->local_count > 0)
		return;
	if (group->near_previous != NULL)
		group->near_previous->near_next = group->near_next;
	else
		cpg->near = group->near_next;
	if (group->near_next != NULL)
		group->near_next->near_previous = group->near_previous;
}

/* ---- Memberships of a node ----------------------------------------------- */

static uint32_t tally_position(const struct cpg *cpg, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = cpg->tally_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (cpg->tallies[middle].nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_tally(const struct cpg *cpg, uint32_t at, uint32_t nodeid)
{
	return at < cpg->tally_count && cpg->tallies[at].nodeid == nodeid;
}

uint32_t cpg_tally_of(const struct cpg *cpg, uint32_t nodeid)
{
	uint32_t at = tally_position(cpg, nodeid);

	return has_tally(cpg, at, nodeid) ? cpg->tallies[at].count : 0;
}

struct cpg_tally *cpg_tally_find(const struct cpg *cpg, uint32_t nodeid)
{
	uint32_t at = tally_position(cpg, nodeid);

	return has_tally(cpg, at, nodeid) ? &cpg->tallies[at] : NULL;
}

struct cpg_tally *cpg_tally_get(struct cpg *cpg, uint32_t nodeid)
{
	uint32_t at = tally_position(cpg, nodeid);

	if (!has_tally(cpg, at, nodeid)) {
		if (cpg_reserve((void **)&cpg->tallies, &cpg->tally_capacity, cpg->tally_count + 1,
			    sizeof(*cpg->tallies)) < 0)
			return NULL;

		struct cpg_tally *tally = &cpg->tallies[at];

		memmove(tally + 1, tally, (cpg->tally_count - at) * sizeof(*tally));
		cpg->tally_count++;
		*tally = (struct cpg_tally){.nodeid = nodeid};
	}
	return &cpg->tallies[at];
}

void cpg_tally_prune(struct cpg *cpg)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cpg->tally_count; i++)
		if (cpg->tallies[i].count > 0)
			cpg->tallies[kept++] = cpg->tallies[i];
	cpg->tally_count = kept;
}

int cpg_tally_add(struct cpg *cpg, uint32_t nodeid)
{
	struct cpg_tally *tally = cpg_tally_get(cpg, nodeid);

	if (tally == NULL)
		return -ENOMEM;
	if (tally->count >= CPG_PROCESSES_MAX)
		return -EDQUOT;
	tally->count++;
	return 0;
}

void cpg_tally_del(struct cpg *cpg, uint32_t nodeid)
{
	uint32_t at = tally_position(cpg, nodeid);
	struct cpg_tally *tally = &cpg->tallies[at];

	if (!has_tally(cpg, at, nodeid) || --tally->count > 0)
		return;
	cpg->tally_count--;
	memmove(tally, tally + 1, (cpg->tally_count - at) * sizeof(*tally));
}

bool cpg_process_is_unnamed(const struct cpg *cpg, const struct cpg_process *process, uint32_t local_nodeid)
{
	return process->nodeid != local_nodeid && process->round != cpg->settle.round;
}

/* ---- Processes ----------------------------------------------------------- */

uint32_t cpg_process_position(const struct cpg_group *group, uint32_t nodeid, uint32_t pid)
{
	uint32_t low = 0;
	uint32_t high = group->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct cpg_process *process = &group->members[middle];

		if (process->nodeid < nodeid || (process->nodeid == nodeid && process->pid < pid))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct cpg_process *cpg_process_find(struct cpg_group *group, uint32_t nodeid, uint32_t pid)
{
	uint32_t at = cpg_process_position(group, nodeid, pid);

	if (at == group->count)
		return NULL;

	struct cpg_process *process = &group->members[at];

	return process->nodeid == nodeid && process->pid == pid ? process : NULL;
}

bool cpg_group_has_node(const struct cpg_group *group, uint32_t nodeid)
{
	uint32_t at = cpg_process_position(group, nodeid, 0);

	return at < group->count && group->members[at].nodeid == nodeid;
}

int cpg_members_reserve(struct cpg_group *group, uint32_t count)
{
	struct cpg_process *members = group->members == &group->single ? NULL : group->members;
	uint32_t capacity = members == NULL ? 0 : group->capacity;

	if (count <= group->capacity)
		return 0;
	if (cpg_reserve((void **)&members, &capacity, count, sizeof(*members)) < 0)
		return -ENOMEM;
	if (group->members == &group->single)
		members[0] = group->single;
	group->members = members;
	group->capacity = capacity;
	return 0;
}

struct cpg_process *cpg_members_insert(struct cpg_group *group, uint32_t nodeid, uint32_t pid)
{
	uint32_t at = cpg_process_position(group, nodeid, pid);
	struct cpg_process *process = &group->members[at];

	memmove(process + 1, process, (group->count - at) * sizeof(*process));
	group->count++;
	return process;
}

int cpg_process_add(struct cpg *cpg, struct cpg_group *group, uint32_t nodeid, uint32_t pid)
{
	if (cpg_process_find(group, nodeid, pid) != NULL)
		return -EEXIST;
	if (cpg_members_reserve(group, group->count + 1) < 0)
		return -ENOMEM;

	int rc = cpg_tally_add(cpg, nodeid);

	if (rc < 0)
		return rc;

	cpg->list_version++;
	if (nodeid == cpg->host->local_nodeid(cpg->ctx)) {
		enter_near(cpg, group);
		group->local_count++;
	}
	*cpg_members_insert(group, nodeid, pid) = (struct cpg_process){
		.nodeid = nodeid,
		.pid = pid,
		.seq = cpg->process_seq++,
		/*
		 * A process that joins during a synchronisation counts as named, since its node may have sent its list
		 * before.
		 */
		.round = cpg->resync.round,
	};
	cpg_resync_joined(cpg, nodeid, pid, group);
	return 0;
}

void cpg_process_del(struct cpg *cpg, struct cpg_group *group, struct cpg_process *process)
{
	size_t at = (size_t)(process - group->members);

	cpg_resync_removed(cpg, process);
	if (process->nodeid == cpg->host->local_nodeid(cpg->ctx)) {
		group->local_count--;
		leave_near(cpg, group);
	}
	cpg_tally_del(cpg, process->nodeid);
	group->count--;
	cpg->list_version++;
	memmove(process, process + 1, (group->count - at) * sizeof(*process));
}

/* ---- Connections --------------------------------------------------------- */

void cpg_connection_attach(struct cpg *cpg, struct cpg_connection *connection, struct cpg_group *group)
{
	enter_near(cpg, group);
	connection->group = group;
	connection->group_previous = NULL;
	connection->group_next = group->connections;
	if (group->connections != NULL)
		group->connections->group_previous = connection;
	group->connections = connection;
}

void cpg_connection_detach(struct cpg *cpg, struct cpg_connection *connection)
{
	struct cpg_group *group = connection->group;

	if (group == NULL)
		return;
	if (connection->group_previous != NULL)
		connection->group_previous->group_next = connection->group_next;
	else
		group->connections = connection->group_next;
	if (connection->group_next != NULL)
		connection->group_next->group_previous = connection->group_previous;
	connection->group = NULL;
	leave_near(cpg, group);
	cpg_group_release(cpg, group);
}
