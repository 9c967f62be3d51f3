/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signs of a member's end, links that go down, nodes that do not hear each other
 * (book failure, "Signs"; book failure, "Back-off").
 */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/engine_net.h"

/* Return the time for which a silent member stays in the ring. */
static uint64_t patience_ms(void) { return (options.token_ns + options.consensus_ns) / MS; }

/* Return the time for which the token may have been held when a node was cut off. */
static uint64_t held_ms(void) { return options.hold_ns / MS; }

/*
 * Return how much later a majority forms its ring: it waits for that time again and 20 ms, and the ring takes some
 * milliseconds.
 */
static uint64_t margin_ms(void) { return held_ms() + 20 + 100; }

static uint32_t member_count(uint32_t id)
{
	const uint32_t *members;

	return totem_engine_members(node_of(id)->engine, &members);
}

/* Check that no running node has removed another one since the logs were cleared. */
static void check_all_are_members(void)
{
	for (uint32_t id = 1; id <= net->node_count; id++) {
		if (!node_of(id)->is_up)
			continue;
		ck_assert_msg(node_of(id)->evicted_count == 0, "node %u has removed one", id);
		ck_assert_uint_eq(member_count(id), net->node_count);
	}
}

/* Check that nothing changes for longer than any suspicion lasts. */
static void check_unmoved(void)
{
	run_for(4000);
	for (uint32_t i = 0; i < net->node_count; i++)
		ck_assert_msg(!net->nodes[i].is_up || net->nodes[i].gathered == 0, "node %u gathers", i + 1);
}

static void start_ring_of_askers(uint32_t count)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(count);
	connect_all();
	run_for(1500);
	net->refusals_left = 1000;
}

/* Check that a member that has ended is removed by the token's timer, and not before. */
static void check_removed_by_silence(void)
{
	run_for(patience_ms() - held_ms() - 200);
	check_all_are_members();
	run_until_ring(net->node_count - 1, 200 + held_ms() + margin_ms());
}

/* --- certain death --- */

START_TEST(a_crash_on_an_idle_ring_is_noticed_within_60_ms)
{
	uint32_t other = (uint32_t)_i == 0 ? 2 : 1;

	start_ring_of_askers(3);
	node_crash_closing((uint32_t)_i + 1, true);
	run_until_ring(2, 60);

	const struct evicted *record = last_evicted(other, (uint32_t)_i + 1);

	ck_assert_ptr_nonnull(record);
	ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_CLOSED);
	ck_assert_uint_eq(record->budget_ns, 0);
	ck_assert_uint_eq(record->agreed_count, 2);
}
END_TEST

/* A host refuses only a few datagrams a second. So one refusal is enough after twice the time. */
START_TEST(one_refusal_after_a_close_is_enough)
{
	start_ring_of_askers(3);
	net->refusals_left = 1;
	node_crash_closing(3, true);
	run_for(38);
	check_all_are_members();
	run_until_ring(2, 40);
}
END_TEST

START_TEST(two_neighbours_that_crash_together_are_both_removed)
{
	start_ring_of_askers(4);
	node_crash(2);
	node_crash_closing(3, true);
	tell(1, TOTEM_EVENT_WATCH_CLOSED, 2);
	tell(4, TOTEM_EVENT_WATCH_CLOSED, 2);
	run_until_ring(2, 100);
}
END_TEST

/* Wait until node 1 holds the token, so that only questions are refused. */
static void wait_for_a_held_token(void)
{
	const uint64_t *hold_ns = &node_of(1)->timers[TOTEM_TIMER_HOLD];

	while (*hold_ns == TOTEM_NEVER || *hold_ns < net->now_ns + 300 * MS)
		run_for(1);
}

START_TEST(a_packet_that_was_under_way_does_not_save_its_sender)
{
	struct wire_merge_detect merge = {.system_from = 3};
	uint8_t bytes[WIRE_PROBE_SIZE];
	size_t size;

	start_ring_of_askers(3);
	wait_for_a_held_token();
	merge.ring = *totem_engine_ring(node_of(1)->engine);
	size = wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes));
	node_crash_closing(3, true);
	run_for(10);
	feed(1, bytes, size);
	feed(2, bytes, size);
	run_for(18); /* less time than an answer to that packet may take */
	check_all_are_members();
	run_until_ring(2, 60);
}
END_TEST

