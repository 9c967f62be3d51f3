/* SPDX-License-Identifier: BSD-3-Clause */
/* The TCP connections (wires) of udpu: when a node reports that its watch over a neighbour is on, off or broken. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/udpu/tripwire_case.h"

/* Let `count` seconds pass. A connection takes some turns, so serve all nodes after each second. */
static void pass_seconds(uint32_t count)
{
	for (uint32_t i = 0; i < 4 * count; i++)
		pass_time(0, 250 * MS);
}

START_TEST(a_watch_needs_nothing_once_it_is_on)
{
	for (int i = 0; i < 100; i++)
		pass_time(0, 1000 * MS);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON); /* the other end of the same connection */
	check_told(2, 0, 0, 0);
	ck_assert_ptr_null(wire_of(0)->timer);
	ck_assert_ptr_null(wire_of(0)->report_timer);
	ck_assert_uint_eq(guests_of(1, true), 1);
	ck_assert_int_ne(fcntl(wire_of(0)->fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(wire_of(1)->listen_fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(guest_of(1)->fd, F_GETFD) & FD_CLOEXEC, 0);
	ops->watch(nodes[0], 2); /* called again at the next ring */
	pass_time(0, 0);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 1);
}
END_TEST

/* Close a connection as a kernel does for a killed process: orderly, or with a reset if bytes are unread. */
static void kernel_closes(uint32_t node, int *fd, bool is_reset)
{
	const struct linger reset = {.l_onoff = 1};

	if (is_reset)
		setsockopt(*fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	hosts[node]->table.fd_del(hosts[node], *fd);
	close(*fd);
	*fd = -1;
}

START_TEST(a_close_without_goodbye_breaks_the_watch)
{
	uint32_t how = _i == 1 ? COTERIE_WATCH_BROKEN : COTERIE_WATCH_CLOSED;

	kernel_closes(1, &guest_of(1)->fd, _i == 1);
	check_told(0, 2, 2, how);
	/* The daemon still runs, so the watch is soon on again. */
	pass_time(0, 900 * MS);
	check_told(0, 2, 2, how);
	pass_time(0, 200 * MS);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

/* The same for the node that has accepted the connection. */
START_TEST(a_close_without_goodbye_breaks_the_watch_of_a_guest)
{
	uint32_t how = _i == 1 ? COTERIE_WATCH_BROKEN : COTERIE_WATCH_CLOSED;

	kernel_closes(0, &wire_of(0)->fd, _i == 1);
	wire_of(0)->state = TRIPWIRE_IDLE;
	check_told(1, 2, 1, how);
	ck_assert_uint_eq(guests_of(1, true), 0);
	check_told(1, 2, 1, how); /* the end was reported only once */
	ops->watch(nodes[0], 2);
	pass_time(0, 0);
	check_told(1, 3, 1, COTERIE_WATCH_ON);
}
END_TEST

/* Two nodes watch each other. Each of the two connections is reported separately. */
START_TEST(both_directions_are_reported)
{
	const uint32_t states[] = {COTERIE_WATCH_ON, COTERIE_WATCH_ON, COTERIE_WATCH_OFF, COTERIE_WATCH_CLOSED};
	const struct mock_queue *told = &hosts[0]->watches;

	watch(1, 1);
	check_told(0, 2, 2, COTERIE_WATCH_ON);
	check_told(1, 2, 1, COTERIE_WATCH_ON);
	ops->watch(nodes[0], 0);
	check_told(0, 3, 2, COTERIE_WATCH_OFF);
	check_told(1, 3, 1, COTERIE_WATCH_OFF);
	kernel_closes(1, &wire_of(1)->fd, false);
	wire_of(1)->state = TRIPWIRE_IDLE;
	check_told(0, 4, 2, COTERIE_WATCH_CLOSED);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(told->list[i].id, 2);
		ck_assert_mem_eq(told->list[i].data, &states[i], sizeof(states[i]));
	}
}
END_TEST

/* A daemon that closes a connection sends a goodbye, even if bytes are unread. Only a kernel closes without one. */
START_TEST(whoever_closes_on_purpose_says_goodbye)
{
	switch (_i) {
	case 0:
		ops->watch(nodes[0], 0);
		break;
	case 1:
		ops->watch(nodes[0], 3);
		break;
	case 2:
		mock_host_option(hosts[0], "tripwire", "no");
		ck_assert_int_eq(ops->reload(nodes[0]), 0);
		break;
	case 3:
		ops->peer_del(nodes[0], 0, 2);
		break;
	case 4:
		node_close(0);
		break;
	case 5: /* the neighbour has sent bytes where the wire expects none */
		ck_assert_int_eq(send(guest_of(1)->fd, "noise", 5, MSG_NOSIGNAL), 5);
		mock_host_poll(hosts[0], 1000);
		break;
	case 6: /* both ends send a goodbye at the same time */
		ck_assert_int_eq(send(guest_of(1)->fd, "B", 1, MSG_NOSIGNAL), 1);
		ops->watch(nodes[0], 0);
		break;
	}
	check_told(1, 2, 1, COTERIE_WATCH_OFF);
}
END_TEST

/*
 * The neighbour reports the connection as soon as it gets the greeting. So the wire must send a goodbye if it closes the
 * connection before it has an answer.
 */
START_TEST(an_attempt_that_takes_too_long_ends_with_goodbye)
{
	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	mock_host_advance(hosts[0], 0);
	mock_host_poll(hosts[0], 1000);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_GREETED);
	if (_i == 0)
		ops->watch(nodes[0], 0);
	else
		mock_host_advance(hosts[0], 1000 * MS);
	check_told(2, 2, 1, COTERIE_WATCH_OFF);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
}
END_TEST

