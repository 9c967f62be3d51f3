/* SPDX-License-Identifier: BSD-3-Clause */
/* The votequorum service in rings of several nodes: messages of nodes, events for clients, and their votes. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/votequorum/vote_case.h"

#define SECOND_NS UINT64_C(1000000000)

/* ---- Starting ------------------------------------------------------------ */

START_TEST(a_node_alone_says_what_it_is)
{
	start("nodes=3", 1, 1);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 3 flags 8");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "");
	service_ring_form(&ring, "1");
	each_is_quorate("1", false);
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 3, need 2, flags 0, device 0 ''");
}
END_TEST

/* A node sends its NODEINFO before that of its device. The other order ends the daemon of Corosync 3.1. */
START_TEST(each_synchronisation_tells_all_again)
{
	start("nodes=2", 1, 2);
	service_ring_form(&ring, "1 2");
	service_ring_form_start(&ring, "1 2");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 2 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 0 votes 0 of 0 flags 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0); /* nothing more is sent in the same round */
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "");
	service_ring_form_done(&ring);
}
END_TEST

/* The messages are compared with those of a real ring (svc-votequorum.txt). */
START_TEST(messages_are_those_of_a_real_ring)
{
	static const uint8_t first[] = {1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0};
	static const uint8_t device[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t expected[] = {1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};

	start("nodes=3", 1, 1);
	const struct mock_queue *sent = &host(1)->sent;

	ck_assert_uint_eq(sent->list[0].size, sizeof(first));
	ck_assert_mem_eq(sent->list[0].data, first, sizeof(first));
	service_ring_form_start(&ring, "1");
	service_ring_run(&ring);
	ring.ops->sync_step(ring.nodes[1].self);
	ck_assert_uint_eq(sent->count, 2);
	ck_assert_uint_eq(sent->list[1].size, sizeof(device));
	ck_assert_mem_eq(sent->list[1].data, device, sizeof(device));
	service_ring_run(&ring);
	service_ring_form_done(&ring);
	users[0] = service_user_create(&ring, 1, 1);
	ck_assert_int_eq(vote_expected(&users[0], 3), 1);
	ck_assert_uint_eq(sent->list[0].id, VOTEQUORUM_RING_RECONFIGURE);
	ck_assert_uint_eq(sent->list[0].guarantee, COTERIE_AGREED);
	ck_assert_uint_eq(sent->list[0].size, sizeof(expected));
	ck_assert_mem_eq(sent->list[0].data, expected, sizeof(expected));
}
END_TEST

/* ---- Tracking: the lines of a real ring (svc-callbacks.txt), lists ascending  */

START_TEST(a_partition_and_a_merge)
{
	start("nodes=4", 1, 4);
	service_ring_form(&ring, "1 2 3 4");
	watch(3);
	service_ring_form(&ring, "1 2 | 3 4");
	expect(1, "nodes 1.8 [1 2]");
	expect(1, "quorum 0 [1:1 2:1 3:2 4:2]");
	expect(1, "");
	expect(3, "nodes 3.c [3 4]");
	expect(3, "quorum 0 [1:2 2:2 3:1 4:1]");
	service_ring_form(&ring, "1 2 3 4");
	expect(1, "nodes 1.10 [1 2 3 4]");
	expect(1, "quorum 1 [1:1 2:1 3:1 4:1]");
	expect(3, "nodes 1.10 [1 2 3 4]");
	expect(3, "quorum 1 [1:1 2:1 3:1 4:1]");
	expect(1, "");
}
END_TEST

START_TEST(tracking_starts_and_stops)
{
	static const struct {
		uint32_t flags;
		bool has_now, has_later;
	} cases[] = {{0, false, false}, {1, true, false}, {2, true, true}, {3, true, true}, {4, false, true},
		{5, true, true}, {8, false, false}};

	start("nodes=1", 1, 1);
	service_ring_form(&ring, "1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		users[0] = service_user_create(&ring, 1, 1);
		ck_assert_int_eq(vote_track(&users[0], 7, cases[i].flags), 1);
		if (cases[i].has_now) {
			ck_assert_ptr_nonnull(strstr(vote_event(&users[0]), "nodes/7"));
			expect(1, "quorum/7 1 [1:1]");
		}
		expect(1, "");
		ck_assert_int_eq(vote_expected(&users[0], 1), 1);
		service_ring_run(&ring);
		expect(1, cases[i].has_later ? "expected/7 1" : "");
		/*
		 * A second request is refused. Its answer has the events once more, with the second context, but later
		 * events have the first one.
		 */
		if (cases[i].has_later) {
			ck_assert_int_eq(vote_track(&users[0], 8, 1), 14);
			vote_event(&users[0]);
			expect(1, "quorum/8 1 [1:1]");
			ck_assert_int_eq(vote_expected(&users[0], 1), 1);
			service_ring_run(&ring);
			expect(1, "expected/7 1");
		}
		ck_assert_int_eq(vote_track_stop(&users[0]), cases[i].has_later ? 1 : 12);
		ck_assert_int_eq(vote_track_stop(&users[0]), 12);
		service_user_close(&users[0]);
	}
}
END_TEST

/* ---- Clients change votes ------------------------------------------------ */

START_TEST(expected_votes_are_those_of_all)
{
	ring.has_swapped = _i == 1;
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(2);
	ck_assert_int_eq(vote_expected(&users[0], 5), 1);
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 5, need 2, flags 2, device 0 ''");
	service_ring_run(&ring);
	expect(1, "expected 5");
	expect(2, "expected 5");
	expect(2, "");
	ck_assert_str_eq(vote_node_info(&ring, 2), "3 of 5, need 3, flags 2, device 0 ''");
	ck_assert_int_eq(vote_expected(&users[0], 6), 7);
	ck_assert_int_eq(vote_expected(&users[0], 2), 7);
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(vote_expected(&users[0], 3), 18);
	ck_assert_str_eq(vote_node_info(&ring, 1), "3 of 5, need 3, flags 2, device 0 ''");
	host(1)->ring_send_rc = 0;
	ck_assert_uint_eq(mock_map_u64(host(2), "runtime.votequorum.ev_barrier"), 5);
}
END_TEST

START_TEST(a_newcomer_takes_what_is_expected)
{
	ring.has_swapped = _i == 1;
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(1);
	ck_assert_int_eq(vote_expected(&users[0], 5), 1);
	service_ring_run(&ring);
	service_ring_kill(&ring, 3);
	service_ring_form(&ring, "1 2");
	service_ring_start(&ring, 3);
	ck_assert_str_eq(vote_node_info(&ring, 3), "1 of 3, need 2, flags 0, device 0 ''");
	service_ring_form(&ring, "1 2 3"); /* nodes 1 and 2 are not quorate, so node 3 keeps its own expected votes */
	ck_assert_str_eq(vote_node_info(&ring, 3), "3 of 3, need 2, flags 2, device 0 ''");
	service_ring_kill(&ring, 3);
	service_ring_start(&ring, 3);
	service_ring_form(&ring, "1 2 3"); /* nodes 1 and 2 are quorate, so node 3 takes over their expected votes */
	ck_assert_str_eq(vote_node_info(&ring, 3), "3 of 5, need 3, flags 2, device 0 ''");
}
END_TEST

START_TEST(votes_change_everywhere)
{
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(3);
	ck_assert_int_eq(vote_votes(&users[0], 3, 4), 1);
	ck_assert_str_eq(vote_node_info(&ring, 1), "6 of 3, need 2, flags 2, device 0 ''");
	service_ring_run(&ring);
	for (uint32_t i = 1; i <= 3; i++) {
		expect(i, "expected 6"); /* the votes exceed the expected votes, so these grow */
		expect(i, "");
		ck_assert_str_eq(vote_node_info(&ring, i), "6 of 6, need 4, flags 2, device 0 ''");
	}
	ck_assert_int_eq(vote_votes(&users[0], 9, 1), 17);
	ck_assert_int_eq(vote_votes(&users[0], 3, 0), 7);
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(vote_votes(&users[0], 3, 5), 18);
	host(1)->ring_send_rc = 0;
	service_ring_form(&ring, "1 2 | 3");
	each_is_quorate("12", false);
	each_is_quorate("3", true);
}
END_TEST

START_TEST(quorum_may_come_and_go_with_votes)
{
	start("nodes=3", 1, 1);
	service_ring_form(&ring, "1");
	watch(1);
	ck_assert_int_eq(vote_expected(&users[0], 1), 1);
	service_ring_run(&ring);
	expect(1, "expected 1");
	expect(1, "quorum 1 [1:1]");
	each_is_quorate("1", true);
}
END_TEST

START_TEST(information_about_nodes)
{
	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");
	users[0] = service_user_create(&ring, 1, 1);
	ck_assert_str_eq(vote_info(&users[0], 0), "2 of 3, need 2, flags 2, device 0 ''");
	ck_assert_str_eq(vote_info(&users[0], 2), "2 of 3, need 2, flags 2, device 0 ''");
	ck_assert_str_eq(vote_info(&users[0], 3), "error 12"); /* a node that was never in the ring */
	service_user_close(&users[0]);
	service_ring_kill(&ring, 1);
	start("nodes=2 two_node=1 auto_tie_breaker=0", 1, 1);
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 2, need 1, flags 5, device 0 ''");
	service_ring_kill(&ring, 1);
	start("nodes=4 last_man_standing=1 auto_tie_breaker=1", 1, 1);
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 4, need 3, flags 18, device 0 ''");
	service_ring_kill(&ring, 1);
	start("nodes=4 allow_downscale=1", 1, 1);
	ck_assert_str_eq(vote_node_info(&ring, 1), "1 of 4, need 3, flags 20, device 0 ''");
}
END_TEST

/* ---- The ring has no room ------------------------------------------------ */

START_TEST(what_finds_no_room_goes_later)
{
	start("nodes=2", 1, 2);
	service_ring_form(&ring, "1 2");
	service_ring_form_start(&ring, "1 2");
	host(1)->ring_send_rc = -EAGAIN;
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	ck_assert_uint_eq(mock_host_timers(host(1)), 1);
	mock_host_advance(host(1), SECOND_NS / 10);
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	host(1)->ring_send_rc = 0;
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 2 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 0 votes 0 of 0 flags 0");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "");
	mock_host_advance(host(1), SECOND_NS / 10);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	service_ring_run(&ring);
	service_ring_form_done(&ring);
}
END_TEST

/* A ring that takes `room` messages and refuses the next one. */
static uint32_t room;

static int (*real_send)(
	struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count);

static int send_little(
	struct coterie_ctx *ctx, uint32_t function, uint32_t guarantee, const struct iovec *iov, uint32_t count)
{
	return room-- == 0 ? -EAGAIN : real_send(ctx, function, guarantee, iov, count);
}

/*
 * The NODEINFO of a device is sent only directly behind that of its node. Otherwise a ring change between them could
 * bring nodes that did not get the first one.
 */
START_TEST(a_device_never_goes_without_its_node)
{
	if (service_is_replaced())
		return; /* a replacement starts the timers again */
	start("nodes=2", 1, 2);
	service_ring_form(&ring, "1 2");
	real_send = host(1)->table.ring_send;
	host(1)->table.ring_send = send_little;
	room = 1;
	service_ring_form_start(&ring, "1 2");
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), -EAGAIN);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 2 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "");
	room = 9;
	ck_assert_int_eq(ring.ops->sync_step(ring.nodes[1].self), 0);
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "info 1 votes 1 of 2 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "info 0 votes 0 of 0 flags 0");
}
END_TEST

