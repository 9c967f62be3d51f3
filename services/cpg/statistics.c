/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of this service in the statistics map: stats.plugins.cpg.*. */
#include "services/cpg/cpg.h"

#include <string.h>

static const char groups_key[] = "stats.plugins.cpg.groups", members_key[] = "stats.plugins.cpg.members",
		  compact_key[] = "stats.plugins.cpg.compact", refused_key[] = "stats.plugins.cpg.compact_refused";

static uint32_t put_u32(void *value, uint32_t number)
{
	memcpy(value, &number, sizeof(number));
	return sizeof(number);
}

/*
 * Count the groups that have members. Groups without members exist for clients whose join is not delivered yet, or that
 * have just left. For some turns behind a synchronisation of many groups, this is a number between the old and the new
 * one.
 */
static uint32_t read_groups(void *arg, void *value)
{
	const struct cpg *cpg = arg;
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpg->group_count; i++)
		count += cpg->groups[i]->count > 0;
	return put_u32(value, count);
}

static uint32_t read_members(void *arg, void *value)
{
	const struct cpg *cpg = arg;
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpg->tally_count; i++)
		count += cpg->tallies[i].count;
	return put_u32(value, count);
}

/* Return 1 if processes of this node send compact messages, otherwise 0. */
static uint32_t read_compact(void *arg, void *value)
{
	const struct cpg *cpg = arg;

	return put_u32(value, cpg->compact.is_on);
}

static uint32_t read_refused(void *arg, void *value)
{
	const struct cpg *cpg = arg;

	memcpy(value, &cpg->compact.refused, sizeof(cpg->compact.refused));
	return sizeof(cpg->compact.refused);
}

void cpg_statistics_offer(struct cpg *cpg)
{
	if (!COTERIE_HAS(cpg->host, stat_add))
		return;
	/* Ignore errors: if memory runs out, a key is missing. */
	cpg->host->stat_add(cpg->ctx, groups_key, COTERIE_MAP_U32, read_groups, cpg);
	cpg->host->stat_add(cpg->ctx, members_key, COTERIE_MAP_U32, read_members, cpg);
	cpg->host->stat_add(cpg->ctx, compact_key, COTERIE_MAP_U32, read_compact, cpg);
	cpg->host->stat_add(cpg->ctx, refused_key, COTERIE_MAP_U64, read_refused, cpg);
}
