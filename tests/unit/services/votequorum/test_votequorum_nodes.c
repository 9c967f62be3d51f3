/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of nodes: services/votequorum/calc.c keeps a limited number of them. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/votequorum/calc.h"
#include "tests/suite.h"

#define LOCAL 2u

/* Let a node with a new id enter a ring with this node, and leave it. */
static uint32_t visit(struct vote_calc *calc, uint32_t nodeid)
{
	const uint32_t together[] = {LOCAL, nodeid}, alone[] = {LOCAL};
	uint32_t bits;

	ck_assert_int_ge(vote_configure(calc, together, 2), 0);
	ck_assert_int_eq(vote_nodeinfo(calc, nodeid, 0, 1, 0, &bits), 0);
	ck_assert_int_ge(vote_configure(calc, alone, 1), 0);
	return bits;
}

START_TEST(nodes_that_left_are_forgotten_when_there_are_too_many)
{
	struct vote_calc calc;
	uint32_t configured[] = {3, 900000}, bits, forgotten = 0, count_max = 0;

	ck_assert_int_eq(vote_init(&calc, LOCAL), 0);
	vote_local(&calc)->expected_votes = 9; /* no quorum, so that no ring is noted as the last majority */
	calc.configured.nodeids = malloc(sizeof(configured));
	memcpy(calc.configured.nodeids, configured, sizeof(configured));
	calc.configured.count = 2;
	visit(&calc, 3);
	visit(&calc, 900000);
	ck_assert_int_eq(vote_nodeinfo(&calc, 7, 0, 1, 0, &bits), 0);
	vote_find(&calc, 7)->state = VOTEQUORUM_WIRE_STATE_DEAD;
	vote_find(&calc, 7)->was_here = true;
	for (uint32_t i = 0; i < 10 * VOTE_NODES_MAX; i++) {
		uint64_t changes = calc.node_changes;

		bits = visit(&calc, 1000 + i);
		ck_assert_uint_gt(calc.node_changes, changes);
		ck_assert_ptr_nonnull(vote_find(&calc, 1000 + i));
		forgotten += (bits & VOTE_FORGOTTEN) != 0;
		if (calc.node_count > count_max)
			count_max = calc.node_count;
	}
	ck_assert_uint_eq(count_max, VOTE_NODES_MAX);
	ck_assert_uint_ge(forgotten, 9);
	ck_assert_uint_le(forgotten, 11);
	ck_assert_ptr_nonnull(vote_find(&calc, LOCAL));
	ck_assert_ptr_nonnull(vote_find(&calc, 3));
	ck_assert_ptr_nonnull(vote_find(&calc, 900000));
	ck_assert_ptr_nonnull(vote_find(&calc, 7)); /* it was in the last majority, and so decides ties */
	ck_assert_ptr_null(vote_find(&calc, 1000));
	vote_fini(&calc);
}
END_TEST

/* No ring has so many members: nothing must be written past the table all the same. */
START_TEST(a_table_full_of_members_takes_no_other_node)
{
	struct vote_calc calc;
	uint32_t bits;

	ck_assert_int_eq(vote_init(&calc, LOCAL), 0);
	for (uint32_t i = 1; i < VOTE_NODES_MAX; i++)
		ck_assert_int_eq(vote_nodeinfo(&calc, 100 + i, 1, 1, 0, &bits), 0);
	ck_assert_int_eq(vote_nodeinfo(&calc, 50, 1, 1, 0, &bits), -ENOMEM);
	ck_assert_uint_eq(calc.node_count, VOTE_NODES_MAX);
	vote_fini(&calc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("votequorum_nodes");
	TCase *tcase = tcase_create("nodes");

	tcase_add_test(tcase, nodes_that_left_are_forgotten_when_there_are_too_many);
	tcase_add_test(tcase, a_table_full_of_members_takes_no_other_node);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
