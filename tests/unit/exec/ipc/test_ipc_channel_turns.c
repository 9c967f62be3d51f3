/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast channels: what a client has written is read in several turns of the loop, also when the client hangs up. */
#include "channel_case.h"

#include <poll.h>
#include <sys/wait.h>

#define MANY 50000u
/* The limit of a turn is 1 MiB, and 192 bytes are the least that a message counts. Two limits may fall together. */
#define IN_TURN_MAX (2u * (1u << 20) / 192u + 200u)

/* --- messages in a turn --- */

static uint32_t before, most; /* messages until the last turn, and the most of one turn */

static void on_turn(void *arg)
{
	uint32_t tried = f.shared->tried;

	if (tried - before > most)
		most = tried - before;
	before = tried;
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop), on_turn, arg);
}

/* --- requests behind messages --- */

static int play_flow_behind_many(void)
{
	MUST(open_channel() == 0 && plain(REQ_ASK) == 0);
	f.shared->at = 1;
	while (f.shared->at == 1)
		poll(NULL, 0, 1);
	MUST(send_all(MANY, 0) == 0);
	f.shared->at = 3;
	MUST(plain(REQ_FLOW) == 0);
	MUST(f.shared->tried == MANY);
	return 0;
}

static const int answers[] = {0, -ENOENT};

START_TEST(a_request_waits_for_many_messages_in_several_turns)
{
	pid_t client = start_client(play_flow_behind_many);

	f.shared->send_rc = answers[_i];
	while (f.shared->at == 0)
		run_for_ms(5);
	f.shared->at = 2; /* now it writes, and the loop does not run */
	while (f.shared->at == 2)
		poll(NULL, 0, 1);
	on_turn(NULL);
	ck_assert_int_eq(serve(client), 0);
	ck_assert_uint_eq(f.shared->tried, MANY);
	ck_assert_uint_le(most, IN_TURN_MAX);
}
END_TEST

/* --- the last messages --- */

static int play_many_last(void)
{
	MUST(open_channel() == 0 && plain(REQ_ASK) == 0);
	f.shared->at = 1;
	while (f.shared->at == 1)
		poll(NULL, 0, 1);
	return send_all(MANY, 0);
}

/* Let a client write many messages and exit, while the loop does not run. */
static void leave_many(void)
{
	int status;
	pid_t client = start_client(play_many_last);

	while (f.shared->at == 0)
		run_for_ms(5);
	f.shared->at = 2;
	ck_assert_int_eq(waitpid(client, &status, 0), client);
	ck_assert_int_eq(status, 0);
	on_turn(NULL);
}

START_TEST(the_last_messages_are_read_in_several_turns)
{
	leave_many();
	RUN_UNTIL(f.shared->leaves == 1);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert_uint_eq(f.shared->handled, MANY);
	for (uint32_t i = MANY - ORDER_MAX; i < MANY; i++)
		ck_assert_uint_eq(f.shared->order[i % ORDER_MAX], i + 1);
	ck_assert_uint_le(most, IN_TURN_MAX);
	ck_assert(!exec_stub_has_logged("they are lost"));
}
END_TEST

/* The service refuses all of them: to read on is of no use. */
START_TEST(the_last_messages_are_not_read_if_the_service_refuses_them)
{
	f.shared->send_rc = -ENOENT;
	leave_many();
	RUN_UNTIL(f.shared->leaves == 1);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert_uint_le(f.shared->tried, IN_TURN_MAX);
	ck_assert(!exec_stub_has_logged("they are lost"));
}
END_TEST

static void (*when_begun)(void);

static void await_begin(void *arg)
{
	if (f.shared->handled > 0)
		when_begun();
	else
		loop_timer_add(f.node.loop, loop_now_ns(f.node.loop), await_begin, arg);
}

static void close_service(void)
{
	ck_assert_uint_eq(f.shared->leaves, 0);
	ipc_server_close(f.plugin.ipc);
	ck_assert_uint_eq(f.shared->leaves, 1);
}

START_TEST(a_service_may_end_before_all_last_messages_are_read)
{
	when_begun = close_service;
	leave_many();
	await_begin(NULL);
	RUN_UNTIL(f.shared->leaves == 1);
	run_for_ms(20);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
}
END_TEST

static void replace_service(void)
{
	ck_assert_uint_eq(f.shared->leaves, 0);
	f.plugin.service.channel_message = NULL;
	ipc_channels_end(f.plugin.ipc);
	f.shared->tried = 0;
}

START_TEST(a_successor_may_have_no_channels)
{
	when_begun = replace_service;
	leave_many();
	await_begin(NULL);
	RUN_UNTIL(f.shared->leaves == 1);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert_uint_eq(f.shared->tried, 0);
	ck_assert(exec_stub_has_logged("they are lost"));
}
END_TEST

/* --- */

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("ipc_channel_turns");
	TCase *reading = channel_case_add(suite, "reading");

	tcase_add_loop_test(reading, a_request_waits_for_many_messages_in_several_turns, 0, ROWS(answers));
	tcase_add_test(reading, the_last_messages_are_read_in_several_turns);
	tcase_add_test(reading, the_last_messages_are_not_read_if_the_service_refuses_them);
	tcase_add_test(reading, a_service_may_end_before_all_last_messages_are_read);
	tcase_add_test(reading, a_successor_may_have_no_channels);
	return suite_run(suite);
}
