/* SPDX-License-Identifier: BSD-3-Clause */
/* Checkers of configurations and deliveries: check_evs.c. */
#include "tests/sim/checks_case.h"

#include "tests/sim/check_ring.h"
#include "tests/sim/traffic.h"

/* --------------------------------------------------------------------------------- nothing broken */

START_TEST(sound_history)
{
	install_all(4);
	struct ring_record *on = ring(ALL, 4);
	struct message *first = send_ordered(0, on, 1, ALL), *second = send_ordered(1, on, 2, ALL);
	struct message *behind = send_only(2, TOTEM_SAFE);

	order(behind, on, 4, ALL & ~4u);
	receive(on, 4, 4);
	deliver(ALL, first);
	deliver(3, second);
	/*
	 * Node 3 is cut off, while nodes 1 and 2 go on. Frame 3, which node 3 sent, is lost. Frame 4 is dropped behind
	 * the hole.
	 */
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	deliver(4, second);
	transitional(2, 4, 12, 4, 3);
	deliver(4, behind);
	regular(2, 4, 12, 0);
	expect_nothing();
}
END_TEST

/* ----------------------------------------------------------------------------------- configurations */

START_TEST(c1_regular_alone)
{
	regular(0, 1, 4, 1);
	expect("C1");
}
END_TEST

START_TEST(c1_other_ring)
{
	transitional(0, 1, 4, 0, 0);
	regular(0, 1, 8, 1);
	expect("C1");
}
END_TEST

START_TEST(c1_transitional_twice)
{
	transitional(0, 1, 4, 0, 0);
	transitional(0, 1, 8, 0, 0);
	expect("C1");
}
END_TEST

START_TEST(c2_not_in_it)
{
	transitional(0, 6, 4, 0, 0);
	regular(0, 6, 4, 6);
	expect("C2");
}
END_TEST

START_TEST(c3_two_memberships)
{
	install(0, 3, 4, 0);
	transitional(1, 7, 4, 0, 0);
	regular(1, 7, 4, 7);
	expect("C3");
}
END_TEST

START_TEST(c4_falls)
{
	install(0, 1, 8, 0);
	install(0, 1, 8, 1);
	expect("C4");
}
END_TEST

START_TEST(c5_stranger_comes_along)
{
	install(0, 1, 4, 0);
	transitional(0, 3, 8, 3, 0);
	expect("C5");
}
END_TEST

START_TEST(c5_joined_is_the_rest)
{
	install(0, 1, 4, 0);
	transitional(0, 3, 8, 1, 0);
	regular(0, 3, 8, 3);
	expect("C5");
}
END_TEST

START_TEST(c6_two_pasts)
{
	install(0, 3, 4, 0);
	install(1, 3, 8, 0);
	install(0, 3, 12, 3);
	install(1, 3, 12, 3);
	expect("C6");
}
END_TEST

START_TEST(c7_overlap)
{
	install_all(4);
	install(0, ALL, 8, 5);
	install(1, ALL, 8, 6);
	expect("C7");
}
END_TEST

START_TEST(c8_without_cause)
{
	install_all(4);
	history.is_calm = true;
	install(0, ALL, 8, ALL);
	expect("C8");
}
END_TEST

/* A life may use a ring id again that a running node knows, if it is like Corosync's, or if its seq is that of a companion. */
START_TEST(c10_id_again)
{
	struct ring_record first = {.id = {.rep = 1, .seq = 4}, .members = 1};
	struct life *again = history_start(&history, 0, false, false, 0);

	rings_id_again(&history, again, &first);
	expect_nothing();
	first.members = ALL;
	again->is_reference = true;
	rings_id_again(&history, again, &first);
	ck_assert(report.is_tainted);
	expect_nothing();
	report.is_tainted = again->is_reference = false;
	first.id.seq = UINT64_C(1) << 40;
	rings_id_again(&history, again, &first);
	ck_assert(report.is_tainted);
	expect_nothing();
	report.is_tainted = false;
	again->fresh_seq = first.id.seq - 8;
	rings_id_again(&history, again, &first);
	expect("C10");
}
END_TEST

