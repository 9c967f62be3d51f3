/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPG service: what it costs the other members if one member of the ring sends as much as it can. */
#include <errno.h>
#include <string.h>

#include "tests/unit/services/cpg/lists.h"

/* Size of a message's body, without the header that the executive writes. */
#define BODY(type) ((uint32_t)(sizeof(type) - 16))

/* Merging the entries one by one took seconds, and minutes with longer lists. */
START_TEST(lists_at_their_limit_do_not_stop_the_loop)
{
	struct cpg_wire_name name;

	join_all("13");
	service_ring_form_start(&ring, "1 2 3");
	lists_deliver(2, 0, CPG_PROCESSES_MAX, _i == 1);
	for (uint32_t i = 0; i < CPG_PROCESSES_MAX; i++) {
		/* Each name differs from all entries of the lists, and only in its last bytes. */
		name = lists_name(_i == 1 ? 7 : 1u << 31 | i);
		lists_process(2, CPG_RING_PROCLEAVE, &name, _i == 1 ? 1u << 31 | i : 5);
	}
	service_ring_form_steps(&ring);

	uint64_t from_ns = lists_cpu_ns();

	ring.ops->sync_done(ring.nodes[1].self);
	lists_check_cost("the end of a synchronisation with 16,384 processes of one node", lists_cpu_ns() - from_ns,
		TURN_MAX_NS);
	lists_check_cost("the longest turn after it", lists_settle(), TURN_MAX_NS);
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX + 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);

	/* At the next synchronisation no list has these processes, so they are removed. */
	service_ring_form_start(&ring, "1 2 3");
	service_ring_form_steps(&ring);
	from_ns = lists_cpu_ns();
	ring.ops->sync_done(ring.nodes[1].self);
	lists_check_cost("… and without them again", lists_cpu_ns() - from_ns, TURN_MAX_NS);
	lists_check_cost("the longest turn after it", lists_settle(), TURN_MAX_NS);
	ck_assert_uint_eq(lists_count(), 2);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), 0);
}
END_TEST

/* A few processes that a member leaves out of its lists must not cost one event of a large group each. */
START_TEST(a_list_without_some_processes_does_not_stop_the_loop)
{
	const struct cpg_wire_name name = lists_name(7);
	char group[CPG_GROUP_NAME_MAX + 1] = "";

	memcpy(group, name.value, name.length);
	users[0] = cpg_user_create(&ring, 1, 6);
	ck_assert_int_eq(cpg_user_join(&users[0], group, 0), OK);
	service_ring_run(&ring);
	service_ring_form_start(&ring, "1 2 3");
	lists_deliver(2, 0, CPG_PROCESSES_MAX, true);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	service_ring_form_start(&ring, "1 2 3");

	const struct mock_queue *events = &users[0].base.client->events;
	uint32_t before = events->count;

	lists_deliver(2, 64, CPG_PROCESSES_MAX - 64, true);
	service_ring_form_steps(&ring);

	uint64_t from_ns = lists_cpu_ns();

	ring.ops->sync_done(ring.nodes[1].self);
	lists_check_cost(
		"the end of a synchronisation without 64 of 16,384 processes", lists_cpu_ns() - from_ns, TURN_MAX_NS);
	ck_assert_uint_eq(events->count, before + 2); /* the ring, and all 64 */
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX - 64);
}
END_TEST

