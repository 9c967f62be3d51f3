/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/totem/gather.c: which ids of a join a node takes over into its own lists (book membership, "Joins"). */
#include <check.h>

#include "exec/totem/belief.h"
#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* Feed node `to` a join in the name of node `from`. Its ring seq is `ahead` above that of `to`. */
static void forge_join_ahead(uint32_t from, uint32_t to, uint64_t ahead, const uint32_t *proc, uint32_t proc_count,
	const uint32_t *failed, uint32_t failed_count)
{
	uint8_t bytes[4096];
	size_t size = wire_encode_join(from, from, totem_engine_ring(node_of(to)->engine)->seq + ahead, proc,
		proc_count, failed, failed_count, 0, false, bytes, sizeof(bytes));

	ck_assert_uint_gt(size, 0);
	feed(to, bytes, size);
}

/* The same with the ring seq of node `to`. */
static void forge_join(uint32_t from, uint32_t to, const uint32_t *proc, uint32_t proc_count, const uint32_t *failed,
	uint32_t failed_count)
{
	forge_join_ahead(from, to, 0, proc, proc_count, failed, failed_count);
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
 * than the consensus timeout may still serve. The second time, the node has waited for most of that time before the pause.
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
	node_of(2)->is_paused = true;
	run_for(_i == 0 ? 0 : options.consensus_ns * 7 / 10 / MS);
	node->is_paused = true;
	run_for(2 * options.consensus_ns / MS);
	node_resume(node, false);
	run_for(_i == 0 ? 3 * options.join_ns / MS : options.consensus_ns * 4 / 10 / MS);
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

static bool loses_frames_to_3(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n, (void)frame;
	return to == 3 && from != 3 && (header->type == WIRE_MCAST || node_of(3)->failed_to_receive > 0);
}

/* Node 3 lacks frames, so it must not ask the others to stay in their ring. */
START_TEST(a_node_that_fails_to_receive_counts_itself_as_failed_after_a_pause)
{
	struct node *node;

	options.fail_recv_const = 50;
	start_ring(3);
	node = node_of(3);
	net->drops = loses_frames_to_3;
	send_many(1, 2);
	for (uint32_t ms = 0; node->failed_to_receive == 0; ms++) {
		ck_assert_uint_lt(ms, 5000);
		run_for(1);
	}
	run_for(10);
	node->is_paused = true;
	run_for(2500);
	node_resume(node, true);
	ck_assert_uint_eq(node->paused, 1);
	run_for(500);
	ck_assert_int_eq(totem_engine_state(node->engine), TOTEM_GATHER);
	ck_assert(node_set_has(&node->engine->lists.failed, 3));
}
END_TEST

START_TEST(the_list_of_a_member_counts)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {3};

	start_ring(3);
	forge_join(2, 1, proc, 3, failed, 1);
	ck_assert(node_set_has(&node_of(1)->engine->lists.failed, 3));
}
END_TEST

/* A daemon that has started again knows nothing of the ring, so its list counts no more than that of a stranger. */
START_TEST(not_the_list_of_a_member_that_has_started_again)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {2};
	struct totem_engine *engine;

	start_ring(3);
	engine = node_of(1)->engine;
	node_of(2)->is_paused = true; /* it cannot agree, and the last token is not as old as its lease */
	run_for(options.join_ns / MS);
	for (int i = 0; i < 2; i++) {
		forge_join_ahead(3, 1, 1, proc, 3, failed, 1);
		ck_assert_int_eq(totem_engine_state(engine), TOTEM_GATHER);
		ck_assert(!node_set_has(&engine->lists.failed, 2));
	}
	node_resume(node_of(2), false);
	run_until_ring(3, 9000);
}
END_TEST

/* Members that were in an attempt with this node have its ring seq, whichever ring they came from. */
START_TEST(an_attempt_shows_who_comes_from_the_last_ring)
{
	struct totem_engine *engine;
	uint64_t seq;

	start_ring(3);
	engine = node_of(1)->engine;
	seq = engine->installed.ring.seq;
	for (uint32_t i = 0; i < 3; i++)
		engine->commit.entries[i].ring = engine->installed.ring;
	engine->commit.entries[2].ring = (struct ring_id){.rep = 3, .seq = seq + 5};
	engine->ring.seq = engine->commit.ring.seq = seq + 9;
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	ck_assert(!belief_of_member(engine, 3, seq + 9, 2));
	ck_assert(belief_of_member(engine, 3, seq, 2)); /* sent before it started again */
	ck_assert(!belief_of_member(engine, 4, seq + 9, 3));
	engine->commit.entries[1].ring.rep = 0; /* not filled in */
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	engine->commit.entries[1].ring = engine->installed.ring;
	engine->commit.ring.seq++; /* a token that this node could not accept */
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	engine->ring = engine->commit.ring = engine->installed.ring;
}
END_TEST

