/* SPDX-License-Identifier: BSD-3-Clause */
/* Votes on members that are silent beyond the operator's budget (exec/totem/silence.c). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/engine_net.h"

#define BUDGET_MS UINT64_C(500)
#define HOLD_MS UINT64_C(150)

static uint64_t patience_ms(void) { return (options.token_ns + options.consensus_ns) / MS; }

static uint32_t member_count(uint32_t id)
{
	const uint32_t *members;

	return totem_engine_members(node_of(id)->engine, &members);
}

static void set_options(uint32_t count)
{
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = BUDGET_MS * MS;
	options.hold_ns = HOLD_MS * MS;
	options.token_retransmit_ns = 100 * MS;
}

static void start_quick_ring(uint32_t count)
{
	set_options(count);
	start_ring(count);
	run_for(3000); /* idle: the representative holds the token most of the time */
	clear_logs();
}

static void restart_quick_ring(uint32_t count)
{
	net_teardown();
	net_setup();
	start_quick_ring(count);
}

static bool is_cut_off(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && (from == n->cut_from || to == n->cut_from);
}

static void silence_node(uint32_t id, bool is_cut)
{
	node_of(id)->is_paused = !is_cut;
	net->cut_from = is_cut ? id : 0;
	net->drops = is_cut ? is_cut_off : NULL;
}

static void end_silence(uint32_t id)
{
	net->drops = NULL;
	if (node_of(id)->is_paused)
		node_resume(node_of(id), true);
}

/* Return whether all nodes except `first` .. `last` are in a ring without these. */
static bool are_removed(uint32_t first, uint32_t last)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (id >= first && id <= last)
			continue;
		if (totem_engine_state(node_of(id)->engine) != TOTEM_OPERATIONAL ||
			member_count(id) != net->node_count - (last - first + 1))
			return false;
	}
	return true;
}

/* Run until the members `first` .. `last` are removed. Fails after most_ms. @return the time, ms */
static uint64_t wait_until_removed(uint32_t first, uint32_t last, uint64_t most_ms)
{
	uint64_t ms = 0;

	for (; !are_removed(first, last); ms++) {
		ck_assert_msg(
			ms < most_ms, "members %u .. %u are not removed after %lu ms", first, last, (unsigned long)ms);
		run_for(1);
	}
	return ms;
}

static void check_nobody_is_removed(void)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (!node_of(id)->is_up)
			continue;
		ck_assert_msg(node_of(id)->evicted_count == 0, "node %u has removed one", id);
		ck_assert_uint_eq(member_count(id), net->node_count);
	}
}

/* --- the plain case --- */

/* Silence begins with the last packet. The token may have been held since then. */
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
				ck_assert_uint_eq(record->budget_ns, BUDGET_MS * MS);
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
 * A silence that is shorter than the budget, even with the time for which the token was held before. Tested at each
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
			check_nobody_is_removed();
			run_for(4 * BUDGET_MS);
		}
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

/* At most eight packets a second and node, on udpu too, where a merge detect goes to each node. */
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

/* --- what stands against it --- */

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

static uint32_t deaf_a, deaf_b;

static bool is_between(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)header, (void)frame;
	return (from == deaf_a && to == deaf_b) || (from == deaf_b && to == deaf_a);
}

START_TEST(a_member_that_hears_the_suspect_blocks_the_vote)
{
	start_quick_ring(3);
	deaf_a = (uint32_t)_i + 1;
	deaf_b = deaf_a % 3 + 1;
	net->drops = is_between;
	run_for(options.token_ns / MS - HOLD_MS - 200);
	check_nobody_is_removed();
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
	check_nobody_is_removed();
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
	check_nobody_is_removed();
	wait_until_removed(3, 3, 1000);
}
END_TEST

/* Answers that a slow path has delayed must not make a node wait longer for ever. */
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
	check_nobody_is_removed();
	silence_node(3, true);
	/* Packets may be on their way, and the token may have been held. */
	ck_assert_uint_ge(wait_until_removed(3, 3, 4000), 800 - HOLD_MS - 200);
	record = last_evicted(1, 3);
	if (record->evidence != TOTEM_EVIDENCE_VOTED)
		record = last_evicted(2, 3);
	ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_VOTED);
	ck_assert_uint_ge(record->budget_ns, 800 * MS);
	ck_assert_uint_le(record->budget_ns, 1000 * MS);
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
	/* That is over after two budgets. */
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
	check_nobody_is_removed();
}
END_TEST

