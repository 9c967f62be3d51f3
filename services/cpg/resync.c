/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Synchronisation of cpg. After a change of the ring every node sends its processes to the others, and all nodes
 * compute the same lists (book services, "cpg"). The steps:
 * 1. cpg_sync_start stores which nodes were lost.
 * 2. cpg_sync_step sends the local processes.
 * 3. cpg_deliver_joinlist stores the entries of other nodes.
 * 4. cpg_sync_done merges these into the groups and notifies clients.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Entries in one message, which has room for 7,281. A node with more entries sends several messages. */
#define ENTRIES_MAX 7000u
/*
 * Up to this many unnamed processes of a group are removed with one event each. If there are more, clients get one
 * event for all of them. So they do if these events, of all members each, would have more members together than that.
 */
#define UNNAMED_MAX 64u
#define UNNAMED_MEMBERS_MAX 16384u /* 1 ms */

/* ---- Start --------------------------------------------------------------- */

static bool has_node(const uint32_t *list, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i] == nodeid)
			return true;
	}
	return false;
}

static void forget(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;

	cpg_received_forget(cpg);
	cpg_gone_forget(cpg);
	free(sync->local);
	sync->local = NULL;
	sync->local_count = 0;
	sync->local_sent = 0;
	sync->has_local = false;
	sync->has_sent_downlist = false;
}

void cpg_resync_fini(struct cpg *cpg)
{
	forget(cpg);
	free(cpg->resync.members);
	free(cpg->resync.shares);
	free(cpg->resync.left);
	cpg->resync.members = NULL;
	cpg->resync.shares = NULL;
	cpg->resync.left = NULL;
}

void cpg_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct cpg *cpg = self;
	struct cpg_resync *sync = &cpg->resync;

	cpg_compact_start(cpg, regular->members, regular->member_count);
	cpg_resync_fini(cpg); /* drop the entries of an earlier synchronisation */
	sync->round++;
	sync->is_active = false;
	sync->is_same = cpg->member_count > 0 && cpg->ring.seq == regular->ring.seq &&
			cpg->ring.representative == regular->ring.representative;
	sync->ring = regular->ring;
	sync->member_count = 0;
	sync->left_count = 0;
	sync->members = calloc(regular->member_count + 1, sizeof(*sync->members));
	sync->left = calloc(cpg->member_count + 1, sizeof(*sync->left));
	sync->shares = calloc(regular->member_count + 1, sizeof(*sync->shares));
	if (sync->members == NULL || sync->left == NULL || sync->shares == NULL) {
		cpg->host->log(cpg->ctx, LOG_ERR, "out of memory: the group lists are not synchronised with the ring");
		return;
	}
	for (uint32_t i = 0; i < regular->member_count; i++)
		sync->members[sync->member_count++] = regular->members[i];
	/*
	 * A member that comes from another old ring than this node has left and joined again, even if it was a member
	 * before.
	 */
	for (uint32_t i = 0; i < cpg->member_count; i++) {
		if (!has_node(transitional, transitional_count, cpg->members[i]))
			sync->left[sync->left_count++] = cpg->members[i];
	}
	sync->is_active = true;
}

void cpg_sync_abort(void *self)
{
	struct cpg *cpg = self;

	forget(cpg);
	cpg->resync.is_active = false;
}

/* ---- Announcing the local processes -------------------------------------- */

struct local_process {
	const struct cpg_wire_name *name;
	uint32_t pid;
	uint64_t seq;
};

static int compare_local(const void *left, const void *right)
{
	const struct local_process *a = left;
	const struct local_process *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static uint32_t count_local(const struct cpg *cpg, uint32_t local, struct local_process *list)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpg->group_count; i++) {
		const struct cpg_group *group = cpg->groups[i];

		for (uint32_t k = 0; k < group->count; k++) {
			const struct cpg_process *process = &group->members[k];

			if (process->nodeid != local)
				continue;
			if (list != NULL)
				list[count] = (struct local_process){&group->name, process->pid, process->seq};
			count++;
		}
	}
	return count;
}

/* Make the list of local processes in the order of sending: by pid, and for one pid in the order of the joins. */
static int list_local(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	uint32_t count = count_local(cpg, local, NULL);
	struct local_process *list = calloc(count + 1, sizeof(*list));

	free(sync->local);
	sync->local = calloc(count + 1, sizeof(*sync->local));
	if (list == NULL || sync->local == NULL) {
		free(list);
		return -ENOMEM;
	}
	count_local(cpg, local, list);
	qsort(list, count, sizeof(*list), compare_local);
	for (uint32_t i = 0; i < count; i++) {
		sync->local[i].pid = list[i].pid;
		sync->local[i].group = *list[i].name;
	}
	free(list);
	sync->local_count = count;
	sync->local_sent = 0;
	sync->has_local = true;
	return 0;
}