/* Node 1 leaves the others behind, though all come from one ring and have been in all attempts. */
START_TEST(c11_from_one_ring)
{
	install_all(4);
	lives[2]->attempted = 6; /* node 3 was in a recovery without node 1 */
	install(0, ALL, 8, 1);
	install(2, ALL, 8, 4);
	expect_nothing();
	install(1, ALL, 8, 2);
	expect("C11");
}
END_TEST

/* Node 3 has not installed a ring of the others, though it was in that attempt. */
START_TEST(c11_ring_missed)
{
	struct ring_record *missed = ring(ALL, 8);

	install_all(4);
	install(0, ALL, 8, ALL);
	install(1, ALL, 8, ALL);
	install(0, ALL, 12, 3);
	if (_i == 1) {
		missed->commit_index = NODES;
		missed->entries[2].life = lives[2];
	}
	install(2, ALL, 12, 4);
	if (_i == 1)
		expect("C11");
	else
		expect_nothing();
}
END_TEST

START_TEST(c9_not_stored)
{
	lives[0]->stored_seq = 8;
	rings_named(&history, lives[0], 8, "a test");
	rings_named(&history, lives[0], 1, "a test");
	expect_nothing();
	rings_named(&history, lives[0], 12, "a test");
	expect("C9");
}
END_TEST

/* --------------------------------------------------------------------------------------- deliveries */

START_TEST(d1_never_sent)
{
	install_all(4);
	deliver(1, history_message(&history, lives[1], TOTEM_AGREED, 100, false));
	expect("D1");
}
END_TEST

START_TEST(d1_other_bytes)
{
	struct message *message = send_only(0, TOTEM_AGREED);
	uint8_t bytes[200];
	struct iovec iov = {bytes, traffic_size(message)};
	const char *what;

	for (int swap = 0; swap < 2; swap++) {
		traffic_write(message, swap != 0, bytes);
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), message);
		ck_assert_ptr_eq(traffic_find(&history, swap == 0, &iov, 1, &what), NULL);
		bytes[60] ^= 1;
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), NULL);
		bytes[60] ^= 1;
		iov.iov_len--;
		ck_assert_ptr_eq(traffic_find(&history, swap != 0, &iov, 1, &what), NULL);
		iov.iov_len++;
	}
	evs_delivered_nonsense(&history, lives[0], 1, what);
	expect("D1");
}
END_TEST

START_TEST(d2_twice)
{
	install_all(4);
	struct message *message = send_ordered(0, ring(ALL, 4), 1, ALL);

	deliver(2, message);
	deliver(2, message);
	expect("D2");
}
END_TEST

START_TEST(d3_source_order)
{
	install_all(4);
	struct message *first = send_only(0, TOTEM_AGREED), *second = send_only(0, TOTEM_AGREED);

	order(second, ring(ALL, 4), 1, ALL);
	order(first, ring(ALL, 4), 2, ALL);
	deliver(2, second);
	deliver(2, first);
	expect("D3");
}
END_TEST

START_TEST(d4_other_order)
{
	install_all(4);
	struct message *first = send_ordered(0, ring(ALL, 4), 1, ALL), *second = send_ordered(1, ring(ALL, 4), 2, ALL);

	first->is_murky = true; /* otherwise D6 would be reported first */
	deliver(4, second);
	deliver(4, first);
	expect("D4");
}
END_TEST

START_TEST(d4_other_configuration)
{
	install_all(4);
	struct message *message = send_ordered(0, ring(ALL, 4), 1, ALL);

	message->is_murky = true;
	install(1, 2, 8, 2);
	deliver(2, message);
	expect("D4");
}
END_TEST

START_TEST(d5_cause_missing)
{
	install_all(4);
	struct message *cause = send_ordered(0, ring(ALL, 4), 1, ALL);

	deliver(2, cause);
	struct message *effect = send_ordered(1, ring(ALL, 4), 2, ALL);

	cause->delivered &= ~UINT64_C(4);
	lives[2]->cursor = 1; /* so that D6 is not reported */
	deliver(4, effect);
	expect("D5");
}
END_TEST

