/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/ipc/ipc_hold.c: clients that send more than they read. test_ipc_channel_receive.c tests them with a fast
 * channel.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "ipc_case.h"

#define EVENT 100000

/* Send a message with flow control, as cpg_mcast_joined() does. @return 0; -EAGAIN: refused, as by the library */
static int send_message(qb_ipcc_connection_t *c, uint32_t number)
{
	struct req req = make(REQ_SEND, number);

	qb_ipcc_fc_enable_max_set(c, 2);
	ssize_t rc = qb_ipcc_send(c, &req, sizeof(req));
	qb_ipcc_fc_enable_max_set(c, 1);
	return rc == sizeof(req) ? 0 : (int)rc;
}

static int answer_to(qb_ipcc_connection_t *c, int32_t id)
{
	struct req req = make(id, 0);
	struct res res;

	return call(c, &req, &res) < 24 ? -1 : res.header.error;
}

static int make_events(qb_ipcc_connection_t *c, uint32_t count)
{
	struct req req = make(REQ_EVENTS, count);
	struct res res;

	req.size = EVENT;
	return call(c, &req, &res) == 24 ? 0 : -1;
}

/*
 * Repeat a message until it is accepted. The executive's timer clears the flow control word some time after the client
 * has read.
 */
static int wait_for_room(qb_ipcc_connection_t *c, uint32_t number)
{
	int rc = -EAGAIN;

	for (int i = 0; rc == -EAGAIN && i < 5000; i++) {
		rc = send_message(c, number);
		poll(NULL, 0, rc == -EAGAIN ? 1 : 0);
	}
	return rc;
}

static int receive(qb_ipcc_connection_t *c, uint32_t count)
{
	static uint8_t event[IPC_SIZE_MAX];

	for (uint32_t i = 0; i < count; i++)
		MUST(qb_ipcc_event_recv(c, event, sizeof(event), 20000) == 24 + 4 + EVENT);
	return 0;
}

static int play_turns(void)
{
	qb_ipcc_connection_t *c = connect_client();

	MUST(c != NULL);
	MUST(send_message(c, 1) == 0);
	MUST(make_events(c, 45) == 0); /* events for one megabyte are in libqb's ring, the others in the backlog */
	MUST(send_message(c, 2) == 0); /* the events in the backlog are below the limit */
	MUST(make_events(c, 10) == 0);
	MUST(answer_to(c, REQ_ECHO) == IPC_OK && send_message(c, 3) == -EAGAIN);
	/* Only messages are refused. Other requests, and the end of the connection, still work. */
	MUST(answer_to(c, REQ_COUNT) == IPC_OK);
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN);
	MUST(answer_to(c, REQ_FLOW) == IPC_OK);
	/* The client reads a little, and then more than half. */
	MUST(receive(c, 10) == 0);
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN);
	MUST(receive(c, 40) == 0);
	MUST(wait_for_room(c, 3) == 0);
	MUST(answer_to(c, REQ_BEGIN) == IPC_OK);
	MUST(receive(c, 5) == 0);
	return 0;
}

START_TEST(a_sender_that_does_not_read_is_told_to_try_again)
{
	ck_assert_uint_eq(f.node.ipc->hold_size, IPC_HOLD_SIZE);
	f.node.ipc->hold_size = 4000000;
	play(play_turns);
	ck_assert_uint_eq(f.handled, 4); /* three messages and the REQ_FLOW */
	ck_assert_uint_eq(exec_stub_count_logged("Disconnecting"), 0);
}
END_TEST

/*
 * Each message causes two events. The client waits for one event after each message, even if the message was refused.
 */
static int play_one_by_one(void)
{
	qb_ipcc_connection_t *c = connect_client();
	uint32_t refused = 0;

	MUST(c != NULL);
	for (uint32_t i = 0; i < 400; i++) {
		int rc = send_message(c, 0);

		MUST(rc == 0 || rc == -EAGAIN);
		refused += rc != 0;
		if (rc == 0)
			MUST(make_events(c, 2) == 0);
		MUST(receive(c, 1) == 0);
	}
	MUST(refused > 0);
	return 0;
}

START_TEST(a_client_that_reads_less_than_it_sends_stays)
{
	f.node.ipc->hold_size = 4000000;
	play(play_one_by_one);
	ck_assert_uint_gt(f.backlog_max, 4000000);
	ck_assert_uint_lt(f.backlog_max, 4500000);
	ck_assert_uint_eq(exec_stub_count_logged("Disconnecting"), 0);
}
END_TEST

