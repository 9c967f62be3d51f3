/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of datagrams: how frames are grouped, that all arrive in order, and what errors do. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/mock_host.h"
#include "transports/common/batch.h"
#include "transports/common/peers.h"
#include "transports/common/socket.h"

struct end {
	int fd;
	struct sockaddr_in address;
};

static struct coterie_ctx *host;
static struct batch_in *in;
static struct end sender, receiver;
static bool accepts;

static struct end end_open(bool has_offload)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct socket_grant grant;
	socklen_t size = sizeof(address);
	struct end end = {.fd = socket_open((struct sockaddr *)&address, 0, 1 << 22, has_offload, &grant)};

	ck_assert_int_ge(end.fd, 0);
	ck_assert_int_eq(getsockname(end.fd, (struct sockaddr *)&end.address, &size), 0);
	return end;
}

static void set_up(void)
{
	host = mock_host_create(NULL);
	in = batch_in_create(&host->table, host);
	ck_assert_ptr_nonnull(in);
	sender = end_open(true);
	receiver = end_open(true);
	accepts = true;
}

static void tear_down(void)
{
	close(sender.fd);
	close(receiver.fd);
	batch_in_destroy(in);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}

static bool accept_as_told(void *arg, const struct sockaddr *from, uint32_t count)
{
	(void)arg, (void)from, (void)count;
	return accepts;
}

/* Read until count frames have arrived. A datagram on the loopback interface arrives at once. */
static void receive(uint32_t count)
{
	const struct batch_filter filter = {.accept = accept_as_told};

	while (host->frames.count < count) {
		struct pollfd polled = {.fd = receiver.fd, .events = POLLIN};

		if (poll(&polled, 1, 2000) <= 0)
			ck_abort_msg("only %u of %u frames came", host->frames.count, count);
		ck_assert_int_ge(batch_in_read(in, receiver.fd, &filter), 0);
	}
}

/* Make frames of the given sizes. Their bytes depend on their place in the batch. */
static void make(struct coterie_frame **frames, const uint32_t *sizes, uint32_t count)
{
	static uint8_t bytes[BATCH_DATAGRAM_MAX];

	for (uint32_t i = 0; i < count; i++) {
		memset(bytes, (int)(i + 1), sizes[i]);
		frames[i] = mock_frame(host, bytes, sizes[i]);
	}
}

static void drop(struct coterie_frame **frames, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		host->table.frame_unref(frames[i]);
}

static const struct {
	const char *name;
	uint32_t sizes[100];
	uint32_t count;
	uint32_t size_max;
	bool has_gso, is_refused;
	uint32_t want; /* number of frames in the first run */
} runs[] = {
	{"one", {100}, 1, 0, true, false, 1},
	{"equal", {100, 100, 100}, 3, 0, true, false, 3},
	{"a shorter one closes", {100, 100, 50, 50}, 4, 0, true, false, 3},
	{"a longer one starts another", {100, 100, 101}, 3, 0, true, false, 2},
	{"first shorter", {50, 100}, 2, 0, true, false, 1},
	{"switched off", {100, 100}, 2, 0, false, false, 1},
	{"refused on this path", {100, 100}, 2, 0, true, true, 1},
	{"longer than what the path takes", {1455, 1455}, 2, 1454, true, false, 1},
	{"just what the path takes", {1454, 1454}, 2, 1454, true, false, 2},
	{"empty", {0, 0}, 2, 0, true, false, 1},
	{"empty behind", {10, 0}, 2, 0, true, false, 1},
	{"as many bytes as fit", {32753, 32754, 1}, 3, 0, true, false, 1},
	{"two just fit", {32754, 32753, 1}, 3, 0, true, false, 2},
};

START_TEST(runs_are_grouped)
{
	struct batch_out out = {.has_gso = runs[_i].has_gso};
	struct batch_offload offload = {.is_refused = runs[_i].is_refused, .size_max = runs[_i].size_max};
	struct coterie_frame frames[100];
	struct coterie_frame *list[100];

	for (uint32_t i = 0; i < runs[_i].count; i++) {
		frames[i] = (struct coterie_frame){.size = runs[_i].sizes[i]};
		list[i] = &frames[i];
	}
	ck_assert_msg(batch_run(&out, &offload, list, runs[_i].count) == runs[_i].want, "%s", runs[_i].name);
}
END_TEST

