/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel of a silent neighbour as witness: it answers TCP probes of a wire even while the daemon is stopped. */
#include <check.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <time.h>

#include "tests/suite.h"
#include "tests/unit/transports/udpu/tripwire_case.h"

#define QUESTION_GAP_NS (150 * MS)

/* Act as a cut cable: packets for this connection are dropped before the kernel handles them. */
static void lose_all(int fd, bool is_lost)
{
	struct sock_filter none[] = {{.code = BPF_RET | BPF_K, .k = 0}};
	struct sock_fprog program = {.len = 1, .filter = none};
	int unused = 0;

	if (is_lost)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	else
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)), 0);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

/* Wait in real time, since the kernel's timers decide here. */
static void rest_ms(long ms)
{
	const struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&rest, NULL);
}

static bool is_silence_known; /* the wire was asked in this silence already */

/* Ask a node's wire about another node. @return COTERIE_WITNESS_... */
static uint32_t ask(uint32_t node, uint32_t nodeid)
{
	bool is_first = !is_silence_known;

	is_silence_known = true;
	return ops->witness(nodes[node], nodeid, is_first);
}

static void begin_silence(void) { is_silence_known = false; }

/*
 * Ask about a node until the result is `want`, at most for 3 s. No mock host serves that node meanwhile, as if it were
 * stopped. @return the last result
 */
static uint32_t ask_until(uint32_t node, uint32_t nodeid, uint32_t want)
{
	uint32_t state = COTERIE_WITNESS_UNKNOWN;

	for (int i = 0; i < 150; i++) {
		state = ask(node, nodeid);
		if (state == want)
			break;
		rest_ms(20);
		mock_host_advance(hosts[node], QUESTION_GAP_NS);
	}
	return state;
}

/* Return the socket of node 1, which made the connection, or of node 2, which accepted it. */
static int witness_fd(uint32_t node) { return node == 0 ? wire_of(0)->fd : guest_of(1)->fd; }

START_TEST(the_host_of_a_stopped_daemon_answers)
{
	uint32_t node = (uint32_t)_i, other = 1 - node;

	ck_assert_uint_eq(ask(node, other + 1), COTERIE_WITNESS_UNKNOWN); /* no probe was sent yet */
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	/* The probes do not disturb the daemon when it continues. */
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON);
	ck_assert_int_eq(wire_of(0)->state, TRIPWIRE_ON);
}
END_TEST

START_TEST(a_host_that_is_cut_off_does_not_answer)
{
	uint32_t node = (uint32_t)_i, other = 1 - node;

	lose_all(witness_fd(other), true);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_SILENT), COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(other), false);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	lose_all(witness_fd(other), true);
	ck_assert_uint_eq(ask_until(node, other + 1, COTERIE_WITNESS_SILENT), COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(other), false);
	check_told(0, 1, 2, COTERIE_WATCH_ON);
	check_told(1, 1, 1, COTERIE_WATCH_ON);
}
END_TEST

/* Answers and unanswered probes of an earlier silence do not count in the present one. */
START_TEST(what_came_before_a_silence_is_no_sign)
{
	uint32_t state = COTERIE_WITNESS_UNKNOWN;

	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	lose_all(witness_fd(1), true);
	begin_silence();
	for (int i = 0; i < 150 && state == COTERIE_WITNESS_UNKNOWN; i++) {
		state = ask(0, 2);
		rest_ms(20);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
	}
	ck_assert_uint_eq(state, COTERIE_WITNESS_SILENT);
	lose_all(witness_fd(1), false);
	begin_silence();
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
}
END_TEST

/* Between a probe and its answer the result stays what it was. */
START_TEST(an_answer_does_not_flap)
{
	const uint32_t want = _i == 1 ? COTERIE_WITNESS_SILENT : COTERIE_WITNESS_ANSWERS;

	if (_i == 1)
		lose_all(witness_fd(1), true);
	ck_assert_uint_eq(ask_until(0, 2, want), want);
	for (int i = 0; i < 60; i++) {
		rest_ms(20);
		mock_host_advance(hosts[0], 20 * MS);
		ck_assert_uint_eq(ask(0, 2), want);
	}
}
END_TEST

