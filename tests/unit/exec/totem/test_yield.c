/* SPDX-License-Identifier: BSD-3-Clause */
/* A delivery yields to the loop in the middle of a frame: exec/totem/deliver.c, in rings of three engines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define COUNT 300u

/* Start a ring. Return node 3, which yields behind each message. */
static struct node *start(void)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	node_of(3)->yields = true;
	return node_of(3);
}

/* Send short messages, many in a frame, and each tenth one in parts of several frames. */
static void send_messages(uint32_t count)
{
	static char text[4000];

	for (uint32_t i = 0; i < count; i++) {
		struct iovec iov = {text, i % 10 == 9 ? sizeof(text) : 30};

		snprintf(text, sizeof(text), "m%u", i);
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	}
}

/* Handle the next event. While the delivery of node 3 has yielded that is T-deliver. */
static void step(void)
{
	struct node *node = node_of(3);

	if (!totem_engine_has_yielded(node->engine)) {
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
		return;
	}
	ck_assert_uint_le(node->timers[TOTEM_TIMER_DELIVER], net->now_ns);
	node->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
	totem_engine_timeout(node->engine, net->now_ns, TOTEM_TIMER_DELIVER);
}

/* Run until node 3 has delivered a part of a frame. */
static void begin(uint32_t count)
{
	send_messages(count);
	while (!node_of(3)->engine->delivery.is_partial)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert(totem_engine_has_yielded(node_of(3)->engine));
}

static void check_logs(void)
{
	ck_assert_str_eq(node_of(1)->log, node_of(3)->log);
	ck_assert_str_eq(node_of(2)->log, node_of(3)->log);
}

/* Each event delivers one message, at the same time and in the same order as on the others. */
START_TEST(one_message_in_an_event)
{
	struct node *node = start();
	uint32_t most = 0;

	send_messages(COUNT);
	for (uint32_t before = 0; node->received < COUNT; before = node->received) {
		step();
		if (node->received - before > most)
			most = node->received - before;
	}
	ck_assert_uint_eq(most, 1);
	run_until_received(COUNT, 1000);
	check_logs();
	run_for(100);
	ck_assert(!totem_engine_has_yielded(node->engine));
	ck_assert_uint_eq(node->engine->delivery.high, node->engine->store.high_seq);
	ck_assert_uint_eq(node->engine->store.released, node->engine->store.high_seq);
}
END_TEST

/* A visit of the token in the event that yields delivers no more. The timer then delivers all that is ready. */
START_TEST(a_token_in_the_same_event)
{
	struct node *node = start();
	uint32_t visits, received;

	begin(COUNT);
	visits = node->visits;
	received = node->received;
	pass_finish(node->engine, false);
	ck_assert_uint_eq(node->received, received);
	node->yields = false;
	while (totem_engine_has_yielded(node->engine))
		step();
	ck_assert_uint_eq(node->visits, visits);
	ck_assert_uint_gt(node->received, received + 1);
	ck_assert_uint_eq(node->engine->delivery.high, node->engine->store.aru);
	run_until_received(COUNT, 1000);
	check_logs();
}
END_TEST

/*
 * Before a packet (0), another timer (1) and the end (2) all that is left of the event is delivered, whatever the user
 * asks for.
 */
START_TEST(what_is_left_comes_first)
{
	struct node *node = start();
	uint8_t byte = 0;
	uint32_t high;

	begin(COUNT);
	high = node->engine->store.aru;
	ck_assert_uint_ge(high, node->engine->delivery.high);
	node->timers[TOTEM_TIMER_DELIVER] = TOTEM_NEVER;
	switch (_i) {
	case 0:
		feed(3, &byte, 1);
		break;
	case 1:
		totem_engine_timeout(node->engine, node->timers[TOTEM_TIMER_TOKEN], TOTEM_TIMER_TOKEN);
		break;
	case 2:
		totem_engine_leave(node->engine, net->now_ns);
		break;
	}
	ck_assert(!totem_engine_has_yielded(node->engine));
	ck_assert(!node->engine->delivery.is_partial);
	ck_assert_uint_eq(node->engine->delivery.high, high);
	if (_i == 2)
		return;
	run_until_ring(3, 5000);
	run_until_received(COUNT, 5000);
	run_for(100);
	ck_assert_uint_eq(node->received, COUNT);
}
END_TEST

