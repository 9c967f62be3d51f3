/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A daemon that stops says goodbye to all members. Its word must not end the ring that these have formed without it.
 * Seeds decide the delays of packets, and which node stops.
 */
#include <stdint.h>
#include <stdlib.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/testkit/kit_case.h"

#define NODES 5
#define SEEDS 100     /* seed 37 fails if the leave takes effect in the new ring */
#define STAYS_MS 7000 /* longer than the consensus timeout */

START_TEST(a_stop_changes_the_ring_once)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint32_t leaver, other;
		uint64_t seq;

		kit_case_start(NODES, "0", seed * 1000);
		testkit_delay(kit, 50, 50 + (uint32_t)testkit_random(kit, 10000));
		leaver = 1 + (uint32_t)testkit_random(kit, NODES);
		other = leaver % NODES + 1;
		ck_assert_int_eq(testkit_stop(kit, leaver), 0);
		while (testkit_members(kit, other, NULL, 0) == NODES)
			testkit_run(kit, 1);
		seq = kit_case_ring(other).seq;
		testkit_run(kit, STAYS_MS);
		ck_assert_msg(kit_case_ring(other).seq == seq, "seed %ju: the ring without node %u ends again",
			(uintmax_t)seed, leaver);
		testkit_destroy(kit);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stops");
	TCase *tcase = tcase_create("leave");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, a_stop_changes_the_ring_once);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
