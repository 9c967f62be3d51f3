/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections from outside to the port of a wire: strangers, bad greetings, too many of them, and a port that is taken. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/udpu/tripwire_case.h"

/* Connect from an address to the wire of a node. @return the socket */
static int connect_from(const struct sockaddr *local, uint32_t to)
{
	struct sockaddr_in in;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memcpy(&in, local, sizeof(in));
	in.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(connect(fd, address_of(to), sizeof(in)), 0);
	return fd;
}

static bool is_closed(int fd)
{
	uint8_t byte;
	ssize_t size;

	serve();
	size = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);
	return size == 0 || (size < 0 && errno == ECONNRESET);
}

/* Open a node's port, as another program or a stopped daemon would. @return the socket */
static int take_port(uint32_t node)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	node_close(node);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, address_of(node), sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

/* Send the first `size` bytes of a greeting from one node to another. */
static void greet_partly(int fd, uint32_t from, uint32_t to, size_t size)
{
	struct tripwire_greeting greeting = {{'C', 'T', 'W', '1'}, htonl(from), htonl(to)};

	ck_assert_int_eq(send(fd, &greeting, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void greet(int fd, uint32_t from, uint32_t to) { greet_partly(fd, from, to, sizeof(struct tripwire_greeting)); }

START_TEST(strangers_are_shown_out)
{
	struct sockaddr_in in;
	int fd;

	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + 100);
	fd = connect_from((struct sockaddr *)&in, 1);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, true), 1);
	ck_assert_uint_eq(guests_of(1, false), 0);
}
END_TEST

/* Invalid greetings from the address of a node. */
START_TEST(bad_greetings_end_a_connection)
{
	static const struct {
		uint32_t from, to;
		size_t size;
	} rows[] = {{3, 2, 1}, {3, 2, 11}, {1, 2, 12}, {2, 2, 12}, {3, 1, 12}, {9, 2, 12}, {0, 2, 12}};
	int fd = connect_from(address_of(2), 1);

	greet_partly(fd, rows[_i].from, rows[_i].to, rows[_i].size);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, false), 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON); /* no report about node 3, which has not sent a greeting */
}
END_TEST

