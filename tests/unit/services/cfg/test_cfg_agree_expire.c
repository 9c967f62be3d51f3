/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node that requests a reload and then does not end it, though another member does not answer. Such a node is hostile:
 * the node of the client watches the time limits. The others must not wait for it for ever.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/services/cfg/agree_case.h"

static void deliver(uint32_t to, uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message sent = {.id = function, .size = size - 16};

	sent.data = (uint8_t *)(uintptr_t)message + 16;
	mock_deliver(ring.ops, ring.nodes[to].self, from, false, &sent);
}

/* Deliver a request of node 3 to the others. Node 3 itself never learns of it, so it sends nothing about it. */
static void request(uint64_t number)
{
	const struct cfg_ring_reload_ask message = {.number = number};

	for (uint32_t i = 1; i <= 2; i++)
		deliver(i, 3, CFG_RING_RELOAD_ASK, &message, sizeof(message));
	run();
}

START_TEST(a_round_that_its_asker_does_not_end_is_dropped)
{
	form("1 2 3");
	request(1);
	all_read("1 2");
	pass(119000);
	ask_report(1, 0);
	run();
	has_read(3, "");
	expect_kept(1, true);
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	pass(1100);
	settle();
	ck_assert(mock_host_has_logged(host(2), "nothing has changed: node 3 has not ended its round in time"));
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:applied ");
	ck_assert_str_eq(commits(), "1 1 1 0");
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(mock_host_timers(host(i)), 0);
}
END_TEST

START_TEST(each_member_sends_it_once)
{
	uint32_t count = 0;

	form("1 2 3");
	request(1);
	host(1)->ring_send_rc = host(2)->ring_send_rc = -EAGAIN;
	for (int i = 0; i < 5; i++)
		for (uint32_t node = 1; node <= 2; node++)
			mock_host_advance(host(node), 60000 * MS);
	host(1)->ring_send_rc = host(2)->ring_send_rc = 0;
	for (uint32_t node = 1; node <= 2; node++) {
		mock_host_advance(host(node), 100 * MS);
		for (uint32_t i = 0; i < host(node)->sent.count; i++)
			count += host(node)->sent.list[i].id == CFG_RING_RELOAD_EXPIRE;
	}
	ck_assert_uint_eq(count, 2);
	run();
	expect_kept(1, false);
	ck_assert(!mock_host_has_logged(host(1), "makes no sense"));
}
END_TEST

/* The time of a round begins when the round before it has ended. */
START_TEST(only_the_active_round_ends)
{
	const struct cfg_ring_reload_expire message = {.number = 2, .asker = 3};

	form("1 2 3");
	request(1);
	request(2);
	for (uint32_t i = 1; i <= 2; i++)
		deliver(i, 2, CFG_RING_RELOAD_EXPIRE, &message, sizeof(message));
	all_read("1 2");
	pass(120000);
	settle();
	ck_assert_uint_eq(host(1)->prepare_count, 1); /* the second round */
	pass(119000);
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	pass(1100);
	settle();
	all_read("1 2");
	ask_report(2, 0);
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(report(2), "applied|1:applied |2:applied |3:applied ");
}
END_TEST

START_TEST(a_node_of_another_byte_order_expires_a_round)
{
	struct cfg_ring_reload_expire message = {.number = 0x0100000000000000, .asker = 0x03000000};
	struct mock_message sent = {.id = CFG_RING_RELOAD_EXPIRE, .size = sizeof(message) - 16};

	form("1 2 3");
	request(1);
	sent.data = (uint8_t *)&message + 16;
	mock_deliver(ring.ops, ring.nodes[1].self, 2, true, &sent);
	ck_assert(mock_host_has_logged(host(1), "node 3 has not ended its round in time"));
	mock_deliver(ring.ops, ring.nodes[1].self, 2, true, &sent); /* of a round that has ended */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_agree_expire");
	TCase *tcase = agree_case_add(suite);

	tcase_add_test(tcase, a_round_that_its_asker_does_not_end_is_dropped);
	tcase_add_test(tcase, each_member_sends_it_once);
	tcase_add_test(tcase, only_the_active_round_ends);
	tcase_add_test(tcase, a_node_of_another_byte_order_expires_a_round);
	return suite_run(suite);
}
