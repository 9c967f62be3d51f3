/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of removed members: the evidence, the accuser and the silence. And the status of a silent member. */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/silence_case.h"

/* The member sends a packet after the verdict against it and before the new ring. */
START_TEST(a_record_has_the_silence_at_the_verdict)
{
	uint32_t votes = 0;

	start_quick_ring(3);
	node_of(3)->is_paused = true;
	net->drops = drops_commit_tokens;
	for (uint64_t ms = 0; !node_set_has(&node_of(1)->engine->lists.failed, 3); ms++) {
		ck_assert_uint_lt(ms, BUDGET_MS * 3 / 2);
		run_for(1);
	}
	node_resume(node_of(3), true);
	run_for(20);
	ck_assert_uint_lt(silence_of(node_of(1)->engine, peer_find(node_of(1)->engine, 3)), 25 * MS);
	net->drops = NULL;
	wait_until_removed(3, 3, 3000);
	for (uint32_t id = 1; id <= 2; id++) {
		const struct evicted *record = last_evicted(id, 3);

		if (record->evidence != TOTEM_EVIDENCE_VOTED)
			continue;
		votes++;
		ck_assert_uint_ge(record->silent_ns, BUDGET_MS * MS);
	}
	ck_assert_uint_gt(votes, 0);
}
END_TEST

START_TEST(a_member_that_leaves_is_recorded_as_left)
{
	start_quick_ring(3);
	totem_engine_leave(node_of(3)->engine, net->now_ns);
	node_crash(3);
	run_until_ring(2, 200);
	for (uint32_t id = 1; id <= 2; id++)
		ck_assert_int_eq(last_evicted(id, 3)->evidence, TOTEM_EVIDENCE_LEFT);
}
END_TEST

/* The joins of node 3 arrive, but it agrees to no membership, since it receives nothing. */
START_TEST(a_deaf_member_is_recorded_as_disagreeing)
{
	uint32_t disagreed = 0;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_deaf;
	wait_until_removed(3, 3, patience_ms() + 2 * options.hold_ns / MS);
	for (uint32_t id = 1; id <= 2; id++) {
		enum totem_evidence evidence = last_evicted(id, 3)->evidence;

		disagreed += evidence == TOTEM_EVIDENCE_DISAGREED;
		ck_assert(evidence == TOTEM_EVIDENCE_DISAGREED || evidence == TOTEM_EVIDENCE_NAMED);
	}
	ck_assert_uint_gt(disagreed, 0);
	run_for(2000);
	ck_assert_uint_eq(member_count(3), 1);
	ck_assert_int_eq(last_evicted(3, 1)->evidence, TOTEM_EVIDENCE_SILENT);
	ck_assert_int_eq(last_evicted(3, 2)->evidence, TOTEM_EVIDENCE_SILENT);
}
END_TEST

/* Only node 1 gets the sign, and node 2 takes over its verdict. */
START_TEST(a_member_that_takes_over_a_verdict_records_the_accuser)
{
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	connect_all();
	run_for(1500);
	clear_logs();
	node_crash(3);
	net->refuses = true;
	tell(1, TOTEM_EVENT_WATCH_CLOSED, 3);
	run_until_ring(2, 60);
	ck_assert_int_eq(last_evicted(1, 3)->evidence, TOTEM_EVIDENCE_CLOSED);
	ck_assert_uint_eq(last_evicted(1, 3)->budget_ns, 0);
	ck_assert_uint_eq(last_evicted(1, 3)->accuser, 1);
	ck_assert_int_eq(last_evicted(2, 3)->evidence, TOTEM_EVIDENCE_NAMED);
	ck_assert_uint_eq(last_evicted(2, 3)->accuser, 1);
	ck_assert_uint_eq(last_evicted(2, 3)->agreed_count, 2);
}
END_TEST

/* Node 4 starts when node 3 has ended, so the ring without node 3 is also the first one with node 4. */
START_TEST(a_node_that_joins_is_not_recorded_as_agreeing)
{
	start_quick_ring(3);
	node_crash(3);
	net->node_count = 4;
	node_start(4);
	wait_until_removed(3, 3, 2 * patience_ms());
	for (uint32_t id = 1; id <= 2; id++)
		ck_assert_uint_eq(last_evicted(id, 3)->agreed_count, 2);
	ck_assert_ptr_null(last_evicted(4, 3));
}
END_TEST

START_TEST(a_member_that_is_waited_for_is_named)
{
	struct totem_silence silence;
	uint64_t ms;

	start_quick_ring(3);
	ck_assert(!totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	silence_node(3, true);
	for (ms = 0; ms < 2 * BUDGET_MS && node_of(1)->gathered == 0; ms++)
		run_for(1);
	ck_assert(totem_engine_silent(node_of(1)->engine, net->now_ns, 0, &silence));
	ck_assert_uint_eq(silence.nodeid, 3);
	ck_assert_uint_ge(silence.budget_ns, BUDGET_MS * MS);
	ck_assert_uint_le(silence.budget_ns, BUDGET_MS * MS + MS);
	ck_assert_uint_ge(silence.silent_ns, BUDGET_MS * MS);
	ck_assert(!totem_engine_silent(node_of(1)->engine, net->now_ns, 1, &silence));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("records");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_record_has_the_silence_at_the_verdict);
	tcase_add_test(tcase, a_member_that_leaves_is_recorded_as_left);
	tcase_add_test(tcase, a_deaf_member_is_recorded_as_disagreeing);
	tcase_add_test(tcase, a_member_that_takes_over_a_verdict_records_the_accuser);
	tcase_add_test(tcase, a_node_that_joins_is_not_recorded_as_agreeing);
	tcase_add_test(tcase, a_member_that_is_waited_for_is_named);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
