/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths that work again at different times, in rings with nodes that act like Corosync's. Node 1 is a node of Coterie
 * and the representative. Node 2 is cut off. Its path to node 1 and its paths to the others work again at different
 * times.
 */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

#define NODES 3u
#define LAG_MS 1200u  /* value that the daemon sets for knet and the default timers */
#define SLACK_MS 120u /* time for a round of joins, and for the new ring's tokens */

/* Times at which the paths of node 2 work again: to node 1, and to the others. */
static uint64_t first_ns, others_ns;
/* The commit token that node 2 sent last: its ring sequence, and when node 2 may send it again. */
static uint64_t commit_ring_seq, commit_due_ns;
static uint32_t commit_token_seq;

/*
 * Return whether to drop a commit token that is sent again, since Corosync would do this only after `token_retransmit`.
 */
static bool is_repeated_early(const struct coterie_frame *frame)
{
	struct wire_commit_token token;

	if (wire_decode_commit_token(frame->data, frame->size, &token) != WIRE_OK)
		return false;
	if (token.ring.seq == commit_ring_seq && token.token_seq == commit_token_seq && net->now_ns < commit_due_ns)
		return true;
	commit_ring_seq = token.ring.seq;
	commit_token_seq = token.token_seq;
	commit_due_ns = net->now_ns + options.token_retransmit_ns;
	return false;
}

static bool comes_back(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	uint64_t back_ns = from == 1 || to == 1 ? first_ns : others_ns;

	if (from == 2 && header->type == WIRE_COMMIT_TOKEN && is_repeated_early(frame))
		return true;
	return from != to && (from == 2 || to == 2) && n->now_ns < back_ns;
}

/* Start a ring of three in which the nodes from first_plain on act like Corosync's. */
static void start_mixed_ring(uint32_t first_plain, uint64_t lag_ms)
{
	for (uint32_t id = 1; id <= NODES; id++) {
		bool is_plain = id >= first_plain;

		options.features = is_plain ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
		options.path_lag_ns = is_plain ? 0 : lag_ms * MS;
		net->node_count = id;
		node_start(id);
	}
	run_until_ring(NODES, 10000);
	run_for(1000);
	clear_logs();
}

/* Cut node 2 off until node 1 gathers. The paths work again first_ms and others_ms later. */
static void cut_node_2(uint64_t first_ms, uint64_t others_ms)
{
	first_ns = others_ns = TOTEM_NEVER;
	net->drops = comes_back;
	for (uint32_t ms = 0; ms < 10000 && node_of(1)->engine->state == TOTEM_OPERATIONAL; ms++)
		run_for(1);
	ck_assert_int_eq(node_of(1)->engine->state, TOTEM_GATHER);
	first_ns = net->now_ns + first_ms * MS;
	others_ns = net->now_ns + others_ms * MS;
}

static void check_nobody_is_evicted(void)
{
	for (uint32_t id = 1; id <= NODES; id++)
		ck_assert_msg(node_of(id)->evicted_count == 0, "node %u has removed one", id);
}

/* Times after node 1 began to gather, in milliseconds. */
static const struct {
	uint32_t first_ms, others_ms;
} lags[] = {{3000, 4100}, {2300, 3400}, {3000, 3500}, {1000, 2100}, {300, 1400}, {4000, 4100}};

START_TEST(a_node_whose_paths_are_back_one_by_one_stays)
{
	start_mixed_ring(2, LAG_MS);
	cut_node_2(lags[_i].first_ms, lags[_i].others_ms);
	run_until_ring(NODES, options.consensus_ns / MS);
	check_nobody_is_evicted();
	ck_assert_uint_eq(node_of(1)->gathered, 1);
	run_for(2000);
	check_nobody_is_evicted();
}
END_TEST

START_TEST(the_wait_ends_when_no_path_can_be_late)
{
	start_mixed_ring(2, LAG_MS);
	cut_node_2(1000, 1000);
	run_for(1000 + LAG_MS - 100);
	ck_assert_int_eq(node_of(1)->engine->state, TOTEM_GATHER);
	run_until_ring(NODES, 100 + SLACK_MS);
	check_nobody_is_evicted();
}
END_TEST

/* The other nodes give node 2 up at about the same time as node 1 does. The commit token must arrive before that. */
START_TEST(the_wait_ends_before_the_consensus_timeout)
{
	uint64_t join_ms = options.join_ns / MS, consensus_ms = options.consensus_ns / MS;

	start_mixed_ring(2, LAG_MS);
	cut_node_2(consensus_ms - 500, consensus_ms - 450);
	run_for(consensus_ms - 5 * join_ms);
	ck_assert_int_eq(node_of(1)->engine->state, TOTEM_GATHER);
	run_until_ring(NODES, join_ms + SLACK_MS);
	check_nobody_is_evicted();
}
END_TEST

static const struct {
	const char *name;
	uint32_t first_plain; /* id of the first node like Corosync's, NODES + 1: no node */
	uint32_t lag_ms;
	uint32_t back_ms;
} quick[] = {
	{"all nodes are ours", NODES + 1, LAG_MS, 1500},
	{"paths are back everywhere at once", 2, 0, 1500},
	{"the node was never missed for long", 2, LAG_MS, 30},
};

START_TEST(a_ring_is_formed_at_once)
{
	start_mixed_ring(quick[_i].first_plain, quick[_i].lag_ms);
	cut_node_2(quick[_i].back_ms, quick[_i].back_ms);
	run_for(quick[_i].back_ms + SLACK_MS);
	for (uint32_t id = 1; id <= NODES; id++)
		ck_assert_msg(node_of(id)->engine->state == TOTEM_OPERATIONAL, "%s", quick[_i].name);
	check_nobody_is_evicted();
}
END_TEST

START_TEST(a_ring_without_a_node_that_has_ended_is_formed_at_once)
{
	const uint32_t *members;
	uint64_t patience_ms;

	start_mixed_ring(2, LAG_MS);
	node_crash(2);
	for (uint32_t ms = 0; ms < 10000 && node_of(1)->engine->state == TOTEM_OPERATIONAL; ms++)
		run_for(1);
	patience_ms = (options.consensus_ns + options.hold_ns) / MS;
	run_for(patience_ms + SLACK_MS);
	ck_assert_int_eq(node_of(1)->engine->state, TOTEM_OPERATIONAL);
	ck_assert_uint_eq(totem_engine_members(node_of(1)->engine, &members), 2);
}
END_TEST

START_TEST(a_node_that_starts_is_let_in_at_once)
{
	start_mixed_ring(2, LAG_MS);
	node_crash(2);
	run_for(20000);
	node_start(2);
	run_until_ring(NODES, 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("paths");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_node_whose_paths_are_back_one_by_one_stays, 0, sizeof(lags) / sizeof(lags[0]));
	tcase_add_test(tcase, the_wait_ends_when_no_path_can_be_late);
	tcase_add_test(tcase, the_wait_ends_before_the_consensus_timeout);
	tcase_add_loop_test(tcase, a_ring_is_formed_at_once, 0, sizeof(quick) / sizeof(quick[0]));
	tcase_add_test(tcase, a_ring_without_a_node_that_has_ended_is_formed_at_once);
	tcase_add_test(tcase, a_node_that_starts_is_let_in_at_once);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
