/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fast channels: how a channel is opened, and messages that a client sends through it. See also
 * test_ipc_channel_receive.c and test_ipc_channel_hostile.c.
 */
#include "exec/ipc/ipc_channel.h"
#include "channel_case.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "exec/map/map.h"

/* --- opening --- */

static int play_grant(void)
{
	struct res res;
	uint8_t *bytes = (uint8_t *)&res;
	uint32_t number;
	int post;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == 64 && res.header.size == 64);
	MUST(memcmp(bytes + 24, "COTERIE\2", 8) == 0);
	MUST(memcpy(&number, bytes + 32, 4) && number == 1);
	MUST(memcpy(&number, bytes + 36, 4) && number == 1048576);
	MUST(memcpy(&number, bytes + 40, 4) && number == 1114112);
	MUST(memcpy(&number, bytes + 44, 4) && number == 0);
	MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
	MUST(plain(REQ_ASK) == 0); /* this request is answered after the doorbell was handled */
	/*
	 * A client has one channel. Its library makes no second offer. If another library does, the daemon grants no
	 * second channel.
	 */
	struct fast_channel *fast = atomic_load(&channel.fast);
	MUST(ask(REQ_OPEN, 0, 0, &res) == 24);
	atomic_store(&channel.fast, NULL);
	MUST(ask(REQ_OPEN, 0, 0, &res) == 24);
	atomic_store(&channel.fast, fast);
	MUST(send_all(3, 8) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(a_grant_has_the_agreed_layout)
{
	play(play_grant);
	ck_assert_uint_eq(f.shared->handled, 4);
}
END_TEST

static int play_no_offer(void)
{
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}};
	struct iovec iov = {&req, sizeof(req)};
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(fast_channel_offer(&channel, &req.offer) >= 0);
	/* Offers of another version, without a known feature, or too short are not accepted. */
	req.offer.magic[7] = 1;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	req.offer.magic[7] = 2;
	req.offer.features = 2;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	req.offer.features = 1;
	iov.iov_len = sizeof(req) - 1;
	req.header.size = sizeof(req) - 1;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	/* Without a channel the requests that belong to channels are refused like unknown ones. */
	req.header = (struct qb_ipc_request_header){.id = COTERIE_CHANNEL_REFUSED, .size = 16};
	iov.iov_len = 16;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	MUST(res.header.id == 0 && res.header.error == IPC_INVALID_PARAM);
	return 0;
}

START_TEST(what_is_no_offer_is_not_answered) { play(play_no_offer); }
END_TEST

/* Values of the environment variable, and the ring sizes that they give. */
static const struct {
	const char *text;
	uint32_t size; /* size of the send ring, or 0: no offer is made */
} sizes[] = {
	{"0", 0},
	{"1", 1048576},
	{"2000000", 2031616},
	{"99999999999999999999", 67108864},
	{"", 1048576},
	{"much", 1048576},
};
static int row;

static int play_size(void)
{
	struct res res;

	setenv("COTERIE_CPG_RING", sizes[row].text, 1);
	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == (sizes[row].size == 0 ? 24 : (ssize_t)sizeof(res)));
	MUST(res.grant.send_size == sizes[row].size);
	return 0;
}

START_TEST(the_environment_chooses_the_size)
{
	row = _i;
	play(play_size);
}
END_TEST

static int play_refusal(void)
{
	struct rlimit limit = {1, 1}; /* not 0, since poll() needs one descriptor */
	uint8_t event[256];
	struct res res, other;
	int post;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
	/* Events that are sent before the client has opened the channel arrive too, in order. */
	MUST(ask(REQ_EVENTS, 2, 10, &other) == 24);
	MUST(channel_receive_into(&channel, event, sizeof(event)) == -EAGAIN);
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
	MUST(atomic_load(&channel.fast) == NULL);
	for (uint32_t i = 0; i < 2; i++)
		MUST(channel_receive_into(&channel, event, sizeof(event)) == 38 && memcmp(event + 24, &i, 4) == 0);
	return 0;
}

START_TEST(who_cannot_map_goes_on_without) { play(play_refusal); }
END_TEST

static int play_death_before_mapping(void)
{
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	return 0;
}

/* A client ends right after the grant. tear_down() checks that nothing of its channel is left. */
START_TEST(who_died_early_had_a_channel_all_the_same) { play(play_death_before_mapping); }
END_TEST

