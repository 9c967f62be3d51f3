/* SPDX-License-Identifier: BSD-3-Clause */
/* Engines that are connected in memory: how rings form, order, recover and end. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* --- a ring forms and orders --- */

START_TEST(one_node_is_a_ring)
{
	net->node_count = 1;
	node_start(1);
	run_until_ring(1, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional\nregular 1 +1\n");
	ck_assert_uint_eq(totem_engine_ring(node_of(1)->engine)->seq, 5);
	send_many(1, 3);
	run_until_received(3, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional\nregular 1 +1\n1:m1.0\n1:m1.1\n1:m1.2\n");
}
END_TEST

START_TEST(nodes_become_one_ring)
{
	uint32_t count = (uint32_t)_i;

	net->node_count = count;
	for (uint32_t id = 1; id <= count; id++) {
		node_start(id);
		run_for(95);
	}
	run_until_ring(count, 3000);
	for (uint32_t id = 1; id <= count; id++)
		ck_assert(totem_engine_is_safe_honoured(node_of(id)->engine));
}
END_TEST

START_TEST(messages_have_one_order)
{
	start_ring(3);
	for (uint32_t round = 0; round < 20; round++) {
		send_many(1, 10);
		send_many(2, 7);
		send_many(3, 1);
		run_for(1);
	}
	run_until_received(360, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_uint_gt(node_of(1)->visits, 10);
	ck_assert_uint_gt(node_of(1)->passed, 10);
}
END_TEST

START_TEST(large_messages_arrive_whole)
{
	static char text[100000];
	const struct iovec iov[2] = {{text, 5}, {text, sizeof(text) - 5}};

	start_ring(3);
	memset(text, 'x', sizeof(text));
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, iov, 2), 0);
	run_until_received(3, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "3:(100000 bytes)"));
}
END_TEST

START_TEST(a_full_queue_refuses_and_calls_back)
{
	static char text[50000];
	const struct iovec iov = {text, sizeof(text)};
	struct totem_queue queue;
	uint32_t accepted = 0;

	start_ring(2);
	totem_engine_queue(node_of(1)->engine, &queue);
	ck_assert_uint_eq(queue.used, 0);

	const struct iovec huge = {text, (size_t)queue.message_size_max + 1};

	ck_assert_int_eq(totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &huge, 1), -EMSGSIZE);
	while (totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1) == 0)
		accepted++;
	ck_assert_uint_gt(accepted, 10);
	ck_assert_uint_eq(node_of(1)->rooms, 0);
	run_until_received(accepted, 5000);
	ck_assert_uint_gt(node_of(1)->rooms, 0);
}
END_TEST

/* --- loss --- */

/* Drop every third frame from node 1 to node 3 when it is sent first. */
static bool drop_some_frames(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	if (header->type != WIRE_MCAST || from != 1 || to != 3)
		return false;
	wire_decode_mcast(frame->data, frame->size, &mcast);
	if (mcast.system_from != 1 || mcast.seq % 3 != 0 || mcast.seq <= n->drop_seq)
		return false;
	n->drop_seq = mcast.seq;
	return true;
}

START_TEST(a_lost_frame_is_asked_for)
{
	start_ring(3);
	net->drops = drop_some_frames;
	for (int i = 0; i < 30; i++) {
		send_many(1, 1);
		run_for(1);
	}
	run_until_received(30, 1000);
	ck_assert_uint_gt(net->dropped, 0);
	ck_assert_uint_gt(node_of(3)->requested, 0);
	ck_assert_uint_gt(node_of(1)->retransmitted + node_of(2)->retransmitted, 0);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

static uint64_t sent_by_1;

static bool drop_tokens_to_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	sent_by_1 += from == 1 && header->type == WIRE_TOKEN;
	return to == 2 && header->type == WIRE_TOKEN;
}

START_TEST(what_befalls_the_token_is_counted)
{
	options.token_warning_percent = 50;
	start_ring(3);
	const struct totem_counters *first = totem_engine_counters(node_of(1)->engine);
	const struct totem_counters *second = totem_engine_counters(node_of(2)->engine);
	uint64_t again = first->token_retx, tokens = first->token_tx;

	net->drops = drop_tokens_to_2;
	run_for(options.token_ns / MS * 3 / 4);
	/* the counter counts each token that is sent, as in Corosync 3.1.9 */
	ck_assert_uint_eq(first->token_tx - tokens, sent_by_1);
	net->drops = NULL;
	ck_assert_uint_gt(first->token_retx, again);
	ck_assert_uint_eq(second->token_late, 1);
	run_for(100); /* the next token that arrives is a retransmitted one */
	again = first->token_retx;
	run_for(options.token_ns / MS);
	ck_assert_uint_eq(first->token_retx, again);
	ck_assert_uint_eq(second->token_late, 1);
	ck_assert_uint_eq(first->operational_token_lost, 0);
}
END_TEST

