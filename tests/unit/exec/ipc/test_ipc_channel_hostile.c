/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast channels: clients that write invalid bytes into the rings, and offers with the sockets of others. */
#include "channel_case.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "exec/qb/private.h"
#include "slow_close.h"

/* --- hostile clients --- */

static struct coterie_channel_ring evil[2]; /* send, receive */

/* Map both rings a second time. Their descriptors stay open in evil_fds. */
static int evil_fds[2];

static int take_descriptors(int post, int fds[2])
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	uint8_t token[16];
	struct iovec iov = {token, sizeof(token)};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	int fd = accept(post, NULL, NULL);

	MUST(fd >= 0 && recvmsg(fd, &message, 0) == sizeof(token));
	memcpy(fds, CMSG_DATA(&control.header), 2 * sizeof(int));
	close(fd);
	return 0;
}

static int ring_the_bell(void)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(request)};
	struct iovec iov = {&request, sizeof(request)};

	return channel_send(&channel, CHANNEL_GATE_ALL, &iov, 1);
}

static int open_evil(void)
{
	struct res res;
	int post;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
	MUST(take_descriptors(post, evil_fds) == 0);
	MUST(coterie_channel_map(&evil[0], evil_fds[0], res.grant.send_size) == 0);
	MUST(coterie_channel_map(&evil[1], evil_fds[1], res.grant.receive_size) == 0);
	MUST(ring_the_bell() == 0);
	return 0;
}

/* Invalid values in a ring's control page. `_i` selects one. */
static const struct {
	uint64_t written;
	uint32_t length;
	bool is_refused;
} lies[] = {
	{1, 0, true},           /* a position that is no multiple of 8 */
	{8, 1, true},           /* a message that ends after the written bytes */
	{16, UINT32_MAX, true}, /* a message whose end wraps around */
	{16, 0xfffffff8u, true},
	{1048576 + 8, 0, true}, /* more bytes than the ring has */
	{UINT64_MAX - 7, 0, true},
	{UINT64_C(1) << 63, 0, true},
	{16, 8, false},
	{1048576, 1048568, false},
	{1048576, 1048569, true},
};
static int lie;

static int play_liar(void)
{
	struct coterie_channel_message head = {.length = lies[lie].length};
	struct res res;

	MUST(open_evil() == 0);
	memcpy(evil[0].data, &head, sizeof(head));
	__atomic_store_n(&evil[0].control->written, lies[lie].written, __ATOMIC_SEQ_CST);
	ssize_t rc = ask(REQ_FLOW, 0, 0, &res);
	MUST(lies[lie].is_refused ? rc < 0 || res.header.error != IPC_OK : rc == 24);
	return 0;
}

