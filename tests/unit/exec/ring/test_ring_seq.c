/* SPDX-License-Identifier: BSD-3-Clause */
/* Ring sequences on the disk: each one is stored before the engine may use it (exec/ring/ring_seq.c). */
#include <check.h>
#include <errno.h>

#include "exec/ring/ring_private.h"
#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

static uint64_t first; /* the random number at which the ring begins, since none was stored */

static void set_up(void)
{
	ring_case_set_up();
	first = seen.ring->options.ring_seq;
}

/* Use the number that is `step` above the first one. */
static int use(uint64_t step)
{
	const struct ring_id id = {.rep = 1, .seq = first + step};

	return seen.callbacks.store_ring_id(seen.arg, &id);
}

static void configure_regular(void)
{
	static const uint32_t members[] = {1, 2};
	const struct totem_configuration configuration = {.is_regular = true, .members = members, .member_count = 2};

	seen.timer_run = NULL;
	seen.callbacks.configure(seen.arg, &configuration);
}

/*
 * The next ring sequence is stored while the ring is quiet, so that members do not wait for each other's disk during a
 * change.
 */
START_TEST(ring_ids_are_stored_while_the_ring_is_quiet)
{
	ck_assert_uint_eq(seen.stores, 1); /* stored at the start */
	ck_assert_uint_eq(seen.stored_seq, first + RING_SEQ_AHEAD);
	ck_assert_int_eq(use(5), 0);
	configure_regular();
	ck_assert(seen.timer_run == NULL);
	ck_assert_int_eq(use(3001), 0);
	configure_regular();
	ck_assert_uint_eq(seen.stores, 1);
	ck_assert(seen.timer_run != NULL);
	seen.is_gathering = true; /* the next change has begun */
	seen.timer_run(seen.timer_arg);
	ck_assert_uint_eq(seen.stores, 1);
	seen.is_gathering = false;
	configure_regular();
	seen.timer_run(seen.timer_arg);
	ck_assert_uint_eq(seen.stores, 2);
	ck_assert_uint_eq(seen.stored_seq, first + 3001 + RING_SEQ_AHEAD);
	configure_regular();
	ck_assert(seen.timer_run == NULL);
}
END_TEST

START_TEST(a_full_disk_stops_the_daemon_when_no_ring_id_is_left)
{
	seen.is_disk_full = true;
	ck_assert_int_eq(use(RING_SEQ_AHEAD - 3), 0);
	configure_regular();
	seen.timer_run(seen.timer_arg);
	seen.timer_run(seen.timer_arg); /* the timer tries to store again */
	ck_assert_uint_eq(seen.stores, 3);
	ck_assert_int_eq(use(RING_SEQ_AHEAD), 0);
	ck_assert_int_eq(seen.exit_code, 0);
	ck_assert_int_eq(use(RING_SEQ_AHEAD + 1), -ENOSPC);
	ck_assert_int_eq(seen.exit_code, 21);
	seen.is_disk_full = false;
	ck_assert_int_eq(use(RING_SEQ_AHEAD + 1), 0);
	ck_assert_uint_eq(seen.stored_seq, first + 2 * RING_SEQ_AHEAD + 1);
}
END_TEST

/* The node may have lost its file, and other nodes may be in a ring with one of its old ids. */
START_TEST(each_start_without_a_stored_ring_seq_begins_at_another_one)
{
	uint64_t before = first;

	ring_case_tear_down();
	set_up();
	ck_assert_uint_ne(first, before);
	ck_assert_uint_eq(seen.stored_seq, first + RING_SEQ_AHEAD);
}
END_TEST

/*
 * The members of a ring with a node that begins at a high number store it before the commit token comes. A number that
 * no new node begins with may be forged, and waits for the commit token.
 */
START_TEST(an_expected_ring_seq_is_stored_before_it_is_used)
{
	seen.callbacks.expect_ring_seq(seen.arg, first + 100);
	ck_assert_uint_eq(seen.stores, 1); /* the one of the start */
	seen.callbacks.expect_ring_seq(seen.arg, first + 3 * RING_SEQ_AHEAD);
	ck_assert_uint_eq(seen.stores, 2);
	ck_assert_uint_eq(seen.stored_seq, first + 4 * RING_SEQ_AHEAD);
	ck_assert_int_eq(use(3 * RING_SEQ_AHEAD), 0);
	ck_assert_uint_eq(seen.stores, 2);
	seen.callbacks.expect_ring_seq(seen.arg, first + 5 * RING_SEQ_AHEAD + RING_SEQ_LEAP);
	ck_assert_uint_eq(seen.stores, 2);
	seen.is_disk_full = true;
	seen.callbacks.expect_ring_seq(seen.arg, first + 5 * RING_SEQ_AHEAD);
	ck_assert_int_eq(seen.exit_code, 0); /* it may not be needed */
	ck_assert_int_eq(use(5 * RING_SEQ_AHEAD), -ENOSPC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("seq");

	tcase_add_checked_fixture(tcase, set_up, ring_case_tear_down);
	tcase_add_test(tcase, ring_ids_are_stored_while_the_ring_is_quiet);
	tcase_add_test(tcase, a_full_disk_stops_the_daemon_when_no_ring_id_is_left);
	tcase_add_test(tcase, an_expected_ring_seq_is_stored_before_it_is_used);
	tcase_add_test(tcase, each_start_without_a_stored_ring_seq_begins_at_another_one);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
