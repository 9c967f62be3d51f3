/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/qb/server.c: a new rate reaches all connections of a server, in several turns. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "exec/loop/loop.h"
#include "exec/qb/private.h"
#include "tests/suite.h"

#define COUNT (3u * QBS_RATE_STEP)

static struct qbs_server server;
static struct qbs_connection list[COUNT + 1];
static uint32_t listens;
static struct loop *loop; /* NULL: connections have no descriptors */
static uint8_t *words;    /* flow control words, a page for each connection. NULL: none */

/* ---- Stand-ins ----------------------------------------------------------- */

static void flow(struct qbs_connection *connection, uint32_t word)
{
	if (words != NULL)
		words[(size_t)connection->size_max * 4096] = (uint8_t)word;
}

const struct qbs_transport qbs_shm = {.flow = flow}, qbs_socket = {.flow = flow};

int qbs_fault_init(void) { return 0; }

void qbs_listen(struct qbs_connection *connection)
{
	listens++;
	connection->is_muted = false;
	if (loop != NULL)
		ck_assert_int_eq(loop_fd_mod(loop, connection->fd, server.rate == QBS_RATE_OFF_2 ? 0 : POLLIN), 0);
}

void qbs_on_caller(void *arg, int fd, uint32_t revents) { (void)arg, (void)fd, (void)revents; }

void qbs_handshakes_end(struct qbs_server *one) { (void)one; }

int qbs_spare_open(void) { return -1; }

void qbs_disconnect(struct qbs_connection *connection) { qbs_server_remove(connection); }

/* -------------------------------------------------------------------------- */

static void add(struct qbs_connection *connection)
{
	*connection = (struct qbs_connection){.server = &server, .transport = &qbs_shm};
	qbs_server_add(connection);
}

static void set_up(void)
{
	server = (struct qbs_server){.rate = QBS_RATE_FAST};
	for (uint32_t i = 0; i < COUNT; i++)
		add(&list[i]);
	listens = 0;
}

static uint32_t count_held(void)
{
	uint32_t count = 0;

	for (const struct qbs_connection *one = server.connections; one != NULL; one = one->next)
		count += one->stats.flow == 2;
	return count;
}

START_TEST(a_rate_reaches_all_in_turns)
{
	ck_assert(qbs_server_rate(&server, QBS_RATE_OFF_2));
	ck_assert_uint_eq(count_held(), QBS_RATE_STEP);
	ck_assert(qbs_server_rate_step(&server));
	ck_assert_uint_eq(count_held(), 2 * QBS_RATE_STEP);
	ck_assert(!qbs_server_rate_step(&server));
	ck_assert_uint_eq(count_held(), COUNT);
	ck_assert(!qbs_server_rate_step(&server));
}
END_TEST

/* Connections whose requests had to wait are polled again. */
START_TEST(connections_that_are_muted_are_polled_in_turns)
{
	(void)qbs_server_rate(&server, QBS_RATE_OFF_2);
	while (qbs_server_rate_step(&server))
		;
	ck_assert_uint_eq(listens, 0);
	for (uint32_t i = 0; i < 2 * QBS_LISTEN_STEP; i++)
		list[COUNT - 1 - i].is_muted = true;
	ck_assert(qbs_server_rate(&server, QBS_RATE_FAST));
	ck_assert_uint_eq(listens, QBS_LISTEN_STEP);
	ck_assert(qbs_server_rate_step(&server));
	ck_assert_uint_eq(listens, 2 * QBS_LISTEN_STEP);
	while (qbs_server_rate_step(&server))
		;
	ck_assert_uint_eq(listens, 2 * QBS_LISTEN_STEP);
	ck_assert_uint_eq(count_held(), 0);
}
END_TEST

/* The rate changes again before each connection had its turn. The last connections get the new rate as well. */
START_TEST(a_rate_that_changes_often_reaches_all)
{
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(qbs_server_rate(&server, QBS_RATE_OFF_2));
	ck_assert_uint_eq(count_held(), COUNT);
	ck_assert(qbs_server_rate(&server, QBS_RATE_FAST));
	ck_assert(qbs_server_rate_step(&server));
	ck_assert(!qbs_server_rate_step(&server));
	ck_assert_uint_eq(count_held(), 0);
}
END_TEST

START_TEST(connections_end_and_come_between_two_turns)
{
	ck_assert(qbs_server_rate(&server, QBS_RATE_OFF_2));
	for (uint32_t i = 0; i < QBS_RATE_STEP; i++)
		qbs_server_remove(&list[COUNT - QBS_RATE_STEP - 1 - i]); /* the connections that would be next */
	add(&list[COUNT]);
	qbs_flow_apply(&list[COUNT]);
	while (qbs_server_rate_step(&server))
		;
	ck_assert_uint_eq(count_held(), COUNT - QBS_RATE_STEP + 1);
	while (server.connections != NULL)
		qbs_server_remove(server.connections);
	ck_assert_uint_eq(server.connection_count, 0);
	ck_assert(!qbs_server_rate(&server, QBS_RATE_FAST));
}
END_TEST

