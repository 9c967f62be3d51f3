/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result of a synchronisation is applied to the groups one by one: a group is settled. At the end of the
 * synchronisation all nodes know the result, and count the memberships of each node by it. Groups with clients of this
 * node are settled at that place, since the clients are notified. The others are settled later, in turns of the loop, and
 * a group before it is used. So a group that is not settled has no clients, and nothing depends on the time at which it
 * is settled. The next synchronisation does not end before all groups are settled (cpg_sync_step).
 *
 * To settle a group:
 * 1. Remove the processes on nodes that left.
 * 2. Add the new processes of its entries (received.c), all at once. Inserting them one by one would take quadratic time
 *    in a large group, since a node may send its entries in any order.
 * 3. Remove the processes that their own nodes did not name.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/*
 * Up to this many unnamed processes of a group are removed with one event each. If there are more, clients get one
 * event for all of them. So they do if these events, of all members each, would have more members together than that.
 */
#define UNNAMED_MAX 64u
#define UNNAMED_MEMBERS_MAX 16384u /* 1 ms */
/* Work in one turn: 1 for each group, each of its members, and each of its entries. */
#define WORK_MAX 1024u            /* 1 ms */
#define FREED_MAX 32u             /* entries that are freed at the cost of one change */
#define PAUSE_NS UINT64_C(100000) /* pause between two turns, so that the loop can do other work */

/* ---- Leaving ------------------------------------------------------------- */

bool cpg_has_left(const uint32_t *left, uint32_t left_count, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = left_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (left[middle] < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < left_count && left[low] == nodeid;
}

static struct cpg_wire_address address_of(const struct cpg_process *process, uint32_t reason)
{
	return (struct cpg_wire_address){
		.nodeid = process->nodeid,
		.pid = process->pid,
		.reason = reason,
	};
}

/* Remove all processes on the nodes that left. Clients of the group get one event with all of them. */
static void remove_left(struct cpg *cpg, struct cpg_group *group)
{
	const struct cpg_settle *settle = &cpg->settle;
	struct cpg_wire_address *left = NULL;
	uint32_t left_count = 0;
	uint32_t kept = 0;

	if (settle->left_count == 0)
		return;
	if (group->connections != NULL) {
		left = calloc(group->count + 1, sizeof(*left));
		if (left == NULL)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "out of memory: clients are not told who left their group");
	}
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i];

		if (!cpg_has_left(settle->left, settle->left_count, process->nodeid)) {
			group->members[kept++] = *process;
			continue;
		}
		if (left != NULL)
			left[left_count] = address_of(process, CPG_WIRE_REASON_NODEDOWN);
		left_count++;
	}
	group->count = kept;
	if (left_count > 0 && left != NULL)
		cpg_confchg(cpg, group, left, left_count, NULL, 0);
	free(left);
}

/* Members stay that sync_done has not counted. */
static void keep_unnamed(struct cpg *cpg, const struct cpg_group *group)
{
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);

	cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes that have gone stay listed");
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i];
		struct cpg_tally *tally = cpg_process_is_unnamed(cpg, process, local)
						  ? cpg_tally_get(cpg, process->nodeid)
						  : NULL;

		if (tally != NULL)
			tally->count++;
	}
}

/* Remove the unnamed processes, of which there are `count`, with one event for all of them. */
static void remove_crowd(struct cpg *cpg, struct cpg_group *group, uint32_t count)
{
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	struct cpg_wire_address *left = NULL;
	uint32_t left_count = 0;
	uint32_t kept = 0;

	if (group->connections != NULL) {
		left = calloc(count, sizeof(*left));
		if (left == NULL) {
			keep_unnamed(cpg, group);
			return;
		}
	}
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i];

		if (!cpg_process_is_unnamed(cpg, process, local))
			group->members[kept++] = *process;
		else if (left != NULL)
			left[left_count++] = address_of(process, CPG_WIRE_REASON_PROCDOWN);
	}
	group->count = kept;
	if (left != NULL)
		cpg_confchg(cpg, group, left, left_count, NULL, 0);
	free(left);
}

/* Remove processes that their own nodes no longer name: this node has missed their leaves. */
static void remove_unnamed(struct cpg *cpg, struct cpg_group *group)
{
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	uint32_t count = 0;

	for (uint32_t i = 0; i < group->count; i++)
		count += cpg_process_is_unnamed(cpg, &group->members[i], local);
	if (count > 0 && (group->connections == NULL || count > UNNAMED_MAX ||
				 (count > 1 && (uint64_t)count * group->count > UNNAMED_MEMBERS_MAX))) {
		remove_crowd(cpg, group, count);
		return;
	}
	for (uint32_t i = 0; count > 0 && i < group->count;) {
		struct cpg_process *process = &group->members[i];

		if (!cpg_process_is_unnamed(cpg, process, local)) {
			i++;
			continue;
		}

		const struct cpg_wire_address left = address_of(process, CPG_WIRE_REASON_PROCDOWN);

		group->count--;
		memmove(process, process + 1, (group->count - i) * sizeof(*process));
		cpg_confchg(cpg, group, &left, 1, NULL, 0);
	}
}