/* Joins of Coterie's nodes show in which ring their sender is, before this node knows it from a commit token. */
START_TEST(joins_show_who_comes_from_the_last_ring)
{
	struct totem_engine *engine;
	struct peer *peer;
	uint64_t seq;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(1);
	ck_assert_uint_eq(
		(extension_of_join(node_of(1)->engine) & WIRE_MARK_MASK) >> WIRE_MARK_SHIFT, WIRE_MARK_STARTED);
	net->node_count = 3;
	node_start(2);
	node_start(3);
	run_until_ring(3, 5000);
	engine = node_of(1)->engine;
	for (uint32_t id = 1; id <= 3; id++)
		ck_assert_uint_eq((extension_of_join(node_of(id)->engine) & WIRE_MARK_MASK) >> WIRE_MARK_SHIFT,
			extension_mark(&engine->installed.ring));
	seq = engine->installed.ring.seq;
	engine->ring.seq = engine->commit.ring.seq = seq + 9;
	for (uint32_t i = 0; i < 3; i++)
		engine->commit.entries[i].ring.rep = 0; /* an attempt left before these were filled in */
	peer = peer_get(engine, 2);
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	peer->mark = extension_mark(&engine->installed.ring);
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	peer->mark = extension_mark(&(struct ring_id){.rep = 1, .seq = seq - 4});
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	ck_assert(belief_of_member(engine, 2, seq, 3)); /* it has left the recovery of the last ring */
	peer->mark_before = peer->mark;
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	ck_assert(!belief_of_member(engine, 2, seq - 1, 3)); /* a late join from before the last ring */
	peer->mark = WIRE_MARK_STARTED;
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3)); /* the number may be the same by chance */
	ck_assert(belief_of_member(engine, 2, seq, 3));      /* it has left the recovery of the last ring */
	peer_get(engine, 4)->mark = extension_mark(&engine->installed.ring); /* forged: it is no member */
	ck_assert(!belief_of_member(engine, 4, seq + 9, 3));

	/* Node 2 has completed a recovery that node 1 has left. */
	engine->belief.recovery_ns = engine->now_ns;
	engine->belief.recovery = (struct ring_id){.rep = 1, .seq = seq + 4};
	peer->mark = extension_mark(&engine->belief.recovery);
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	peer->is_companion = true; /* and came from the last ring */
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	peer_get(engine, 3)->recovery_lease_ns = 1;
	peer_get(engine, 3)->recovery_seq = seq + 4;
	ck_assert(!belief_of_member(engine, 2, seq + 9, 3));
	peer->recovery_lease_ns = 1;
	peer->recovery_seq = seq + 4;
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	peer->mark = extension_mark(&engine->installed.ring);
	ck_assert(belief_of_member(engine, 2, seq + 9, 3));
	engine->ring = engine->commit.ring = engine->installed.ring;
	belief_forget_recovery(engine);
	ck_assert_uint_eq(peer->mark, 0);
	ck_assert(!peer->is_companion);
}
END_TEST

/*
 * A node that has started again does not serve by the lease of the last ring. So anybody's word counts that it has
 * failed. Otherwise those who have taken it for failed, and those to whom it came back, would wait for each other.
 */
START_TEST(anybody_may_say_that_a_node_has_failed_which_has_started_again)
{
	struct totem_engine *engine;
	struct peer *peer;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	engine = node_of(1)->engine;
	peer = peer_get(engine, 2);
	engine->state = TOTEM_GATHER;
	engine->gather.waiting_ns = engine->now_ns;
	engine->gather.episode_ns = engine->now_ns - 3 * options.join_ns;
	ck_assert(!belief_of_stranger(engine, 2));
	peer->mark = extension_mark(&engine->installed.ring);
	ck_assert(!belief_of_stranger(engine, 2));
	peer->mark = WIRE_MARK_STARTED;
	ck_assert(belief_of_stranger(engine, 2));
	engine->gather.episode_ns = engine->now_ns;
	ck_assert(!belief_of_stranger(engine, 2));
	engine->gather.episode_ns = engine->now_ns - 3 * options.join_ns;
	lists_agree(engine, 2);
	ck_assert(!belief_of_stranger(engine, 2));
	engine->state = TOTEM_OPERATIONAL;
}
END_TEST