/*
 * Behind each share of a backlog, of 8 frames here, packets are handled, whether the deliveries yield (1) or not (0): the
 * ring does not wait for the whole backlog.
 */
START_TEST(packets_come_between_the_shares_of_a_backlog)
{
	static char text[1300];
	struct iovec iov = {text, sizeof(text)};
	uint32_t most = 0, run = 0;
	struct node *node;

	options.deliver_frames = 8;
	options.max_messages = options.window_size = 201;
	net->visit_frames_max = 4096;
	node = start();
	node->yields = false;
	net->drops = drops_first_frame;
	for (uint32_t i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "m%u", i);
		ck_assert_int_eq(totem_engine_send(node_of(2)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
	}
	while (node->received == 0)
		step();
	node->yields = _i == 1;
	for (uint32_t before = node->received; node->received < 200; before = node->received) {
		step();
		run += node->received - before;
		if (run > most)
			most = run;
		if (!totem_engine_has_yielded(node->engine))
			run = 0;
	}
	ck_assert_uint_le(most, 9);
}
END_TEST

/*
 * A question is answered while something is left, and delivers nothing. Other packets, another kind of probe among them,
 * are no questions.
 */
START_TEST(a_question_is_answered_meanwhile)
{
	struct node *node = start();
	struct coterie_frame *question, *knock;
	uint32_t received, sent;

	begin(COUNT);
	received = node->received;
	question = probe_make(node_of(1)->engine, 3, WIRE_PROBE_QUESTION, &node->engine->ring, 7);
	knock = probe_make(node_of(1)->engine, 3, WIRE_PROBE_KNOCK, &node->engine->ring, 7);
	sent = net->packets[WIRE_MERGE_DETECT];
	ck_assert(totem_engine_question(node->engine, net->now_ns + MS, question));
	ck_assert_uint_eq(net->packets[WIRE_MERGE_DETECT], sent + 1);
	ck_assert(!totem_engine_question(node->engine, net->now_ns + MS, knock));
	ck_assert(totem_engine_has_yielded(node->engine));
	ck_assert_uint_eq(node->received, received);
	ck_assert_uint_eq(node->engine->heard_ns, net->now_ns + MS);
	frame_unref(question);
	frame_unref(knock);
}
END_TEST

/* With the last message nothing is left: no event is held back. */
START_TEST(the_last_message_leaves_nothing)
{
	struct node *node = start();

	send_messages(1);
	while (node->received == 0)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	ck_assert(!totem_engine_has_yielded(node->engine));
}
END_TEST

/* Messages of a frame that are left when the node stops are released: sanitizers see it. */
START_TEST(the_end_of_an_engine)
{
	(void)start();
	begin(COUNT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("yield");
	TCase *yield = tcase_create("yield");

	tcase_add_checked_fixture(yield, net_setup, net_teardown);
	tcase_add_test(yield, one_message_in_an_event);
	tcase_add_test(yield, a_token_in_the_same_event);
	tcase_add_loop_test(yield, what_is_left_comes_first, 0, 3);
	tcase_add_loop_test(yield, packets_come_between_the_shares_of_a_backlog, 0, 2);
	tcase_add_test(yield, a_question_is_answered_meanwhile);
	tcase_add_test(yield, the_last_message_leaves_nothing);
	tcase_add_test(yield, the_end_of_an_engine);
	suite_add_tcase(suite, yield);
	return suite_run(suite);
}
