/*
 * The votes of the members that have the table.
 *
 * Two rings that serve must share a member that runs this service in both, since only that member remembers the table.
 * Two rings with quorum share a member if quorum is more than half of the nodes' votes. So if every voting member runs
 * the service, quorum is enough. In these cases it is not, and the members that run the service need more than half of
 * the votes by themselves:
 * - A voting member does not run it, for instance while the plugin is unloaded. The provider counts its vote, too.
 * - A device, two_node, last_man_standing, allow_downscale or auto_tie_breaker gives quorum to fewer votes of nodes. The
 *   device votes for one ring after another, and remembers no table. With the others two rings can have quorum at one
 *   time.
 *
 * With the option any_quorum the second case is enough. Then an acknowledged write can be lost (coterie-kv(7)).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "plugins/kv/kv.h"

#include <stdio.h>
#include <string.h>

struct votes {
	uint64_t all;            /* votes of all configured nodes */
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

static bool is_on(const struct kv *kv, const char *key)
{
	struct coterie_map_value value;
	uint8_t byte;

	if (kv->host->map_read(kv->ctx, COTERIE_MAP_CONFIG, key, &value) < 0 || value.size != sizeof(byte))
		return false;
	memcpy(&byte, value.bytes, sizeof(byte));
	return byte != 0;
}

static bool has_device(const struct kv *kv)
{
	struct coterie_map_value model;

	return kv->host->map_read(kv->ctx, COTERIE_MAP_CONFIG, "quorum.device.model", &model) == 0;
}

/* Return whether a ring may have quorum without more than half of the nodes' votes, and is not to serve then. */
static bool is_quorum_too_little(const struct kv *kv)
{
	return kv->option_any_quorum == 0 &&
	       (has_device(kv) || is_on(kv, "quorum.two_node") || is_on(kv, "quorum.last_man_standing") ||
		       is_on(kv, "quorum.allow_downscale") || is_on(kv, "quorum.auto_tie_breaker"));
}

static bool is_runner(const struct runners *runners, uint32_t nodeid)
{
	for (uint32_t i = 0; i < runners->count; i++) {
		if (runners->nodeids[i] == nodeid)
			return true;
	}
	return false;
}

/* Remove the members that are about to unload the service. Until then they are in the host's list. */
static void runners_leave(struct kv *kv, struct runners *runners)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < runners->count; i++) {
		const struct kv_member *member = kv_member_find(kv, runners->nodeids[i]);

		if (member == NULL || !member->has_left)
			runners->nodeids[count++] = runners->nodeids[i];
	}
	runners->count = count;
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
	if (!has_device(kv))
		return 0;
	return key_or(kv, "quorum.device.votes", votes->nodes > 0 ? votes->nodes - 1 : 0);
}

/*
 * Return whether the members that run the service have more than half of the votes. If another member votes, those of
 * the device are among the votes. Otherwise the votes are those of the nodes.
 */
static bool have_majority(struct kv *kv, const struct runners *runners)
{
	struct votes votes = {.all = 0};

	if (!count_nodes(kv, runners, &votes))
		return false;
	if (votes.nodes == 0) /* no node list is configured: each member has one of the expected votes */
		votes.here = runners->count;

	uint64_t expected = key_or(kv, "quorum.expected_votes", 0), device = device_votes(kv, &votes);
	bool do_all_run_it = runners->count >= kv->member_count ||
			     (votes.members == kv->member_count && votes.without == 0);

	if (do_all_run_it && !is_quorum_too_little(kv))
		return true;
	votes.all += device;
	if (votes.all < expected)
		votes.all = expected;
	if (do_all_run_it)
		votes.all -= device;
	return votes.all > 0 && 2 * votes.here > votes.all;
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
	if (count >= 0) {
		runners.count = (uint32_t)count < KV_MEMBERS_MAX ? (uint32_t)count : KV_MEMBERS_MAX;
		runners_leave(kv, &runners);
		count = (int)runners.count;
		if (runners.count < kv->member_count || is_quorum_too_little(kv))
			is_backed = have_majority(kv, &runners);
	}
	if (!is_backed && !kv->is_short)
		kv->host->log(kv->ctx, LOG_WARNING,
			"the %d nodes of the ring that run kv have no majority of the votes of all nodes: nothing is "
			"served before more nodes that run it are here, see coterie-kv(7), 'any_quorum'",
			count);
	kv->is_short = !is_backed;
	return is_backed;
}
