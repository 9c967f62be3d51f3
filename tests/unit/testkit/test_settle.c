/* SPDX-License-Identifier: BSD-3-Clause */
/* testkit_settle: when it returns 0 the nodes stay in their rings until the next fault. */
#include <errno.h>
#include <string.h>

#include <check.h>

#include <coterie/testkit.h>

#include "tests/suite.h"
#include "tests/unit/sample-plugins/kit_naughty.h"

#define NODES_MAX 5
#ifdef __SANITIZE_ADDRESS__ /* they make the code six times as slow */
#define SEEDS 3
#else
#define SEEDS 10
#endif
#define WATCH_MS 6000 /* longer than the loss of a token and an attempt to form a ring take together */
#define SETTLE_MS 30000

/* With these timers a node that is cut off misses the token after 1 s and is removed 1.2 s later. */
#define TIMERS "totem {\n token: 1000\n token_coefficient: 0\n}"

static struct testkit *kit;
static uint32_t node_count;

/* The members that each node had when testkit_settle returned. */
static uint32_t settled[NODES_MAX][NODES_MAX], settled_counts[NODES_MAX];

/* --- helpers --- */

static void start(uint32_t nodes, const char *config, uint64_t seed)
{
	kit = testkit_create(seed, nodes);
	node_count = nodes;
	ck_assert_ptr_nonnull(kit);
	testkit_config(kit, config);
	ck_assert_int_eq(testkit_load(kit, TESTKIT_ALL, &naughty_LTX_coterie_plugin, NULL), 0);
	ck_assert_int_eq(testkit_start(kit, TESTKIT_ALL), 0);
}

static int has_changed(void *arg)
{
	uint32_t ids[NODES_MAX];

	(void)arg;
	for (uint32_t i = 0; i < node_count; i++) {
		uint32_t count = testkit_members(kit, i + 1, ids, NODES_MAX);

		if (count != settled_counts[i] || memcmp(ids, settled[i], count * sizeof(ids[0])) != 0 ||
			testkit_is_synchronized(kit, i + 1) != (count > 0))
			return 1;
	}
	return 0;
}

/* Check that the nodes settle, and that no node changes its ring afterwards. */
static void settle_and_watch(const char *what, uint32_t ms)
{
	int rc = testkit_settle(kit, SETTLE_MS);
	uint64_t at_ns = testkit_now_ns(kit);

	ck_assert_msg(rc == 0, "%s, %u ms: it returns %d", what, ms, rc);
	for (uint32_t i = 0; i < node_count; i++)
		settled_counts[i] = testkit_members(kit, i + 1, settled[i], NODES_MAX);
	rc = testkit_until(kit, WATCH_MS, has_changed, NULL);
	ck_assert_msg(rc == -ETIMEDOUT, "%s, %u ms: it returns 0, and %.3f ms later a ring changes", what, ms,
		(double)(testkit_now_ns(kit) - at_ns) / 1e6);
}

/* --- one fault --- */

static void part_for(uint32_t ms, const char *groups, const char *config, uint64_t seed)
{
	start(3, config, seed);
	ck_assert_int_eq(testkit_settle(kit, SETTLE_MS), 0);
	testkit_part(kit, groups);
	testkit_run(kit, ms);
	testkit_heal(kit);
	settle_and_watch("partition", ms);
	for (uint32_t node = 1; node <= 3; node++)
		ck_assert_uint_eq(testkit_members(kit, node, NULL, 0), 3);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}

/*
 * A partition ends at any time: before it is noticed, while the token is late, while nodes form their new rings, and
 * afterwards.
 */
START_TEST(settled_after_a_partition_of_any_length)
{
	for (uint32_t ms = 0; ms < 2600; ms += 13)
		part_for(ms, ms % 2 == 0 ? "1 2 | 3" : "1 | 2 | 3", TIMERS, (uint64_t)_i + 1);
}
END_TEST

/* The default timers, at the time when a node that is cut off is removed. */
START_TEST(settled_while_nodes_remove_another_one)
{
	for (uint32_t ms = 7980; ms < 8080; ms += 5)
		part_for(ms, "1 2 | 3", "", (uint64_t)_i + 1);
}
END_TEST

