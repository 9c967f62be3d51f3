/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the votequorum service that depend on time: last man standing, the file of the tracking barrier, nodes
 * that have left.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/suite.h"
#include "tests/unit/services/votequorum/vote_case.h"

#define SECOND_NS UINT64_C(1000000000)
#define MS UINT64_C(1000000)

START_TEST(last_man_standing_waits_for_its_window)
{
	if (service_is_replaced())
		return; /* a replacement starts the timers again */
	start("nodes=5 last_man_standing=1 last_man_standing_window=3000", 1, 5);
	service_ring_form(&ring, "1 2 3 4 5");
	service_ring_form(&ring, "1 2 3 | 4 5");
	ck_assert_uint_eq(mock_host_timers(host(4)), 0); /* no window runs, since this part has no quorum */
	for (uint32_t i = 1; i <= 3; i++)
		mock_host_advance(host(i), 2999 * SECOND_NS / 1000);
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 5, need 3, flags a, device 0 ''");
	for (uint32_t i = 1; i <= 3; i++)
		mock_host_advance(host(i), SECOND_NS / 1000);
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 3, need 2, flags a, device 0 ''");
	service_ring_form(&ring, "1 2 | 3");
	ck_assert(host(1)->is_quorate && host(2)->is_quorate);
	mock_host_advance(host(1), 2 * SECOND_NS);
	service_ring_form(&ring, "1 2"); /* no node has left, so the window goes on */
	mock_host_advance(host(1), 1 * SECOND_NS);
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 2, need 2, flags a, device 0 ''");
}
END_TEST

START_TEST(last_man_standing_lowers_nothing_without_quorum)
{
	start("nodes=5 last_man_standing=1", 1, 5);
	service_ring_form(&ring, "1 2 3 4 5");
	service_ring_form(&ring, "1 2 3 | 4 5");
	service_ring_form(&ring, "1 2 | 3");
	ck_assert_uint_eq(mock_host_timers(host(1)), 1); /* the timer is still that of the first loss */
	mock_host_advance(host(1), 10 * SECOND_NS);
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 5, need 3, flags 8, device 0 ''");
}
END_TEST

/* The window ends while the two parts of the ring synchronise: both are still quorate by the verdict of the last ring. */
START_TEST(last_man_standing_lowers_nothing_in_a_synchronisation)
{
	if (service_is_replaced())
		return; /* a replacement starts the timers again */
	start("nodes=5 last_man_standing=1", 1, 5);
	service_ring_form(&ring, "1 2 3 4 5");
	service_ring_form(&ring, "1 2 3 4");
	for (uint32_t i = 1; i <= 4; i++)
		mock_host_advance(host(i), 10 * SECOND_NS - 1 * MS);
	service_ring_form_start(&ring, "1 2 | 3 4");
	for (uint32_t i = 1; i <= 4; i++)
		mock_host_advance(host(i), 2 * MS);
	service_ring_form_steps(&ring);
	service_ring_form_done(&ring);
	for (uint32_t i = 1; i <= 4; i++)
		mock_host_advance(host(i), 11 * SECOND_NS);
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 5, need 3, flags 8, device 0 ''");
	ck_assert_str_eq(vote_node_info(&ring, 3), "2 of 5, need 3, flags 8, device 0 ''");
}
END_TEST

START_TEST(a_successor_ends_the_window_of_last_man_standing)
{
	start("nodes=5 last_man_standing=1", 1, 5);
	service_ring_form(&ring, "1 2 3 4 5");
	service_ring_form(&ring, "1 2 3 | 4 5");
	ck_assert_int_eq(mock_replace(host(1), ring.ops, &ring.nodes[1].self, false), 0);
	mock_host_advance(host(1), 10 * SECOND_NS);
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 3, need 2, flags a, device 0 ''");
}
END_TEST

