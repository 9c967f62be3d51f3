/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring sequences in forged and old packets: book membership, "Ring ids". */
#include <check.h>
#include <stdlib.h>

#include "exec/totem/state.h"
#include "tests/suite.h"
#include "tests/unit/exec/totem/engine_net.h"

/* A sequence that a node without a ring accepts, but a member of a ring refuses. */
#define FAR_SEQ (TOTEM_RING_SEQ_JUMP_MAX + (UINT64_C(1) << 61))

static uint32_t sides[NODES_MAX + 1]; /* nodes of different sides do not hear each other */

static bool is_parted(
	struct net *n, uint32_t from, uint32_t to, const struct wire_header *header, const struct coterie_frame *frame)
{
	(void)n;
	(void)header;
	(void)frame;
	return sides[from] != sides[to];
}

/* A forged join raises the ring's sequence. The ring must still be able to form the next one. */
START_TEST(forged_ring_seqs_leave_room)
{
	static const uint64_t seqs[] = {UINT64_C(1) << 32, UINT64_C(1) << 62, UINT64_C(1) << 63,
		(UINT64_C(1) << 63) + (UINT64_C(1) << 20), (UINT64_C(1) << 63) + (UINT64_C(1) << 20) + 4000};
	static const uint32_t nodes[] = {1, 2};
	uint8_t bytes[64];

	start_ring(2);
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		for (int k = 0; k < 3; k++) {
			feed(1, bytes,
				wire_encode_join(2, 2, seqs[i], nodes, 2, nodes, 0, 0, false, bytes, sizeof(bytes)));
			run_until_ring(2, 5000);
			ck_assert_uint_gt(totem_engine_ring(node_of(1)->engine)->seq, seqs[i]);
			run_for(10);
		}
	}
	/* A node that has not seen the forged packet can join, too. */
	net->node_count = 3;
	node_start(3);
	run_until_ring(3, 5000);
}
END_TEST

/*
 * A packet with a sequence that no member accepts must start no gather. Otherwise each forged packet would end a ring.
 */
START_TEST(a_ring_beyond_belief_is_not_gathered_for)
{
	uint8_t bytes[256];

	start_ring(3);

	struct ring_id ring = *totem_engine_ring(node_of(1)->engine);
	uint32_t refused = node_of(1)->refused;

	for (uint32_t k = 0; k < 20; k++) {
		const struct wire_merge_detect merge = {
			.system_from = 2, .ring = {2, (UINT64_C(1) << 63) + (UINT64_C(1) << 40) + k}};

		feed(1, bytes, wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes)));
		run_for(20);
	}
	ck_assert(ring_id_equal(&ring, totem_engine_ring(node_of(1)->engine)));
	ck_assert_uint_eq(node_of(1)->refused, refused + 20);
	/* A packet with a possible sequence starts a new ring. */
	const struct wire_merge_detect merge = {.system_from = 2, .ring = {2, ring.seq + 400}};
	feed(1, bytes, wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes)));
	run_for(500);
	ck_assert(!ring_id_equal(&ring, totem_engine_ring(node_of(1)->engine)));
}
END_TEST

/*
 * Feed joins that each raise the sequence as far as the engine accepts, without a ring in between. The next ring must
 * be no further ahead than one of them.
 */