/* The first message waits: the daemon starts services before the ring exists. */
START_TEST(the_first_message_waits_for_the_ring)
{
	struct coterie_ctx *early = mock_host_create(ring.plugin);

	vote_ring_config("nodes=2");
	early->nodeid = 1;
	early->ring_send_rc = -EAGAIN;
	ring.prepare(early);
	ck_assert_int_eq(ring.ops->init(&early->table, early, &ring.nodes[1].self), 0);
	ring.nodes[1].host = early;
	early->ring_send_rc = 0;
	mock_host_advance(early, SECOND_NS / 10);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 2 flags 8");
}
END_TEST

START_TEST(an_aborted_round_is_told_again)
{
	start("nodes=3", 1, 3);
	service_ring_form(&ring, "1 2 3");
	watch(1);
	service_ring_form_start(&ring, "1 2 3");
	ring.ops->sync_step(ring.nodes[1].self);
	service_ring_form(&ring, "1 2 | 3");
	expect(1, "nodes 1.8 [1 2 3]");
	expect(1, "nodes 1.c [1 2]");
	expect(1, "quorum 1 [1:1 2:1 3:2]");
	service_ring_form(&ring, "1 2 3");
	expect(1, "nodes 1.14 [1 2 3]");
	expect(1, "quorum 1 [1:1 2:1 3:1]");
}
END_TEST