START_TEST(who_says_more_than_a_greeting_is_shown_out)
{
	static const uint8_t noise[65536];
	size_t size = _i == 0 ? 20 : sizeof(noise);
	struct tripwire_greeting answer;
	uint8_t goodbye;
	int fd = connect_from(address_of(2), 1);

	greet(fd, 3, 2);
	serve();
	ck_assert_uint_eq(guests_of(1, true), 2);
	ck_assert_int_eq(recv(fd, &answer, sizeof(answer), MSG_DONTWAIT), sizeof(answer));
	ck_assert_uint_eq(ntohl(answer.from), 2);
	check_told(1, 2, 3, COTERIE_WATCH_ON);
	(void)!send(fd, noise, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	serve();
	ck_assert_int_eq(recv(fd, &goodbye, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(goodbye, 'B');
	/* Without a flood the close must not be a reset, since a reset could overtake the goodbye. */
	if (_i == 0)
		ck_assert_int_eq(recv(fd, &goodbye, 1, MSG_DONTWAIT), 0);
	ck_assert(is_closed(fd));
	close(fd);
	ck_assert_uint_eq(guests_of(1, true), 1);
	check_told(1, 3, 3, COTERIE_WATCH_OFF);
}
END_TEST

START_TEST(many_connections_take_no_more_than_a_few_places)
{
	int fds[100];

	for (int i = 0; i < 100; i++) {
		fds[i] = connect_from(address_of(2), 1);
		serve();
	}
	ck_assert_uint_le(guests_of(1, false), 4);
	ck_assert_uint_eq(guests_of(1, true), 1);
	/* A node that sends a greeting is still accepted. */
	greet(fds[99], 3, 2);
	serve();
	ck_assert_uint_eq(guests_of(1, true), 2);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	serve();
	ck_assert_uint_eq(guests_of(1, false), 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
}
END_TEST

/* A flood from one node's host closes no connection of another node that has not sent its greeting yet. */
START_TEST(a_flood_from_one_address_leaves_the_guests_of_others)
{
	int fds[100];
	int fd = connect_from(address_of(0), 1);

	serve();
	pass_time(1, 1 * MS);
	for (int i = 0; i < 100; i++) {
		fds[i] = connect_from(address_of(2), 1);
		serve();
	}
	ck_assert_msg(!is_closed(fd), "the connection of node 1 was closed");
	ck_assert_uint_eq(guests_of(1, false), 3); /* this one and two of the flood */
	greet(fd, 1, 2);
	check_told(1, 3, 1, COTERIE_WATCH_ON);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	close(fd);
}
END_TEST

/* A node that is deleted leaves no connection behind that has not sent its greeting. */
START_TEST(a_deleted_node_takes_its_guests_along)
{
	int fd = connect_from(address_of(2), 1);

	serve();
	ck_assert_uint_eq(guests_of(1, false), 1);
	ops->peer_del(nodes[1], 0, 3);
	ck_assert_uint_eq(guests_of(1, false), 0);
	ck_assert_uint_eq(guests_of(1, true), 1);
	close(fd);
}
END_TEST

/*
 * A process with the address of a node can replace that node's connection. The node gets a goodbye on the connection
 * that is replaced, so that neither node suspects the other one.
 */
START_TEST(one_connection_of_each_node)
{
	const uint32_t off = COTERIE_WATCH_OFF;
	int fd = connect_from(address_of(0), 1);

	greet(fd, 1, 2);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	check_told(1, 3, 1, COTERIE_WATCH_ON);
	ck_assert_mem_eq(hosts[1]->watches.list[1].data, &off, sizeof(off)); /* the report about the older connection */
	ck_assert_uint_eq(guests_of(1, true), 1);
	pass_time(0, 1100 * MS);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 1);
	close(fd);
}
END_TEST

/*
 * The kernel accepts the connection, but no greeting arrives, because another program has the port or the daemon is
 * stopped.
 */
START_TEST(an_answer_is_waited_for_a_second)
{
	int fd = take_port(2);

	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 0);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_GREETED);
	if (_i == 1) {
		int guest = accept(fd, NULL, NULL);

		greet(guest, 2, 1); /* a greeting of the wrong node */
		serve();
		close(guest);
	} else {
		pass_time(0, 1000 * MS);
	}
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_IDLE);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	close(fd);
}
END_TEST

/* Another program has the port. So this node cannot be watched, but everything else works. */
START_TEST(a_port_that_is_taken_is_told_once)
{
	int fd = take_port(2);

	start(2);
	ck_assert_uint_eq(hosts[2]->link_is_up, 1);
	ck_assert(mock_host_has_logged(hosts[2], "cannot listen on TCP 127."));
	uint32_t logs = hosts[2]->logs.count;
	watch(2, 1);
	close(fd);
	ops->watch(nodes[2], 1);
	ck_assert_int_ge(wire_of(2)->listen_fd, 0);
	ck_assert_uint_eq(hosts[2]->logs.count, logs + 1); /* only the line about the watch */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tripwire");
	TCase *tcase = tcase_create("guests");

	tcase_add_checked_fixture(tcase, tripwire_set_up, nodes_tear_down);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, strangers_are_shown_out);
	tcase_add_loop_test(tcase, bad_greetings_end_a_connection, 0, 7);
	tcase_add_loop_test(tcase, who_says_more_than_a_greeting_is_shown_out, 0, 2);
	tcase_add_test(tcase, many_connections_take_no_more_than_a_few_places);
	tcase_add_test(tcase, a_flood_from_one_address_leaves_the_guests_of_others);
	tcase_add_test(tcase, a_deleted_node_takes_its_guests_along);
	tcase_add_test(tcase, one_connection_of_each_node);
	tcase_add_loop_test(tcase, an_answer_is_waited_for_a_second, 0, 2);
	tcase_add_test(tcase, a_port_that_is_taken_is_told_once);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