START_TEST(a_node_has_so_many_processes_and_the_others_their_own_share)
{
	struct cpg_wire_name name;
	uint64_t worst_ns = 0;

	join_all("13");
	for (uint32_t i = 0; i <= CPG_PROCESSES_MAX; i++) {
		uint64_t from_ns = lists_cpu_ns();

		name = lists_name(CPG_PROCESSES_MAX - i);
		lists_process(2, CPG_RING_PROCJOIN, &name, i);
		if (lists_cpu_ns() - from_ns > worst_ns)
			worst_ns = lists_cpu_ns() - from_ns;
	}
	lists_check_cost("the longest PROCJOIN", worst_ns, TURN_MAX_NS);
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX + 2);
	name = cpg_wire_name("other", 5);
	lists_process(3, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX + 3);
	/* There is room again after one process has left. */
	name = lists_name(1);
	lists_process(2, CPG_RING_PROCLEAVE, &name, CPG_PROCESSES_MAX - 1);
	name = cpg_wire_name("another", 7);
	lists_process(2, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX + 3);
	/* Memberships of one member beyond its share do not use the share of another one. */
	service_ring_form_start(&ring, "1 2 3");
	lists_deliver(2, 0, CPG_PROCESSES_MAX, false);
	lists_deliver(2, 1000000, 10, false);
	lists_deliver(3, 2000000, 10, false);
	service_ring_form_steps(&ring);
	ring.ops->sync_done(ring.nodes[1].self);
	ck_assert_uint_eq(cpg_tally_of(ring.nodes[1].self, 3), 11);
	ck_assert_uint_le(cpg_tally_of(ring.nodes[1].self, 2), CPG_PROCESSES_MAX);
}
END_TEST

/*
 * A node removes processes that left unnoticed only after it has listed the new ones. So it may have twice its share in
 * between.
 */
START_TEST(a_node_replaces_all_its_memberships_at_once)
{
	struct cpg *cpg = ring.nodes[1].self;

	join_all("13");
	service_ring_form_start(&ring, "1 2 3");
	lists_deliver(2, 0, CPG_PROCESSES_MAX, false);
	service_ring_form_steps(&ring);
	ring.ops->sync_done(cpg);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
	for (uint32_t i = 0; i < 2; i++) { /* i 0: the lists have only new memberships; i 1: half of them are old */
		service_ring_form_start(&ring, "1 2 3");
		lists_deliver(2, CPG_PROCESSES_MAX + i * CPG_PROCESSES_MAX / 2, CPG_PROCESSES_MAX, false);
		service_ring_form_steps(&ring);
		ring.ops->sync_done(cpg);
		ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
		lists_settle();
		ck_assert_uint_eq(lists_count(), CPG_PROCESSES_MAX + 2);
		ck_assert(!mock_host_has_logged(host(1), "too many"));
	}
	/* Afterwards the limit is the same as before. */
	const struct cpg_wire_name name = cpg_wire_name("one more", 8);

	lists_process(2, CPG_RING_PROCJOIN, &name, 1);
	ck_assert_uint_eq(cpg_tally_of(cpg, 2), CPG_PROCESSES_MAX);
}
END_TEST

/* If such a join were not refused, its client would wait for it for ever. */
START_TEST(a_join_beyond_the_share_of_this_node_is_refused)
{
	struct cpg_wire_name name;

	for (uint32_t i = 0; i < CPG_PROCESSES_MAX; i++) {
		name = lists_name(i);
		lists_process(1, CPG_RING_PROCJOIN, &name, i);
	}
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), TRY_AGAIN);
	lists_process(1, CPG_RING_PROCLEAVE, &name, CPG_PROCESSES_MAX - 1);
	ck_assert_int_eq(cpg_user_join(&users[0], "grp", 0), OK);
	users[1] = cpg_user_create(&ring, 1, 2);
	/* The join of users[0] is queued, and counts already. */
	ck_assert_int_eq(cpg_user_join(&users[1], "grp", 0), TRY_AGAIN);
}
END_TEST

static void fill_lists(uint32_t from, uint32_t count)
{
	struct cpg_wire_name name;

	for (uint32_t i = 0; i < count; i++) {
		name = lists_name(i * 2654435761u >> 8);
		lists_process(from, CPG_RING_PROCJOIN, &name, i);
	}
}

