/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Merge the JOINLISTs of a synchronisation into the groups. When a list is delivered, each entry is attached to its
 * group. After all lists were delivered, each group is merged once with all its entries. Inserting single entries would
 * take quadratic time in a large group, since a node may send its entries in any order.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* ---- Entries ------------------------------------------------------------- */

int cpg_received_add(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_resync *sync = &cpg->resync;

	if (cpg_reserve((void **)&sync->received, &sync->received_capacity, sync->received_count + 1,
		    sizeof(*sync->received)) < 0)
		return -ENOMEM;

	struct cpg_group *group = cpg_group_get(cpg, name);

	if (group == NULL)
		return -ENOMEM;
	sync->received[sync->received_count++] = (struct cpg_received){
		.group = group, .nodeid = nodeid, .pid = pid, .older = group->newest};
	group->newest = sync->received_count;
	group->received_count++;
	return 0;
}

void cpg_received_forget(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;

	for (uint32_t i = 0; i < sync->received_count; i++) {
		struct cpg_group *group = sync->received[i].group;

		if (group == NULL || group->newest != i + 1)
			continue; /* only the newest entry of a group resets the group */
		group->newest = 0;
		group->received_count = 0;
		cpg_group_release(cpg, group);
	}
	free(sync->received);
	sync->received = NULL;
	sync->received_count = 0;
	sync->received_capacity = 0;
}

/* ---- Processes that leave during the exchange ---------------------------- */

/* Return the place of a process in the table, or the free place for it. */
static uint32_t *gone_place(
	const struct cpg *cpg, uint32_t nodeid, uint32_t pid, uint32_t hash, const struct cpg_wire_name *name)
{
	const struct cpg_gone_set *gone = &cpg->resync.gone;
	const uint64_t *key = cpg->index.key;
	uint64_t sum = key[0] * pid + key[1] * nodeid + key[2] * hash;
	uint32_t at = (uint32_t)(sum >> 32) & (gone->place_count - 1);

	for (; gone->places[at] != 0; at = (at + 1) & (gone->place_count - 1)) {
		const struct cpg_gone *one = &gone->list[gone->places[at] - 1];

		if (one->hash == hash && one->nodeid == nodeid && one->pid == pid && cpg_name_equal(&one->name, name))
			break;
	}
	return &gone->places[at];
}

/* Make room for one more process. At most half of the table's places are used. */
static int gone_reserve(struct cpg *cpg)
{
	struct cpg_gone_set *gone = &cpg->resync.gone;
	uint32_t count = gone->place_count == 0 ? 16 : gone->place_count * 2;

	if (cpg_reserve((void **)&gone->list, &gone->capacity, gone->count + 1, sizeof(*gone->list)) < 0)
		return -ENOMEM;
	if (gone->count < gone->place_count / 2)
		return 0;
	uint32_t *places = calloc(count, sizeof(*places));

	if (places == NULL)
		return -ENOMEM;
	free(gone->places);
	gone->places = places;
	gone->place_count = count;
	for (uint32_t i = 0; i < gone->count; i++) {
		const struct cpg_gone *one = &gone->list[i];

		*gone_place(cpg, one->nodeid, one->pid, one->hash, &one->name) = i + 1;
	}
	return 0;
}

int cpg_gone_add(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_gone_set *gone = &cpg->resync.gone;
	uint32_t hash = cpg_index_hash(cpg, name);

	if (gone_reserve(cpg) < 0)
		return -ENOMEM;

	uint32_t *place = gone_place(cpg, nodeid, pid, hash, name);

	if (*place != 0)
		return 0;
	gone->list[gone->count++] = (struct cpg_gone){.nodeid = nodeid, .pid = pid, .hash = hash, .name = *name};
	*place = gone->count;
	return 0;
}

void cpg_gone_forget(struct cpg *cpg)
{
	struct cpg_gone_set *gone = &cpg->resync.gone;

	free(gone->list);
	free(gone->places);
	*gone = (struct cpg_gone_set){0};
}

/*
 * Return whether the entry's process has left during the exchange. Call only if it is no member now: it has not joined
 * again.
 */
