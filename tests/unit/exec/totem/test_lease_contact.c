/* SPDX-License-Identifier: BSD-3-Clause */
/* The events that renew a lease or end it: answers, packets of plain members, and connections that are reset. */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/lease_case.h"

/* --- connections --- */

START_TEST(a_node_whose_connections_are_all_reset_has_none_until_an_answer)
{
	static const enum totem_event ends[] = {TOTEM_EVENT_WATCH_BROKEN, TOTEM_EVENT_WATCH_CLOSED};

	start_leased_ring(3);
	net->drops = drops_all;
	tell(3, ends[_i], 1);
	check_lease(3, true);
	tell(3, ends[_i], 2);
	check_lease(3, false);
	run_for(300);
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
}
END_TEST

/* Because of the sign the node sends a question, and the answer renews the lease. */
START_TEST(the_answer_after_a_reset_counts_at_once)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
}
END_TEST

/* An answer to a question from before the stop does not renew the lease. The node sends the next question in time. */
START_TEST(a_late_answer_does_not_delay_the_next_question)
{
	net->delay_ns = 30 * MS;
	start_leased_ring(3);

	const struct peer *first = peer_find(node_of(3)->engine, 1), *second = first + 1;
	uint64_t at_ns = net->now_ns;

	net->drops = is_token;
	for (uint32_t ms = 0; ms < 3000 && (first->asked_ns < at_ns || second->asked_ns < at_ns); ms++)
		run_for(1);
	run_for(1);
	tell(3, TOTEM_EVENT_STOPPED, 0);
	run_for(62);
	check_lease(3, false);
	run_for(2 * late_ms() + 62);
	check_lease(3, true);
}
END_TEST

START_TEST(one_connection_of_two_may_be_reset)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	check_lease(3, true);
	tell(3, TOTEM_EVENT_WATCH_ON, 1);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(3, TOTEM_EVENT_WATCH_OFF, 2); /* node 3 itself has closed the connection */
	check_lease(3, true);
	run_for(10); /* node 1 answers */
	tell(3, TOTEM_EVENT_WATCH_ON, 2);
	tell(3, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_ends, 0);
}
END_TEST

START_TEST(two_connections_of_three_may_be_reset)
{
	start_leased_ring(4);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 1);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 2);
	check_lease(4, true);
	tell(4, TOTEM_EVENT_WATCH_BROKEN, 3);
	check_lease(4, false);
}
END_TEST

START_TEST(the_only_connection_of_two_nodes_is_all_there_is)
{
	start_leased_ring(2);
	tell(2, TOTEM_EVENT_WATCH_BROKEN, 1);
	check_lease(2, false);
	run_for(1);
	check_lease(2, true);
}
END_TEST

/* --- what an answer is worth --- */

/* Send a probe from node 2 to node 1. @return the answer that node 2 gets */
static struct wire_probe answer_of_1(void)
{
	const struct wire_probe question = {.system_from = 2, .kind = WIRE_PROBE_QUESTION, .number = 7};
	const struct coterie_frame *sample;
	struct wire_probe answer;
	uint8_t bytes[WIRE_PROBE_SIZE];

	wire_encode_probe(&question, 1, false, bytes, sizeof(bytes));
	feed(1, bytes, sizeof(bytes));
	sample = net->samples[WIRE_MERGE_DETECT];
	ck_assert(wire_decode_probe(sample->data, sample->size, &answer));
	ck_assert_int_eq(answer.kind, WIRE_PROBE_ANSWER);
	ck_assert_uint_eq(answer.number, 7);
	return answer;
}

static bool is_no_probe(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n;
	return !is_probe(header, frame) && from != to;
}

START_TEST(a_node_that_gathers_grants_nothing)
{
	static const struct ring_id none;
	struct wire_probe answer;

	start_leased_ring(3);
	answer = answer_of_1();
	ck_assert(ring_id_equal(&answer.ring, totem_engine_ring(node_of(1)->engine)));
	net->drops = is_no_probe;
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
	answer = answer_of_1();
	ck_assert(ring_id_equal(&answer.ring, &none));
	/* Nodes 1 and 3 answer node 2, which is still in their old ring. */
	run_for(lease_ms() + late_ms());
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_OPERATIONAL);
	check_lease(2, false);
}
END_TEST