static int play_honest(void)
{
	MUST(open_channel() == 0 && send_all(3, 10) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(a_lie_ends_the_liar)
{
	lie = _i;
	play(play_liar);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert(exec_stub_has_logged("makes no sense") == lies[lie].is_refused);
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

static const uint64_t consumed[] = {8, 1, UINT64_MAX, UINT64_C(1) << 40};

static int play_reader_liar(void)
{
	struct res res;

	MUST(open_evil() == 0);
	__atomic_store_n(&evil[1].control->consumed, consumed[lie], __ATOMIC_SEQ_CST);
	(void)ask(REQ_EVENTS, 3, 1000, &res);
	(void)ask(REQ_ASK, 0, 0, &res);
	return 0;
}

START_TEST(a_reader_cannot_move_the_writer)
{
	lie = _i;
	play(play_reader_liar);
	ck_assert(exec_stub_has_logged("makes no sense"));
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

/* Change all bytes of both control pages and of the data all the time. */
static int play_scribbler(void)
{
	unsigned int seed = (unsigned int)lie;
	struct res res;

	MUST(open_evil() == 0);
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < 2; k++) {
			uint32_t *words = (uint32_t *)evil[k].control;

			words[rand_r(&seed) % 64] = (uint32_t)rand_r(&seed) % 3 == 0 ? 1 : (uint32_t)rand_r(&seed);
			memset(evil[k].data + rand_r(&seed) % 4096, 0, 64);
		}
		if (ask(i % 2 == 0 ? REQ_EVENTS : REQ_FLOW, 2, 100, &res) < 0)
			break;
	}
	return 0;
}

START_TEST(scribbling_hurts_nobody_else)
{
	lie = _i;
	play(play_scribbler);
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

static int play_ringer(void)
{
	MUST(open_evil() == 0);
	for (int i = 0; i < 50000; i++) {
		evil[1].control->reader_armed = COTERIE_CHANNEL_ASKING;
		(void)ring_the_bell();
	}
	for (int i = 0; i < 10000 && plain(REQ_ASK) < 0; i++)
		poll(NULL, 0, 1); /* repeat this until the doorbells before the request are handled */
	MUST(plain(REQ_ASK) == 0);
	return 0;
}

START_TEST(bells_without_number) { play(play_ringer); }
END_TEST

/* Change the shared memory from another process, while the executive reads it. */
static void scribble(void)
{
	unsigned int seed = (unsigned int)lie + 100;

	for (;;) {
		uint32_t *words = (uint32_t *)evil[rand_r(&seed) % 2].control;
		uint32_t *data = (uint32_t *)evil[0].data;

		data[rand_r(&seed) % 64] = (uint32_t)rand_r(&seed) % 256;
		if (rand_r(&seed) % 16 == 0)
			words[rand_r(&seed) % 64 & ~1u] = (uint32_t)rand_r(&seed) % 2;
		__atomic_store_n(&evil[0].control->written, (uint64_t)(rand_r(&seed) % 64) * 8, __ATOMIC_SEQ_CST);
	}
}

static int play_two_scribblers(void)
{
	struct res res;

	MUST(open_evil() == 0);
	pid_t child = fork();
	if (child == 0)
		scribble();
	for (int i = 0; i < 300; i++)
		if (ask(i % 2 == 0 ? REQ_EVENTS : REQ_FLOW, 2, 100, &res) < 0)
			break;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

START_TEST(scribbling_while_it_is_read)
{
	lie = _i;
	f.is_content_free = true;
	play(play_two_scribblers);
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

/*
 * The client must not be able to shrink the shared memory. Otherwise the executive would crash when it uses the memory.
 */
static int play_shrinker(void)
{
	MUST(open_evil() == 0);
	for (int i = 0; i < 2; i++) {
		MUST(ftruncate(evil_fds[i], 0) < 0 && errno == EPERM);
		MUST(ftruncate(evil_fds[i], 1 << 30) < 0 && errno == EPERM);
		MUST(fallocate(evil_fds[i], 0, 0, 1 << 30) < 0 && errno == EPERM);
		MUST(fcntl(evil_fds[i], F_ADD_SEALS, F_SEAL_WRITE) < 0);
		MUST(fallocate(evil_fds[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0);
	}
	struct res res;
	(void)ask(REQ_EVENTS, 3, 1000, &res);
	(void)ask(REQ_FLOW, 0, 0, &res);
	return 0;
}

START_TEST(the_memory_cannot_shrink)
{
	play(play_shrinker);
	play(play_honest);
}
END_TEST

/* A client keeps the memory mapped after its disconnection. This must not keep pages of the daemon in use. */
static int play_keeper(void)
{
	struct stat status;

	MUST(open_evil() == 0 && plain(REQ_ASK) == 0);
	memset(evil[0].data, 1, evil[0].size);
	MUST(fstat(evil_fds[0], &status) == 0 && status.st_blocks > 2000);
	channel_close(&channel);
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 5000 && fstat(evil_fds[i], &status) == 0 && status.st_blocks > 0; k++)
			poll(NULL, 0, 1);
		MUST(status.st_blocks == 0);
	}
	return 0;
}

START_TEST(the_memory_goes_with_the_connection) { play(play_keeper); }
END_TEST

/*
 * Write messages as fast as the daemon reads them. The daemon must read one share at a time, and serve other clients in
 * between.
 */
static int play_endless(void)
{
	MUST(open_evil() == 0);
	f.shared->at = 1;
	while (f.shared->at == 1) {
		uint64_t read = __atomic_load_n(&evil[0].control->consumed, __ATOMIC_ACQUIRE);

		__atomic_store_n(&evil[0].control->written, read + evil[0].size, __ATOMIC_RELEASE);
		if (coterie_channel_heard(&evil[0].control->reader_armed))
			(void)ring_the_bell();
	}
	return 0;
}

static void visit(void *arg)
{
	ipc_pull(f.node.ipc);
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 100000, visit, arg);
}

START_TEST(messages_without_end)
{
	pid_t endless = start_client(play_endless);

	while (f.shared->at == 0)
		run_for_ms(5);
	visit(NULL);
	play(play_honest);
	ck_assert_uint_gt(f.shared->tried, 1000);
	f.shared->at = 2;
	ck_assert_int_eq(serve(endless), 0);
}
END_TEST

/* Hang up, and write messages all the same: only those before the end are read. */
static int play_ghost(void)
{
	MUST(open_evil() == 0 && plain(REQ_ASK) == 0);
	__atomic_store_n(&evil[0].control->written, evil[0].size, __ATOMIC_RELEASE);
	channel_close(&channel);
	for (f.shared->at = 1; f.shared->at == 1;)
		__atomic_store_n(&evil[0].control->written,
			__atomic_load_n(&evil[0].control->consumed, __ATOMIC_ACQUIRE) + evil[0].size, __ATOMIC_RELEASE);
	return 0;
}

START_TEST(messages_after_the_end_are_not_read)
{
	pid_t ghost = start_client(play_ghost);

	RUN_UNTIL(f.shared->leaves == 1);
	ck_assert_uint_eq(f.shared->leaves, 1);
	f.shared->at = 2;
	ck_assert_int_eq(serve(ghost), 0);
}
END_TEST

/* --- whose socket it is --- */

/* Names of sockets to which the executive must not send anything. */
static const char *const addresses[] = {"", "unknown", "ABCDE", "/run/x", "a b", "fffff0", "12345678"};

static int play_wrong_address(void)
{
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}};
	struct iovec iov = {&req, sizeof(req)};
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(fast_channel_offer(&channel, &req.offer) >= 0);
	memset(req.offer.address, 0, sizeof(req.offer.address));
	memcpy(req.offer.address, addresses[lie], strlen(addresses[lie]));
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	return 0;
}

START_TEST(only_names_as_the_kernel_gives_them)
{
	lie = _i;
	play(play_wrong_address);
}
END_TEST

/* An offer with another client's socket: nothing may be sent there. */
static struct coterie_channel_offer others_offer;

static int play_thief(void)
{
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}, .offer = others_offer};
	struct iovec iov = {&req, sizeof(req)};
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	return 0;
}