static bool is_gone(const struct cpg *cpg, const struct cpg_received *entry)
{
	const struct cpg_group *group = entry->group;

	return cpg->resync.gone.count > 0 &&
	       *gone_place(cpg, entry->nodeid, entry->pid, group->hash, &group->name) != 0;
}

/* ---- The merge ----------------------------------------------------------- */

/* One entry of a group with several entries. The sorted entries of one group are called its run. */
struct place {
	uint64_t process; /* node id << 32 | pid. Members are sorted by this number */
	uint32_t at;      /* index of the entry in `received` */
};

/* State of a walk over the groups. The group that received the last entry comes first. */
struct walk {
	struct cpg *cpg;
	struct place *places; /* the runs of the groups, in the order of the walk */
	uint32_t place_count;
};

/* Compare by process. Of several entries for one process the newest is first, and only the first one is used. */
static int compare_places(const void *left, const void *right)
{
	const struct place *a = left;
	const struct place *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return (a->at < b->at) - (a->at > b->at);
}

static uint64_t number_of(uint32_t nodeid, uint32_t pid) { return (uint64_t)nodeid << 32 | pid; }

/* Write the run of a group. Nodes of this version send their processes ordered by pid, so most runs need no qsort(). */
static struct place *sort_run(struct walk *walk, const struct cpg_group *group)
{
	const struct cpg_received *received = walk->cpg->resync.received;
	struct place *run = walk->places + walk->place_count;
	uint32_t to = group->received_count;
	bool is_sorted = true;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older) {
		run[--to] = (struct place){number_of(received[at - 1].nodeid, received[at - 1].pid), at - 1};
		is_sorted = is_sorted && (to + 1 == group->received_count || run[to].process < run[to + 1].process);
	}
	if (!is_sorted)
		qsort(run, group->received_count, sizeof(*run), compare_places);
	walk->place_count += group->received_count;
	return run;
}

static void mark_one(struct cpg *cpg, struct cpg_received *entry, struct cpg_process *process)
{
	if (process != NULL)
		process->round = cpg->resync.round;
	entry->is_new = process == NULL && !is_gone(cpg, entry);
}

static void mark_run(struct walk *walk, struct cpg_group *group)
{
	struct cpg *cpg = walk->cpg;
	const struct place *run = sort_run(walk, group);
	uint32_t member = 0;

	for (uint32_t i = 0; i < group->received_count; i++) {
		struct cpg_process *process = NULL;

		while (member < group->count &&
			number_of(group->members[member].nodeid, group->members[member].pid) < run[i].process)
			member++;
		if (member < group->count &&
			number_of(group->members[member].nodeid, group->members[member].pid) == run[i].process)
			process = &group->members[member];
		if (i == 0 || run[i].process != run[i - 1].process)
			mark_one(cpg, &cpg->resync.received[run[i].at], process);
	}
}

/* Mark the entries of processes that are not members yet, and the members that are named again. */
static void mark(struct walk *walk)
{
	struct cpg_resync *sync = &walk->cpg->resync;

	for (uint32_t at = sync->received_count; at > 0; at--) {
		struct cpg_received *entry = &sync->received[at - 1];
		struct cpg_group *group = entry->group;

		if (group->newest != at)
			continue;
		if (group->received_count == 1)
			mark_one(walk->cpg, entry, cpg_process_find(group, entry->nodeid, entry->pid));
		else
			mark_run(walk, group);
	}
}

/* Return whether some node might get more than CPG_PROCESSES_MAX memberships, if none of its old memberships ends. */
static bool may_exceed(const struct cpg *cpg)
{
	const struct cpg_resync *sync = &cpg->resync;

	for (uint32_t i = 0; i < cpg->member_count; i++)
		if (sync->shares[i].received > 0 &&
			cpg_tally_of(cpg, cpg->members[i]) + sync->shares[i].received > CPG_PROCESSES_MAX)
			return true;
	return false;
}

/*
 * Count the new processes for the limit of their node, from the newest entry to the oldest. Members that were not named
 * will be removed after this, so do not count them: new processes may take their place.
 */
