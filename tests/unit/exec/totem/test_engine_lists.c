/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/totem/gather.c: which ids of a join a node takes over into its own lists (book membership, "Joins"). */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* Feed node `to` a join in the name of node `from`. */
static void forge_join(uint32_t from, uint32_t to, const uint32_t *proc, uint32_t proc_count, const uint32_t *failed,
	uint32_t failed_count)
{
	uint8_t bytes[4096];
	size_t size = wire_encode_join(from, from, totem_engine_ring(node_of(to)->engine)->seq, proc, proc_count,
		failed, failed_count, 0, false, bytes, sizeof(bytes));

	ck_assert_uint_gt(size, 0);
	feed(to, bytes, size);
}

/* Nodes like Corosync accept any id. Coterie's nodes check ids, but must agree with them on the same lists. */
START_TEST(unknown_ids_fail_at_once)
{
	static const uint32_t nodes[] = {1, 2, 3, 4}, proc[] = {1, 2, 3, 77, 88};
	uint32_t many[WIRE_NODES_MAX];

	for (uint32_t i = 0; i < WIRE_NODES_MAX; i++)
		many[i] = 1000 + i;
	net->node_count = 3;
	options.nodes = nodes;
	options.node_count = 4;
	node_start(1);
	node_start(2);
	options.nodes = NULL; /* accept any id, as Corosync does */
	options.node_count = 0;
	node_start(3);
	run_until_ring(3, 5000);
	run_for(100);
	for (uint32_t to = 1; to <= 3; to++) {
		forge_join(to % 3 + 1, to, proc, 5, NULL, 0);
		ck_assert_int_eq(totem_engine_state(node_of(to)->engine), TOTEM_GATHER);
		/* The ids fail at once: a ring forms in far less than the consensus timeout. */
		run_until_ring(3, 300);
		run_for(100);
	}
	/* Unknown ids are refused, so that they do not use up the room for existing nodes. */
	node_of(1)->refused = 0;
	forge_join(3, 1, many, WIRE_NODES_MAX, NULL, 0);
	forge_join(3, 1, proc, 3, many, WIRE_NODES_MAX);
	ck_assert_uint_eq(node_of(1)->refused, 2);
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_OPERATIONAL);
	node_crash(2);
	run_until_ring(2, 9000);
}
END_TEST

/* A node of another ring lists a member of this ring as failed. The ring asks that member first, so it stays. */
START_TEST(the_verdict_of_a_stranger_does_not_part_us)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {2};

	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	run_for(1000);
	forge_join(3, 1, proc, 3, failed, 1);
	ck_assert_int_eq(totem_engine_state(node_of(1)->engine), TOTEM_GATHER);
	run_for(20);
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_GATHER);
	run_until_ring(2, 9000);
}
END_TEST

/*
 * The same after a pause. A clock that has jumped looks like one, so a member that seems to have been silent for longer
 * than the consensus timeout may still serve.
 */
START_TEST(nor_does_it_after_a_pause)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {2};
	struct node *node;

	start_ring(3);
	node_crash(3);
	run_until_ring(2, 9000);
	run_for(1000);
	node = node_of(1);
	forge_join(3, 1, proc, 3, failed, 1);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_GATHER);
	node_of(2)->is_paused = node->is_paused = true;
	run_for(2 * options.consensus_ns / MS);
	node_resume(node, false);
	run_for(3 * options.join_ns / MS);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_GATHER);
	forge_join(3, 1, proc, 3, failed, 1);
	ck_assert(!node_set_has(&node->engine->lists.failed, 2));
	node_resume(node_of(2), false);
	run_until_ring(2, 9000);
}
END_TEST

/*
 * The list of a member: after a pause of this node the lease of the one that it lists may still be valid. The first
 * pause is longer than the lease, the second one is a little shorter.
 */
START_TEST(nor_does_the_list_of_a_member_after_a_pause)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {2};
	struct node *node;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	run_for(1000);
	node = node_of(1);
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->is_paused = true;
	run_for((_i == 0 ? 2 * options.consensus_ns : options.token_ns / 2) / MS);
	node_resume(node, false);
	for (uint64_t ms = 0; totem_engine_state(node->engine) != TOTEM_GATHER && ms < options.token_ns / MS; ms++)
		run_for(1);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_GATHER);
	forge_join(3, 1, proc, 3, failed, 1);
	ck_assert(!node_set_has(&node->engine->lists.failed, 2));
	node_resume(node_of(2), false);
	node_resume(node_of(3), false);
	run_until_ring(3, 9000);
}
END_TEST

/* A member that came back while this ring was formed knows the members of this ring as well as all others do. */
START_TEST(the_list_of_a_member_that_came_back_counts)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {3};
	struct totem_engine *engine;

	start_ring(3);
	engine = node_of(1)->engine;
	peer_get(engine, 2)->restored_episode = engine->gather.episode;
	forge_join(2, 1, proc, 3, failed, 1);
	ck_assert(node_set_has(&engine->lists.failed, 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lists");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, unknown_ids_fail_at_once);
	tcase_add_test(tcase, the_verdict_of_a_stranger_does_not_part_us);
	tcase_add_test(tcase, nor_does_it_after_a_pause);
	tcase_add_loop_test(tcase, nor_does_the_list_of_a_member_after_a_pause, 0, 2);
	tcase_add_test(tcase, the_list_of_a_member_that_came_back_counts);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