/* ---- Ten thousand --------------------------------------------------------- */

#define MANY 10000u
#define PAGE 4096u
#ifdef __SANITIZE_ADDRESS__
#define TURN_NS_MAX 5000000u
#else
#define TURN_NS_MAX 1000000u
#endif

static void on_ready(void *arg, int fd, uint32_t revents) { (void)arg, (void)fd, (void)revents; }

/* Return the CPU time of this thread, which other processes do not affect. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_value(const void *one, const void *other)
{
	uint64_t a, b;

	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return a < b ? -1 : a > b;
}

/* Open many connections. Each has a descriptor in a real loop, and its flow control word on a page of its own. */
static void open_many(struct qbs_connection *many)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	loop = loop_create();
	ck_assert_ptr_nonnull(loop);
	words = calloc(MANY, PAGE);
	ck_assert_ptr_nonnull(words);
	server = (struct qbs_server){.rate = QBS_RATE_FAST};
	for (uint32_t i = 0; i < MANY; i++) {
		add(&many[i]);
		many[i].size_max = i;
		many[i].fd = fcntl(event, F_DUPFD_CLOEXEC, 0);
		ck_assert_int_ge(many[i].fd, 0);
		ck_assert_int_eq(loop_fd_add(loop, many[i].fd, POLLIN, LOOP_URGENT, on_ready, NULL), 0);
	}
	close(event);
}

static void close_many(struct qbs_connection *many)
{
	for (uint32_t i = 0; i < MANY; i++) {
		loop_fd_del(loop, many[i].fd);
		close(many[i].fd);
	}
	loop_destroy(loop);
	free(words);
	free(many);
}

static struct qbs_connection *begin_many(void)
{
	struct rlimit files;
	struct qbs_connection *many;

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < MANY + 64) {
		printf("# skipped: %ju descriptors at most\n", (uintmax_t)files.rlim_max);
		return NULL;
	}
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	many = calloc(MANY, sizeof(*many));
	ck_assert_ptr_nonnull(many);
	open_many(many);
	return many;
}

static uint32_t change_rate(enum qbs_rate rate, uint64_t *turns)
{
	uint64_t begin_ns = cpu_ns();
	bool is_left = qbs_server_rate(&server, rate);
	uint32_t count = 1;

	turns[0] = cpu_ns() - begin_ns;
	while (is_left) {
		begin_ns = cpu_ns();
		is_left = qbs_server_rate_step(&server);
		turns[count++] = cpu_ns() - begin_ns;
	}
	return count;
}

/*
 * Each change of a descriptor's events takes a search of libqb's list. Connections of clients that send nothing must
 * cause no such change.
 */
START_TEST(a_change_of_the_rate_with_ten_thousand_clients_takes_a_millisecond)
{
	struct qbs_connection *many = begin_many();
	uint64_t turns[4 * MANY / QBS_RATE_STEP], rounds[9];

	if (many == NULL)
		return;
	for (uint32_t i = 0; i < 9; i++) {
		uint32_t count = change_rate(i % 2 == 0 ? QBS_RATE_OFF_2 : QBS_RATE_FAST, turns);

		ck_assert_uint_ge(count, MANY / QBS_RATE_STEP);
		rounds[i] = 0;
		for (uint32_t k = 0; k < count; k++)
			rounds[i] += turns[k];
	}
	ck_assert_uint_eq(listens, 0);
	qsort(rounds, 9, sizeof(rounds[0]), by_value);
	printf("# %u clients: all turns of a change together take %ju us\n", MANY, (uintmax_t)rounds[4] / 1000);
	ck_assert_uint_lt(rounds[4], TURN_NS_MAX);
	close_many(many);
}
END_TEST

START_TEST(clients_that_waited_have_their_turns)
{
	struct qbs_connection *many = begin_many();
	uint64_t turns[4 * MANY / QBS_RATE_STEP];

	if (many == NULL)
		return;
	change_rate(QBS_RATE_OFF_2, turns);
	for (uint32_t i = 0; i < 100; i++)
		many[i * 7].is_muted = true;
	uint32_t count = change_rate(QBS_RATE_FAST, turns);
	ck_assert_uint_eq(listens, 100);
	ck_assert_uint_ge(count, (MANY - 100) / QBS_RATE_STEP + 100 / QBS_LISTEN_STEP);
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert(!many[i].is_muted);
	close_many(many);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qb_rate");
	TCase *tcase = tcase_create("qb_rate");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_rate_reaches_all_in_turns);
	tcase_add_test(tcase, connections_that_are_muted_are_polled_in_turns);
	tcase_add_test(tcase, a_rate_that_changes_often_reaches_all);
	tcase_add_test(tcase, connections_end_and_come_between_two_turns);
	tcase_add_test(tcase, a_change_of_the_rate_with_ten_thousand_clients_takes_a_millisecond);
	tcase_add_test(tcase, clients_that_waited_have_their_turns);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