static bool drop_commits_to_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return from != 2 && to == 2 && header->type == WIRE_COMMIT_TOKEN;
}

/* While a cluster starts, a lost commit token is soon sent again, even if the token timeout is long. */
START_TEST(a_commit_token_goes_out_until_it_gets_through)
{
	options.token_ns = 20000 * MS;
	options.token_retransmit_ns = options.token_ns / 4;
	options.consensus_ns = options.token_ns * 6 / 5;
	net->drops = drop_commits_to_2;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++)
		node_start(id);
	for (uint32_t ms = 0; ms < 10000 && net->packets[WIRE_COMMIT_TOKEN] < 4; ms++)
		run_for(1); /* each node was alone first */
	run_for(3000);
	ck_assert_int_eq(node_of(1)->engine->state, TOTEM_COMMIT);
	net->drops = NULL;
	run_until_ring(3, 200);
}
END_TEST

/* Drop the commit token of the second rotation until the last member has sent that of the first rotation again. */
static uint32_t first_rotation_ends;

static bool drop_second_rotation(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_commit_token token;

	(void)n, (void)from;
	if (header->type != WIRE_COMMIT_TOKEN ||
		wire_decode_commit_token(frame->data, frame->size, &token) != WIRE_OK || token.count != 3)
		return false;
	if (to == 1 && token.token_seq == 3)
		first_rotation_ends++;
	return to == 2 && token.token_seq == 4 && first_rotation_ends < 2;
}

START_TEST(a_repeat_of_the_first_rotation_is_not_the_second)
{
	const struct totem_counters *first;

	first_rotation_ends = 0;
	options.token_ns = 20000 * MS;
	options.token_retransmit_ns = options.token_ns / 4;
	options.consensus_ns = options.token_ns * 6 / 5;
	net->drops = drop_second_rotation;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++)
		node_start(id);
	run_until_ring(3, 5000);
	first = totem_engine_counters(node_of(1)->engine);
	ck_assert_uint_ge(first_rotation_ends, 2);
	ck_assert_uint_eq(first->recovery_token_lost, 0);
}
END_TEST

static bool drop_one_in_ten(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	static uint32_t state = 1;

	(void)n, (void)header, (void)frame;
	state = state * 1103515245u + 12345u;
	return from != to && (state >> 16) % 10 == 0;
}

START_TEST(loss_of_everything_slows_but_does_not_break)
{
	start_ring(3);
	net->drops = drop_one_in_ten;
	for (uint32_t i = 0; i < 50; i++) {
		for (uint32_t id = 1; id <= 3; id++)
			send_many(id, 2);
		run_for(2);
	}
	run_until_received(300, 5000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

/* --- membership --- */

START_TEST(a_crash_is_recovered_from)
{
	start_ring(3);
	send_many(1, 40);
	send_many(3, 40);
	run_for(1);
	node_crash(1);
	send_many(2, 1);
	run_until_ring(2, 9000);
	run_for(100);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "transitional 2 3 -1\nregular 2 3\n"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "3:m3.39"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "2:m2.0"));
}
END_TEST

START_TEST(a_crashed_node_comes_back)
{
	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	clear_logs();
	node_start(3);
	run_until_ring(3, 3000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 +3\n");
	/* Node 3 ends, and is started again before another node has noticed. */
	node_crash(3);
	run_for(10);
	node_start(3);
	run_until_ring(3, 3000);
}
END_TEST

/*
 * A ring with nodes like Corosync (which announce no features). Another node joins in the middle of a long message. By
 * Corosync's rule that node cannot get that message. But the next messages in the same frame are sent in the new
 * configuration, so all nodes get them.
 */
START_TEST(a_joiner_gets_what_follows_a_long_message)
{
	static char large[300000];
	const struct iovec iov = {.iov_base = large, .iov_len = sizeof(large)};
	const char *small = "1:m1.0\n1:m1.1\n1:m1.2\n1:m1.3\n1:m1.4\n";

	options.features = 0;
	net->node_count = 3;
	node_start(1);
	node_start(2);
	run_until_ring(2, 20000);
	run_for(5);
	clear_logs();
	ck_assert_int_eq(totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	send_many(1, 5);
	ck_assert_int_eq(totem_engine_send(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	run_for(1);
	ck_assert_str_eq(node_of(2)->log, ""); /* the message is not complete yet */
	node_start(3);
	run_until_ring(3, 9000);
	run_for(100);
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, "regular 1 2 3 +3\n1:(300000 bytes)\n1:m1.0"));
	ck_assert_ptr_nonnull(strstr(node_of(2)->log, small));
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, small));
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, "1:m1.4\n1:(300000 bytes)\n"));
}
END_TEST

