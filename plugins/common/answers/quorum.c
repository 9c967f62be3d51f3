/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer of `quorum`. */
#include "plugins/common/answers/answers.h"

#include <stdlib.h>
#include <string.h>

/* Flags of votequorum_info, and of NODEINFO on the ring. */
#define FLAG_DEVICE_REGISTERED 64u
#define FLAG_DEVICE_ALIVE 128u
#define FLAG_DEVICE_CAST_VOTE 256u
#define FLAG_DEVICE_MASTER_WINS 512u

/* The flags are named as in corosync-quorumtool. */
static const struct {
	uint32_t bit;
	const char *name;
} flags[] = {
	{1, "2Node"},
	{2, "Quorate"},
	{4, "WaitForAll"},
	{8, "LastManStanding"},
	{16, "AutoTieBreaker"},
	{32, "AllowDownscale"},
	{FLAG_DEVICE_REGISTERED, "Qdevice"},
};

static struct json_object *device_of(const struct metrics_votes *votes)
{
	struct json_object *device = json_object_new_object();

	put_bool(device, "registered", (votes->flags & FLAG_DEVICE_REGISTERED) != 0);
	put_bool(device, "alive", (votes->flags & FLAG_DEVICE_ALIVE) != 0);
	put_bool(device, "cast_vote", (votes->flags & FLAG_DEVICE_CAST_VOTE) != 0);
	put_bool(device, "master_wins", (votes->flags & FLAG_DEVICE_MASTER_WINS) != 0);
	return device;
}

/* List the members with votes. A node that was never in the ring is not listed. */
static struct json_object *voters(const struct metrics_source *source, struct json_object *members)
{
	static const char *const states[] = {
		[METRICS_VOTER_MEMBER] = "member", [METRICS_VOTER_DEAD] = "dead", [METRICS_VOTER_LEAVING] = "leaving"};
	struct json_object *answer = json_object_new_array();
	uint32_t local = source->local(source->arg);
	char buffer[12];

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		uint32_t id = (uint32_t)get_number(json_object_array_get_idx(members, i), "id");
		struct metrics_votes votes = {.votes = 0};

		if (id == 0 || !source->votes(source->arg, id, &votes))
			continue;
		struct json_object *node = json_object_new_object();
		put_number(node, "id", id);
		put_text(node, "name", answers_node_name(members, id, buffer));
		put_number(node, "votes", votes.votes);
		put_text(node, "state", states[votes.state]);
		put_bool(node, "local", id == local);
		if ((votes.flags & FLAG_DEVICE_REGISTERED) != 0)
			json_object_object_add(node, "qdevice", device_of(&votes));
		json_object_array_add(answer, node);
	}
	return answer;
}

static void put_device(const struct metrics_votes *votes, struct json_object *data)
{
	if ((votes->flags & FLAG_DEVICE_REGISTERED) == 0) {
		json_object_object_add(data, "qdevice", NULL);
		return;
	}
	struct json_object *device = json_object_new_object();
	put_text(device, "name", votes->device);
	put_number(device, "votes", votes->device_votes);
	put_bool(device, "counted", (votes->flags & FLAG_DEVICE_CAST_VOTE) != 0);
	json_object_object_add(data, "qdevice", device);
}

static void put_votes(const struct metrics_source *source, const struct metrics_votes *votes, struct json_object *data)
{
	struct json_object *names = json_object_new_array();
	int64_t spare = (int64_t)votes->total - votes->quorum;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if ((votes->flags & flags[i].bit) != 0)
			json_object_array_add(names, json_object_new_string(flags[i].name));
	put_number(data, "expected_votes", votes->expected);
	put_number(data, "highest_expected", votes->highest_expected);
	put_number(data, "total_votes", votes->total);
	put_number(data, "quorum", votes->quorum);
	json_object_object_add(data, "flags", names);
	put_bool(data, "waiting_for_all",
		answers_key_number(source, COTERIE_MAP_CONFIG, "runtime.votequorum.wait_for_all_status", 0) != 0);
	put_number(data, "can_lose", spare > 0 ? spare : 0);
}

/* List the nodes of the node list that are not in the ring. */
static void put_missing(struct json_object *members, struct json_object *data)
{
	struct json_object *missing = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (get(member, "addresses") != NULL && strcmp(get_text(member, "state"), "joined") != 0)
			json_object_array_add(missing, json_object_new_int64(get_number(member, "id")));
	}
	json_object_object_add(data, "missing", missing);
}

void answers_quorum(const struct metrics_source *source, int quorate, struct json_object *data)
{
	struct json_object *members = answers_members_list(source), *ring = answers_ring(source);
	char *provider = answers_key_text(source, COTERIE_MAP_CONFIG, "quorum.provider");
	struct metrics_votes votes = {.votes = 0};

	put_text(data, "provider", provider);
	json_object_object_add(
		data, "quorate", quorate == METRICS_QUORATE_NOT_KNOWN ? NULL : json_object_new_boolean(quorate != 0));
	if (ring != NULL)
		json_object_object_add(data, "ring", ring);
	put_missing(members, data);
	if (source->votes(source->arg, 0, &votes)) {
		put_votes(source, &votes, data);
		json_object_object_add(data, "nodes", voters(source, members));
		put_device(&votes, data);
	}
	json_object_put(members);
	free(provider);
}