static void count_new(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;
	bool is_close = may_exceed(cpg);

	if (is_close)
		cpg_tally_excuse(cpg);
	for (uint32_t at = sync->received_count; at > 0; at--) {
		struct cpg_received *entry = &sync->received[at - 1];
		int rc = entry->is_new ? cpg_tally_add(cpg, entry->nodeid) : 0;

		if (rc == -ENOMEM)
			cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: a process is not listed (node %u)",
				entry->nodeid);
		else if (rc < 0)
			cpg->host->log(cpg->ctx, LOG_WARNING,
				"a process is not listed: its node has too many (node %u)", entry->nodeid);
		if (rc < 0)
			entry->is_new = false;
		if (entry->is_new)
			entry->seq = cpg->process_seq++;
	}
	if (is_close)
		cpg_tally_excuse_end(cpg);
}

/* Store the joined processes, newest first, for the event to the group's clients. Without clients nothing is stored. */
static int note_joined(struct cpg *cpg, struct cpg_group *group, uint32_t count)
{
	const struct cpg_received *received = cpg->resync.received;

	if (group->connections == NULL)
		return 0;
	if (cpg_reserve((void **)&group->joined, &group->joined_capacity, count, sizeof(*group->joined)) < 0)
		return -ENOMEM;
	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		if (received[at - 1].is_new)
			group->joined[group->joined_count++] = (struct cpg_wire_address){
				.nodeid = received[at - 1].nodeid,
				.pid = received[at - 1].pid,
				.reason = CPG_WIRE_REASON_NODEUP};
	return 0;
}

static struct cpg_process process_of(const struct cpg *cpg, const struct cpg_received *entry)
{
	return (struct cpg_process){
		.nodeid = entry->nodeid, .pid = entry->pid, .seq = entry->seq, .round = cpg->resync.round};
}

/* Insert the `count` new processes of a run into the sorted members, which have room for them. */
static void merge_run(struct cpg *cpg, struct cpg_group *group, const struct place *run, uint32_t count)
{
	uint32_t old = group->count;
	uint32_t next = group->received_count;

	group->count += count;
	for (uint32_t to = group->count; count > 0;) {
		const struct cpg_received *entry = &cpg->resync.received[run[next - 1].at];
		const struct cpg_process *last = old == 0 ? NULL : &group->members[old - 1];

		if (!entry->is_new) {
			next--;
		} else if (last != NULL && number_of(last->nodeid, last->pid) > run[next - 1].process) {
			group->members[--to] = *last;
			old--;
		} else {
			group->members[--to] = process_of(cpg, entry);
			next--;
			count--;
		}
	}
}

static void undo(struct cpg *cpg, const struct cpg_group *group)
{
	const struct cpg_received *received = cpg->resync.received;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		if (received[at - 1].is_new)
			cpg_tally_del(cpg, received[at - 1].nodeid);
	cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes are not listed");
}

static void add_group(struct walk *walk, struct cpg_group *group)
{
	struct cpg *cpg = walk->cpg;
	const struct cpg_received *received = cpg->resync.received;
	const struct place single = {0, group->newest - 1};
	const struct place *run = &single;
	uint32_t count = 0;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		count += received[at - 1].is_new;
	if (group->received_count > 1) {
		run = walk->places + walk->place_count;
		walk->place_count += group->received_count;
	}
	if (count == 0)
		return;
	if (cpg_members_reserve(group, group->count + count) < 0 || note_joined(cpg, group, count) < 0) {
		undo(cpg, group);
		return;
	}
	if (run == &single)
		*cpg_members_insert(group, received[single.at].nodeid, received[single.at].pid) = process_of(
			cpg, &received[single.at]);
	else
		merge_run(cpg, group, run, count);
}

static void add(struct walk *walk)
{
	const struct cpg_resync *sync = &walk->cpg->resync;

	walk->place_count = 0;
	for (uint32_t at = sync->received_count; at > 0; at--)
		if (sync->received[at - 1].group->newest == at)
			add_group(walk, sync->received[at - 1].group);
}

int cpg_merge_received(struct cpg *cpg)
{
	struct walk walk = {.cpg = cpg, .places = calloc(cpg->resync.received_count + 1u, sizeof(struct place))};

	if (walk.places == NULL)
		return -ENOMEM;
	mark(&walk);
	count_new(cpg);
	add(&walk);
	free(walk.places);
	return 0;
}