/*
 * The judging node's first question was refused, and then the node was stopped. When it runs again its timer expires
 * before it has asked a second time.
 */
START_TEST(a_judge_that_was_stopped_asks_again)
{
	start_ring_of_askers(3);
	wait_for_a_held_token();
	net->refuse_most_to = 3;
	tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	net->refuse_most_to = 0;
	run_for(1);
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->refused, 1);
	ck_assert(peer_find(node_of(2)->engine, 3)->sign_ns != 0);
	node_of(2)->is_paused = true;
	run_for(100);
	node_resume(node_of(2), true);
	check_unmoved();
}
END_TEST

/* Answers wait in the judging node's socket, but its timers expire first. */
START_TEST(a_judge_that_was_stopped_reads_first)
{
	net->delay_ns = 30 * MS;
	start_ring_of_askers(3);
	net->refuse_most_to = 3;
	tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	run_for(15);
	net->refuse_most_to = 0;
	run_for(47); /* two questions were refused, and answers to others are on their way */
	ck_assert(peer_find(node_of(2)->engine, 3)->sign_ns != 0);
	ck_assert_uint_gt(peer_find(node_of(2)->engine, 3)->refused, 0);
	node_of(2)->is_paused = true;
	run_for(400);
	ck_assert_uint_gt(node_of(2)->waiting_count, 0);
	node_resume(node_of(2), true);
	check_unmoved();
}
END_TEST

/* The node's connections end as after a crash, but the new daemon answers at once that it runs. */
START_TEST(a_node_that_is_restarted_is_a_member_again)
{
	start_ring_of_askers(3);
	node_crash_closing(3, true);
	run_for((uint64_t)_i * 15);
	node_start(3);
	run_until_ring(3, 500);
	run_for(patience_ms());
	ck_assert_uint_eq(member_count(1), 3);
	ck_assert_uint_eq(member_count(3), 3);
}
END_TEST

/* --- signs that are not enough --- */

START_TEST(refusals_without_a_close_wait_for_the_token)
{
	start_ring_of_askers(3);
	net->refuses = true;
	node_crash((uint32_t)_i + 1);
	check_removed_by_silence();

	uint64_t refused = 0;

	for (uint32_t id = 1; id <= 3; id++)
		refused += node_of(id)->is_up ? totem_engine_counters(node_of(id)->engine)->refused : 0;
	ck_assert_uint_gt(refused, 2);
}
END_TEST

START_TEST(a_close_without_refusals_waits_for_the_token)
{
	start_ring_of_askers(3);
	node_crash_closing((uint32_t)_i + 1, false);
	check_removed_by_silence();
}
END_TEST

START_TEST(an_answer_makes_an_earlier_close_worthless)
{
	start_ring_of_askers(3);
	tell(1, TOTEM_EVENT_WATCH_CLOSED, 3);
	tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	run_for(10);
	net->refuses = true;
	node_crash(3);
	check_removed_by_silence();
}
END_TEST

/* The node's own host refuses its packets, and the node knows that. */
START_TEST(a_node_without_a_link_convicts_no_other)
{
	start_ring_of_askers(3);
	tell(2, TOTEM_EVENT_LINK_DOWN, 0);
	node_crash_closing(3, true);
	run_for(200);
	ck_assert_uint_eq(totem_engine_counters(node_of(1)->engine)->convicted, 1);
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->convicted, 0);
}
END_TEST

/* A device in the network resets the connections and rejects packets. That does not show that a daemon has ended. */
START_TEST(a_reset_and_refusals_wait_for_the_token)
{
	start_ring_of_askers(3);
	net->refuses = true;
	node_crash(3);
	tell(1, TOTEM_EVENT_WATCH_BROKEN, 3);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 3);
	check_removed_by_silence();
}
END_TEST