START_TEST(d6_gap)
{
	install_all(4);
	send_ordered(0, ring(ALL, 4), 1, ALL);
	deliver(2, send_ordered(1, ring(ALL, 4), 2, ALL));
	expect("D6");
}
END_TEST

START_TEST(d7_own_is_missing)
{
	install_all(4);
	send_ordered(0, ring(ALL, 4), 1, 1);
	install(0, 1, 8, 1);
	expect("D7");
}
END_TEST

START_TEST(d7_companions_is_skipped)
{
	install_all(4);
	send_ordered(1, ring(ALL, 4), 1, 3);
	struct message *later = send_ordered(1, ring(ALL, 4), 2, 3);

	transitional(0, 3, 8, 3, 4);
	deliver(1, later);
	expect("D7");
}
END_TEST

/* Node 2 is like Corosync and frees its frame early, unless _i % 2. If _i / 2, node 1 delivers a later message. */
START_TEST(d7_excused_when_the_reference_freed_early)
{
	install_all(4);
	struct message *lost = send_ordered(1, ring(ALL, 4), 1, ALL & ~BIT(0));
	struct message *later = send_ordered(1, ring(ALL, 4), 2, ALL);

	lives[1]->is_reference = true;
	deliver(2, lost);
	if (_i % 2 == 0)
		trace(1, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	transitional(0, 3, 8, 3, 4);
	if (_i / 2 == 1)
		deliver(1, later);
	else
		later->is_murky = true;
	regular(0, 3, 8, 0);
	if (_i % 2 == 0)
		expect_nothing();
	else
		expect("D7");
}
END_TEST

START_TEST(d7_own_is_never_excused)
{
	install_all(4);
	send_ordered(0, ring(ALL, 4), 1, 1);
	lives[0]->is_reference = true;
	trace(0, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	install(0, 1, 8, 1);
	expect("D7");
}
END_TEST

START_TEST(d8_one_more)
{
	install_all(4);
	struct message *message = send_ordered(2, ring(ALL, 4), 1, ALL);

	deliver(1, message);
	install(0, 3, 8, 3);
	expect_nothing();
	install(1, 3, 8, 3);
	expect("D8");
}
END_TEST

/*
 * A node like Corosync frees frames too early, and cannot pass them on afterwards. A node of Coterie has to pass them
 * on.
 */
START_TEST(d8_excused_when_the_reference_freed_early)
{
	install_all(4);
	struct message *message = send_ordered(2, ring(ALL, 4), 1, ALL & ~BIT(0));

	lives[1]->is_reference = true;
	deliver(1, message);
	trace(1, TOTEM_TRACE_FREED, TOTEM_OPERATIONAL, ring(ALL, 4), 1, 0);
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	expect_nothing();
}
END_TEST

START_TEST(d8_without_a_frame_freed_early)
{
	install_all(4);
	struct message *message = send_ordered(2, ring(ALL, 4), 1, ALL);

	lives[1]->is_reference = true;
	deliver(1, message);
	install(0, 3, 8, 3);
	install(1, 3, 8, 3);
	expect("D8");
}
END_TEST

START_TEST(d8_in_the_other_period)
{
	install_all(4);
	struct message *message = send_ordered(2, ring(ALL, 4), 1, ALL);

	deliver(1, message);
	install(0, 3, 8, 3);
	transitional(1, 3, 8, 3, 4);
	deliver(2, message);
	regular(1, 3, 8, 0);
	expect("D8");
}
END_TEST

START_TEST(d9_behind_a_hole)
{
	install_all(4);
	receive(ring(ALL, 4), 1, 4);
	struct message *message = send_ordered(2, ring(ALL, 4), 2, ALL);

	transitional(0, 3, 8, 3, 4);
	deliver(1, message);
	expect("D9");
}
END_TEST

START_TEST(d10_somebody_lacks_it)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, 3);
	deliver(1, message);
	expect("D10");
}
END_TEST

START_TEST(d10_somebody_left_without)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, ALL);
	deliver(1, message);
	install(2, 4, 8, 4);
	expect("D10");
}
END_TEST

