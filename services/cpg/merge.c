/*
 * The end of a synchronisation: what the JOINLISTs named becomes part of the lists, in one pass over both. An entry at a
 * time would be quadratic, and entries come in any order that a member likes.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* By group, then as members are listed; of equal ones the newest first, which is the one that counts. */
static int compare_received(const void *left, const void *right)
{
	const struct cpg_received *a = *(const struct cpg_received *const *)left;
	const struct cpg_received *b = *(const struct cpg_received *const *)right;
	int order = cpg_name_compare(&a->name, &b->name);

	if (order != 0)
		return order;
	if (a->nodeid != b->nodeid)
		return a->nodeid < b->nodeid ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a < b) - (a > b);
}

static int compare_arrival(const void *left, const void *right)
{
	const struct cpg_received *a = *(const struct cpg_received *const *)left;
	const struct cpg_received *b = *(const struct cpg_received *const *)right;

	return (a < b) - (a > b);
}

static bool is_same_process(const struct cpg_received *a, const struct cpg_received *b)
{
	return a->nodeid == b->nodeid && a->pid == b->pid && cpg_name_equal(&a->name, &b->name);
}

/* @return returned, caller frees: count pointers into list, in the order of compare_received; NULL: out of memory */
static struct cpg_received **sort(struct cpg_received *list, uint32_t count)
{
	struct cpg_received **sorted = calloc(count + 1u, sizeof(struct cpg_received *));

	if (sorted == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = &list[i];
	qsort(sorted, count, sizeof(struct cpg_received *), compare_received);
	return sorted;
}

/* Where a walk over sorted lists stands. */
struct walk {
	struct cpg *cpg;
	struct cpg_received **received, **gone; /* sorted */
	uint32_t received_count, gone_count;
	uint32_t at, gone_at, group_at;
	struct cpg_group **made; /* groups that were not there, ascending */
	uint32_t made_count;
	struct cpg_received **added; /* scratch: of one group, in the order of arrival, the newest first */
};

/* It left while lists were on their way that named it. Since it is no member now, it has not come again. */
static bool is_gone(struct walk *walk, const struct cpg_received *entry)
{
	while (walk->gone_at < walk->gone_count) {
		const struct cpg_received *gone = walk->gone[walk->gone_at];

		if (is_same_process(gone, entry))
			return true;
		/* Pointers into two lists: the last criterion never counts. */
		if (compare_received(&gone, &entry) > 0)
			return false;
		walk->gone_at++;
	}
	return false;
}

/* The group of a name that is not before those asked for earlier; NULL: it is not there. */
static struct cpg_group *next_group(struct walk *walk, const struct cpg_wire_name *name)
{
	struct cpg *cpg = walk->cpg;

	while (walk->group_at < cpg->group_count) {
		struct cpg_group *group = cpg->groups[walk->group_at];
		int order = cpg_name_compare(&group->name, name);

		if (order >= 0)
			return order == 0 ? group : NULL;
		walk->group_at++;
	}
	return NULL;
}

/* Find out which entries are new. Members that are named again are marked as named. */
static void mark(struct walk *walk)
{
	struct cpg *cpg = walk->cpg;

	for (uint32_t i = 0; i < walk->received_count; i++) {
		struct cpg_received *entry = walk->received[i];
		struct cpg_group *group = next_group(walk, &entry->name);
		struct cpg_process *process =
			group == NULL ? NULL : cpg_process_find(group, entry->nodeid, entry->pid);

		if (process != NULL)
			process->round = cpg->resync.round;
		entry->is_new = process == NULL && (i == 0 || !is_same_process(walk->received[i - 1], entry)) &&
				!is_gone(walk, entry);
	}
}

/* Members that are not named any more leave after this. They take no room from those that come in their place. */
static void count_new(struct walk *walk)
{
	struct cpg *cpg = walk->cpg;

	cpg_tally_excuse(cpg);
	for (uint32_t i = 0; i < walk->received_count; i++) {
		struct cpg_received *entry = walk->received[i];
		int rc = entry->is_new ? cpg_tally_add(cpg, entry->nodeid) : 0;

		if (rc == 0)
			continue;
		entry->is_new = false;
		if (rc == -ENOMEM)
			cpg_complain(cpg, CPG_NO_MEMORY, entry->nodeid, "out of memory: a process is not listed");
		else
			cpg_complain(cpg, CPG_TOO_MANY, entry->nodeid, "a process is not listed: its node has too many");
	}
	cpg_tally_excuse_end(cpg);
}

static void undo(struct walk *walk, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		cpg_tally_del(walk->cpg, walk->added[i]->nodeid);
	cpg_complain(walk->cpg, CPG_NO_MEMORY, 0, "out of memory: processes are not listed");
}

/* Put count entries, which are sorted and no members yet, among the members. There is room. */
static void merge_members(struct cpg_group *group, struct cpg_received *const *sorted, uint32_t count, uint64_t round)
{
	uint32_t old = group->count;

	group->count += count;
	for (uint32_t to = group->count; count > 0;) {
		const struct cpg_received *entry = sorted[count - 1];
		const struct cpg_process *last = old == 0 ? NULL : &group->members[old - 1];

		if (last != NULL && (last->nodeid > entry->nodeid ||
					    (last->nodeid == entry->nodeid && last->pid > entry->pid))) {
			group->members[--to] = *last;
			old--;
			continue;
		}
		group->members[--to] = (struct cpg_process){
			.nodeid = entry->nodeid, .pid = entry->pid, .seq = entry->seq, .round = round};
		count--;
	}
}

static struct cpg_group *make_group(struct walk *walk, const struct cpg_wire_name *name)
{
	struct cpg_group *group = calloc(1, sizeof(*group));

