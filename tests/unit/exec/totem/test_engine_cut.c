/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes without a link: how long a cut must last until the ring removes the node (book failure, "Evidence"). */
#include <check.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_case.h"

/* Cut node `cut` off for ms. is_told: its transport reports that the link is down, and later up. */
static void cut_for(uint32_t cut, uint64_t ms, bool is_told)
{
	net->cut_from = cut;
	net->drops = is_cut_off;
	if (is_told)
		tell(cut, TOTEM_EVENT_LINK_DOWN, 0);
	run_for(ms);
	net->drops = NULL;
	if (is_told)
		tell(cut, TOTEM_EVENT_LINK_UP, 0);
}

START_TEST(a_link_that_flaps_changes_nothing)
{
	start_ring(3);
	for (uint32_t i = 0; i < 5; i++) {
		cut_for((uint32_t)_i + 1, 1500, true);
		run_for(1500);
	}
	check_unmoved();
}
END_TEST

/* Start a ring of `count` nodes once more, in an empty network. */
static void restart_ring(uint32_t count)
{
	net_teardown();
	net_setup();
	totem_options_defaults(&options, 1, count);
	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(count);
	connect_all();
	run_for(1500);
}

/*
 * Lengths of the cut, in percent of the token timeout plus the consensus timeout. In every second case link events are
 * reported.
 */
static const uint32_t cut_percents[] = {40, 45, 50, 60, 70, 80, 85, 90, 95};
#define CUTS (sizeof(cut_percents) / sizeof(cut_percents[0]))

START_TEST(a_cut_that_is_shorter_than_the_patience_changes_nothing)
{
	uint32_t percent = cut_percents[_i / 2];

	for (uint32_t count = 2; count <= 3; count++) {
		for (uint32_t cut = 1; cut <= count; cut++) {
			restart_ring(count);
			/* The patience began with the last token, up to a hold time before the cut. */
			cut_for(cut, (patience_ms() - held_ms()) * percent / 100, _i % 2 == 1);
			run_until_ring(count, 5000);
			run_for(patience_ms());
			check_all_are_members();
		}
	}
}
END_TEST

/*
 * Check the records of the removed node. The survivor whose patience ended first has removed it as silent. The other
 * survivor may have done the same, or may have taken over the verdict of the first one.
 */
static void check_records_of(uint32_t removed)
{
	uint32_t silent = 0;

	for (uint32_t id = 1; id <= net->node_count; id++) {
		const struct evicted *record = id == removed ? NULL : last_evicted(id, removed);

		if (id == removed)
			continue;
		ck_assert_ptr_nonnull(record);
		ck_assert_uint_eq(record->budget_ns, patience_ms() * MS);
		ck_assert_uint_eq(record->agreed_count, net->node_count - 1);
		ck_assert_uint_gt(record->silent_ns, (patience_ms() - held_ms()) * MS);
		silent += record->evidence == TOTEM_EVIDENCE_SILENT;
		if (record->evidence != TOTEM_EVIDENCE_SILENT) {
			ck_assert_int_eq(record->evidence, TOTEM_EVIDENCE_NAMED);
			ck_assert_uint_ne(record->accuser, id);
		}
	}
	ck_assert_uint_gt(silent, 0);
}

START_TEST(a_cut_that_is_longer_than_the_patience_removes_the_node)
{
	for (uint32_t count = 2; count <= 3; count++) {
		for (uint32_t cut = 1; cut <= count; cut++) {
			restart_ring(count);
			cut_for(cut, patience_ms() * 12 / 10, _i == 1);
			for (uint32_t id = 1; id <= count; id++)
				ck_assert_uint_eq(member_count(id), id == cut ? 1 : count - 1);

			check_records_of(cut);
			run_until_ring(count, 5000);
		}
	}
}
END_TEST

static bool is_token_from(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)frame;
	return header->type == WIRE_TOKEN && from == n->cut_from && to != from;
}