START_TEST(a_run_has_at_most_64_segments_and_65507_bytes)
{
	struct batch_out out = {.has_gso = true};
	struct batch_offload offload = {0};
	struct coterie_frame small = {.size = 10};
	struct coterie_frame full = {.size = 1455};
	struct coterie_frame *list[100];

	for (uint32_t i = 0; i < 100; i++)
		list[i] = &small;
	ck_assert_uint_eq(batch_run(&out, &offload, list, 100), 64);
	for (uint32_t i = 0; i < 100; i++)
		list[i] = &full;
	ck_assert_uint_eq(batch_run(&out, &offload, list, 100), 45);
}
END_TEST

static const struct {
	const char *name;
	uint32_t size, count, last;
	bool has_gso, has_gro;
	int shares; /* 1: frames are slices of a buffer; 0: copies; -1: either */
} trips[] = {
	{"one small frame", 1, 1, 1, true, true, 0},
	{"one large datagram", 60000, 1, 60000, true, true, 1},
	{"the largest datagrams", BATCH_DATAGRAM_MAX, 2, BATCH_DATAGRAM_MAX, true, true, 1},
	{"a visit, offload at both ends", 1455, 90, 700, true, true, 1},
	{"a visit, offload when sending", 1455, 90, 700, true, false, 0},
	{"a visit, offload when receiving", 1455, 90, 700, false, true, -1},
	{"a visit, no offload", 1455, 90, 700, false, false, 0},
	{"many tiny ones", 29, 200, 29, true, true, 0},
};

START_TEST(every_frame_arrives_once_in_order)
{
	struct coterie_frame *frames[200];
	uint32_t sizes[200];
	uint32_t count = trips[_i].count;
	struct batch_out out = {.fd = sender.fd, .has_gso = trips[_i].has_gso};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	close(receiver.fd);
	receiver = end_open(trips[_i].has_gro);
	for (uint32_t i = 0; i < count; i++)
		sizes[i] = i + 1 == count ? trips[_i].last : trips[_i].size;
	make(frames, sizes, count);
	ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address),
				  frames, count, &lost, &error),
		count);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(out.datagrams, count);
	receive(count);
	ck_assert_uint_eq(host->frames.count, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct mock_message *got = &host->frames.list[i];

		ck_assert_msg(got->size == sizes[i], "%s: frame %u has %u bytes", trips[_i].name, i, got->size);
		ck_assert_mem_eq(got->data, frames[i]->data, sizes[i]);
		ck_assert(address_equal((const struct sockaddr *)&got->from, (const struct sockaddr *)&sender.address));
	}
	ck_assert_uint_eq(batch_in_counts(in)->datagrams, count);
	if (trips[_i].shares >= 0)
		ck_assert_msg((host->frames_sliced > 0) == (trips[_i].shares == 1), "%s", trips[_i].name);
	drop(frames, count);
}
END_TEST

START_TEST(offload_saves_calls)
{
	struct coterie_frame *frames[45];
	uint32_t sizes[45];
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	for (uint32_t i = 0; i < 45; i++)
		sizes[i] = 1455;
	make(frames, sizes, 45);
	batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address), frames, 45, &lost,
		&error);
	ck_assert_uint_eq(out.calls, 1);
	receive(45);
	ck_assert_uint_le(batch_in_counts(in)->calls, 5);
	drop(frames, 45);
}
END_TEST

/*
 * The kernel refuses segmentation with EINVAL without UDP checksums. Old kernels refuse long segments in the same way.
 */
START_TEST(a_refused_run_goes_out_one_by_one_and_is_remembered)
{
	uint32_t size = _i == 0 ? 1200 : 1400;
	struct coterie_frame *frames[3];
	uint32_t sizes[3] = {size, size, size};
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;
	int on = 1;

	ck_assert_int_eq(setsockopt(sender.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	make(frames, sizes, 3);
	ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address),
				  frames, 3, &lost, &error),
		3);
	ck_assert_uint_eq(lost, 0);
	ck_assert(offload.is_refused == (_i == 0));
	ck_assert_uint_eq(offload.size_max, _i == 1 ? 1399 : 0);
	receive(3);
	drop(frames, 3);
}
END_TEST

static int send_errors[8]; /* sendmmsg returns these first, until one is 0 */

/* Replaces the C library's function. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int error = send_errors[0];

	memmove(send_errors, send_errors + 1, sizeof(send_errors) - sizeof(send_errors[0]));
	if (error == 0)
		return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
	errno = error;
	return -1;
}

/*
 * The kernel returns the error of an ICMP message at the next send. If it is one that the offload gives as well, it is
 * no refusal of the offload.
 */
