/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Synchronisation of cpg. After a change of the ring every node sends its processes to the others, and all nodes
 * compute the same lists (book services, "cpg"). The steps:
 * 1. cpg_sync_start stores which nodes were lost.
 * 2. cpg_sync_step sends the local processes.
 * 3. cpg_deliver_joinlist compares the entries of other nodes with the groups (received.c).
 * 4. cpg_sync_done counts the memberships of all nodes, and notifies clients. The groups without clients of this node
 *    are changed in later turns of the loop (settle.c).
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Entries in one message, which has room for 7,281. A node with more entries sends several messages. */
#define ENTRIES_MAX 7000u

/* ---- Start --------------------------------------------------------------- */

static bool has_node(const uint32_t *list, uint32_t count, uint32_t nodeid)
{
	for (uint32_t i = 0; i < count; i++) {
		if (list[i] == nodeid)
			return true;
	}
	return false;
}

static void forget_local(struct cpg_resync *sync)
{
	free(sync->local);
	sync->local = NULL;
	sync->local_count = 0;
	sync->local_sent = 0;
	sync->has_local = false;
	sync->has_sent_downlist = false;
}

void cpg_resync_fini(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;

	forget_local(sync);
	for (uint32_t i = 0; sync->shares != NULL && i < sync->member_count; i++)
		cpg_share_fini(&sync->shares[i]);
	free(sync->received);
	free(sync->members);
	free(sync->shares);
	free(sync->left);
	sync->received = NULL;
	sync->received_count = 0;
	sync->received_capacity = 0;
	sync->members = NULL;
	sync->shares = NULL;
	sync->left = NULL;
	sync->member_count = 0;
	sync->left_count = 0;
}

/* Drop what an unfinished synchronisation has stored. If it has stored much, that takes some turns of the loop. */
static void drop(struct cpg *cpg)
{
	const struct cpg_resync *sync = &cpg->resync;
	bool has_stored = sync->received_count > 0;

	for (uint32_t i = 0; sync->shares != NULL && i < sync->member_count; i++)
		has_stored = has_stored || sync->shares[i].gone_set.count > 0;
	if (has_stored)
		cpg_settle_begin(cpg, false, false);
	cpg_resync_fini(cpg);
}

void cpg_sync_start(void *self, const uint32_t *transitional, uint32_t transitional_count,
	const struct coterie_configuration *regular)
{
	struct cpg *cpg = self;
	struct cpg_resync *sync = &cpg->resync;
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);

	cpg_compact_start(cpg, regular->members, regular->member_count);
	drop(cpg);
	sync->round++;
	sync->is_active = false;
	sync->is_same = cpg->member_count > 0 && cpg->ring.seq == regular->ring.seq &&
			cpg->ring.representative == regular->ring.representative;
	sync->ring = regular->ring;
	for (uint32_t i = 0; i < cpg->tally_count; i++)
		cpg->tallies[i].named = 0;
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
		if (cpg->members[i] != local && !has_node(transitional, transitional_count, cpg->members[i]))
			sync->left[sync->left_count++] = cpg->members[i];
	}
	sync->is_active = true;
}

