/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/ipc_gate.c: requests that wait for room, a synchronisation or quorum, and requests that are refused. */
#include "ipc_case.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

/* --- requests that wait --- */

static int play_sender(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req;
	struct res res;

	MUST(c != NULL);
	for (uint32_t i = 1; i <= 5; i++) {
		req = make(REQ_SEND, i);
		MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	}
	req = make(REQ_COUNT, 0); /* this request waits behind the other ones */
	MUST(call(c, &req, &res) > 24 && res.value == 5);
	return 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

START_TEST(a_request_without_answer_waits_for_room)
{
	f.send_rc = -EAGAIN;
	pid_t pid = start_client(play_sender);
	RUN_UNTIL(f.tried >= 1);
	ck_assert_uint_ge(f.tried, 1);
	ck_assert_uint_eq(f.handled, 0);
	ck_assert_ptr_nonnull(f.last->kept);
	/* The client's descriptor stays readable while its requests wait. It must not keep the loop busy. */
	uint64_t before_ns = cpu_ns();
	run_for_ms(200);
	ck_assert_uint_lt(cpu_ns() - before_ns, 100000000);
	f.send_rc = 0;
	ipc_room(f.node.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 5);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(f.order[i], i + 1);
}
END_TEST

START_TEST(it_waits_for_the_end_of_a_synchronisation)
{
	/*
	 * The gate is not closed yet when the request arrives: the check of the request itself notices the
	 * synchronisation.
	 */
	exec_stub.is_synchronizing = true;
	pid_t pid = start_client(play_sender);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	ck_assert_uint_eq(f.tried, 0);
	ck_assert_ptr_nonnull(f.last->kept);
	exec_stub.is_synchronizing = false;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 5);
}
END_TEST

/* --- gates --- */

static int play_during_sync(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(c != NULL);
	qb_ipcc_fc_enable_max_set(c, 2);
	/* The first requests may arrive before the server has set the flow control word. */
	for (int i = 0; i < 100 && qb_ipcc_send(c, &req, sizeof(req)) > 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == -EAGAIN);
	/* All requests except those of mcast are sent at once, and answered when the gate opens. */
	qb_ipcc_fc_enable_max_set(c, 1);
	MUST(write(f.go[1], "x", 1) == 1);
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK);
	return 0;
}

static void open_gate(void *arg)
{
	(void)arg;
	exec_stub.is_synchronizing = false;
	ipc_gate(f.node.ipc);
}

static void on_gate_is_seen(void *arg, int fd, uint32_t revents)
{
	(void)arg, (void)revents;
	wait_for_go();
	loop_fd_del(f.node.loop, fd);
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 100000000, open_gate, NULL);
}

static int play_a_device(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 7);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK);
	req = make(REQ_FLOW, 0);
	MUST(call(c, &req, &res) == 24 && res.header.error == IPC_TRY_AGAIN);
	return 0;
}

START_TEST(a_quorum_provider_is_read_during_a_synchronisation)
{
	f.descriptor.offers = COTERIE_CAN_QUORUM;
	exec_stub.is_synchronizing = true;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST);
	play(play_a_device);
	exec_stub.queue.used = exec_stub.queue.total;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_OFF_2);
}
END_TEST

START_TEST(a_new_connection_is_stopped_during_a_synchronisation)
{
	exec_stub.is_synchronizing = true;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_OFF_2);
	loop_fd_add(f.node.loop, f.go[0], POLLIN, LOOP_NORMAL, on_gate_is_seen, NULL);
	play(play_during_sync);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST);
}
END_TEST

static int play_overload(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_QUORUM, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 && res.header.id == 0 && res.header.error == IPC_TRY_AGAIN);
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK);
	return 0;
}

START_TEST(a_request_that_needs_quorum)
{
	f.node.is_quorate = false;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST); /* other requests need no quorum, so all are still read */
	play(play_overload);
	ck_assert_uint_eq(f.handled, 0);
}
END_TEST