/*
 * Messages that a round did not send are sent later. A service that synchronises alone may be aborted without another
 * round, if the node that had loaded it has unloaded it again.
 */
START_TEST(news_of_an_aborted_round_go_out)
{
	if (service_is_replaced())
		return; /* a replacement starts the timers again */
	start("nodes=2", 1, 2);
	service_ring_form(&ring, "1 2");
	service_ring_form_start(&ring, "1 2");
	vote_set_key(host(1), "quorum.expected_votes", "5");
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
	ring.ops->sync_abort(ring.nodes[1].self);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
	mock_host_advance(host(1), SECOND_NS / 10);
	ck_assert_str_ne(vote_queued(&ring, 1, 0), "");
}
END_TEST

/* ---- Hostile messages ----------------------------------------------------- */

START_TEST(nobody_votes_for_another)
{
	struct votequorum_ring_nodeinfo ghost = {.nodeid = 7, .votes = 5, .expected_votes = 2, .flags = 1};

	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");
	deliver(1, 2, VOTEQUORUM_RING_NODEINFO, &ghost, sizeof(ghost));
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 3, need 2, flags 2, device 0 ''");
	ck_assert(mock_host_has_logged(host(1), "another"));
}
END_TEST

START_TEST(a_device_without_a_node_is_dropped)
{
	struct votequorum_ring_nodeinfo device = {.votes = 5};

	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");
	deliver(1, 3, VOTEQUORUM_RING_NODEINFO, &device, sizeof(device));
	ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 3, need 2, flags 2, device 0 ''");
	ck_assert(mock_host_has_logged(host(1), "before itself"));
}
END_TEST

