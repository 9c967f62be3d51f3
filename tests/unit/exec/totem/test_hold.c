/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The representative of an idle ring holds the token, and releases it for a member that needs it: rings of three
 * engines.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define SOON_NS (5 * MS) /* several rotations, and far less than a hold */

static uint32_t deaf;        /* this node loses frames of other nodes; 0: none does */
static uint32_t deaf_to_seq; /* frames with lower seqs than this are not lost */
static uint32_t lacking;     /* this node loses the frame with lacking_seq; 0: none does */
static uint32_t lacking_seq;

static bool is_lost(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_mcast mcast;

	(void)n;
	if (header->type != WIRE_MCAST || from == to)
		return false;
	ck_assert_int_eq(wire_decode_mcast(frame->data, frame->size, &mcast), WIRE_OK);
	return (to == deaf && mcast.seq >= deaf_to_seq) || (to == lacking && mcast.seq == lacking_seq);
}

/* Return the seq of the next frame of an idle ring. */
static uint32_t next_seq(void) { return node_of(1)->engine->pass.token.seq + 1; }

static void set_up(void)
{
	net_setup();
	options.hold_ns = 150 * MS;
	deaf = deaf_to_seq = lacking = 0;
}

static uint64_t tokens(void) { return totem_engine_counters(node_of(1)->engine)->token_tx; }

static bool holds(uint32_t id)
{
	struct totem_probe probe;

	totem_engine_probe(node_of(id)->engine, &probe);
	return probe.is_held;
}

/* Start an idle ring whose representative has just begun to hold the token. */
static void start_idle(void)
{
	start_ring(3);
	run_for(1000);
	net->drops = is_lost;
	for (int i = 0; i < 100000 && !holds(1); i++)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert(holds(1));
}

START_TEST(an_idle_ring_turns_once_in_a_hold)
{
	start_idle();
	uint64_t before = tokens();

	run_for(1500);
	ck_assert_uint_ge(tokens() - before, 8);
	ck_assert_uint_le(tokens() - before, 10);
}
END_TEST

START_TEST(a_message_does_not_wait_for_the_hold)
{
	start_idle();
	uint64_t began_ns = net->now_ns;

	send_text((uint32_t)_i, TOTEM_AGREED, "x");
	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, SOON_NS);
}
END_TEST

static uint32_t tokens_to_lose;

static bool is_lost_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to, (void)frame;
	return header->type == WIRE_TOKEN && tokens_to_lose > 0 && tokens_to_lose-- > 0;
}

/* Otherwise the token would be sent again only when a held token counts as lost. */
START_TEST(a_token_that_is_lost_behind_a_hold_is_sent_again_soon)
{
	start_idle();
	net->drops = is_lost_token;
	tokens_to_lose = 1;
	uint64_t began_ns = net->now_ns;

	send_text(2, TOTEM_AGREED, "x");
	run_until_received(1, 1000);
	ck_assert_uint_eq(tokens_to_lose, 0);
	ck_assert_uint_lt(net->now_ns - began_ns, options.hold_ns / 3);
}
END_TEST

/*
 * Node 2 misses frames for longer than the ring takes to become idle. Node 3 answers its requests, so node 1, the
 * representative, does not see them.
 */
START_TEST(a_missing_frame_does_not_wait_for_the_hold)
{
	start_idle();
	deaf = 2;
	send_text(3, TOTEM_AGREED, "x");
	/* Try each moment of a time that would otherwise be a hold and a rotation. */
	run_for(50 + 10 * (uint64_t)_i);
	ck_assert_uint_eq(node_of(1)->received, 1);
	ck_assert_uint_eq(node_of(2)->received, 0);
	deaf = 0;
	uint64_t began_ns = net->now_ns;

	run_until_received(1, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, SOON_NS);
	/* Afterwards the ring is idle again. */
	run_for(50);
	uint64_t before = tokens();
	run_for(1500);
	ck_assert_uint_le(tokens() - before, 10);
}
END_TEST

static uint64_t tokens_in(uint64_t ms)
{
	uint64_t before = tokens();

	run_for(ms);
	return tokens() - before;
}