START_TEST(a_socket_of_somebody_else)
{
	struct channel none = {0};
	int post = fast_channel_offer(&none, &others_offer);

	ck_assert_int_ge(post, 0);
	play(play_thief);
	int fd = accept(post, NULL, NULL);
	ck_assert_int_ge(fd, 0); /* the daemon has only checked the socket, and sent nothing */
	uint8_t byte;
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	close(fd);
	close(post);
}
END_TEST

/*
 * Other processes may connect to the offered socket first. They do not know the token of the daemon's grant, so the
 * client ignores them.
 */
static int play_crowded(void)
{
	struct res res;
	struct sockaddr_un name;
	socklen_t size = sizeof(name);
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}};
	struct iovec iov = {&req, sizeof(req)};

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	int post = fast_channel_offer(&channel, &req.offer);
	MUST(getsockname(post, (struct sockaddr *)&name, &size) == 0);
	for (int i = 0; i < 4; i++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		MUST(connect(fd, (struct sockaddr *)&name, size) == 0);
		MUST(i % 2 == 0 || send(fd, "0123456789abcdef", 16, 0) == 16);
		MUST(i != 2 || close(fd) == 0);
	}
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == sizeof(res));
	MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
	MUST(atomic_load(&channel.fast) != NULL && send_all(3, 10) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(others_at_the_socket_of_an_offer)
{
	play(play_crowded);
	ck_assert_uint_eq(f.shared->handled, 4);
}
END_TEST

/* Another user connects to the socket of an offer, and sends a descriptor whose last close takes long. */
static int disturb(const struct sockaddr_un *name, socklen_t size, int go)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	MUST(geteuid() != 0 || setuid(1234) == 0);
	MUST(fd >= 0 && connect(fd, (const struct sockaddr *)name, size) == 0);
	MUST(send_slowly(fd, "0123456789abcdef", 16) == 0);
	MUST(write(go, "", 1) == 1);
	pause();
	return 0;
}

static int play_disturbed(void)
{
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}};
	struct iovec iov = {&req, sizeof(req)};
	struct sockaddr_un name;
	socklen_t size = sizeof(name);
	struct timespec begin, end;
	struct res res;
	int go[2];
	char byte;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	int post = fast_channel_offer(&channel, &req.offer);
	MUST(getsockname(post, (struct sockaddr *)&name, &size) == 0 && pipe(go) == 0);
	pid_t other = fork();
	MUST(other >= 0);
	if (other == 0)
		_exit(disturb(&name, size, go[1]) != 0);
	close(go[1]);
	MUST(read(go[0], &byte, 1) == 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	if (f.shared->at == 0) { /* the daemon has granted the channel. Otherwise it has refused the request */
		MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == sizeof(res));
		MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
		MUST(atomic_load(&channel.fast) != NULL && send_all(3, 10) == 0);
	}
	fast_channel_close_offer(post);
	MUST(plain(REQ_FLOW) == 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	kill(other, SIGKILL);
	MUST(end.tv_sec - begin.tv_sec < SLOW_CLOSE_S / 2);
	return 0;
}