/* Nodes 2 and 4 were in a recovery that node 1 has left. They may have completed it, and serve by its lease. */
START_TEST(who_may_have_completed_a_recovery_is_waited_for)
{
	struct totem_engine *engine;
	struct peer *peer;
	uint64_t lease_ns = 200 * MS;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	engine = node_of(1)->engine;
	peer = peer_get(engine, 4);
	ck_assert_uint_eq(belief_lease_end_ns(engine, peer), 0);
	peer_get(engine, 2)->mark = peer_get(engine, 3)->mark = WIRE_MARK_STARTED;
	belief_note_recovery(engine, 2);
	for (uint32_t id = 2; id <= 3; id++)
		ck_assert_uint_eq(peer_get(engine, id)->recovery_lease_ns, peer_get(engine, id)->lease_ns);
	ck_assert_uint_eq(peer_get(engine, 3)->mark, 0);                 /* it may have completed the recovery */
	ck_assert_uint_eq(peer_get(engine, 2)->mark, WIRE_MARK_STARTED); /* it has just said that it has not */
	for (uint64_t seq = engine->ring.seq - 1; seq <= engine->ring.seq; seq++) {
		belief_note_mark(engine, peer_get(engine, 3), WIRE_MARK_STARTED, seq);
		ck_assert_uint_eq(peer_get(engine, 3)->mark, seq < engine->ring.seq ? 0 : WIRE_MARK_STARTED);
	}
	peer_get(engine, 2)->mark = 0;
	ck_assert_uint_gt(peer_get(engine, 3)->lease_ns, 0);
	belief_forget_recovery(engine);
	ck_assert_uint_eq(peer_get(engine, 3)->recovery_lease_ns, 0);
	peer->recovery_lease_ns = peer_get(engine, 2)->recovery_lease_ns = lease_ns;
	peer->recovery_seq = peer_get(engine, 2)->recovery_seq = 700;
	peer->alive_ns = engine->belief.recovery_ns = engine->lease.recovery_alive_ns = engine->now_ns;
	engine->belief.recovery.seq = 700;
	ck_assert_uint_eq(belief_lease_end_ns(engine, peer), engine->now_ns + lease_to_budget(lease_ns));
	ck_assert(belief_of_member(engine, 2, 700, 4));
	ck_assert(!belief_of_member(engine, 2, 701, 4)); /* it has been in another ring since */
	ck_assert(!belief_of_member(engine, 3, 700, 4)); /* it was not there */
	peer_get(engine, 2)->mark = extension_mark(&engine->installed.ring);
	ck_assert(belief_of_member(engine, 2, 701, 4));  /* it has left another attempt since */
	ck_assert(!belief_of_member(engine, 2, 699, 4)); /* a late join from before */
	peer_get(engine, 2)->recovery_seq = 600;
	ck_assert(!belief_of_member(engine, 2, 701, 4)); /* it was in an earlier one only */
	peer_get(engine, 2)->recovery_seq = 700;
	peer_get(engine, 2)->mark = 0;
	engine->lease.recovery_alive_ns -= lease_ns + 1; /* given up for its silence, though it sent something */
	ck_assert(!belief_of_member(engine, 2, 700, 4));

	engine->state = TOTEM_GATHER;
	engine->gather.episode_ns = engine->now_ns - 3 * options.join_ns;
	ck_assert(!belief_of_stranger(engine, 4));
	engine->belief.recovery_ns -= lease_to_budget(lease_ns);
	ck_assert(belief_of_stranger(engine, 4));
	belief_forget_recovery(engine);
	ck_assert_uint_eq(belief_lease_end_ns(engine, peer), 0);
	engine->state = TOTEM_OPERATIONAL;
}
END_TEST

static bool drops_tokens_and_joins(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	return drops_tokens(n, from, to, header, frame) || header->type == WIRE_JOIN;
}

