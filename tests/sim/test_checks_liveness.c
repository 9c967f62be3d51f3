/* SPDX-License-Identifier: BSD-3-Clause */
/* The checkers of liveness: check_liveness.c. */
#include <check.h>
#include <string.h>

#include "tests/sim/check_liveness.h"
#include "tests/sim/sim.h"
#include "tests/suite.h"

static struct sim *small_sim(void)
{
	struct sim_options options = {.seed = 1, .nodes = 3};

	return sim_create(&options);
}

static void expect_of(struct sim *sim, const char *property)
{
	ck_assert_msg(sim->report.is_broken && strcmp(sim->report.property, property) == 0,
		"%s should be broken, is: %s %s", property, sim->report.property, sim->report.text);
	sim_destroy(sim);
}

START_TEST(l1_cut_for_ever)
{
	struct sim *sim = small_sim();

	sim_start(sim);
	sim_partition(sim, "0 1 | 2");
	sim_run_for(sim, MS(100));
	liveness_one_ring(sim);
	expect_of(sim, "L1");
}
END_TEST

START_TEST(l2_l3_bounds)
{
	struct sim *sim = small_sim();

	if (_i == 0)
		liveness_judge_rotations(sim, 11, 10);
	else
		liveness_judge_packets(sim, 11, 10);
	expect_of(sim, _i == 0 ? "L2" : "L3");
}
END_TEST

START_TEST(l4_leave_is_lost)
{
	struct sim *sim = small_sim();

	sim_start(sim);
	ck_assert(liveness_one_ring(sim));
	sim->net.loss = 10000;
	liveness_leave(sim);
	expect_of(sim, "L4");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim checks of liveness");
	TCase *tcase = tcase_create("checks");

	tcase_set_timeout(tcase, 240);
	tcase_add_test(tcase, l1_cut_for_ever);
	tcase_add_loop_test(tcase, l2_l3_bounds, 0, 2);
	tcase_add_test(tcase, l4_leave_is_lost);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