/*
 * Send the DOWNLIST. Nodes of this version do not use the node ids in it, but peers of the Corosync 2.x series wait for
 * it. Its size is fixed.
 */
static int send_downlist(struct cpg *cpg)
{
	const struct cpg_resync *sync = &cpg->resync;
	struct cpg_ring_downlist list;

	memset(&list, 0, sizeof(list));
	list.old_member_count = cpg->member_count;
	list.left_count = sync->left_count < CPG_DOWNLIST_MAX ? sync->left_count : CPG_DOWNLIST_MAX;
	if (list.left_count > 0)
		memcpy(list.nodeids, sync->left, list.left_count * sizeof(list.nodeids[0]));
	cpg_compact_announce(cpg, &list);

	struct iovec iov = {
		.iov_base = (uint8_t *)&list + sizeof(list.header),
		.iov_len = sizeof(list) - sizeof(list.header),
	};

	return cpg->host->ring_send(cpg->ctx, CPG_RING_DOWNLIST, COTERIE_AGREED, &iov, 1);
}

static int send_joinlist(struct cpg *cpg, uint32_t count)
{
	struct cpg_resync *sync = &cpg->resync;
	/*
	 * A JOINLIST has a longer header than other ring messages. ring_send does not write its last 8 bytes, so send
	 * them here.
	 */
	static const uint8_t rest_of_header[8];
	struct iovec iov[] = {
		{(void *)(uintptr_t)rest_of_header, sizeof(rest_of_header)},
		{sync->local + sync->local_sent, count * sizeof(*sync->local)},
	};

	return cpg->host->ring_send(cpg->ctx, CPG_RING_JOINLIST, COTERIE_AGREED, iov, 2);
}

int cpg_sync_step(void *self)
{
	struct cpg *cpg = self;
	struct cpg_resync *sync = &cpg->resync;

	if (!sync->has_sent_downlist) {
		if (send_downlist(cpg) < 0)
			return -EAGAIN;
		sync->has_sent_downlist = true;
	}
	if (!sync->has_local && list_local(cpg) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: this node's processes are announced later");
		return -EAGAIN;
	}
	while (sync->local_sent < sync->local_count) {
		uint32_t left = sync->local_count - sync->local_sent;
		uint32_t count = left < ENTRIES_MAX ? left : ENTRIES_MAX;

		if (send_joinlist(cpg, count) < 0)
			return -EAGAIN;
		sync->local_sent += count;
	}
	return 0;
}

/* ---- Receiving the lists of other nodes ---------------------------------- */

/* Return the counts of a ring member. NULL: the node is not in the ring. */
static struct cpg_share *share_of(struct cpg_resync *sync, uint32_t nodeid)
{
	for (uint32_t i = 0; i < sync->member_count; i++) {
		if (sync->members[i] == nodeid)
			return &sync->shares[i];
	}
	return NULL;
}

void cpg_resync_left(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_resync *sync = &cpg->resync;
	struct cpg_share *share = sync->is_active ? share_of(sync, nodeid) : NULL;

	if (share == NULL)
		return;
	if (share->gone >= CPG_PROCESSES_MAX) {
		cpg->host->log(
			cpg->ctx, LOG_WARNING, "too many processes leave during a synchronisation (node %u)", nodeid);
		return;
	}
	if (cpg_gone_add(cpg, nodeid, pid, name) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"out of memory: a process that leaves may be listed until the next change (node %u)", nodeid);
		return;
	}
	share->gone++;
}

void cpg_deliver_joinlist(void *self, uint32_t nodeid, void *msg, uint32_t size)
{
	struct cpg *cpg = self;
	struct cpg_resync *sync = &cpg->resync;
	const struct cpg_ring_joinlist *list = msg;
	uint32_t count = (uint32_t)((size - sizeof(*list)) / sizeof(list->entries[0]));

	if ((size - sizeof(*list)) % sizeof(list->entries[0]) != 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "a list of processes is cut off (node %u)", nodeid);
		return;
	}
	/*
	 * Ignore the list of this node itself, and lists that arrive while no synchronisation is active: they belong to
	 * an earlier one.
	 */
	if (!sync->is_active || nodeid == cpg->host->local_nodeid(cpg->ctx))
		return;
	struct cpg_share *share = share_of(sync, nodeid);

	if (share == NULL || count > CPG_PROCESSES_MAX - share->received) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "too many processes are announced (node %u)", nodeid);
		return;
	}
	share->received += count;
	for (uint32_t i = 0; i < count; i++) {
		struct cpg_wire_name name;

		if (cpg_name_clean(&list->entries[i].group, &name) < 0)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "a list names a group of more than 128 bytes (node %u)", nodeid);
		else if (cpg_received_add(cpg, nodeid, list->entries[i].pid, &name) < 0)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "out of memory: processes are not listed (node %u)", nodeid);
	}
}