/* A report of the transport only makes the node ask. */
START_TEST(a_transport_that_gives_a_node_up_is_not_believed)
{
	start_ring_of_askers(3);
	for (uint32_t i = 0; i < 5; i++) {
		tell(2, TOTEM_EVENT_PEER_DEAD, 3);
		run_for(15);
	}
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->cleared, 5);
	check_unmoved();
	node_crash(3);
	tell(1, TOTEM_EVENT_PEER_DEAD, 3);
	tell(2, TOTEM_EVENT_PEER_DEAD, 3);
	check_removed_by_silence();
}
END_TEST

START_TEST(plain_peers_are_never_suspected)
{
	options.features = 0;
	start_ring(3);
	connect_all();
	run_for(1500);
	net->refusals_left = 1000;
	node_crash_closing(3, true);
	tell(1, TOTEM_EVENT_PEER_DEAD, 3);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 3);
	check_removed_by_silence();
	ck_assert_uint_eq(totem_engine_counters(node_of(1)->engine)->suspected, 0);
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->suspected, 0);
}
END_TEST

/* Refusals without a quote of one of our frames prove nothing, however often they arrive. */
START_TEST(forged_refusals_remove_nobody)
{
	struct wire_probe probe = {.system_from = 2, .kind = WIRE_PROBE_QUESTION};
	uint8_t bytes[WIRE_PROBE_SIZE];

	options.features = _i == 0 ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	connect_all();
	run_for(1500);
	/* Node 3 runs, but neither receives nor sends for a while. */
	node_of(3)->is_paused = true;
	if (_i == 2)
		tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	for (uint64_t i = 0; i < 300; i++) {
		probe.ring = *totem_engine_ring(node_of(2)->engine);
		probe.number = i * UINT64_C(0x9E3779B97F4A7C15);
		wire_encode_probe(&probe, 3, false, bytes, sizeof(bytes));
		totem_engine_refused(node_of(2)->engine, net->now_ns, 3, bytes, i % 46);
		run_for(2);
	}
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->refused, 0);
	node_resume(node_of(3), true);
	check_unmoved();
}
END_TEST

/* A firewall refuses one packet: the next one gets through, and is answered. */
START_TEST(a_refused_packet_removes_nobody)
{
	uint64_t cleared = 0;

	start_ring_of_askers(3);
	for (uint32_t i = 0; i < 50; i++) {
		net->refuse_next_to = i % 3 + 1;
		run_for(37);
	}
	check_unmoved();
	for (uint32_t id = 1; id <= 3; id++)
		cleared += totem_engine_counters(node_of(id)->engine)->cleared;
	ck_assert_uint_gt(cleared, 0);
}
END_TEST

/* Node 3 runs. The first packet to it is refused, or two of three packets are. */
START_TEST(refusals_on_a_slow_network_remove_nobody)
{
	net->delay_ns = 30 * MS;
	start_ring_of_askers(3);
	for (uint32_t at = 1; at <= 2; at++)
		tell(at, TOTEM_EVENT_WATCH_CLOSED, 3);
	net->refuse_next_to = 3;
	net->refuse_most_to = _i == 1 ? 3 : 0;
	for (uint32_t i = 0; i < 300; i++) {
		if (i % 50 == 40) {
			/* The node connects again, and the new connection ends, too. */
			tell(2, TOTEM_EVENT_WATCH_ON, 3);
			tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
		}
		run_for(7);
	}
	net->refuse_most_to = 0;
	ck_assert_uint_gt(totem_engine_counters(node_of(2)->engine)->suspected, 0);
	ck_assert_uint_gt(
		totem_engine_counters(node_of(1)->engine)->refused + totem_engine_counters(node_of(2)->engine)->refused,
		_i == 1 ? 5 : 0);
	run_for(patience_ms());
	check_all_are_members();
}
END_TEST

START_TEST(each_question_is_answered_once)
{
	const struct wire_probe probe = {.system_from = 1, .kind = WIRE_PROBE_QUESTION, .number = 7, .ring = {9, 9}};
	const struct wire_probe own = {.system_from = 2, .kind = WIRE_PROBE_QUESTION, .number = 7};
	uint8_t bytes[WIRE_PROBE_SIZE];

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	/* A probe of another ring is answered as well: it does not count as a merge detect. */
	uint64_t before = totem_engine_counters(node_of(2)->engine)->probe_tx;

	wire_encode_probe(&probe, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	wire_encode_probe(&own, 2, false, bytes, sizeof(bytes));
	feed(2, bytes, sizeof(bytes));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->probe_tx, before + 1);
	check_unmoved();
}
END_TEST