/*
 * Cut a node off that was the last one to have the token, a hold time after the others. Even so the majority waits until
 * that node is alone, so that two halves never serve at the same time.
 */
static void cut_after_token(uint32_t cut)
{
	uint32_t other = cut == 1 ? 2 : 1;
	uint32_t visits;

	visits = node_of(cut)->visits;
	net->cut_from = cut;
	net->drops = cut == 1 ? NULL : is_token_from; /* node 1 holds the token anyway */
	while (node_of(cut)->visits == visits)
		net_step(net, net->now_ns + 1000 * MS);
	net->drops = is_cut_off;
	run_for(patience_ms() - 2 * held_ms() - 100);
	for (uint32_t ms = 0; ms < 4000 && member_count(other) == 3; ms++)
		run_for(1);
	ck_assert_uint_eq(member_count(other), 2);
	ck_assert_uint_eq(member_count(cut), 1);
}

START_TEST(a_majority_concludes_after_the_node_that_is_cut_off)
{
	restart_ring(3);
	cut_after_token((uint32_t)_i + 1);
}
END_TEST

START_TEST(a_majority_concludes_later_each_time)
{
	restart_ring(3);
	for (int i = 0; i < 3; i++) {
		cut_after_token((uint32_t)_i + 1);
		net->drops = NULL;
		run_until_ring(3, 5000);
		run_for(1500);
	}
}
END_TEST

/* The transport reports the link down and up again and again, but no packet passes. */
START_TEST(a_link_that_flaps_does_not_prolong_the_patience)
{
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_cut_off;
	for (uint64_t ms = 0; ms < patience_ms() + 200; ms += 100) {
		tell(3, ms / 100 % 2 == 0 ? TOTEM_EVENT_LINK_DOWN : TOTEM_EVENT_LINK_UP, 0);
		run_for(100);
	}
	ck_assert_uint_eq(member_count(3), 1);
}
END_TEST

/* An operator or a quorum device asks for a new membership again and again. */
START_TEST(a_forced_gather_does_not_prolong_the_patience)
{
	start_ring(3);
	net->cut_from = 3;
	net->drops = is_cut_off;
	for (uint64_t ms = 0; ms < options.consensus_ns / MS - 100; ms += 100) {
		tell(3, TOTEM_EVENT_FORCE_GATHER, 0);
		run_for(100);
		ck_assert_uint_eq(member_count(3), 3);
	}
	run_for(200);
	ck_assert_uint_eq(member_count(3), 1);
}
END_TEST

/*
 * Node 9, of another ring, lists node 3 as failed. Nodes 1 and 2 have not yet waited for node 3 for the whole time that
 * a member of their own ring is given.
 */
START_TEST(a_verdict_of_another_ring_waits_for_the_patience)
{
	static const uint32_t proc[] = {1, 2, 3, 9}, failed[] = {3};
	uint8_t bytes[256];
	size_t size;

	start_ring(3);
	net->cut_from = 3;
	net->drops = is_cut_off;
	while (node_of(1)->gathered == 0)
		run_for(10);
	run_for(300);
	size = wire_encode_join(9, 9, 1, proc, 4, failed, 1, 0, false, bytes, sizeof(bytes));
	feed(1, bytes, size);
	run_for(10);
	ck_assert(node_set_has(&node_of(1)->engine->lists.proc, 9));
	ck_assert(!node_set_has(&node_of(1)->engine->lists.failed, 3));
}
END_TEST

/*
 * A node that knows from its transport that it is cut off loses its lease at once. But it forms a ring of its own no
 * sooner than a node without that knowledge.
 */
START_TEST(a_node_without_a_link_is_alone_after_the_patience)
{
	struct node *node;

	start_ring(3);
	node = node_of((uint32_t)_i + 1);
	net->cut_from = node->id;
	net->drops = is_cut_off;
	tell(node->id, TOTEM_EVENT_LINK_DOWN, 0);
	ck_assert(!node->has_lease);
	run_for(patience_ms() - held_ms() - 50);
	check_all_are_members();
	run_for(held_ms() + 100);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(member_count(node->id), 1);
	run_for(3 * options.token_ns / MS);
	net->drops = NULL;
	tell(node->id, TOTEM_EVENT_LINK_UP, 0);
	run_until_ring(3, 500);
}
END_TEST

