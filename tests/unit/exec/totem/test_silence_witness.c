/* SPDX-License-Identifier: BSD-3-Clause */
/* The witness of a silent member, which is the kernel of its host: when the engine asks for it, and what it records. */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/silence_case.h"

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
	ck_assert_uint_eq(node_of(1)->witnessed[witness], witness == TOTEM_WITNESS_UNKNOWN ? 0 : 1); /* one event */
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
	check_all_are_members();
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
	TCase *tcase = tcase_create("witness");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_witness_is_asked_about_a_silent_member_alone, 0, 2);
	tcase_add_loop_test(tcase, an_eviction_has_what_the_witness_said, 0, 3);
	tcase_add_test(tcase, what_a_witness_said_ages);
	tcase_add_test(tcase, a_member_that_is_heard_again_needs_no_witness);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