/* --- no link --- */

static bool is_apart(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && (from == n->cut_from || to == n->cut_from);
}

static bool is_deaf(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)header, (void)frame;
	return from != to && to == n->cut_from;
}

/* Node `cut` neither sends nor receives for ms. */
static void cut_for(uint32_t cut, uint64_t ms, bool is_told)
{
	net->cut_from = cut;
	net->drops = is_apart;
	if (is_told)
		tell(cut, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(ms);
	net->drops = NULL;
	if (is_told)
		tell(cut, TOTEM_EVENT_LINK_UP, 0);
}

START_TEST(a_link_that_flaps_changes_nothing)
{
	start_ring(3);
	for (uint32_t i = 0; i < 5; i++) {
		cut_for((uint32_t)_i + 1, 1500, true);
		run_for(1500);
	}
	check_unmoved();
}
END_TEST

/* Start a ring of `count` nodes again, idle or with a token that is not held. */
static void restart_ring(uint32_t count)
{
	net_teardown();
	net_setup();
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(count);
	connect_all();
	run_for(1500);
}

/*
 * Lengths of the cut, in percent of the token timeout plus the consensus timeout. In every second case link events are
 * reported.
 */
static const uint32_t cut_percents[] = {40, 45, 50, 60, 70, 80, 85, 90, 95};
#define CUTS (sizeof(cut_percents) / sizeof(cut_percents[0]))

START_TEST(a_cut_that_is_shorter_than_the_patience_changes_nothing)
{
	uint32_t percent = cut_percents[_i / 2];

	for (uint32_t count = 2; count <= 3; count++) {
		for (uint32_t cut = 1; cut <= count; cut++) {
			restart_ring(count);
			/*
			 * The patience begins with the last token, which the representative may have held since then.
			 */
			cut_for(cut, (patience_ms() - held_ms()) * percent / 100, _i % 2 == 1);
			run_until_ring(count, 5000);
			run_for(patience_ms());
			check_all_are_members();
		}
	}
}
END_TEST

/*
 * The survivor whose patience ends first removes the node. The other one may have removed it by a verdict of its own or
 * by that of the first.
 */
static void check_records_of(uint32_t removed)
{
	uint32_t silent = 0;

	for (uint32_t id = 1; id <= net->node_count; id++) {
		const struct evicted *record = id == removed ? NULL : last_evicted(id, removed);

		if (id == removed)
			continue;
		ck_assert_ptr_nonnull(record);
		ck_assert_uint_eq(record->budget_ns, patience_ms() * MS);
		ck_assert_uint_eq(record->agreed_count, net->node_count - 1);
		ck_assert_uint_gt(record->silent_ns, (patience_ms() - held_ms()) * MS);
		silent += record->evidence == TOTEM_EVIDENCE_SILENT;
		if (record->evidence != TOTEM_EVIDENCE_SILENT) {
			ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_NAMED);
			ck_assert_uint_ne(record->accuser, id);
		}
	}
	ck_assert_uint_gt(silent, 0);
}

START_TEST(a_cut_that_is_longer_than_the_patience_removes_the_node)
{
	for (uint32_t count = 2; count <= 3; count++) {
		for (uint32_t cut = 1; cut <= count; cut++) {
			restart_ring(count);
			cut_for(cut, patience_ms() * 12 / 10, _i == 1);
			for (uint32_t id = 1; id <= count; id++)
				ck_assert_uint_eq(member_count(id), id == cut ? 1 : count - 1);

			check_records_of(cut);
			run_until_ring(count, 5000);
		}
	}
}
END_TEST

static bool is_token_from(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)frame;
	return header->type == WIRE_TOKEN && from == n->cut_from && to != from;
}

