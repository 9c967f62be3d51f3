/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/qb/connection.c: how many requests of a client are handled in one turn of the loop, while it lives and after it
 * has hung up. The test has the clock, and each request takes as long as a test case wants.
 */
#include <check.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/qb/private.h"
#include "tests/suite.h"

#define US UINT64_C(1000)
#define TURN_MAX_NS (2000 * US)

static struct {
	uint64_t now_ns, request_ns; /* the clock, and what a request takes */
	uint32_t looks;              /* how often the clock was read */
	uint32_t waiting, handled;
	uint32_t closed, destroyed;
	int fd; /* the client's end of the stream */
	uint32_t watched;
	struct qbs_connection *connection;
	struct qbs_host host;
	struct qbs_server server;
	uint8_t buffer[64];
} f;

/* ---- Stand-ins ----------------------------------------------------------- */

static uint64_t now_ns(void *arg)
{
	(void)arg;
	f.looks++;
	return f.now_ns;
}

static int watch(
	void *arg, int fd, uint32_t events, void (*run)(void *run_arg, int fd, uint32_t revents), void *run_arg)
{
	(void)arg, (void)fd, (void)run;
	f.watched = events;
	f.connection = run_arg;
	return 0;
}

static int watch_others(void *arg, int fd, uint32_t events)
{
	(void)arg, (void)fd;
	f.watched = events;
	return 0;
}

static void watch_no_more(void *arg, int fd) { (void)arg, (void)fd; }

static const struct qbs_loop loop = {.now_ns = now_ns, .add = watch, .mod = watch_others, .del = watch_no_more};

static int open_none(struct qbs_connection *connection, struct qbs_answer *message)
{
	(void)connection, (void)message;
	return 0;
}

static void close_none(struct qbs_connection *connection) { (void)connection; }

static int64_t receive(struct qbs_connection *connection)
{
	(void)connection;
	if (f.waiting == 0)
		return 0;
	f.waiting--;
	return sizeof(f.buffer);
}

static void flow(struct qbs_connection *connection, uint32_t word) { (void)connection, (void)word; }

const struct qbs_transport qbs_shm = {.type = QBS_TYPE_SHM,
	.open = open_none,
	.close = close_none,
	.listen = qbs_stream_listen,
	.receive = receive,
	.flow = flow};
const struct qbs_transport qbs_socket = {.type = QBS_TYPE_SOCKET,
	.open = open_none,
	.close = close_none,
	.listen = qbs_stream_listen,
	.receive = receive,
	.flow = flow};

static int accept_all(void *arg, struct qbs_connection *connection, const struct qbs_peer *peer, void **context)
{
	(void)arg, (void)connection, (void)peer, (void)context;
	return 0;
}

static void on_created(void *context) { (void)context; }

static int on_request(void *context, const void *msg, uint32_t size)
{
	(void)context, (void)msg, (void)size;
	ck_assert_uint_eq(f.closed, 0);
	f.handled++;
	f.now_ns += f.request_ns;
	return 0;
}

static void on_closed(void *context)
{
	(void)context;
	f.closed++;
}

static void on_destroyed(void *context)
{
	(void)context;
	f.destroyed++;
}

static const struct qbs_handlers handlers = {.accept = accept_all,
	.created = on_created,
	.request = on_request,
	.ready = on_created,
	.closed = on_closed,
	.destroyed = on_destroyed};

/* ---- A client ------------------------------------------------------------ */

static void open_client(const struct qbs_transport *transport, uint64_t request_ns)
{
	const struct qbs_hello hello = {.id = QBS_ID_HELLO, .size = sizeof(hello)};
	const struct qbs_peer peer = {.pid = 1};
	uint8_t answer[sizeof(struct qbs_answer)];
	int fds[2];

	memset(&f, 0, sizeof(f));
	f.now_ns = 1;
	f.request_ns = request_ns;
	f.host = (struct qbs_host){.loop = &loop, .buffer = f.buffer, .refuses_descriptors = true};
	f.server = (struct qbs_server){
		.host = &f.host, .transport = transport, .handlers = &handlers, .rate = QBS_RATE_FAST, .references = 1};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	f.fd = fds[1];
	qbs_connection_make(&f.server, fds[0], &peer, &hello);
	ck_assert_ptr_nonnull(f.connection);
	ck_assert_int_eq(recv(f.fd, answer, sizeof(answer), MSG_WAITALL), sizeof(answer));
}

static void send_requests(uint32_t count)
{
	static const uint8_t bells[8192];

	ck_assert_int_eq(send(f.fd, bells, count, 0), count);
	f.waiting += count;
}

/* Run a turn, as the loop does it: a hang-up is reported in each turn. @return nanoseconds that its requests took */
static uint64_t run_turn(void)
{
	struct pollfd poller = {.fd = f.connection->fd, .events = (short)f.watched};
	uint64_t begin_ns = f.now_ns;

	ck_assert_int_eq(poll(&poller, 1, 0), 1);
	qbs_on_stream(f.connection, f.connection->fd, (uint32_t)poller.revents);
	return f.now_ns - begin_ns;
}