/* Node 2 cannot receive. Its limit of rotations without success is too high to be reached. */
START_TEST(a_member_that_receives_nothing_does_not_keep_the_ring_turning)
{
	options.token_ns = 1000 * MS;
	options.fail_recv_const = 1000000;
	start_idle();
	deaf = 2;
	send_text(3, TOTEM_AGREED, "x");
	ck_assert_uint_ge(tokens_in(1900), 4000);
	run_for(200);
	ck_assert_uint_le(tokens_in(1500), 11);
	ck_assert_uint_eq(node_of(2)->failed_to_receive, 0);
	/* Node 2 gets the frame as soon as the token comes round. */
	deaf = 0;
	run_until_received(1, 200);
}
END_TEST

/*
 * Node 2 receives the frames one after the other. Each arrival makes the representative pass the token on for a
 * while, instead of holding it.
 */
START_TEST(each_frame_that_arrives_gives_the_others_time)
{
	options.token_ns = 300 * MS;
	options.fail_recv_const = 1000000;
	start_idle();
	deaf_to_seq = next_seq();
	deaf = 2;
	for (int i = 0; i < 3; i++) {
		send_text(3, TOTEM_AGREED, "x");
		run_for(50);
	}
	for (uint32_t i = 0; i < 2; i++) {
		run_for(800);
		ck_assert_uint_le(tokens_in(300), 3); /* the representative holds the token */
		deaf_to_seq++;
		while (node_of(2)->received == i)
			ck_assert(net_step(net, UINT64_MAX));
		/* The representative notices the progress in the next rotation. */
		run_for(options.hold_ns / MS + 5);
		ck_assert_uint_ge(tokens_in(100), 200);
	}
}
END_TEST

/*
 * Node 3 is furthest behind. When it has all frames it raises the aru, although node 2, which comes before it, still
 * lacks a frame.
 */
START_TEST(one_tokens_aru_does_not_show_that_all_have_all)
{
	start_idle();
	deaf_to_seq = next_seq();
	lacking_seq = deaf_to_seq + 1;
	deaf = 3;
	lacking = 2;
	send_text(1, TOTEM_AGREED, "x");
	run_for(20);
	send_text(1, TOTEM_AGREED, "y");
	run_for(50);
	ck_assert_uint_eq(node_of(3)->received, 0);
	ck_assert_uint_eq(node_of(2)->received, 1);
	deaf = 0;
	while (node_of(3)->received < 2)
		ck_assert(net_step(net, UINT64_MAX));
	run_for(1);
	ck_assert_uint_eq(node_of(2)->received, 1);
	lacking = 0;
	uint64_t began_ns = net->now_ns;

	run_until_received(2, 1000);
	ck_assert_uint_lt(net->now_ns - began_ns, SOON_NS);
}
END_TEST

/* A member that lacks a frame removes itself, and no other member does. */
START_TEST(a_deaf_member_alone_fails_to_receive)
{
	options.token_ns = 1000 * MS;
	options.fail_recv_const = 100;
	start_idle();
	deaf = (uint32_t)_i;
	send_text(deaf % 3 + 1, TOTEM_AGREED, "x");
	run_for(1100);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->failed_to_receive, id == deaf);
}
END_TEST

/* Node 1 gets a hold cancel of node 2. */
static void cancel_hold(void)
{
	const struct wire_hold_cancel cancel = {.nodeid = 2, .ring = node_of(1)->engine->ring};
	uint8_t bytes[64];

	feed(1, bytes, wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes)));
}

/* Start a fast ring in which node 1 alone is ours, or all are. Then node 2 gets no frames any more. */
static void start_lacking(uint32_t fail_recv_const, bool all_ours)
{
	const uint64_t features = options.features;

	options.token_ns = 1000 * MS;
	options.fail_recv_const = fail_recv_const;
	net->delay_ns = 20000;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.features = id == 1 || all_ours ? features : 0;
		node_start(id);
	}
	run_until_ring(3, 5000);
	net->drops = is_lost;
	run_for(1000);
	node_of(2)->engine->installed.features = node_of(3)->engine->installed.features = 1; /* they keep no token */
	deaf = 2;
	send_text(3, TOTEM_AGREED, "x");
}