/*
 * The cut-off node was the last one to have the token, a hold time after the others. Even so no two halves serve at the
 * same time.
 */
START_TEST(a_majority_concludes_after_the_node_that_is_cut_off)
{
	uint32_t cut = (uint32_t)_i + 1, other = cut == 1 ? 2 : 1;
	uint32_t visits;

	restart_ring(3);
	visits = node_of(cut)->visits;
	net->cut_from = cut;
	net->drops = cut == 1 ? NULL : is_token_from; /* node 1 holds it */
	while (node_of(cut)->visits == visits)
		net_step(net, net->now_ns + 1000 * MS);
	net->drops = is_apart;
	run_for(patience_ms() - 2 * held_ms() - 100);
	for (uint32_t ms = 0; ms < 4000 && member_count(other) == 3; ms++)
		run_for(1);
	ck_assert_uint_eq(member_count(other), 2);
	ck_assert_uint_eq(member_count(cut), 1);
}
END_TEST

/* The link is reported down and up again and again, but no packet passes. */
START_TEST(a_link_that_flaps_does_not_prolong_the_patience)
{
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_apart;
	for (uint64_t ms = 0; ms < patience_ms() + 200; ms += 100) {
		tell(3, ms / 100 % 2 == 0 ? TOTEM_EVENT_LINK_DOWN : TOTEM_EVENT_LINK_UP, 0);
		run_for(100);
	}
	ck_assert_uint_eq(member_count(3), 1);
}
END_TEST

/* An operator or a quorum device asks for a new membership again and again. */
START_TEST(a_forced_gather_does_not_prolong_the_patience)
{
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_apart;
	for (uint64_t ms = 0; ms < options.consensus_ns / MS - 100; ms += 100) {
		tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
		run_for(100);
		ck_assert_uint_eq(member_count(3), 3);
	}
	run_for(200);
	ck_assert_uint_eq(member_count(3), 1);
}
END_TEST

/*
 * Node 9, of another ring, lists node 3 as failed. Nodes 1 and 2 have not yet waited for node 3 for the whole time that
 * a member of their own ring is given.
 */
START_TEST(a_verdict_of_another_ring_waits_for_the_patience)
{
	static const uint32_t proc[] = {1, 2, 3, 9}, failed[] = {3};
	uint8_t bytes[256];
	size_t size;

	start_ring(3);
	net->cut_from = 3;
	net->drops = is_apart;
	while (node_of(1)->gathered == 0)
		run_for(10);
	run_for(300);
	size = wire_encode_join(9, 9, 1, proc, 4, failed, 1, 0, false, bytes, sizeof(bytes));
	feed(1, bytes, size);
	run_for(10);
	ck_assert(node_set_has(&node_of(1)->engine->lists.proc, 9));
	ck_assert(!node_set_has(&node_of(1)->engine->lists.failed, 3));
}
END_TEST

/*
 * A node without a link knows that it is cut off, so its lease ends at once. But it forms a ring of its own no sooner
 * than a node that does not know.
 */
START_TEST(a_node_without_a_link_is_alone_after_the_patience)
{
	struct node *node;

	start_ring(3);
	node = node_of((uint32_t)_i + 1);
	net->cut_from = node->id;
	net->drops = is_apart;
	tell(node->id, TOTEM_EVENT_LINK_DOWN, 0);
	ck_assert(!node->has_lease);
	run_for(patience_ms() - held_ms() - 50);
	check_all_are_members();
	run_for(held_ms() + 100);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(member_count(node->id), 1);
	run_for(3 * options.token_ns / MS);
	net->drops = NULL;
	tell(node->id, TOTEM_EVENT_LINK_UP, 0);
	run_until_ring(3, 500);
}
END_TEST