/* A single lost probe may have any cause, so the neighbour does not count as silent. */
START_TEST(one_lost_probe_says_nothing)
{
	rest_ms(1100); /* the connection is idle for over a second then, so the kernel sends the first probe at once */
	lose_all(witness_fd(1), true);
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	rest_ms(50);
	lose_all(witness_fd(1), false);
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_ne(ask(0, 2), COTERIE_WITNESS_SILENT);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
		rest_ms(20);
	}
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_ANSWERS);
}
END_TEST

/* The result is known within 300 ms, since the shortest silence budgets leave no time for TCP's own timers. */
START_TEST(an_idle_connection_tells_in_less_than_a_second)
{
	bool is_cut = _i == 1;
	uint32_t want = is_cut ? COTERIE_WITNESS_SILENT : COTERIE_WITNESS_ANSWERS;

	rest_ms(1100);
	if (is_cut)
		lose_all(witness_fd(1), true);
	ask(0, 2);
	for (int i = 0; i < 2; i++) {
		rest_ms(100);
		mock_host_advance(hosts[0], QUESTION_GAP_NS);
		ask(0, 2);
	}
	ck_assert_uint_eq(ask(0, 2), want);
}
END_TEST

/*
 * The number of probes does not depend on the number of questions: 8 in a second at first, and 4 after probes went
 * unanswered.
 */
START_TEST(questions_send_few_probes)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	rest_ms(1100);
	lose_all(witness_fd(1), true);
	for (int i = 0; i < 1000; i++) { /* in one second */
		ask(0, 2);
		if (i % 25 == 0)
			rest_ms(5);
		mock_host_advance(hosts[0], MS);
	}
	rest_ms(20);
	ck_assert_int_eq(getsockopt(wire_of(0)->fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	ck_assert_uint_ge(info.tcpi_probes, 3);
	ck_assert_uint_le(info.tcpi_probes, 8);
}
END_TEST

START_TEST(probes_end_with_the_questions)
{
	uint32_t node = (uint32_t)_i;
	int fd = witness_fd(node);

	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	ask(node, 2 - node);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	mock_host_advance(hosts[node], 1900 * MS);
	ask(node, 2 - node);
	mock_host_advance(hosts[node], 1900 * MS);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	mock_host_advance(hosts[node], 2200 * MS);
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 10);
	ck_assert_ptr_null(wire_of(node)->witness_timer);
	/* More probes than before do not end a connection earlier. */
	ck_assert_int_eq(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 25000);
}
END_TEST

START_TEST(without_a_connection_nothing_is_known)
{
	ck_assert_uint_eq(ask_until(0, 3, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 0), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 1), COTERIE_WITNESS_UNKNOWN);
	ck_assert_uint_eq(ask(0, 9), COTERIE_WITNESS_UNKNOWN);
	ck_assert_ptr_null(wire_of(0)->witness_timer);
	/* Node 3 has no connection to node 1. */
	ck_assert_uint_eq(ask(2, 1), COTERIE_WITNESS_UNKNOWN);
	/* The result of a connection is dropped when it ends. */
	ck_assert_uint_eq(ask_until(0, 2, COTERIE_WITNESS_ANSWERS), COTERIE_WITNESS_ANSWERS);
	ops->watch(nodes[0], 0);
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
	check_told(0, 2, 2, COTERIE_WATCH_OFF);
	watch(0, 2);
	begin_silence();
	ck_assert_uint_eq(ask(0, 2), COTERIE_WITNESS_UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tripwire");
	TCase *tcase = tcase_create("witness");

	tcase_add_checked_fixture(tcase, tripwire_set_up, nodes_tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, the_host_of_a_stopped_daemon_answers, 0, 2);
	tcase_add_loop_test(tcase, a_host_that_is_cut_off_does_not_answer, 0, 2);
	tcase_add_test(tcase, what_came_before_a_silence_is_no_sign);
	tcase_add_loop_test(tcase, an_answer_does_not_flap, 0, 2);
	tcase_add_test(tcase, one_lost_probe_says_nothing);
	tcase_add_loop_test(tcase, an_idle_connection_tells_in_less_than_a_second, 0, 2);
	tcase_add_test(tcase, questions_send_few_probes);
	tcase_add_loop_test(tcase, probes_end_with_the_questions, 0, 2);
	tcase_add_test(tcase, without_a_connection_nothing_is_known);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