START_TEST(a_service_that_needs_quorum)
{
	f.plugin.service.requests = &ipc_case_requests[REQ_QUORUM];
	f.plugin.service.request_count = 1;
	open_server();
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST);
	f.node.is_quorate = false;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_OFF);
	f.node.is_quorate = true;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST);
}
END_TEST

/* --- the lease --- */

static int play_patience(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK); /* this request needs no quorum */
	MUST(write(f.go[1], "x", 1) == 1);
	req = make(REQ_QUORUM, 0);
	MUST(call(c, &req, &res) == 24 && res.header.id == 13 && res.header.error == IPC_OK);
	return 0;
}

/* Reasons why "quorate" may be wrong: without the lease the others may have formed a quorate ring without this node. In a
   new ring the verdict is still that of the ring before. */
static bool *reason_to_wait(int number) { return number % 2 == 0 ? &exec_stub.is_lapsed : &exec_stub.is_undecided; }

START_TEST(a_request_that_needs_quorum_waits_for_lease_and_verdict)
{
	*reason_to_wait(_i) = true;
	pid_t pid = start_client(play_patience);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	ck_assert_ptr_nonnull(f.last->kept);
	run_for_ms(50);
	ck_assert_uint_eq(f.handled, 0);
	*reason_to_wait(_i) = false;
	ipc_room(f.node.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

/*
 * The engine may notice that the lease has ended only after the first request was kept. Then it reports no change when
 * the lease is back.
 */
START_TEST(it_is_served_when_the_lease_is_back_without_a_word)
{
	exec_stub.is_lapsed = true;
	pid_t pid = start_client(play_patience);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	exec_stub.is_lapsed = false;
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

static int play_despair(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_QUORUM, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 && res.header.id == 0 && res.header.error == IPC_TRY_AGAIN);
	return 0;
}

START_TEST(it_is_told_to_try_again_when_quorum_is_lost_meanwhile)
{
	exec_stub.is_lapsed = true;
	pid_t pid = start_client(play_despair);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	f.node.is_quorate = false;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 0);
}
END_TEST

static int play_question(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_TELL, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 && res.header.id == 20 && res.header.error == IPC_OK);
	return 0;
}

START_TEST(nobody_is_told_of_quorum_without_lease_and_verdict)
{
	*reason_to_wait(_i) = true;
	pid_t pid = start_client(play_question);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	ck_assert_ptr_nonnull(f.last->kept);
	run_for_ms(50);
	ck_assert_uint_eq(f.handled, 0);
	if (_i < 2) {
		*reason_to_wait(_i) = false;
		ipc_room(f.node.ipc);
	} else {
		f.node.is_quorate = false; /* "not quorate" is right in both cases */
		ipc_gate(f.node.ipc);
	}
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

#define CURIOUS 40

static int play_curious(void)
{
	qb_ipcc_connection_t *c[CURIOUS];
	struct req req = make(REQ_TELL, 0);
	struct res res;

	for (int i = 0; i < CURIOUS; i++) {
		c[i] = connect_client();
		MUST(c[i] != NULL);
		MUST(qb_ipcc_send(c[i], &req, sizeof(req)) == sizeof(req));
	}
	for (int i = 0; i < CURIOUS; i++)
		MUST(qb_ipcc_recv(c[i], &res, sizeof(res), 20000) == 24 && res.header.error == IPC_OK);
	return 0;
}

static uint32_t count_kept(void)
{
	uint32_t kept = 0;

	for (const struct coterie_client *one = f.node.ipc->kept; one != NULL; one = one->kept_next)
		kept++;
	return kept;
}

/* Count the turns of the loop in which some requests have been answered, but not all. */
static void on_answering(void *arg)
{
	uint32_t *turns = arg;

	*turns += f.handled > 0 && f.handled < CURIOUS;
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop), on_answering, turns);
}