/* The node can send but receives nothing. No link event reports that. */
START_TEST(a_deaf_node_is_alone_after_the_patience)
{
	struct node *node;
	uint64_t lease_ms;

	start_ring(3);
	node = node_of((uint32_t)_i + 1);
	lease_ms = totem_engine_lease(node->engine) / MS;
	net->cut_from = node->id;
	net->drops = is_deaf;
	run_for(lease_ms + 1);
	ck_assert(!node->has_lease);
	run_for(patience_ms() - held_ms() - lease_ms - 50);
	check_all_are_members();
	run_for(held_ms() + 100);
	ck_assert_uint_eq(member_count(node->id), 1);
	/* The others receive its packets, but it does not answer. They must not gather because of it for ever. */
	run_for(60000);
	clear_logs();
	run_for(60000);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_le(net->nodes[i].gathered, 6);
	net->drops = NULL;
	run_until_ring(3, 5000);
}
END_TEST

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
	/* The reference forms two rings every 4.4 s for ever. Here node 2 tries once a minute. */
	ck_assert_uint_le(node_of(2)->gathered, 30);
	net->drops = NULL;
	run_until_ring(3, 70000);
}
END_TEST

static void tell_of(enum wire_probe_kind kind, uint32_t to, uint32_t accuser, uint32_t accused)
{
	const struct wire_probe probe = {.system_from = accuser, .kind = kind, .number = accused};
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&probe, to, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

/*
 * Node 2 is in a ring with node 1 or node 3, and ignores the other one of them until its member retracts the
 * accusation.
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
	 * The excluded node gathers alone, and after that asks node 2 again. Without the question node 2 would wait for
	 * half a minute.
	 */
	for (uint32_t i = 0; i < 100 && node_of(2)->gathered == 0; i++)
		run_for(100);
	ck_assert_uint_ne(node_of(2)->gathered, 0);
}
END_TEST

/*
 * Two rings, {1 2} and {3 4}, meet. Nodes 1 and 3 receive only the first join of each other, and so do nodes 2 and 4.
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

	first->backoff.accuser = 2; /* as if 1 had not heard enough to judge */
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

/* If one link is really cut, pardons between nodes that hear each other change nothing. */
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

/* --- the watch over a neighbour --- */

static uint64_t probes_of(uint32_t id) { return totem_engine_counters(node_of(id)->engine)->probe_tx; }

START_TEST(each_member_watches_the_next_one)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(node_of(id)->watches, id % 3 + 1);
	uint32_t calls = node_of(1)->watch_calls;
	node_crash(2);
	run_until_ring(2, 10000);
	ck_assert_uint_eq(node_of(1)->watches, 3);
	ck_assert_uint_gt(node_of(1)->watch_calls, calls);
	node_crash(3);
	run_until_ring(1, 10000);
	ck_assert_uint_eq(node_of(1)->watches, 0);
}
END_TEST

START_TEST(a_plain_peer_is_not_watched)
{
	options.features = 0;
	start_ring(3);
	ck_assert_uint_eq(node_of(1)->watches, 0);
}
END_TEST

START_TEST(an_idle_ring_asks_no_questions)
{
	start_ring_of_askers(3);
	uint64_t before = probes_of(1) + probes_of(2) + probes_of(3);
	run_for(10000);
	ck_assert_uint_eq(probes_of(1) + probes_of(2) + probes_of(3), before);
	tell(2, TOTEM_EVENT_WATCH_OFF, 1);
	tell(2, TOTEM_EVENT_WATCH_OFF, 3);
	run_for(1000);
	ck_assert_uint_eq(probes_of(1) + probes_of(2) + probes_of(3), before);
}
END_TEST

/* An answer of the suspected daemon ends the suspicion, whatever happened to the connection. */
START_TEST(false_signs_remove_nobody)
{
	static const enum totem_event signs[] = {
		TOTEM_EVENT_WATCH_BROKEN, TOTEM_EVENT_WATCH_CLOSED, TOTEM_EVENT_PEER_DEAD};

	start_ring_of_askers(3);
	node_of(3)->is_paused = _i % 2 == 1;
	for (int i = 0; i < 10; i++) {
		tell(2, TOTEM_EVENT_WATCH_ON, 3);
		tell(2, signs[_i / 2], 3);
		run_for(30);
	}
	if (_i % 2 == 1)
		node_resume(node_of(3), true);
	check_unmoved();
	ck_assert_uint_ge(totem_engine_counters(node_of(2)->engine)->cleared, _i % 2 == 1 ? 1 : 10);
	/* The daemon ends, but its host refuses nothing. So the token's timer decides. */
	node_crash(3);
	tell(2, signs[_i / 2], 3);
	run_for(1000);
	ck_assert_uint_eq(node_of(2)->gathered, 0);
}
END_TEST

