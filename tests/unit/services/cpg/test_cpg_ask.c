/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: requests about groups and their answers. */
#include "tests/unit/services/cpg/cpg_case.h"

#include <stdio.h>
#include <string.h>

START_TEST(membership_and_node_id_are_told_to_anybody)
{
	struct cpg_req_membership_get get = {.group = cpg_wire_name("grp", 3)};
	struct cpg_req_local_get local;
	const struct cpg_res_membership_get *res;
	const struct mock_message *reply;
	uint8_t whole[sizeof(*res)];

	join_all("3122");
	users[4] = cpg_user_create(&ring, 3, 1);
	ck_assert_int_eq(cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	reply = &users[4].base.client->replies.list[0];
	ck_assert_uint_eq(reply->id, CPG_RES_MEMBERSHIP_GET);
	ck_assert_uint_eq(reply->size, sizeof(*res) - 24);
	memcpy(whole + 24, reply->data, reply->size);
	res = (const void *)whole;
	ck_assert_uint_eq(res->member_count, 4);
	ck_assert_uint_eq(res->members[0].pid, 20);
	ck_assert_uint_eq(res->members[1].pid, 30);
	ck_assert_uint_eq(res->members[2].pid, 40);
	ck_assert_uint_eq(res->members[3].pid, 10);
	ck_assert_uint_eq(res->members[3].nodeid, 3);

	get.group = cpg_wire_name("nobody", 6);
	ck_assert_int_eq(cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].data[0], 0);
	get.group.length = 129;
	ck_assert_int_eq(cpg_user_request(&users[4], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), TOO_LONG);

	ck_assert_int_eq(cpg_user_request(&users[4], CPG_REQ_LOCAL_GET, &local, sizeof(local)), OK);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].size, 8);
	ck_assert_uint_eq(users[4].base.client->replies.list[0].data[0], 3);
}
END_TEST

START_TEST(a_membership_answer_is_cut_at_384)
{
	struct cpg_req_membership_get get = {.group = cpg_wire_name("grp", 3)};
	struct cpg_ring_process join = {.group = get.group, .reason = 1};
	struct mock_message message = {.id = CPG_RING_PROCJOIN, .size = 152, .data = (uint8_t *)&join + 16};
	uint32_t count;

	join_all("1");
	for (uint32_t i = 0; i < 1000; i++) {
		join.pid = 1000 + i;
		ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[1].self, 2, false, &message), 0);
	}
	/* The last change lists all members of the group. */
	const struct mock_message *event = &users[0].base.client->events.list[1000];

	memcpy(&count, event->data + 136, sizeof(count));
	ck_assert_uint_eq(count, 1001);
	ck_assert_uint_eq(event->size, 160 + 24 * 1002);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_MEMBERSHIP_GET, &get, sizeof(get)), OK);
	memcpy(&count, users[0].base.client->replies.list[0].data, sizeof(count));
	ck_assert_uint_eq(count, CPG_MEMBERSHIP_MAX);
}
END_TEST