START_TEST(forged_joins_do_not_use_the_ring_seqs_up)
{
	static const uint32_t nodes[] = {1, 2, 3};
	uint64_t claim = TOTEM_RING_SEQ_JUMP_MAX;
	uint64_t rings = 0;
	uint8_t bytes[64];

	start_ring(2);
	for (int i = 0; i < 4000; i++) {
		uint32_t refused = node_of(1)->refused;

		feed(1, bytes, wire_encode_join(2, 2, claim, nodes, 3, NULL, 0, 0, false, bytes, sizeof(bytes)));
		if (node_of(1)->refused == refused)
			claim += RING_SEQ_STEP_MAX;
	}
	rings = totem_engine_counters(node_of(1)->engine)->commit_entered;
	run_until_ring(2, 30000);
	rings = totem_engine_counters(node_of(1)->engine)->commit_entered - rings;
	ck_assert_uint_le(rings, 20);
	ck_assert_uint_le(totem_engine_ring(node_of(1)->engine)->seq,
		TOTEM_RING_SEQ_JUMP_MAX + (rings + 1) * RING_SEQ_COMMIT_MAX);
	/* A join with almost the highest sequence must have no effect either. */
	for (uint64_t seq = UINT64_MAX; seq > UINT64_MAX / 4 * 3; seq -= UINT64_C(1) << 60) {
		node_of(2)->refused = 0;
		feed(2, bytes, wire_encode_join(1, 1, seq, nodes, 2, NULL, 0, 0, false, bytes, sizeof(bytes)));
		ck_assert_uint_eq(node_of(2)->refused, 1);
	}
	send_many(2, 3);
	run_until_received(3, 1000);
}
END_TEST

/* A node's disk has almost the highest ring sequence. */
START_TEST(the_last_ring_seq_is_not_passed)
{
	net->node_count = 2;
	node_of(1)->ring_seq = TOTEM_RING_SEQ_END - 30;
	node_of(2)->ring_seq = TOTEM_RING_SEQ_END - 30;
	node_start(1);
	node_start(2);
	for (int i = 0; i < 20; i++) {
		run_for(3000);
		tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
		ck_assert_uint_lt(totem_engine_ring(node_of(1)->engine)->seq, TOTEM_RING_SEQ_END);
		ck_assert_uint_lt(totem_engine_ring(node_of(2)->engine)->seq, TOTEM_RING_SEQ_END);
	}
}
END_TEST

static void feed_join(uint32_t to, uint32_t from, uint64_t seq, const uint32_t *nodes, uint32_t count)
{
	uint8_t bytes[64];

	feed(to, bytes, wire_encode_join(from, from, seq, nodes, count, NULL, 0, 0, false, bytes, sizeof(bytes)));
}

static void unite(void)
{
	for (uint32_t id = 0; id <= NODES_MAX; id++)
		sides[id] = 0;
}

static const struct ring_id *ring_of(uint32_t id) { return totem_engine_ring(node_of(id)->engine); }

/* Split the network: node `id` is alone, and the other two of nodes 1 to 3 form a ring. */
static void part(uint32_t id)
{
	net->drops = is_parted;
	sides[id] = 1;
	run_for(10000);
	ck_assert(!ring_id_equal(ring_of(id), ring_of(id % 3 + 1)));
	ck_assert(ring_id_equal(ring_of(id % 3 + 1), ring_of((id + 1) % 3 + 1)));
}

/*
 * The join has other lists than the node that it is fed to. So it agrees to no ring, and its sequence has no lasting
 * effect.
 */
START_TEST(a_claim_to_a_node_alone_does_not_part_it_for_good)
{
	static const uint32_t nodes[] = {1, 2, 3};
	uint32_t lone = (uint32_t)_i;

	start_ring(3);
	part(lone);
	feed_join(lone, lone % 3 + 1, FAR_SEQ, nodes, 3);
	run_for(10000);
	ck_assert_uint_lt(ring_of(lone)->seq, TOTEM_RING_SEQ_JUMP_MAX);
	unite();
	run_until_ring(3, 20000);
}
END_TEST

/* The join agrees to a ring, which node 1 begins to form, so that node 1 gets a far sequence. */
START_TEST(a_ring_with_a_false_number_does_not_part_a_node_for_good)
{
	static const uint32_t nodes[] = {1, 2};

	start_ring(3);
	part(1);
	for (int i = 0; i < 2; i++)
		feed_join(1, 2, FAR_SEQ, nodes, 2);
	ck_assert_uint_gt(ring_of(1)->seq, FAR_SEQ);
	if (_i == 1)
		run_for(10000);
	unite();
	run_until_ring(3, 30000);
	ck_assert_uint_lt(ring_of(1)->seq, TOTEM_RING_SEQ_JUMP_MAX);
}
END_TEST

