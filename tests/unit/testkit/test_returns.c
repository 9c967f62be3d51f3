/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Daemons end while others form a ring or gather, and start again. There is no loss, so all nodes are in one ring soon
 * after the last start, and the ring stays. Seeds decide which nodes end, how, and when.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/testkit/kit_case.h"

#define NODES_MAX 7
#ifdef __SANITIZE_ADDRESS__ /* they make the code six times as slow */
#define SEEDS 20
#else
#define SEEDS 100
#endif
#define GAP_MAX_MS 60 /* the next daemon ends within this time */
#define UP_MIN_MS 200 /* a daemon starts so long after it has ended */
#define UP_MAX_MS 1100
#define WHOLE_MAX_MS 20000
#define STAYS_MS 10000 /* longer than the consensus timeout */
/* The timeouts of five and of six nodes, as the kit has them: token 3,000 and 650 for each node above two. */
#define TOKEN_MS(nodes) (3000 + 650 * ((nodes)-2))
#define CONSENSUS_MS(nodes) (TOKEN_MS(nodes) * 12 / 10)

static uint64_t ring_seq_of(uint32_t node) { return testkit_is_up(kit, node) ? kit_case_ring(node).seq : 0; }

/* Return whether the nodes 1 to `last` are in one ring of `size` members. */
static bool are_in_one(uint32_t last, uint32_t size)
{
	uint64_t seq = ring_seq_of(1);

	for (uint32_t node = 1; node <= last; node++)
		if (testkit_members(kit, node, NULL, 0) != size || ring_seq_of(node) != seq)
			return false;
	return true;
}

/* --- several daemons end within some milliseconds --- */

/* The limits of a play. Seeds decide the rest. */
struct plan {
	uint32_t nodes;
	uint32_t down;     /* so many of them end */
	uint32_t delay_us; /* longest delay of packets. 0: the kit's default */
	uint32_t whole_ms; /* all are in one ring so soon after the last start */
};

struct fate {
	uint32_t end_ms, start_ms;
	bool ends, starts, stops;
};

static void draw(const struct plan *plan, struct fate fates[NODES_MAX])
{
	uint32_t at_ms = 0;

	memset(fates, 0, NODES_MAX * sizeof(fates[0]));
	for (uint32_t i = 0; i < plan->down; i++) {
		struct fate *fate;

		do
			fate = &fates[testkit_random(kit, plan->nodes)];
		while (fate->ends);
		fate->ends = fate->starts = true;
		fate->stops = testkit_random(kit, 8) == 0;
		fate->end_ms = at_ms;
		fate->start_ms = at_ms + UP_MIN_MS + (uint32_t)testkit_random(kit, UP_MAX_MS - UP_MIN_MS + 1);
		/* A daemon that was killed is removed after some 24 ms: often the next one ends just then. */
		at_ms += testkit_random(kit, 2) > 0 ? 22 + (uint32_t)testkit_random(kit, 6)
						    : (uint32_t)testkit_random(kit, GAP_MAX_MS + 1);
	}
}

/* Do what is due at this time. Return whether more is to come. */
static bool meet(struct fate fates[NODES_MAX], uint32_t nodes, uint32_t now_ms)
{
	bool has_more = false;

	for (uint32_t i = 0; i < nodes; i++) {
		struct fate *fate = &fates[i];

		if (fate->ends && fate->end_ms <= now_ms) {
			fate->ends = false;
			ck_assert_int_eq(fate->stops ? testkit_stop(kit, i + 1) : testkit_crash(kit, i + 1), 0);
		}
		if (!fate->ends && fate->starts && fate->start_ms <= now_ms && testkit_start(kit, i + 1) == 0)
			fate->starts = false; /* one that stops may not have ended yet */
		has_more = has_more || fate->starts;
	}
	return has_more;
}

/* Return how long after the last start all nodes were in one ring. */
static uint32_t play(const struct plan *plan, uint64_t seed)
{
	struct fate fates[NODES_MAX];
	uint32_t waited_ms = 0;
	uint64_t seq;

	kit_case_start(plan->nodes, "0", seed * 1000);
	if (plan->delay_us > 0)
		testkit_delay(kit, 50, plan->delay_us);
	testkit_run(kit, 1000);
	draw(plan, fates);
	for (uint32_t ms = 0; meet(fates, plan->nodes, ms); ms++)
		testkit_run(kit, 1);
	for (; !are_in_one(plan->nodes, plan->nodes) && waited_ms < WHOLE_MAX_MS; waited_ms++)
		testkit_run(kit, 1);
	seq = ring_seq_of(1);
	testkit_run(kit, STAYS_MS);
	ck_assert_msg(are_in_one(plan->nodes, plan->nodes) && ring_seq_of(1) == seq,
		"seed %ju, %u nodes: the ring ends again", (uintmax_t)seed, plan->nodes);
	testkit_destroy(kit);
	return waited_ms;
}

