/* SPDX-License-Identifier: BSD-3-Clause */
/* When a node sends joins: at once in a small ring, with pauses in a large one. */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define ALL 5u

static uint8_t bytes[256];

static uint64_t sent(void) { return totem_engine_counters(node_of(1)->engine)->join_tx; }

/* Feed node 1 a join of node `from` that lists nodes 2 to `from`, so it does not agree with node 1. */
static void feed_join(uint32_t from)
{
	static const uint32_t proc[] = {2, 3, 4, 5};

	feed(1, bytes,
		wire_encode_join(
			from, from, 0, proc, from - 1, NULL, 0, WIRE_FEATURE_SAFE, false, bytes, sizeof(bytes)));
}

/* Start node 1 alone. It is in GATHER, and has sent its first join. */
static void start_alone(uint32_t crowd)
{
	static const uint32_t nodes[] = {1, 2, 3, 4, 5};

	net->node_count = ALL;
	options.nodes = nodes;
	options.node_count = ALL;
	options.join_crowd = crowd;
	node_start(1);
	run_for(20);
	feed_join(2);
	run_for(5);
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_GATHER);
}

static void run_until(uint64_t at_ns)
{
	while (net_step(net, at_ns))
		;
	net->now_ns = at_ns;
}

START_TEST(a_small_ring_sends_each_change_at_once)
{
	uint64_t before;

	start_alone(ALL);
	before = sent();
	for (uint32_t from = 3; from <= ALL; from++) {
		feed_join(from);
		ck_assert_uint_eq(sent(), before + from - 2);
	}
}
END_TEST

START_TEST(a_crowd_sends_the_changes_of_a_short_time_together)
{
	uint64_t before, at_ns;

	start_alone(ALL - 1);
	before = sent();
	at_ns = net->now_ns;
	for (uint32_t from = 3; from <= ALL; from++)
		feed_join(from);
	ck_assert_uint_eq(sent(), before);
	run_until(at_ns + ALL * TOTEM_JOIN_WAIT_NS);
	ck_assert_uint_eq(sent(), before + 1);
	run_until(at_ns + 20 * MS);
	ck_assert_uint_eq(sent(), before + 1);
}
END_TEST

/* If the lists change shortly after a join, the next join waits for more changes. It waits longer in a larger crowd. */
START_TEST(joins_of_a_crowd_keep_a_gap_that_grows_with_it)
{
	for (uint32_t from = 3; from <= ALL; from++) {
		uint64_t before, at_ns;

		net_teardown();
		net_setup();
		start_alone(ALL - 1);
		before = sent();
		while (sent() == before)
			ck_assert(net_step(net, UINT64_MAX)); /* T-join */
		before = sent();
		at_ns = net->now_ns;
		feed_join(from);
		run_until(at_ns + from * TOTEM_JOIN_WAIT_NS * 4 / 5 - 1);
		ck_assert_uint_eq(sent(), before);
		run_until(at_ns + from * TOTEM_JOIN_WAIT_NS);
		ck_assert_uint_eq(sent(), before + 1);
	}
}
END_TEST

/* Let the join that waits leave late_ns after its time. @return how long the next one waits, which T-join makes */
static uint64_t wait_behind_a_late_join(uint64_t late_ns)
{
	uint64_t *timer = &node_of(1)->timers[TOTEM_TIMER_SEND_JOIN];
	uint64_t before = sent();

	ck_assert(*timer != TOTEM_NEVER);
	net->now_ns = *timer + late_ns;
	*timer = TOTEM_NEVER;
	totem_engine_timeout(node_of(1)->engine, net->now_ns, TOTEM_TIMER_SEND_JOIN);
	ck_assert_uint_eq(sent(), before + 1);
	node_of(1)->engine->timer_at_ns[TOTEM_TIMER_JOIN] = net->now_ns;
	totem_engine_timeout(node_of(1)->engine, net->now_ns, TOTEM_TIMER_JOIN);
	ck_assert(*timer != TOTEM_NEVER);
	return *timer - net->now_ns;
}

