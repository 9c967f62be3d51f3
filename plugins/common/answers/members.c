/* SPDX-License-Identifier: BSD-3-Clause */
/* The answer of `members`. */
#include "plugins/common/answers/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *find_member(struct json_object *members, int64_t id)
{
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);

		if (get_number(member, "id") == id)
			return member;
	}
	return NULL;
}

struct member_walk {
	const struct metrics_source *source;
	struct json_object *members;
};

static bool see_member_key(void *arg, const char *key)
{
	struct member_walk *walk = arg;
	uint32_t id;
	int end = 0;
	char sibling[COTERIE_MAP_NAME_MAX + 1];

	if (sscanf(key, "runtime.members.%" SCNu32 ".status%n", &id, &end) != 1 || end == 0 || key[end] != '\0')
		return true;
	struct json_object *member = find_member(walk->members, id);
	if (member == NULL) { /* the node is not in the node list: it has joined by multicast, or was removed from
			       * the list */
		member = json_object_new_object();
		put_number(member, "id", id);
		put_text(member, "name", "");
		json_object_array_add(walk->members, member);
	}
	char *status = answers_key_text(walk->source, COTERIE_MAP_CONFIG, key);
	put_text(member, "state", status != NULL ? status : "left");
	free(status);
	snprintf(sibling, sizeof(sibling), "runtime.members.%" PRIu32 ".join_count", id);
	put_number(member, "joins", answers_key_number(walk->source, COTERIE_MAP_CONFIG, sibling, 0));
	return true;
}

struct json_object *answers_members_list(const struct metrics_source *source)
{
	struct member_walk walk = {.source = source, .members = answers_nodes(source)};

	for (size_t i = 0; i < json_object_array_length(walk.members); i++)
		put_text(json_object_array_get_idx(walk.members, i), "state", "never");
	source->each(source->arg, COTERIE_MAP_CONFIG, "runtime.members.", see_member_key, &walk);
	return walk.members;
}

bool answers_members(const struct metrics_source *source, struct json_object *data)
{
	struct json_object *ring = answers_ring(source);

	if (ring == NULL)
		return false; /* the schema requires a ring */
	struct json_object *members = answers_members_list(source);
	for (size_t i = 0; i < json_object_array_length(members); i++) {
		struct json_object *member = json_object_array_get_idx(members, i);
		struct metrics_votes votes = {.votes = 0};

		if (source->votes(source->arg, (uint32_t)get_number(member, "id"), &votes))
			put_number(member, "votes", votes.votes);
	}
	json_object_object_add(data, "ring", ring);
	json_object_object_add(data, "members", members);
	return true;
}
