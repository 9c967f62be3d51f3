/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes that do not hear each other exclude each other for a while, and are let in again (book failure, "Back-off"). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_case.h"

static bool is_1_deaf_to_3(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == 1 && to == 3) || (from == 3 && to == 1);
}

START_TEST(asymmetric_reachability_calms_down)
{
	start_ring(3);
	net->drops = is_1_deaf_to_3;
	run_for(300000);
	clear_logs();
	run_for(60000);
	/* Corosync would form two rings every 4.4 s for ever. Here node 2 tries once a minute. */
	ck_assert_uint_le(node_of(2)->gathered, 30);
	net->drops = NULL;
	run_until_ring(3, 70000);
}
END_TEST

/* Node 3 is cut off, and only its merge detects arrive. So the others know that they hear it. */
START_TEST(a_removed_member_that_sends_merge_detects_is_ignored_for_a_while)
{
	struct wire_merge_detect merge = {.system_from = 3, .ring = {3, 0}};
	uint8_t bytes[64];
	size_t size;

	start_ring(3);
	merge.ring.seq = totem_engine_ring(node_of(1)->engine)->seq + 4;
	size = wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes));
	net->cut_from = 3;
	net->drops = is_cut_off;
	for (uint32_t ms = 0; node_of(1)->gathered == 0 || node_of(2)->gathered == 0; ms++) {
		ck_assert_uint_lt(ms, patience_ms());
		run_for(1);
	}
	ck_assert_uint_eq(member_count(1), 3);
	for (uint32_t id = 1; _i == 1 && id <= 2; id++)
		feed(id, bytes, size);
	run_for(patience_ms());
	for (uint32_t id = 1; id <= 2; id++) {
		ck_assert_uint_eq(member_count(id), 2);
		ck_assert_int_eq(backoff_is_ignored(node_of(id)->engine, 3), _i == 1);
	}
}
END_TEST

/* Let node `to` receive a retraction or a pardon of the accused node by the accuser. */
static void tell_of(enum wire_probe_kind kind, uint32_t to, uint32_t accuser, uint32_t accused)
{
	const struct wire_probe probe = {.system_from = accuser, .kind = kind, .number = accused};
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&probe, to, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

/*
 * Nodes 1 and 3 accuse each other. Node 2 is in a ring with one of them, and ignores the other until the accusation is
 * retracted.
 */
START_TEST(an_accuser_takes_its_verdict_back)
{
	const uint32_t *members;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->drops = is_1_deaf_to_3;
	run_for(60000);
	ck_assert_uint_eq(totem_engine_members(node_of(2)->engine, &members), 2);

	uint32_t accuser = members[0] == 2 ? 3 : 1, accused = 4 - accuser;

	clear_logs();
	tell_of(WIRE_PROBE_RETRACT, 2, accused, accused); /* a retraction by the accused itself has no effect */
	tell_of(WIRE_PROBE_RETRACT, 2, accuser, 5);
	run_for(1000);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
	tell_of(WIRE_PROBE_RETRACT, 2, accuser, accused);
	/*
	 * The excluded node gathers alone, and after that sends node 2 a question. Without the question node 2 would
	 * wait for half a minute.
	 */
	for (uint32_t i = 0; i < 100 && node_of(2)->gathered == 0; i++)
		run_for(100);
	ck_assert_uint_ne(node_of(2)->gathered, 0);
}
END_TEST

/*
 * Number of joins from each node to each other one, for is_crossed(). Two rings, {1 2} and {3 4}, meet. Nodes 1 and 3 receive only the first join of each other, and so do nodes 2 and 4.
 * So 1 accuses 3, 3 ignores 1 because 4 accuses it, and so on in a circle.
 */
static uint32_t crossed_joins[NODES_MAX + 1][NODES_MAX + 1];

static bool is_crossed(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	if (from == to || from % 2 != to % 2)
		return false;
	return header->type == WIRE_JOIN ? ++crossed_joins[from][to] > 1 : header->type == WIRE_MERGE_DETECT;
}

static bool is_other_pair(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from <= 2) != (to <= 2);
}

static void run_until_pairs(void)
{
	const uint32_t *members;

	for (uint32_t ms = 0; ms < 20000; ms++) {
		uint32_t paired = 0;

		run_for(1);
		for (uint32_t id = 1; id <= 4; id++)
			paired += node_of(id)->engine->state == TOTEM_OPERATIONAL &&
				  totem_engine_members(node_of(id)->engine, &members) == 2;
		if (paired == 4)
			return;
	}
	ck_abort_msg("no two rings");
}

static void make_circle(void)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	net->drops = is_other_pair;
	run_until_pairs();
	memset(crossed_joins, 0, sizeof(crossed_joins));
	net->drops = is_crossed;
	for (uint32_t ms = 0; ms < 5000 && node_of(1)->engine->state == TOTEM_OPERATIONAL; ms++)
		run_for(1);
	run_until_pairs();
}

