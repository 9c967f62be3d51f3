/* SPDX-License-Identifier: BSD-3-Clause */
/* Votes on members that are silent beyond the operator's budget (exec/totem/silence.c). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/silence_case.h"

static void restart_quick_ring(uint32_t count)
{
	net_teardown();
	net_setup();
	start_quick_ring(count);
}

/* --- removals --- */

/* Silence counts from the last packet. In an idle ring that may be a hold time before the node falls silent. */
START_TEST(a_silent_member_is_removed_after_the_budget)
{
	uint32_t count = _i < 2 ? 3 : 5;

	for (uint32_t id = 1; id <= count; id++) {
		restart_quick_ring(count);
		silence_node(id, _i % 2 == 1);
		ck_assert_uint_ge(wait_until_removed(id, id, BUDGET_MS * 3 / 2), BUDGET_MS - HOLD_MS - 1);

		uint32_t votes = 0;

		for (uint32_t at = 1; at <= count; at++) {
			const struct evicted *record = at == id ? NULL : last_evicted(at, id);

			if (at == id)
				continue;
			ck_assert_ptr_nonnull(record);
			ck_assert_uint_eq(record->agreed_count, count - 1);
			if (record->evidence == TOTEM_EVIDENCE_VOTED) {
				votes++;
				ck_assert_uint_eq(record->accuser, at);
				/* and a round trip */
				ck_assert_uint_gt(record->budget_ns, BUDGET_MS * MS);
				ck_assert_uint_le(record->budget_ns, BUDGET_MS * MS + MS);
				ck_assert_uint_ge(record->silent_ns, BUDGET_MS * MS);
				ck_assert_uint_le(record->silent_ns, BUDGET_MS * 3 / 2 * MS);
			} else {
				ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_NAMED);
			}
		}
		ck_assert_uint_gt(votes, 0);
		end_silence(id);
		run_until_ring(count, 3000);
	}
}
END_TEST

/*
 * A member is silent for less than the budget, even if the token was held for the longest time before. Tested at each
 * phase of a held token.
 */
START_TEST(a_shorter_silence_removes_nobody)
{
	static const uint64_t percents[] = {10, 50, 90};

	start_quick_ring(3);
	for (uint64_t phase = 0; phase < HOLD_MS + 20; phase += 10) {
		for (uint32_t id = 1; id <= 3; id++) {
			clear_logs();
			run_for(phase);
			silence_node(id, _i % 2 == 1);
			run_for((BUDGET_MS - HOLD_MS) * percents[_i / 2] / 100);
			end_silence(id);
			run_for(1000);
			check_all_are_members();
			run_for(4 * BUDGET_MS);
		}
	}
}
END_TEST

/* Node 1 gets a frame of node 3 again and again, as if node 2 repeated it. */
START_TEST(repeated_frames_of_a_silent_member_do_not_keep_it)
{
	uint8_t bytes[2048];
	size_t size;

	start_quick_ring(3);
	send_text(3, TOTEM_AGREED, "x");
	run_until_received(1, 1000);
	size = net->samples[WIRE_MCAST]->size;
	memcpy(bytes, net->samples[WIRE_MCAST]->data, size);
	silence_node(3, true);
	for (uint32_t ms = 0; member_count(1) == 3; ms++) {
		ck_assert_uint_lt(ms, BUDGET_MS * 3 / 2);
		if (totem_engine_state(node_of(1)->engine) == TOTEM_OPERATIONAL)
			feed(1, bytes, size);
		run_for(1);
	}
}
END_TEST

START_TEST(two_silent_members_of_five_go_together)
{
	start_quick_ring(5);
	for (uint32_t id = 3; id <= 4; id++)
		silence_node(id, false);
	wait_until_removed(3, 4, BUDGET_MS * 3 / 2);
	ck_assert_str_eq(node_of(1)->log, "transitional 1 2 5 -3 -4\nregular 1 2 5\n");
}
END_TEST

