/* SPDX-License-Identifier: BSD-3-Clause */
/* The length of the lease: it follows from the timers, of which a reload may change some, and each node may have its own. */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/lease_case.h"

START_TEST(a_budget_shortens_it)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = 500 * MS;
	options.token_retransmit_ns = 100 * MS;
	options.hold_ns = 150 * MS;
	start_ring(3);
	ck_assert_uint_eq(lease_ms(), 300);
	cut(3);
	run_for(lease_ms() + late_ms());
	check_lease(3, false);
	check_lease(1, true);
}
END_TEST

static void use_token_timeout(uint64_t factor)
{
	totem_options_defaults(&options, 1, 3);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	options.token_ns *= factor;
	options.consensus_ns *= factor;
}

/* The other members wait for the lease that the node announced for the present ring. */
START_TEST(a_reload_makes_it_longer_in_the_next_ring)
{
	const uint32_t ids[] = {1, 2, 3};
	uint64_t before_ms;

	start_leased_ring(3);
	before_ms = lease_ms();
	use_token_timeout(4);
	options.nodes = ids;
	options.node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.nodeid = id;
		ck_assert_int_eq(totem_engine_reconfigure(node_of(id)->engine, net->now_ns, &options), 0);
	}
	ck_assert_uint_eq(lease_ms(), before_ms);
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	run_for(500);
	run_until_ring(3, 5000);
	ck_assert_uint_eq(lease_ms(), 4 * before_ms);
}
END_TEST

START_TEST(a_reload_makes_it_shorter_at_once)
{
	uint64_t before_ms;

	start_leased_ring(3);
	before_ms = lease_ms();
	options.nodeid = 1;
	options.token_ns /= 2;
	ck_assert_int_eq(totem_engine_reconfigure(node_of(1)->engine, net->now_ns, &options), 0);
	ck_assert_uint_eq(lease_ms(), before_ms / 2);
}
END_TEST

/*
 * A budget beyond the token timeout does not make the lease longer, since a gather may end after the consensus timeout.
 */
START_TEST(a_budget_beyond_the_token_timeout_makes_it_no_longer)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE | WIRE_FEATURE_SILENCE;
	options.silence_ns = options.token_ns + options.consensus_ns - MS;
	start_ring(3);
	ck_assert_uint_eq(lease_ms(), options.token_ns / MS * 6 / 10);
}
END_TEST

/* The other two nodes form a ring only after this node has stopped to serve. */
START_TEST(a_member_with_a_longer_token_timeout_is_waited_for)
{
	const uint32_t *members;

	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		use_token_timeout(id == 3 ? 8 : 1);
		node_start(id);
	}
	run_until_ring(3, 10000);
	run_for(2000);
	cut(3);
	for (uint32_t ms = 0; ms < 60000 && totem_engine_members(node_of(1)->engine, &members) == 3; ms++) {
		run_for(1);
		ck_assert(totem_engine_members(node_of(1)->engine, &members) == 3 || !has_lease(3));
	}
	ck_assert_uint_eq(totem_engine_members(node_of(1)->engine, &members), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_budget_shortens_it);
	tcase_add_test(tcase, a_reload_makes_it_longer_in_the_next_ring);
	tcase_add_test(tcase, a_reload_makes_it_shorter_at_once);
	tcase_add_test(tcase, a_budget_beyond_the_token_timeout_makes_it_no_longer);
	tcase_add_test(tcase, a_member_with_a_longer_token_timeout_is_waited_for);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