/* The question is sent as a poke to the daemon's own port. A transport's session might hide the refusal. */
START_TEST(a_closed_suspect_is_poked_at_its_port)
{
	start_ring_of_askers(3);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 3);
	run_for(1);
	ck_assert_uint_eq(node_of(2)->pokes, 0);
	tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	ck_assert_uint_eq(node_of(2)->pokes, 1);
	check_unmoved();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("signs");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_crash_on_an_idle_ring_is_noticed_within_60_ms, 0, 3);
	tcase_add_test(tcase, one_refusal_after_a_close_is_enough);
	tcase_add_test(tcase, two_neighbours_that_crash_together_are_both_removed);
	tcase_add_test(tcase, a_packet_that_was_under_way_does_not_save_its_sender);
	tcase_add_test(tcase, a_judge_that_was_stopped_asks_again);
	tcase_add_test(tcase, a_judge_that_was_stopped_reads_first);
	tcase_add_loop_test(tcase, a_node_that_is_restarted_is_a_member_again, 0, 5);
	tcase_add_loop_test(tcase, refusals_without_a_close_wait_for_the_token, 0, 3);
	tcase_add_loop_test(tcase, a_close_without_refusals_waits_for_the_token, 0, 3);
	tcase_add_test(tcase, an_answer_makes_an_earlier_close_worthless);
	tcase_add_test(tcase, a_node_without_a_link_convicts_no_other);
	tcase_add_test(tcase, a_reset_and_refusals_wait_for_the_token);
	tcase_add_test(tcase, a_transport_that_gives_a_node_up_is_not_believed);
	tcase_add_test(tcase, plain_peers_are_never_suspected);
	tcase_add_loop_test(tcase, forged_refusals_remove_nobody, 0, 3);
	tcase_add_test(tcase, a_refused_packet_removes_nobody);
	tcase_add_loop_test(tcase, refusals_on_a_slow_network_remove_nobody, 0, 2);
	tcase_add_test(tcase, each_question_is_answered_once);
	tcase_add_loop_test(tcase, a_link_that_flaps_changes_nothing, 0, 3);
	tcase_add_loop_test(tcase, a_cut_that_is_shorter_than_the_patience_changes_nothing, 0, 2 * CUTS);
	tcase_add_loop_test(tcase, a_cut_that_is_longer_than_the_patience_removes_the_node, 0, 2);
	tcase_add_loop_test(tcase, a_majority_concludes_after_the_node_that_is_cut_off, 0, 3);
	tcase_add_test(tcase, a_link_that_flaps_does_not_prolong_the_patience);
	tcase_add_test(tcase, a_forced_gather_does_not_prolong_the_patience);
	tcase_add_test(tcase, a_verdict_of_another_ring_waits_for_the_patience);
	tcase_add_loop_test(tcase, a_node_without_a_link_is_alone_after_the_patience, 0, 3);
	tcase_add_loop_test(tcase, a_deaf_node_is_alone_after_the_patience, 0, 3);
	tcase_add_test(tcase, asymmetric_reachability_calms_down);
	tcase_add_test(tcase, an_accuser_takes_its_verdict_back);
	tcase_add_test(tcase, a_circle_of_accusations_ends);
	tcase_add_test(tcase, pardoned_nodes_wait_for_the_last_one);
	tcase_add_test(tcase, nodes_that_each_member_pardons_are_let_in);
	tcase_add_test(tcase, two_rings_with_one_cut_between_them_calm_down);
	tcase_add_test(tcase, each_member_watches_the_next_one);
	tcase_add_test(tcase, a_plain_peer_is_not_watched);
	tcase_add_test(tcase, an_idle_ring_asks_no_questions);
	tcase_add_loop_test(tcase, false_signs_remove_nobody, 0, 6);
	tcase_add_test(tcase, a_closed_suspect_is_poked_at_its_port);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
