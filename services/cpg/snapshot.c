/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A snapshot of all memberships, for an iteration. A snapshot of a few thousand entries is made while its request is
 * handled. A larger one is made in several turns of the loop, and its request is answered at the end:
 *
 * 1. Groups are checked, and the requested ones are put into a heap, sorted by their first members.
 * 2. Groups are taken from the heap in the order that clients expect, and their members are copied.
 *
 * A heap sorts in small steps, while qsort cannot be interrupted. If any list changes in between, the snapshot is
 * started again, so that it shows the lists at one point in time. After too many restarts the client is answered "try
 * again".
 */
#include "services/cpg/iterate.h"

#include <errno.h>
#include <stdlib.h>

#define CS_ERR_TRY_AGAIN 6
#define CS_ERR_NO_MEMORY 8
#define RESTARTS_MAX 16u
#define PAUSE_NS UINT64_C(100000) /* pause between two turns, so that the loop can do other work */

/* A group and its first member, by which it is sorted. */
struct head {
	uint32_t nodeid, pid;
	uint64_t seq;
	const struct cpg_group *group;
};

struct cpg_snapshot_build {
	struct cpg_snapshot_build *next;
	struct cpg *cpg;
	struct cpg_connection *connection;
	struct cpg_iteration *iteration; /* its entries are NULL until their number is known */
	struct cpg_wire_name name;
	uint32_t type;
	uint64_t version; /* value of cpg->list_version at the start */
	uint32_t restarts;
	uint32_t group_at; /* index of the next group to check */
	struct head *heap; /* element 0 is the next group to copy */
	uint32_t heap_count, heap_capacity;
	uint32_t member_at; /* copied members of the group at the top */
	size_t entry_count;
};

/* --- the heap --- */

static bool is_before(const struct head *a, const struct head *b)
{
	if (a->nodeid != b->nodeid)
		return a->nodeid > b->nodeid;
	if (a->pid != b->pid)
		return a->pid > b->pid;
	return a->seq > b->seq;
}

