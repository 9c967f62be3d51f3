/* SPDX-License-Identifier: BSD-3-Clause */
/* A reload that all nodes apply or none: how the configuration service agrees on it (services/cfg/agree.c). */
#include "services/cfg/cfg.h"
#include "tests/unit/services/cfg/agree_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The plain case ------------------------------------------------------ */

START_TEST(all_apply_when_the_last_is_ready)
{
	form("1 2 3 4");
	ask(2);
	ck_assert_uint_eq(host(2)->sent.count, 1);
	ck_assert_uint_eq(host(2)->sent.list[0].id, CFG_RING_RELOAD_ASK);
	ck_assert_uint_eq(host(2)->sent.list[0].guarantee, COTERIE_SAFE);
	run();
	for (uint32_t i = 1; i <= 4; i++) {
		ck_assert(mock_host_has_logged(host(i), "Config reload requested by node 2"));
		ck_assert_uint_eq(host(i)->prepare_count, 1);
		ck_assert_uint_eq(host(i)->reload_count, 0);
	}
	all_read("3 1 4");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	ck_assert_int_eq(answer(2), 0);
	has_read(2, "");
	ck_assert_str_eq(commits(), "0 0 0 0"); /* nodes do not commit inside the delivery of the message */
	settle();
	ck_assert_str_eq(commits(), "1 1 1 1");
	ck_assert_int_eq(answer(2), OK);
	for (uint32_t i = 1; i <= 4; i++)
		ck_assert_uint_eq(mock_host_timers(host(i)), 0);
}
END_TEST

/* Try all combinations of ready and refused at four nodes, with their messages in all orders. */
START_TEST(all_or_none)
{
	uint32_t order[4] = {1, 2, 3, 4}, asker = (uint32_t)_i % 4 + 1, refusing = (uint32_t)_i / 24, place;

	place = (uint32_t)_i % 24; /* number of one of the 24 orders */
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t from = i + place % (4 - i), moved = order[from];

		place /= 4 - i;
		memmove(order + i + 1, order + i, (from - i) * sizeof(order[0]));
		order[i] = moved;
	}
	form("1 2 3 4");
	ask(asker);
	run();
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_str_eq(commits(), "0 0 0 0");
		has_read(order[i], (refusing & 1u << i) != 0 ? "line 3" : "");
		settle();
	}
	ck_assert_str_eq(commits(), refusing == 0 ? "1 1 1 1" : "0 0 0 0");
	ck_assert_int_eq(answer(asker), refusing == 0 ? OK : INVALID);
	for (uint32_t i = 1; i <= 4; i++) {
		expect_kept(i, false);
		if (refusing != 0)
			ck_assert_uint_eq(mock_map_u64(host(i), "config.reload_status"), INVALID);
	}
}
END_TEST

START_TEST(everybody_knows_who_refused_and_why)
{
	form("1 2 3");
	ask(1);
	run();
	all_read("1 2");
	has_read(3, "/etc/x.conf:3: 'token' is 10ms:\nmust be\tmore\n");
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_str_eq(mock_map_string(host(i), "config.reload_error_message"),
			"node 3: /etc/x.conf:3: 'token' is 10ms: must be?more");
		ck_assert_uint_eq(mock_map_u64(host(i), "config.totemconfig_reload_in_progress"), 0);
		ck_assert(mock_host_has_logged(
			host(i), "Config reload refused, nothing has changed: node 3: /etc/x.conf:3: 'token' is 10ms"));
	}
}
END_TEST

START_TEST(a_node_alone)
{
	form("1");
	ask(1);
	run();
	all_read("1");
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_uint_eq(host(1)->commits, 1);
}
END_TEST

START_TEST(nodes_of_either_byte_order)
{
	ring.has_swapped = true;
	form("1 2 3");
	ask_report(3, 0);
	run();
	mock_prepare_done(host(1), 0, "change a 1 -> 2\n");
	run();
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(3), "applied|1:applied change a 1 -> 2\n|2:applied |3:applied ");
}
END_TEST

