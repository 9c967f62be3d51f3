/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring passes frames of its transport to the engine, and calls its listener for what the engine delivers. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec/ring/ring_private.h"
#include "tests/suite.h"
#include "tests/unit/exec/ring/ring_case.h"

/* ---- Frames that were sent before a token are received before it --------- */

START_TEST(frames_are_handed_to_the_engine)
{
	seen.story[0] = '\0';
	hand_up(seen.ring, "m1 m2");
	expect("m1 m2 ");
}
END_TEST

START_TEST(a_token_waits_for_what_is_in_the_sockets)
{
	seen.story[0] = '\0';
	seen.waiting = "m1 m2";
	hand_up(seen.ring, "T1");
	expect("drain m1 m2 T1 ");
	hand_up(seen.ring, "m3 T2"); /* no frame waits in the sockets */
	expect("drain m3 T2 ");
}
END_TEST

START_TEST(draining_is_not_repeated_inside_itself)
{
	seen.story[0] = '\0';
	seen.waiting = "m1 T1 m2";
	hand_up(seen.ring, "T2");
	expect("drain m1 T1 m2 T2 ");
}
END_TEST

START_TEST(a_transport_may_keep_the_order_by_itself)
{
	seen.story[0] = '\0';
	transport.transport.drain = NULL;
	hand_up(seen.ring, "T1");
	expect("T1 ");
}
END_TEST

/*
 * A token that arrives inside a call of the engine is kept for the next turn. Frames that arrive before that turn come
 * first.
 */
START_TEST(a_token_that_waited_for_its_turn)
{
	seen.story[0] = '\0';
	seen.sends_a_token = true;
	hand_up(seen.ring, "m1");
	expect("m1 ");
	run_deferred(); /* without a token nothing waits for the next turn */
	expect("m1 ");
	seen.sends_a_token = true;
	hand_up(seen.ring, "T1");
	expect("drain T1 ");
	seen.waiting = "m2";
	run_deferred();
	expect("drain m2 T1 ");
}
END_TEST

START_TEST(a_visit_of_the_token_pulls_what_a_rotation_carries)
{
	seen.story[0] = '\0';
	ck_assert(!seen.callbacks.visit(seen.arg));
	expect("pull ");
	seen.has_more = true;
	ck_assert(seen.callbacks.visit(seen.arg));
	expect("pull ");
	seen.has_more = false;
	seen.callbacks.lingering(seen.arg);
	expect("linger ");
}
END_TEST

START_TEST(a_frame_too_short_to_have_a_type)
{
	struct coterie_frame *frame = ring_frame_take(seen.ring, 64);
	struct coterie_arrival arrival = {.frame = frame};

	memset(frame->data, 0, 8);
	frame->data[4] = 's';
	frame->size = 3;
	seen.story[0] = '\0';
	ring_frames_in(seen.ring, &arrival, 1);
	expect("Ts ");
	frame_unref(frame);
}
END_TEST

/* ---- A full socket ------------------------------------------------------- */

static int token_rc;

static int send_token(void *self, uint32_t nodeid, struct coterie_frame *frame)
{
	(void)self;
	tell_story("token:%u:%c ", nodeid, frame->data[4]);
	return token_rc;
}

START_TEST(a_token_that_meets_a_full_socket_is_sent_later)
{
	struct coterie_frame *frame = ring_frame_take(seen.ring, 64);

	memset(frame->data, 0, 5);
	frame->data[4] = '1';
	frame->size = 5;
	transport.transport.token = send_token;
	token_rc = -EAGAIN;
	seen.story[0] = '\0';
	seen.callbacks.token(seen.arg, 2, frame);
	ring_writable(seen.ring);
	token_rc = 0;
	ring_writable(seen.ring);
	expect("token:2:1 token:2:1 token:2:1 ");
	ring_writable(seen.ring);
	expect("");
	frame_unref(frame);
}
END_TEST

/* ---- The listener -------------------------------------------------------- */

START_TEST(the_listener_is_called)
{
	const struct totem_message message = {.source = 2};
	const uint32_t members[] = {1, 2};
	struct totem_configuration configuration = {.members = members, .member_count = 2};

	seen.story[0] = '\0';
	seen.callbacks.deliver(seen.arg, &message);
	expect("message:2 ");
	seen.callbacks.configure(seen.arg, &configuration);
	expect("configured:2 "); /* the transport is not called for a transitional configuration */
	configuration.is_regular = true;
	seen.callbacks.configure(seen.arg, &configuration);
	expect("configured:2 members:2 ");
	ring_forget_node(seen.ring, 7);
	ck_assert_uint_eq(seen.forgotten, 7);
	seen.callbacks.passed(seen.arg);
	seen.callbacks.room(seen.arg);
	expect("passed room ");
}
END_TEST