/*
 * At most eight packets per second for each node. This also holds on udpu, where a merge detect is sent to each node.
 */
START_TEST(an_idle_ring_stays_quiet)
{
	static const uint32_t ids[] = {1, 2, 3, 4, 5};
	const uint64_t seconds = 60;

	set_options(5);
	options.nodes = ids;
	options.node_count = (uint32_t)_i;
	start_ring((uint32_t)_i);
	run_for(3000);
	memset(net->packets, 0, sizeof(net->packets));
	run_for(seconds * 1000);
	ck_assert_uint_le(net->packets[WIRE_TOKEN], 7 * seconds * (uint64_t)_i);
	ck_assert_uint_ge(net->packets[WIRE_TOKEN], 6 * seconds * (uint64_t)_i);
	ck_assert_uint_le(net->packets[WIRE_MERGE_DETECT] * ((uint64_t)_i - 1), seconds);
	for (uint32_t id = 1; id <= (uint32_t)_i; id++)
		ck_assert_uint_eq(node_of(id)->gathered, 0);
}
END_TEST

/* --- what delays or prevents a removal --- */

START_TEST(a_ring_of_two_never_votes)
{
	struct totem_silence silence;

	start_quick_ring(2);
	silence_node(2, _i == 1);
	run_for(patience_ms() - HOLD_MS - 200);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_uint_eq(silence.budget_ns, patience_ms() * MS);
	ck_assert_uint_eq(member_count(1), 2);
	ck_assert_uint_eq(node_of(1)->evicted_count, 0);
	wait_until_removed(2, 2, 1000);
	ck_assert_int_eq(last_evicted(1, 2)->evidence, TOTEM_EVIDENCE_SILENT);
	ck_assert_uint_eq(last_evicted(1, 2)->budget_ns, patience_ms() * MS);
}
END_TEST

START_TEST(a_member_that_hears_the_suspect_blocks_the_vote)
{
	start_quick_ring(3);
	deaf_a = (uint32_t)_i + 1;
	deaf_b = deaf_a % 3 + 1;
	net->drops = is_between;
	run_for(options.token_ns / MS - HOLD_MS - 200);
	check_all_are_members();
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->gathered, 0);
}
END_TEST

static bool is_5_from_most(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == 5 && to < 4) || (to == 5 && from < 4);
}

/* Three of five are a majority, but node 4 hears node 5. */
START_TEST(one_member_that_hears_the_suspect_is_enough)
{
	start_quick_ring(5);
	net->drops = is_5_from_most;
	run_for(options.token_ns / MS - HOLD_MS - 200);
	check_all_are_members();
	for (uint32_t id = 1; id <= 5; id++)
		ck_assert_uint_eq(node_of(id)->gathered, 0);
}
END_TEST

START_TEST(one_member_without_the_feature_leaves_it_to_the_token)
{
	set_options(3);
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
		if ((int)id != _i + 1)
			options.features |= WIRE_FEATURE_SILENCE;
		node_start(id);
	}
	run_until_ring(3, 5000);
	run_for(3000);
	clear_logs();
	silence_node(3, true);
	run_for(patience_ms() - HOLD_MS - 200);
	check_all_are_members();
	wait_until_removed(3, 3, 1000);
}
END_TEST

/* Round trips that were once long must not lengthen the budget of later rings. */
START_TEST(a_new_ring_measures_round_trips_anew)
{
	start_quick_ring(3);
	for (uint32_t at = 1; at <= 3; at++)
		for (uint32_t id = 1; id <= 3; id++)
			if (id != at)
				peer_find(node_of(at)->engine, id)->round_trip_ns = 400 * MS;
	totem_engine_transport(node_of(1)->engine, net->now_ns, TOTEM_EVENT_FORCE_GATHER, 0);
	run_until_ring(3, 9000);
	run_for(1000);
	clear_logs();
	silence_node(2, _i == 1);
	wait_until_removed(2, 2, BUDGET_MS * 3 / 2);
}
END_TEST