START_TEST(d10_too_late)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, ALL);
	install(2, 4, 8, 4);
	expect_nothing();
	deliver(1, message);
	expect("D10");
}
END_TEST

START_TEST(d11_a_companion_lacks_it)
{
	install_all(4);
	struct message *message = send_only(0, TOTEM_SAFE);

	order(message, ring(ALL, 4), 1, 1);
	transitional(0, 3, 8, 3, 4);
	deliver(1, message);
	expect("D11");
}
END_TEST

START_TEST(d12_part_was_missed)
{
	install(0, 3, 4, 0);
	install(1, 3, 4, 0);
	install(2, 4, 4, 0);
	struct message *message = send_only(0, TOTEM_AGREED);

	message->start_ring = ring(3, 4);
	for (uint32_t i = 0; i < NODES; i++)
		install(i, ALL, 8, i == 2 ? 4 : 3);
	receive(ring(ALL, 8), 1, ALL);
	history_ended(&history, message, ring(ALL, 8), 0);
	deliver(3, message);
	expect_nothing();
	deliver(4, message);
	expect("D12");
}
END_TEST

START_TEST(d10_honoured_with_a_plain_member)
{
	ring(1, 4)->is_plain = true;
	install(0, 1, 4, 0);
	expect("D10");
}
END_TEST

START_TEST(d10_honoured_with_a_plain_member_that_is_down)
{
	history_end(&history, lives[1]);
	lives[1] = history_start(&history, 1, true, true, 0);
	history_end(&history, lives[1]);
	install(0, 3, 4, 0);
	expect("D10");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sim checks");
	TCase *tcase = checks_case_add(suite);

	tcase_add_test(tcase, sound_history);
	tcase_add_test(tcase, c1_regular_alone);
	tcase_add_test(tcase, c1_other_ring);
	tcase_add_test(tcase, c1_transitional_twice);
	tcase_add_test(tcase, c2_not_in_it);
	tcase_add_test(tcase, c3_two_memberships);
	tcase_add_test(tcase, c4_falls);
	tcase_add_test(tcase, c5_stranger_comes_along);
	tcase_add_test(tcase, c5_joined_is_the_rest);
	tcase_add_test(tcase, c6_two_pasts);
	tcase_add_test(tcase, c7_overlap);
	tcase_add_test(tcase, c8_without_cause);
	tcase_add_test(tcase, c9_not_stored);
	tcase_add_test(tcase, c11_from_one_ring);
	tcase_add_loop_test(tcase, c11_ring_missed, 0, 2);
	tcase_add_test(tcase, c10_id_again);
	tcase_add_test(tcase, d1_never_sent);
	tcase_add_test(tcase, d1_other_bytes);
	tcase_add_test(tcase, d2_twice);
	tcase_add_test(tcase, d3_source_order);
	tcase_add_test(tcase, d4_other_order);
	tcase_add_test(tcase, d4_other_configuration);
	tcase_add_test(tcase, d5_cause_missing);
	tcase_add_test(tcase, d6_gap);
	tcase_add_test(tcase, d7_own_is_missing);
	tcase_add_test(tcase, d7_companions_is_skipped);
	tcase_add_loop_test(tcase, d7_excused_when_the_reference_freed_early, 0, 4);
	tcase_add_test(tcase, d7_own_is_never_excused);
	tcase_add_test(tcase, d8_one_more);
	tcase_add_test(tcase, d8_excused_when_the_reference_freed_early);
	tcase_add_test(tcase, d8_without_a_frame_freed_early);
	tcase_add_test(tcase, d8_in_the_other_period);
	tcase_add_test(tcase, d9_behind_a_hole);
	tcase_add_test(tcase, d10_somebody_lacks_it);
	tcase_add_test(tcase, d10_somebody_left_without);
	tcase_add_test(tcase, d10_too_late);
	tcase_add_test(tcase, d11_a_companion_lacks_it);
	tcase_add_test(tcase, d12_part_was_missed);
	tcase_add_test(tcase, d10_honoured_with_a_plain_member);
	tcase_add_test(tcase, d10_honoured_with_a_plain_member_that_is_down);
	return suite_run(suite);
}