/* A new ring gets its lease when requests of many clients wait. Each takes 100 us here, and ten of them run in a turn. */
START_TEST(requests_that_waited_run_in_several_turns)
{
	uint32_t turns = 0;

	exec_stub.is_lapsed = true;
	pid_t pid = start_client(play_curious);
	RUN_UNTIL(count_kept() == CURIOUS);
	ck_assert_uint_eq(count_kept(), CURIOUS);
	f.ok_us = 100;
	exec_stub.is_lapsed = false;
	ipc_room(f.node.ipc);
	on_answering(&turns);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, CURIOUS);
	ck_assert_uint_ge(turns, 3);
}
END_TEST

/* Its quorum device may ask before the provider can decide about the new ring. */
START_TEST(the_provider_is_asked_before_it_has_decided)
{
	f.descriptor.offers = COTERIE_CAN_QUORUM;
	exec_stub.is_undecided = true;
	play(play_question);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

static int play_long_question(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_TELL, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 && res.header.id == 0 && res.header.error == IPC_TRY_AGAIN);
	req = make(REQ_ECHO, 0); /* the earlier request is no longer kept */
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK);
	return 0;
}

/* A request is not kept for ever, since attempts to form a ring may fail for ever. */
START_TEST(a_question_does_not_wait_for_ever)
{
	ck_assert_uint_eq(f.node.ipc->question_ns, UINT64_C(10000000000));
	f.node.ipc->question_ns = 200000000;
	exec_stub.is_lapsed = true;
	play(play_long_question);
	ck_assert_uint_eq(f.handled, 0);
}
END_TEST

/* Replace the plugin of the service. Its clients stay. */
static void replace_plugin(struct plugin *from, struct plugin *to)
{
	struct ipc_handover *handover = ipc_server_take(from->ipc, to);

	ck_assert_ptr_nonnull(handover);
	ipc_server_keep(handover);
	ipc_handover_free(handover);
	ck_assert_ptr_null(from->ipc);
	if (f.last != NULL)
		*(uint32_t *)ipc_client_data(f.last) = 42;
}

START_TEST(a_new_plugin_has_needs_of_its_own)
{
	struct plugin successor = f.plugin;

	f.plugin.service.requests = &ipc_case_requests[REQ_QUORUM];
	f.plugin.service.request_count = 1;
	open_server();
	f.node.is_quorate = false;
	ipc_gate(f.node.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_OFF);
	replace_plugin(&f.plugin, &successor);
	ck_assert_int_eq(successor.ipc->rate, QBS_RATE_FAST);
	replace_plugin(&successor, &f.plugin);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_OFF);
}
END_TEST

/* A kept request is answered by the new plugin. */
START_TEST(a_question_outlives_a_replacement_of_the_plugin)
{
	struct plugin successor = f.plugin;

	exec_stub.is_lapsed = true;
	pid_t pid = start_client(play_question);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	replace_plugin(&f.plugin, &successor);
	ck_assert_ptr_nonnull(f.last->kept);
	replace_plugin(&successor, &f.plugin);
	run_for_ms(50);
	ck_assert_uint_eq(f.handled, 0);
	exec_stub.is_lapsed = false;
	ipc_room(f.node.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

static int play_cut_question(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_TELL, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == -ENOTCONN);
	return 0;
}

/*
 * If the new plugin does not answer such a request, or does not know it, its client is disconnected. Otherwise the
 * client would wait for ever.
 */
START_TEST(a_question_without_an_answer_ends_with_the_replacement)
{
	static const struct coterie_request silent = {REQ_TELL, 16, COTERIE_NO_REPLY, 0, NULL};
	struct plugin successor = f.plugin;

	successor.service.requests = &silent;
	successor.service.request_count = (uint32_t)_i;
	exec_stub.is_lapsed = true;
	pid_t pid = start_client(play_cut_question);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	replace_plugin(&f.plugin, &successor);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.leaves, 1);
	successor.service = f.plugin.service;
	ipc_server_close(successor.ipc);
}
END_TEST

START_TEST(no_quorum_is_told_at_once)
{
	exec_stub.is_lapsed = true;
	f.node.is_quorate = false;
	ipc_gate(f.node.ipc);
	play(play_question);
	ck_assert_uint_eq(f.handled, 1);
}
END_TEST