static int play_fragments(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_FLOW, 0);
	struct res res;

	MUST(c != NULL);
	MUST(send_message(c, 1) == 0);
	MUST(answer_to(c, REQ_BEGIN) == IPC_OK);
	MUST(make_events(c, 55) == 0);
	/*
	 * Send the next fragment with the flow control of messages, as libcpg does. It is accepted: flow control is on
	 * only for clients whose last message had no answer.
	 */
	qb_ipcc_fc_enable_max_set(c, 2);
	MUST(call(c, &req, &res) == 24 && res.header.error == IPC_OK);
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN);
	return 0;
}

START_TEST(a_message_in_parts_gets_through_once_it_has_begun)
{
	f.node.ipc->hold_size = 4000000;
	play(play_fragments);
}
END_TEST

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Another client's backlog uses half of the limit for all clients. */
static int play_crowd(void)
{
	qb_ipcc_connection_t *other = connect_client(), *c = connect_client();
	uint64_t silent_ns = now_ns();

	MUST(other != NULL && c != NULL);
	MUST(send_message(c, 1) == 0);
	MUST(make_events(c, 30) == 0);
	MUST(answer_to(c, REQ_BEGIN) == IPC_OK);
	MUST(make_events(other, 200) == 0);
	MUST(make_events(c, 1) == 0);
	/* On a slow machine the other client has been silent for so long that it does not count. */
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN || now_ns() - silent_ns > IPC_STALL_NS);
	return 0;
}

START_TEST(the_bound_is_lower_where_all_together_use_much)
{
	f.node.ipc->backlog_size_max = 30000000;
	play(play_crowd);
	ck_assert_uint_eq(exec_stub_count_logged("Disconnecting"), 0);
}
END_TEST

/* Another client's backlog uses half of the limit for all clients, and that client never reads. */
static int play_silent(void)
{
	qb_ipcc_connection_t *other = connect_client(), *c = connect_client();
	struct req req = make(REQ_EVENTS, 1);
	struct res res;
	uint64_t silent_ns = now_ns();

	MUST(other != NULL && c != NULL);
	MUST(make_events(other, 200) == 0);
	MUST(make_events(c, 30) == 0);
	/* On a slow machine the other client has been silent for long enough already. */
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN || now_ns() - silent_ns > IPC_STALL_NS);
	/*
	 * After a while the other client does not count. This client has the whole limit again, so more events do not
	 * hold it back.
	 */
	req.size = EVENT;
	for (int i = 0; i < 2000; i++) {
		poll(NULL, 0, 10);
		MUST(receive(c, 1) == 0);
		MUST(call(c, &req, &res) == 24);
		if (answer_to(c, REQ_BEGIN) == IPC_OK)
			return 0;
	}
	return -1;
}

START_TEST(a_silent_client_does_not_lower_the_bound_of_others)
{
	f.node.ipc->backlog_size_max = 30000000;
	play(play_silent);
	ck_assert_uint_eq(exec_stub_count_logged("Disconnecting"), 0);
}
END_TEST

static uint32_t writable_calls;

static void count_writable(void *self, struct coterie_client *client)
{
	(void)self, (void)client;
	writable_calls++;
}

static int play_room(void)
{
	qb_ipcc_connection_t *c = connect_client();

	MUST(c != NULL);
	MUST(make_events(c, 55) == 0);
	MUST(answer_to(c, REQ_BEGIN) == IPC_TRY_AGAIN);
	wait_for_go();
	MUST(receive(c, 55) == 0);
	wait_for_go();
	return 0;
}

START_TEST(room_in_a_synchronisation_is_reported_behind_it)
{
	writable_calls = 0;
	f.plugin.service.writable = count_writable;
	f.node.ipc->hold_size = 4000000;
	pid_t pid = start_client(play_room);
	RUN_UNTIL(f.last != NULL && f.last->wants_room);
	exec_stub.is_synchronizing = true;
	ipc_gate(f.node.ipc);
	let_go();
	RUN_UNTIL(!f.last->is_held);
	run_for_ms(20);
	ck_assert_uint_eq(writable_calls, 0);
	exec_stub.is_synchronizing = false;
	ipc_gate(f.node.ipc);
	RUN_UNTIL(writable_calls > 0);
	ck_assert_uint_eq(writable_calls, 1);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_hold");
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(open, a_sender_that_does_not_read_is_told_to_try_again);
	tcase_add_test(open, a_client_that_reads_less_than_it_sends_stays);
	tcase_add_test(open, a_message_in_parts_gets_through_once_it_has_begun);
	tcase_add_test(open, a_silent_client_does_not_lower_the_bound_of_others);
	tcase_add_test(open, the_bound_is_lower_where_all_together_use_much);
	tcase_add_test(open, room_in_a_synchronisation_is_reported_behind_it);
	return suite_run(suite);
}