static uint32_t depth, reports;

static void watch_nobody(struct coterie_ctx *host, uint32_t nodeid, uint32_t state)
{
	(void)host, (void)nodeid, (void)state;
	ck_assert_uint_eq(depth, 0);
	depth++;
	reports++;
	ops->watch(nodes[0], 0);
	depth--;
}

/* A transport does not call the host from inside the host's calls. The host may call it from inside a report. */
START_TEST(reports_wait_for_the_loop)
{
	uint32_t count;

	watch(1, 1);
	check_told(0, 2, 2, COTERIE_WATCH_ON);
	count = hosts[0]->watches.count;
	if (_i == 0) {
		ops->watch(nodes[0], 3);
	} else if (_i == 1) {
		ops->peer_del(nodes[0], 0, 2);
	} else if (_i == 2) {
		mock_host_option(hosts[0], "tripwire", "no");
		ops->reload(nodes[0]);
	} else {
		hosts[0]->table.peer_watch = watch_nobody;
		kernel_closes(1, &wire_of(1)->fd, false);
		wire_of(1)->state = TRIPWIRE_IDLE;
		serve();
		ck_assert_uint_eq(reports, 2); /* the end of the guest's connection, and the end of the wire */
	}
	ck_assert_uint_eq(hosts[0]->watches.count, count);
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->watches.count, _i == 0 ? count + 1 : _i == 3 ? count : count + 2);
}
END_TEST

START_TEST(a_node_that_stops_says_goodbye)
{
	node_close(1);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	for (int i = 0; i < 100; i++) /* no process listens there */
		pass_time(0, 1000 * MS);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_uint_ge(wire_of(0)->pause_ns, 64000 * MS);
	start(1);
	watch(0, 2); /* the node is in the ring again: the pauses end */
}
END_TEST

START_TEST(another_neighbour_is_watched_instead)
{
	ops->watch(nodes[0], 3);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 0);
	check_told(0, 3, 3, COTERIE_WATCH_ON);
	ck_assert_uint_eq(guests_of(1, true), 0);
	ops->watch(nodes[0], 0);
	check_told(0, 4, 3, COTERIE_WATCH_OFF);
	pass_seconds(2);
	ck_assert_uint_eq(guests_of(2, true), 0);
}
END_TEST

START_TEST(a_reload_switches_it_off_and_on)
{
	uint32_t who = (uint32_t)_i;

	mock_host_option(hosts[who], "tripwire", "no");
	ck_assert_int_eq(ops->reload(nodes[who]), 0);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_seconds(5);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	ck_assert_int_eq(wire_of(who)->listen_fd, -1);
	mock_host_option(hosts[who], "tripwire", "yes");
	ck_assert_int_eq(ops->reload(nodes[who]), 0);
	pass_seconds(5);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
}
END_TEST

START_TEST(a_node_that_leaves_the_list_is_watched_no_more)
{
	ops->peer_del(nodes[0], 0, 2);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	pass_time(0, 1000 * MS);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), 0);
	pass_seconds(3);
	check_told(0, 3, 2, COTERIE_WATCH_ON);
	ops->peer_del(nodes[1], 0, 1); /* the node watches no other node there */
	check_told(0, 4, 2, COTERIE_WATCH_OFF);
	pass_seconds(3);
	check_told(0, 4, 2, COTERIE_WATCH_OFF);
	ck_assert_uint_eq(guests_of(1, true) + guests_of(1, false), 0);
}
END_TEST

START_TEST(ipv6_has_wires_as_well)
{
	nodes_tear_down();
	choose_addresses(true);
	for (uint32_t i = 0; i < NODES; i++) {
		node_open(i);
		if (ops->link_up(nodes[i], 0, address_of(i)) != 0 || hosts[i]->link_is_up == 0)
			return; /* this host has no IPv6 */
	}
	watch(2, 1);
	node_close(0);
	check_told(2, 2, 1, COTERIE_WATCH_OFF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tripwire");
	TCase *tcase = tcase_create("wires");

	tcase_add_checked_fixture(tcase, tripwire_set_up, nodes_tear_down);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, a_watch_needs_nothing_once_it_is_on);
	tcase_add_loop_test(tcase, a_close_without_goodbye_breaks_the_watch, 0, 2);
	tcase_add_loop_test(tcase, a_close_without_goodbye_breaks_the_watch_of_a_guest, 0, 2);
	tcase_add_test(tcase, both_directions_are_reported);
	tcase_add_loop_test(tcase, whoever_closes_on_purpose_says_goodbye, 0, 7);
	tcase_add_loop_test(tcase, an_attempt_that_takes_too_long_ends_with_goodbye, 0, 2);
	tcase_add_loop_test(tcase, reports_wait_for_the_loop, 0, 4);
	tcase_add_test(tcase, a_node_that_stops_says_goodbye);
	tcase_add_test(tcase, another_neighbour_is_watched_instead);
	tcase_add_loop_test(tcase, a_reload_switches_it_off_and_on, 0, 2);
	tcase_add_test(tcase, a_node_that_leaves_the_list_is_watched_no_more);
	tcase_add_test(tcase, ipv6_has_wires_as_well);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
