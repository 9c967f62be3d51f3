/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload that all nodes apply or none, in difficult cases: silent nodes, nodes of Corosync, invalid messages, any
 * order of messages, rings that change.
 */
#include "tests/unit/services/cfg/agree_case.h"

#include <errno.h>
#include <string.h>

#include "services/cfg/cfg.h"

/* ---- Nodes that do not answer -------------------------------------------- */

START_TEST(without_those_who_do_not_answer)
{
	end();
	begin("3");
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2");
	for (int i = 0; i < 67; i++) { /* 5 s, and two more seconds but for the last 0.3 s: nothing is decided yet */
		pass(100);
		ck_assert_str_eq(commits(), "0 0 0 0");
	}
	for (int i = 0; i < 8; i++)
		pass(100);
	ck_assert_str_eq(commits(), "1 1 0 0");
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:no-answer ");
	ck_assert(mock_host_has_logged(host(2), "Config reload without nodes that do not answer: 3;"));
}
END_TEST

/*
 * The ring delivers no message, not even those of the node that began the reload. So silence proves nothing against the
 * other nodes.
 */
START_TEST(a_ring_that_stands_still)
{
	form("1 2 3");
	ask(1);
	service_ring_deliver_next(&ring, 1);
	for (int i = 0; i < 80; i++)
		mock_host_advance(host(1), 100 * MS);
	ck_assert_uint_gt(host(1)->sent.count, 1); /* node 1 has sent an order to continue without the silent members */
	ring.first = 1;
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
}
END_TEST

/*
 * Node 2 has read its file, but cannot send its answer. So node 1 goes on without node 2, which drops what it has read.
 */
START_TEST(who_is_left_out_drops_its_file)
{
	form("1 2");
	ask(1);
	host(2)->ring_send_rc = -EAGAIN;
	run();
	all_read("1 2");
	for (int i = 0; i < 80; i++)
		pass(100);
	host(2)->ring_send_rc = 0;
	settle();
	ck_assert_str_eq(commits(), "1 0 0 0");
	expect_kept(2, false);
	ck_assert(mock_host_has_logged(host(2), "This node was left out of a config reload"));
	ask(2);
	run();
	all_read("1 2");
	settle();
	ck_assert_str_eq(commits(), "2 1 0 0");
}
END_TEST

START_TEST(no_verdict_in_time)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2");
	pass(59000);
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	pass(2000);
	settle();
	ck_assert_str_eq(report(1), "refused|1:ready |2:ready |3:no-answer ");
	ck_assert_str_eq(
		mock_map_string(host(2), "config.reload_error_message"), "nodes have not read their files in time: 3");
	has_read(3, "");
	settle();
	ck_assert_str_eq(commits(), "0 0 0 0");
	expect_kept(3, false);
}
END_TEST

/* ---- The service is unloaded --------------------------------------------- */

static int drain(uint32_t nodeid)
{
	service_user_close(&users[nodeid]);
	return ring.ops->drain != NULL ? ring.ops->drain(ring.nodes[nodeid].self) : 0;
}

static uint32_t orders(uint32_t nodeid)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < host(nodeid)->sent.count; i++)
		count += host(nodeid)->sent.list[i].id == CFG_RING_RELOAD_ORDER;
	return count;
}

START_TEST(an_asker_that_is_unloaded_ends_its_round)
{
	form("1 2 3");
	ask(1);
	run();
	all_read("2 3");
	ck_assert_int_eq(drain(1), 0);
	ck_assert_int_eq(drain(1), 0);
	ck_assert_uint_eq(orders(1), 1);
	run();
	ck_assert_int_eq(drain(1), 0);
	kill_node(1);
	expect_kept(2, false);
	expect_kept(3, false);
	ck_assert(mock_host_has_logged(host(2), "nothing has changed: node 1 unloads service cfg"));
	/* The next round goes on without the node. */
	ask(2);
	run();
	all_read("2 3");
	for (int i = 0; i < 75; i++)
		pass(100);
	ck_assert_str_eq(commits(), "-1 1 1 0");
	ck_assert_int_eq(answer(2), OK);
}
END_TEST