START_TEST(a_circle_of_accusations_ends)
{
	static const uint32_t accuser[] = {[1] = 4, [2] = 3, [3] = 1, [4] = 2};

	make_circle();
	for (uint32_t id = 1; id <= 4; id++) {
		for (uint32_t i = 0; i < 2; i++) {
			uint32_t other = id <= 2 ? 3 + i : 1 + i;

			ck_assert_uint_eq(peer_find(node_of(id)->engine, other)->backoff.accuser, accuser[other]);
		}
	}
	net->drops = NULL;
	run_until_ring(4, 1500);
}
END_TEST

/* A pardon takes effect when all excluded nodes are pardoned, and only if it comes from the accuser. */
START_TEST(pardoned_nodes_wait_for_the_last_one)
{
	make_circle();
	net->drops = is_other_pair;

	struct peer *first = peer_find(node_of(1)->engine, 3), *last = peer_find(node_of(1)->engine, 4);

	first->backoff.accuser = 2; /* as if node 1 had taken over a verdict of node 2 */
	first->backoff.verdict = VERDICT_THEIRS;
	tell_of(WIRE_PROBE_PARDON, 1, 2, 3);
	ck_assert_uint_gt(first->backoff.until_ns, net->now_ns);
	tell_of(WIRE_PROBE_PARDON, 1, 3, 4);
	ck_assert_uint_gt(last->backoff.until_ns, net->now_ns);
	tell_of(WIRE_PROBE_PARDON, 1, 2, 4);
	ck_assert_uint_eq(first->backoff.until_ns, 0);
	ck_assert_uint_eq(last->backoff.until_ns, 0);
}
END_TEST

/* Nodes 1 and 2 each exclude 3 and 4 because of an accusation by the other one. */
START_TEST(nodes_that_each_member_pardons_are_let_in)
{
	make_circle();
	net->drops = is_other_pair;
	for (uint32_t id = 1; id <= 2; id++) {
		for (uint32_t other = 3; other <= 4; other++) {
			struct peer *peer = peer_find(node_of(id)->engine, other);

			peer->backoff.accuser = 3 - id;
			peer->backoff.verdict = VERDICT_THEIRS;
			peer->backoff.ask_until_ns = 0;
			peer->backoff.until_ns = net->now_ns + 10000 * MS;
		}
	}
	run_for(1000);
	for (uint32_t id = 1; id <= 2; id++)
		for (uint32_t other = 3; other <= 4; other++)
			ck_assert_uint_eq(peer_find(node_of(id)->engine, other)->backoff.until_ns, 0);
}
END_TEST

/* One path between the rings stays cut. So pardons of nodes that hear each other must not start gathers for ever. */
START_TEST(two_rings_with_one_cut_between_them_calm_down)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(4);
	net->drops = is_other_pair;
	run_until_pairs();
	net->drops = is_1_deaf_to_3;
	run_for(300000);
	clear_logs();
	run_for(60000);
	for (uint32_t id = 1; id <= 4; id++)
		ck_assert_uint_le(node_of(id)->gathered, 6);
	net->drops = NULL;
	run_until_ring(4, 70000);
}
END_TEST

/*
 * Node 3 is silent. Node 4, which was in no ring with the others, gives nodes 1 and 2 up and shows a new ring, again and
 * again. It is a candidate again once only, so it cannot hold the others up.
 */
START_TEST(a_node_that_returns_again_and_again_holds_up_nobody)
{
	static const uint32_t all[] = {1, 2, 3, 4}, both[] = {1, 2};
	const uint32_t round_ms = 100;
	uint32_t rounds_max = (uint32_t)(2 * options.consensus_ns / (round_ms * MILLISECOND_NS));
	uint8_t bytes[256];
	uint64_t seq;

	start_ring(3);
	seq = totem_engine_ring(node_of(1)->engine)->seq;
	node_crash(3);
	run_for(options.token_ns / MILLISECOND_NS + round_ms);
	ck_assert_uint_ne(node_of(1)->gathered, 0);
	for (uint32_t round = 0; member_count(1) != 2; round++) {
		ck_assert_uint_lt(round, rounds_max);
		seq += 4;
		for (uint32_t to = 1; to <= 2; to++)
			feed(to, bytes,
				wire_encode_join(4, 4, seq, all, 4, both, round % 2 == 0 ? 2 : 0, 0, false, bytes,
					sizeof(bytes)));
		run_for(round_ms);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("backoff");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, asymmetric_reachability_calms_down);
	tcase_add_loop_test(tcase, a_removed_member_that_sends_merge_detects_is_ignored_for_a_while, 0, 2);
	tcase_add_test(tcase, an_accuser_takes_its_verdict_back);
	tcase_add_test(tcase, a_circle_of_accusations_ends);
	tcase_add_test(tcase, pardoned_nodes_wait_for_the_last_one);
	tcase_add_test(tcase, nodes_that_each_member_pardons_are_let_in);
	tcase_add_test(tcase, two_rings_with_one_cut_between_them_calm_down);
	tcase_add_test(tcase, a_node_that_returns_again_and_again_holds_up_nobody);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