/* Book packing, "Queue levels": the percentage counts two frames that are never used and one that is reserved. */
static const struct {
	uint32_t used;
	int rate;
} level_rows[] = {{0, QBS_RATE_FAST}, {250, QBS_RATE_FAST}, {350, QBS_RATE_FAST}, /* as before */
	{450, QBS_RATE_NORMAL}, {550, QBS_RATE_NORMAL}, {650, QBS_RATE_SLOW}, {720, QBS_RATE_SLOW},
	{737, QBS_RATE_SLOW}, {738, QBS_RATE_OFF_2}, {750, QBS_RATE_OFF_2}, {1000, QBS_RATE_OFF_2},
	{720, QBS_RATE_OFF_2}, {650, QBS_RATE_SLOW}, {350, QBS_RATE_SLOW}, {250, QBS_RATE_FAST}};

START_TEST(the_rate_follows_the_queue)
{
	exec_stub.queue.total = 1000;
	for (size_t i = 0; i < sizeof(level_rows) / sizeof(level_rows[0]); i++) {
		exec_stub.queue.used = level_rows[i].used;
		ipc_gate(f.node.ipc);
		ck_assert_msg((int)f.plugin.ipc->rate == level_rows[i].rate, "%u used: rate %d", level_rows[i].used,
			(int)f.plugin.ipc->rate);
	}
	/*
	 * While the queue is critical the gate checks the queue regularly. It needs no report that the queue has
	 * drained.
	 */
	exec_stub.queue.used = 1000;
	ipc_gate(f.node.ipc);
	exec_stub.queue.used = 0;
	run_for_ms(20);
	ck_assert_int_eq(f.plugin.ipc->rate, QBS_RATE_FAST);
}
END_TEST

static int play_no_room(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_FLOW, 0);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 && res.header.id == 0 && res.header.error == IPC_TRY_AGAIN);
	return 0;
}

START_TEST(a_request_that_finds_no_room)
{
	exec_stub.queue = (struct totem_queue){.used = 2, .total = 5, .message_size_max = 100000};
	exec_stub.queue.used = 3; /* the level becomes critical only at the next check */
	f.plugin.ipc->rate = QBS_RATE_FAST;
	play(play_no_room);
	ck_assert_uint_eq(f.handled, 0);
	exec_stub.queue.used = 0;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_gate");
	TCase *closed = ipc_case_add(suite, "closed at first", false);
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(closed, a_service_that_needs_quorum);
	tcase_add_test(closed, a_new_plugin_has_needs_of_its_own);
	tcase_add_test(open, a_request_without_answer_waits_for_room);
	tcase_add_test(open, it_waits_for_the_end_of_a_synchronisation);
	tcase_add_test(open, a_quorum_provider_is_read_during_a_synchronisation);
	tcase_add_test(open, a_new_connection_is_stopped_during_a_synchronisation);
	tcase_add_test(open, a_request_that_needs_quorum);
	tcase_add_loop_test(open, a_request_that_needs_quorum_waits_for_lease_and_verdict, 0, 2);
	tcase_add_test(open, it_is_served_when_the_lease_is_back_without_a_word);
	tcase_add_loop_test(open, nobody_is_told_of_quorum_without_lease_and_verdict, 0, 4);
	tcase_add_test(open, requests_that_waited_run_in_several_turns);
	tcase_add_test(open, the_provider_is_asked_before_it_has_decided);
	tcase_add_test(open, a_question_outlives_a_replacement_of_the_plugin);
	tcase_add_loop_test(open, a_question_without_an_answer_ends_with_the_replacement, 0, 2);
	tcase_add_test(open, no_quorum_is_told_at_once);
	tcase_add_test(open, a_question_does_not_wait_for_ever);
	tcase_add_test(open, it_is_told_to_try_again_when_quorum_is_lost_meanwhile);
	tcase_add_test(open, the_rate_follows_the_queue);
	tcase_add_test(open, a_request_that_finds_no_room);
	return suite_run(suite);
}