	if (group == NULL)
		return NULL;
	group->name = *name;
	walk->made[walk->made_count++] = group;
	return group;
}

/* The new ones among `size` entries of one group. */
static void add_run(struct walk *walk, struct cpg_received **run, uint32_t size)
{
	struct cpg *cpg = walk->cpg;
	struct cpg_group *group = next_group(walk, &run[0]->name);
	uint32_t count = 0;

	for (uint32_t i = 0; i < size; i++) {
		struct cpg_received *entry = run[i];

		if (!entry->is_new)
			continue;
		run[count] = entry;
		walk->added[count++] = entry;
	}
	if (count == 0)
		return;
	if (group == NULL)
		group = make_group(walk, &run[0]->name);
	if (group == NULL ||
		cpg_reserve((void **)&group->joined, &group->joined_capacity, count, sizeof(*group->joined)) < 0 ||
		cpg_reserve((void **)&group->members, &group->capacity, group->count + count,
			sizeof(*group->members)) < 0) {
		undo(walk, count);
		return;
	}
	merge_members(group, run, count, cpg->resync.round);
	qsort(walk->added, count, sizeof(struct cpg_received *), compare_arrival);
	for (uint32_t i = 0; i < count; i++)
		group->joined[i] = (struct cpg_wire_address){.nodeid = walk->added[i]->nodeid,
			.pid = walk->added[i]->pid,
			.reason = CPG_WIRE_REASON_NODEUP};
	group->joined_count = count;
}

static void add(struct walk *walk)
{
	uint32_t from = 0;

	walk->group_at = 0;
	for (uint32_t i = 1; i <= walk->received_count; i++) {
		if (i < walk->received_count && cpg_name_equal(&walk->received[i]->name, &walk->received[from]->name))
			continue;
		add_run(walk, walk->received + from, i - from);
		from = i;
	}
}

/* There is room. */
static void merge_groups(struct cpg *cpg, struct cpg_group **made, uint32_t count)
{
	uint32_t old = cpg->group_count;

	cpg->group_count += count;
	for (uint32_t to = cpg->group_count; count > 0;) {
		if (old > 0 && cpg_name_compare(&cpg->groups[old - 1]->name, &made[count - 1]->name) > 0)
			cpg->groups[--to] = cpg->groups[--old];
		else
			cpg->groups[--to] = made[--count];
	}
}

int cpg_merge_received(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;
	struct walk walk = {.cpg = cpg, .received_count = sync->received_count, .gone_count = sync->gone_count};
	int rc = -ENOMEM;

	walk.received = sort(sync->received, sync->received_count);
	walk.gone = sort(sync->gone, sync->gone_count);
	walk.made = calloc(sync->received_count + 1u, sizeof(struct cpg_group *));
	walk.added = calloc(sync->received_count + 1u, sizeof(struct cpg_received *));
	if (walk.received == NULL || walk.gone == NULL || walk.made == NULL || walk.added == NULL ||
		cpg_reserve((void **)&cpg->groups, &cpg->group_capacity, cpg->group_count + sync->received_count,
			sizeof(struct cpg_group *)) < 0)
		goto release;
	mark(&walk);
	count_new(&walk);
	for (uint32_t i = sync->received_count; i > 0; i--) {
		if (sync->received[i - 1].is_new)
			sync->received[i - 1].seq = cpg->process_seq++;
	}
	add(&walk);
	merge_groups(cpg, walk.made, walk.made_count);
	rc = 0;
release:
	free(walk.received);
	free(walk.gone);
	free(walk.made);
	free(walk.added);
	return rc;
}
