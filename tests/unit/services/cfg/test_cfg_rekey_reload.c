/* SPDX-License-Identifier: BSD-3-Clause */
/* services/cfg/rekey.c: reloads, and changes of keys that hang. */
#include "tests/unit/services/cfg/rekey_case.h"

#include <errno.h>

START_TEST(a_reload_waits_for_the_keys_of_the_one_before)
{
	begin_reload(1);
	load("1");
	end_reload(1);
	ck_assert(is_answered(1));
	begin_reload(1);
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_uint_eq(host(2)->reload_count, 1); /* node 2 still reads the file of the first reload */
	load("2");
	end_reload(2);
	service_ring_run(&ring);
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	ck_assert_uint_eq(host(2)->reload_count, 1);
	end_reload(1);
	ck_assert(is_answered(1));
}
END_TEST

START_TEST(reloads_that_wait_together_are_one)
{
	begin_reload(1);
	ask_for_reload(1);
	begin_reload(2);
	ck_assert_uint_eq(host(1)->reload_count, 1);
	end_reload(1);
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), -EINVAL, "");
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_int_eq(users[1].client->replies.list[users[1].client->replies.count - 1].error, 7);
	end_reload(2);
	ck_assert(!is_answered(2));
	end_reload(2);
	ck_assert(is_answered(2));
}
END_TEST

/* A reload fails on node 2, since its file is wrong. The file is corrected, and all nodes reload again. */
START_TEST(a_second_reload_completes_a_change_that_hangs)
{
	begin_reload(1);
	load("1");
	end_reload(1);
	mock_reload_done(host(2), -EINVAL, "");
	service_ring_run(&ring);
	begin_reload(1);
	ck_assert_uint_eq(host(1)->reload_count, 0);
	ck_assert_uint_eq(host(2)->reload_count, 1); /* node 2 does not wait: it has no unfinished change */
	load("2");
	end_reload(2);
	service_ring_run(&ring);
	/*
	 * Node 1 has received node 2's message. Node 2 goes on too, although it had dropped the earlier message of node
	 * 1.
	 */
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	end_reload(1);
}
END_TEST

START_TEST(a_change_that_hangs_is_taken_back_for_a_reload_and_told_again)
{
	hang("1");
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 1);
	begin_reload(2);
	ck_assert_uint_eq(host(1)->reload_count, 1); /* a change that hangs does not delay a reload for ever */
	load("2");
	end_reload(2);
	service_ring_run(&ring);
	expect("1 2", ""); /* node 2 waits, since node 1 might withdraw the keys */
	end_reload(1);     /* but the file has the keys that node 1 has loaded */
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(a_change_is_undone_in_the_file)
{
	mock_key(host(1), "new", 3);
	hang("1");
	begin_reload(1);
	mock_key(host(1), NULL, 0);
	end_reload(1);
	service_ring_run(&ring);
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	/* A later change does not depend on the one that was undone. */
	mock_key(host(2), "new", 3);
	load("2");
	end_reload(2);
	service_ring_run(&ring);
	expect("1 2", "");
}
END_TEST

/*
 * A reload withdraws the new keys of node 1: its transport loads the present keys again, and reports them as new keys.
 */
START_TEST(back_at_the_keys_in_use)
{
	mock_key(host(1), "new", 3);
	hang("1");
	begin_reload(1);
	mock_key(host(1), NULL, 0);
	load("1");
	end_reload(1);
	end_reload(2);
	service_ring_run(&ring);
	expect("1", "12");
	ck_assert_uint_eq(count_logged(1, "The change of the ring's keys is void"), 1);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	mock_key(host(1), "new", 3);
	mock_key(host(2), "new", 3);
	load_told("1 2");
	expect("1", "1212");
	expect("2", "12");
}
END_TEST

/* Node 1 withdraws its message too late: all nodes have changed to the new keys. */
START_TEST(what_is_taken_back_too_late)
{
	hang("1");
	mock_rekey(host(2));
	uint32_t words = host(2)->sent.count;
	ck_assert_uint_eq(words, 1);
	ask_for_reload(2);
	ring.first = 2; /* node 2's messages are delivered before node 1's withdrawal */
	host(1)->ring_send_rc = 0;
	service_ring_run(&ring);
	expect("1 2", "12");
	ck_assert_uint_eq(host(1)->reload_count, 1);
	end_reload(1);
	end_reload(2);
	service_ring_run(&ring);
	expect("1 2", "12");
}
END_TEST

START_TEST(different_keys_are_never_used)
{
	form("1 2 3");
	mock_key(host(1), "new", 3);
	mock_key(host(2), "new", 3);
	mock_key(host(3), "old", 3);
	load_told("1 2 3");
	expect("1 2 3", "");
	ck_assert_uint_eq(count_logged(1, "nodes have loaded other ones than this node: 3; make"), 1);
	ck_assert_uint_eq(count_logged(3, "nodes have loaded other ones than this node: 1 2; make"), 1);
	ck_assert_uint_eq(count_logged(1, "have not loaded"), 0);
	begin_reload(1);
	mock_key(host(3), "new", 3);
	load("3");
	for (uint32_t i = 1; i <= 3; i++)
		end_reload(i);
	service_ring_run(&ring);
	expect("1 2 3", "12");
}
END_TEST