static const struct plan plans[] = {
	{.nodes = 3, .down = 2, .whole_ms = 500},
	{.nodes = 5, .down = 3, .whole_ms = 500},
	{.nodes = 5, .down = 3, .delay_us = 10000, .whole_ms = 1500},
	{.nodes = 7, .down = 4, .delay_us = 10000, .whole_ms = 1500},
};

START_TEST(all_are_in_one_ring_soon)
{
	const struct plan *plan = &plans[_i];

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		uint32_t waited_ms = play(plan, seed);

		ck_assert_msg(waited_ms <= plan->whole_ms, "seed %ju, %u nodes: one ring %u ms after the last start",
			(uintmax_t)seed, plan->nodes, waited_ms);
	}
}
END_TEST

/* --- a node returns while the others wait for one that is cut off --- */

/*
 * Node 5 of 5 is cut off. Node 4 crashes while the others wait for it, and starts again this long after its crash;
 * never: UINT32_MAX. Return how long after the crash nodes 1 to 3 were in one ring. They must be in it together.
 */
static uint32_t one_returns(uint64_t seed, uint32_t start_ms)
{
	uint64_t seq;
	uint32_t ms;

	kit_case_start(5, "0", seed * 1000);
	testkit_delay(kit, 20, 200);
	testkit_run(kit, 500);
	seq = ring_seq_of(1);
	testkit_part(kit, "1 2 3 4 | 5");
	testkit_run(kit, TOKEN_MS(5) + 1000);
	testkit_crash(kit, 4);
	for (ms = 0; ring_seq_of(1) == seq || !are_in_one(3, testkit_members(kit, 1, NULL, 0)); ms++) {
		if (ms == start_ms)
			ck_assert_int_eq(testkit_start(kit, 4), 0);
		testkit_run(kit, 1);
		for (uint32_t node = 1; node <= 3; node++)
			ck_assert_msg(testkit_members(kit, node, NULL, 0) >= 3, "seed %ju: node %u is in a ring of %u",
				(uintmax_t)seed, node, testkit_members(kit, node, NULL, 0));
		ck_assert_msg(
			ms < 2 * CONSENSUS_MS(5), "seed %ju: no ring, start after %u ms", (uintmax_t)seed, start_ms);
	}
	testkit_run(kit, 1500);
	ck_assert_msg(start_ms == UINT32_MAX || are_in_one(4, 4), "seed %ju: node 4 is not back", (uintmax_t)seed);
	testkit_destroy(kit);
	return ms;
}

/* Wherever in the last milliseconds before the consensus timeout it starts, the others stay together. */
START_TEST(a_return_leaves_the_others_together)
{
	for (uint64_t seed = 1; seed <= 2; seed++) {
		uint32_t at_ms = one_returns(seed, UINT32_MAX);

		for (uint32_t before_ms = 2; before_ms <= 300; before_ms += before_ms < 60 ? 3 : 20) {
			uint32_t joined_ms = one_returns(seed, at_ms - before_ms);

			ck_assert_msg(joined_ms <= at_ms + 20, "seed %ju: %u ms, a start %u ms before; %u without one",
				(uintmax_t)seed, joined_ms, before_ms, at_ms);
		}
	}
}
END_TEST

/* Node 6 of 6 is cut off. Node 5 crashes again and again, each time shortly before the others would go on without it. */
START_TEST(crashes_hold_nobody_up)
{
	const uint32_t crashes = 6, near_ms = 300, down_ms = 1000;
	uint64_t seq, from_ns;

	kit_case_start(6, "0", 7000);
	seq = ring_seq_of(1);
	from_ns = testkit_now_ns(kit);
	testkit_part(kit, "1 2 3 4 5 | 6");
	testkit_run(kit, TOKEN_MS(6) + CONSENSUS_MS(6) - near_ms);
	for (uint32_t i = 0; i < crashes && ring_seq_of(1) == seq; i++) {
		testkit_crash(kit, 5);
		testkit_run(kit, down_ms);
		ck_assert_int_eq(testkit_start(kit, 5), 0);
		testkit_run(kit, CONSENSUS_MS(6) - near_ms - down_ms);
	}
	while (ring_seq_of(1) == seq)
		testkit_run(kit, 10);
	/* The first crash is news, and starts the consensus timer again. */
	ck_assert_uint_le((testkit_now_ns(kit) - from_ns) / 1000000, TOKEN_MS(6) + 3 * CONSENSUS_MS(6));
	testkit_destroy(kit);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("returns");
	TCase *tcase = tcase_create("crashes");

	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, all_are_in_one_ring_soon, 0, (int)(sizeof(plans) / sizeof(plans[0])));
	tcase_add_test(tcase, a_return_leaves_the_others_together);
	tcase_add_test(tcase, crashes_hold_nobody_up);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