START_TEST(last_man_standing_is_for_single_votes)
{
	start("nodes=3 last_man_standing=1 nodelist.node.2.quorum_votes=2", 1, 3);
	service_ring_form(&ring, "1 2 3");
	ck_assert(mock_host_has_logged(host(1), "last_man_standing"));
	ck_assert_str_eq(vote_node_info(&ring, 1), "4 of 4, need 3, flags 2, device 0 ''");
	service_ring_form(&ring, "2 3");
	ck_assert_uint_eq(mock_host_timers(host(2)), 0);
}
END_TEST

START_TEST(downscale_with_a_clean_leave)
{
	start("expected_votes=3 allow_downscale=1", 1, 5);
	service_ring_form(&ring, "1 2 3");
	service_ring_form(&ring, "1 2 3 4 5");
	ck_assert_str_eq(vote_node_info(&ring, 1), "5 of 5, need 3, flags 22, device 0 ''");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[5].self), 0);
	ck_assert_str_eq(vote_queued(&ring, 5, 0), "info 5 votes 1 of 5 flags 3");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[5].self), 0); /* a second drain sends nothing */
	ck_assert_str_eq(vote_queued(&ring, 5, 1), "");
	service_ring_run(&ring);
	service_ring_kill(&ring, 5);
	service_ring_form(&ring, "1 2 3 4");
	ck_assert_str_eq(vote_node_info(&ring, 1), "4 of 4, need 3, flags 22, device 0 ''");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[4].self), 0);
	service_ring_run(&ring);
	service_ring_kill(&ring, 4);
	service_ring_form(&ring, "1 2 3");
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 3, need 2, flags 22, device 0 ''");
}
END_TEST

START_TEST(a_leave_says_nothing_without_downscale)
{
	start("nodes=2", 1, 1);
	service_ring_form(&ring, "1");
	ck_assert_int_eq(ring.ops->drain(ring.nodes[1].self), 0);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
}
END_TEST

static uint32_t stored_barrier(uint32_t nodeid)
{
	uint32_t stored;

	memcpy(&stored, host(nodeid)->files[0].bytes, sizeof(stored));
	return stored;
}

/* The service synchronised alone, and no other round follows. */
START_TEST(a_node_waits_for_all_again_if_it_loses_quorum_after_an_aborted_round)
{
	start("nodes=2 wait_for_all=1", 1, 2);
	service_ring_form(&ring, "1 2");
	service_ring_form_start(&ring, "1 2");
	for (uint32_t i = 1; i <= 2; i++) {
		ring.ops->sync_abort(ring.nodes[i].self);
		mock_host_advance(host(i), 1 * SECOND_NS);
	}
	ck_assert(host(1)->is_quorate);
	vote_set_key(host(1), "quorum.expected_votes", "5");
	service_ring_run(&ring);
	vote_set_key(host(1), "quorum.expected_votes", "3"); /* the two votes would be enough */
	service_ring_run(&ring);
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 3, need 2, flags 4, device 0 ''");
	ck_assert(!host(1)->is_quorate);
}
END_TEST

START_TEST(tracked_expected_votes_outlive_the_daemon)
{
	struct mock_file file;

	start("expected_votes=2 expected_votes_tracking=1", 1, 4);
	ck_assert_str_eq(host(1)->files[0].name, "ev_tracking");
	service_ring_form(&ring, "1 2 3 4");
	ck_assert_uint_eq(host(1)->files[0].size, sizeof(uint32_t));
	mock_host_advance(host(1), 1000 * MS);
	ck_assert_uint_eq(stored_barrier(1), 4);
	ck_assert_uint_eq(mock_map_u64(host(1), "runtime.votequorum.ev_tracking_barrier"), 4);
	file = host(1)->files[0];
	service_ring_kill(&ring, 1);
	service_ring_kill(&ring, 2);
	service_ring_kill(&ring, 3);
	service_ring_kill(&ring, 4);
	start("expected_votes=2 expected_votes_tracking=1", 2, 2); /* a new node, without a file */
	service_ring_form(&ring, "2");
	ck_assert_str_eq(vote_node_info(&ring, 2), "1 of 2, need 2, flags 0, device 0 ''");

	struct coterie_ctx *old = mock_host_create(ring.plugin);

	old->nodeid = 3;
	old->files[0] = file;
	ring.prepare(old);
	ck_assert_int_eq(ring.ops->init(&old->table, old, &ring.nodes[3].self), 0);
	ring.nodes[3].host = old;
	service_ring_form(&ring, "3");
	ck_assert_str_eq(vote_node_info(&ring, 3), "1 of 4, need 3, flags 0, device 0 ''");
}
END_TEST