/* The executive, and so the mock host, limits the lines of each text. A flood must hide no line about something else. */
START_TEST(a_flood_hides_no_line_about_something_else)
{
	struct votequorum_ring_nodeinfo ghost = {.nodeid = 7, .votes = 5, .expected_votes = 2, .flags = 1};
	struct votequorum_ring_nodeinfo device = {.votes = 5};
	struct votequorum_ring_extra extra = {.size = 1};

	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");

	uint32_t lines = host(1)->logs.count;

	for (uint32_t i = 0; i < 1000; i++)
		deliver(1, 2, VOTEQUORUM_RING_NODEINFO, &ghost, sizeof(ghost));
	ck_assert_uint_eq(host(1)->logs.count, lines + 10);
	deliver(1, 3, VOTEQUORUM_RING_NODEINFO, &device, sizeof(device));
	ck_assert(mock_host_has_logged(host(1), "a node tells of its quorum device before itself: dropped (node 3)"));
	deliver(1, 2, VOTEQUORUM_RING_EXTRA, &extra, sizeof(extra));
	ck_assert(mock_host_has_logged(host(1), "extra information with a wrong size: dropped (node 2)"));
}
END_TEST

START_TEST(unknown_parameters_and_nodes_change_nothing)
{
	static const struct votequorum_ring_reconfigure cases[] = {
		{.nodeid = 2, .value = 9, .param = 0},
		{.nodeid = 2, .value = 9, .param = 4},
		{.nodeid = 2, .value = 9, .param = 255},
		{.nodeid = 9, .value = 9, .param = VOTEQUORUM_RING_PARAM_NODE_VOTES},
	};

	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		deliver(1, 2, VOTEQUORUM_RING_RECONFIGURE, &cases[i], sizeof(cases[i]));
		ck_assert_str_eq(vote_node_info(&ring, 1), "2 of 3, need 2, flags 2, device 0 ''");
	}
}
END_TEST

