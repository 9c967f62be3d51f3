/* SPDX-License-Identifier: BSD-3-Clause */
/* The effect of each option of the totem section: the same scenario runs with two values of the option. */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* Packets of node 1 to node 2, by type, and the time of the first one of each type. */
static uint32_t sent[6];
static uint64_t first_ns[6];
static uint32_t deaf; /* node that gets no packet of the types in `lost`, 0: no node */
static uint8_t lost;

static bool watches(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)frame;
	if (from == 1 && to == 2 && header->type < 6 && sent[header->type]++ == 0)
		first_ns[header->type] = n->now_ns;
	return to == deaf && header->type == lost;
}

static void forget(void)
{
	memset(sent, 0, sizeof(sent));
	memset(first_ns, 0, sizeof(first_ns));
}

/* Prepare a ring of three with timers that tests can make longer and shorter. */
static void set_up(void)
{
	net_setup();
	options.token_ns = 1000 * MS;
	options.token_retransmit_ns = 200 * MS;
	options.hold_ns = 150 * MS;
	options.consensus_ns = 1200 * MS;
	deaf = 0;
	forget();
}

static void again(void)
{
	net_teardown();
	set_up();
}

static void start(void)
{
	start_ring(3);
	net->drops = watches;
	forget();
}

static uint64_t since_ms(uint64_t from_ns) { return (net->now_ns - from_ns) / MS; }

/* Run until node 1 begins to gather. Fails after 20 s. @return the time, ns */
static uint64_t run_until_gathered(void)
{
	uint64_t limit_ns = net->now_ns + 20000 * MS;

	while (node_of(1)->gathered == 0)
		ck_assert(net_step(net, limit_ns));
	return net->now_ns;
}

/* End node 3 without a leave. @return milliseconds until node 1 notices */
static uint64_t loss_ms(void)
{
	start();
	node_crash(3);
	forget();

	uint64_t began_ns = net->now_ns;

	return run_until_gathered(), since_ms(began_ns);
}

START_TEST(token_is_how_long_it_may_be_missing)
{
	uint64_t one = loss_ms();

	again();
	options.token_ns = 3000 * MS;
	uint64_t three = loss_ms();

	ck_assert_uint_le(one, 1200);
	ck_assert_uint_ge(three, one + 1700);
}
END_TEST

/* Lose the token. @return milliseconds from the loss to the ring of the remaining nodes */
static uint64_t consensus_ms(void)
{
	loss_ms();

	uint64_t began_ns = net->now_ns;

	run_until_ring(2, 20000);
	return since_ms(began_ns);
}

START_TEST(consensus_is_how_long_joins_are_waited_for)
{
	uint64_t one = consensus_ms();

	again();
	options.consensus_ns = 3000 * MS;
	ck_assert_uint_ge(consensus_ms(), one + 1500);
}
END_TEST

START_TEST(join_is_the_time_between_two)
{
	options.join_ns = 50 * MS;
	consensus_ms();
	uint32_t many = sent[WIRE_JOIN];

	again();
	options.join_ns = 400 * MS;
	consensus_ms();
	ck_assert_uint_ge(sent[WIRE_JOIN], 1);
	ck_assert_uint_ge(many, 3 * sent[WIRE_JOIN]);
}
END_TEST

START_TEST(send_join_puts_the_first_join_off)
{
	loss_ms();

	uint64_t began_ns = net->now_ns;

	run_for(1);
	ck_assert_uint_eq(first_ns[WIRE_JOIN], began_ns);
	again();
	options.send_join_ns = 600 * MS;
	loss_ms();
	began_ns = net->now_ns;
	run_for(601);
	ck_assert_uint_ge(sent[WIRE_JOIN], 1);
	ck_assert_uint_gt(first_ns[WIRE_JOIN], began_ns);
	ck_assert_uint_le(first_ns[WIRE_JOIN], began_ns + 600 * MS);
}
END_TEST

