/* exec/qb/server.c: a new rate reaches all connections of a server, in turns. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "exec/qb/private.h"
#include "tests/suite.h"

#define COUNT (3u * QBS_RATE_STEP)

static struct qbs_server server;
static struct qbs_connection list[COUNT + 1];
static uint32_t listens;

/* ---- Stand-ins ----------------------------------------------------------- */

static void flow(struct qbs_connection *connection, uint32_t word) { (void)connection, (void)word; }

const struct qbs_transport qbs_shm = {.flow = flow}, qbs_socket = {.flow = flow};

int qbs_fault_init(void) { return 0; }

void qbs_listen(struct qbs_connection *connection)
{
	(void)connection;
	listens++;
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
	ck_assert_uint_eq(listens, COUNT);
	ck_assert(!qbs_server_rate_step(&server));
	ck_assert_uint_eq(listens, COUNT);
}
END_TEST

/* The last ones are not left out where it changes before they had their turn. */
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
		qbs_server_remove(&list[COUNT - QBS_RATE_STEP - 1 - i]); /* the next ones in turn */
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

int main(void)
{
	Suite *suite = suite_create("qb_rate");
	TCase *tcase = tcase_create("qb_rate");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, a_rate_reaches_all_in_turns);
	tcase_add_test(tcase, a_rate_that_changes_often_reaches_all);
	tcase_add_test(tcase, connections_end_and_come_between_two_turns);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