/*
 * Two rings hear each other for a short time. When they do not any more, packets of that time are still under way. After
 * a message no node keeps the token for some time, so the token is faster than some of these packets.
 */
START_TEST(settled_after_a_short_contact)
{
	static const struct coterie_request_header message = {.id = NAUGHTY_SILENT, .size = sizeof(message)};
	struct testkit_client *one, *three;

	start(3, TIMERS, (uint64_t)_i + 1);
	testkit_delay(kit, 20, 50000);
	testkit_part(kit, "1 2 | 3");
	settle_and_watch("partition", 0);
	ck_assert_int_eq(testkit_connect(kit, 1, "naughty", &one), 0);
	ck_assert_int_eq(testkit_connect(kit, 3, "naughty", &three), 0);
	for (uint32_t ms = 0; ms < 400; ms += 2) {
		ck_assert_int_eq(testkit_send(one, &message, sizeof(message)), 0);
		ck_assert_int_eq(testkit_send(three, &message, sizeof(message)), 0);
		testkit_heal(kit);
		testkit_run(kit, ms);
		testkit_part(kit, "1 2 | 3");
		settle_and_watch("contact", ms);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* A ring is about to end, since its member stops. */
START_TEST(settled_after_a_stop)
{
	start(3, "", 1);
	ck_assert_int_eq(testkit_settle(kit, SETTLE_MS), 0);
	ck_assert_int_eq(testkit_stop(kit, 2), 0);
	settle_and_watch("stop", 0);
	ck_assert_int_eq(testkit_is_up(kit, 2), 0);
	ck_assert_uint_eq(testkit_members(kit, 3, NULL, 0), 2);
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

/* --- many faults --- */

/* Cause one fault. @return a name for it */
static const char *strike(uint32_t *lost)
{
	uint32_t node = 1 + (uint32_t)testkit_random(kit, node_count);

	*lost = 0;
	switch (testkit_random(kit, 9)) {
	case 0:
	case 1:
		testkit_part(kit, testkit_random(kit, 2) == 0 ? "1 2 | 3 4 5" : "1 3 | 2 4 | 5");
		return "partition";
	case 2:
	case 3:
		testkit_heal(kit);
		return "heal";
	case 4:
		testkit_crash(kit, node);
		if (testkit_random(kit, 2) == 0)
			testkit_start(kit, node);
		return "crash";
	case 5:
		testkit_pause(kit, node, (uint32_t)testkit_random(kit, 2500));
		return "pause";
	case 6:
		testkit_stop(kit, node);
		return "stop";
	case 7:
		*lost = 3000;
		testkit_loss(kit, *lost, 500);
		return "loss";
	default:
		testkit_clock(kit, node, (uint32_t)testkit_random(kit, 2000), 0);
		return "jump of a clock";
	}
}

START_TEST(settled_after_random_faults)
{
	start(NODES_MAX, TIMERS, (uint64_t)_i * 1000 + 1);
	if (_i % 2 != 0)
		testkit_delay(kit, 20, 50000); /* joins are under way for long */
	settle_and_watch("start", 0);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t ms = (uint32_t)testkit_random(kit, testkit_random(kit, 2) == 0 ? 50 : 3000), lost;
		const char *what = strike(&lost);

		testkit_run(kit, ms);
		if (lost > 0)
			testkit_loss(kit, 0, 0);
		if (testkit_random(kit, 2) == 0)
			for (uint32_t node = 1; node <= node_count; node++)
				testkit_start(kit, node); /* the nodes that run refuse it */
		if (testkit_random(kit, 2) == 0)
			settle_and_watch(what, ms);
	}
	ck_assert_uint_eq(testkit_destroy(kit), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settle");
	TCase *tc = tcase_create("settle");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, settled_after_a_partition_of_any_length, 0, 3);
	tcase_add_loop_test(tc, settled_while_nodes_remove_another_one, 0, 3);
	tcase_add_loop_test(tc, settled_after_a_short_contact, 0, 3);
	tcase_add_test(tc, settled_after_a_stop);
	tcase_add_loop_test(tc, settled_after_random_faults, 0, SEEDS);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
