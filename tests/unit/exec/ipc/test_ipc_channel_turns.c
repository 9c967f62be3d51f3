/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fast channels: what a client has written is read in several turns of the loop, also when the client hangs up. Its
 * memory is freed in several turns.
 */
#include "channel_case.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "exec/map/map.h"

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

static void *ask_for_flow(void *arg)
{
	*(int *)arg = plain(REQ_FLOW);
	return NULL;
}

/* One thread sends a request behind message 1. When it waits, another thread writes message 2. */
static int play_message_behind_a_request(void)
{
	pthread_t asking;
	int rc = -1;

	MUST(open_channel() == 0 && send_all(1, 100) == 0);
	MUST(pthread_create(&asking, NULL, ask_for_flow, &rc) == 0);
	while (f.shared->at != 1)
		poll(NULL, 0, 1);
	MUST(send_message(2, 100) == 0);
	f.shared->at = 2;
	pthread_join(asking, NULL);
	return rc;
}

START_TEST(a_request_does_not_wait_for_messages_behind_it)
{
	pid_t client;

	f.shared->send_rc = -EAGAIN;
	f.shared->refused = 2;
	client = start_client(play_message_behind_a_request);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	f.shared->at = 1;
	RUN_UNTIL(f.shared->at == 2);
	f.shared->send_rc = 0;
	RUN_UNTIL(f.shared->handled == 2);
	ck_assert_uint_eq(f.shared->handled, 2);
	ck_assert_uint_eq(f.shared->order[0], 1);
	ck_assert_uint_eq(f.shared->order[1], 0);
	ck_assert_int_eq(serve(client), 0);
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

/* --- memory --- */

static int64_t bytes_of(int fd)
{
	struct stat status;

	ck_assert_int_eq(fstat(fd, &status), 0);
	return (int64_t)status.st_blocks * 512;
}

/* A process that keeps the memory mapped can use its pages again. It must not leave them to the last step. */
START_TEST(memory_is_freed_in_pieces)
{
	struct ipc_channel_memory memory = {.control = NULL};
	struct coterie_channel_ring ring = {.control = NULL}, kept = {.control = NULL};
	int fd, steps = 0;

	ck_assert_int_eq(ipc_channel_memory_make(&ring, &memory, COTERIE_CHANNEL_SIZE_MAX, &fd), 0);
	ck_assert_int_eq(coterie_channel_map(&kept, fd, COTERIE_CHANNEL_SIZE_MAX), 0);
	memset(ring.data, 1, ring.size);
	memset(ring.control, 1, sizeof(*ring.control));
	int64_t bytes = bytes_of(fd);
	ck_assert_int_ge(bytes, COTERIE_CHANNEL_SIZE_MAX);
	ipc_channel_memory_withdraw(&ring);
	ck_assert_int_eq(kept.control->written, 0);
	for (;; steps++) {
		bool is_free = ipc_channel_memory_free_piece(&ring, &memory);
		int64_t left = bytes_of(fd);

		ck_assert_int_le(bytes - left, 1 << 20);
		ck_assert(!is_free || left <= 2 << 20);
		if (is_free)
			break;
		if (steps == 40)
			memset(kept.data, 2, 30u << 20);
		bytes = bytes_of(fd);
	}
	ck_assert_int_ge(steps, 64 + 30);
	ck_assert_int_le(steps, 2 * 65);
	ck_assert_ptr_null(ring.control);
	coterie_channel_unmap(&kept);
	close(fd);
}
END_TEST

static int play_large(void)
{
	setenv("COTERIE_CPG_RING", "50000000", 1);
	MUST(open_channel() == 0);
	return send_all(1, 10);
}

START_TEST(memory_counts_until_it_is_free)
{
	ck_assert_int_eq(serve(start_client(play_large)), 0);
	while (f.shared->leaves == 0)
		run_for_ms(1);
	ck_assert_uint_gt(f.node.ipc->channel_bytes, 90000000);
	ck_assert_uint_eq(f.node.ipc->channels, 1);
	RUN_UNTIL(f.node.ipc->channel_bytes == 0);
	ck_assert_uint_eq(f.node.ipc->channels, 0);
}
END_TEST

static int play_small_rest(void)
{
	struct res res;

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	setenv("COTERIE_CPG_RING", "50000000", 1);
	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	MUST(res.grant.send_size == COTERIE_CHANNEL_SIZE_MIN);
	return 0;
}

START_TEST(memory_counts_for_its_user_until_it_is_free)
{
	struct ipc *ipc = f.node.ipc;
	uint8_t one = 1;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, "uidgid.uid.1234", COTERIE_MAP_U8, &one, 1);
	ipc->ended = calloc(1, sizeof(*ipc->ended));
	ipc->ended->uid = 1234;
	ipc->ended->send.size = IPC_CHANNEL_BYTES_OF_USER - (50u << 20);
	ipc->channel_bytes = ipc->ended->send.size;
	ipc->channels = 1;
	play(play_small_rest);
	RUN_UNTIL(ipc->channel_bytes == 0);
}
END_TEST

/* --- */

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

static int play_lost(void)
{
	MUST(open_channel() == 0);
	f.shared->send_rc = -EAGAIN;
	MUST(send_message(1, 10) == 0);
	return 0;
}

/* A client can connect and leave without end, while the ring has no room. */
START_TEST(lost_messages_are_logged_at_a_limited_rate)
{
	for (int i = 0; i < 12; i++) {
		f.shared->send_rc = 0;
		play(play_lost);
	}
	ck_assert_int_eq(exec_stub_count_logged("before its last messages found room"), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_channel_turns");
	TCase *reading = channel_case_add(suite, "reading"), *freeing = channel_case_add(suite, "freeing");

	tcase_add_loop_test(reading, a_request_waits_for_many_messages_in_several_turns, 0, ROWS(answers));
	tcase_add_test(reading, a_request_does_not_wait_for_messages_behind_it);
	tcase_add_test(reading, the_last_messages_are_read_in_several_turns);
	tcase_add_test(reading, the_last_messages_are_not_read_if_the_service_refuses_them);
	tcase_add_test(reading, a_service_may_end_before_all_last_messages_are_read);
	tcase_add_test(reading, a_successor_may_have_no_channels);
	tcase_add_test(reading, lost_messages_are_logged_at_a_limited_rate);
	tcase_add_test(freeing, memory_is_freed_in_pieces);
	tcase_add_test(freeing, memory_counts_until_it_is_free);
	tcase_add_test(freeing, memory_counts_for_its_user_until_it_is_free);
	return suite_run(suite);
}