static int push(struct cpg_snapshot_build *build, const struct cpg_group *group)
{
	const struct cpg_process *first = group->members;
	const struct head head = {first->nodeid, first->pid, first->seq, group};
	uint32_t at = build->heap_count;

	if (cpg_reserve((void **)&build->heap, &build->heap_capacity, at + 1, sizeof(head)) < 0)
		return -ENOMEM;
	build->heap_count++;
	while (at > 0 && is_before(&head, &build->heap[(at - 1) / 2])) {
		build->heap[at] = build->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	build->heap[at] = head;
	return 0;
}

static void pop(struct cpg_snapshot_build *build)
{
	uint32_t count = --build->heap_count;
	const struct head last = build->heap[count];
	uint32_t at = 0;

	for (uint32_t child = 1; child < count; child = 2 * at + 1) {
		child += child + 1 < count && is_before(&build->heap[child + 1], &build->heap[child]);
		if (!is_before(&build->heap[child], &last))
			break;
		build->heap[at] = build->heap[child];
		at = child;
	}
	build->heap[at] = last;
}

/* --- steps --- */

static bool has_looked(const struct cpg_snapshot_build *build)
{
	return build->group_at == build->cpg->group_count || build->type == CPG_ONE_GROUP;
}

static int look(struct cpg_snapshot_build *build, const struct cpg_group *group)
{
	if (group->count == 0)
		return 0;
	build->entry_count += build->type == CPG_NAME_ONLY ? 1 : group->count;
	return push(build, group);
}

/* Copy one entry: the first member of a group, then the others from the last to the second. */
static void copy(struct cpg_snapshot_build *build)
{
	const struct cpg_group *group = build->heap[0].group;
	const struct cpg_process *process =
		&group->members[build->member_at == 0 ? 0 : group->count - build->member_at];
	struct cpg_iteration_entry *entry = &build->iteration->entries[build->iteration->count++];

	entry->name = group->name;
	if (build->type != CPG_NAME_ONLY) {
		entry->nodeid = process->nodeid;
		entry->pid = process->pid;
	}
	if (build->type == CPG_NAME_ONLY || ++build->member_at == group->count) {
		build->member_at = 0;
		pop(build);
	}
}

static void start(struct cpg_snapshot_build *build)
{
	free(build->iteration->entries);
	build->iteration->entries = NULL;
	build->iteration->count = 0;
	build->version = build->cpg->list_version;
	build->group_at = 0;
	build->heap_count = 0;
	build->member_at = 0;
	build->entry_count = 0;
}

static int start_again(struct cpg_snapshot_build *build)
{
	if (build->version == build->cpg->list_version)
		return 0;
	if (++build->restarts > RESTARTS_MAX)
		return -EAGAIN;
	start(build);
	return 0;
}

/* Make one step. @return 0; 1: the snapshot is complete; -ENOMEM */
static int step(struct cpg_snapshot_build *build)
{
	struct cpg *cpg = build->cpg;

	if (!has_looked(build))
		return look(build, cpg->groups[build->group_at++]);
	if (build->iteration->entries == NULL) {
		const struct cpg_group *group = build->type == CPG_ONE_GROUP ? cpg_group_find(cpg, &build->name) : NULL;

		if (group != NULL && look(build, group) < 0)
			return -ENOMEM;
		build->iteration->entries = calloc(build->entry_count + 1, sizeof(struct cpg_iteration_entry));
		return build->iteration->entries == NULL ? -ENOMEM : 0;
	}
	if (build->heap_count == 0)
		return 1;
	copy(build);
	return 0;
}

/*
 * Make the steps of one turn. @return 0: there is more to do; 1: the snapshot is complete; -ENOMEM; -EAGAIN: the lists
 * change too often
 */
static int run(struct cpg_snapshot_build *build)
{
	if (!cpg_settle_step(build->cpg))
		return 0;

	int rc = start_again(build);
	uint32_t work = 0;

	for (; rc == 0 && work < CPG_SNAPSHOT_WORK_MAX; work++)
		rc = step(build);
	if (work > build->cpg->snapshot_work)
		build->cpg->snapshot_work = work;
	return rc;
}

/* --- several turns --- */

static void free_build(struct cpg_snapshot_build *build)
{
	struct cpg_snapshot_build **place = &build->cpg->builds;

	while (*place != build && *place != NULL)
		place = &(*place)->next;
	if (*place == build)
		*place = build->next;
	build->connection->build = NULL;
	cpg_iteration_free(build->iteration);
	free(build->heap);
	free(build);
}

static void on_turn(void *arg);

static int turn_later(struct cpg *cpg)
{
	if (cpg->builds == NULL || cpg->build_timer != NULL)
		return 0;
	return cpg->host->timer_add(cpg->ctx, cpg->host->now_ns(cpg->ctx) + PAUSE_NS, on_turn, cpg, &cpg->build_timer);
}

static void finish(struct cpg_snapshot_build *build, int rc)
{
	struct cpg *cpg = build->cpg;
	struct coterie_client *client = build->connection->client;

	if (rc == 1) {
		struct cpg_iteration *iteration = build->iteration;

		build->iteration = NULL;
		cpg_iteration_open(cpg, build->connection, iteration);
	} else {
		cpg->host->reply(client, CPG_RES_ITERATION_INITIALIZE,
			rc == -EAGAIN ? CS_ERR_TRY_AGAIN : CS_ERR_NO_MEMORY, NULL, 0);
	}
	free_build(build);
}

/* Run the first snapshot for one turn. If it is not complete then, move it to the end of the list. */
static void on_turn(void *arg)
{
	struct cpg *cpg = arg;
	struct cpg_snapshot_build *build = cpg->builds, **end = &cpg->builds;

	cpg->build_timer = NULL;
	if (build == NULL)
		return;

	int rc = run(build);

	if (rc != 0) {
		finish(build, rc);
	} else if (build->next != NULL) {
		cpg->builds = build->next;
		while (*end != NULL)
			end = &(*end)->next;
		build->next = NULL;
		*end = build;
	}
	if (turn_later(cpg) < 0)
		while (cpg->builds != NULL)
			finish(cpg->builds, -ENOMEM);
}

void cpg_snapshot_drop(struct cpg_connection *connection)
{
	if (connection->build != NULL)
		free_build(connection->build);
}

int cpg_snapshot_take(
	struct cpg *cpg, struct cpg_connection *connection, uint32_t type, const struct cpg_wire_name *name)
{
	struct cpg_snapshot_build *build = calloc(1, sizeof(*build)), **end = &cpg->builds;

	if (build == NULL)
		return -ENOMEM;
	*build = (struct cpg_snapshot_build){.cpg = cpg, .connection = connection, .name = *name, .type = type};
	build->iteration = calloc(1, sizeof(*build->iteration));
	if (build->iteration == NULL) {
		free(build);
		return -ENOMEM;
	}
	connection->build = build;
	start(build);

	/* If another snapshot is being made, add this one at the end of the list. */
	int rc = cpg->builds == NULL ? run(build) : 0;

	if (rc == 0) {
		while (*end != NULL)
			end = &(*end)->next;
		*end = build;
		rc = turn_later(cpg);
		if (rc == 0)
			return COTERIE_LATER;
	}
	finish(build, rc);
	return COTERIE_REPLIED;
}
