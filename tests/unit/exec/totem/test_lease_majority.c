/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of a ring: a majority holds the lease, and a part forms its ring after the lease of the others has ended. */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/lease_case.h"

/* While members gather they do not renew each other's lease. Requests wait meanwhile, as they do without a ring. */
START_TEST(two_of_three_hold_it_beside_a_dead_member)
{
	start_leased_ring(3);
	node_crash(3);
	while (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL) {
		run_for(10);
		ck_assert_uint_eq(node_of(1)->lease_ends, 0);
	}
	run_until_ring(2, 8000);
	check_lease(1, true);
	check_lease(2, true);
	/* The lease ended once, during the gather, which takes longer than the lease. */
	ck_assert_uint_le(node_of(1)->lease_ends, 1);
	ck_assert_uint_le(node_of(2)->lease_ends, 1);
}
END_TEST

START_TEST(three_of_five_hold_it_and_two_do_not)
{
	start_leased_ring(5);
	cut(3); /* partition: 1 2 | 3 4 5 */
	/* The token may be at node 1 or node 2, and then visits both once more. */
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(1, false);
	check_lease(2, false);
	/* The five nodes are still one ring, and three of them answer each other. */
	for (uint32_t id = 3; id <= 5; id++) {
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}

	const uint32_t *members;

	/* Two sides that are not in one ring never serve at the same time. */
	for (uint32_t ms = 0; ms < 15000 && totem_engine_members(node_of(4)->engine, &members) == 5; ms++) {
		run_for(1);
		ck_assert(totem_engine_members(node_of(1)->engine, &members) != 5 || !has_lease(1));
		ck_assert(totem_engine_members(node_of(2)->engine, &members) != 5 || !has_lease(2));
	}
	ck_assert_uint_eq(totem_engine_members(node_of(4)->engine, &members), 3);
	run_for(50);
	for (uint32_t id = 3; id <= 5; id++)
		check_lease(id, true);
}
END_TEST

/* Nodes 3, 4 and 5 of five are a ring. Node 3 moves to nodes 1 and 2, and the ring of these three serves. */
START_TEST(two_of_a_ring_of_three_do_not_hold_it_in_a_cluster_of_five)
{
	uint32_t ms;

	start_leased_ring(5);
	cut(3); /* partition: 1 2 | 3 4 5 */
	for (ms = 0; ms < 20000 && (member_count(3) != 3 || member_count(4) != 3 || member_count(5) != 3); ms++)
		run_for(1);
	ck_assert_uint_lt(ms, 20000);
	run_for(2000);
	check_lease(4, true);
	net->cut_from = 4; /* partition: 1 2 3 | 4 5 */
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(4, false);
	check_lease(5, false);
	for (ms = 0; ms < 20000 && (member_count(1) != 3 || member_count(4) != 2); ms++) {
		run_for(1);
		ck_assert(member_count(4) != 3 || !has_lease(4));
		ck_assert(member_count(5) != 3 || !has_lease(5));
	}
	ck_assert_uint_lt(ms, 20000);
	check_lease(1, true);
	check_lease(3, true);
}
END_TEST

/* Node 1 has three of five votes, so no other part has a majority. The other two nodes have no majority together. */
START_TEST(votes_decide_and_not_nodes)
{
	static const uint32_t votes[] = {0, 3, 1, 1};

	net->votes = votes;
	start_leased_ring(3);
	cut(2);
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(1, true);
	check_lease(2, false);
	check_lease(3, false);
}
END_TEST

/* As with a quorum provider that does not publish votes. */
START_TEST(without_known_votes_all_members_are_needed)
{
	static const uint32_t votes[] = {1, 1, 1};

	start_leased_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		totem_engine_set_votes(node_of(id)->engine, totem_engine_ring(node_of(id)->engine),
			_i == 0 ? NULL : votes, 3 - (uint32_t)_i, 2);
	check_lease(1, true);
	node_crash(3);
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(1, false);
	check_lease(2, false);
	run_until_ring(2, 8000);
	check_lease(1, true);
}
END_TEST

START_TEST(votes_of_another_ring_are_ignored)
{
	const struct ring_id other = {.rep = 1, .seq = 1};
	static const uint32_t votes[] = {9, 1, 1};

	start_leased_ring(3);
	totem_engine_set_votes(node_of(1)->engine, &other, votes, 3, 6);
	cut(2);
	run_for(lease_ms() + held_ms() + late_ms());
	check_lease(1, false);
}
END_TEST

/* One node of two is no majority. */
/*
 * A quorum device may have given its votes to others while this node did not run. So a node that is quorate with them,
 * and alone, forms its ring again. In the third run its own votes are enough.
 */
START_TEST(a_stop_ends_it_in_a_ring_of_one_with_a_device)
{
	static const uint32_t votes[] = {3};
	struct node *node;
	uint64_t seq;

	start_ring(1);
	node = node_of(1);
	seq = totem_engine_ring(node->engine)->seq;
	totem_engine_set_votes(node->engine, totem_engine_ring(node->engine), votes, 1, _i == 2 ? 3 : 5);
	run_for(1000);
	check_lease(1, true);
	if (_i == 1) {
		tell(1, TOTEM_EVENT_STOPPED, 0);
	} else {
		node->is_paused = true;
		run_for(2 * options.token_ns / MS);
		node_resume(node, true);
	}
	ck_assert_int_eq(has_lease(1), _i == 2);
	run_for(1000);
	check_lease(1, true);
	ck_assert_int_eq(totem_engine_ring(node->engine)->seq > seq, _i != 2);
	ck_assert_int_eq(node->gathered > 0, _i != 2);
}
END_TEST

