/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast channels: messages that a client receives. Their order, and callbacks. */
#include "channel_case.h"

#include <poll.h>
#include <string.h>

/* --- receiving --- */

static int play_stream(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 3, 10, &res) == 24);
	/* The descriptor is readable as long as a message is left, and not longer. */
	for (int i = 0; i < 5; i++) {
		MUST(is_readable(2000));
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
		MUST(got.events + got.messages == (uint32_t)i + 1);
	}
	MUST(is_readable(2000) && dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_OK);
	MUST(!is_readable(50) && dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_ERR_TRY_AGAIN);
	MUST(dispatch(CS_DISPATCH_ALL) == CS_OK && got.events == 3 && got.messages == 3);
	for (int i = 0; i < 2000; i++) {
		got.events = got.messages = 0;
		MUST(ask(REQ_EVENTS, 1 + (uint32_t)i % 3, 10, &res) == 24);
		cs_dispatch_flags_t type = i % 2 == 0 ? CS_DISPATCH_ONE : CS_DISPATCH_ALL;
		while (got.messages < 1 + (uint32_t)i % 3) {
			MUST(is_readable(2000));
			MUST(dispatch(type) == CS_OK);
		}
		MUST(!is_readable(0) || i % 16 != 0 || !is_readable(20));
		MUST(dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_ERR_TRY_AGAIN);
	}
	MUST(!got.is_wrong);
	return 0;
}

START_TEST(the_descriptor_says_whether_something_is_left) { play(play_stream); }
END_TEST

static int play_slow(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 60, 100000, &res) == 24); /* 12 MB of events through a ring of 1.1 MB */
	poll(NULL, 0, 50);
	while (got.messages < 60)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	MUST(!got.is_wrong && got.events == 60);
	got.events = got.messages = 0;
	MUST(ask(REQ_EVENTS, 1, IPC_SIZE_MAX - 28, &res) == 24);
	while (got.messages < 1)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	MUST(got.last_size == IPC_SIZE_MAX && !got.is_wrong);
	return 0;
}

START_TEST(a_slow_reader_gets_everything_in_order)
{
	play(play_slow);
	ck_assert_uint_gt(f.backlog_max, 10000000);
}
END_TEST

static int play_deaf(void)
{
	struct res res;

	MUST(open_channel() == 0);
	while (ask(REQ_EVENTS, 100, 100000, &res) == 24)
		poll(NULL, 0, 50);
	return 0;
}

START_TEST(who_never_reads_is_bounded)
{
	play(play_deaf);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert(exec_stub_has_logged("does not read its events"));
	ck_assert_uint_le(f.backlog_max, IPC_BACKLOG_LIMIT);
}
END_TEST

static struct dispatch_outcome on_nested(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	struct dispatch_outcome outcome = on_event(arg, id, bytes, size);

	if (got.events < 3)
		dispatch_run(&dispatcher, &channel, CS_DISPATCH_ALL, on_nested, on_message, NULL);
	return outcome;
}

static int play_nested(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 5, 10, &res) == 24);
	MUST(is_readable(2000));
	while (got.messages < 5)
		MUST(dispatch_run(&dispatcher, &channel, CS_DISPATCH_ALL, on_nested, on_message, NULL) == CS_OK);
	MUST(!got.is_wrong && got.events == 5 && !is_readable(20));
	return 0;
}

START_TEST(a_callback_may_dispatch) { play(play_nested); }
END_TEST

/*
 * Dispatch inside the first callback until all other messages have arrived, which are more than the ring holds. The
 * first message must not change meanwhile.
 */
static struct dispatch_outcome on_patient(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	uint32_t number = got.events;
	struct dispatch_outcome outcome = dispatch_done;

	if (number > 0)
		return on_event(arg, id, bytes, size);
	got.is_wrong |= memcmp(bytes + 24, &number, 4) != 0;
	got.events++;
	while (got.messages < 40 && outcome.code == CS_OK) {
		if (!is_readable(5000))
			return dispatch_malformed;
		outcome.code = dispatch_run(&dispatcher, &channel, CS_DISPATCH_ONE, on_patient, on_message, NULL);
	}
	got.is_wrong |= memcmp(bytes + 24, &number, 4) != 0;
	return outcome;
}

static int play_patient(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 40, 100000, &res) == 24);
	MUST(dispatch_run(&dispatcher, &channel, CS_DISPATCH_ONE, on_patient, on_message, NULL) == CS_OK);
	MUST(!got.is_wrong && got.events == 40 && got.messages == 40 && !is_readable(20));
	return 0;
}

START_TEST(a_callback_may_dispatch_more_than_a_ring_holds) { play(play_patient); }
END_TEST

/* During a callback the descriptor must show whether messages are left, since other parts of a program may poll it. */
static struct dispatch_outcome on_polling(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	struct dispatch_outcome outcome = on_event(arg, id, bytes, size);

	got.is_wrong |= !is_readable(2000); /* another message follows */
	return outcome;
}