START_TEST(a_leave_takes_no_timer)
{
	start_ring(3);
	totem_engine_leave(node_of(2)->engine, net->now_ns);
	net->nodes[1].is_up = false;
	run_until_ring(2, 10);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 3 -2\nregular 1 3\n");
	net->nodes[1].is_up = true; /* the tear-down must free it */
}
END_TEST

static bool is_cut(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return (from < n->cut_from) != (to < n->cut_from);
}

static bool are_split(void)
{
	const uint32_t *members;

	for (uint32_t i = 0; i < net->node_count; i++) {
		const struct node *node = &net->nodes[i];
		uint32_t side = node->id < net->cut_from ? net->cut_from - 1 : net->node_count + 1 - net->cut_from;

		if (totem_engine_state(node->engine) != TOTEM_OPERATIONAL ||
			totem_engine_members(node->engine, &members) != side)
			return false;
	}
	return true;
}

START_TEST(partitions_merge)
{
	start_ring(5);
	net->cut_from = 3;
	net->drops = is_cut;
	send_many(1, 3);
	send_many(5, 3);
	while (!are_split())
		ck_assert(net_step(net, UINT64_MAX));
	run_for(1000);
	ck_assert_ptr_nonnull(strstr(node_of(1)->log, "transitional 1 2 -3 -4 -5\nregular 1 2\n"));
	ck_assert_ptr_nonnull(strstr(node_of(4)->log, "transitional 3 4 5 -1 -2\nregular 3 4 5\n"));
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(3)->log, node_of(5)->log);
	clear_logs();
	net->drops = NULL;
	run_until_ring(5, 3000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 4 5 +3 +4 +5\n");
}
END_TEST

START_TEST(a_broken_disk_keeps_a_node_out)
{
	start_ring(2);
	node_of(2)->is_disk_broken = true;
	node_crash(1);
	run_for(20000);
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	node_of(2)->is_disk_broken = false;
	run_until_ring(1, 10000);
}
END_TEST

/* --- holding the token --- */

START_TEST(an_idle_ring_is_quiet)
{
	start_ring(3);
	run_for(1000);
	memset(net->packets, 0, sizeof(net->packets));
	run_for(7000);
	/* At most about one rotation and one merge detect in each hold time of 685 ms. */
	ck_assert_uint_le(net->packets[WIRE_TOKEN], 3 * 12);
	ck_assert_uint_ge(net->packets[WIRE_TOKEN], 3 * 8);
	ck_assert_uint_le(net->packets[WIRE_MERGE_DETECT], 12);
	ck_assert_uint_ge(net->packets[WIRE_MERGE_DETECT], 8);
	ck_assert_uint_eq(net->packets[WIRE_JOIN], 0);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
}
END_TEST

START_TEST(a_message_ends_the_idling)
{
	uint32_t id = (uint32_t)_i;

	start_ring(3);
	run_for(1000);
	memset(net->packets, 0, sizeof(net->packets));
	send_many(id, 1);
	run_until_received(1, 2);
	ck_assert_uint_eq(net->packets[WIRE_HOLD_CANCEL], id == 1 ? 0 : 1);
}
END_TEST

/* --- safe delivery --- */

START_TEST(safe_waits_for_everybody)
{
	start_ring(3);
	ck_assert(totem_engine_is_safe_honoured(node_of(1)->engine));
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "behind"), 0);
	run_until_received(2, 10);
	ck_assert_str_eq(node_of(1)->log, "1:safe\n1:behind\n");
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
}
END_TEST

static bool drop_frames_to_3(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)frame;
	return header->type == WIRE_MCAST && to == 3;
}