START_TEST(an_asker_that_is_unloaded_ends_its_waiting_rounds)
{
	form("1 2 3");
	ask(2);
	run();
	ask(1);
	run();
	ask_report(3, 0);
	run();
	all_read("1");
	ck_assert_int_eq(drain(1), -EAGAIN); /* it has said that it will apply its file for the round of node 2 */
	run();
	all_read("2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_int_eq(answer(2), OK);
	/* The round of node 3 is the next one. */
	all_read("2 3");
	settle();
	ck_assert_int_eq(drain(1), 0);
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_str_eq(report(3), "refused|1:refused this node unloads service cfg|2:ready |3:ready ");
}
END_TEST

/* The round of node 2 is decided, but no node has applied its file yet, when the next round is dropped. */
START_TEST(an_unload_leaves_a_decided_round_alone)
{
	form("1 2 3");
	ask(2);
	run();
	ask(1);
	run();
	all_read("1 2 3");
	ck_assert_str_eq(commits(), "0 0 0 0");
	ck_assert_int_eq(drain(1), -EAGAIN);
	run();
	for (uint32_t i = 1; i <= 3; i++)
		expect_kept(i, true);
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_int_eq(answer(2), OK);
}
END_TEST

START_TEST(a_request_that_is_delivered_during_the_unload_ends)
{
	form("1 2");
	ask(1);
	ck_assert_int_eq(drain(1), 0);
	run();
	ck_assert_int_eq(drain(1), 0); /* the executive calls again until it has delivered the node's messages */
	run();
	expect_kept(2, false);
	all_read("2");
	expect_kept(2, false);
}
END_TEST

START_TEST(a_member_that_is_unloaded_while_it_reads_refuses)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	ask_report(2, 0);
	run();
	all_read("1 2");
	(void)drain(3);
	(void)drain(3);
	ck_assert_uint_eq(host(3)->sent.count, 2); /* for each round once */
	run();
	ck_assert_int_eq(drain(3), 0);
	ck_assert_str_eq(report(1), "refused|1:ready |2:ready |3:refused this node unloads service cfg");
	all_read("1 2 3"); /* node 3 has read its file for the first round, too late */
	settle();
	ck_assert_str_eq(report(2), "refused|1:ready |2:ready |3:refused this node unloads service cfg");
	ck_assert_str_eq(commits(), "0 0 0 0");
	for (uint32_t i = 1; i <= 3; i++)
		expect_kept(i, false);
	ck_assert(!mock_host_has_logged(host(1), "makes no sense"));
}
END_TEST

START_TEST(a_member_that_has_answered_a_check_is_unloaded)
{
	form("1 2");
	ask_report(1, CFG_RELOAD_CHECK);
	run();
	all_read("2");
	ck_assert_int_eq(drain(2), 0);
	ck_assert_uint_eq(host(2)->sent.count, 0);
	all_read("1");
	ck_assert_str_eq(report(1), "checked|1:ready |2:ready ");
}
END_TEST

START_TEST(an_unload_waits_for_the_commit_and_for_room)
{
	form("1 2");
	ask(1);
	run();
	all_read("1 2");
	ck_assert_int_eq(drain(1), -EAGAIN);
	settle();
	ck_assert_int_eq(drain(1), 0);
	ck_assert_str_eq(commits(), "1 1 0 0");
	ask_report(2, 0);
	run();
	host(1)->ring_send_rc = -EAGAIN;
	all_read("1");
	ck_assert_int_eq(drain(1), -EAGAIN);
	host(1)->ring_send_rc = 0;
	settle();
	ck_assert_int_eq(drain(1), -EAGAIN); /* it has said that it will apply its file if node 2 can */
	all_read("2");
	ck_assert_int_eq(drain(1), -EAGAIN);
	settle();
	ck_assert_str_eq(commits(), "2 2 0 0");
	ck_assert_int_eq(drain(1), 0);
}
END_TEST

START_TEST(applied_is_never_said)
{
	form("1 2");
	ask_report(1, 0);
	run();
	all_read("1 2");
	host(2)->ring_send_rc = -EAGAIN;
	settle();
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	pass(21000);
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:no-answer ");
}
END_TEST

START_TEST(a_member_that_restarts_after_the_decision_has_left)
{
	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2 3");
	kill_node(3);
	service_ring_start(&ring, 3);
	form("1 2 3");
	settle();
	ck_assert_str_eq(report(1), "applied|1:applied |2:applied |3:left ");
}
END_TEST

/* ---- Nodes that act like Corosync's -------------------------------------- */

START_TEST(in_a_mixed_ring_a_part_without_effect_is_reported)
{
	static const char text[] = "transport knet keeps its old settings: Input/output error";

	form("1 2");
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	ask_report(1, 0);
	ask(2);
	run();
	for (uint32_t i = 1; i <= 2; i++) {
		host(i)->table.map_set(host(i), "config.reload_error_message", COTERIE_MAP_STRING, text, sizeof(text));
		while (host(i)->reload_count > 0)
			mock_reload_done(host(i), 0, "");
	}
	ck_assert_str_eq(report(1), "each|1:failed transport knet keeps its old settings: Input/output error");
	ck_assert_int_eq(answer(2), OK);
}
END_TEST