START_TEST(a_forged_message_does_not_turn_the_offload_off)
{
	struct end dead = end_open(true);
	struct coterie_frame *frames[3];
	uint32_t sizes[3] = {1400, 1400, 1400};
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	close(dead.fd);
	sendto(sender.fd, "x", 1, 0, (struct sockaddr *)&dead.address, sizeof(dead.address));
	send_errors[0] = ENOPROTOOPT;
	make(frames, sizes, 3);
	ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address),
				  frames, 3, &lost, &error),
		3);
	ck_assert(!offload.is_refused);
	ck_assert_uint_eq(offload.size_max, 0);
	ck_assert_uint_eq(lost, 0);
	receive(3);
	drop(frames, 3);
}
END_TEST

/*
 * The kernel cannot report an ICMP message while the receive buffer is full. The next send fails all the same, and only
 * once. An offload that is refused fails each time.
 */
START_TEST(an_error_that_does_not_come_again_does_not_turn_the_offload_off)
{
	static const int errors[] = {EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP, EINVAL};
	struct coterie_frame *frames[3];
	uint32_t sizes[3] = {1400, 1400, 1400};
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	send_errors[0] = errors[_i];
	make(frames, sizes, 3);
	ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address),
				  frames, 3, &lost, &error),
		3);
	ck_assert(!offload.is_refused);
	ck_assert_uint_eq(offload.size_max, 0);
	ck_assert_uint_eq(out.calls, 2);
	ck_assert_uint_eq(lost, 0);
	receive(3);
	drop(frames, 3);
}
END_TEST

static uint32_t icmp_count;

static void count_icmp(void *arg, const struct icmp_report *report)
{
	struct end *dead = arg;

	ck_assert_int_eq(report->error, ECONNREFUSED);
	ck_assert(report->is_remote);
	ck_assert(report->is_from_destination);
	ck_assert_uint_eq(address_port((const struct sockaddr *)&report->to), ntohs(dead->address.sin_port));
	icmp_count++;
}

/* The kernel reports a closed port at the next send to any address. The datagrams of that send must not be lost. */
START_TEST(a_dead_peer_costs_the_others_nothing)
{
	struct end dead = end_open(true);
	struct coterie_frame *frames[3];
	/* ascending sizes, so that each run has only one frame: three system calls */
	uint32_t sizes[3] = {10, 20, 30};
	struct batch_out out = {.fd = sender.fd, .has_gso = true, .on_icmp = count_icmp, .arg = &dead};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	close(dead.fd);
	icmp_count = 0;
	make(frames, sizes, 3);
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&dead.address, sizeof(dead.address),
					  frames, 3, &lost, &error),
			3);
		ck_assert_uint_eq(lost, 0);
		ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address,
					  sizeof(receiver.address), frames, 3, &lost, &error),
			3);
		ck_assert_uint_eq(lost, 0);
		receive(3 * (i + 1));
	}
	ck_assert_uint_gt(icmp_count, 0);
	ck_assert_uint_le(icmp_drain(sender.fd, NULL, NULL), 3); /* the queue does not grow */
	drop(frames, 3);
}
END_TEST

START_TEST(a_frame_that_cannot_be_sent_is_passed_over)
{
	struct coterie_frame *frames[3];
	uint32_t sizes[3] = {10, BATCH_DATAGRAM_MAX, 20};
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	uint32_t lost;
	int error;

	make(frames, sizes, 3);
	frames[1]->size = BATCH_DATAGRAM_MAX + 1; /* one byte more than UDP carries, though the pool has room for it */
	ck_assert_uint_eq(batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address),
				  frames, 3, &lost, &error),
		3);
	ck_assert_uint_eq(lost, 1);
	ck_assert_int_eq(error, EMSGSIZE);
	receive(2);
	ck_assert_uint_eq(host->frames.list[1].size, 20);
	drop(frames, 3);
}
END_TEST

START_TEST(a_refused_source_is_dropped_whole)
{
	struct coterie_frame *frames[4];
	uint32_t sizes[4] = {1000, 1000, 1000, 1000};
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	const struct batch_filter filter = {.accept = accept_as_told};
	uint32_t lost;
	int error;

	accepts = false;
	make(frames, sizes, 4);
	batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address), frames, 4, &lost,
		&error);
	ck_assert_int_eq(batch_in_read(in, receiver.fd, &filter), 0);
	ck_assert_uint_eq(host->frames.count, 0);
	drop(frames, 4);
}
END_TEST

