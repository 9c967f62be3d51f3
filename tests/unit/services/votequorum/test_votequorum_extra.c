/* SPDX-License-Identifier: BSD-3-Clause */
/* Extra information of quorum devices for the programs of other nodes, from the release after 3.1.10. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "services/votequorum/messages.h"
#include "tests/suite.h"
#include "tests/unit/services/votequorum/vote_ring.h"

#define CHANGES 4u /* CS_TRACK_CHANGES_ONLY */

static struct service_ring ring;
static struct service_user users[3]; /* clients on nodes 1 to 3 */

static void start(uint32_t nodeid)
{
	service_ring_start(&ring, nodeid);
	users[nodeid - 1] = service_user_create(&ring, nodeid, 10 + nodeid);
}

static void register_device(uint32_t nodeid)
{
	ck_assert_int_eq(vote_register(&users[nodeid - 1], "qdtest"), 0);
	service_ring_run(&ring);
}

static void set_up(void)
{
	vote_ring_init(&ring);
	memset(users, 0, sizeof(users));
	vote_ring_config("nodes=3 device.model=net device.votes=1");
	start(1);
	start(2);
	service_ring_form(&ring, "1 2");
	register_device(1);
}

static void tear_down(void)
{
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		service_user_close(&users[i]);
	service_ring_fini(&ring);
}

static void set(uint32_t nodeid, const char *text)
{
	ck_assert_int_eq(vote_set_extra(&users[nodeid - 1], text, (uint32_t)strlen(text)), 1);
	service_ring_run(&ring);
}

static void has(uint32_t nodeid, uint32_t of, const char *text)
{
	ck_assert_str_eq(vote_extra(&users[nodeid - 1], of), text);
}

static void track(uint32_t nodeid, uint64_t context)
{
	ck_assert_int_eq(vote_track(&users[nodeid - 1], context, CHANGES | VOTEQUORUM_TRACK_EXTRA), 1);
}

static void expect(uint32_t nodeid, const char *event) { ck_assert_str_eq(vote_event(&users[nodeid - 1]), event); }

START_TEST(all_nodes_read_what_one_has_set)
{
	has(1, 1, "");
	ck_assert_int_eq(vote_set_extra(&users[0], "abc", 3), 1);
	has(1, 1, "abc"); /* the node itself has it at once */
	has(2, 1, "");
	service_ring_run(&ring);
	has(2, 1, "abc");
	ck_assert_str_eq(vote_info(&users[1], 1), "2 of 3, need 2, flags 442, device 1 'qdtest'");
	set(1, "other");
	has(2, 1, "other");
	set(1, "");
	has(1, 1, "");
	has(2, 1, "");
	ck_assert_str_eq(vote_info(&users[1], 1), "2 of 3, need 2, flags 42, device 1 'qdtest'");
}
END_TEST

/* Node 0 never has a text. A node that was never in the ring does not exist. */
START_TEST(only_nodes_that_are_known_have_some)
{
	set(1, "abc");
	has(1, 0, "");
	has(1, 2, "");
	has(1, 3, "error 12");
	has(1, UINT32_MAX, "error 12");
}
END_TEST

START_TEST(it_takes_a_device)
{
	track(1, 0);
	ck_assert_int_eq(vote_set_extra(&users[1], "abc", 3), 12);
	service_ring_run(&ring);
	has(1, 2, "");
	expect(1, "");
}
END_TEST

START_TEST(sizes_are_bounded)
{
	char long_one[VOTEQUORUM_EXTRA_MAX + 1];

	memset(long_one, 'x', sizeof(long_one));
	set(1, "old");
	ck_assert_int_eq(vote_set_extra(&users[0], long_one, VOTEQUORUM_EXTRA_MAX + 1), 7);
	ck_assert_int_eq(vote_set_extra(&users[0], long_one, UINT32_MAX), 7);
	service_ring_run(&ring);
	has(1, 1, "old");
	ck_assert_int_eq(vote_set_extra(&users[0], long_one, VOTEQUORUM_EXTRA_MAX), 1);
	service_ring_run(&ring);
	long_one[VOTEQUORUM_EXTRA_MAX] = '\0';
	has(2, 1, long_one);
}
END_TEST

/* A request may end directly after the text, but not earlier. */
START_TEST(a_request_has_what_it_says)
{
	struct votequorum_req_set_extra req = {.size = 3, .bytes = "abc"};

	ck_assert_int_eq(service_user_request(&users[0], VOTEQUORUM_REQ_SET_EXTRA, &req, 23), 1);
	has(1, 1, "abc");
	ck_assert_int_eq(service_user_request(&users[0], VOTEQUORUM_REQ_SET_EXTRA, &req, 22), 7);
	ck_assert_int_eq(service_user_request(&users[0], VOTEQUORUM_REQ_SET_EXTRA, &req, 20), 7);
	service_ring_run(&ring);
	has(2, 1, "abc");
}
END_TEST

/* Setting the same text again is reported, too. */
START_TEST(each_setting_is_told_everywhere)
{
	track(1, 7);
	track(2, 8);
	set(1, "abc");
	set(1, "abc");
	set(1, "");
	for (uint32_t i = 1; i <= 2; i++) {
		expect(i, i == 1 ? "extra/7 1 [abc]" : "extra/8 1 [abc]");
		expect(i, i == 1 ? "extra/7 1 [abc]" : "extra/8 1 [abc]");
		expect(i, i == 1 ? "extra/7 1 []" : "extra/8 1 []");
		expect(i, "");
	}
}
END_TEST