void cpg_sync_abort(void *self)
{
	struct cpg *cpg = self;

	drop(cpg);
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

	for (const struct cpg_group *group = cpg->near; group != NULL; group = group->near_next) {
		uint32_t from = cpg_process_position(group, local, 0);

		for (uint32_t k = from; k < from + group->local_count; k++) {
			if (list != NULL)
				list[count] = (struct local_process){
					&group->name, group->members[k].pid, group->members[k].seq};
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

	if (!cpg_settle_step(cpg))
		return -EAGAIN;
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

/* Return what is stored for a ring member. NULL: the node is not in the ring, or no synchronisation is active. */
static struct cpg_share *share_of(struct cpg_resync *sync, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = sync->is_active ? sync->member_count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (sync->members[middle] == nodeid)
			return &sync->shares[middle];
		if (sync->members[middle] < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void cpg_resync_joined(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_group *group)
{
	struct cpg_resync *sync = &cpg->resync;
	struct cpg_share *share = share_of(sync, nodeid);

	if (!sync->is_active)
		return;
	cpg_tally_find(cpg, nodeid)->named++;
	/* A process on a node that has left will be removed at the end. Its entry adds it again. */
	if (share != NULL && !cpg_has_left(sync->left, sync->left_count, nodeid))
		cpg_received_cancel(cpg, share, pid, group);
}

void cpg_resync_removed(struct cpg *cpg, const struct cpg_process *process)
{
	if (cpg->resync.is_active && process->round == cpg->resync.round)
		cpg_tally_find(cpg, process->nodeid)->named--;
}

void cpg_resync_left(struct cpg *cpg, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_resync *sync = &cpg->resync;
	struct cpg_share *share = share_of(sync, nodeid);

	if (share == NULL)
		return;

	const struct cpg_group *group = cpg_group_find(cpg, name);

	if (share->gone >= CPG_PROCESSES_MAX) {
		cpg->host->log(
			cpg->ctx, LOG_WARNING, "too many processes leave during a synchronisation (node %u)", nodeid);
		return;
	}
	if (cpg_gone_add(cpg, share, pid, name) < 0) {
		cpg->host->log(cpg->ctx, LOG_WARNING,
			"out of memory: a process that leaves may be listed until the next change (node %u)", nodeid);
		return;
	}
	share->gone++;
	if (group != NULL)
		cpg_received_cancel(cpg, share, pid, group);
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
		else if (cpg_received_add(cpg, share, nodeid, list->entries[i].pid, &name) < 0)
			cpg->host->log(
				cpg->ctx, LOG_WARNING, "out of memory: processes are not listed (node %u)", nodeid);
	}
}

/* ---- The end: all nodes are at the same message of the order ------------- */

/*
 * Count the memberships that each node has behind this synchronisation, before the groups have them. If a node gets more
 * than CPG_PROCESSES_MAX, its oldest entries are dropped. Members that were not named do not count: they will be
 * removed, so new processes may take their place.
 *
 * @return 0; -ENOMEM: no entry is counted
 */
static int count_all(struct cpg *cpg)
{
	struct cpg_resync *sync = &cpg->resync;
	uint32_t local = cpg->host->local_nodeid(cpg->ctx);
	/* Afterwards cpg_tally_get has memory. */
	int rc = cpg_reserve((void **)&cpg->tallies, &cpg->tally_capacity, cpg->tally_count + cpg->member_count,
		sizeof(*cpg->tallies));

	for (uint32_t i = 0; i < cpg->tally_count; i++) {
		struct cpg_tally *tally = &cpg->tallies[i];

		if (cpg_has_left(sync->left, sync->left_count, tally->nodeid))
			tally->count = 0;
		else if (tally->nodeid != local)
			tally->count = tally->named;
	}
	for (uint32_t i = 0; rc == 0 && i < cpg->member_count; i++) {
		struct cpg_share *share = &sync->shares[i];
		struct cpg_tally *tally = share->new_count == 0 ? NULL : cpg_tally_get(cpg, cpg->members[i]);

		if (tally == NULL)
			continue;
		if (tally->count + share->new_count > CPG_PROCESSES_MAX)
			cpg_received_cut(
				cpg, share, cpg->members[i], tally->count + share->new_count - CPG_PROCESSES_MAX);
		tally->count += share->new_count;
	}
	return rc;
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

	int rc = count_all(cpg);

	if (rc < 0)
		cpg->host->log(cpg->ctx, LOG_WARNING, "out of memory: processes of other nodes are not listed");
	cpg_settle_begin(cpg, true, rc == 0);
	cpg_tally_prune(cpg);
	cpg_resync_fini(cpg);
	cpg_compact_done(cpg);
	if (sync->is_same) /* clients have received this ring's configuration before */
		return;
	for (struct cpg_connection *one = cpg->connections; one != NULL; one = next) {
		next = one->next;
		cpg_totem_confchg(cpg, one);
	}
}