START_TEST(a_long_round_trip_raises_the_budget)
{
	const struct evicted *record;

	net->delay_ns = 100 * MS;
	start_quick_ring(3);
	run_for(20000);
	check_all_are_members();
	silence_node(3, true);
	/* Packets may be on their way, and the token may have been held. */
	ck_assert_uint_ge(wait_until_removed(3, 3, 4000), 800 - HOLD_MS - 200);
	record = last_evicted(1, 3);
	if (record->evidence != TOTEM_EVIDENCE_VOTED)
		record = last_evicted(2, 3);
	ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_VOTED);
	ck_assert_uint_ge(record->budget_ns, 800 * MS);
	ck_assert_uint_le(record->budget_ns, 1250 * MS);
	ck_assert_uint_ge(record->silent_ns, record->budget_ns);
}
END_TEST

/* The member has a longer lease in its own configuration, and may serve for that time. */
START_TEST(a_member_with_a_longer_lease_is_waited_for)
{
	uint64_t ms;

	set_options(3);
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.silence_ns = (id == 3 ? 4 : 1) * BUDGET_MS * MS;
		node_start(id);
	}
	run_until_ring(3, 5000);
	run_for(3000);
	clear_logs();
	ck_assert_uint_eq(peer_find(node_of(1)->engine, 3)->lease_ns, 4 * BUDGET_MS * 6 / 10 * MS);
	ck_assert_uint_eq(peer_find(node_of(1)->engine, 2)->lease_ns, BUDGET_MS * 6 / 10 * MS);
	ck_assert_uint_eq(node_of(1)->engine->installed.features & WIRE_LEASE_MASK, 0);
	silence_node(3, true);
	ms = wait_until_removed(3, 3, 4 * BUDGET_MS * 3 / 2);
	ck_assert_uint_ge(ms, 4 * BUDGET_MS - HOLD_MS - 1);
	/* Node 3 has the same budget, but it is alone, so its lease has ended. */
	ck_assert(!totem_engine_has_lease(node_of(3)->engine, net->now_ns) || member_count(3) == 1);
}
END_TEST

START_TEST(a_judge_that_ran_late_has_more_patience)
{
	struct node *judge;
	uint64_t ms;

	start_quick_ring(3);
	judge = node_of(1);
	while (judge->timers[TOTEM_TIMER_HOLD] == TOTEM_NEVER || judge->timers[TOTEM_TIMER_HOLD] > net->now_ns + 2 * MS)
		run_for(1);
	judge->is_paused = true;
	run_for(110);
	node_resume(judge, true);
	run_for(50);
	silence_node(3, true);
	ms = wait_until_removed(3, 3, 2 * BUDGET_MS * 3 / 2);
	ck_assert_uint_ge(ms, BUDGET_MS + 4 * 100 - HOLD_MS - 1);
	/* The longer patience ends after two budgets. */
	end_silence(3);
	run_until_ring(3, 3000);
	run_for(4 * BUDGET_MS);
	silence_node(3, true);
	wait_until_removed(3, 3, BUDGET_MS * 3 / 2);
}
END_TEST

/* The host of all members was frozen. Members 1 and 2 run again before member 3. */
START_TEST(a_stop_of_all_members_removes_nobody)
{
	start_quick_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->is_paused = true;
	run_for(1500);
	node_resume(node_of(1), true);
	node_resume(node_of(2), true);
	run_for(100);
	node_resume(node_of(3), true);
	run_for(2000);
	check_all_are_members();
}
END_TEST

/* --- votes --- */

