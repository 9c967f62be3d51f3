/* SPDX-License-Identifier: BSD-3-Clause */
/* The lease: a node serves as long as its last contact with a majority of its ring is recent (exec/totem/lease.c). */
#include <check.h>
#include <string.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/lease_case.h"

START_TEST(a_ring_of_one_always_holds_it)
{
	start_leased_ring(1);
	tell(1, TOTEM_EVENT_STOPPED, 0);
	check_lease(1, true);
	tell(1, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(60000);
	check_lease(1, true);
	ck_assert_uint_eq(node_of(1)->lease_ends, 0);
}
END_TEST

START_TEST(tokens_renew_it)
{
	start_leased_ring((uint32_t)_i);
	run_for(30000);
	for (uint32_t id = 1; id <= (uint32_t)_i; id++) {
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}
}
END_TEST

/* If the token is late, members send each other probes, and the answers renew the lease. */
START_TEST(answers_renew_it)
{
	start_leased_ring(3);
	net->drops = is_token;
	run_for(lease_ms() + held_ms() + late_ms());
	for (uint32_t id = 1; id <= 3; id++) {
		ck_assert_int_eq(totem_engine_state(node_of(id)->engine), TOTEM_OPERATIONAL);
		check_lease(id, true);
		ck_assert_uint_eq(node_of(id)->lease_ends, 0);
	}
}
END_TEST

/* --- its end --- */

START_TEST(a_cut_node_loses_it_after_its_length)
{
	struct node *node;
	uint64_t at_ns;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	at_ns = net->now_ns;
	run_for(lease_ms() - held_ms() - 10);
	check_lease(3, true);
	run_for(held_ms() + 10 + late_ms());
	check_lease(3, false);
	ck_assert_uint_ge(node->lease_at_ns, at_ns + (lease_ms() - held_ms()) * MS);
	run_for(2500);
	ck_assert_uint_eq(node->lease_ends, 1);
	ck_assert_uint_eq(node->lease_begins, 0);
	check_lease(3, false);
	/* After the timeouts the node is a ring of its own. The lease of that ring says nothing about quorum. */
	run_for((options.token_ns + options.consensus_ns) / MS);
	check_lease(3, true);
	ck_assert_uint_eq(node->lease_begins, 1);
}
END_TEST

/* The getter compares with the clock and is exact. The callback may be late. */
START_TEST(the_getter_knows_the_end_before_the_callback)
{
	const struct node *node;
	uint64_t end_ns;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(held_ms() + 1);
	end_ns = node->engine->lease.contact_ns + totem_engine_lease(node->engine);
	ck_assert(totem_engine_has_lease(node->engine, end_ns - 1));
	ck_assert(!totem_engine_has_lease(node->engine, end_ns));
}
END_TEST

START_TEST(it_is_back_after_contact)
{
	start_leased_ring(3);
	cut(3);
	run_for(lease_ms() + late_ms());
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_begins, 1);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
	run_for(10000);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

START_TEST(a_link_that_goes_down_ends_it_at_once)
{
	start_leased_ring(3);
	cut(3);
	tell(3, TOTEM_EVENT_LINK_DOWN, 0);
	check_lease(3, false);
	run_for(500);
	tell(3, TOTEM_EVENT_LINK_UP, 0);
	check_lease(3, true); /* the lease has not ended yet */
	tell(3, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(lease_ms());
	tell(3, TOTEM_EVENT_LINK_UP, 0);
	check_lease(3, false);
	net->drops = NULL;
	run_for(late_ms());
	check_lease(3, true);
}
END_TEST

/*
 * A node was stopped by a signal or a suspend. The packets that wait in its socket are from before the stop and do not
 * renew the lease.
 */
START_TEST(a_token_from_before_a_stop_does_not_renew_it)
{
	struct node *node;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(1200);
	node->is_paused = true;
	net->drops = NULL;
	run_for(1400); /* too short to be a pause for the engine. The token is sent again meanwhile */
	ck_assert_uint_gt(node->waiting_count, 0);
	ck_assert(!has_lease(3));
	node_resume(node, _i == 1);
	ck_assert_uint_eq(node->paused, 0);
	check_lease(3, false);
	if (_i == 2)
		net->drops = drops_probes; /* without probes the next token renews the lease */
	run_for(_i == 2 ? held_ms() + 10 : 10);
	check_lease(3, true);
	ck_assert_uint_eq(node->gathered, 0);
}
END_TEST

/* The lease has not ended yet. A token from before the stop does not prolong it. */
START_TEST(a_token_from_before_a_short_stop_does_not_prolong_it)
{
	struct node *node;
	uint64_t end_ns;

	start_leased_ring(3);
	node = node_of(3);
	cut(3);
	run_for(500);
	end_ns = node->engine->lease.contact_ns + totem_engine_lease(node->engine);
	node->is_paused = true;
	net->drops = drops_probes;
	run_for(700);
	ck_assert_uint_gt(node->waiting_count, 0); /* the token, which was sent again, waits */
	cut(3);
	ck_assert(has_lease(3));
	node_resume(node, false);
	ck_assert_uint_eq(totem_engine_counters(node->engine)->token_last_ns, net->now_ns);
	ck_assert(totem_engine_has_lease(node->engine, end_ns - 1));
	ck_assert(!totem_engine_has_lease(node->engine, end_ns));
	run_for(lease_ms() - 1200 + held_ms() + late_ms());
	check_lease(3, false);
}
END_TEST

static uint8_t late_token[2048];
static size_t late_token_size;

/* Node 2 is cut off, and the first token that it misses is kept. */
static bool keeps_a_token_to_2(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n;
	if (from == to || (from != 2 && to != 2))
		return false;
	if (to == 2 && header->type == WIRE_TOKEN && late_token_size == 0) {
		late_token_size = frame->size;
		memcpy(late_token, frame->data, frame->size);
	}
	return true;
}

/* The token arrives after the end of the lease and before the timer has noticed the end. */
START_TEST(a_token_that_was_under_way_for_longer_does_not_renew_it)
{
	const struct totem_engine *engine;
	uint64_t end_ns;

	start_leased_ring(3);
	engine = node_of(2)->engine;
	net->drops = keeps_a_token_to_2;
	run_for(held_ms() + 1);
	ck_assert_uint_gt(late_token_size, 0);
	end_ns = engine->lease.contact_ns + totem_engine_lease(engine);
	while (net_step(net, end_ns - 1))
		;
	net->now_ns = end_ns;
	ck_assert(!has_lease(2));
	ck_assert(node_of(2)->has_lease);
	feed(2, late_token, late_token_size);
	check_lease(2, false);
}
END_TEST

/* Each member has accepted the token. The lease of node 1 counts from the time at which node 3 passed it on. */
START_TEST(a_token_that_was_held_up_counts_from_when_it_was_passed_on)
{
	const struct totem_engine *engine;
	uint64_t sent_ns;

	start_leased_ring(3);
	engine = node_of(3)->engine;
	net->drops = drops_all;
	run_for(lease_ms() / 3); /* node 1 sends the token to node 2 again */
	net->drops = drops_probes;
	sent_ns = engine->pass.sent_ns;
	while (has_lease(3) && engine->pass.sent_ns == sent_ns)
		run_for(1);
	ck_assert_uint_gt(engine->pass.sent_ns, sent_ns);
	cut(3);
	ck_assert(has_lease(3));
	net->now_ns = sent_ns + (lease_ms() + held_ms() + late_ms()) * MS;
	ck_assert(!has_lease(3));
}
END_TEST

START_TEST(a_stop_that_now_does_not_show_ends_it)
{
	start_leased_ring(3);
	tell(3, TOTEM_EVENT_STOPPED, 0);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

static void feed_join(uint32_t to, uint32_t from, uint32_t header)
{
	const uint32_t proc[] = {1, 2, 3}, failed[] = {to};
	uint8_t bytes[256];
	size_t size = wire_encode_join(header, from, totem_engine_ring(node_of(to)->engine)->seq, proc, 3, failed, 1,
		WIRE_FEATURE_FILLED | options.features, false, bytes, sizeof(bytes));

	feed(to, bytes, size);
}

START_TEST(a_member_that_names_this_node_failed_ends_it)
{
	start_leased_ring(3);
	feed_join(3, 9, 9); /* node 9 is no member */
	check_lease(3, true);
	feed_join(3, 2, 2);
	check_lease(3, false);
	net->drops = drops_all;
	run_for(2 * lease_ms());
	check_lease(3, false);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

START_TEST(a_forged_verdict_ends_it_until_the_next_answer)
{
	start_leased_ring(3);
	feed_join(3, 2, 2);
	check_lease(3, false);
	run_for(1);
	check_lease(3, true);
	ck_assert_uint_eq(node_of(3)->gathered, 0);
}
END_TEST

static bool drop_frames_to_3(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return header->type == WIRE_MCAST && to == 3 && from != 3;
}

START_TEST(a_node_that_fails_to_receive_has_none)
{
	options.fail_recv_const = 50;
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->drops = drop_frames_to_3;
	send_many(1, 2);
	for (uint32_t ms = 0; ms < 5000 && node_of(3)->failed_to_receive == 0; ms++) {
		check_lease(3, true);
		run_for(1);
	}
	ck_assert_uint_eq(node_of(3)->failed_to_receive, 1);
	ck_assert_uint_eq(node_of(3)->lease_ends, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_ring_of_one_always_holds_it);
	tcase_add_loop_test(tcase, tokens_renew_it, 2, 6);
	tcase_add_test(tcase, answers_renew_it);
	tcase_add_test(tcase, a_cut_node_loses_it_after_its_length);
	tcase_add_test(tcase, the_getter_knows_the_end_before_the_callback);
	tcase_add_test(tcase, it_is_back_after_contact);
	tcase_add_test(tcase, a_link_that_goes_down_ends_it_at_once);
	tcase_add_loop_test(tcase, a_token_from_before_a_stop_does_not_renew_it, 0, 3);
	tcase_add_test(tcase, a_token_from_before_a_short_stop_does_not_prolong_it);
	tcase_add_test(tcase, a_token_that_was_under_way_for_longer_does_not_renew_it);
	tcase_add_test(tcase, a_token_that_was_held_up_counts_from_when_it_was_passed_on);
	tcase_add_test(tcase, a_stop_that_now_does_not_show_ends_it);
	tcase_add_test(tcase, a_member_that_names_this_node_failed_ends_it);
	tcase_add_test(tcase, a_forged_verdict_ends_it_until_the_next_answer);
	tcase_add_test(tcase, a_node_that_fails_to_receive_has_none);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