/* Return the number of packets of a type that node 1 sends in an idle ring. */
static uint32_t idle_count(uint8_t type, uint64_t ms)
{
	start();
	run_for(1000); /* the ring becomes idle */
	forget();
	run_for(ms);
	return sent[type];
}

START_TEST(merge_is_the_time_between_two_looks_for_other_rings)
{
	options.merge_ns = 200 * MS;
	uint32_t many = idle_count(WIRE_MERGE_DETECT, 10000);

	again();
	options.merge_ns = 2000 * MS;
	uint32_t few = idle_count(WIRE_MERGE_DETECT, 10000);

	ck_assert_uint_ge(few, 1);
	ck_assert_uint_ge(many, 4 * few);
}
END_TEST

START_TEST(hold_is_how_long_an_idle_token_stays)
{
	options.hold_ns = 50 * MS;
	uint32_t many = idle_count(WIRE_TOKEN, 5000);

	again();
	options.hold_ns = 190 * MS;
	uint32_t few = idle_count(WIRE_TOKEN, 5000);

	ck_assert_uint_ge(few, 10);
	ck_assert_uint_ge(many, 3 * few);
}
END_TEST

/* Lose the tokens to node 2. @return how often node 1 sent the token again before it gathered */
static uint64_t retransmits(void)
{
	options.features = 0; /* like a ring with Corosync's nodes: otherwise the interval follows the round trip */
	start();
	deaf = 2;
	lost = WIRE_TOKEN;
	uint64_t before = totem_engine_counters(node_of(1)->engine)->token_retx;

	run_until_gathered();
	return totem_engine_counters(node_of(1)->engine)->token_retx - before;
}

START_TEST(token_retransmit_is_the_time_between_two)
{
	uint64_t few = retransmits();

	again();
	options.token_retransmit_ns = 40 * MS;
	ck_assert_uint_ge(retransmits(), 3 * few);
	ck_assert_uint_ge(few, 2);
}
END_TEST

/* Return the number of tokens that node 1 sends in the second after a message. */
static uint32_t busy_count(void)
{
	start();
	run_for(1000);
	forget();
	send_text(2, TOTEM_AGREED, "x");
	run_for(1000);
	return sent[WIRE_TOKEN];
}

START_TEST(seqno_unchanged_is_the_number_of_rotations_before_it_is_idle)
{
	options.seqno_unchanged_const = 30;
	uint32_t few = busy_count();

	again();
	options.seqno_unchanged_const = 300;
	ck_assert_uint_ge(busy_count(), few + 200);
}
END_TEST

START_TEST(heartbeats_miss_the_token_sooner)
{
	options.token_ns = 5000 * MS;
	uint64_t without = loss_ms();

	again();
	options.token_ns = 5000 * MS;
	options.heartbeat_failures_allowed = 3;
	options.max_network_delay_ns = 50 * MS;
	uint64_t three = loss_ms();

	again();
	options.token_ns = 5000 * MS;
	options.heartbeat_failures_allowed = 6;
	options.max_network_delay_ns = 50 * MS;
	uint64_t six = loss_ms();

	again();
	options.token_ns = 5000 * MS;
	options.heartbeat_failures_allowed = 3;
	options.max_network_delay_ns = 1050 * MS;
	uint64_t slow = loss_ms();

	ck_assert_uint_ge(six, three + 300);
	ck_assert_uint_ge(slow, three + 800);
	ck_assert_uint_ge(without, slow + 1000);
}
END_TEST

/* Start a ring in which node 3 receives nothing of node 1. */
static void start_deaf(void)
{
	start();
	run_for(1000);
	deaf = 3;
	lost = WIRE_MCAST;
	forget();
	send_text(1, TOTEM_AGREED, "x");
}

/* Let node 3 miss a frame. @return rotations until node 3 requests it */
static uint32_t rotations_to_request(void)
{
	start_deaf();
	while (node_of(3)->requested == 0)
		ck_assert(net_step(net, net->now_ns + 1000 * MS));
	return sent[WIRE_TOKEN];
}

