/* SPDX-License-Identifier: BSD-3-Clause */
/* How often the ring sets the loop's timer when the deadlines of the engine move later: exec/ring/ring_event.c. */
#include <check.h>

#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

#define MS UINT64_C(1000000)

static void set_up(void)
{
	ring_case_set_up();
	seen.has_timers = true;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 1000 * MS);
	seen.story[0] = '\0';
}

START_TEST(a_busy_ring_sets_its_timer_rarely)
{
	seen.later_ns = 100 * MS;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 1100 * MS);
	hand_up(seen.ring, "T1");
	expect("drain T1 timer:1100000000 settled ");
	for (uint64_t ms = 1; ms < 50; ms++) {
		seen.later_ns = (100 + ms) * MS;
		seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, (1100 + ms) * MS);
		hand_up(seen.ring, "T2");
		expect("drain T2 ");
	}
	seen.later_ns = 150 * MS;
	hand_up(seen.ring, "T3");
	expect("drain T3 timer:1149000000 settled ");
}
END_TEST

/* The holder of an idle ring: it passes the token, gets a message of its own, and a moment later the token again. */
START_TEST(an_event_that_moves_no_deadline_does_not_count)
{
	seen.later_ns = 100 * MS;
	hand_up(seen.ring, "m1");
	expect("m1 ");
	seen.later_ns = 101 * MS;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 1100 * MS);
	hand_up(seen.ring, "T2");
	expect("drain T2 timer:1100000000 settled ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("timer");

	tcase_add_checked_fixture(tcase, set_up, ring_case_tear_down);
	tcase_add_test(tcase, a_busy_ring_sets_its_timer_rarely);
	tcase_add_test(tcase, an_event_that_moves_no_deadline_does_not_count);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
