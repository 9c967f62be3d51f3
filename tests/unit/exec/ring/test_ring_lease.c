/* SPDX-License-Identifier: BSD-3-Clause */
/* The lease at the ring: its end by the clock and by a suspend of the host, and calls of the listener. */
#include <check.h>

#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

START_TEST(the_lease_is_the_engines)
{
	seen.lease_ns = 100;
	ck_assert(ring_has_lease(seen.ring));
	seen.later_ns = 100;
	ck_assert(!ring_has_lease(seen.ring));
	seen.is_without_provider = true;
	ck_assert(ring_has_lease(seen.ring));
	ck_assert(ring_has_lease(NULL));
}
END_TEST

START_TEST(clients_are_looked_at_when_the_lease_has_changed)
{
	seen.story[0] = '\0';
	seen.callbacks.lease(seen.arg, false);
	seen.callbacks.lease(seen.arg, true);
	expect("");
	run_deferred();
	expect("lease ");
	seen.callbacks.lease(seen.arg, false);
	run_deferred();
	expect("lease ");
}
END_TEST

START_TEST(a_suspend_ends_the_lease)
{
	seen.story[0] = '\0';
	seen.lease_ns = 100;
	seen.suspended_ns = 10000000; /* ignored: two clocks that are read one after the other may differ by that */
	ck_assert(ring_has_lease(seen.ring));
	seen.suspended_ns += 10000001;
	ck_assert(!ring_has_lease(seen.ring));
	expect("STOPPED ");
	ck_assert(ring_has_lease(seen.ring)); /* from now on the engine decides */
	expect("");
	run_deferred();
	expect("lease ");
}
END_TEST

START_TEST(a_suspend_is_not_forgotten_inside_the_engine)
{
	seen.story[0] = '\0';
	seen.lease_ns = 100;
	seen.suspended_ns = 20000000;
	seen.asks_for_the_lease = true;
	hand_up(seen.ring, "m1");
	expect("m1 lapsed ");
	ck_assert(!ring_has_lease(seen.ring));
	expect("STOPPED ");
}
END_TEST

START_TEST(a_lapse_is_logged_where_requests_wait)
{
	struct totem_trace trace = {.kind = TOTEM_TRACE_LEASE};

	seen.story[0] = '\0';
	seen.is_without_provider = true;
	seen.callbacks.trace(seen.arg, &trace);
	expect("");
	seen.is_without_provider = false;
	seen.callbacks.trace(seen.arg, &trace);
	ck_assert_str_ne(seen.story, "");
}
END_TEST

START_TEST(a_node_that_has_left_holds_no_lease)
{
	seen.lease_ns = 100;
	ck_assert(ring_has_lease(seen.ring));
	ring_stop(seen.ring);
	ck_assert(!ring_has_lease(seen.ring));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("lease");

	tcase_add_checked_fixture(tcase, ring_case_set_up, ring_case_tear_down);
	tcase_add_test(tcase, the_lease_is_the_engines);
	tcase_add_test(tcase, clients_are_looked_at_when_the_lease_has_changed);
	tcase_add_test(tcase, a_suspend_ends_the_lease);
	tcase_add_test(tcase, a_suspend_is_not_forgotten_inside_the_engine);
	tcase_add_test(tcase, a_lapse_is_logged_where_requests_wait);
	tcase_add_test(tcase, a_node_that_has_left_holds_no_lease);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