START_TEST(others_at_the_socket_of_an_offer_do_not_delay_the_client)
{
	f.shared->at = (uint32_t)_i;
	play(play_disturbed);
	ck_assert_uint_eq(f.shared->handled, _i == 0 ? 4 : 1);
}
END_TEST

/* --- */

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

static int play_parcel_left(void)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_REFUSED, .size = sizeof(request)};
	struct iovec iov = {&request, sizeof(request)};
	struct res res;
	int post;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
	MUST(channel_send(&channel, CHANNEL_GATE_ALL, &iov, 1) == 0 && plain(REQ_ASK) == 0);
	f.shared->at = 1;
	while (f.shared->at == 1)
		poll(NULL, 0, 1);
	close(post);
	return 0;
}

/* Descriptors that a client does not take count among those of the daemon, so they stay in the client's share. */
START_TEST(a_channel_counts_until_its_descriptors_are_taken)
{
	pid_t pid = start_client(play_parcel_left);

	RUN_UNTIL(f.shared->at == 1);
	run_for_ms(200);
	ck_assert_uint_eq(f.node.ipc->channels, 1);
	ck_assert_uint_gt(f.node.ipc->channel_bytes, 0);
	f.shared->at = 2;
	RUN_UNTIL(f.node.ipc->channels == 0);
	ck_assert_int_eq(serve(pid), 0);
}
END_TEST

static int play_parcel_answered(void)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_REFUSED, .size = sizeof(request)};
	struct iovec iov = {&request, sizeof(request)};
	struct res res;
	char bytes[17];
	int post, fd;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
	MUST((fd = accept(post, NULL, NULL)) >= 0);
	MUST(send_slowly(fd, "", 1) == 0 || (errno == EPERM && !is_old_kernel));
	MUST(recv(fd, bytes, sizeof(bytes), 0) == 16);
	MUST(channel_send(&channel, CHANNEL_GATE_ALL, &iov, 1) == 0);
	f.shared->at = 1;
	pause();
	return 0;
}

/* The client sends a descriptor back whose last close takes long. The daemon closes that socket unread. */
START_TEST(a_descriptor_on_the_socket_of_a_channel_does_not_delay_the_loop)
{
	is_old_kernel = _i == 1;
	if (is_old_kernel)
		f.node.ipc->host->refuses_descriptors = false;
	uint64_t begin_ns = loop_now_ns(f.node.loop);
	pid_t pid = start_client(play_parcel_answered);
	RUN_UNTIL(f.shared->at == 1 && f.node.ipc->channels == 0);
	ck_assert_uint_eq(f.node.ipc->channels, 0);
	ck_assert_uint_lt(loop_now_ns(f.node.loop) - begin_ns, UINT64_C(1000000000) * SLOW_CLOSE_S / 2);
	kill(pid, SIGKILL);
	ck_assert(WIFSIGNALED(serve(pid)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_channel_hostile");
	TCase *rings = channel_case_add(suite, "rings"), *sockets = channel_case_add(suite, "sockets");

	tcase_add_loop_test(rings, a_lie_ends_the_liar, 0, ROWS(lies));
	tcase_add_loop_test(rings, a_reader_cannot_move_the_writer, 0, ROWS(consumed));
	tcase_add_loop_test(rings, scribbling_hurts_nobody_else, 0, 4);
	tcase_add_loop_test(rings, scribbling_while_it_is_read, 0, 4);
	tcase_add_test(rings, bells_without_number);
	tcase_add_test(rings, messages_without_end);
	tcase_add_test(rings, messages_after_the_end_are_not_read);
	tcase_add_test(rings, the_memory_cannot_shrink);
	tcase_add_test(rings, the_memory_goes_with_the_connection);
	tcase_add_loop_test(sockets, only_names_as_the_kernel_gives_them, 0, ROWS(addresses));
	tcase_add_test(sockets, a_socket_of_somebody_else);
	tcase_add_test(sockets, a_channel_counts_until_its_descriptors_are_taken);
	tcase_add_test(sockets, others_at_the_socket_of_an_offer);
	tcase_add_loop_test(sockets, others_at_the_socket_of_an_offer_do_not_delay_the_client, 0, 2);
	tcase_add_loop_test(sockets, a_descriptor_on_the_socket_of_a_channel_does_not_delay_the_loop, 0, 2);
	return suite_run(suite);
}
