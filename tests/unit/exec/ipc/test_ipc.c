/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/: requests and their answers, and a server's name. */
#include "ipc_case.h"

#include <errno.h>

/* --- requests and answers --- */

START_TEST(a_request_gets_its_answer)
{
	f.config.ipc_type = _i == 0 ? QB_IPC_SHM : QB_IPC_SOCKET;
	open_server();
	play(play_echo);
	ck_assert_uint_eq(f.joins, 1);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert_uint_eq(f.node.ipc->active, 0);
	ck_assert_uint_eq(f.node.ipc->closed, 1);
}
END_TEST

static const struct {
	int error;
	int32_t answer;
} error_rows[] = {{EAGAIN, 6}, {EINVAL, 7}, {ENOMEM, 8}, {EBUSY, 10}, {EACCES, 11}, {ENOENT, 12}, {EOVERFLOW, 13},
	{EEXIST, 14}, {EINTR, 16}, {ENOTSUP, 19}, {EMSGSIZE, 26}, {EIO, 2}, {EPIPE, 2}};

static int play_errors(void)
{
	qb_ipcc_connection_t *c = connect_client();

	MUST(c != NULL);
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
		struct req req = make(REQ_FAIL, (uint32_t)error_rows[i].error);
		struct res res;

		MUST(call(c, &req, &res) == 24);
		MUST(res.header.id == 15 && res.header.error == error_rows[i].answer);
	}
	return 0;
}

START_TEST(a_failure_becomes_the_matching_error) { play(play_errors); }
END_TEST

/* Each row is refused with only a header as the answer, and the connection stays. */
static const struct {
	const char *name;
	int32_t id, size;
} bad_rows[] = {{"id in a gap", 7, sizeof(struct req)}, {"id behind the last", 10, sizeof(struct req)},
	{"id 64", 64, sizeof(struct req)}, {"largest id", INT32_MAX, sizeof(struct req)},
	{"negative id", -5, sizeof(struct req)}, {"smallest id", INT32_MIN, sizeof(struct req)},
	{"size 0", REQ_FAIL, 0}, {"size 1", REQ_FAIL, 1}, {"size 15", REQ_ECHO, 15},
	{"size below the least", REQ_FAIL, sizeof(struct req) - 1}, {"negative size", REQ_FAIL, -1},
	{"smallest size", REQ_FAIL, INT32_MIN}, {"size above the largest", REQ_ECHO, 1048577},
	{"size 2000000", REQ_ECHO, 2000000}, {"largest size", REQ_ECHO, INT32_MAX}};

static int play_bad(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req;
	struct res res;

	MUST(c != NULL);
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		req = make(bad_rows[i].id, 0);
		req.header.size = bad_rows[i].size;
		errno = (int)i;
		MUST(call(c, &req, &res) == 24);
		errno = (int)i;
		MUST(res.header.id == 0 && res.header.size == 24);
		MUST(res.header.error == IPC_INVALID_PARAM);
	}
	req = make(REQ_SEND, 0); /* a request of a kind that has no answer gets none, even if its content is invalid */
	req.header.size = 20;
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) == 24 + (int)sizeof(req) && res.header.id == 10);
	return 0;
}

START_TEST(malformed_requests_are_refused)
{
	play(play_bad);
	ck_assert_uint_eq(f.handled, 0);
	/* the log has five lines at most, however many requests were refused */
	ck_assert_uint_eq(exec_stub_count_logged("malformed or unknown"), 5);
}
END_TEST

/* A ring of 16 KiB: a size that is allowed by the protocol would reach beyond the mapping. */
static int play_small_ring(void)
{
	qb_ipcc_connection_t *c = qb_ipcc_connect(f.name, 16384);
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(c != NULL);
	req.header.size = 1000000;
	MUST(call(c, &req, &res) == 24 && res.header.error == IPC_INVALID_PARAM);
	return 0;
}

START_TEST(size_is_bound_by_the_clients_own_ring) { play(play_small_ring); }
END_TEST

/*
 * Send two requests and one wake-up byte. libqb's server would read both requests, and then wait for the second byte
 * for ever.
 */
static int play_mute(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_SEND, 1);

	MUST(c != NULL);
	is_mute = true;
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	is_mute = false;
	req.value = 2;
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	wait_for_go();
	return 0;
}

START_TEST(a_missing_wake_up_does_not_stop_the_server)
{
	let_go_after_ms(100);
	play(play_mute);
	ck_assert_uint_ge(f.handled, 1);
	ck_assert_uint_eq(f.leaves, 1);
}
END_TEST

/* --- a server's name --- */

START_TEST(two_servers_of_one_name)
{
	struct plugin second = f.plugin;
	char holder[64], text[128];

	second.ipc = NULL;
	int rc = ipc_server_open(f.node.ipc, &second);
	ck_assert_int_eq(rc, -EADDRINUSE);
	ck_assert_ptr_null(second.ipc);
	ipc_server_error(f.node.ipc, &second, rc, text, sizeof(text));
	snprintf(holder, sizeof(holder), "held by process %d of user %u", (int)getpid(), (unsigned int)geteuid());
	ck_assert_msg(strstr(text, holder) != NULL, "%s", text);
	ipc_server_error(f.node.ipc, &second, -ENOMEM, text, sizeof(text));
	ck_assert_str_eq(text, strerror(ENOMEM));
	play(play_echo);
}
END_TEST

START_TEST(no_requests_no_name)
{
	f.node.ipc->parts.instance = "an-instance-whose-name-is-longer-than-any-that-is-accepted";
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), -ENAMETOOLONG);
	ck_assert_ptr_null(f.plugin.ipc);
	f.node.ipc->parts.instance = NULL;
	f.plugin.service.request_count = 0;
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
	ck_assert_ptr_null(f.plugin.ipc);
	f.plugin.service.request_count = 1;
	f.plugin.service.ipc_name = NULL;
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
	ck_assert_ptr_null(f.plugin.ipc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc");
	TCase *closed = ipc_case_add(suite, "closed at first", false);
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_loop_test(closed, a_request_gets_its_answer, 0, 2);
	tcase_add_test(closed, no_requests_no_name);
	tcase_add_test(open, a_failure_becomes_the_matching_error);
	tcase_add_test(open, malformed_requests_are_refused);
	tcase_add_test(open, size_is_bound_by_the_clients_own_ring);
	tcase_add_test(open, a_missing_wake_up_does_not_stop_the_server);
	tcase_add_test(open, two_servers_of_one_name);
	return suite_run(suite);
}