static int play_crowd(void)
{
	uint32_t granted = 0;
	struct res res;

	for (int i = 0; i < 70; i++) {
		MUST(channel_open(&channel, "unitfast", f.instance) == 0);
		granted += ask(REQ_OPEN, 0, 0, &res) == sizeof(res);
	}
	MUST(granted == 64);
	return 0;
}

/* The daemon has 192 of 256 channels already. */
START_TEST(channels_are_not_without_number)
{
	f.node.ipc->channels = 192;
	play(play_crowd);
	f.node.ipc->channels -= 192;
}
END_TEST

static int play_greed(void)
{
	uint32_t granted = 0;
	uint64_t bytes = 0;
	struct res res;

	setenv("COTERIE_CPG_RING", "50000000", 1);
	for (int i = 0; i < 70; i++) {
		MUST(channel_open(&channel, "unitfast", f.instance) == 0);
		granted += ask(REQ_OPEN, 0, 0, &res) == sizeof(res);
		bytes += res.grant.send_size + res.grant.receive_size;
	}
	/* Two channels get the full size. Other channels are small, and as many as fit are granted. */
	MUST(bytes > 200000000 && bytes <= 256u << 20 && granted == 2 + 31);
	return 0;
}

/* The channels use 384 of 640 MiB already. */
START_TEST(nor_is_their_memory)
{
	f.node.ipc->channel_bytes = 384u << 20;
	play(play_greed);
	f.node.ipc->channel_bytes -= 384u << 20;
}
END_TEST

static int play_greedy_user(void)
{
	uint32_t granted = 0;
	uint64_t bytes = 0;
	struct res res;

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	setenv("COTERIE_CPG_RING", "50000000", 1);
	for (int i = 0; i < 70; i++) {
		MUST(channel_open(&channel, "unitfast", f.instance) == 0);
		granted += ask(REQ_OPEN, 0, 0, &res) == sizeof(res);
		bytes += res.grant.send_size + res.grant.receive_size;
	}
	MUST(bytes > IPC_CHANNEL_BYTES_OF_USER - (4u << 20) && bytes <= IPC_CHANNEL_BYTES_OF_USER && granted < 70);
	return 0;
}

START_TEST(each_user_has_a_share_of_their_memory)
{
	uint8_t one = 1;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, "uidgid.uid.1234", COTERIE_MAP_U8, &one, 1);
	play(play_greedy_user);
}
END_TEST

/* --- sending --- */

static int play_order(void)
{
	MUST(open_channel() == 0);
	MUST(send_all(100, 64) == 0 && plain(REQ_FLOW) == 0);
	MUST(send_all(100, 100000) == 0 && plain(REQ_FLOW) == 0);
	MUST(send_all(3, 0) == 0 && send_all(1, 1048568) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(messages_come_in_order_and_ahead_of_requests)
{
	play(play_order);
	ck_assert_uint_eq(f.shared->handled, 207);
	for (uint32_t i = 0; i < 101; i++) {
		ck_assert_uint_eq(f.shared->order[i], (i + 1) % 101);
		ck_assert_uint_eq(f.shared->order[101 + i], (i + 1) % 101);
	}
	ck_assert_uint_eq(f.shared->order[206], 0);
}
END_TEST

static int play_full(void)
{
	uint32_t sent = 0;
	int rc;

	MUST(open_channel() == 0);
	f.shared->send_rc = -EAGAIN;
	while ((rc = send_message(sent + 1, 100000)) == 0)
		sent++;
	MUST(rc == -EAGAIN && sent == 10);
	MUST(plain(REQ_ASK) == 0); /* other requests are answered */
	if (fork() == 0) {
		poll(NULL, 0, 100);
		f.shared->send_rc = 0;
		_exit(0);
	}
	MUST(plain(REQ_FLOW) == 0); /* this request waits for the messages */
	MUST(f.shared->handled == 11 && f.shared->order[10] == 0);
	MUST(send_all(20, 100000) == 0 && plain(REQ_FLOW) == 0);
	wait(NULL);
	return 0;
}

START_TEST(a_full_ring_says_so_and_a_request_waits_for_it)
{
	play(play_full);
	ck_assert_uint_eq(f.shared->handled, 32);
}
END_TEST

static int play_synchronisation(void)
{
	MUST(open_channel() == 0);
	MUST(plain(REQ_ASK) == 0);
	kill(getppid(), SIGUSR1);
	while (!f.shared->is_synchronizing)
		poll(NULL, 0, 1);
	MUST(send_all(5, 100) == 0);
	poll(NULL, 0, 50);
	MUST(f.shared->handled == 0);
	kill(getppid(), SIGUSR1);
	MUST(plain(REQ_FLOW) == 0);
	return 0;
}

static void on_signal(int number)
{
	(void)number;
	exec_stub.is_synchronizing = !exec_stub.is_synchronizing;
	f.shared->is_synchronizing = exec_stub.is_synchronizing;
}

static void watch_gate(void *arg)
{
	ipc_gate(f.node.ipc);
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 1000000, watch_gate, arg);
}

START_TEST(a_synchronisation_is_waited_for)
{
	signal(SIGUSR1, on_signal);
	watch_gate(NULL);
	play(play_synchronisation);
	ck_assert_uint_eq(f.shared->handled, 6);
	ck_assert_uint_eq(f.shared->order[0], 1);
	ck_assert_uint_eq(f.shared->order[5], 0);
}
END_TEST

static void on_lease(int number)
{
	(void)number;
	exec_stub.is_lapsed = !exec_stub.is_lapsed;
	f.shared->is_synchronizing = exec_stub.is_lapsed;
}

/* If all requests of a service need quorum, the messages of its channels need it, too. */
START_TEST(a_service_that_needs_quorum_waits_for_the_lease)
{
	f.plugin.ipc->needs_quorum = true;
	signal(SIGUSR1, on_lease);
	watch_gate(NULL);
	play(play_synchronisation);
	ck_assert_uint_eq(f.shared->handled, 6);
	ck_assert_uint_eq(f.shared->order[0], 1);
	ck_assert_uint_eq(f.shared->order[5], 0);
}
END_TEST

static int play_last_words(void)
{
	MUST(open_channel() == 0);
	MUST(send_all(50, 1000) == 0);
	kill(getpid(), SIGKILL);
	return 0;
}

START_TEST(what_a_client_sent_before_it_died_counts)
{
	ck_assert(WIFSIGNALED(serve(start_client(play_last_words))));
	ck_assert_uint_eq(f.shared->handled, 50);
	ck_assert_uint_eq(f.shared->leaves, 1);
}
END_TEST

static void leave_service(void *arg)
{
	if (f.shared->handled > 0)
		ipc_server_close(f.plugin.ipc);
	else
		loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 1000000, leave_service, arg);
}