/* The nodes' disks have ring sequences that are far apart: a high one on the nodes that `alone` marks. */
START_TEST(rings_far_apart_become_one)
{
	static const uint32_t alone[][4] = {
		{1, 0, 0, 0}, {0, 0, 0, 1}, {1, 1, 0, 0}, {0, 0, 1, 1}, {1, 0, 1, 0}, {1, 1, 1, 0}, {0, 1, 1, 1}};

	net->drops = is_parted;
	net->node_count = 4;
	for (uint32_t id = 1; id <= 4; id++) {
		sides[id] = alone[_i][id - 1];
		node_of(id)->ring_seq = sides[id] != 0 ? FAR_SEQ + 8 * id : 8;
		node_start(id);
	}
	run_for(5000);
	unite();
	run_until_ring(4, 60000);
	/* A node without a ring accepts the high sequence of a ring that an attacker has raised. */
	if (alone[_i][1] + alone[_i][2] == 2 && alone[_i][0] + alone[_i][3] == 1)
		ck_assert_uint_gt(ring_of(1)->seq, FAR_SEQ);
	send_many(2, 3);
	run_until_received(3, 1000);
	/* The stored sequences do not separate a node again. */
	for (uint32_t id = 1; id <= 4; id++) {
		node_crash(id);
		node_start(id);
		run_until_ring(4, 60000);
	}
}
END_TEST

/* Feed a packet of node 3 with a low ring sequence. */
static void feed_low_claim(uint32_t to)
{
	const struct wire_merge_detect merge = {.system_from = 3, .ring = {3, 4}};
	uint8_t bytes[64];

	feed(to, bytes, wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes)));
	ck_assert(node_of(to)->engine->claim.has_low_claim);
}

/*
 * A forged packet makes node 1 propose a lower ring sequence. Node 2 has not received that packet, so it refuses the
 * lower number.
 */
static void refuse_a_lower_seq(void)
{
	uint64_t until_ns;

	net->node_count = 2;
	for (uint32_t id = 1; id <= 2; id++) {
		node_of(id)->ring_seq = FAR_SEQ;
		node_start(id);
	}
	run_until_ring(2, 5000);
	run_for(1000);

	struct ring_id before = *ring_of(1);

	feed_low_claim(1);
	for (until_ns = net->now_ns + 20000 * MS; net_step(net, until_ns);)
		node_of(2)->engine->claim.has_low_claim = false;
	ck_assert(!ring_id_equal(ring_of(1), &before));
}

START_TEST(a_member_that_does_not_follow_is_in_the_next_ring)
{
	refuse_a_lower_seq();
	ck_assert(ring_id_equal(ring_of(1), ring_of(2)));
	ck_assert_int_eq(totem_engine_state(node_of(2)->engine), TOTEM_OPERATIONAL);
	ck_assert_uint_eq(node_of(1)->evicted_count + node_of(2)->evicted_count, 0);
}
END_TEST

/* The second time both nodes receive the packet, so they follow. */
START_TEST(a_seq_that_was_refused_once_falls_later)
{
	refuse_a_lower_seq();
	ck_assert_uint_ge(ring_of(1)->seq, FAR_SEQ);
	feed_low_claim(1);
	feed_low_claim(2);
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	run_for(20000);
	run_until_ring(2, 5000);
	ck_assert_uint_lt(ring_of(1)->seq, TOTEM_RING_SEQ_JUMP_MAX);
}
END_TEST

static void feed_commit(uint32_t to, struct ring_id ring)
{
	static const uint32_t nodes[] = {1, 2, 3};
	static const struct wire_commit_entry entries[3] = {{.ring = {1, 5}}, {.ring = {1, 5}}};
	const struct wire_commit_token head = {
		.nodeid = 1, .token_seq = 1, .count = 3, .ring = ring, .memb_index = to - 1};
	uint8_t bytes[256];

	feed(to, bytes, wire_encode_commit_token(&head, nodes, entries, NULL, 0, false, bytes, sizeof(bytes)));
}

