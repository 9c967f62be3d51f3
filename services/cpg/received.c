/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entries of JOINLISTs, and the processes that leave during a synchronisation. Each entry is compared with the
 * members when its list is delivered. Joins and leaves that are delivered later correct it. So at the end it is known
 * which entries make a process a member, and how many each node has. settle.c then changes the groups.
 */
#include "services/cpg/cpg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define PLACES_MIN 16u

/* ---- Tables -------------------------------------------------------------- */

static uint32_t first_place(const struct cpg *cpg, const struct cpg_table *table, uint32_t pid, uint32_t hash)
{
	const uint64_t *key = cpg->index.key;

	return (uint32_t)((key[0] * pid + key[2] * hash) >> 32) & (table->place_count - 1);
}

/* Replace the places by more, which are free. The caller enters the objects again. @return 0; -ENOMEM: as it was */
static int grow(struct cpg_table *table)
{
	uint32_t count = table->place_count == 0 ? PLACES_MIN : table->place_count * 4;
	uint32_t *places = calloc(count, sizeof(*places));

	if (places == NULL)
		return -ENOMEM;
	free(table->places);
	table->places = places;
	table->place_count = count;
	return 0;
}

static bool is_full(const struct cpg_table *table) { return table->count >= table->place_count / 2; }

/* ---- Processes that leave during the exchange ---------------------------- */

/* Return the place of a process in the table, or the free place for it. */
static uint32_t *gone_place(const struct cpg *cpg, const struct cpg_gone_set *gone, uint32_t pid, uint32_t hash,
	const struct cpg_wire_name *name)
{
	const struct cpg_table *table = &gone->table;
	uint32_t at = first_place(cpg, table, pid, hash);

	for (; table->places[at] != 0; at = (at + 1) & (table->place_count - 1)) {
		const struct cpg_gone *one = &gone->list[table->places[at] - 1];

		if (one->hash == hash && one->pid == pid && cpg_name_equal(&one->name, name))
			break;
	}
	return &table->places[at];
}

/* Make room for one more process. */
static int gone_reserve(struct cpg *cpg, struct cpg_gone_set *gone)
{
	if (cpg_reserve((void **)&gone->list, &gone->capacity, gone->count + 1, sizeof(*gone->list)) < 0)
		return -ENOMEM;
	if (!is_full(&gone->table))
		return 0;
	if (grow(&gone->table) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < gone->count; i++) {
		const struct cpg_gone *one = &gone->list[i];

		*gone_place(cpg, gone, one->pid, one->hash, &one->name) = i + 1;
	}
	return 0;
}

int cpg_gone_add(struct cpg *cpg, struct cpg_share *share, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_gone_set *gone = &share->gone_set;
	uint32_t hash = cpg_index_hash(cpg, name);

	if (gone_reserve(cpg, gone) < 0)
		return -ENOMEM;

	uint32_t *place = gone_place(cpg, gone, pid, hash, name);

	if (*place != 0)
		return 0;
	gone->list[gone->count++] = (struct cpg_gone){.pid = pid, .hash = hash, .name = *name};
	gone->table.count++;
	*place = gone->count;
	return 0;
}

static bool is_gone(const struct cpg *cpg, const struct cpg_share *share, uint32_t pid, uint32_t hash,
	const struct cpg_wire_name *name)
{
	return share->gone_set.count > 0 && *gone_place(cpg, &share->gone_set, pid, hash, name) != 0;
}

void cpg_share_fini(struct cpg_share *share)
{
	free(share->table.places);
	free(share->gone_set.list);
	free(share->gone_set.table.places);
	*share = (struct cpg_share){0};
}

/* ---- Entries ------------------------------------------------------------- */

/* Return the place of a process's entry in the table of its node, or the free place for it. */
static uint32_t *entry_place(
	const struct cpg *cpg, const struct cpg_share *share, uint32_t pid, const struct cpg_group *group)
{
	const struct cpg_received *received = cpg->resync.received;
	const struct cpg_table *table = &share->table;
	uint32_t at = first_place(cpg, table, pid, group->hash);

	for (; table->places[at] != 0; at = (at + 1) & (table->place_count - 1)) {
		const struct cpg_received *one = &received[table->places[at] - 1];

		if (one->pid == pid && one->group == group)
			break;
	}
	return &table->places[at];
}