START_TEST(a_barrier_that_cannot_be_stored_is_said)
{
	start("expected_votes=1 expected_votes_tracking=1", 1, 2);
	host(1)->state_file_rc = -EIO;
	service_ring_form(&ring, "1 2");
	ck_assert(!mock_host_has_logged(host(1), "cannot be stored"));
	mock_host_advance(host(1), 1000 * MS);
	ck_assert(mock_host_has_logged(host(1), "cannot be stored"));

	uint32_t lines = host(1)->logs.count;

	mock_host_advance(host(1), 9000 * MS); /* storing is tried each second, and logged each ten seconds */
	ck_assert_uint_eq(host(1)->logs.count, lines);
	mock_host_advance(host(1), 1000 * MS);
	ck_assert_uint_eq(host(1)->logs.count, lines + 1);
	host(1)->state_file_rc = 0;
	mock_host_advance(host(1), 1000 * MS);
	ck_assert_uint_eq(stored_barrier(1), 2);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

/* A member may raise the expected votes with each message. This node must not wait for its disk each time. */
START_TEST(a_barrier_is_stored_once_a_second)
{
	if (service_is_replaced())
		return; /* a replacement starts the timers again */
	struct service_user user;

	start("expected_votes=2 expected_votes_tracking=1", 1, 3);
	service_ring_form(&ring, "1 2 3");
	mock_host_advance(host(1), 1000 * MS);
	ck_assert_uint_eq(stored_barrier(1), 3);
	user = service_user_create(&ring, 2, 1);
	for (uint32_t i = 4; i <= 5; i++) {
		ck_assert_int_eq(vote_expected(&user, i), 1);
		service_ring_run(&ring);
		ck_assert_uint_eq(mock_map_u64(host(1), "runtime.votequorum.ev_tracking_barrier"), i);
		ck_assert_uint_eq(mock_host_timers(host(1)), 1);
		mock_host_advance(host(1), 450 * MS);
		ck_assert_uint_eq(stored_barrier(1), 3);
	}
	mock_host_advance(host(1), 99 * MS);
	ck_assert_uint_eq(stored_barrier(1), 3);
	mock_host_advance(host(1), 1 * MS); /* a second after the first change */
	ck_assert_uint_eq(stored_barrier(1), 5);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	service_user_close(&user);
}
END_TEST

START_TEST(a_barrier_is_stored_at_the_end)
{
	start("expected_votes=1 expected_votes_tracking=1", 1, 2);
	service_ring_form(&ring, "1 2");
	ck_assert_uint_lt(stored_barrier(1), 2);
	ring.ops->drain(ring.nodes[1].self);
	ck_assert_uint_eq(stored_barrier(1), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_time");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, vote_case_set_up, vote_case_tear_down);
	tcase_add_test(tcase, last_man_standing_waits_for_its_window);
	tcase_add_test(tcase, last_man_standing_lowers_nothing_without_quorum);
	tcase_add_test(tcase, last_man_standing_lowers_nothing_in_a_synchronisation);
	tcase_add_test(tcase, a_successor_ends_the_window_of_last_man_standing);
	tcase_add_test(tcase, last_man_standing_is_for_single_votes);
	tcase_add_test(tcase, downscale_with_a_clean_leave);
	tcase_add_test(tcase, a_leave_says_nothing_without_downscale);
	tcase_add_test(tcase, a_node_waits_for_all_again_if_it_loses_quorum_after_an_aborted_round);
	tcase_add_test(tcase, tracked_expected_votes_outlive_the_daemon);
	tcase_add_test(tcase, a_barrier_that_cannot_be_stored_is_said);
	tcase_add_test(tcase, a_barrier_is_stored_once_a_second);
	tcase_add_test(tcase, a_barrier_is_stored_at_the_end);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