START_TEST(in_a_mixed_ring_each_is_on_its_own)
{
	form("1 2 3");
	for (uint32_t i = 1; i <= 3; i++)
		host(i)->is_safe_kept = 0;
	ask_report(1, 0);
	ck_assert_uint_eq(host(1)->sent.list[0].id, CFG_RING_RELOAD_CONFIG);
	run();
	mock_reload_done(host(1), 0, "");
	ck_assert_str_eq(report(1), "each|1:applied ");
	ask_report(2, 0);
	run();
	mock_reload_done(host(2), 0, "");
	mock_reload_done(host(2), -EINVAL, "wrong");
	ck_assert_str_eq(report(2), "each|2:refused wrong");
	ck_assert(mock_host_has_logged(host(3), "each node takes its own file, whatever the others do"));
	ask_report(3, CFG_RELOAD_CHECK);
	ck_assert_uint_eq(host(3)->sent.count, 0);
	mock_reload_done(host(3), 0, ""); /* the result of the first request to read the file */
	mock_prepare_done(host(3), 0, "change a 1 -> 2\n");
	mock_reload_done(host(3), 0, "");
	ck_assert_str_eq(report(3), "each|3:ready change a 1 -> 2\n");
	expect_kept(3, false);
}
END_TEST

/* A node of Corosync joins between the request and the delivery of its message. */
START_TEST(the_ring_has_become_a_mixed_one)
{
	form("1 2");
	ask(1);
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	run();
	ck_assert_uint_eq(host(1)->reload_count, 1);
	ck_assert_uint_eq(host(2)->reload_count, 1);
	mock_reload_done(host(1), 0, "");
	ck_assert_int_eq(answer(1), OK);
	/* A node of Corosync joins while a round runs. */
	mock_reload_done(host(2), 0, "");
	host(1)->is_safe_kept = host(2)->is_safe_kept = 1;
	ask(1);
	run();
	all_read("1");
	host(1)->is_safe_kept = host(2)->is_safe_kept = 0;
	form("1 2 3");
	has_read(2, "");
	settle();
	ck_assert_uint_eq(host(1)->reload_count, 1);
	mock_reload_done(host(1), -EINVAL, "");
	ck_assert_int_eq(answer(1), INVALID);
	ck_assert_str_eq(commits(), "0 0 0 0");
}
END_TEST

/*
 * Node 2 has begun a check of its own file while a node of Corosync was in the ring. This takes long, and the round of
 * node 1 waits behind it.
 */
START_TEST(a_round_is_dropped_behind_a_check_of_one_node)
{
	form("1 2 3");
	host(2)->is_safe_kept = 0;
	ask_report(2, CFG_RELOAD_CHECK);
	host(2)->is_safe_kept = 1;
	ask(1);
	run();
	all_read("1 3");
	pass(61000);
	settle();
	ck_assert_int_eq(answer(1), INVALID);
	has_read(2, "");
	ck_assert_ptr_nonnull(strstr(report(2), "each|2:ready"));
	ck_assert_uint_eq(host(2)->prepare_count, 0); /* node 2 has dropped the round, too */
	ask_report(3, 0);
	run();
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(report(3), "applied|1:applied |2:applied |3:applied ");
}
END_TEST

/* ---- Messages that make no sense ----------------------------------------- */

static void say(uint32_t nodeid, uint32_t function, const void *message, uint32_t size)
{
	struct iovec iov = {(uint8_t *)(uintptr_t)message + 16, size - 16};

	mock_queue_add(&host(nodeid)->sent, function, &iov, 1);
	run();
}