START_TEST(safe_is_not_delivered_while_one_lacks_it)
{
	start_ring(3);
	net->drops = drop_frames_to_3;
	ck_assert_int_eq(send_text(1, TOTEM_AGREED, "agreed"), 0);
	run_for(10);
	ck_assert_str_eq(node_of(2)->log, "1:agreed\n");
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_for(100);
	ck_assert_str_eq(node_of(2)->log, "1:agreed\n");
	net->drops = NULL;
	run_until_received(2, 1000);
	ck_assert_str_eq(node_of(3)->log, "1:agreed\n1:safe\n");
}
END_TEST

START_TEST(safe_moves_to_the_transitional_configuration)
{
	start_ring(3);
	net->drops = drop_frames_to_3;
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_for(10);
	node_crash(3);
	run_until_ring(2, 9000);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2 -3\n1:safe\nregular 1 2\n");
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
}
END_TEST

START_TEST(a_plain_member_turns_safe_off)
{
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.features = id == (uint32_t)_i ? 0 : WIRE_FEATURE_SAFE;
		node_start(id);
	}
	run_until_ring(3, 3000);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert(!totem_engine_is_safe_honoured(node_of(id)->engine));
	run_for(5);
	clear_logs();
	ck_assert_int_eq(send_text(1, TOTEM_SAFE, "safe"), 0);
	run_until_received(1, 10);
}
END_TEST

/* --- numbers wrap, bytes swap --- */

START_TEST(sequence_numbers_wrap)
{
	options.first_seq = 0xFFFFFFC0u;
	start_ring(3);
	for (uint32_t i = 0; i < 60; i++) {
		send_many(1, 2);
		send_many(2, 2);
		run_for(1);
	}
	run_until_received(240, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);

	struct totem_probe probe;

	totem_engine_probe(node_of(1)->engine, &probe);
	ck_assert_uint_lt(probe.high_seq, 0x1000);
	node_crash(2);
	run_until_ring(2, 9000);
}
END_TEST

START_TEST(byte_orders_mix)
{
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.swap = id == (uint32_t)_i;
		node_start(id);
	}
	run_until_ring(3, 3000);
	run_for(5);
	clear_logs();
	for (uint32_t id = 1; id <= 3; id++)
		send_many(id, 20);
	run_until_received(60, 1000);
	ck_assert_str_eq(node_of(1)->log, node_of(2)->log);
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	/* Frames of the other byte order survive a recovery. */
	net->drops = drop_frames_to_3;
	send_many(2, 5);
	run_for(10);
	net->drops = NULL;
	node_crash(1);
	run_until_ring(2, 9000);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
	ck_assert_ptr_nonnull(strstr(node_of(3)->log, "2:m2.4"));
}
END_TEST

/* --- nodes that stumble --- */

START_TEST(a_paused_node_comes_back_by_one_merge)
{
	struct node *node;

	start_ring(3);
	node = node_of(3);
	node->is_paused = true;
	run_for(_i < 2 ? 2500 : 9125); /* while the other nodes still wait, or when they have formed a ring */
	clear_logs();
	node_resume(node, _i % 2 == 0);
	run_until_ring(3, 5000);
	ck_assert_uint_eq(node->paused, 1);
	if (_i < 2)
		ck_assert_str_eq(node_of(1)->log, "");
	else
		ck_assert_str_eq(node_of(1)->log, "transitional 1 2\nregular 1 2 3 +3\n");
}
END_TEST

/* Node 3 was paused for longer than its own token timeout, but the others wait longer. Their token is in its socket. */
START_TEST(a_token_behind_a_pause_ends_the_doubt)
{
	struct node *node;

	start_ring(3);
	node = node_of(3);
	options.nodeid = 3;
	options.token_ns = 1000 * MS;
	ck_assert_int_eq(totem_engine_reconfigure(node->engine, net->now_ns, &options), 0);
	run_for(2000);
	node->is_paused = true;
	run_for(1200);
	node_resume(node, false);
	ck_assert_uint_eq(node->paused, 1);
	run_for(500);
	ck_assert_uint_eq(node->gathered, 0);
}
END_TEST

START_TEST(who_cannot_receive_takes_itself_out)
{
	options.fail_recv_const = 50;
	start_ring(3);
	net->drops = drop_frames_to_3;
	send_many(1, 2);
	/* fail_recv_const is reached within milliseconds, but a token timeout must pass as well. */
	run_for(3600);
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 0);
	run_for(200);
	ck_assert_uint_ge(node_of(3)->failed_to_receive, 1);
	ck_assert_ptr_nonnull(strstr(node_of(1)->log, "transitional 1 2 -3\nregular 1 2\n"));
	net->drops = NULL;
	run_until_ring(3, 20000);
}
END_TEST