static void feed_hold_cancel(uint32_t to, uint32_t from)
{
	const struct wire_hold_cancel cancel = {.nodeid = from, .ring = *totem_engine_ring(node_of(to)->engine)};
	uint8_t bytes[WIRE_HEADER_SIZE + 12];

	wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes));
	feed(to, bytes, sizeof(bytes));
}

static void feed_merge_detect(uint32_t to, uint32_t from)
{
	const struct wire_merge_detect merge = {.system_from = from, .ring = *totem_engine_ring(node_of(to)->engine)};
	uint8_t bytes[100];

	feed(to, bytes, wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes)));
}

/* The token that was here last comes again: its sender believes that it was lost. */
static void feed_last_token(uint32_t to, uint32_t from)
{
	struct wire_token token = node_of(to)->engine->pass.token;
	uint8_t bytes[WIRE_TOKEN_SIZE_MAX];

	token.nodeid = from;
	token.token_seq = node_of(to)->engine->pass.tseq;
	feed(to, bytes, wire_encode_token(&token, to, false, bytes, sizeof(bytes)));
}

/*
 * A member that fails to receive forms a ring of its own, without waiting for the lease of this node. It may have a
 * majority.
 */
START_TEST(a_member_that_gives_itself_up_is_no_member)
{
	static const uint32_t nodes[] = {1, 2, 3};
	uint8_t bytes[200];

	start_leased_ring(3);
	feed(3, bytes,
		wire_encode_join(1, 1, totem_engine_ring(node_of(3)->engine)->seq, nodes, 3, nodes, 1, 0, false, bytes,
			sizeof(bytes)));
	check_lease(3, false);
}
END_TEST

/*
 * A plain member that sends a merge detect (0), hold cancel (1) or join (2) of another ring may have joined a majority
 * without this node.
 */
START_TEST(a_packet_of_another_ring_renews_nothing)
{
	static const uint32_t nodes[] = {1, 2};
	struct wire_merge_detect merge = {.system_from = 1};
	struct wire_hold_cancel cancel = {.nodeid = 1};
	uint8_t bytes[200];
	size_t size;

	options.features = 0;
	start_ring(3);
	run_for(2000);
	cut(3);
	run_for(lease_ms() + 10);
	check_lease(3, false);
	merge.ring = cancel.ring = *totem_engine_ring(node_of(3)->engine);
	cancel.ring.seq += 4;
	merge.ring.seq += 4;
	if (_i == 0)
		size = wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes));
	else if (_i == 1)
		size = wire_encode_hold_cancel(&cancel, false, bytes, sizeof(bytes));
	else
		size = wire_encode_join(1, 1, merge.ring.seq, nodes, 2, nodes, 0, 0, false, bytes, sizeof(bytes));
	feed(3, bytes, size);
	check_lease(3, false);
	ck_assert_uint_eq(node_of(3)->lease_begins, 0);
}
END_TEST

/* A token that was here before does not count: it may be a copy that the network has kept. */
START_TEST(a_packet_of_a_plain_member_counts)
{
	bool is_plain = _i % 2 == 0;

	options.features = is_plain ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(2000);
	cut(3);
	run_for(lease_ms() - held_ms() - 10);
	if (_i < 2)
		feed_hold_cancel(3, 1);
	else if (_i < 4)
		feed_merge_detect(3, 1);
	else
		feed_last_token(3, 1);
	run_for(held_ms() + 10 + late_ms());
	check_lease(3, is_plain && _i < 4);
	run_for(lease_ms() - held_ms() - 10);
	check_lease(3, false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_node_whose_connections_are_all_reset_has_none_until_an_answer, 0, 2);
	tcase_add_test(tcase, the_answer_after_a_reset_counts_at_once);
	tcase_add_test(tcase, a_late_answer_does_not_delay_the_next_question);
	tcase_add_test(tcase, one_connection_of_two_may_be_reset);
	tcase_add_test(tcase, two_connections_of_three_may_be_reset);
	tcase_add_test(tcase, the_only_connection_of_two_nodes_is_all_there_is);
	tcase_add_test(tcase, a_node_that_gathers_grants_nothing);
	tcase_add_loop_test(tcase, a_packet_of_another_ring_renews_nothing, 0, 3);
	tcase_add_loop_test(tcase, a_packet_of_a_plain_member_counts, 0, 5);
	tcase_add_test(tcase, a_member_that_gives_itself_up_is_no_member);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
