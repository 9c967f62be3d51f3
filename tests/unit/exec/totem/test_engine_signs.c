/* SPDX-License-Identifier: BSD-3-Clause */
/* Signs that a member has ended: which ones remove it, and which ones only cause a question (book failure, "Signs"). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_case.h"

/*
 * Return how much later than its patience a majority forms its ring, in milliseconds. It waits for the time of a held token
 * once more and 20 ms. The ring takes some milliseconds.
 */
static uint64_t margin_ms(void) { return held_ms() + 20 + 100; }

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

/* --- signs that remove a member --- */

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

/* A host refuses only a few datagrams a second. So one refusal removes the member as well, after twice the time. */
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

/* Wait until node 1 holds the token, so that no packets but questions can be refused. */
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
 * The first question of node 2 is refused, and then node 2 is stopped. When it runs again, its timer expires before it
 * has sent a second question.
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

/* Answers wait in the socket of node 2, which was stopped, but its timers expire first. */
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

/* The connections of node 3 end as after a crash, but the new daemon answers questions at once. */
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

/* Node 2 has no link, and knows that. So refusals of its packets are no signs against node 3. */
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

/* A report of the transport that a peer is dead only makes the node send a question. */
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

/* A refusal that quotes no frame of the node is no sign, however many of them arrive. */
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

/* A firewall refuses single packets. The question that follows arrives, and is answered. */
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

/* Remember the newest question of node 2 to node 3. No packet is lost. */
static uint8_t question[WIRE_PROBE_SIZE];
static bool has_question;

static bool reads_the_wire(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_probe probe;

	(void)n, (void)header;
	if (from != 2 || to != 3 || !wire_decode_probe(frame->data, frame->size, &probe) ||
		probe.kind != WIRE_PROBE_QUESTION)
		return false;
	memcpy(question, frame->data, sizeof(question));
	has_question = true;
	return false;
}

/*
 * A host on the wire ends the connection of nodes 2 and 3, and refuses each question to node 3 before its answer comes, once
 * or twice. It drops no packet. So node 3 answers all questions.
 */
START_TEST(forged_refusals_do_not_make_an_answer_worthless)
{
	net->delay_ns = 2 * MS;
	start_ring_of_askers(3);
	net->drops = reads_the_wire;
	for (uint32_t i = 0; i < 300; i++) {
		if (i % 100 == 0)
			tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
		for (int k = 0; has_question && k <= _i; k++)
			totem_engine_refused(node_of(2)->engine, net->now_ns, 3, question, sizeof(question));
		has_question = false;
		run_for(1);
	}
	check_unmoved();
	ck_assert_uint_ge(totem_engine_counters(node_of(2)->engine)->refused, 3);
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->cleared, 3);
}
END_TEST

/* A report that comes three times counts once: a host that is on the wire can send it again. */
START_TEST(a_question_is_refused_once)
{
	start_ring_of_askers(3);
	net->drops = reads_the_wire;
	node_of(3)->is_paused = true;
	tell(2, TOTEM_EVENT_WATCH_CLOSED, 3);
	ck_assert(has_question);
	for (int i = 0; i < 3; i++)
		totem_engine_refused(node_of(2)->engine, net->now_ns, 3, question, sizeof(question));
	ck_assert_uint_eq(totem_engine_counters(node_of(2)->engine)->refused, 1);
	node_resume(node_of(3), true);
	check_unmoved();
}
END_TEST

/* Node 3 runs. The first packet to it is refused, or two of three packets to it are. */
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

/* An answer of the suspected daemon ends the suspicion, no matter what happened to the connection. */
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
	/* The daemon ends, but its host refuses nothing. So only the token's timer can remove it. */
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
	tcase_add_loop_test(tcase, forged_refusals_do_not_make_an_answer_worthless, 0, 2);
	tcase_add_test(tcase, a_question_is_refused_once);
	tcase_add_loop_test(tcase, refusals_on_a_slow_network_remove_nobody, 0, 2);
	tcase_add_test(tcase, each_question_is_answered_once);
	tcase_add_test(tcase, each_member_watches_the_next_one);
	tcase_add_test(tcase, a_plain_peer_is_not_watched);
	tcase_add_test(tcase, an_idle_ring_asks_no_questions);
	tcase_add_loop_test(tcase, false_signs_remove_nobody, 0, 6);
	tcase_add_test(tcase, a_closed_suspect_is_poked_at_its_port);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