START_TEST(senseless_messages_have_no_effect)
{
	form("1 2 3");
	ask(1);
	run();
	for (uint32_t stage = 0; stage < 8; stage++)
		for (uint64_t number = 0; number < 3; number++) {
			struct cfg_ring_reload_word word = {.number = number, .asker = 1, .stage = stage};

			if (stage == CFG_STAGE_READY || stage == CFG_STAGE_REFUSED)
				continue; /* valid: the sender has decided for itself */
			say(2, CFG_RING_RELOAD_WORD, &word, sizeof(word));
			word.asker = 2;
			say(2, CFG_RING_RELOAD_WORD, &word, sizeof(word));
			word.text_size = UINT32_MAX;
			say(3, CFG_RING_RELOAD_WORD, &word, sizeof(word));
		}
	for (uint32_t what = 0; what < 5; what++) {
		struct cfg_ring_reload_order order = {.number = 1, .order = what};

		say(2, CFG_RING_RELOAD_ORDER, &order, sizeof(order)); /* node 2 has not begun this reload */
	}
	struct cfg_ring_reload_ask again = {.number = 1, .flags = UINT32_MAX - 1};
	say(1, CFG_RING_RELOAD_ASK, &again, sizeof(again));
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_int_eq(answer(1), OK);
	for (uint64_t i = 0; i < 1000; i++) { /* node 2 begins one reload after another */
		struct cfg_ring_reload_ask one = {.number = 100 + i};

		say(2, CFG_RING_RELOAD_ASK, &one, sizeof(one));
	}
	ask(3);
	run();
	ck_assert_int_eq(answer(3), TRY_AGAIN);
}
END_TEST

static const struct cfg_round *first_round(uint32_t nodeid)
{
	return ((const struct cfg *)ring.nodes[nodeid].self)->agreement.rounds;
}

START_TEST(a_long_text_of_a_member_is_cut)
{
	static union {
		struct cfg_ring_reload_word word;
		char bytes[1000000];
	} message;

	form("1 2 3");
	ask(1);
	run();
	memset(&message, 'x', sizeof(message));
	message.word = (struct cfg_ring_reload_word){.number = first_round(1)->number,
		.asker = 1,
		.stage = CFG_STAGE_READY,
		.text_size = sizeof(message) - sizeof(message.word)};
	say(2, CFG_RING_RELOAD_WORD, &message, sizeof(message));
	/* Node 1 has the client, and the others need only the begin of a reason. */
	ck_assert_uint_eq(strlen(cfg_round_member(first_round(1), 2)->text), 60000);
	ck_assert_uint_le(strlen(cfg_round_member(first_round(3), 2)->text), 512);
	all_read("1 2 3");
	settle();
	ck_assert_str_eq(commits(), "1 1 1 0");
	ck_assert_int_eq(answer(1), OK);
}
END_TEST

/* ---- No room ------------------------------------------------------------- */

/* Node 1 has one round more than the others: a check of its own file. */
START_TEST(who_has_no_room_for_its_own_round_refuses_it)
{
	struct service_user second = service_user_create(&ring, 1, 300);
	const struct cfg *other = ring.nodes[2].self;
	struct cfg_req_plain req;

	form("1 2 3");
	host(1)->is_safe_kept = 0;
	ask_report(1, CFG_RELOAD_CHECK);
	host(1)->is_safe_kept = 1;
	for (uint64_t i = 0; i < 255; i++) {
		struct cfg_ring_reload_ask one = {.number = 100 + i};

		say(2, CFG_RING_RELOAD_ASK, &one, sizeof(one));
	}
	ck_assert_int_eq(service_user_send(&second, CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)), COTERIE_LATER);
	run();
	ck_assert_uint_eq(second.client->replies.count, 1);
	ck_assert_int_eq(second.client->replies.list[0].error, TRY_AGAIN);
	const struct cfg_round *round = other->agreement.rounds;

	while (round != NULL && round->asker != 1)
		round = round->next;
	ck_assert_ptr_nonnull(round);
	ck_assert_uint_eq(cfg_round_member(round, 1)->stage, CFG_STAGE_REFUSED);
	service_user_close(&second);
}
END_TEST

START_TEST(an_order_that_cannot_be_queued_is_sent_later)
{
	struct cfg *cfg;

	form("1 2 3");
	ask_report(1, 0);
	run();
	all_read("1 2");
	cfg = ring.nodes[1].self;
	cfg->agreement.letter_count = 2048; /* as if so many messages were waiting */
	pass(61000);
	pass(1000);
	ck_assert_uint_eq(users[1].client->replies.count, 0);
	((struct cfg *)ring.nodes[1].self)->agreement.letter_count = 0;
	settle();
	ck_assert_uint_eq(users[1].client->replies.count, 1);
	ck_assert_str_eq(report(1), "refused|1:ready |2:ready |3:no-answer ");
	has_read(3, "");
	expect_kept(3, false);
}
END_TEST

/* ---- Any order, any ring ------------------------------------------------- */

static unsigned int seed, first_seed;

static uint32_t chance(uint32_t of) { return (uint32_t)rand_r(&seed) % of; }

static bool is_pending[5];