START_TEST(ways_to_write_the_same_keys)
{
	host(1)->table.map_set(host(1), "totem.secauth", COTERIE_MAP_STRING, "on", 3);
	host(2)->table.map_set(host(2), "totem.crypto_cipher", COTERIE_MAP_STRING, "aes256", 7);
	host(2)->table.map_set(host(2), "totem.crypto_hash", COTERIE_MAP_STRING, "sha256", 7);
	load_told("1 2");
	expect("1 2", "12");
	host(2)->table.map_set(host(2), "totem.crypto_hash", COTERIE_MAP_STRING, "sha512", 7);
	load_told("1 2");
	expect("1 2", "12");
}
END_TEST

START_TEST(other_keys_instead_of_those_that_hang)
{
	form("1 2 3");
	hang("1 2");
	begin_reload(1);
	for (uint32_t i = 3; i > 0; i--) {
		expect("1 2 3", "");
		mock_key(host(i), "other", 5);
		mock_rekey(host(i));
		end_reload(i);
		service_ring_run(&ring);
	}
	expect("1 2 3", "12");
}
END_TEST

/* Node 4 joins while nodes 1 and 2 withdraw their messages. They read their files then, and may lose the keys. */
START_TEST(who_joins_is_not_told_what_is_taken_back)
{
	form("1 2 3");
	hang("1 2");
	ask_for_reload(1);
	service_ring_deliver_next(&ring, 1);
	form("1 2 3 4");
	service_ring_run(&ring);
	ck_assert_uint_eq(host(1)->reload_count, 1);
	load_told("3 4");
	pass(200);
	expect("1 2 3 4", "");
	for (uint32_t i = 1; i <= 3; i++)
		end_reload(i);
	service_ring_run(&ring);
	pass(2000);
	expect("1 2 3 4", "12");
}
END_TEST

static void start_agreeing(const char *nodes)
{
	rekey_case_stop();
	has_two_steps = true;
	rekey_case_start();
	for (uint32_t i = 1; i <= 4; i++)
		host(i)->is_safe_kept = 1;
	form(nodes);
}

/* Node 3 unloads the service, and its reload is dropped before the withdrawals of nodes 1 and 2 are delivered. */
START_TEST(what_is_taken_back_for_a_dropped_reload_is_told_again)
{
	start_agreeing("1 2 3");
	hang("1 2");
	ask_for_reload(3);
	service_ring_deliver_next(&ring, 3);
	service_user_close(&users[3]);
	ck_assert_int_eq(ring.ops->drain(ring.nodes[3].self), 0);
	while (service_ring_deliver_next(&ring, 3))
		;
	ck_assert(mock_host_has_logged(host(1), "node 3 unloads service cfg"));
	service_ring_run(&ring);
	service_ring_kill(&ring, 3);
	form("1 2"); /* all nodes that are left have the keys */
	pass(1000);
	expect("1 2", "12");
	has_two_steps = false;
}
END_TEST

/* The ring changes, and the next reload begins before nodes 1 and 2 have handled the end of the void one. */
START_TEST(nothing_is_told_while_the_next_reload_reads)
{
	start_agreeing("1 2 3 4");
	hang("1 2");
	begin_reload(4);
	pass(100);
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	mock_prepare_done(host(1), 0, "");
	mock_prepare_done(host(2), 0, "");
	service_user_close(&users[4]);
	service_ring_kill(&ring, 4);
	form("1 2 3");
	begin_reload(3); /* before the timers of nodes 1 and 2 */
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	pass(200);
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	load_told("3");
	expect("1 2 3", ""); /* nodes 1 and 2 may be about to load other keys */
	has_two_steps = false;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_rekey_reload");
	TCase *tcase = rekey_pair_add(suite);

	tcase_add_test(tcase, a_reload_waits_for_the_keys_of_the_one_before);
	tcase_add_test(tcase, reloads_that_wait_together_are_one);
	tcase_add_test(tcase, a_second_reload_completes_a_change_that_hangs);
	tcase_add_test(tcase, a_change_that_hangs_is_taken_back_for_a_reload_and_told_again);
	tcase_add_test(tcase, a_change_is_undone_in_the_file);
	tcase_add_test(tcase, back_at_the_keys_in_use);
	tcase_add_test(tcase, what_is_taken_back_too_late);
	tcase_add_test(tcase, ways_to_write_the_same_keys);
	tcase = rekey_case_add(suite);
	tcase_add_test(tcase, different_keys_are_never_used);
	tcase_add_test(tcase, other_keys_instead_of_those_that_hang);
	tcase_add_test(tcase, who_joins_is_not_told_what_is_taken_back);
	tcase_add_test(tcase, what_is_taken_back_for_a_dropped_reload_is_told_again);
	tcase_add_test(tcase, nothing_is_told_while_the_next_reload_reads);
	return suite_run(suite);
}