/* ---- Joining ------------------------------------------------------------- */

/* One new process of a group with several ones. The sorted processes of one group are called its run. */
struct place {
	uint64_t process; /* node id << 32 | pid. Members are sorted by this number */
	uint32_t at;      /* index of the entry in `received` */
};

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left;
	const struct place *b = right;

	return (a->process > b->process) - (a->process < b->process);
}

static uint64_t number_of(uint32_t nodeid, uint32_t pid) { return (uint64_t)nodeid << 32 | pid; }

/*
 * Make the run of a group with `count` new processes. Nodes of this version send their processes ordered by pid, so
 * most runs need no qsort(). @return the caller frees it; NULL: out of memory
 */
static struct place *make_run(const struct cpg *cpg, const struct cpg_group *group, uint32_t count)
{
	const struct cpg_received *received = cpg->settle.received;
	struct place *run = calloc(count, sizeof(*run));
	uint32_t to = count;
	bool is_sorted = true;

	if (run == NULL)
		return NULL;
	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older) {
		if (!received[at - 1].is_new)
			continue;
		run[--to] = (struct place){number_of(received[at - 1].nodeid, received[at - 1].pid), at - 1};
		is_sorted = is_sorted && (to + 1 == count || run[to].process < run[to + 1].process);
	}
	if (!is_sorted)
		qsort(run, count, sizeof(*run), compare_places);
	return run;
}

static struct cpg_process process_of(const struct cpg *cpg, uint32_t at)
{
	const struct cpg_settle *settle = &cpg->settle;

	return (struct cpg_process){
		.nodeid = settle->received[at].nodeid,
		.pid = settle->received[at].pid,
		.seq = settle->seq + (settle->received_count - 1 - at),
		.round = settle->round,
	};
}

/* Insert the `count` processes of a run into the sorted members, which have room for them. */
static void merge_run(struct cpg *cpg, struct cpg_group *group, const struct place *run, uint32_t count)
{
	uint32_t old = group->count;

	group->count += count;
	for (uint32_t to = group->count; count > 0;) {
		const struct cpg_process *last = old == 0 ? NULL : &group->members[old - 1];

		if (last != NULL && number_of(last->nodeid, last->pid) > run[count - 1].process) {
			group->members[--to] = *last;
			old--;
		} else {
			group->members[--to] = process_of(cpg, run[--count].at);
		}
	}
}

static int insert(struct cpg *cpg, struct cpg_group *group, uint32_t count)
{
	const struct cpg_received *newest = &cpg->settle.received[group->newest - 1];

	if (cpg_members_reserve(group, group->count + count) < 0)
		return -ENOMEM;
	if (group->received_count == 1) {
		*cpg_members_insert(group, newest->nodeid, newest->pid) = process_of(cpg, group->newest - 1);
		return 0;
	}

	struct place *run = make_run(cpg, group, count);

	if (run == NULL)
		return -ENOMEM;
	merge_run(cpg, group, run, count);
	free(run);
	return 0;
}

/* List the new processes for the event to the group's clients, newest first. */
static void list_joined(const struct cpg *cpg, const struct cpg_group *group, struct cpg_wire_address *joined)
{
	const struct cpg_received *received = cpg->settle.received;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		if (received[at - 1].is_new)
			*joined++ = (struct cpg_wire_address){
				.nodeid = received[at - 1].nodeid,
				.pid = received[at - 1].pid,
				.reason = CPG_WIRE_REASON_NODEUP,
			};
}

/* No process of the group's entries becomes a member. */
static void undo(struct cpg *cpg, const struct cpg_group *group)
{
	const struct cpg_received *received = cpg->settle.received;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		if (received[at - 1].is_new)
			cpg_tally_del(cpg, received[at - 1].nodeid);
	cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes are not listed");
}

/* Add the new processes of the group's entries. Clients of the group get one event with all of them. */
static void add(struct cpg *cpg, struct cpg_group *group)
{
	const struct cpg_received *received = cpg->settle.received;
	struct cpg_wire_address *joined = NULL;
	uint32_t count = 0;

	for (uint32_t at = group->newest; at > 0; at = received[at - 1].older)
		count += received[at - 1].is_new;
	if (count == 0)
		return;
	if (group->connections != NULL)
		joined = calloc(count, sizeof(*joined));
	if ((group->connections != NULL && joined == NULL) || insert(cpg, group, count) < 0) {
		undo(cpg, group);
	} else if (joined != NULL) {
		list_joined(cpg, group, joined);
		cpg_confchg(cpg, group, NULL, 0, joined, count);
	}
	free(joined);
}