static struct dispatch_outcome on_polling_message(void *arg, const struct fast_record *record, uint8_t *bytes)
{
	struct dispatch_outcome outcome = on_message(arg, record, bytes);

	got.is_wrong |= is_readable(got.messages < 3 ? 2000 : 20) != (got.messages < 3);
	return outcome;
}

static int play_polling(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	for (int i = 0; i < 100; i++) {
		got.events = got.messages = 0;
		MUST(ask(REQ_EVENTS, 3, 10, &res) == 24);
		while (got.messages < 3)
			MUST(dispatch_run(&dispatcher, &channel, i % 2 == 0 ? CS_DISPATCH_ONE : CS_DISPATCH_ALL,
				     on_polling, on_polling_message, NULL) == CS_OK);
		MUST(!got.is_wrong);
	}
	return 0;
}

START_TEST(the_descriptor_says_so_in_callbacks) { play(play_polling); }
END_TEST

static int play_turns(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 50, 100000, &res) == 24); /* 10 MB */
	for (uint32_t i = 0; i < 10; i++)
		MUST(send_message(i + 1, 8) == 0); /* the message fits into the ring */
	MUST(plain(REQ_ASK) == 0);
	poll(NULL, 0, 100);
	MUST(f.shared->handled == 0);
	while (got.messages < 20)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	poll(NULL, 0, 100);
	MUST(f.shared->handled == 0);
	while (got.messages < 45)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	for (int i = 0; f.shared->handled < 10 && i < 5000; i++)
		poll(NULL, 0, 1);
	MUST(f.shared->handled == 10);
	return 0;
}

/* The daemon leaves a client's messages in the send ring until the client has read half of its own events. */
START_TEST(a_sender_reads_before_it_is_read)
{
	f.node.ipc->hold_size = 4000000;
	play(play_turns);
	ck_assert_uint_gt(f.backlog_max, 4000000);
}
END_TEST

static int play_leave(void)
{
	struct res res;

	MUST(open_channel() == 0);
	MUST(ask(REQ_EVENTS, 50, 100000, &res) == 24);
	for (uint32_t i = 0; i < 10; i++)
		MUST(send_message(i + 1, 8) == 0);
	return plain(REQ_FLOW);
}

/*
 * A client that waits for an answer reads no events meanwhile. So its request does not wait until they are read.
 * Messages that it sent earlier come first in the order.
 */
START_TEST(a_request_does_not_wait_for_events_to_be_read)
{
	f.node.ipc->hold_size = 4000000;
	play(play_leave);
	ck_assert_uint_eq(f.shared->handled, 11);
	ck_assert_uint_eq(f.shared->order[10], 0);
}
END_TEST

static void end_clients(void *arg)
{
	if (f.shared->at == 1)
		ipc_client_disconnect(f.last);
	else
		loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 1000000, end_clients, arg);
}

/* When the executive has ended the connection, the client no longer gets the events in the ring, as with libqb. */
static int play_ended(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 3, 10, &res) == 24);
	MUST(is_readable(2000) && dispatch(CS_DISPATCH_ONE) == CS_OK);
	f.shared->at = 1;
	while (!channel_is_hung_up(&channel))
		poll(NULL, 0, 1);
	MUST(dispatch(CS_DISPATCH_ONE) == CS_ERR_LIBRARY && dispatch(CS_DISPATCH_ALL) == CS_ERR_LIBRARY);
	MUST(send_message(1, 8) == -ENOTCONN);
	MUST(send_message(1, 8) == -ENOTCONN);
	MUST(got.events == 1 && got.messages == 0);
	return 0;
}

START_TEST(the_end_of_a_connection_is_the_end_of_its_ring)
{
	end_clients(NULL);
	play(play_ended);
}
END_TEST

/* --- */

int main(void)
{
	Suite *suite = suite_create("ipc_channel_receive");
	TCase *receiving = channel_case_add(suite, "receiving"), *callbacks = channel_case_add(suite, "callbacks");

	tcase_add_test(receiving, the_descriptor_says_whether_something_is_left);
	tcase_add_test(receiving, a_slow_reader_gets_everything_in_order);
	tcase_add_test(receiving, who_never_reads_is_bounded);
	tcase_add_test(receiving, a_sender_reads_before_it_is_read);
	tcase_add_test(receiving, a_request_does_not_wait_for_events_to_be_read);
	tcase_add_test(receiving, the_end_of_a_connection_is_the_end_of_its_ring);
	tcase_add_test(callbacks, a_callback_may_dispatch);
	tcase_add_test(callbacks, a_callback_may_dispatch_more_than_a_ring_holds);
	tcase_add_test(callbacks, the_descriptor_says_so_in_callbacks);
	return suite_run(suite);
}