static int play_orphan(void)
{
	int rc = 0;

	MUST(open_channel() == 0);
	for (int i = 0; i < 20000 && rc != -ENOTCONN; i++) {
		rc = send_message(1, 8);
		if (i % 10 == 0)
			poll(NULL, 0, 1);
	}
	MUST(rc == -ENOTCONN);
	MUST(dispatch(CS_DISPATCH_ALL) == CS_ERR_LIBRARY);
	return 0;
}

START_TEST(who_only_sends_learns_of_the_end)
{
	leave_service(NULL);
	play(play_orphan);
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
}
END_TEST

static int play_share(void)
{
	MUST(open_channel() == 0);
	f.shared->tried = 0;
	while (send_message((uint32_t)getpid(), 8000) == 0)
		;
	f.shared->leaves++; /* tell the test that nothing more is accepted */
	while (f.shared->send_rc != 0)
		poll(NULL, 0, 1);
	poll(NULL, 0, 1000);
	return 0;
}

START_TEST(clients_take_turns)
{
	pid_t clients[3];
	uint32_t counts[3] = {0};

	f.shared->send_rc = -EAGAIN;
	for (int i = 0; i < 3; i++)
		clients[i] = start_client(play_share);
	while (f.shared->leaves < 3)
		run_for_ms(10);
	run_for_ms(50);
	f.shared->send_rc = 0;
	while (f.shared->handled < 90)
		run_for_ms(2);
	for (uint32_t i = 0; i < 90; i++)
		for (int k = 0; k < 3; k++)
			counts[k] += f.shared->order[i] == (uint32_t)clients[k];
	for (int k = 0; k < 3; k++) {
		ck_assert_uint_ge(counts[k], 27);
		ck_assert_uint_le(counts[k], 33);
		ck_assert_int_eq(serve(clients[k]), 0);
	}
}
END_TEST

#define THREAD_MESSAGES 2000u

/* Send messages that contain the number of the thread, and below it, in 24 bits, the number of the message. */
static void *send_in_thread(void *arg)
{
	uint32_t thread = *(uint32_t *)arg;
	static const uint8_t zeros[256];
	struct iovec iov = {(void *)(uintptr_t)zeros, 200};

	for (uint32_t i = 1; i <= THREAD_MESSAGES; i++)
		while (fast_send(&channel, thread << 24 | i << 8, &iov, 1, 200) == -EAGAIN)
			poll(NULL, 0, 1);
	return NULL;
}