START_TEST(one_after_the_other)
{
	form("1 2 3");
	ask(1);
	ask(2);
	run();
	ask(3);
	run();
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(host(i)->prepare_count, 1);
	all_read("1 2 3");
	ck_assert_uint_eq(host(1)->prepare_count, 0); /* no new reading begins before the kept file is applied */
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_uint_eq(host(1)->prepare_count, 1);
	all_read("1 3");
	has_read(2, "wrong");
	settle();
	ck_assert_int_eq(answer(2), INVALID);
	all_read("1 2 3");
	settle();
	ck_assert_int_eq(answer(3), OK);
	ck_assert_uint_eq(host(1)->commits, 2);
	ck_assert_uint_eq(host(2)->commits, 2);
	ck_assert_uint_eq(host(3)->commits, 2);
}
END_TEST

START_TEST(what_cannot_be_sent_is_sent_later)
{
	form("1 2");
	host(1)->ring_send_rc = -EAGAIN;
	struct cfg_req_plain req;
	ck_assert_int_eq(service_user_send(&users[1], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), -EAGAIN);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0); /* the node waits for nothing any more */
	host(1)->ring_send_rc = 0;
	ask(1);
	host(2)->ring_send_rc = -EAGAIN;
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	host(2)->ring_send_rc = 0;
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_int_eq(answer(1), OK);
}
END_TEST

START_TEST(a_client_that_goes)
{
	form("1 2");
	ask(1);
	run();
	service_user_close(&users[1]);
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

START_TEST(the_executive_cannot_read)
{
	form("1 2");
	host(2)->prepare_rc = -ENOMEM;
	ask(1);
	run();
	all_read("1");
	settle();
	ck_assert_int_eq(answer(1), INVALID);
	ck_assert_str_eq(mock_map_string(host(1), "config.reload_error_message"), "node 2: Cannot allocate memory");
}
END_TEST

/* ---- Reports ------------------------------------------------------------- */

START_TEST(a_report_of_all_nodes)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	mock_prepare_done(host(1), 0, "change totem.token 1 -> 2\nrestart totem.netmtu 3 -> 4\n");
	has_read(2, "x.conf:1: what: do");
	has_read(3, "");
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready change totem.token 1 -> 2\nrestart totem.netmtu 3 -> 4\n"
				    "|2:refused x.conf:1: what: do|3:ready ");
}
END_TEST

START_TEST(a_check_changes_nothing)
{
	form("1 2 3");
	ask_report(2, CFG_RELOAD_CHECK);
	run();
	ck_assert(mock_host_has_logged(host(1), "Config check requested by node 2"));
	mock_prepare_done(host(1), 0, "change a 1 -> 2\n");
	expect_kept(1, false);
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(2), "checked|1:ready change a 1 -> 2\n|2:ready |3:ready ");
	ask_report(2, CFG_RELOAD_CHECK);
	run();
	has_read(1, "no");
	all_read("2 3");
	settle();
	ck_assert_str_eq(report(2), "refused|1:refused no|2:ready |3:ready ");
	ck_assert_str_eq(commits(), "0 0 0 0");
	ck_assert(mock_map_string(host(2), "config.reload_error_message") == NULL);
}
END_TEST