/*
 * libvotequorum of 3.1 ends its dispatch at an event of extra information. So only clients that know such events get
 * them.
 */
START_TEST(libraries_of_3_1_are_not_told)
{
	ck_assert_int_eq(vote_track(&users[1], 0, CHANGES), 1);
	set(1, "abc");
	expect(2, "");
	has(2, 1, "abc"); /* this request shows that the client knows such events */
	set(1, "xyz");
	expect(2, "extra 1 [xyz]");
}
END_TEST

START_TEST(it_goes_with_the_device)
{
	track(2, 0);
	set(1, "abc");
	expect(2, "extra 1 [abc]");
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 1);
	service_ring_run(&ring);
	expect(2, "extra 1 []");
	expect(2, "");
	has(1, 1, "");
	has(2, 1, "");
	register_device(1);
	has(2, 1, "");
	ck_assert_str_eq(vote_info(&users[1], 1), "2 of 3, need 2, flags 42, device 1 'qdtest'");
}
END_TEST

/* A node that joins gets the text. Other members have it already, and get no event. */
START_TEST(newcomers_learn_it)
{
	set(1, "abc");
	track(2, 0);
	start(3);
	track(3, 0);
	service_ring_form(&ring, "1 2 3");
	has(3, 1, "abc");
	for (uint32_t i = 2; i <= 3; i++) {
		const char *event = vote_event(&users[i - 1]);
		bool has_told = false;

		for (; event[0] != '\0'; event = vote_event(&users[i - 1]))
			has_told = has_told || strcmp(event, "extra 1 [abc]") == 0;
		ck_assert_int_eq(has_told, i == 3);
	}
}
END_TEST

/* A daemon that has restarted has no extra information. */
START_TEST(it_does_not_outlive_its_daemon)
{
	set(1, "abc");
	service_user_close(&users[0]);
	service_ring_kill(&ring, 1);
	service_ring_form(&ring, "2");
	has(2, 1, "abc"); /* node 2 still has the text that it received last */
	start(1);
	service_ring_form(&ring, "1 2");
	has(2, 1, "");
}
END_TEST

START_TEST(without_it_nothing_is_sent)
{
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "");
	start(3);
	service_ring_form(&ring, "1 2 3");
	ck_assert_int_eq(vote_unregister(&users[0], "qdtest"), 1);
	ck_assert_str_eq(vote_queued(&ring, 1, 0), "info 1 votes 1 of 4 flags 1");
	ck_assert_str_eq(vote_queued(&ring, 1, 1), "device 0 'qdtest'");
	ck_assert_str_eq(vote_queued(&ring, 1, 2), "");
}
END_TEST

START_TEST(messages_with_wrong_sizes_are_dropped)
{
	static const struct {
		uint32_t says, has;
	} rows[] = {{4, 3}, {1, 0}, {VOTEQUORUM_EXTRA_MAX + 1, 16}, {UINT32_MAX, 0}, {0x80000000u, 8}};

	set(1, "abc");
	track(2, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_Alignas(8) uint8_t bytes[64] = {0};
		struct votequorum_ring_extra *message = (struct votequorum_ring_extra *)bytes;

		message->size = rows[i].says;
		ring.ops->ring_msgs[VOTEQUORUM_RING_EXTRA].deliver(
			ring.nodes[2].self, 1, message, (uint32_t)sizeof(*message) + rows[i].has);
		expect(2, "");
	}
	has(2, 1, "abc");
}
END_TEST

START_TEST(bytes_of_the_other_order_are_understood)
{
	ring.has_swapped = true;
	set(1, "abc");
	has(2, 1, "abc");
}
END_TEST

START_TEST(a_full_ring_is_said_to_be_full)
{
	set(1, "old");
	ring.nodes[1].host->ring_send_rc = -EAGAIN;
	ck_assert_int_ne(vote_set_extra(&users[0], "new", 3), 1);
	ring.nodes[1].host->ring_send_rc = 0;
	service_ring_run(&ring);
	has(1, 1, "old");
	has(2, 1, "old");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_extra");
	TCase *tcase = tcase_create("extra");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, all_nodes_read_what_one_has_set);
	tcase_add_test(tcase, only_nodes_that_are_known_have_some);
	tcase_add_test(tcase, it_takes_a_device);
	tcase_add_test(tcase, sizes_are_bounded);
	tcase_add_test(tcase, a_request_has_what_it_says);
	tcase_add_test(tcase, each_setting_is_told_everywhere);
	tcase_add_test(tcase, libraries_of_3_1_are_not_told);
	tcase_add_test(tcase, it_goes_with_the_device);
	tcase_add_test(tcase, newcomers_learn_it);
	tcase_add_test(tcase, it_does_not_outlive_its_daemon);
	tcase_add_test(tcase, without_it_nothing_is_sent);
	tcase_add_test(tcase, messages_with_wrong_sizes_are_dropped);
	tcase_add_test(tcase, bytes_of_the_other_order_are_understood);
	tcase_add_test(tcase, a_full_ring_is_said_to_be_full);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