/* --- votes --- */

static void feed_vote(uint32_t to, uint32_t voter, uint32_t suspect)
{
	const struct wire_probe probe = {.system_from = voter,
		.kind = WIRE_PROBE_SILENT,
		.number = suspect,
		.ring = *totem_engine_ring(node_of(to)->engine)};
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&probe, to, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
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

/* Node 1 is cut off: one vote of node 2 about node 3 would be a majority. */
START_TEST(votes_of_other_nodes_and_about_other_nodes_count_nothing)
{
	start_quick_ring(3);
	silence_node(1, true);
	for (uint32_t ms = 0; ms < 2000; ms += 10) {
		feed_vote(1, 9, 3);
		feed_vote(1, 9, 2);
		if (_i == 1) {
			/* Node 2 is not silent then, but its votes are not about node 3. */
			feed_vote(1, 2, 9);
			feed_vote(1, 2, 2);
			feed_vote(1, 2, 1);
		}
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
	/* Now nodes 2 and 3 are both silent, but node 2's vote is too old. */
	ck_assert_uint_eq(node_of(1)->gathered, 0);
	run_for(BUDGET_MS);
	ck_assert_uint_eq(node_of(1)->gathered, 0);
	feed_vote(1, 2, 3);
	run_for(100);
	ck_assert_uint_eq(node_of(1)->gathered, 1);
}
END_TEST

static bool is_commit_token(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)from, (void)to, (void)frame;
	return header->type == WIRE_COMMIT_TOKEN;
}

/* The suspect sends a packet after the verdict and before the new ring. */
START_TEST(a_record_has_the_silence_at_the_verdict)
{
	uint32_t votes = 0;

	start_quick_ring(3);
	node_of(3)->is_paused = true;
	net->drops = is_commit_token;
	for (uint64_t ms = 0; !node_set_has(&node_of(1)->engine->lists.failed, 3); ms++) {
		ck_assert_uint_lt(ms, BUDGET_MS * 3 / 2);
		run_for(1);
	}
	node_resume(node_of(3), true);
	run_for(20);
	ck_assert_uint_lt(silence_of(node_of(1)->engine, peer_find(node_of(1)->engine, 3)), 25 * MS);
	net->drops = NULL;
	wait_until_removed(3, 3, 3000);
	for (uint32_t id = 1; id <= 2; id++) {
		const struct evicted *record = last_evicted(id, 3);

		if (record->evidence != TOTEM_EVIDENCE_VOTED)
			continue;
		votes++;
		ck_assert_uint_ge(record->silent_ns, BUDGET_MS * MS);
	}
	ck_assert_uint_gt(votes, 0);
}
END_TEST

/* --- records of other evidence --- */

START_TEST(a_member_that_leaves_is_recorded_as_left)
{
	start_quick_ring(3);
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	node_crash(3);
	run_until_ring(2, 200);
	for (uint32_t id = 1; id <= 2; id++)
		ck_assert_int_eq(last_evicted(id, 3)->evidence, TOTEM_EVIDENCE_LEFT);
}
END_TEST

static bool is_deaf(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && to == n->cut_from;
}

/* The member's joins arrive, but it agrees to no membership, since it receives nothing. */
START_TEST(a_deaf_member_is_recorded_as_disagreeing)
{
	uint32_t disagreed = 0;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_deaf;
	wait_until_removed(3, 3, patience_ms() + 2 * options.hold_ns / MS);
	for (uint32_t id = 1; id <= 2; id++) {
		enum totem_evidence evidence = last_evicted(id, 3)->evidence;

		disagreed += evidence == TOTEM_EVIDENCE_DISAGREED;
		ck_assert(evidence == TOTEM_EVIDENCE_DISAGREED || evidence == TOTEM_EVIDENCE_NAMED);
	}
	ck_assert_uint_gt(disagreed, 0);
	run_for(2000);
	ck_assert_uint_eq(member_count(3), 1);
	ck_assert_int_eq(last_evicted(3, 1)->evidence, TOTEM_EVIDENCE_SILENT);
	ck_assert_int_eq(last_evicted(3, 2)->evidence, TOTEM_EVIDENCE_SILENT);
}
END_TEST

/* Node 1 alone knows of the close. */
START_TEST(a_member_that_takes_over_a_verdict_records_the_accuser)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	connect_all();
	run_for(1500);
	clear_logs();
	node_crash(3);
	net->refuses = true;
	tell(1, TOTEM_EVENT_WATCH_CLOSED, 3);
	run_until_ring(2, 60);
	ck_assert_int_eq(last_evicted(1, 3)->evidence, TOTEM_EVIDENCE_CLOSED);
	ck_assert_uint_eq(last_evicted(1, 3)->budget_ns, 0);
	ck_assert_uint_eq(last_evicted(1, 3)->accuser, 1);
	ck_assert_int_eq(last_evicted(2, 3)->evidence, TOTEM_EVIDENCE_NAMED);
	ck_assert_uint_eq(last_evicted(2, 3)->accuser, 1);
	ck_assert_uint_eq(last_evicted(2, 3)->agreed_count, 2);
}
END_TEST