/* Start an iteration and run the loop until it is answered. *turns: number of turns. @return the error of the answer */
static int32_t iterate_in_turns(struct cpg_user *user, uint32_t type, uint32_t *turns)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = type};
	int32_t error = cpg_user_request(user, CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req));

	*turns = 1;
	while (error == 0 && mock_host_timers(host(1)) > 0) {
		uint64_t from_ns = lists_cpu_ns();

		mock_host_advance(host(1), TURN_NS);
		lists_check_cost("a turn of an iteration", lists_cpu_ns() - from_ns, TURN_MAX_NS);
		++*turns;
		if (user->base.client->replies.count > 0)
			error = user->base.client->replies.list[0].error;
	}
	return error;
}

/* Without this limit 64 iterations took 150 MB. The first iteration is never refused for its size. */
START_TEST(iterations_of_a_client_are_bounded_by_their_entries)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	uint32_t turns;

	fill_lists(2, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), NO_MEMORY);
}
END_TEST

/* A step looks at one group or copies one entry. */
START_TEST(an_iteration_takes_as_many_turns_as_it_needs)
{
	const struct cpg *cpg = ring.nodes[1].self;
	uint32_t turns;

	fill_lists(2, CPG_PROCESSES_MAX);
	fill_lists(3, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
	ck_assert_uint_le(cpg->snapshot_work, CPG_SNAPSHOT_WORK_MAX);
	/* Both nodes have the same groups. */
	ck_assert_uint_ge(turns, 3 * CPG_PROCESSES_MAX / CPG_SNAPSHOT_WORK_MAX);
	ck_assert_uint_le(turns, 3 * CPG_PROCESSES_MAX / CPG_SNAPSHOT_WORK_MAX + 1);
	ck_assert_uint_eq(users[0].base.client->replies.list[0].size, sizeof(uint64_t));
	ck_assert_int_eq(iterate_in_turns(&users[0], 2, &turns), OK);
	ck_assert_uint_eq(turns, 1);
}
END_TEST

START_TEST(an_iteration_is_of_one_moment)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	struct cpg_wire_name name = cpg_wire_name("late", 4);

	fill_lists(2, CPG_PROCESSES_MAX / 2);
	for (uint32_t i = 0; i < 2; i++) {
		users[i] = cpg_user_create(&ring, 1, 1 + i);
		ck_assert_int_eq(cpg_user_request(&users[i], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	}
	/*
	 * Only a client that does not use Coterie's library sends a second request before the answer to the first one.
	 */
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), TRY_AGAIN);
	for (uint32_t i = 0; i < 3; i++) {
		mock_host_advance(host(1), TURN_NS);
		lists_process(3, CPG_RING_PROCJOIN, &name, i);
	}
	cpg_user_close(&users[1]);                        /* the closed client's request is dropped */
	while (users[0].base.client->replies.count < 2) { /* the first reply is "try again" */
		ck_assert_uint_gt(mock_host_timers(host(1)), 0);
		mock_host_advance(host(1), TURN_NS);
	}
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	ck_assert_int_eq(users[0].base.client->replies.list[1].error, OK);
	ck_assert_uint_eq(lists_walk(&users[0], 1), CPG_PROCESSES_MAX / 2 + 3);
}
END_TEST

/* The iteration has copied the members of "grp", which come first, when the ring changes. */
START_TEST(an_iteration_starts_again_behind_a_synchronisation)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	const uint32_t groups = CPG_SNAPSHOT_WORK_MAX * 3 / 2;

	fill_lists(1, groups);
	for (uint32_t i = 0; i < 2; i++) {
		users[i] = cpg_user_create(&ring, 1 + 2 * i, 1000000);
		ck_assert_int_eq(cpg_user_join(&users[i], "grp", 0), OK);
	}
	service_ring_run(&ring);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	mock_host_advance(host(1), TURN_NS);
	ck_assert_uint_eq(users[0].base.client->replies.count, 0);
	service_ring_form(&ring, "1 2 | 3");
	while (users[0].base.client->replies.count == 0) {
		ck_assert_uint_gt(mock_host_timers(host(1)), 0);
		mock_host_advance(host(1), TURN_NS);
	}
	ck_assert_uint_eq(lists_walk(&users[0], 0), groups + 1);
}
END_TEST