static int play_threads(void)
{
	uint32_t numbers[2] = {1, 2};
	pthread_t threads[2];

	MUST(open_channel() == 0);
	for (int i = 0; i < 2; i++)
		MUST(pthread_create(&threads[i], NULL, send_in_thread, &numbers[i]) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	MUST(plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(several_threads_may_send)
{
	uint32_t next[3] = {0, 1, 1};

	play(play_threads);
	ck_assert_uint_eq(f.shared->handled, 2 * THREAD_MESSAGES + 1);
	for (uint32_t i = 0; i < 2 * THREAD_MESSAGES; i++) {
		uint32_t thread = f.shared->order[i] >> 24;

		ck_assert(thread == 1 || thread == 2);
		ck_assert_uint_eq(f.shared->order[i] >> 8 & 0xffff, next[thread]++);
	}
}
END_TEST

static int play_parent(void)
{
	MUST(open_channel() == 0 && send_all(3, 8) == 0);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	child = fork();
	if (child == 0)
		execl("/bin/true", "true", (char *)NULL);
	waitpid(child, NULL, 0);
	MUST(send_all(3, 8) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(a_process_may_have_children)
{
	play(play_parent);
	ck_assert_uint_eq(f.shared->handled, 7);
}
END_TEST

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int play_impatience(void)
{
	MUST(open_channel() == 0);
	f.shared->send_rc = -EAGAIN;
	while (send_message(1, 100000) == 0)
		;
	int64_t began = now_ms();
	fast_callback(atomic_load(&channel.fast), true);
	for (int i = 0; i < 10000; i++)
		MUST(send_message(1, 100000) == -EAGAIN);
	fast_callback(atomic_load(&channel.fast), false);
	MUST(now_ms() - began < 5000); /* far less than a millisecond for each message */
	return 0;
}

START_TEST(a_callback_does_not_wait_for_room) { play(play_impatience); }
END_TEST

/* --- the token's visits --- */

/* Set `at`, and stay connected until the test sets it to 2. */
static int stay(void)
{
	f.shared->at = 1;
	while (f.shared->at == 1)
		poll(NULL, 0, 1);
	return 0;
}

static int play_bell(void)
{
	MUST(open_channel() == 0); /* opening rings the doorbell */
	MUST(plain(REQ_ASK) == 0);
	return stay();
}

/*
 * A client that rang the doorbell without a message must ring it again for its next message. While the token is kept,
 * the daemon reads the messages only of clients that have rung.
 */
START_TEST(a_doorbell_for_nothing)
{
	pid_t client = start_client(play_bell);

	while (f.shared->at == 0)
		run_for_ms(1);
	ck_assert_ptr_null(f.node.ipc->awake);
	ck_assert_ptr_null(f.node.ipc->pull_timer);
	f.shared->at = 2;
	ck_assert_int_eq(serve(client), 0);
}
END_TEST

/*
 * The token is kept, and all messages are read. The daemon first polls a client that has answered at once, and only
 * then arms the client's doorbell.
 */
START_TEST(who_answers_at_once_need_not_ring)
{
	pid_t client = start_client(play_bell);
	struct ipc *ipc = f.node.ipc;

	while (f.shared->at == 0)
		run_for_ms(1);
	for (int credit = 0; credit <= 8; credit += 8) {
		struct ipc_channel *sender = ipc->servers->clients->channel;

		ck_assert_ptr_null(ipc->awake);
		ipc->awake = sender;
		sender->is_awake = true;
		sender->send.control->reader_armed = COTERIE_CHANNEL_AWAKE;
		ipc->await.credit = credit;
		ipc_pull_all(ipc);
		ck_assert_int_eq(ipc->awake != NULL, credit > 0);
		ck_assert_int_eq(ipc->await.is_due, credit > 0);
		run_for_ms(1);
		ck_assert_ptr_null(ipc->awake);
		ck_assert_uint_eq(sender->send.control->reader_armed, COTERIE_CHANNEL_ARMED);
		ck_assert_int_eq(ipc->await.credit, credit / 2);
	}
	f.shared->at = 2;
	ck_assert_int_eq(serve(client), 0);
}
END_TEST

/* Send messages of 6 frames each. exec_stub.queue says how full the engine's queue is. */
static int play_backlog(void)
{
	MUST(open_channel() == 0);
	MUST(send_all(100, 8000) == 0);
	return stay();
}

START_TEST(a_visit_takes_what_is_worth_to_wait)
{
	pid_t client = start_client(play_backlog);

	/*
	 * At first one share of the messages is read because of the doorbell, and another one because of an earlier
	 * request.
	 */
	exec_stub.queue.used = 1000;
	while (f.shared->at == 0 || f.node.ipc->awake == NULL)
		run_for_ms(5);
	uint32_t first = f.shared->handled;
	ck_assert_uint_le(first, 4);
	f.node.ipc->is_queue_shared = false;
	ipc_pull(f.node.ipc);
	ck_assert_uint_eq(f.shared->handled, first);
	/* Now 50 frames are missing from the number that the engine wants. */
	uint32_t wanted = exec_stub.queue.wanted;
	exec_stub.queue.used = wanted - 50;
	f.count_frames = 6;
	ipc_pull(f.node.ipc); /* each pull reads a share of 2 to 3 messages */
	ck_assert_uint_ge(exec_stub.queue.used, wanted);
	ck_assert_uint_le(exec_stub.queue.used, wanted + 3 * 6);
	uint32_t second = f.shared->handled;
	ipc_pull(f.node.ipc);
	ck_assert_uint_eq(f.shared->handled, second);
	/* If other clients fill the queue all the time, this client still gets its share. */
	f.node.ipc->is_queue_shared = true;
	ipc_pull(f.node.ipc);
	ck_assert_uint_ge(f.shared->handled, second + 1);
	ck_assert_uint_le(f.shared->handled, second + 3);
	exec_stub.queue.used = 0;
	exec_stub.queue.wanted = 1000;
	ipc_pull(f.node.ipc);
	ck_assert_uint_eq(f.shared->handled, 100);
	f.shared->at = 2;
	ck_assert_int_eq(serve(client), 0);
}
END_TEST

/* --- */

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* --- memory --- */

START_TEST(a_large_ring_takes_memory_as_it_is_used)
{
	struct ipc_channel_memory memory = {.control = NULL};
	struct coterie_channel_ring ring = {.control = NULL};
	struct stat status;
	int fd;

	ck_assert_int_eq(ipc_channel_memory_make(&ring, &memory, COTERIE_CHANNEL_SIZE_MAX, &fd), 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_le(status.st_blocks * 512, COTERIE_CHANNEL_DATA);
	ring.data[COTERIE_CHANNEL_SIZE_MAX - 1] = 1;
	ck_assert_int_eq(ring.data[2u * COTERIE_CHANNEL_SIZE_MAX - 1], 1);
	ck_assert(!ipc_channel_memory_is_broken(&memory));
	ipc_channel_memory_free(&ring, &memory);
	ck_assert_ptr_null(ring.control);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_channel");
	TCase *opening = channel_case_add(suite, "opening"), *sending = channel_case_add(suite, "sending");

	tcase_add_test(opening, a_large_ring_takes_memory_as_it_is_used);
	tcase_add_test(opening, a_grant_has_the_agreed_layout);
	tcase_add_test(opening, what_is_no_offer_is_not_answered);
	tcase_add_loop_test(opening, the_environment_chooses_the_size, 0, ROWS(sizes));
	tcase_add_test(opening, who_cannot_map_goes_on_without);
	tcase_add_test(opening, who_died_early_had_a_channel_all_the_same);
	tcase_add_test(opening, channels_are_not_without_number);
	tcase_add_test(opening, nor_is_their_memory);
	tcase_add_test(opening, each_user_has_a_share_of_their_memory);
	tcase_add_test(sending, messages_come_in_order_and_ahead_of_requests);
	tcase_add_test(sending, a_full_ring_says_so_and_a_request_waits_for_it);
	tcase_add_test(sending, a_synchronisation_is_waited_for);
	tcase_add_test(sending, a_service_that_needs_quorum_waits_for_the_lease);
	tcase_add_test(sending, what_a_client_sent_before_it_died_counts);
	tcase_add_test(sending, who_only_sends_learns_of_the_end);
	tcase_add_test(sending, clients_take_turns);
	tcase_add_test(sending, several_threads_may_send);
	tcase_add_test(sending, a_process_may_have_children);
	tcase_add_test(sending, a_callback_does_not_wait_for_room);
	tcase_add_test(sending, a_doorbell_for_nothing);
	tcase_add_test(sending, who_answers_at_once_need_not_ring);
	tcase_add_test(sending, a_visit_takes_what_is_worth_to_wait);
	return suite_run(suite);
}