/* The node can send but receives nothing, and its transport reports no link event. */
START_TEST(a_deaf_node_is_alone_after_the_patience)
{
	struct node *node;
	uint64_t lease_ms;

	start_ring(3);
	node = node_of((uint32_t)_i + 1);
	lease_ms = totem_engine_lease(node->engine) / MS;
	net->cut_from = node->id;
	net->drops = is_deaf;
	run_for(lease_ms + 1);
	ck_assert(!node->has_lease);
	run_for(patience_ms() - held_ms() - lease_ms - 50);
	check_all_are_members();
	run_for(held_ms() + 100);
	ck_assert_uint_eq(member_count(node->id), 1);
	/* The others receive its packets, but it does not answer. They must not gather because of it for ever. */
	run_for(60000);
	clear_logs();
	run_for(60000);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_le(net->nodes[i].gathered, 6);
	net->drops = NULL;
	run_until_ring(3, 5000);
}
END_TEST

/* When node 1 is alone in a configuration, and when another one is in a ring without it; 0: not yet. */
static uint64_t alone_ns, rest_ns;
static bool is_committed;

static bool cut_at_commit(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	is_committed = is_committed || (from == 1 && header->type == WIRE_COMMIT_TOKEN);
	return is_committed && from != to && (from == 1 || to == 1);
}

static void note_configured(struct node *node, bool is_regular)
{
	uint64_t *at_ns = node->id == 1 ? &alone_ns : &rest_ns;

	if (is_regular && *at_ns == 0)
		*at_ns = net->now_ns;
}

/*
 * The representative of a quorate ring is cut off when it has just made a commit token, so that it begins to wait after
 * the others. It must be alone in a ring before they form the next one.
 */
START_TEST(a_node_that_is_cut_off_at_its_commit_is_out_before_the_others_go_on)
{
	alone_ns = rest_ns = 0;
	is_committed = false;
	restart_ring(5);
	net->configured = note_configured;
	net->drops = cut_at_commit;
	for (uint32_t id = 1; id <= 5; id++)
		tell(id, TOTEM_EVENT_FORCE_GATHER, 0);
	for (int ms = 0; ms < 60000 && (alone_ns == 0 || rest_ns == 0); ms++)
		run_for(1);
	ck_assert(is_committed);
	ck_assert_uint_gt(alone_ns, 0);
	ck_assert_uint_gt(rest_ns, 0);
	ck_assert_uint_lt(alone_ns + held_ms() * MS / 2, rest_ns);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("cut");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, a_link_that_flaps_changes_nothing, 0, 3);
	tcase_add_loop_test(tcase, a_cut_that_is_shorter_than_the_patience_changes_nothing, 0, 2 * CUTS);
	tcase_add_loop_test(tcase, a_cut_that_is_longer_than_the_patience_removes_the_node, 0, 2);
	tcase_add_loop_test(tcase, a_majority_concludes_after_the_node_that_is_cut_off, 0, 3);
	tcase_add_loop_test(tcase, a_majority_concludes_later_each_time, 0, 3);
	tcase_add_test(tcase, a_link_that_flaps_does_not_prolong_the_patience);
	tcase_add_test(tcase, a_forced_gather_does_not_prolong_the_patience);
	tcase_add_test(tcase, a_verdict_of_another_ring_waits_for_the_patience);
	tcase_add_test(tcase, a_node_that_is_cut_off_at_its_commit_is_out_before_the_others_go_on);
	tcase_add_loop_test(tcase, a_node_without_a_link_is_alone_after_the_patience, 0, 3);
	tcase_add_loop_test(tcase, a_deaf_node_is_alone_after_the_patience, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