/* Return the visits of node 2 in some time. Messages of clients and hold cancels change nothing. */
static uint32_t visits_of_busy_ring(uint32_t ms)
{
	uint32_t before = node_of(2)->visits;

	for (uint32_t i = 0; i < ms; i++) {
		send_text(i % 3 == 0 ? 3 : 1, TOTEM_AGREED, "y");
		cancel_hold();
		run_for(1);
	}
	return node_of(2)->visits - before;
}

/*
 * Node 1 lets a Corosync node pass no more visits in a token timeout than those after which it leaves. Afterwards the ring
 * is as fast as before.
 */
START_TEST(a_member_without_features_has_a_token_timeout_to_get_frames)
{
	uint32_t visits;

	start_lacking(2500, false);
	visits = visits_of_busy_ring(980);
	ck_assert_uint_ge(visits, 2000);
	ck_assert_uint_le(visits, 2500);
	deaf = 0;
	run_until_received(981, 100);
	visits = node_of(2)->visits;
	for (int i = 0; i < 10; i++) {
		send_text(3, TOTEM_AGREED, "z");
		run_for(2);
	}
	ck_assert_uint_ge(node_of(2)->visits - visits, 150);
}
END_TEST

START_TEST(a_ring_of_our_nodes_stays_fast)
{
	start_lacking(2500, true);
	ck_assert_uint_ge(visits_of_busy_ring(245), 2000);
}
END_TEST

/* With so few visits each rotation would be long, and each lost frame would hold the ring up. */
START_TEST(a_ring_with_a_small_limit_stays_fast)
{
	start_lacking(500, false);
	ck_assert_uint_ge(visits_of_busy_ring(245), 2000);
}
END_TEST

START_TEST(a_paced_token_takes_no_later_frames)
{
	const struct totem_engine *engine;

	start_lacking(2500, false);
	run_for(300);
	engine = node_of(1)->engine;
	while (engine->place != TOKEN_PACED)
		ck_assert(net_step(net, UINT64_MAX));

	uint32_t seq = engine->pass.token.seq;

	send_text(1, TOTEM_AGREED, "y");
	while (engine->place == TOKEN_PACED)
		ck_assert(net_step(net, UINT64_MAX));
	ck_assert_uint_eq(engine->pass.token.seq, seq);
}
END_TEST

/*
 * A message of a client waits for the end of the synchronisation. More rotations would not help, so the ring is idle.
 */
START_TEST(a_message_behind_a_synchronisation_keeps_no_token_turning)
{
	static char text[] = "x";
	struct iovec iov = {text, sizeof(text)};

	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		node_of(id)->syncs_by_hand = true;
		node_start(id);
	}
	run_until_ring(3, 5000);
	ck_assert_int_eq(totem_engine_send_in_order(node_of(1)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	run_for(1000);
	ck_assert_uint_le(tokens_in(1500), 10);
	for (uint32_t id = 1; id <= 3; id++)
		totem_engine_synchronized(node_of(id)->engine, net->now_ns);
	run_until_received(1, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hold");
	TCase *tcase = tcase_create("hold");

	tcase_add_checked_fixture(tcase, set_up, net_teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_idle_ring_turns_once_in_a_hold);
	tcase_add_loop_test(tcase, a_message_does_not_wait_for_the_hold, 1, 4);
	tcase_add_test(tcase, a_token_that_is_lost_behind_a_hold_is_sent_again_soon);
	tcase_add_loop_test(tcase, a_missing_frame_does_not_wait_for_the_hold, 0, 16);
	tcase_add_test(tcase, a_member_that_receives_nothing_does_not_keep_the_ring_turning);
	tcase_add_test(tcase, each_frame_that_arrives_gives_the_others_time);
	tcase_add_test(tcase, one_tokens_aru_does_not_show_that_all_have_all);
	tcase_add_loop_test(tcase, a_deaf_member_alone_fails_to_receive, 1, 4);
	tcase_add_test(tcase, a_member_without_features_has_a_token_timeout_to_get_frames);
	tcase_add_test(tcase, a_ring_of_our_nodes_stays_fast);
	tcase_add_test(tcase, a_ring_with_a_small_limit_stays_fast);
	tcase_add_test(tcase, a_paced_token_takes_no_later_frames);
	tcase_add_test(tcase, a_message_behind_a_synchronisation_keeps_no_token_turning);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