START_TEST(options_are_checked)
{
	static const uint32_t without_own[] = {7, 8};
	const char *which = NULL;
	struct totem_options good, bad;

	totem_options_defaults(&good, 1, 3);
	ck_assert_int_eq(totem_options_check(&good, &which), 0);
	ck_assert_uint_eq(good.token_ns, 3650 * MS);
	ck_assert_uint_eq(good.token_retransmit_ns, 869 * MS);
	ck_assert_uint_eq(good.hold_ns, 685 * MS);
	ck_assert_uint_eq(good.consensus_ns, 4380 * MS);
#define BAD(member, value) \
	do { \
		bad = good; \
		bad.member = value; \
		ck_assert_int_eq(totem_options_check(&bad, &which), -EINVAL); \
		ck_assert_str_eq(which, #member); \
	} while (0)
	BAD(nodeid, 0);
	BAD(node_count, WIRE_NODES_MAX + 1);
	BAD(token_ns, 29 * MS);
	BAD(token_retransmit_ns, 29 * MS);
	BAD(hold_ns, 13 * MS);
	BAD(join_ns, 29 * MS);
	BAD(consensus_ns, 49 * MS);
	BAD(merge_ns, 0);
	BAD(max_network_delay_ns, 29 * MS);
	BAD(token_warning_percent, 101);
	BAD(window_size, 0);
	BAD(window_size, 4097);
	BAD(max_messages, 0);
	BAD(payload_max, 127);
	BAD(payload_max, 65447);
	good.node_count = 2;
	BAD(nodes, without_own);
}
END_TEST

START_TEST(options_change_at_run_time)
{
	start_ring(2);
	options.nodeid = 1;
	options.token_ns = 1000 * MS;
	options.max_messages = net->visit_frames_max = 40;
	ck_assert_int_eq(totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), 0);
	options.nodeid = 2;
	ck_assert_int_eq(totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), -EINVAL);
	run_for(800); /* timers that run keep their length, and the token that is held returns */
	node_crash(2);
	run_for(1500);
	ck_assert_uint_eq(node_of(1)->gathered, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, one_node_is_a_ring);
	tcase_add_loop_test(tcase, nodes_become_one_ring, 1, NODES_MAX + 1);
	tcase_add_test(tcase, messages_have_one_order);
	tcase_add_test(tcase, large_messages_arrive_whole);
	tcase_add_test(tcase, a_full_queue_refuses_and_calls_back);
	tcase_add_test(tcase, a_lost_frame_is_asked_for);
	tcase_add_test(tcase, what_befalls_the_token_is_counted);
	tcase_add_test(tcase, a_commit_token_goes_out_until_it_gets_through);
	tcase_add_test(tcase, a_repeat_of_the_first_rotation_is_not_the_second);
	tcase_add_test(tcase, loss_of_everything_slows_but_does_not_break);
	tcase_add_test(tcase, a_crash_is_recovered_from);
	tcase_add_test(tcase, a_crashed_node_comes_back);
	tcase_add_test(tcase, a_leave_takes_no_timer);
	tcase_add_test(tcase, a_joiner_gets_what_follows_a_long_message);
	tcase_add_test(tcase, partitions_merge);
	tcase_add_test(tcase, a_broken_disk_keeps_a_node_out);
	tcase_add_test(tcase, an_idle_ring_is_quiet);
	tcase_add_loop_test(tcase, a_message_ends_the_idling, 1, 4);
	tcase_add_test(tcase, safe_waits_for_everybody);
	tcase_add_test(tcase, safe_is_not_delivered_while_one_lacks_it);
	tcase_add_test(tcase, safe_moves_to_the_transitional_configuration);
	tcase_add_loop_test(tcase, a_plain_member_turns_safe_off, 1, 4);
	tcase_add_test(tcase, sequence_numbers_wrap);
	tcase_add_loop_test(tcase, byte_orders_mix, 1, 4);
	tcase_add_loop_test(tcase, a_paused_node_comes_back_by_one_merge, 0, 4);
	tcase_add_test(tcase, a_token_behind_a_pause_ends_the_doubt);
	tcase_add_test(tcase, who_cannot_receive_takes_itself_out);
	tcase_add_test(tcase, options_are_checked);
	tcase_add_test(tcase, options_change_at_run_time);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