/* ---- Groups -------------------------------------------------------------- */

void cpg_settle_group(struct cpg *cpg, struct cpg_group *group)
{
	const struct cpg_settle *settle = &cpg->settle;

	if (!settle->is_on || group->settled == settle->round)
		return;
	group->settled = settle->round;
	if (settle->has_ended) { /* cpg_sync_done has changed list_version, and snapshots wait until all groups are settled */
		remove_left(cpg, group);
		if (settle->has_lists)
			add(cpg, group);
		remove_unnamed(cpg, group);
	}
	group->newest = 0;
	group->received_count = 0;
}

static void on_turn(void *arg)
{
	struct cpg *cpg = arg;

	cpg->settle.timer = NULL;
	cpg_settle_step(cpg);
}

static void turn_later(struct cpg *cpg)
{
	struct cpg_settle *settle = &cpg->settle;

	if (settle->timer == NULL && cpg->host->timer_add(cpg->ctx, cpg->host->now_ns(cpg->ctx) + PAUSE_NS, on_turn,
					     cpg, &settle->timer) < 0)
		settle->timer = NULL; /* the next cpg_sync_step goes on, and groups are settled before they are used */
}

static bool step(struct cpg *cpg)
{
	struct cpg_settle *settle = &cpg->settle;

	for (uint32_t work = 0; settle->is_on && work < WORK_MAX;) {
		/* The last group takes the place of one that is freed. So go from the last one to the first. */
		if (settle->group_count > cpg->group_count)
			settle->group_count = cpg->group_count;
		if (settle->group_count > 0) {
			struct cpg_group *group = cpg->groups[--settle->group_count];

			work += 1 + group->count + group->received_count;
			cpg_settle_group(cpg, group);
			cpg_group_release(cpg, group);
		} else if (settle->share_count > 0) {
			struct cpg_share *share = &settle->shares[--settle->share_count];

			work += 1 + (share->gone_set.count + share->table.count) / FREED_MAX;
			cpg_share_fini(share);
		} else {
			cpg_settle_fini(cpg);
		}
	}
	return !settle->is_on;
}

bool cpg_settle_step(struct cpg *cpg)
{
	if (step(cpg))
		return true;
	turn_later(cpg);
	return false;
}

void cpg_settle_all(struct cpg *cpg)
{
	while (!step(cpg))
		;
}

void cpg_settle_fini(struct cpg *cpg)
{
	struct cpg_settle *settle = &cpg->settle;

	while (settle->share_count > 0)
		cpg_share_fini(&settle->shares[--settle->share_count]);
	free(settle->shares);
	free(settle->received);
	free(settle->left);
	settle->shares = NULL;
	settle->received = NULL;
	settle->left = NULL;
	settle->is_on = false;
}

/* ---- The end of a synchronisation ---------------------------------------- */

/* Settle the groups with clients of this node. A client that ends meanwhile ends no group but its own. */
static void settle_near(struct cpg *cpg)
{
	struct cpg_group *next;

	cpg->is_walking = true;
	for (struct cpg_group *group = cpg->near; group != NULL; group = next) {
		next = group->near_next;
		if (group->connections != NULL)
			cpg_settle_group(cpg, group);
	}
	cpg->is_walking = false;
}

void cpg_settle_begin(struct cpg *cpg, bool has_ended, bool has_lists)
{
	struct cpg_resync *sync = &cpg->resync;
	struct cpg_settle *settle = &cpg->settle;

	cpg_settle_all(cpg); /* only an aborted synchronisation may find groups that are not settled */
	settle->is_on = true;
	settle->has_ended = has_ended;
	settle->has_lists = has_lists;
	settle->round = sync->round;
	settle->seq = cpg->process_seq;
	if (has_ended)
		cpg->process_seq += sync->received_count;
	settle->group_count = cpg->group_count;
	settle->received = sync->received;
	settle->received_count = sync->received_count;
	settle->left = sync->left;
	settle->left_count = sync->left_count;
	settle->shares = sync->shares;
	settle->share_count = sync->member_count;
	sync->received = NULL;
	sync->received_count = 0;
	sync->received_capacity = 0;
	sync->left = NULL;
	sync->left_count = 0;
	sync->shares = NULL;
	if (has_ended)
		settle_near(cpg);
	cpg_settle_step(cpg);
}