START_TEST(no_successor_takes_over_while_an_iteration_is_being_made)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};

	fill_lists(2, CPG_SNAPSHOT_WORK_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), -EAGAIN);
	while (mock_host_timers(host(1)) > 0)
		mock_host_advance(host(1), TURN_NS);
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	ck_assert_uint_eq(lists_walk(&users[0], 0), CPG_SNAPSHOT_WORK_MAX);
}
END_TEST

START_TEST(an_iteration_over_lists_that_always_change_ends)
{
	struct cpg_req_iteration_initialize req = {.iteration_type = 3};
	struct cpg_wire_name name = cpg_wire_name("late", 4);
	uint32_t turns = 1;

	fill_lists(2, CPG_PROCESSES_MAX);
	users[0] = cpg_user_create(&ring, 1, 1);
	ck_assert_int_eq(cpg_user_request(&users[0], CPG_REQ_ITERATION_INITIALIZE, &req, sizeof(req)), 0);
	for (; users[0].base.client->replies.count == 0; turns++) {
		lists_process(3, CPG_RING_PROCJOIN, &name, turns);
		mock_host_advance(host(1), TURN_NS);
		ck_assert_uint_lt(turns, 100);
	}
	ck_assert_int_eq(users[0].base.client->replies.list[0].error, TRY_AGAIN);
	ck_assert_int_eq(iterate_in_turns(&users[0], 3, &turns), OK);
}
END_TEST

/* When all groups were moved at once, one of 65,536 took 30 ms. */
START_TEST(the_table_of_groups_grows_in_steps)
{
	struct cpg *cpg = ring.nodes[1].self;
	struct cpg_wire_name name = lists_name(0);
	uint32_t before;

	lists_process(2, CPG_RING_PROCJOIN, &name, 1);
	before = cpg->index.count;
	for (uint32_t i = 1; i < 1000; i++) {
		name = lists_name(i);
		lists_process(2, CPG_RING_PROCJOIN, &name, 1);
		ck_assert_uint_le(cpg->index.count - before, 1);
		before = cpg->index.count;
		for (uint32_t k = 0; k <= i; k += 1 + i / 10) {
			name = lists_name(k);
			ck_assert_ptr_nonnull(cpg_group_find(cpg, &name));
		}
	}
	ck_assert_uint_ge(cpg->index.count, 999);
	for (uint32_t i = 0; i < 1000; i++) {
		name = lists_name(i);
		lists_process(2, CPG_RING_PROCLEAVE, &name, 1);
	}
	ck_assert_uint_eq(cpg->group_count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpg_limits");
	TCase *tcase = cpg_case_add(suite);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, lists_at_their_limit_do_not_stop_the_loop, 0, 2);
	tcase_add_test(tcase, a_list_without_some_processes_does_not_stop_the_loop);
	tcase_add_test(tcase, a_node_has_so_many_processes_and_the_others_their_own_share);
	tcase_add_test(tcase, a_node_replaces_all_its_memberships_at_once);
	tcase_add_test(tcase, a_join_beyond_the_share_of_this_node_is_refused);
	tcase_add_test(tcase, iterations_of_a_client_are_bounded_by_their_entries);
	tcase_add_test(tcase, an_iteration_takes_as_many_turns_as_it_needs);
	tcase_add_test(tcase, an_iteration_is_of_one_moment);
	tcase_add_test(tcase, an_iteration_starts_again_behind_a_synchronisation);
	tcase_add_test(tcase, no_successor_takes_over_while_an_iteration_is_being_made);
	tcase_add_test(tcase, an_iteration_over_lists_that_always_change_ends);
	tcase_add_test(tcase, the_table_of_groups_grows_in_steps);
	return suite_run(suite);
}