/* --- status --- */

START_TEST(a_member_that_is_waited_for_is_named)
{
	struct totem_silence silence;
	uint64_t ms;

	start_quick_ring(3);
	ck_assert(!totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	silence_node(3, true);
	for (ms = 0; ms < 2 * BUDGET_MS && node_of(1)->gathered == 0; ms++)
		run_for(1);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_uint_eq(silence.nodeid, 3);
	ck_assert_uint_eq(silence.budget_ns, BUDGET_MS * MS);
	ck_assert_uint_ge(silence.silent_ns, BUDGET_MS * MS);
	ck_assert(!totem_engine_silent(node_of(1)->engine, net->now_ns, 1, &silence));
}
END_TEST

/* --- the kernel of its host as witness --- */

static uint32_t witness_calls(uint32_t at)
{
	uint32_t sum = 0;

	for (uint32_t id = 1; id <= net->node_count; id++)
		sum += node_of(at)->witness_calls[id];
	return sum;
}

/* Node 1 asks the witness about node 3 alone, since the other nodes have answered. */
START_TEST(a_witness_is_asked_about_a_silent_member_alone)
{
	if (_i == 0) {
		start_quick_ring(3);
	} else {
		set_options(3);
		options.silence_ns = 0;
		start_ring(3);
		run_for(3000);
	}
	run_for(5000);
	ck_assert_uint_eq(witness_calls(1), 0);
	silence_node(3, true);
	run_for(_i == 0 ? BUDGET_MS - HOLD_MS : options.token_ns / MS * 9 / 10);
	ck_assert_uint_ge(node_of(1)->witness_calls[3], 4);
	ck_assert_uint_eq(node_of(1)->silences, 1);
	ck_assert_uint_eq(node_of(1)->witness_calls[2], 0);
}
END_TEST

START_TEST(an_eviction_has_what_the_witness_said)
{
	const enum totem_witness witness = (enum totem_witness)_i;

	start_quick_ring(3);
	node_of(1)->witness = witness;
	silence_node(3, true);
	wait_until_removed(3, 3, 2000);
	ck_assert_int_eq(last_evicted(1, 3)->witness, witness);
	ck_assert_int_eq(last_evicted(2, 3)->witness, TOTEM_WITNESS_UNKNOWN); /* node 2 has no connection to node 3 */
	ck_assert_uint_eq(node_of(1)->witnessed[witness], witness == TOTEM_WITNESS_UNKNOWN ? 0 : 1); /* once */
}
END_TEST

/* Without a connection the last known result stays for a while. */
START_TEST(what_a_witness_said_ages)
{
	struct totem_silence silence;

	set_options(2);
	options.silence_ns = 0;
	options.token_ns = 30000 * MS; /* a ring of two with a long timeout */
	options.consensus_ns = 36000 * MS;
	start_ring(2);
	run_for(1000);
	node_of(1)->witness = TOTEM_WITNESS_SILENT;
	silence_node(2, true);
	run_for(25000);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_SILENT);
	node_of(1)->witness = TOTEM_WITNESS_UNKNOWN;
	run_for(5000);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_SILENT);
	run_for(7000);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_UNKNOWN);
}
END_TEST

