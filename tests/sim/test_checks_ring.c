/* SPDX-License-Identifier: BSD-3-Clause */
/* The checkers of one ring: check_ring.c. */
#include "tests/sim/checks_case.h"

#include "tests/sim/check_ring.h"

START_TEST(i1_order_of_marks)
{
	static const struct totem_probe probes[] = {
		{.released = 5, .high_delivered = 4, .aru = 6, .high_seq = 6},
		{.released = 3, .high_delivered = 7, .aru = 6, .high_seq = 7},
		{.released = 3, .high_delivered = 4, .aru = 6, .high_seq = 5},
	};

	rings_probed(&history, lives[0], TOTEM_OPERATIONAL, &(struct ring_id){1, 4}, &probes[_i]);
	expect("I1");
}
END_TEST

START_TEST(i2_freed_early)
{
	install_all(4);
	receive(ring(ALL, 4), 1, 3);
	trace(0, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	expect("I2");
}
END_TEST

START_TEST(i3_two_frames_in_one_place)
{
	struct ring_record *on = ring(ALL, 4);
	uint32_t at;

	on->installed = ALL;
	ck_assert(history_frame(&history, on, 1, &at));
	ck_assert(rings_frame_sent(&history, lives[0], on, at, 0, 77, true));
	ck_assert(!rings_frame_sent(&history, lives[1], on, at, 0, 77, true));
	expect_nothing();
	rings_frame_sent(&history, lives[1], on, at, 1, 78, true);
	expect("I3");
}
END_TEST

START_TEST(i3_token_accepted_twice)
{
	struct ring_record *on = ring(ALL, 4);

	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 0, 0);
	trace(1, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 0);
	expect_nothing();
	trace(2, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 0);
	expect("I3");
}
END_TEST

START_TEST(i4_two_arus_prove_nothing)
{
	struct ring_record *on = ring(ALL, 4);

	receive(on, 1, 3);
	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 0, 1);
	expect_nothing();
	trace(0, TOTEM_TRACE_TOKEN, TOTEM_OPERATIONAL, on, 1, 1);
	expect("I4");
}
END_TEST

START_TEST(i5_aru_above_seq)
{
	struct wire_token token = {.seq = 3, .aru = 4};

	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect("I5");
}
END_TEST

START_TEST(i6_sums)
{
	rings_summed(&history, lives[0], ring(ALL, 4), 5, 5, 7, 7);
	expect_nothing();
	rings_summed(&history, lives[0], ring(ALL, 4), 5, 5, 7, 6);
	expect("I6");
}
END_TEST

START_TEST(i7_too_many)
{
	struct wire_token token = {.seq = 3, .aru = 3, .fcc = 51};

	if (_i == 0)
		rings_visited(&history, lives[0], 18, 17);
	else
		rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect("I7");
}
END_TEST

START_TEST(i8_recovery)
{
	struct ring_record *on = ring(ALL, 4);
	uint32_t at;

	switch (_i) {
	case 0:
		rings_recovered(&history, lives[0], on, 1);
		break;
	case 1: /* a member lacks the last recovery frame */
		receive(on, 1, 3);
		trace(0, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 1);
		break;
	case 2: /* the recovery ends at two different frames */
		receive(on, 1, ALL);
		trace(0, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 1);
		trace(1, TOTEM_TRACE_INSTALLED, TOTEM_RECOVERY, on, 0, 0);
		break;
	case 3: /* messages are sent before all members have installed the ring */
		on->installed = 3;
		ck_assert(history_frame(&history, on, 1, &at));
		rings_frame_sent(&history, lives[0], on, at, 0, 1, true);
		break;
	}
	expect("I8");
}
END_TEST

START_TEST(i9_other_contents)
{
	struct wire_token token = {.seq = 3, .aru = 3, .token_seq = 9};

	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 1, 50);
	expect_nothing();
	rings_token_sent(&history, lives[0], ring(ALL, 4), &token, 2, 50);
	expect("I9");
}
END_TEST

START_TEST(i10_not_full)
{
	struct ring_record *on = ring(ALL, 4);

	on->commit_index = 2;
	trace(0, TOTEM_TRACE_STATE, TOTEM_COMMIT, on, 0, TOTEM_RECOVERY);
	expect("I10");
}
END_TEST