static void feed_vote_of(const struct ring_id *ring, uint32_t to, uint32_t voter, uint32_t suspect)
{
	const struct wire_probe probe = {
		.system_from = voter, .kind = WIRE_PROBE_SILENT, .number = suspect, .ring = *ring};
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&probe, to, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

static void feed_vote(uint32_t to, uint32_t voter, uint32_t suspect)
{
	feed_vote_of(totem_engine_ring(node_of(to)->engine), to, voter, suspect);
}

static bool is_cut_but_for_1(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return from != to && (from == 3 || to == 3) && from != 1 && to != 1;
}

/*
 * Node 1 votes to remove node 3, and receives its packets again. Node 2 does not receive them. It votes later, and
 * still counts the vote of node 1. If node 1 renewed the lease of node 3, two halves would serve.
 */
START_TEST(a_member_that_has_voted_grants_no_lease)
{
	set_options(3);
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.silence_ns = (id == 2 ? 3 : 2) * BUDGET_MS * MS / 2;
		node_start(id);
	}
	run_until_ring(3, 5000);
	run_for(3000);
	silence_node(3, true);
	while (peer_find(node_of(1)->engine, 3)->voted_ns == 0)
		run_for(1);
	net->drops = is_cut_but_for_1;
	run_for(100); /* node 3 asks, and node 1 answers */
	silence_node(3, true);
	for (uint32_t ms = 0; ms < 500 && member_count(1) == 3; ms++) {
		ck_assert(!totem_engine_has_lease(node_of(3)->engine, net->now_ns));
		run_for(1);
	}
	ck_assert_uint_eq(member_count(1), 2);
}
END_TEST

/* Node 1 is cut off, so that its own vote about node 3 and one of node 2 would be a majority. */
START_TEST(votes_of_other_nodes_and_about_other_nodes_count_nothing)
{
	start_quick_ring(3);
	silence_node(1, true);
	for (uint32_t ms = 0; ms < 2000; ms += 10) {
		feed_vote(1, 9, 3);
		feed_vote(1, 9, 2);
		if (_i == 1) {
			/* These packets end the silence of node 2, but none of them is a vote about node 3. */
			feed_vote(1, 2, 9);
			feed_vote(1, 2, 2);
			feed_vote(1, 2, 1);
		}
		run_for(10);
		ck_assert_uint_eq(node_of(1)->gathered, 0);
	}
}
END_TEST

START_TEST(a_vote_of_another_ring_counts_nothing)
{
	struct ring_id ring;

	start_quick_ring(3);
	ring = *totem_engine_ring(node_of(1)->engine);
	ring.seq -= 4;
	silence_node(1, true);
	for (uint32_t ms = 0; ms < 2 * BUDGET_MS; ms += 10) {
		feed_vote_of(&ring, 1, 2, 3);
		run_for(10);
		ck_assert_uint_eq(node_of(1)->gathered, 0);
	}
}
END_TEST

START_TEST(votes_about_other_nodes_displace_none)
{
	start_quick_ring(3);
	silence_node(1, true);
	run_for(BUDGET_MS - HOLD_MS - 10);
	feed_vote(1, 2, 3);
	for (uint32_t id = 10; id < 10 + 2 * VOTES_MAX; id++) {
		run_for(1);
		feed_vote(1, 2, id);
	}
	run_for(BUDGET_MS / 2);
	ck_assert_uint_eq(node_of(1)->gathered, 1);
}
END_TEST

START_TEST(a_node_without_a_link_removes_none)
{
	start_quick_ring(3);
	silence_node(1, true);
	tell(1, TOTEM_EVENT_LINK_DOWN, 0);
	for (uint32_t ms = 0; ms < 2 * BUDGET_MS; ms += 20) {
		feed_vote(1, 2, 3);
		run_for(20);
		ck_assert_uint_eq(node_of(1)->gathered, 0);
	}
}
END_TEST

START_TEST(a_vote_counts_for_one_budget)
{
	start_quick_ring(3);
	feed_vote(1, 2, 3);
	run_for(HOLD_MS * 2);
	silence_node(1, true);
	run_for(BUDGET_MS + 10);
	/* Nodes 2 and 3 are silent for node 1 now, but the vote of node 2 is too old. */
	ck_assert_uint_eq(node_of(1)->gathered, 0);
	run_for(BUDGET_MS);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
	feed_vote(1, 2, 3);
	run_for(100);
	ck_assert_uint_eq(node_of(1)->gathered, 1);
}
END_TEST