/* ---- The end: all nodes are at the same message of the order ------------- */

static struct cpg_wire_address address_of(const struct cpg_process *process, uint32_t reason)
{
	return (struct cpg_wire_address){
		.nodeid = process->nodeid,
		.pid = process->pid,
		.reason = reason,
	};
}

static bool has_left(const struct cpg *cpg, const struct cpg_process *process)
{
	return has_node(cpg->resync.left, cpg->resync.left_count, process->nodeid);
}

/* Remove all processes on the nodes that left. Clients of the group get one event with all of them. */
static void remove_left(struct cpg *cpg, struct cpg_group *group)
{
	struct cpg_wire_address *left = NULL;
	uint32_t left_count = 0;
	uint32_t kept = 0;

	if (group->connections != NULL) {
		left = calloc(group->count + 1, sizeof(*left));
		if (left == NULL)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "out of memory: clients are not told who left their group");
	}
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i];

		if (!has_left(cpg, process)) {
			group->members[kept++] = *process;
			continue;
		}
		cpg_tally_del(cpg, process->nodeid);
		if (left != NULL)
			left[left_count] = address_of(process, CPG_WIRE_REASON_NODEDOWN);
		left_count++;
	}
	group->count = kept;
	if (left_count > 0 && left != NULL)
		cpg_confchg(cpg, group, left, left_count, NULL, 0);
	free(left);
}

/* Remove many unnamed members of a group, with one event for all of them. */
static void remove_crowd(struct cpg *cpg, struct cpg_group *group, uint32_t count)
{
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	struct cpg_wire_address *left = calloc(count, sizeof(*left));
	uint32_t left_count = 0;
	uint32_t kept = 0;

	if (left == NULL) {
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes that have gone stay listed");
		return;
	}
	for (uint32_t i = 0; i < group->count; i++) {
		const struct cpg_process *process = &group->members[i];

		if (!cpg_process_is_unnamed(cpg, process, local)) {
			group->members[kept++] = *process;
			continue;
		}
		cpg_tally_del(cpg, process->nodeid);
		left[left_count++] = address_of(process, CPG_WIRE_REASON_PROCDOWN);
	}
	group->count = kept;
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
	if (count > UNNAMED_MAX || (count > 1 && (uint64_t)count * group->count > UNNAMED_MEMBERS_MAX)) {
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

		cpg_process_del(cpg, group, process);
		cpg_confchg(cpg, group, &left, 1, NULL, 0);
	}
}

static void for_each_group(struct cpg *cpg, void (*step)(struct cpg *cpg, struct cpg_group *group))
{
	for (uint32_t i = 0; i < cpg->group_count; i++)
		step(cpg, cpg->groups[i]);
}

/*
 * Release groups that have become empty. Start with the last group: when a group is released, the last group of the
 * array moves to its place.
 */
static void release_groups(struct cpg *cpg)
{
	for (uint32_t i = cpg->group_count; i > 0; i--)
		cpg_group_release(cpg, cpg->groups[i - 1]);
}

static void tell_joined(struct cpg *cpg, struct cpg_group *group)
{
	uint32_t count = group->joined_count;

	group->joined_count = 0;
	if (count == 0)
		return;
	cpg_confchg(cpg, group, NULL, 0, group->joined, count);
	free(group->joined);
	group->joined = NULL;
	group->joined_capacity = 0;
}

void cpg_sync_done(void *self)
{
	struct cpg *cpg = self;
	struct cpg_resync *sync = &cpg->resync;
	struct cpg_connection *next;

	if (!sync->is_active)
		return;
	free(cpg->members);
	cpg->members = sync->members;
	cpg->member_count = sync->member_count;
	cpg->ring = sync->ring;
	cpg->list_version++; /* the synchronisation changes the lists without counting the changes */
	sync->members = NULL;
	sync->is_active = false;

	cpg->is_walking = true;
	if (sync->left_count > 0)
		for_each_group(cpg, remove_left);
	if (cpg_merge_received(cpg) < 0)
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes of other nodes are not listed");
	for_each_group(cpg, tell_joined);
	for_each_group(cpg, remove_unnamed);
	cpg_resync_fini(cpg);
	cpg->is_walking = false;
	release_groups(cpg);
	cpg_compact_done(cpg);
	if (sync->is_same) /* clients have received this ring's configuration before */
		return;
	for (struct cpg_connection *one = cpg->connections; one != NULL; one = next) {
		next = one->next;
		cpg_totem_confchg(cpg, one);
	}
}