static void run_until_recovery(void)
{
	for (int ms = 0; totem_engine_state(node_of(1)->engine) != TOTEM_RECOVERY; ms++) {
		ck_assert_int_lt(ms, 9000);
		run_for(1);
	}
}

/* Joins bring the mark of the ring that their sender is in, and the next ring keeps it as the one before. */
START_TEST(joins_bring_marks)
{
	const struct totem_engine *engine;
	const struct peer *peer;
	struct ring_id ring;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	engine = node_of(1)->engine;
	peer = peer_find(engine, 2);
	ring = engine->installed.ring;
	ck_assert_uint_eq(peer->mark, 0);
	net->drops = drops_commit_tokens;
	tell(2, TOTEM_EVENT_FORCE_GATHER, 0);
	run_for(10);
	ck_assert_uint_eq(peer->mark, extension_mark(&ring));
	net->drops = NULL;
	run_until_ring(3, 9000);
	ck_assert_uint_eq(peer->mark_before, extension_mark(&ring));
	node_crash(3);
	run_until_ring(2, 9000);
	node_crash(2);
	run_until_ring(1, 9000);
	net->drops = drops_commit_tokens;
	node_start(2);
	run_for(60);
	ck_assert_uint_eq(peer_find(engine, 2)->mark, WIRE_MARK_STARTED);
}
END_TEST

/* A node that leaves a recovery waits for the leases of its members from then on. */
START_TEST(a_recovery_that_is_left_is_noted)
{
	const struct totem_engine *engine;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	engine = node_of(1)->engine;
	net->drops = drops_tokens;
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	run_until_recovery();
	net->drops = drops_tokens_and_joins; /* a join would end the recovery, too */
	for (int ms = 0; engine->belief.recovery_ns == 0; ms++) {
		ck_assert_int_lt(ms, 9000);
		run_for(1);
	}
	for (uint32_t id = 2; id <= 3; id++) {
		ck_assert_uint_gt(peer_find(engine, id)->recovery_lease_ns, 0);
		ck_assert(peer_find(engine, id)->is_companion);
	}
	net->drops = NULL;
	run_until_ring(3, 9000);
	ck_assert_uint_eq(engine->belief.recovery_ns, 0);
}
END_TEST

/* The join that ends a recovery names a member that had just started. It may have completed the recovery. */
START_TEST(a_join_that_ends_a_recovery_knows_no_lease_of_it)
{
	static const uint32_t proc[] = {1, 2, 3}, failed[] = {3};
	struct totem_engine *engine;

	options.features = WIRE_FEATURE_SAFE | WIRE_FEATURE_PROBE;
	start_ring(3);
	engine = node_of(1)->engine;
	net->drops = drops_tokens;
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	run_until_recovery();
	run_for(3 * options.join_ns / MS);
	peer_get(engine, 3)->mark = WIRE_MARK_STARTED;
	lists_ask_again(engine); /* its consent was lost: only the representative needs it */
	forge_join_ahead(2, 1, 1, proc, 3, failed, 1);
	ck_assert_int_eq(totem_engine_state(engine), TOTEM_GATHER);
	ck_assert(!node_set_has(&engine->lists.failed, 3));
	net->drops = NULL;
	run_until_ring(3, 9000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("lists");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, unknown_ids_fail_at_once);
	tcase_add_test(tcase, the_verdict_of_a_stranger_does_not_part_us);
	tcase_add_loop_test(tcase, nor_does_it_after_a_pause, 0, 2);
	tcase_add_loop_test(tcase, nor_does_the_list_of_a_member_after_a_pause, 0, 2);
	tcase_add_test(tcase, a_node_that_fails_to_receive_counts_itself_as_failed_after_a_pause);
	tcase_add_test(tcase, the_list_of_a_member_counts);
	tcase_add_test(tcase, not_the_list_of_a_member_that_has_started_again);
	tcase_add_test(tcase, an_attempt_shows_who_comes_from_the_last_ring);
	tcase_add_test(tcase, joins_show_who_comes_from_the_last_ring);
	tcase_add_test(tcase, anybody_may_say_that_a_node_has_failed_which_has_started_again);
	tcase_add_test(tcase, joins_bring_marks);
	tcase_add_test(tcase, a_recovery_that_is_left_is_noted);
	tcase_add_test(tcase, a_join_that_ends_a_recovery_knows_no_lease_of_it);
	tcase_add_test(tcase, who_may_have_completed_a_recovery_is_waited_for);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
