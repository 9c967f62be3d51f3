/* SPDX-License-Identifier: BSD-3-Clause */
/* The flag in the tokens of a recovery: which nodes see it although nobody owes a frame. */
#include <check.h>

#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* Tokens that each node was sent with the flag, by node id. */
static uint32_t flagged[NODES_MAX + 1];

static bool count_flags(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	struct wire_token token;

	(void)n;
	(void)from;
	if (header->type == WIRE_TOKEN && wire_decode_token(frame->data, frame->size, &token) == WIRE_OK)
		flagged[to] += token.retrans_flg;
	return false;
}

/* Form a ring of nodes 1 to 3. Node `plain` is like one of Corosync; 0: none is. */
static void form(uint32_t plain)
{
	net->drops = count_flags;
	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++) {
		options.features = id == plain ? 0 : WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
		node_start(id);
	}
	run_until_ring(3, 3000);
	run_for(100);
}

START_TEST(a_ring_of_ours_sets_none)
{
	form(0);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq(flagged[id], 0);
}
END_TEST

/* A node of Corosync counts on from a recovery that has failed, unless it sees the flag. */
START_TEST(each_member_of_a_plain_ring_sees_one)
{
	form((uint32_t)_i);
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_ge(flagged[id], 1);
	/* Its own flag comes back to the representative, which takes it back. It also has to see another one's. */
	ck_assert_uint_ge(flagged[1], 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("recovery");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, a_ring_of_ours_sets_none);
	tcase_add_loop_test(tcase, each_member_of_a_plain_ring_sees_one, 1, 4);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