START_TEST(i10_entry_changes)
{
	struct ring_record *on = ring(ALL, 4);
	struct wire_commit_entry entries[NODES] = {{.ring = {1, 1}, .aru = 5}};
	struct wire_commit_token head = {.nodeid = 1, .ring = on->id, .memb_index = 1, .count = NODES};
	struct wire_commit_token commit;
	uint8_t bytes[500];

	for (uint32_t aru = 5; aru < 7; aru++) {
		entries[0].aru = aru;
		size_t size = wire_encode_commit_token(&head, ids, entries, NULL, 0, false, bytes, sizeof(bytes));

		ck_assert_int_eq(wire_decode_commit_token(bytes, size, &commit), WIRE_OK);
		rings_commit_sent(&history, lives[aru - 5], on, &commit);
	}
	expect("I10");
}
END_TEST

START_TEST(i10_not_wanted)
{
	lives[1]->wanted = 3; /* mask of nodes 1 and 2 */
	trace(1, TOTEM_TRACE_STATE, TOTEM_GATHER, ring(ALL, 4), 0, TOTEM_COMMIT);
	expect("I10");
}
END_TEST

START_TEST(i11_falls)
{
	struct totem_probe probe = {.old_ring = {1, 4}};

	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 8}, &probe);
	expect_nothing();
	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 4}, &probe);
	expect("I11");
}
END_TEST

START_TEST(i12_store_grows)
{
	struct totem_probe probe = {.store_count = 16385};

	rings_probed(&history, lives[0], TOTEM_GATHER, &(struct ring_id){1, 4}, &probe);
	expect("I12");
}
END_TEST

START_TEST(i13_timers)
{
	static const struct {
		enum totem_state state;
		uint32_t armed;
	} cases[] = {
		{TOTEM_OPERATIONAL, 1u << TOTEM_TIMER_TOKEN | 1u << TOTEM_TIMER_JOIN},
		{TOTEM_OPERATIONAL, 0},
		{TOTEM_GATHER, 0},
		{TOTEM_COMMIT, 1u << TOTEM_TIMER_TOKEN},
		{TOTEM_RECOVERY, 1u << TOTEM_TIMER_TOKEN | 1u << TOTEM_TIMER_RETRANSMIT | 1u << TOTEM_TIMER_CONSENSUS},
	};

	rings_timers(&history, lives[0], cases[_i].state, cases[_i].armed);
	expect("I13");
}
END_TEST

START_TEST(w3_kept_back)
{
	rings_kept_back(&history, lives[0], 0, false, 9, 8);
	rings_kept_back(&history, lives[0], 1, true, 8, 8);
	expect_nothing();
	if (_i == 0)
		rings_kept_back(&history, lives[0], 1, false, 0, 8);
	else
		rings_kept_back(&history, lives[0], 1, true, 9, 8);
	expect("W3");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim checks of rings");
	TCase *tcase = checks_case_add(suite);

	tcase_add_loop_test(tcase, i1_order_of_marks, 0, 3);
	tcase_add_test(tcase, i2_freed_early);
	tcase_add_test(tcase, i3_two_frames_in_one_place);
	tcase_add_test(tcase, i3_token_accepted_twice);
	tcase_add_test(tcase, i4_two_arus_prove_nothing);
	tcase_add_test(tcase, i5_aru_above_seq);
	tcase_add_test(tcase, i6_sums);
	tcase_add_loop_test(tcase, i7_too_many, 0, 2);
	tcase_add_loop_test(tcase, i8_recovery, 0, 4);
	tcase_add_test(tcase, i9_other_contents);
	tcase_add_test(tcase, i10_not_full);
	tcase_add_test(tcase, i10_entry_changes);
	tcase_add_test(tcase, i10_not_wanted);
	tcase_add_test(tcase, i11_falls);
	tcase_add_test(tcase, i12_store_grows);
	tcase_add_loop_test(tcase, i13_timers, 0, 5);
	tcase_add_loop_test(tcase, w3_kept_back, 0, 2);
	return suite_run(suite);
}