/* The witness is asked again in each silence, and each change of its result is traced. */
START_TEST(a_member_that_is_heard_again_needs_no_witness)
{
	struct totem_silence silence;

	set_options(3);
	options.silence_ns = 0;
	start_ring(3);
	run_for(3000);
	node_of(1)->witness = TOTEM_WITNESS_ANSWERS;
	silence_node(3, false);
	run_for(options.token_ns / MS * 9 / 10);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_ANSWERS);
	node_of(1)->witness = TOTEM_WITNESS_SILENT;
	run_for(options.token_ns / MS);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_SILENT);
	ck_assert_uint_eq(node_of(1)->witnessed[TOTEM_WITNESS_ANSWERS], 1);
	ck_assert_uint_eq(node_of(1)->witnessed[TOTEM_WITNESS_SILENT], 1);
	end_silence(3);
	run_for(3000);
	check_nobody_is_removed();
	ck_assert(!totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_uint_eq(node_of(1)->silences, 1);
	node_of(1)->witness = TOTEM_WITNESS_UNKNOWN;
	silence_node(3, false);
	run_for(options.token_ns / MS);
	ck_assert_uint_eq(node_of(1)->silences, 2);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_int_eq(silence.witness, TOTEM_WITNESS_UNKNOWN);
	end_silence(3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("silence");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_loop_test(tcase, a_new_ring_measures_round_trips_anew, 0, 2);
	tcase_add_loop_test(tcase, an_idle_ring_stays_quiet, 3, 6);
	tcase_add_loop_test(tcase, a_silent_member_is_removed_after_the_budget, 0, 4);
	tcase_add_loop_test(tcase, a_shorter_silence_removes_nobody, 0, 6);
	tcase_add_test(tcase, two_silent_members_of_five_go_together);
	tcase_add_loop_test(tcase, a_ring_of_two_never_votes, 0, 2);
	tcase_add_loop_test(tcase, a_member_that_hears_the_suspect_blocks_the_vote, 0, 3);
	tcase_add_loop_test(tcase, one_member_without_the_feature_leaves_it_to_the_token, 0, 3);
	tcase_add_test(tcase, a_long_round_trip_raises_the_budget);
	tcase_add_test(tcase, a_member_with_a_longer_lease_is_waited_for);
	tcase_add_test(tcase, a_judge_that_ran_late_has_more_patience);
	tcase_add_test(tcase, a_member_that_has_voted_grants_no_lease);
	tcase_add_loop_test(tcase, votes_of_other_nodes_and_about_other_nodes_count_nothing, 0, 2);
	tcase_add_test(tcase, votes_about_other_nodes_displace_none);
	tcase_add_test(tcase, a_stop_of_all_members_removes_nobody);
	tcase_add_test(tcase, one_member_that_hears_the_suspect_is_enough);
	tcase_add_test(tcase, a_node_without_a_link_removes_none);
	tcase_add_test(tcase, a_vote_counts_for_one_budget);
	tcase_add_test(tcase, a_record_has_the_silence_at_the_verdict);
	tcase_add_test(tcase, a_member_that_leaves_is_recorded_as_left);
	tcase_add_test(tcase, a_deaf_member_is_recorded_as_disagreeing);
	tcase_add_test(tcase, a_member_that_takes_over_a_verdict_records_the_accuser);
	tcase_add_test(tcase, a_member_that_is_waited_for_is_named);
	tcase_add_loop_test(tcase, a_witness_is_asked_about_a_silent_member_alone, 0, 2);
	tcase_add_loop_test(tcase, an_eviction_has_what_the_witness_said, 0, 3);
	tcase_add_test(tcase, what_a_witness_said_ages);
	tcase_add_test(tcase, a_member_that_is_heard_again_needs_no_witness);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