/*
 * Five forged packets take a node to a high sequence and let it fall again. The sequence of the ring in force is as low
 * as it falls.
 */
START_TEST(a_claim_does_not_lower_a_node_below_its_ring)
{
	static const uint32_t nodes[] = {1, 2, 3};
	const uint64_t high = TOTEM_RING_SEQ_JUMP_MAX + 2 * RING_SEQ_STEP_MAX;
	const struct wire_merge_detect merge = {.system_from = 3, .ring = {3, 4}};
	uint32_t victim = (uint32_t)_i;
	uint8_t bytes[64];

	start_ring(3);
	tell(1, TOTEM_EVENT_FORCE_GATHER, 0);
	run_until_ring(3, 5000);

	uint64_t seq = ring_of(victim)->seq;

	ck_assert_uint_gt(seq, 5);
	feed_join(victim, 3, UINT64_C(1) << 62, nodes, 3);
	feed_commit(victim, (struct ring_id){1, high});
	ck_assert_uint_eq(ring_of(victim)->seq, high);
	feed_join(victim, 3, high, nodes, 3);
	feed(victim, bytes, wire_encode_merge_detect(&merge, false, bytes, sizeof(bytes)));
	ck_assert(node_of(victim)->engine->claim.has_low_claim);
	feed_commit(victim, (struct ring_id){1, 5});
	ck_assert_uint_eq(ring_of(victim)->seq, high);
	run_until_ring(3, 30000);
	ck_assert_uint_gt(ring_of(victim)->seq, seq);
}
END_TEST

/* Members store the number of the next ring while they wait, and not one after the other when its commit token comes. */
START_TEST(members_expect_the_seq_of_the_next_ring)
{
	static const uint32_t nodes[] = {1, 2, 3};

	net->node_count = 3;
	for (uint32_t id = 1; id <= 3; id++)
		node_of(id)->ring_seq = id == 2 ? 400000 : 4000 * id;
	for (uint32_t id = 1; id <= 3; id++)
		node_start(id);
	run_until_ring(3, 5000);
	ck_assert_uint_eq(node_of(1)->expected_count, 0); /* it makes the commit token */
	ck_assert_uint_eq(node_of(2)->expected_seq, ring_of(2)->seq);
	ck_assert_uint_eq(node_of(3)->expected_seq, ring_of(3)->seq);
	/* Forged joins do not make it write for ever. */
	node_of(3)->expected_count = 0;
	for (uint32_t i = 0; i < 100; i++) {
		feed_join(3, 1, 500000 + 16 * i, nodes, 3);
		feed_join(3, 2, 500004 + 16 * i, nodes, 3);
	}
	ck_assert_uint_eq(node_of(3)->expected_count, 8);
	run_until_ring(3, 5000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tcase = tcase_create("ring seqs");

	tcase_add_checked_fixture(tcase, net_setup, net_teardown);
	tcase_add_test(tcase, forged_ring_seqs_leave_room);
	tcase_add_test(tcase, a_ring_beyond_belief_is_not_gathered_for);
	tcase_add_test(tcase, forged_joins_do_not_use_the_ring_seqs_up);
	tcase_add_test(tcase, the_last_ring_seq_is_not_passed);
	tcase_add_loop_test(tcase, a_claim_to_a_node_alone_does_not_part_it_for_good, 1, 4);
	tcase_add_loop_test(tcase, a_ring_with_a_false_number_does_not_part_a_node_for_good, 0, 2);
	tcase_add_loop_test(tcase, rings_far_apart_become_one, 0, 7);
	tcase_add_test(tcase, a_member_that_does_not_follow_is_in_the_next_ring);
	tcase_add_test(tcase, a_seq_that_was_refused_once_falls_later);
	tcase_add_loop_test(tcase, a_claim_does_not_lower_a_node_below_its_ring, 1, 3);
	tcase_add_test(tcase, members_expect_the_seq_of_the_next_ring);
	suite_add_tcase(suite, tcase);

	return suite_run(suite);
}
