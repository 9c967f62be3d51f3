/*
 * The votes of the members that have the table.
 *
 * Two rings with quorum share a member. That member remembers the table only if it ran this service in both. The quorum
 * provider also counts the vote of a member without the service, for instance while the plugin is unloaded. So the
 * members that run the service need a majority of all votes by themselves, unless every voting member runs it. Votes of
 * a quorum device do not count for them, since the device remembers no table.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <stdio.h>
#include <string.h>

struct votes {
	uint64_t all;            /* votes of all configured nodes, and of the quorum device */
	uint64_t here;           /* votes of the members that run the service */
	uint64_t without;        /* votes of the other members of the ring */
	uint32_t nodes, members; /* number of configured nodes, and of those that are in the ring */
};

struct runners {
	uint32_t nodeids[KV_MEMBERS_MAX]; /* ascending */
	uint32_t count;
};

static uint32_t key_or(const struct kv *kv, const char *key, uint32_t otherwise)
{
	struct coterie_map_value value;
	uint32_t number;

	if (kv->host->map_read(kv->ctx, COTERIE_MAP_CONFIG, key, &value) < 0 || value.size != sizeof(number))
		return otherwise;
	memcpy(&number, value.bytes, sizeof(number));
	return number;
}

static bool is_runner(const struct runners *runners, uint32_t nodeid)
{
	for (uint32_t i = 0; i < runners->count; i++) {
		if (runners->nodeids[i] == nodeid)
			return true;
	}
	return false;
}

static void count_node(struct kv *kv, const struct runners *runners, unsigned int position, struct votes *votes)
{
	char key[COTERIE_MAP_NAME_MAX + 1];
	uint32_t nodeid, some;

	snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", position);
	nodeid = key_or(kv, key, 0);
	snprintf(key, sizeof(key), "nodelist.node.%u.quorum_votes", position);
	some = key_or(kv, key, 1);
	votes->nodes++;
	votes->all += some;
	if (kv_member_find(kv, nodeid) == NULL)
		return;
	votes->members++;
	if (is_runner(runners, nodeid))
		votes->here += some;
	else
		votes->without += some;
}

/* @return false: out of memory */
static bool count_nodes(struct kv *kv, const struct runners *runners, struct votes *votes)
{
	static const char prefix[] = "nodelist.node.";
	struct coterie_map_iterator *iterator;
	unsigned int position, last = UINT32_MAX;
	const char *key;

	if (kv->host->map_iterate(kv->ctx, COTERIE_MAP_CONFIG, prefix, &iterator) < 0)
		return false;
	while ((key = kv->host->map_iterate_next(iterator, NULL)) != NULL) {
		if (sscanf(key + sizeof(prefix) - 1, "%u.", &position) != 1 || position == last)
			continue;
		last = position;
		count_node(kv, runners, position, votes);
	}
	kv->host->map_iterate_end(iterator);
	return true;
}

static uint32_t device_votes(const struct kv *kv, const struct votes *votes)
{
	struct coterie_map_value model;

	if (kv->host->map_read(kv->ctx, COTERIE_MAP_CONFIG, "quorum.device.model", &model) < 0)
		return 0;
	return key_or(kv, "quorum.device.votes", votes->nodes > 0 ? votes->nodes - 1 : 0);
}

static bool have_majority(struct kv *kv, const struct runners *runners)
{
	struct votes votes = {.all = 0};

	if (!count_nodes(kv, runners, &votes))
		return false;
	if (votes.nodes == 0) /* no node list is configured: each member has one of the expected votes */
		votes.here = runners->count;
	if (votes.members == kv->member_count && votes.without == 0)
		return true;
	votes.all += device_votes(kv, &votes);

	uint64_t expected = key_or(kv, "quorum.expected_votes", 0);

	return votes.all + expected > 0 && 2 * votes.here > (votes.all > expected ? votes.all : expected);
}

bool kv_is_backed(struct kv *kv)
{
	struct coterie_quorum quorum = {.size = sizeof(quorum)};
	struct runners runners;
	bool is_backed = true;
	int count;

	kv->host->quorum_get(kv->ctx, &quorum);
	if (quorum.provider == NULL)
		return true;
	count = kv->host->service_members(kv->ctx, runners.nodeids, KV_MEMBERS_MAX);
	if (count >= 0 && (uint32_t)count < kv->member_count) {
		runners.count = (uint32_t)count < KV_MEMBERS_MAX ? (uint32_t)count : KV_MEMBERS_MAX;
		is_backed = have_majority(kv, &runners);
	}
	if (!is_backed && !kv->is_short)
		kv->host->log(kv->ctx, LOG_WARNING,
			"the %d nodes of the ring that run kv have no majority of the votes: nothing is served before "
			"the plugin is loaded on more of them",
			count);
	kv->is_short = !is_backed;
	return is_backed;
}