/* Joins that cannot be handled in time are sent less often, but not less than five times a second. */
START_TEST(joins_of_a_crowd_that_are_late_are_fewer)
{
	static const struct {
		uint64_t late_ns, gap_ns;
	} rows[] = {
		{0, 0},
		{10 * MS, 40 * MS},
		{0, 20 * MS}, /* the machine has time again */
		{0, 10 * MS},
		{20 * MS, 80 * MS},
		{3600000 * MS, 200 * MS},
		{0, 100 * MS}, /* a long stop counts no longer than a short one */
		{0, 50 * MS},
	};

	start_alone(0);
	feed_join(3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t wait_ns = wait_behind_a_late_join(rows[i].late_ns);

		ck_assert_msg(wait_ns >= rows[i].gap_ns, "row %zu: %ju", i, (uintmax_t)wait_ns);
		ck_assert_msg(
			wait_ns <= rows[i].gap_ns + ALL * TOTEM_JOIN_WAIT_NS, "row %zu: %ju", i, (uintmax_t)wait_ns);
	}
}
END_TEST

START_TEST(a_crowd_forgets_that_its_joins_were_late)
{
	start_alone(0);
	feed_join(3);
	wait_behind_a_late_join(20 * MS);
	ck_assert_uint_eq(node_of(1)->engine->joins.late_ns, 20 * MS);
	net->now_ns = node_of(1)->engine->joins.sent_ns + 999 * MS;
	node_of(1)->engine->now_ns = net->now_ns;
	join_begin(node_of(1)->engine);
	ck_assert_uint_eq(node_of(1)->engine->joins.late_ns, 20 * MS);
	node_of(1)->engine->now_ns += 2 * MS;
	join_begin(node_of(1)->engine);
	ck_assert_uint_eq(node_of(1)->engine->joins.late_ns, 0);
}
END_TEST

/* The random time of the operator is no delay. */
START_TEST(the_delay_of_the_operator_is_not_late)
{
	options.send_join_ns = 5 * MS;
	start_alone(0);
	feed_join(3);
	run_for(6);
	ck_assert_uint_eq(node_of(1)->engine->joins.late_ns, 0);
}
END_TEST

/* At its start a node knows few candidates. The number of configured nodes tells how many there may be. */
START_TEST(configured_nodes_make_a_crowd)
{
	uint64_t before;

	start_alone(ALL - 1);
	before = sent();
	feed_join(3); /* three candidates of five configured nodes */
	ck_assert_uint_eq(sent(), before);
}
END_TEST

/*
 * A join that gives nodes up is sent without a pause, since the lease depends on the time until the ring is formed:
 * failure.md, "Lease".
 */
START_TEST(a_verdict_of_a_crowd_does_not_wait)
{
	uint64_t before = 0, at_ns;

	start_alone(0);
	at_ns = node_of(1)->timers[TOTEM_TIMER_CONSENSUS];
	run_until(at_ns - 1);
	feed_join(3); /* a join with the changed lists waits, and the consensus timer has started again */
	at_ns = node_of(1)->timers[TOTEM_TIMER_CONSENSUS];
	run_until(at_ns - 1);
	before = sent();
	while (net_step(net, at_ns))
		;
	ck_assert_uint_eq(sent(), before + 1);
}
END_TEST

START_TEST(a_join_that_waits_leaves_with_a_verdict)
{
	uint64_t before, at_ns;

	start_alone(0);
	feed_join(3);
	before = sent();
	at_ns = node_of(1)->timers[TOTEM_TIMER_SEND_JOIN];
	ck_assert_uint_ne(at_ns, TOTEM_NEVER);
	totem_engine_transport(node_of(1)->engine, net->now_ns, TOTEM_EVENT_LINK_DOWN, 0);
	totem_engine_transport(node_of(1)->engine, net->now_ns, TOTEM_EVENT_LINK_UP, 0);
	ck_assert_uint_eq(sent(), before + 1);
	ck_assert_uint_eq(node_of(1)->timers[TOTEM_TIMER_SEND_JOIN], TOTEM_NEVER);
	run_until(at_ns);
	ck_assert_uint_eq(sent(), before + 1);
}
END_TEST

static bool drops_all(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return from != to;
}

/*
 * A node that the other members have given up sends its join at once: they form a ring without it, and wait for its
 * lease (failure.md, "Lease").
 */