/* The pool has only n more frames. For each n no frame leaks, and all received frames are complete and in order. */
START_TEST(a_pool_that_runs_dry_loses_frames_and_nothing_else)
{
	struct coterie_frame *frames[20];
	uint32_t sizes[20];
	struct batch_out out = {.fd = sender.fd, .has_gso = true};
	struct batch_offload offload = {0};
	const struct batch_filter filter = {.accept = accept_as_told};
	uint32_t lost;
	int error;

	for (uint32_t i = 0; i < 20; i++)
		sizes[i] = 1455;
	make(frames, sizes, 20);
	batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address), frames, 20, &lost,
		&error);
	host->frames_max = host->frames_live + (uint32_t)_i;
	if (_i == 0)
		host->frames_max = 1;
	while (batch_in_read(in, receiver.fd, &filter) > 0)
		;
	ck_assert_uint_eq(host->frames.count + batch_in_counts(in)->errors, 20);
	for (uint32_t i = 0; i < host->frames.count; i++) {
		ck_assert_uint_eq(host->frames.list[i].size, 1455);
		ck_assert(i == 0 || host->frames.list[i].data[0] > host->frames.list[i - 1].data[0]);
	}
	host->frames_max = 0;
	mock_queue_clear(&host->frames);
	batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address), frames, 20, &lost,
		&error);
	receive(20);
	drop(frames, 20);
}
END_TEST

START_TEST(an_empty_datagram_is_counted_and_dropped)
{
	const struct batch_filter filter = {.accept = accept_as_told};

	ck_assert_int_eq(
		sendto(sender.fd, "", 0, 0, (struct sockaddr *)&receiver.address, sizeof(receiver.address)), 0);
	ck_assert_int_eq(batch_in_read(in, receiver.fd, &filter), 0);
	ck_assert_uint_eq(host->frames.count, 0);
	ck_assert_uint_eq(batch_in_counts(in)->errors, 1);
}
END_TEST

START_TEST(a_full_socket_says_how_far_it_came)
{
	int small = 1;
	struct coterie_frame *frames[200];
	uint32_t sizes[200];
	struct batch_out out = {.fd = sender.fd, .has_gso = false};
	struct batch_offload offload = {0};
	uint32_t done;
	uint32_t lost;
	int error;

	/* On the loopback interface a datagram takes room in the sender's buffer until the receiver has read it. */
	ck_assert_int_eq(setsockopt(sender.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (uint32_t i = 0; i < 200; i++)
		sizes[i] = 1455;
	make(frames, sizes, 200);
	done = batch_send(&out, &offload, (struct sockaddr *)&receiver.address, sizeof(receiver.address), frames, 200,
		&lost, &error);
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_le(done, 200);
	receive(done);
	ck_assert_uint_eq(host->frames.count, done);
	drop(frames, 200);
}
END_TEST

/* Setting the DSCP value changes the socket's priority as well. socket_open() has to restore the priority. */
START_TEST(a_mark_leaves_the_priority)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr *local = _i == 0 ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	struct socket_grant grant;
	socklen_t size = sizeof(int);
	int priority = 0, mark = 0, fd = socket_open(local, 46, 1 << 20, false, &grant);

	if (_i == 1 && fd < 0)
		return; /* this host has no IPv6 */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, &size), 0);
	ck_assert_int_eq(priority, 6);
	ck_assert_int_eq(_i == 0 ? getsockopt(fd, IPPROTO_IP, IP_TOS, &mark, &size)
				 : getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &mark, &size),
		0);
	ck_assert_int_eq(mark, 46 << 2);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batch");
	TCase *tcase = tcase_create("batch");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, runs_are_grouped, 0, sizeof(runs) / sizeof(runs[0]));
	tcase_add_test(tcase, a_run_has_at_most_64_segments_and_65507_bytes);
	tcase_add_loop_test(tcase, every_frame_arrives_once_in_order, 0, sizeof(trips) / sizeof(trips[0]));
	tcase_add_test(tcase, offload_saves_calls);
	tcase_add_loop_test(tcase, a_refused_run_goes_out_one_by_one_and_is_remembered, 0, 2);
	tcase_add_test(tcase, a_forged_message_does_not_turn_the_offload_off);
	tcase_add_loop_test(tcase, an_error_that_does_not_come_again_does_not_turn_the_offload_off, 0, 4);
	tcase_add_test(tcase, a_dead_peer_costs_the_others_nothing);
	tcase_add_test(tcase, a_frame_that_cannot_be_sent_is_passed_over);
	tcase_add_test(tcase, a_refused_source_is_dropped_whole);
	tcase_add_loop_test(tcase, a_pool_that_runs_dry_loses_frames_and_nothing_else, 0, 25);
	tcase_add_test(tcase, an_empty_datagram_is_counted_and_dropped);
	tcase_add_test(tcase, a_full_socket_says_how_far_it_came);
	tcase_add_loop_test(tcase, a_mark_leaves_the_priority, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