static uint64_t iterate(struct cpg_user *user, uint32_t type, const char *group)
{
	struct cpg_req_iteration_initialize req = {
		.group = cpg_wire_name(group, (uint32_t)strlen(group)), .iteration_type = type};
	uint64_t token;

	ck_assert_int_eq(cpg_user_request(user, CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	ck_assert_uint_eq(user->base.client->replies.list[0].size, sizeof(token));
	memcpy(&token, user->base.client->replies.list[0].data, sizeof(token));
	return token;
}

/* Return the iterator's next entry as "grp 1:10", or the error as "27". */
static const char *next(struct cpg_user *user, uint64_t token)
{
	static char text[256];
	struct cpg_req_iteration_next req = {.iteration = token};
	int32_t error = cpg_user_request(user, CPG_REQ_ITERATION_NEXT, &req, sizeof(req));
	struct cpg_res_iteration_next res;

	ck_assert_uint_eq(user->base.client->replies.list[0].size, sizeof(res) - 24);
	memcpy((uint8_t *)&res + 24, user->base.client->replies.list[0].data, sizeof(res) - 24);
	if (error != OK)
		snprintf(text, sizeof(text), "%d", error);
	else
		snprintf(text, sizeof(text), "%.*s %u:%u", (int)res.group.length, res.group.value, res.nodeid, res.pid);
	return text;
}

static const struct {
	uint32_t type;
	const char *group;
	const char *want[8];
} walks[] = {
	/* The memberships (node/pid group) are 1/20 z, 2/30 grp, 2/40 grp, 3/10 grp, 3/50 alpha. */
	{1, "", {"alpha 0:0", "grp 0:0", "z 0:0", "27"}},
	{2, "grp", {"grp 2:30", "grp 3:10", "grp 2:40", "27"}},
	{2, "nobody", {"27", "27"}},
	{3, "", {"alpha 3:50", "grp 2:30", "grp 3:10", "grp 2:40", "z 1:20", "27", "alpha 3:50"}},
};

START_TEST(iteration_shows_a_snapshot_in_the_usual_order)
{
	static const struct {
		uint32_t node, pid;
		const char *group;
	} who[] = {{3, 10, "grp"}, {1, 20, "z"}, {2, 30, "grp"}, {2, 40, "grp"}, {3, 50, "alpha"}};

	for (size_t i = 0; i < 5; i++) {
		users[i] = cpg_user_create(&ring, who[i].node, who[i].pid);
		ck_assert_int_eq(cpg_user_join(&users[i], who[i].group, 0), OK);
	}
	service_ring_run(&ring);

	uint64_t token = iterate(&users[0], walks[_i].type, walks[_i].group);
	struct cpg_req_iteration_finalize finalize = {.iteration = token};

	cpg_user_close(&users[1]); /* changes after the begin of an iteration do not affect it */
	service_ring_run(&ring);
	for (size_t i = 0; walks[_i].want[i] != NULL; i++)
		ck_assert_str_eq(next(&users[0], token), walks[_i].want[i]);
	ck_assert_str_eq(next(&users[2], token), "2"); /* the iteration belongs to another client */
	ck_assert_int_eq(cpg_user_request(&users[2], CPG_REQ_ITERATION_FINALIZE, &finalize, sizeof(finalize)), LIBRARY);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_FINALIZE, &finalize, sizeof(finalize)), OK);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_FINALIZE, &finalize, sizeof(finalize)), LIBRARY);
	ck_assert_str_eq(next(&users[0], token), "2");
}
END_TEST

START_TEST(a_successor_gives_out_no_token_twice)
{
	join_all("1");

	uint64_t token = iterate(&users[0], 3, "");

	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	ck_assert_uint_ne(iterate(&users[0], 3, ""), token);
	ck_assert_str_eq(next(&users[0], token), "grp 1:10");
}
END_TEST

/* Corosync's library fills in the name only for iterations of one group. In other requests the field is undefined. */
START_TEST(the_name_counts_with_iterations_of_one_group_alone)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	join_all("1");
	memset(&req.group, 0xa5, sizeof(req.group));
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	req.iteration_type = 1;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), OK);
	req.iteration_type = 2;
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), TOO_LONG);
}
END_TEST

START_TEST(iterations_of_a_client_are_bounded_and_end_with_it)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	join_all("1");
	for (int i = 0; i < 64; i++)
		iterate(&users[0], 3, "");
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), NO_MEMORY);
	cpg_user_close(&users[0]); /* the iteration ends with its client: a sanitizer would find a leak */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_ask");
	TCase *tcase = cpg_case_add(suite);

	tcase_add_test(tcase, membership_and_node_id_are_told_to_anybody);
	tcase_add_test(tcase, a_membership_answer_is_cut_at_384);
	tcase_add_loop_test(tcase, iteration_shows_a_snapshot_in_the_usual_order, 0, 4);
	tcase_add_test(tcase, a_successor_gives_out_no_token_twice);
	tcase_add_test(tcase, the_name_counts_with_iterations_of_one_group_alone);
	tcase_add_test(tcase, iterations_of_a_client_are_bounded_and_end_with_it);
	return suite_run(suite);
}