/* Read all wake-up bytes that the client has got. @return their number */
static uint32_t take_bells(void)
{
	uint8_t bytes[4096];
	uint32_t count = 0;
	ssize_t size;

	while ((size = recv(f.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		count += (uint32_t)size;
	return count;
}

/* ---- A client that lives --------------------------------------------------- */

/*
 * The client takes events out of its ring, and never reads their wake-up bytes. No more of them are owed than events fit
 * into its ring. When it reads the stream after all, they are sent in several turns.
 */
START_TEST(bytes_that_are_owed_are_bounded)
{
	uint32_t sent, turns = 0;

	open_client(&qbs_shm, US);
	for (int i = 0; i < 200000; i++)
		ck_assert_int_eq(qbs_ring_bell(f.connection), 0);
	ck_assert_uint_eq(f.connection->bytes_owed, QBS_SIZE_MAX / 16);
	take_bells();
	while (f.connection->bytes_owed > 0) {
		run_turn();
		sent = take_bells();
		ck_assert_uint_gt(sent, 0);
		ck_assert_uint_le(sent, 64 * 256);
		turns++;
	}
	ck_assert_uint_ge(turns, 4);
}
END_TEST

START_TEST(a_turn_has_fifty_quick_requests)
{
	open_client(&qbs_shm, US);
	send_requests(60);
	run_turn();
	ck_assert_uint_eq(f.handled, 50);
	run_turn();
	ck_assert_uint_eq(f.handled, 60);
	qbs_disconnect(f.connection);
	ck_assert_uint_eq(f.destroyed, 1);
	close(f.fd);
}
END_TEST

/* A look at the clock costs time, too. */
START_TEST(the_clock_is_not_read_for_each_request)
{
	open_client(&qbs_shm, US);
	send_requests(1);
	f.looks = 0;
	run_turn();
	ck_assert_uint_eq(f.looks, 0);
	send_requests(50);
	run_turn();
	ck_assert_uint_eq(f.handled, 51);
	ck_assert_uint_le(f.looks, 50 / 4 + 1);
	qbs_disconnect(f.connection);
	close(f.fd);
}
END_TEST

START_TEST(costly_requests_have_several_turns)
{
	uint32_t turns = 0;

	open_client(&qbs_shm, 250 * US);
	send_requests(50);
	while (f.handled < 50) {
		ck_assert_uint_le(run_turn(), TURN_MAX_NS);
		turns++;
	}
	ck_assert_uint_ge(turns, 6);
	ck_assert_uint_eq(f.waiting, 0);
	ck_assert_uint_eq(f.closed, 0);
	qbs_disconnect(f.connection);
	close(f.fd);
}
END_TEST

/* ---- A client that has hung up -------------------------------------------- */

static const struct qbs_transport *const transports[] = {&qbs_shm, &qbs_socket};

START_TEST(quick_requests_are_handled_in_the_turn_of_the_hang_up)
{
	open_client(transports[_i], US);
	send_requests(280);
	close(f.fd);
	run_turn();
	ck_assert_uint_eq(f.handled, 280);
	ck_assert_uint_eq(f.closed, 1);
	ck_assert_uint_eq(f.destroyed, 1);
}
END_TEST

START_TEST(costly_requests_have_several_turns_after_the_hang_up)
{
	open_client(transports[_i], 100 * US);
	send_requests(1000);
	close(f.fd);
	while (f.closed == 0)
		ck_assert_uint_le(run_turn(), TURN_MAX_NS);
	ck_assert_uint_eq(f.handled, 1000);
	ck_assert_uint_eq(f.destroyed, 1);
}
END_TEST

START_TEST(half_a_hang_up_has_several_turns_as_well)
{
	open_client(&qbs_shm, 100 * US);
	send_requests(1000);
	ck_assert_int_eq(shutdown(f.fd, SHUT_WR), 0);
	while (f.closed == 0)
		ck_assert_uint_le(run_turn(), TURN_MAX_NS);
	ck_assert_uint_eq(f.handled, 1000);
	close(f.fd);
}
END_TEST

START_TEST(all_turns_after_the_hang_up_have_one_limit)
{
	open_client(transports[_i], 100 * US);
	send_requests(6000);
	close(f.fd);
	while (f.closed == 0)
		ck_assert_uint_le(run_turn(), TURN_MAX_NS);
	ck_assert_uint_eq(f.handled, 4096);
	ck_assert_uint_eq(f.destroyed, 1);
}
END_TEST

START_TEST(a_connection_may_end_between_these_turns)
{
	open_client(transports[_i], 100 * US);
	send_requests(1000);
	close(f.fd);
	run_turn();
	ck_assert_uint_lt(f.handled, 1000);
	ck_assert_uint_eq(f.closed, 0);
	qbs_disconnect(f.connection);
	ck_assert_uint_eq(f.closed, 1);
	ck_assert_uint_eq(f.destroyed, 1);
	ck_assert_uint_eq(f.server.references, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qb_serve");
	TCase *living = tcase_create("living"), *gone = tcase_create("gone");

	tcase_add_test(living, bytes_that_are_owed_are_bounded);
	tcase_add_test(living, a_turn_has_fifty_quick_requests);
	tcase_add_test(living, the_clock_is_not_read_for_each_request);
	tcase_add_test(living, costly_requests_have_several_turns);
	suite_add_tcase(suite, living);
	tcase_add_loop_test(gone, quick_requests_are_handled_in_the_turn_of_the_hang_up, 0, 2);
	tcase_add_loop_test(gone, costly_requests_have_several_turns_after_the_hang_up, 0, 2);
	tcase_add_test(gone, half_a_hang_up_has_several_turns_as_well);
	tcase_add_loop_test(gone, all_turns_after_the_hang_up_have_one_limit, 0, 2);
	tcase_add_loop_test(gone, a_connection_may_end_between_these_turns, 0, 2);
	suite_add_tcase(suite, gone);
	return suite_run(suite);
}