/* Make room for one more entry of a node. */
static int reserve(struct cpg *cpg, struct cpg_share *share)
{
	struct cpg_resync *sync = &cpg->resync;

	if (cpg_reserve((void **)&sync->received, &sync->received_capacity, sync->received_count + 1,
		    sizeof(*sync->received)) < 0)
		return -ENOMEM;
	if (!is_full(&share->table))
		return 0;

	uint32_t *old = share->table.places;
	uint32_t old_count = share->table.place_count;

	share->table.places = NULL; /* grow() must not free the old ones */
	if (grow(&share->table) < 0) {
		share->table.places = old;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old_count; i++) {
		const struct cpg_received *entry = old[i] == 0 ? NULL : &sync->received[old[i] - 1];

		if (entry != NULL)
			*entry_place(cpg, share, entry->pid, entry->group) = old[i];
	}
	free(old);
	return 0;
}

static void set_new(struct cpg_share *share, struct cpg_received *entry, bool is_new)
{
	if (is_new && !entry->is_new)
		share->new_count++;
	if (!is_new && entry->is_new)
		share->new_count--;
	entry->is_new = is_new;
}

static void store(struct cpg *cpg, struct cpg_share *share, uint32_t nodeid, uint32_t pid, struct cpg_group *group)
{
	struct cpg_resync *sync = &cpg->resync;
	uint32_t *place = entry_place(cpg, share, pid, group);

	/* Of several entries for one process the newest counts, as if the entries were added from the last to the first. */
	if (*place != 0)
		set_new(share, &sync->received[*place - 1], false);
	else
		share->table.count++;
	sync->received[sync->received_count] = (struct cpg_received){
		.group = group, .nodeid = nodeid, .pid = pid, .older = group->newest};
	set_new(share, &sync->received[sync->received_count], true);
	*place = ++sync->received_count;
	group->newest = sync->received_count;
	group->received_count++;
}

int cpg_received_add(
	struct cpg *cpg, struct cpg_share *share, uint32_t nodeid, uint32_t pid, const struct cpg_wire_name *name)
{
	struct cpg_resync *sync = &cpg->resync;
	uint32_t hash = cpg_index_hash(cpg, name);
	struct cpg_group *group = cpg_group_find_hashed(cpg, name, hash);
	/* The processes of a node that has left and joined again will all be removed, so they count as no members. */
	bool is_back = cpg_has_left(sync->left, sync->left_count, nodeid);
	struct cpg_process *process = group == NULL || is_back ? NULL : cpg_process_find(group, nodeid, pid);

	if (process != NULL) {
		if (process->round != sync->round)
			cpg_tally_find(cpg, nodeid)->named++;
		process->round = sync->round;
		return 0;
	}
	if (is_gone(cpg, share, pid, hash, name))
		return 0;
	if (reserve(cpg, share) < 0)
		return -ENOMEM;
	if (group == NULL)
		group = cpg_group_create(cpg, name, hash);
	if (group == NULL)
		return -ENOMEM;
	store(cpg, share, nodeid, pid, group);
	return 0;
}

void cpg_received_cancel(struct cpg *cpg, struct cpg_share *share, uint32_t pid, const struct cpg_group *group)
{
	uint32_t *place = share->table.count == 0 ? NULL : entry_place(cpg, share, pid, group);

	if (place != NULL && *place != 0)
		set_new(share, &cpg->resync.received[*place - 1], false);
}

void cpg_received_cut(struct cpg *cpg, struct cpg_share *share, uint32_t nodeid, uint32_t surplus)
{
	struct cpg_resync *sync = &cpg->resync;

	for (uint32_t i = 0; i < sync->received_count && surplus > 0; i++) {
		if (sync->received[i].nodeid != nodeid || !sync->received[i].is_new)
			continue;
		set_new(share, &sync->received[i], false);
		surplus--;
		cpg->host->log(
			cpg->ctx, LOG_WARNING, "a process is not listed: its node has too many (node %u)", nodeid);
	}
}