START_TEST(a_full_queue_tells_the_listener)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};

	seen.story[0] = '\0';
	ck_assert_int_eq(ring_send(seen.ring, "a", TOTEM_AGREED, &iov, 1), 0);
	expect("");
	seen.is_queue_full = true;
	ck_assert_int_eq(ring_send(seen.ring, "a", TOTEM_AGREED, &iov, 1), -EAGAIN);
	expect("refused ");
}
END_TEST

START_TEST(the_listener_logs_a_pause)
{
	const struct totem_trace trace = {.kind = TOTEM_TRACE_PAUSED, .value = 700};

	seen.story[0] = '\0';
	seen.callbacks.trace(seen.arg, &trace);
	expect("paused:700 ");
}
END_TEST

START_TEST(an_eviction_is_recorded_and_logged)
{
	struct totem_eviction eviction = {.nodeid = 2, .evidence = TOTEM_EVIDENCE_SILENT};
	struct totem_trace trace = {.kind = TOTEM_TRACE_EVICTED, .eviction = &eviction};
	char story[64];

	seen.story[0] = '\0';
	seen.callbacks.trace(seen.arg, &trace);
	snprintf(story, sizeof(story), "evicted:2 log:%d ", (int)TOTEM_TRACE_EVICTED);
	expect(story);
}
END_TEST

/* ---- The loop ------------------------------------------------------------ */

/* A timer that is due is handled in the next turn and needs no timer of the loop. */
START_TEST(a_deadline_that_is_now_is_a_turn)
{
	seen.story[0] = '\0';
	seen.has_more = true;
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_HOLD, 1);
	seen.callbacks.timer(seen.arg, TOTEM_TIMER_TOKEN, 5000);
	expect("timer:5000 ");
	run_deferred();
	expect("timeout:2 timer:5000 ");
	seen.has_more = false;
	run_deferred();
	expect("timeout:2 timer:5000 ");
	run_deferred();
	expect("");
}
END_TEST

/* The pool frees frames of a busy time some time after they were last needed. */
START_TEST(memory_of_a_busy_time_is_given_back)
{
	struct coterie_frame *frames[100];
	struct frame_pool_usage usage;

	for (int i = 0; i < 100; i++)
		frames[i] = ring_frame_take(seen.ring, 64);
	seen.ring->timer = (struct loop_timer *)1; /* the ring has set a timer */
	for (int i = 1; i <= 4; i++) {
		seen.later_ns = (uint64_t)i * 600000000;
		for (int at = 0; i == 2 && at < 100; at++)
			frame_unref(frames[at]);
		frame_pool_usage(seen.ring->pool, &usage);
#ifndef __SANITIZE_ADDRESS__
		ck_assert(i == 1 ||
			  usage.kept >= 100); /* the pool keeps free frames for a while, in case the load returns */
#endif
		hand_up(seen.ring, "m1");
	}
	frame_pool_usage(seen.ring->pool, &usage);
	ck_assert_uint_lt(usage.kept, 10);
	seen.ring->timer = NULL;
	seen.later_ns = 0;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, ring_case_set_up, ring_case_tear_down);
	tcase_add_test(tcase, frames_are_handed_to_the_engine);
	tcase_add_test(tcase, a_token_waits_for_what_is_in_the_sockets);
	tcase_add_test(tcase, draining_is_not_repeated_inside_itself);
	tcase_add_test(tcase, a_transport_may_keep_the_order_by_itself);
	tcase_add_test(tcase, a_token_that_waited_for_its_turn);
	tcase_add_test(tcase, a_visit_of_the_token_pulls_what_a_rotation_carries);
	tcase_add_test(tcase, the_listener_is_called);
	tcase_add_test(tcase, a_full_queue_tells_the_listener);
	tcase_add_test(tcase, the_listener_logs_a_pause);
	tcase_add_test(tcase, a_deadline_that_is_now_is_a_turn);
	tcase_add_test(tcase, memory_of_a_busy_time_is_given_back);
	tcase_add_test(tcase, a_frame_too_short_to_have_a_type);
	tcase_add_test(tcase, an_eviction_is_recorded_and_logged);
	tcase_add_test(tcase, a_token_that_meets_a_full_socket_is_sent_later);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