START_TEST(votes_beyond_reason_do_not_wrap)
{
	struct votequorum_ring_nodeinfo heavy = {
		.nodeid = 2, .votes = UINT32_MAX, .expected_votes = UINT32_MAX, .flags = 1};

	start("nodes=3", 1, 2);
	service_ring_form(&ring, "1 2");
	deliver(1, 2, VOTEQUORUM_RING_NODEINFO, &heavy, sizeof(heavy));
	ck_assert_str_eq(vote_node_info(&ring, 1), "4294967295 of 4294967295, need 2147483648, flags 2, device 0 ''");
}
END_TEST

START_TEST(short_requests_are_refused)
{
	uint8_t request[600];

	start("nodes=1", 1, 1);
	service_ring_form(&ring, "1");
	users[0] = service_user_create(&ring, 1, 1);
	for (int32_t id = -1; id <= 12; id++) {
		uint32_t least = id < 0 || id >= (int32_t)ring.ops->request_count ? sizeof(request)
										  : ring.ops->requests[id].size_min;

		for (uint32_t size = 16; size < least; size++) {
			memset(request, 'x', sizeof(request));
			ck_assert_int_eq(service_user_request(&users[0], id, request, size), 7);
		}
	}
	ck_assert_str_eq(vote_info(&users[0], 0), "1 of 1, need 1, flags 2, device 0 ''");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, vote_case_set_up, vote_case_tear_down);
	tcase_add_test(tcase, a_node_alone_says_what_it_is);
	tcase_add_test(tcase, each_synchronisation_tells_all_again);
	tcase_add_test(tcase, messages_are_those_of_a_real_ring);
	tcase_add_test(tcase, a_partition_and_a_merge);
	tcase_add_test(tcase, tracking_starts_and_stops);
	tcase_add_loop_test(tcase, expected_votes_are_those_of_all, 0, 2);
	tcase_add_loop_test(tcase, a_newcomer_takes_what_is_expected, 0, 2);
	tcase_add_test(tcase, votes_change_everywhere);
	tcase_add_test(tcase, quorum_may_come_and_go_with_votes);
	tcase_add_test(tcase, information_about_nodes);
	tcase_add_test(tcase, what_finds_no_room_goes_later);
	tcase_add_test(tcase, a_device_never_goes_without_its_node);
	tcase_add_test(tcase, the_first_message_waits_for_the_ring);
	tcase_add_test(tcase, an_aborted_round_is_told_again);
	tcase_add_test(tcase, news_of_an_aborted_round_go_out);
	tcase_add_test(tcase, nobody_votes_for_another);
	tcase_add_test(tcase, a_device_without_a_node_is_dropped);
	tcase_add_test(tcase, a_flood_hides_no_line_about_something_else);
	tcase_add_test(tcase, unknown_parameters_and_nodes_change_nothing);
	tcase_add_test(tcase, votes_beyond_reason_do_not_wrap);
	tcase_add_test(tcase, short_requests_are_refused);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
