/* SPDX-License-Identifier: BSD-3-Clause */
/* Deliveries of the engine yield to the loop: exec/ring/ring.c. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "exec/ring/ring_private.h"
#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

#define US UINT64_C(1000)

/* Deliver messages that take this long each, until the ring yields. @return their number; 0: it does not yield */
static uint32_t deliver(uint64_t message_ns, uint32_t most)
{
	const struct totem_message message = {.source = 2};

	seen.message_ns = message_ns;
	for (uint32_t i = 1; i <= most; i++) {
		seen.callbacks.deliver(seen.arg, &message);
		if (seen.has_yielded)
			return i;
	}
	return 0;
}

/* Let the engine have a delivery that has yielded, with T-deliver set, and set the token timer. */
static void begin_yield(void)
{
	seen.has_yielded = true;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_DELIVER, 1);
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 1);
	seen.story[0] = '\0';
}

START_TEST(an_event_delivers_for_a_millisecond)
{
	hand_up(seen.ring, "m1");
	ck_assert_uint_eq(deliver(US, 900), 0);
	ck_assert_uint_le(deliver(US, 200), 120);
}
END_TEST

/* Each event has a millisecond of its own. */
START_TEST(the_next_event_begins_anew)
{
	for (int i = 0; i < 5; i++) {
		hand_up(seen.ring, "m1");
		ck_assert_uint_eq(deliver(US, 900), 0);
	}
}
END_TEST

/* Messages that cost 0.3 ms each: the first look at the clock is behind eight of them, the others behind each one. */
START_TEST(costly_messages)
{
	hand_up(seen.ring, "m1");
	ck_assert_uint_ge(deliver(300 * US, 8), 1);
	seen.has_yielded = false;
	hand_up(seen.ring, "m2");
	ck_assert_uint_eq(deliver(300 * US, 8), 4);
}
END_TEST

/* With a large event for many clients each message is looked at, so the first one that is late yields. */
START_TEST(messages_with_large_events)
{
	hand_up(seen.ring, "m1");
	ck_assert_uint_eq(deliver(US, 9), 0);
	seen.event_bytes = 200000;
	ck_assert_uint_eq(deliver(1300 * US, 8), 1);
}
END_TEST

/* The loop's timer stand-in has no memory, so that the ring sets the timer again with each packet. */
START_TEST(packets_wait_in_their_order)
{
	begin_yield();
	hand_up(seen.ring, "m1 T2");
	hand_up(seen.ring, "m3");
	run_deferred();
	expect("timer:0 timer:0 ");
	seen.timer_run(seen.timer_arg);
	run_deferred();
	expect("timeout:13 timer:1 drain m1 T2 m3 ");
	hand_up(seen.ring, "m4");
	expect("m4 ");
}
END_TEST

/* A node that is busy answers: the others must not take it for one that has failed. */
START_TEST(questions_do_not_wait)
{
	begin_yield();
	hand_up(seen.ring, "m1 m? m3");
	expect("answer timer:0 ");
	seen.timer_run(seen.timer_arg);
	run_deferred();
	expect("timeout:13 timer:1 m1 m3 ");
}
END_TEST

/* Another timer, and a hold timer that is due at once, run after the packets that have waited. */
START_TEST(timers_wait_behind_the_packets)
{
	begin_yield();
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_HOLD, 1);
	hand_up(seen.ring, "m1");
	run_deferred();
	expect("timer:0 timer:0 ");
	seen.timer_run(seen.timer_arg);
	run_deferred();
	expect("timeout:13 timer:1 m1 ");
	seen.timer_run(seen.timer_arg);
	expect("timeout:0 timeout:2 ");
}
END_TEST

/* So do they if the last message sets the hold timer: a service answers it while this node keeps the token. */
START_TEST(a_hold_timer_of_the_last_message)
{
	begin_yield();
	hand_up(seen.ring, "m1");
	seen.has_more = true;
	seen.timer_run(seen.timer_arg);
	seen.has_more = false;
	run_deferred();
	expect("timer:0 timeout:13 timer:1 timer:1 m1 ");
	seen.timer_run(seen.timer_arg);
	expect("timeout:0 timeout:2 ");
}
END_TEST

/*
 * The packets that have waited make the next delivery yield, in each turn. Timers that no token sets again run all the
 * same, each behind the packets that came before it was due.
 */