START_TEST(who_could_and_then_cannot)
{
	form("1 2");
	ask_report(1, 0);
	run();
	host(2)->commit_rc = -EINVAL;
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:failed Invalid argument");
	ck_assert(mock_host_has_logged(host(2), "This node does not have the config that the other nodes"));
	ask(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_int_eq(answer(1), INVALID);
}
END_TEST

static void fail_partly(struct coterie_ctx *context)
{
	static const char text[] = "transport knet keeps its old settings: Input/output error";

	context->table.map_set(context, "config.reload_error_message", COTERIE_MAP_STRING, text, sizeof(text));
}

START_TEST(a_part_of_an_applied_file_without_effect_is_reported)
{
	form("1 2");
	host(2)->on_commit = fail_partly;
	ask_report(1, 0);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(
		report(1), "applied|1:applied |2:failed transport knet keeps its old settings: Input/output error");
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert(mock_host_has_logged(
		host(2), "Config reloaded, but a part of it has no effect on this node: transport"));
	/* For a client of Corosync's library the file is applied. */
	ask(2);
	run();
	all_read("1 2");
	settle();
	ck_assert_int_eq(answer(2), OK);
	ck_assert_str_eq(commits(), "2 2 0 0");
	/* The next reload succeeds as a whole. */
	host(2)->on_commit = NULL;
	mock_queue_clear(&users[1].client->replies);
	ask_report(1, 0);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied ");
}
END_TEST

START_TEST(long_lists_are_cut)
{
	char *text = malloc(210001);

	form("1 2");
	for (uint32_t i = 0; i < 10000; i++)
		sprintf(text + 21 * i, "change k%05u 1 -> 2\n", i);
	ask_report(1, 0);
	run();
	mock_prepare_done(host(2), 0, text);
	has_read(1, "");
	settle();
	free(text);
	const struct mock_message *reply = &users[1].client->replies.list[0];
	struct cfg_wire_node_report node;
	memcpy(&node, reply->data + 8 + sizeof(node), sizeof(node));
	ck_assert_uint_eq(node.nodeid, 2);
	ck_assert_uint_gt(node.text_size, 59000);
	ck_assert_uint_le(node.text_size, 60000);
	ck_assert_int_eq(memcmp(reply->data + 8 + 2 * sizeof(node) + node.text_size - 12, "1 -> 2\nmore\n", 12), 0);
}
END_TEST

/* ---- Rings that change --------------------------------------------------- */

START_TEST(who_leaves_makes_it_void_and_it_is_asked_anew)
{
	form("1 2 3");
	ask(1);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	expect_kept(1, false);
	has_read(2, ""); /* a late result of the round that has ended */
	expect_kept(2, false);
	ck_assert_int_eq(answer(1), 0);
	settle();
	all_read("1 2");
	settle();
	ck_assert_int_eq(answer(1), OK);
	ck_assert_str_eq(commits(), "1 1 -1 0");
}
END_TEST

START_TEST(the_asker_leaves)
{
	form("1 2 3");
	ask(3);
	run();
	all_read("1 3");
	kill_node(3);
	form("1 2");
	has_read(2, "");
	settle();
	expect_kept(1, false);
	expect_kept(2, false);
	ck_assert_uint_eq(host(1)->prepare_count + host(2)->prepare_count, 0);
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
	ask(1); /* the next reload works */
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 -1 0");
}
END_TEST

/*
 * With "force" all nodes accept a file from which some running nodes are missing. The flag is not published as a key.
 */
START_TEST(a_forced_reload_is_forced_on_all)
{
	static const uint32_t flags[] = {0, CFG_RELOAD_FORCE, CFG_RELOAD_CHECK | CFG_RELOAD_FORCE};
	uint32_t wanted = COTERIE_RELOAD_PREPARE | (_i > 0 ? COTERIE_RELOAD_FORCED : 0);

	form("1 2 3");
	ask_report(2, flags[_i]);
	run();
	for (uint32_t i = 1; i <= 3; i++) {
		ck_assert_uint_eq(host(i)->prepare_count, 1);
		ck_assert_uint_eq(host(i)->reload_flags, wanted);
		ck_assert_int_eq(host(i)->table.map_get(host(i), "config.reload_forced", NULL, NULL, NULL), -ENOENT);
	}
}
END_TEST

START_TEST(who_joins_takes_part)
{
	form("1 2 | 3");
	ask(1);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ask(2);
	run();
	all_read("1");
	form("1 2 3");
	settle();
	ck_assert_uint_eq(host(3)->prepare_count, 1);
	all_read("3 2 1");
	has_read(2, "wrong"); /* the earlier result belonged to the round before, so it does not count */
	settle();
	ck_assert_int_eq(answer(2), INVALID);
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

START_TEST(a_partition)
{
	form("1 2 3 4");
	ask(1);
	ask(3);
	run();
	all_read("1 2 3");
	form("1 2 | 3 4");
	all_read("4");
	settle();
	all_read("1 2");
	all_read("3");
	has_read(4, "wrong");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_int_eq(answer(1), OK);
	ck_assert_int_eq(answer(3), INVALID);
}
END_TEST

START_TEST(a_decision_stands)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2 3");
	form("1 2 | 3"); /* before any node could apply the file */
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:left ");
}
END_TEST

START_TEST(the_same_ring_again)
{
	form("1 2");
	ask(1);
	run();
	all_read("1");
	form("1 2"); /* a ring of the same members, as after a lost token */
	all_read("2");
	settle();
	ck_assert_str_eq(commits(), "1 1 0 0");
}
END_TEST

static void deliver(uint32_t to, uint32_t from, uint32_t function, const void *message, uint32_t size)
{
	struct mock_message sent = {.id = function, .size = size - 16};

	sent.data = (uint8_t *)(uintptr_t)message + 16;
	ck_assert_int_eq(mock_deliver(ring.ops, ring.nodes[to].self, from, false, &sent), 0);
}

/*
 * A member asks for reloads and drops them, while the ring has no room for answers: few wait. The executive, and so the mock
 * host, logs few lines of one text. Its limit must hide no line about something else.
 */
START_TEST(many_requests_that_are_dropped)
{
	const struct cfg_ring_reload_ask check = {.number = 20000, .flags = CFG_RELOAD_CHECK};
	const struct cfg_ring_key_rotate rotate = {.number = 20001};
	const struct cfg_ring_reload_order wrong = {.number = 20002, .order = 77};
	const struct cfg *cfg;
	uint32_t lines;

	form("1 2");
	run();
	cfg = ring.nodes[1].self;
	lines = host(1)->logs.count;
	host(1)->ring_send_rc = -EAGAIN;
	for (uint64_t i = 1; i <= 10000; i++) {
		struct cfg_ring_reload_ask one = {.number = i};
		struct cfg_ring_reload_order drop = {.number = i, .order = CFG_ORDER_DROP, .flags = CFG_ORDER_UNLOADS};

		deliver(1, 2, CFG_RING_RELOAD_ASK, &one, sizeof(one));
		deliver(1, 2, CFG_RING_RELOAD_ORDER, &drop, sizeof(drop));
	}
	ck_assert_uint_eq(cfg->agreement.letter_count, 2048);
	ck_assert_uint_ge(host(1)->logs.count - lines, 10);
	ck_assert_uint_le(host(1)->logs.count - lines, 20);
	ck_assert(mock_host_has_logged(host(1), "Config reload requested by node 2"));
	deliver(1, 2, CFG_RING_RELOAD_ASK, &check, sizeof(check));
	ck_assert(mock_host_has_logged(host(1), "Config check requested by node 2"));
	deliver(1, 2, CFG_RING_KEY_ROTATE, &rotate, sizeof(rotate));
	ck_assert(mock_host_has_logged(host(1), "Key rotation requested by node 2"));
	deliver(1, 2, CFG_RING_RELOAD_ORDER, &wrong, sizeof(wrong));
	ck_assert(mock_host_has_logged(host(1), "Node 2: an order of a reload makes no sense"));
	host(1)->ring_send_rc = 0;
	pass(1000);
	ck_assert_uint_eq(cfg->agreement.letter_count, 0);
}
END_TEST

START_TEST(a_ring_that_never_settles)
{
	form("1 2");
	ask(1);
	run();
	for (int i = 0; i < 12 && answer(1) == 0; i++) {
		form("1 | 2");
		settle();
		form("1 2");
		settle();
	}
	ck_assert_int_eq(answer(1), TRY_AGAIN);
	while (host(1)->prepare_count > 0)
		has_read(1, "");
	settle();
	ck_assert_uint_eq(mock_host_timers(host(1)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_agree");
	TCase *tcase = agree_case_add(suite);

	tcase_add_test(tcase, all_apply_when_the_last_is_ready);
	tcase_add_loop_test(tcase, all_or_none, 0, 24 * 16);
	tcase_add_test(tcase, everybody_knows_who_refused_and_why);
	tcase_add_test(tcase, a_node_alone);
	tcase_add_test(tcase, nodes_of_either_byte_order);
	tcase_add_test(tcase, one_after_the_other);
	tcase_add_test(tcase, what_cannot_be_sent_is_sent_later);
	tcase_add_test(tcase, a_client_that_goes);
	tcase_add_test(tcase, the_executive_cannot_read);
	tcase_add_test(tcase, a_report_of_all_nodes);
	tcase_add_test(tcase, a_check_changes_nothing);
	tcase_add_test(tcase, who_could_and_then_cannot);
	tcase_add_test(tcase, a_part_of_an_applied_file_without_effect_is_reported);
	tcase_add_test(tcase, long_lists_are_cut);
	tcase_add_test(tcase, who_leaves_makes_it_void_and_it_is_asked_anew);
	tcase_add_test(tcase, the_asker_leaves);
	tcase_add_loop_test(tcase, a_forced_reload_is_forced_on_all, 0, 3);
	tcase_add_test(tcase, who_joins_takes_part);
	tcase_add_test(tcase, a_partition);
	tcase_add_test(tcase, a_decision_stands);
	tcase_add_test(tcase, the_same_ring_again);
	tcase_add_test(tcase, many_requests_that_are_dropped);
	tcase_add_test(tcase, a_ring_that_never_settles);
	return suite_run_together(suite);
}
