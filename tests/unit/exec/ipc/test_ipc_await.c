/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/ipc/ipc_channel_await.c: for which clients the daemon waits. The test's clock advances by a microsecond each
 * time it is read.
 */
#include <check.h>
#include <sched.h>
#include <string.h>

#include "exec/ipc/ipc_channel.h"
#include "tests/suite.h"

#define US UINT64_C(1000)
#define PROMPT_US 40u /* the wait has to end before this */

static struct {
	struct ipc ipc;
	struct ipc_channel channels[2];
	struct coterie_channel_control controls[2];
	uint64_t now_ns;
	unsigned int yields, writes_at; /* writes_at: the client of the second channel writes at this yield; 0: never */
	bool may_wait;
} f;

uint64_t loop_now_ns(const struct loop *loop)
{
	(void)loop;
	return f.now_ns += US;
}

int sched_yield(void)
{
	if (++f.yields == f.writes_at)
		f.controls[1].written = 8;
	return 0;
}

bool loop_may_wait(const struct loop *loop)
{
	(void)loop;
	return f.may_wait;
}

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	f.may_wait = true;
	f.ipc.awake = &f.channels[0];
	f.channels[0].awake_next = &f.channels[1];
	for (int i = 0; i < 2; i++) {
		f.channels[i].send.control = &f.controls[i];
		f.channels[i].send.size = 4096;
	}
}

/* Let the loop find no client ready, and a client ring its doorbell after this time. */
static void ring_after(uint64_t us)
{
	ipc_await_left(&f.ipc, f.now_ns + US);
	ipc_await_rung(&f.ipc, f.now_ns + US + us * US);
}

START_TEST(an_answer_at_once_is_worth_a_wait)
{
	ck_assert(!ipc_await_pays(&f.ipc));
	ring_after(PROMPT_US);
	ck_assert(ipc_await_pays(&f.ipc));
	ring_after(PROMPT_US + 1);
	ck_assert(!ipc_await_pays(&f.ipc));
	/* A client that answered slowly does not count as one whose answer is awaited. */
	for (int i = 0; i < 100; i++)
		ring_after(1000);
	ring_after(PROMPT_US);
	ck_assert(ipc_await_pays(&f.ipc));
}
END_TEST

START_TEST(a_ring_counts_once)
{
	ring_after(PROMPT_US);
	ipc_await_rung(&f.ipc, f.now_ns + 2 * US);
	ipc_await_rung(&f.ipc, f.now_ns + 2 * US);
	ring_after(PROMPT_US + 1);
	ck_assert(!ipc_await_pays(&f.ipc));
}
END_TEST

START_TEST(the_wait_ends_with_the_first_message)
{
	f.writes_at = 3;
	ck_assert(ipc_await(&f.ipc));
	ck_assert_uint_eq(f.yields, 3);
	ck_assert(ipc_await_pays(&f.ipc));
	/* If the message has already arrived, the daemon does not wait. */
	ck_assert(ipc_await(&f.ipc));
	ck_assert_uint_eq(f.yields, 3);
}
END_TEST

START_TEST(the_wait_is_no_longer_than_a_wake_up)
{
	uint64_t began_ns = f.now_ns;

	ck_assert(!ipc_await(&f.ipc));
	ck_assert_uint_ge(f.now_ns - began_ns, PROMPT_US * US);
	ck_assert_uint_le(f.now_ns - began_ns, (PROMPT_US + 2) * US);
}
END_TEST

/* One failed wait counts as much as four successful ones. A hundred failures count no more than sixteen. */
START_TEST(waits_in_vain_end)
{
	for (int i = 0; i < 100; i++)
		ring_after(1);
	ck_assert(!ipc_await(&f.ipc));
	ck_assert(ipc_await_pays(&f.ipc));
	ck_assert(!ipc_await(&f.ipc));
	ck_assert(!ipc_await_pays(&f.ipc));
	for (int i = 0; i < 100; i++)
		ck_assert(!ipc_await(&f.ipc));
	for (int i = 0; i < 64; i++) {
		ck_assert(!ipc_await_pays(&f.ipc));
		ring_after(1);
	}
	ring_after(1);
	ck_assert(ipc_await_pays(&f.ipc));
}
END_TEST

START_TEST(a_loop_that_may_not_wait_waits_for_no_client)
{
	ring_after(1);
	ck_assert(ipc_await_pays(&f.ipc));
	f.may_wait = false;
	ck_assert(!ipc_await(&f.ipc));
	ck_assert_uint_eq(f.yields, 0);
	for (int i = 0; i < 10; i++)
		ring_after(1);
	ck_assert(!ipc_await_pays(&f.ipc));
}
END_TEST

/* A position that is impossible is left to the code that reads the ring. */
START_TEST(nonsense_in_a_ring_is_no_reason_to_wait)
{
	f.controls[0].written = 3;
	ck_assert(ipc_await(&f.ipc));
	ck_assert_uint_eq(f.yields, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_await");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, an_answer_at_once_is_worth_a_wait);
	tcase_add_test(tcase, a_ring_counts_once);
	tcase_add_test(tcase, the_wait_ends_with_the_first_message);
	tcase_add_test(tcase, the_wait_is_no_longer_than_a_wake_up);
	tcase_add_test(tcase, waits_in_vain_end);
	tcase_add_test(tcase, a_loop_that_may_not_wait_waits_for_no_client);
	tcase_add_test(tcase, nonsense_in_a_ring_is_no_reason_to_wait);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