/*
 * A node that has delivered for longer than the budget has not heard the others in that time. So a vote of one of them
 * does not convict. The node delivers in one event (0), with yields (1), or with yields and questions of the suspect
 * (2). The vote and a packet of the suspect come behind it.
 */
START_TEST(a_busy_node_convicts_nobody)
{
	struct wire_probe vote = {.system_from = 2, .kind = WIRE_PROBE_SILENT, .number = 3};
	struct coterie_frame *batch[2], *question;
	struct totem_engine *engine;
	uint64_t end_ns;

	start_quick_ring(3);
	run_for(10);
	engine = node_of(1)->engine;
	end_ns = net->now_ns + 700 * MS;
	for (uint64_t at_ns = net->now_ns; _i > 0 && at_ns < end_ns; at_ns += MS) {
		engine->delivery.has_yielded = true;
		engine->timer_at_ns[TOTEM_TIMER_DELIVER] = at_ns;
		if (_i == 2) {
			question = probe_make(
				node_of(3)->engine, 1, WIRE_PROBE_QUESTION, &node_of(3)->engine->ring, at_ns);
			ck_assert(totem_engine_question(engine, at_ns, question));
			frame_unref(question);
		}
		totem_engine_timeout(engine, at_ns, TOTEM_TIMER_DELIVER);
	}
	vote.ring = engine->ring;
	batch[0] = frame_take(node_of(2)->pool, WIRE_PROBE_SIZE);
	batch[0]->size = (uint32_t)wire_encode_probe(&vote, 1, false, batch[0]->data, WIRE_PROBE_SIZE);
	batch[1] = probe_make(node_of(3)->engine, 1, WIRE_PROBE_QUESTION, &node_of(3)->engine->ring, 7);
	totem_engine_receive(engine, end_ns, batch, 2);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_OPERATIONAL);
	ck_assert(!node_set_has(&engine->lists.failed, 3));
	frame_unref(batch[0]);
	frame_unref(batch[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("silence");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_new_ring_measures_round_trips_anew, 0, 2);
	tcase_add_loop_test(tcase, an_idle_ring_stays_quiet, 3, 6);
	tcase_add_loop_test(tcase, a_silent_member_is_removed_after_the_budget, 0, 4);
	tcase_add_loop_test(tcase, a_shorter_silence_removes_nobody, 0, 6);
	tcase_add_test(tcase, repeated_frames_of_a_silent_member_do_not_keep_it);
	tcase_add_test(tcase, two_silent_members_of_five_go_together);
	tcase_add_loop_test(tcase, a_ring_of_two_never_votes, 0, 2);
	tcase_add_loop_test(tcase, a_member_that_hears_the_suspect_blocks_the_vote, 0, 3);
	tcase_add_loop_test(tcase, one_member_without_the_feature_leaves_it_to_the_token, 0, 3);
	tcase_add_test(tcase, a_long_round_trip_raises_the_budget);
	tcase_add_test(tcase, a_member_with_a_longer_lease_is_waited_for);
	tcase_add_test(tcase, a_judge_that_ran_late_has_more_patience);
	tcase_add_test(tcase, a_member_that_has_voted_grants_no_lease);
	tcase_add_loop_test(tcase, votes_of_other_nodes_and_about_other_nodes_count_nothing, 0, 2);
	tcase_add_test(tcase, a_vote_of_another_ring_counts_nothing);
	tcase_add_test(tcase, votes_about_other_nodes_displace_none);
	tcase_add_test(tcase, a_stop_of_all_members_removes_nobody);
	tcase_add_test(tcase, one_member_that_hears_the_suspect_is_enough);
	tcase_add_test(tcase, a_node_without_a_link_removes_none);
	tcase_add_test(tcase, a_vote_counts_for_one_budget);
	tcase_add_loop_test(tcase, a_busy_node_convicts_nobody, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