START_TEST(both_of_two_lose_it_when_they_are_cut_apart)
{
	start_leased_ring(2);
	cut(2);
	run_for(lease_ms() + late_ms());
	check_lease(1, false);
	check_lease(2, false);
}
END_TEST

/*
 * Two nodes do not hear each other, and the third node forms a ring with one of them. The other one has waited as long
 * as they have, and forms its ring without a second wait. Tested in each phase of an idle ring.
 */
START_TEST(who_is_left_behind_is_alone_soon)
{
	uint32_t ms, together_ms = 0;

	start_leased_ring(3);
	run_for((uint64_t)_i / 3 * held_ms() / 8);
	deaf_a = (uint32_t)_i % 3 + 1;
	deaf_b = deaf_a % 3 + 1;
	net->drops = is_between;
	for (ms = 0; ms < 20000 && member_count(1) + member_count(2) + member_count(3) != 2 + 2 + 1; ms++) {
		bool is_one_of_two = member_count(1) == 2 || member_count(2) == 2 || member_count(3) == 2;
		bool is_one_of_three = member_count(1) == 3 || member_count(2) == 3 || member_count(3) == 3;

		together_ms += is_one_of_two && is_one_of_three;
		run_for(1);
	}
	ck_assert_uint_lt(ms, 20000);
	ck_assert_uint_le(together_ms, 10);
}
END_TEST

/* Node 2 has sent a join to node 3. It says that so many of these nodes have failed: 3. */
static void feed_join(uint32_t failed_count)
{
	static const uint32_t all[] = {1, 2, 3};
	uint64_t seq = totem_engine_ring(node_of(3)->engine)->seq;
	uint8_t bytes[128];

	feed(3, bytes, wire_encode_join(2, 2, seq, all, 3, all + 2, failed_count, 0, false, bytes, sizeof(bytes)));
}

/*
 * Node 2 says that node 3 has failed, when node 3 has waited for long enough. So node 3 gives up node 1, which it has
 * never heard. The new record of node 1 comes before that of node 2, which learns who has said what.
 */
START_TEST(a_record_that_moves_is_found_again)
{
	struct totem_engine *engine;
	uint32_t ms;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	net->node_count = 3;
	node_start(2);
	node_start(3);
	engine = node_of(3)->engine;
	run_for(10000);
	ck_assert_uint_eq(member_count(3), 2);
	node_crash(2);
	for (ms = 0; ms < 20000 && totem_engine_state(engine) != TOTEM_GATHER; ms++)
		run_for(1);
	run_for(500);
	feed_join(0);
	for (ms = 0; ms < 20000 && !belief_is_patience_over(engine); ms++)
		run_for(1);
	ck_assert_ptr_null(peer_find(engine, 1));
	feed_join(1);
	ck_assert_ptr_nonnull(peer_find(engine, 1));
	ck_assert_uint_eq(peer_find(engine, 1)->failed_us_episode, 0);
	ck_assert_uint_eq(peer_find(engine, 1)->heard_episode, 0);
}
END_TEST

/* In a small ring a node sends joins as often as Corosync, until the gather ends. */
START_TEST(a_path_that_is_back_before_the_conclusion_is_in_time)
{
	uint32_t ms;

	start_leased_ring(3);
	run_for(100);
	cut(3);
	for (ms = 0; ms < 20000 && totem_engine_state(node_of(3)->engine) != TOTEM_GATHER; ms++)
		run_for(1);
	run_for(options.consensus_ns / MS - 60 - (uint64_t)_i * 10); /* joins are sent every 50 ms */
	net->drops = NULL;
	run_for(1000);
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_uint_eq(node_of(id)->evicted_count, 0);
		ck_assert_uint_eq(member_count(id), 3);
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_path_that_is_back_before_the_conclusion_is_in_time, 0, 20);
	tcase_add_loop_test(tcase, who_is_left_behind_is_alone_soon, 0, 3 * 8);
	tcase_add_test(tcase, a_record_that_moves_is_found_again);
	tcase_add_test(tcase, two_of_three_hold_it_beside_a_dead_member);
	tcase_add_test(tcase, three_of_five_hold_it_and_two_do_not);
	tcase_add_test(tcase, two_of_a_ring_of_three_do_not_hold_it_in_a_cluster_of_five);
	tcase_add_test(tcase, votes_decide_and_not_nodes);
	tcase_add_loop_test(tcase, without_known_votes_all_members_are_needed, 0, 2);
	tcase_add_test(tcase, votes_of_another_ring_are_ignored);
	tcase_add_loop_test(tcase, a_stop_ends_it_in_a_ring_of_one_with_a_device, 0, 3);
	tcase_add_test(tcase, both_of_two_lose_it_when_they_are_cut_apart);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