START_TEST(steady_load)
{
	begin_yield();
	hand_up(seen.ring, "m1");
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_PROBE, 2);
	seen.later_ns = 5;
	seen.story[0] = '\0';
	seen.timer_run(seen.timer_arg);
	seen.yields_at_receive = true;
	run_deferred();
	expect("timeout:13 timer:1 m1 ");
	seen.timer_run(seen.timer_arg);
	expect("timeout:11 timeout:13 timer:1 ");
}
END_TEST

/* If the engine delivers the rest in another event, the packets that have waited come all the same. */
START_TEST(a_delivery_that_ends_in_another_event)
{
	begin_yield();
	hand_up(seen.ring, "m1");
	seen.has_yielded = false;
	ring_force_gather(seen.ring);
	run_deferred();
	expect("timer:0 ? m1 ");
}
END_TEST

/* An event of the transport may end the delivery, which calls the services. So it does not run inside of their calls. */
START_TEST(an_event_waits_for_the_end_of_the_callback)
{
	begin_yield();
	ring_force_gather(seen.ring);
	expect("");
	run_deferred();
	expect("? ");
}
END_TEST

/* Frames that are read before a token may yield: then the token waits as well. */
START_TEST(frames_before_a_token_yield)
{
	seen.story[0] = '\0';
	seen.waiting = "m1";
	seen.yields_at_receive = true;
	hand_up(seen.ring, "T2");
	expect("drain m1 timer:0 ");
	begin_yield();
	seen.timer_run(seen.timer_arg);
	run_deferred();
	expect("timeout:13 timer:1 drain T2 ");
}
END_TEST

/* Packets that the engine leaves over wait in their order, in front of those that come later. */
START_TEST(packets_that_are_left_over_wait)
{
	seen.story[0] = '\0';
	seen.yields_at_first = true;
	hand_up(seen.ring, "m1 m2 m? m3");
	expect("m1 answer ");
	begin_yield();
	hand_up(seen.ring, "m4");
	expect("timer:0 ");
	seen.timer_run(seen.timer_arg);
	seen.yields_at_first = true;
	run_deferred();
	expect("timeout:13 timer:1 m2 ");
	begin_yield();
	seen.timer_run(seen.timer_arg);
	run_deferred();
	expect("timeout:13 timer:1 m3 m4 ");
}
END_TEST

START_TEST(so_many_packets_wait)
{
	begin_yield();
	for (uint32_t i = 0; i < RING_ECHOES_MAX + 10; i++)
		hand_up(seen.ring, "m1");
	ck_assert_uint_eq(seen.ring->echo_count, RING_ECHOES_MAX);
}
END_TEST

/* A small packet may keep a large buffer. */
START_TEST(so_many_bytes_wait)
{
	struct coterie_frame *frame = ring_frame_take(seen.ring, 1 << 20);
	const struct coterie_arrival arrival = {.frame = frame};

	memset(frame->data, 0, 8);
	frame->size = 8;
	begin_yield();
	for (uint32_t i = 0; i < 100; i++)
		ring_frames_in(seen.ring, &arrival, 1);
	ck_assert_uint_le(seen.ring->echo_count, RING_ECHO_BYTES_MAX >> 20);
	ck_assert_uint_ge(seen.ring->echo_count, (RING_ECHO_BYTES_MAX >> 20) - 1);
	frame_unref(frame);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring yield");
	TCase *yield = tcase_create("yield");

	tcase_add_checked_fixture(yield, ring_case_set_up, ring_case_tear_down);
	tcase_add_test(yield, an_event_delivers_for_a_millisecond);
	tcase_add_test(yield, the_next_event_begins_anew);
	tcase_add_test(yield, costly_messages);
	tcase_add_test(yield, messages_with_large_events);
	tcase_add_test(yield, packets_wait_in_their_order);
	tcase_add_test(yield, questions_do_not_wait);
	tcase_add_test(yield, timers_wait_behind_the_packets);
	tcase_add_test(yield, a_hold_timer_of_the_last_message);
	tcase_add_test(yield, steady_load);
	tcase_add_test(yield, a_delivery_that_ends_in_another_event);
	tcase_add_test(yield, an_event_waits_for_the_end_of_the_callback);
	tcase_add_test(yield, frames_before_a_token_yield);
	tcase_add_test(yield, packets_that_are_left_over_wait);
	tcase_add_test(yield, so_many_packets_wait);
	tcase_add_test(yield, so_many_bytes_wait);
	suite_add_tcase(suite, yield);
	return suite_run(suite);
}