START_TEST(a_node_left_behind_sends_its_verdict_at_once)
{
	static const uint32_t me[] = {1}, stranger[] = {4}, members[] = {1, 2, 3};
	uint64_t before, seq, episode_ns;

	options.join_crowd = 0;
	start_ring(3);
	seq = totem_engine_ring(node_of(1)->engine)->seq;
	net->drops = drops_all;
	while (totem_engine_state(node_of(1)->engine) != TOTEM_GATHER)
		ck_assert(net_step(net, UINT64_MAX));
	episode_ns = net->now_ns;
	/* The consensus timer starts again in the middle of this wait. */
	run_until(episode_ns + options.consensus_ns / 2);
	feed(1, bytes, wire_encode_join(4, 4, 0, stranger, 1, NULL, 0, WIRE_FEATURE_SAFE, false, bytes, sizeof(bytes)));
	feed(1, bytes, wire_encode_join(4, 4, 0, stranger, 1, me, 1, WIRE_FEATURE_SAFE, false, bytes, sizeof(bytes)));
	run_until(episode_ns + options.consensus_ns + MS);
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_GATHER);
	before = sent();
	feed(1, bytes, wire_encode_join(2, 2, seq, members, 3, me, 1, WIRE_FEATURE_SAFE, false, bytes, sizeof(bytes)));
	ck_assert_uint_eq(sent(), before + 1);
}
END_TEST

/* Put node 1 into a new ring of three, which has not merged with another ring yet. */
static void start_three(uint32_t crowd)
{
	options.join_crowd = crowd;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++)
		node_start(id);
	run_until_ring(3, 20000);
}

static void feed_stranger(void)
{
	static const uint32_t stranger[] = {4};

	feed(1, bytes, wire_encode_join(4, 4, 0, stranger, 1, NULL, 0, WIRE_FEATURE_SAFE, false, bytes, sizeof(bytes)));
}

/* Each change of a large ring interrupts all its members. So the ring waits until several nodes can join at once. */
START_TEST(a_new_ring_of_a_crowd_lets_strangers_wait)
{
	uint64_t at_ns, merges;

	start_three(0);
	at_ns = net->now_ns;
	run_until(at_ns + 2 * MS); /* two rotations */
	merges = totem_engine_counters(node_of(1)->engine)->merge_detect_tx;
	feed_stranger();
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_OPERATIONAL);
	/*
	 * When the wait is over the ring sends a merge detect, since the node that waits may have stopped sending by
	 * then.
	 */
	run_until(at_ns + 3 * TOTEM_STRANGER_WAIT_NS + MS);
	ck_assert_uint_eq(totem_engine_counters(node_of(1)->engine)->merge_detect_tx, merges + 1);
	feed_stranger();
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_GATHER);
}
END_TEST

START_TEST(a_new_small_ring_takes_strangers_in_at_once)
{
	start_three(16);
	run_for(2);
	feed_stranger();
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_GATHER);
}
END_TEST

START_TEST(the_delay_of_the_operator_comes_first)
{
	uint64_t before;

	options.send_join_ns = 10 * MS;
	start_alone(0);
	run_for(10);
	before = sent();
	feed_join(4);
	ck_assert_uint_eq(sent(), before);
	run_for(11);
	ck_assert_uint_eq(sent(), before + 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("join");
	TCase *tcase = tcase_create("joins");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, a_small_ring_sends_each_change_at_once);
	tcase_add_test(tcase, a_crowd_sends_the_changes_of_a_short_time_together);
	tcase_add_test(tcase, joins_of_a_crowd_keep_a_gap_that_grows_with_it);
	tcase_add_test(tcase, joins_of_a_crowd_that_are_late_are_fewer);
	tcase_add_test(tcase, a_crowd_forgets_that_its_joins_were_late);
	tcase_add_test(tcase, the_delay_of_the_operator_is_not_late);
	tcase_add_test(tcase, configured_nodes_make_a_crowd);
	tcase_add_test(tcase, a_verdict_of_a_crowd_does_not_wait);
	tcase_add_test(tcase, a_join_that_waits_leaves_with_a_verdict);
	tcase_add_test(tcase, a_node_left_behind_sends_its_verdict_at_once);
	tcase_add_test(tcase, a_new_ring_of_a_crowd_lets_strangers_wait);
	tcase_add_test(tcase, a_new_small_ring_takes_strangers_in_at_once);
	tcase_add_test(tcase, the_delay_of_the_operator_comes_first);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