static void random_step(uint32_t nodeid)
{
	struct cfg_req_plain req;

	switch (chance(8)) {
	case 0:
		if (is_pending[nodeid] && users[nodeid].client->replies.count == 0)
			break;
		is_pending[nodeid] = service_user_send(&users[nodeid], CFG_REQ_RELOAD_CONFIG, &req, sizeof(req)) ==
				     COTERIE_LATER;
		break;
	case 1:
	case 2:
		if (host(nodeid)->prepare_count > 0)
			mock_prepare_done(host(nodeid), chance(6) == 0 ? -EINVAL : 0, "");
		break;
	case 3:
		mock_host_advance(host(nodeid), chance(60) * MS);
		break;
	case 4:
		host(nodeid)->ring_send_rc = chance(3) == 0 ? -EAGAIN : 0;
		break;
	default:
		service_ring_deliver_next(&ring, nodeid);
	}
}

static void calm_down(void)
{
	for (int i = 0; i < 400; i++) {
		for (uint32_t k = 1; k <= 4; k++) {
			host(k)->ring_send_rc = 0;
			while (host(k)->prepare_count > 0)
				mock_prepare_done(host(k), 0, "");
		}
		pass(100);
	}
}

/* Nodes 1 and 2 always stay in one ring, and so do nodes 3 and 4. */
START_TEST(who_goes_on_together_agrees)
{
	static const char *const rings[] = {"1 2 3 4", "1 2 | 3 4", "1 2 3 4", "3 4 | 1 2"};
	bool has_parted = false;

	seed = first_seed = (unsigned int)_i + 1;
	memset(is_pending, 0, sizeof(is_pending));
	form("1 2 3 4");
	for (uint32_t i = 0; i < 4000; i++) {
		if (_i % 2 == 0 && chance(300) == 0) {
			has_parted = true;
			form(rings[chance(4)]);
		}
		random_step(chance(4) + 1);
	}
	if (has_parted)
		form("1 2 3 4");
	calm_down();
	for (uint32_t i = 1; i <= 4; i++) /* all nodes were fast enough, so none was left out */
		ck_assert_msg(!mock_host_has_logged(host(i), "that do not answer"), "seed %u", first_seed);
	ck_assert_msg(host(1)->commits == host(2)->commits && host(3)->commits == host(4)->commits, "seed %u: %s",
		first_seed, commits());
	ck_assert_msg(has_parted || host(1)->commits == host(3)->commits, "seed %u: %s", first_seed, commits());
	ck_assert_uint_gt(host(1)->commits, 0);
	for (uint32_t i = 1; i <= 4; i++) {
		expect_kept(i, false);
		ck_assert_msg(!is_pending[i] || answer(i) != 0, "seed %u: node %u is not answered", first_seed, i);
		ck_assert_msg(mock_host_timers(host(i)) == 0, "seed %u: node %u", first_seed, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfg_agree_odds");
	TCase *tcase = agree_case_add(suite);

	tcase_add_test(tcase, without_those_who_do_not_answer);
	tcase_add_test(tcase, a_ring_that_stands_still);
	tcase_add_test(tcase, who_is_left_out_drops_its_file);
	tcase_add_test(tcase, no_verdict_in_time);
	tcase_add_test(tcase, an_asker_that_is_unloaded_ends_its_round);
	tcase_add_test(tcase, an_asker_that_is_unloaded_ends_its_waiting_rounds);
	tcase_add_test(tcase, an_unload_leaves_a_decided_round_alone);
	tcase_add_test(tcase, a_request_that_is_delivered_during_the_unload_ends);
	tcase_add_test(tcase, a_member_that_is_unloaded_while_it_reads_refuses);
	tcase_add_test(tcase, a_member_that_has_answered_a_check_is_unloaded);
	tcase_add_test(tcase, an_unload_waits_for_the_commit_and_for_room);
	tcase_add_test(tcase, applied_is_never_said);
	tcase_add_test(tcase, a_member_that_restarts_after_the_decision_has_left);
	tcase_add_test(tcase, in_a_mixed_ring_a_part_without_effect_is_reported);
	tcase_add_test(tcase, in_a_mixed_ring_each_is_on_its_own);
	tcase_add_test(tcase, the_ring_has_become_a_mixed_one);
	tcase_add_test(tcase, a_round_is_dropped_behind_a_check_of_one_node);
	tcase_add_test(tcase, senseless_messages_have_no_effect);
	tcase_add_test(tcase, a_long_text_of_a_member_is_cut);
	tcase_add_test(tcase, who_has_no_room_for_its_own_round_refuses_it);
	tcase_add_test(tcase, an_order_that_cannot_be_queued_is_sent_later);
	tcase_add_loop_test(tcase, who_goes_on_together_agrees, 0, 100);
	return suite_run_together(suite);
}