/* Coterie requests a frame after one or two rotations, even if a larger value is set: coterie.conf(5) says so. */
START_TEST(miss_count_is_one_rotation_or_two)
{
	options.miss_count_const = 1;
	uint32_t one = rotations_to_request();

	again();
	options.miss_count_const = 2;
	uint32_t two = rotations_to_request();

	again();
	options.miss_count_const = 21;
	ck_assert_uint_eq(two, one + 1);
	ck_assert_uint_eq(rotations_to_request(), two);
}
END_TEST

/* Let node 3 miss frames. @return rotations until node 1 gathers without node 3 */
static uint32_t rotations_to_failure(void)
{
	start_deaf();
	run_until_gathered();
	return sent[WIRE_TOKEN];
}

START_TEST(fail_recv_is_the_number_of_rotations_before_a_node_is_given_up)
{
	options.fail_recv_const = 100;
	uint32_t few = rotations_to_failure();

	again();
	options.fail_recv_const = 8000;
	ck_assert_uint_ge(rotations_to_failure(), few + 3000);
}
END_TEST

/* Return the number of tokens during a request for a frame that no node sends. */
static uint32_t asked_count(bool cancels)
{
	options.cancel_token_hold_on_retransmit = cancels;
	options.features = 0; /* as in a ring with Corosync's nodes */
	start_deaf();
	run_for(400);
	return sent[WIRE_TOKEN];
}

/* The option has no effect here: only Corosync holds a token with a request. */
START_TEST(a_token_that_asks_is_not_held)
{
	ck_assert_uint_ge(asked_count(false), 400);
	again();
	ck_assert_uint_ge(asked_count(true), 400);
}
END_TEST

/* Let three nodes send messages. @return rotations until all nodes have all messages */
static uint32_t rotations_for_many(void)
{
	options.features = 0; /* without features the window is the configured one */
	net->visit_frames_max = 4096;
	start();
	for (uint32_t i = 0; i < 60; i++)
		for (uint32_t id = 1; id <= 3; id++) {
			static char text[1300];
			struct iovec iov = {text, sizeof(text)};

			ck_assert_int_eq(totem_engine_send(node_of(id)->engine, net->now_ns, TOTEM_AGREED, &iov, 1), 0);
		}
	run_until_received(180, 10000);
	return sent[WIRE_TOKEN];
}

START_TEST(window_size_bounds_a_rotation)
{
	uint32_t few = rotations_for_many();

	again();
	options.window_size = 6;
	ck_assert_uint_ge(rotations_for_many(), 3 * few);
}
END_TEST

START_TEST(max_messages_bound_a_visit)
{
	uint32_t few = rotations_for_many();

	again();
	options.max_messages = 2;
	ck_assert_uint_ge(rotations_for_many(), 3 * few);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine_options");
	TCase *tcase = tcase_create("options");

	tcase_add_checked_fixture(tcase, set_up, net_teardown);
	tcase_add_test(tcase, token_is_how_long_it_may_be_missing);
	tcase_add_test(tcase, consensus_is_how_long_joins_are_waited_for);
	tcase_add_test(tcase, join_is_the_time_between_two);
	tcase_add_test(tcase, send_join_puts_the_first_join_off);
	tcase_add_test(tcase, merge_is_the_time_between_two_looks_for_other_rings);
	tcase_add_test(tcase, hold_is_how_long_an_idle_token_stays);
	tcase_add_test(tcase, token_retransmit_is_the_time_between_two);
	tcase_add_test(tcase, seqno_unchanged_is_the_number_of_rotations_before_it_is_idle);
	tcase_add_test(tcase, heartbeats_miss_the_token_sooner);
	tcase_add_test(tcase, miss_count_is_one_rotation_or_two);
	tcase_add_test(tcase, fail_recv_is_the_number_of_rotations_before_a_node_is_given_up);
	tcase_add_test(tcase, a_token_that_asks_is_not_held);
	tcase_add_test(tcase, window_size_bounds_a_rotation);
	tcase_add_test(tcase, max_messages_bound_a_visit);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
