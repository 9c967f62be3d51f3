/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/: how connections end, and what becomes of their last requests and events. */
#include "ipc_case.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static int play_leave(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_LEAVE, 0);
	struct res res;
	int rc = call(c, &req, &res);

	MUST(rc == 24 || rc == -ENOTCONN);
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) < 0);
	return 0;
}

START_TEST(a_service_ends_a_connection_from_a_handler)
{
	play(play_leave);
	ck_assert_uint_eq(f.leaves, 1);
}
END_TEST

static int play_until_killed(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_SEND, 1);
	struct res res;

	MUST(c != NULL);
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req)); /* the request is kept, since the ring has no room */
	c = connect_client();
	MUST(c != NULL);
	req = make(REQ_EVENTS, 50);
	req.size = 100000; /* more events than fit into the ring, so the rest waits in the backlog */
	MUST(call(c, &req, &res) == 24);
	kill(getpid(), SIGKILL);
	return 0;
}

START_TEST(a_killed_client_leaves_once)
{
	f.send_rc = -EAGAIN;
	int status = serve(start_client(play_until_killed));
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_uint_eq(f.joins, 2);
	ck_assert_uint_eq(f.leaves, 2);
	ck_assert_uint_gt(f.backlog_max, 0);
	ck_assert_ptr_null(f.node.ipc->kept);
	ck_assert_ptr_null(f.plugin.ipc->clients);
}
END_TEST

static int play_send_and_exit(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) > 24);
	wait_for_go();
	for (uint32_t i = 1; i <= 120; i++) { /* more requests than libqb handles at once */
		req = make(REQ_SEND, i);
		MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	}
	return 0;
}

START_TEST(what_a_client_sent_before_it_exited_counts)
{
	int status;

	pid_t pid = start_client(play_send_and_exit);
	RUN_UNTIL(f.joins == 1);
	run_for_ms(200); /* the client has its answer, and waits for let_go() */
	ck_assert_uint_eq(f.joins, 1);
	let_go();
	/* All requests and the hang-up have arrived before the server polls again. */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	run_for_ms(50);
	ck_assert_uint_eq(f.handled, 120);
	ck_assert_uint_eq(f.order[119 % 16], 120);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert(!exec_stub_has_logged("it is lost"));
}
END_TEST

START_TEST(a_lost_request_is_told)
{
	f.send_rc = -EAGAIN;
	pid_t pid = start_client(play_send_and_exit);
	RUN_UNTIL(f.joins == 1);
	run_for_ms(200);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert_uint_eq(f.handled, 0);
	ck_assert_uint_eq(exec_stub_count_logged("before its last request found room"), 1);
}
END_TEST

static int play_lost(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_SEND, 1);

	MUST(c != NULL);
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	return 0;
}

/* A client can connect and leave without end, while the ring has no room. */
START_TEST(lost_requests_are_logged_at_a_limited_rate)
{
	f.send_rc = -EAGAIN;
	for (int i = 0; i < 12; i++)
		play(play_lost);
	ck_assert_uint_eq(f.leaves, 12);
	ck_assert_int_eq(exec_stub_count_logged("before its last request found room"), 5);
}
END_TEST

static int play_one_sender(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_SEND, 1);
	struct res res;

	MUST(c != NULL);
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) > 24);
	return 0;
}

START_TEST(kept_requests_of_others_survive_it)
{
	pid_t pids[3];

	f.send_rc = -EAGAIN;
	for (size_t i = 0; i < 3; i++) {
		pids[i] = start_client(play_one_sender);
		RUN_UNTIL(f.joins == i + 1 && f.last != NULL && f.last->kept != NULL);
		ck_assert_uint_eq(f.joins, i + 1);
	}
	kill(pids[2], SIGKILL); /* this client waits last in the queue */
	ck_assert(WIFSIGNALED(serve(pids[2])));
	kill(pids[0], SIGKILL);
	ck_assert(WIFSIGNALED(serve(pids[0])));
	pids[0] = start_client(play_one_sender);
	RUN_UNTIL(f.joins == 4 && f.last != NULL && f.last->kept != NULL);
	f.send_rc = 0;
	ipc_room(f.node.ipc);
	ck_assert_int_eq(serve(pids[1]), 0);
	ck_assert_int_eq(serve(pids[0]), 0);
	ck_assert_uint_eq(f.handled, 2);
	ck_assert_uint_eq(f.leaves, 4);
}
END_TEST

static int play_until_closed(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_FLOW, 0);
	struct res res;

	MUST(c != NULL && call(c, &req, &res) > 0);
	call(c, &req, &res); /* when this second request is seen, the first one was answered */
	wait_for_go();
	MUST(call(c, &req, &res) < 0);
	MUST(connect_client() == NULL && errno == ECONNREFUSED);
	return 0;
}

START_TEST(closing_a_server_ends_its_clients)
{
	pid_t pid = start_client(play_until_closed);

	RUN_UNTIL(f.handled == 2);
	ck_assert_uint_eq(f.joins, 1);
	ipc_server_close(f.plugin.ipc);
	ck_assert_uint_eq(f.leaves, 1);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.leaves, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_end");
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(open, a_service_ends_a_connection_from_a_handler);
	tcase_add_test(open, a_killed_client_leaves_once);
	tcase_add_test(open, kept_requests_of_others_survive_it);
	tcase_add_test(open, what_a_client_sent_before_it_exited_counts);
	tcase_add_test(open, a_lost_request_is_told);
	tcase_add_test(open, lost_requests_are_logged_at_a_limited_rate);
	tcase_add_test(open, closing_a_server_ends_its_clients);
	return suite_run(suite);
}
