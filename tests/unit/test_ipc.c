/*
 * The IPC server against real libqb clients. The server runs in the test's process on the real
 * loop; each client is a forked process that plays a short part and reports the line where it
 * failed, or 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <qb/qbipcc.h>

#include "exec/config/model.h"
#include "exec/ipc_private.h"
#include "exec/map.h"
#include "exec/stats.h"
#include "exec_stub.h"

#define DEADLINE_NS (UINT64_C(30) * 1000000000u)

/* Requests of the service under test. */
enum {
	REQ_ECHO = 0,   /* answers with the message */
	REQ_FLOW = 1,   /* needs flow; answered 11 */
	REQ_SEND = 2,   /* needs flow, no answer; counted */
	REQ_QUORUM = 3, /* needs quorum */
	REQ_EVENTS = 4, /* struct req_events */
	REQ_FAIL = 5,   /* fails with the errno in `value` */
	REQ_LATER = 6,  /* answered a little later */
	/* 7 is a gap */
	REQ_LEAVE = 8, /* ends the connection */
	REQ_COUNT = 9, /* answers how many REQ_SEND were handled */
};

struct req {
	struct coterie_request_header header;
	uint32_t value;
	uint32_t size;
	uint8_t bytes[48];
};

struct res {
	struct coterie_response_header header;
	uint32_t value;
	uint32_t pad;
	uint8_t bytes[128];
};

struct fixture {
	struct executive executive;
	struct config config;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	struct coterie_client *last; /* that joined */
	unsigned int joins, leaves, handled, tried;
	uint32_t order[16];
	int send_rc, join_rc;
	uint64_t backlog_max;
	uint64_t events_ns; /* how long it took to make them */
	char instance[16];
	char name[64];
	int go[2]; /* parent writes a byte: the child goes on */
};

static struct fixture f;

/* --- a way to leave out libqb's wake-up byte --- */

static bool is_mute;

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	if (is_mute)
		return (ssize_t)size;
	return sendto(fd, bytes, size, flags, NULL, 0);
}

/* --- the service --- */

static int handle_echo(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)msg, .iov_len = size};

	(void)self;
	ck_assert_int_eq((uintptr_t)msg % 8, 0);
	ck_assert_int_eq(ipc_client_reply(client, 10, IPC_OK, &iov, 1), 0);
	return COTERIE_REPLIED;
}

static int handle_ok(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	f.handled++;
	return 0;
}

static int handle_send(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;

	(void)self, (void)client;
	ck_assert_uint_eq(size, sizeof(*req));
	f.tried++;
	if (f.send_rc == 0)
		f.order[f.handled++ % 16] = req->value;
	return f.send_rc;
}

static int handle_events(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;
	static uint8_t bytes[IPC_SIZE_MAX];
	uint32_t count = req->value;
	uint64_t start_ns = loop_now_ns(f.executive.loop);

	(void)self, (void)size;
	for (uint32_t i = 0; i < count; i++) {
		struct iovec iov[3] = {{&i, sizeof(i)}, {NULL, 0}, {bytes, req->size}};

		if (ipc_client_event(client, 20, iov, 3) < 0)
			break;
		if (client->backlog_size > f.backlog_max)
			f.backlog_max = client->backlog_size;
	}
	f.events_ns = loop_now_ns(f.executive.loop) - start_ns;
	return 0;
}

static int handle_fail(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;

	(void)self, (void)client, (void)size;
	return -(int)req->value;
}

static void answer_later(void *arg)
{
	ck_assert_int_eq(ipc_client_reply(arg, 16, IPC_BUSY, NULL, 0), 0);
}

static int handle_later(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)msg, (void)size;
	loop_timer_add(
		f.executive.loop, loop_now_ns(f.executive.loop) + 1000000, answer_later, client);
	return COTERIE_LATER;
}

static int handle_leave(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)msg, (void)size;
	ipc_client_disconnect(client);
	ck_assert_int_eq(ipc_client_event(client, 20, NULL, 0), -ENOTCONN);
	ck_assert_uint_eq(f.leaves, 0);
	return 0;
}

static int handle_count(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	uint32_t answer[2] = {f.handled, 0};
	struct iovec iov = {answer, sizeof(answer)};

	(void)self, (void)msg, (void)size;
	ipc_client_reply(client, 19, IPC_OK, &iov, 1);
	return COTERIE_REPLIED;
}

static int client_join(void *self, struct coterie_client *client)
{
	uint32_t *data = ipc_client_data(client);
	uint32_t pid, uid;

	(void)self;
	ipc_client_peer(client, &pid, &uid, NULL);
	ck_assert_uint_ne(pid, 0);
	ck_assert_uint_eq(data[0], 0);
	data[0] = 42;
	ck_assert_uint_le(f.executive.ipc->handshakes, 65);
	f.last = client;
	f.joins++;
	return f.join_rc;
}

static void client_leave(void *self, struct coterie_client *client)
{
	(void)self;
	ck_assert_uint_eq(*(uint32_t *)ipc_client_data(client), 42);
	f.leaves++;
}

static const struct coterie_request requests[] = {
	{REQ_ECHO, 16, 0, 10, handle_echo},
	{REQ_FLOW, 16, COTERIE_NEEDS_FLOW, 11, handle_ok},
	{REQ_SEND, sizeof(struct req), COTERIE_NEEDS_FLOW | COTERIE_NO_REPLY, 0, handle_send},
	{REQ_QUORUM, 16, COTERIE_NEEDS_QUORUM, 13, handle_ok},
	{REQ_EVENTS, sizeof(struct req), 0, 14, handle_events},
	{REQ_FAIL, sizeof(struct req), 0, 15, handle_fail},
	{REQ_LATER, 16, 0, 16, handle_later},
	{REQ_LEAVE, 16, 0, 18, handle_leave},
	{REQ_COUNT, 16, 0, 19, handle_count},
};

/* plugin.c's, without the rest of it */
const struct coterie_request *plugin_request(const struct plugin *plugin, int32_t id)
{
	for (uint32_t i = 0; i < plugin->service.request_count; i++) {
		if ((int32_t)plugin->service.requests[i].id == id)
			return &plugin->service.requests[i];
	}
	return NULL;
}

/* --- fixture --- */

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	exec_stub_reset();
	snprintf(f.instance, sizeof(f.instance), "%d", getpid());
	snprintf(f.name, sizeof(f.name), "unittest-%s", f.instance);
	ck_assert_int_eq(pipe2(f.go, O_CLOEXEC), 0);
	f.config.ipc_type = QB_IPC_NATIVE;
	f.executive.config = &f.config;
	f.executive.instance = f.instance;
	f.executive.loop = loop_create();
	f.executive.map = map_create();
	f.executive.stats = stats_create(f.executive.loop);
	f.executive.ring = (struct ring *)&f;
	f.executive.sync = (struct sync *)&f;
	f.executive.is_quorate = true;
	f.descriptor.kind = COTERIE_KIND_SERVICE;
	f.plugin = (struct plugin){.descriptor = &f.descriptor,
		.name = "unittest",
		.subsystem = "UNITTEST",
		.executive = &f.executive,
		.service = {.ring_id = 40,
			.ipc_name = "unittest",
			.client_size = 8,
			.client_join = client_join,
			.client_leave = client_leave,
			COTERIE_REQUESTS(requests)}};
	f.executive.ipc = ipc_create(&f.executive);
	ck_assert_ptr_nonnull(f.executive.ipc);
}

static void open_server(void)
{
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
	ck_assert_ptr_nonnull(f.plugin.ipc);
	ipc_ready(f.executive.ipc);
}

static void set_up_open(void)
{
	set_up();
	open_server();
}

static void tear_down(void)
{
	ipc_server_close(f.plugin.ipc);
	ck_assert_ptr_null(f.plugin.ipc);
	ipc_destroy(f.executive.ipc);
	stats_destroy(f.executive.stats);
	map_destroy(f.executive.map);
	loop_destroy(f.executive.loop);
	close(f.go[0]);
	close(f.go[1]);
}

/* --- clients --- */

typedef int (*part)(void);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static pid_t start_client(part play)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int line = play();

		if (line != 0)
			fprintf(stderr, "# client failed at line %d (errno %d)\n", line, errno);
		_exit(line == 0 ? 0 : 1);
	}
	return pid;
}

static void on_exit_of_client(void *arg, int fd, uint32_t revents)
{
	(void)arg, (void)revents;
	loop_fd_del(f.executive.loop, fd);
	loop_stop(f.executive.loop);
}

static void on_deadline(void *arg)
{
	(void)arg;
	ck_abort_msg("deadline passed; log:\n%s", exec_stub.log);
}

static void stop(void *arg)
{
	(void)arg;
	loop_stop(f.executive.loop);
}

static void run_for_ms(uint64_t ms)
{
	loop_timer_add(f.executive.loop, loop_now_ns(f.executive.loop) + ms * 1000000, stop, NULL);
	loop_run(f.executive.loop);
}

/* Serve until it holds; what does not come about on a busy machine within 20 s never does. */
#define RUN_UNTIL(holds)                                                                           \
	do {                                                                                       \
		for (unsigned tries = 0; tries < 1000 && !(holds); tries++)                        \
			run_for_ms(20);                                                            \
	} while (0)

/* Serve until this client has exited. @return its wait status */
static int serve(pid_t pid)
{
	struct loop *loop = f.executive.loop;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(loop_fd_add(loop, fd, POLLIN, LOOP_SLOW, on_exit_of_client, NULL), 0);
	struct loop_timer *deadline =
		loop_timer_add(loop, loop_now_ns(loop) + DEADLINE_NS, on_deadline, NULL);
	loop_run(loop);
	loop_timer_del(loop, deadline);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* Its hang-up may be a turn behind its exit. */
	run_for_ms(5);
	return status;
}

static void play(part client) { ck_assert_int_eq(serve(start_client(client)), 0); }

static void let_go(void) { ck_assert_int_eq(write(f.go[1], "x", 1), 1); }

static void wait_for_go(void)
{
	char byte;

	if (read(f.go[0], &byte, 1) != 1)
		_exit(3);
}

static qb_ipcc_connection_t *connect_client(void) { return qb_ipcc_connect(f.name, IPC_SIZE_MAX); }

static struct req make(int32_t id, uint32_t value)
{
	struct req req = {.header = {.id = id, .size = sizeof(req)}, .value = value};

	return req;
}

static int call(qb_ipcc_connection_t *c, const struct req *req, struct res *res)
{
	struct iovec iov = {(void *)(uintptr_t)req, sizeof(*req)};

	memset(res, 0, sizeof(*res));
	return (int)qb_ipcc_sendv_recv(c, &iov, 1, res, sizeof(*res), 20000);
}

/* --- requests and answers --- */

static int play_echo(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 7);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 + (int)sizeof(req));
	MUST(res.header.id == 10 && res.header.error == IPC_OK &&
		res.header.size == 24 + (int)sizeof(req));
	MUST(res.header.pad0 == 0 && res.header.pad1 == 0 && res.header.pad2 == 0);
	MUST(memcmp((uint8_t *)&res + 24, &req, sizeof(req)) == 0);
	/* An odd length, so that libqb's next chunk is not aligned to 8. */
	req.header.size = 20;
	MUST(qb_ipcc_send(c, &req, 20) == 20);
	MUST(qb_ipcc_recv(c, &res, sizeof(res), 20000) == 24 + 20);
	req = make(REQ_ECHO, 8);
	MUST(call(c, &req, &res) == 24 + (int)sizeof(req));
	req = make(REQ_FLOW, 0);
	MUST(call(c, &req, &res) == 24 && res.header.id == 11 && res.header.error == IPC_OK);
	req = make(REQ_LATER, 0);
	MUST(call(c, &req, &res) == 24 && res.header.id == 16 && res.header.error == IPC_BUSY);
	qb_ipcc_disconnect(c);
	return 0;
}

START_TEST(a_request_gets_its_answer)
{
	f.config.ipc_type = _i == 0 ? QB_IPC_SHM : QB_IPC_SOCKET;
	open_server();
	play(play_echo);
	ck_assert_uint_eq(f.joins, 1);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert_uint_eq(f.executive.ipc->active, 0);
	ck_assert_uint_eq(f.executive.ipc->closed, 1);
}
END_TEST

static const struct {
	int error;
	int32_t answer;
} error_rows[] = {{EAGAIN, 6}, {EINVAL, 7}, {ENOMEM, 8}, {EBUSY, 10}, {EACCES, 11}, {ENOENT, 12},
	{EOVERFLOW, 13}, {EEXIST, 14}, {EINTR, 16}, {ENOTSUP, 19}, {EMSGSIZE, 26}, {EIO, 2},
	{EPIPE, 2}};

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

/* Each row is refused with a bare header, and the connection lives on. */
static const struct {
	const char *name;
	int32_t id, size;
} bad_rows[] = {{"id in a gap", 7, sizeof(struct req)},
	{"id behind the last", 10, sizeof(struct req)}, {"id 64", 64, sizeof(struct req)},
	{"largest id", INT32_MAX, sizeof(struct req)}, {"negative id", -5, sizeof(struct req)},
	{"smallest id", INT32_MIN, sizeof(struct req)}, {"size 0", REQ_FAIL, 0},
	{"size 1", REQ_FAIL, 1}, {"size 15", REQ_ECHO, 15},
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
	req = make(REQ_SEND, 0); /* no answer to this one, whatever it says */
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
	/* five lines and no more, however many there were */
	ck_assert_uint_eq(exec_stub_count_logged("malformed or unknown"), 5);
}
END_TEST

/* A ring of 16 KiB: a size that fits the limit of the protocol would reach beyond the mapping. */
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

/* libqb would take both requests and then wait for the second byte for ever. */
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

static void expect_alive(void *arg)
{
	(void)arg;
	let_go();
}

START_TEST(a_missing_wake_up_does_not_stop_the_server)
{
	loop_timer_add(
		f.executive.loop, loop_now_ns(f.executive.loop) + 100000000, expect_alive, NULL);
	play(play_mute);
	ck_assert_uint_ge(f.handled, 1);
	ck_assert_uint_eq(f.leaves, 1);
}
END_TEST

/* --- who may come in --- */

static int play_refused(void)
{
	wait_for_go();
	MUST(connect_client() == NULL && errno == EAGAIN);
	return 0;
}

START_TEST(nobody_comes_in_before_the_first_synchronisation)
{
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
	let_go();
	play(play_refused);
	ck_assert_uint_eq(f.joins, 0);
	ipc_ready(f.executive.ipc);
	play(play_echo);
}
END_TEST

static int play_as_1234(void)
{
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	qb_ipcc_connection_t *c = connect_client();
	if (c == NULL) {
		MUST(errno == EACCES);
		_exit(77);
	}
	MUST(call(c, &req, &res) > 0);
	return 0;
}

static const struct {
	const char *key;
	uint32_t type, value;
	bool is_permitted;
} access_rows[] = {{"uidgid.none", COTERIE_MAP_U8, 1, false},
	{"uidgid.uid.1234", COTERIE_MAP_U8, 1, true},
	{"uidgid.config.uid.1234", COTERIE_MAP_U8, 1, true},
	{"uidgid.gid.4321", COTERIE_MAP_U8, 1, true},
	{"uidgid.config.gid.4321", COTERIE_MAP_U8, 1, true},
	{"uidgid.uid.1234", COTERIE_MAP_U8, 2, false},
	{"uidgid.uid.1234", COTERIE_MAP_U8, 0, false},
	{"uidgid.uid.1234", COTERIE_MAP_U32, 1, false},
	{"uidgid.uid.4321", COTERIE_MAP_U8, 1, false},
	{"uidgid.gid.1234", COTERIE_MAP_U8, 1, false}};

START_TEST(access_by_uid_and_gid)
{
	uint32_t value = access_rows[_i].value;

	if (geteuid() != 0)
		return;
	map_set(f.executive.map, access_rows[_i].key, access_rows[_i].type, &value,
		access_rows[_i].type == COTERIE_MAP_U8 ? 1 : 4);
	int status = serve(start_client(play_as_1234));
	ck_assert_msg(status == (access_rows[_i].is_permitted ? 0 : 77 << 8), "%s = %u: status %#x",
		access_rows[_i].key, value, status);
	ck_assert_uint_eq(f.joins, access_rows[_i].is_permitted);
	ck_assert_int_eq(exec_stub_has_logged("MAIN 3 Denied connection attempt from 1234:4321"),
		!access_rows[_i].is_permitted);
	ck_assert_uint_eq(f.executive.ipc->denied, !access_rows[_i].is_permitted);
}
END_TEST

static int set_descriptors(rlim_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int play_no_descriptors(void)
{
	MUST(set_descriptors(256) == 0);
	MUST(connect_client() == NULL && errno == EMFILE);
	return 0;
}

START_TEST(some_descriptors_stay_with_the_daemon)
{
	int next = dup(0);

	close(next);
	ck_assert_int_eq(set_descriptors((rlim_t)next + 2 + 7), 0); /* accept and the test take two */
	play(play_no_descriptors);
	ck_assert_uint_eq(f.joins, 0);
	ck_assert(exec_stub_has_logged("too few file descriptors are left"));
	ck_assert_int_eq(set_descriptors(256), 0);
	play(play_echo);
}
END_TEST

static int play_unwanted(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 0);
	struct res res;

	MUST(c == NULL || call(c, &req, &res) < 0);
	return 0;
}

START_TEST(the_service_may_refuse)
{
	f.join_rc = -EBUSY;
	play(play_unwanted);
	ck_assert_uint_eq(f.joins, 1);
	ck_assert_uint_eq(f.leaves, 0);
	ck_assert_uint_eq(f.executive.ipc->active, 0);
	ck_assert_ptr_null(f.plugin.ipc->clients);
}
END_TEST

/* Peers that connect to the name and say nothing. */
static int play_silent(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(f.name);

	memcpy(address.sun_path + 1, f.name, length);
	for (int i = 0; i < 200; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		MUST(fd >= 0);
		/* libqb pads the name with zeros to the full length */
		MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
			connect(fd, (struct sockaddr *)&address,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) ==
				0);
	}
	/* Until the server has accepted most of them, the socket's backlog is full. */
	qb_ipcc_connection_t *c = connect_client();
	for (int i = 0; i < 5000 && c == NULL && errno == EAGAIN; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		c = connect_client();
	}
	MUST(c != NULL);
	qb_ipcc_disconnect(c);
	return 0;
}

START_TEST(silent_peers_are_few)
{
	play(play_silent);
	ck_assert_uint_eq(f.joins, 1);
	ck_assert_uint_eq(f.executive.ipc->handshakes, 0);
}
END_TEST

/* --- the end --- */

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
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req)); /* kept */
	c = connect_client();
	MUST(c != NULL);
	req = make(REQ_EVENTS, 50);
	req.size = 100000; /* more than fits: a backlog */
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
	ck_assert_ptr_null(f.executive.ipc->kept);
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
	for (uint32_t i = 1; i <= 120; i++) { /* more than libqb takes at once */
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
	run_for_ms(200); /* the client knows it, too */
	ck_assert_uint_eq(f.joins, 1);
	let_go();
	/* All of it and the hang-up are there when the server looks again. */
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
		run_for_ms(100);
		ck_assert_uint_eq(f.joins, i + 1);
	}
	kill(pids[2], SIGKILL); /* the last in the queue */
	ck_assert(WIFSIGNALED(serve(pids[2])));
	kill(pids[0], SIGKILL);
	ck_assert(WIFSIGNALED(serve(pids[0])));
	pids[0] = start_client(play_one_sender);
	run_for_ms(100);
	f.send_rc = 0;
	ipc_room(f.executive.ipc);
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
	call(c, &req, &res); /* who sees this request knows that the answer to the first has come */
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

/* --- events --- */

static int receive_all(qb_ipcc_connection_t *c, uint32_t count, int32_t size)
{
	static struct res event[IPC_SIZE_MAX / sizeof(struct res) + 1];

	for (uint32_t i = 0; i < count; i++) {
		MUST(qb_ipcc_event_recv(c, event, sizeof(event), 20000) == size);
		MUST(event->header.id == 20 && event->header.size == size &&
			event->header.error == 0);
		MUST(event->value == i);
	}
	return 0;
}

static int play_slow_reader(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_EVENTS, 200);
	struct res res;

	MUST(c != NULL);
	req.size = 100000;
	MUST(call(c, &req, &res) == 24); /* all 20 MB are on their way when this returns */
	/* This one would fit into what is left of the ring, but its place is behind the others. */
	req = make(REQ_EVENTS, 1);
	MUST(call(c, &req, &res) == 24);
	MUST(receive_all(c, 200, 24 + 4 + 100000) == 0);
	return receive_all(c, 1, 24 + 4);
}

START_TEST(a_slow_reader_gets_everything_in_order)
{
	play(play_slow_reader);
	ck_assert_uint_gt(f.backlog_max, 18000000);
	ck_assert(exec_stub_has_logged("Q empty, queued:"));
}
END_TEST

static int play_largest_event(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_EVENTS, 2);
	struct res res;

	MUST(c != NULL);
	req.size = IPC_SIZE_MAX - 28;
	MUST(call(c, &req, &res) == 24);
	MUST(receive_all(c, 2, IPC_SIZE_MAX) == 0);
	req.size++; /* one byte too many: the service is told, the client sees nothing */
	MUST(call(c, &req, &res) == 24);
	MUST(qb_ipcc_event_recv(c, &res, sizeof(res), 0) < 0);
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) > 24);
	return 0;
}

START_TEST(the_largest_event)
{
	play(play_largest_event);
	ck_assert_uint_eq(f.leaves, 1);
}
END_TEST

static int play_never_reads(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_EVENTS, 70);
	struct res res;

	MUST(c != NULL);
	req.size = 1000000;
	MUST(call(c, &req, &res) == 24);
	wait_for_go();
	req = make(REQ_ECHO, 0);
	MUST(call(c, &req, &res) < 0);
	return 0;
}

START_TEST(a_client_that_never_reads_is_bounded)
{
	/* Too much at once is no offence; not to read any of it for a while is. */
	loop_timer_add(f.executive.loop, loop_now_ns(f.executive.loop) + IPC_STALL_NS + 300000000,
		expect_alive, NULL);
	play(play_never_reads);
	if (f.events_ns < IPC_STALL_NS)
		ck_assert_uint_gt(f.backlog_max, IPC_BACKLOG_MAX);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert_uint_eq(exec_stub_count_logged("it does not read its events"), 1);
}
END_TEST

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
	req = make(REQ_COUNT, 0); /* stands behind them */
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
	/* Its descriptor stays readable all the time, and must not keep the loop busy. */
	uint64_t before_ns = cpu_ns();
	run_for_ms(200);
	ck_assert_uint_lt(cpu_ns() - before_ns, 100000000);
	f.send_rc = 0;
	ipc_room(f.executive.ipc);
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(f.handled, 5);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(f.order[i], i + 1);
}
END_TEST

START_TEST(it_waits_for_the_end_of_a_synchronisation)
{
	/* Seen by the request's own check, before the gate closes. */
	exec_stub.is_synchronizing = true;
	pid_t pid = start_client(play_sender);
	RUN_UNTIL(f.last != NULL && f.last->kept != NULL);
	ck_assert_uint_eq(f.tried, 0);
	ck_assert_ptr_nonnull(f.last->kept);
	exec_stub.is_synchronizing = false;
	ipc_gate(f.executive.ipc);
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
	/* The first ones may come before the server has set the word. */
	for (int i = 0; i < 100 && qb_ipcc_send(c, &req, sizeof(req)) > 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	MUST(qb_ipcc_send(c, &req, sizeof(req)) == -EAGAIN);
	/* As the libraries do for all but mcast: sent, and answered when the gate opens. */
	qb_ipcc_fc_enable_max_set(c, 1);
	MUST(write(f.go[1], "x", 1) == 1);
	MUST(call(c, &req, &res) > 24 && res.header.error == IPC_OK);
	return 0;
}

static void open_gate(void *arg)
{
	(void)arg;
	exec_stub.is_synchronizing = false;
	ipc_gate(f.executive.ipc);
}

static void on_gate_is_seen(void *arg, int fd, uint32_t revents)
{
	(void)arg, (void)revents;
	wait_for_go();
	loop_fd_del(f.executive.loop, fd);
	loop_timer_add(
		f.executive.loop, loop_now_ns(f.executive.loop) + 100000000, open_gate, NULL);
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
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST);
	play(play_a_device);
	exec_stub.queue.used = exec_stub.queue.total;
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_OFF_2);
}
END_TEST

/* --- statistics --- */

static int play_and_stay(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 7);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) > 24);
	MUST(call(c, &req, &res) > 24);
	wait_for_go();
	qb_ipcc_disconnect(c);
	return 0;
}

static uint64_t read_stat(const char *name)
{
	struct coterie_map_value value;
	uint64_t number = 0;
	char key[128];

	snprintf(key, sizeof(key), "stats.ipcs.service40.%u.%p.%s", f.last->pid, (void *)f.last, name);
	ck_assert_msg(stats_read(f.executive.stats, key, &value) == 0, "%s", key);
	memcpy(&number, value.bytes, value.size <= 8 ? value.size : 8);
	return number;
}

static uint32_t count_stats(void)
{
	struct stats_iterator *iterator = stats_iterator_create(f.executive.stats, "stats.ipcs.service");
	uint32_t count = 0;

	while (stats_iterator_next(iterator, NULL) != NULL)
		count++;
	stats_iterator_destroy(iterator);
	return count;
}

START_TEST(a_connection_has_statistics)
{
	pid_t pid = start_client(play_and_stay);

	RUN_UNTIL(f.joins == 1 && read_stat("responses") == 2);
	ck_assert_uint_eq(count_stats(), 13);
	ck_assert_uint_eq(read_stat("requests"), 2);
	ck_assert_uint_eq(read_stat("responses"), 2);
	ck_assert_uint_eq(read_stat("invalid_request"), 0);
	ck_assert_uint_eq(read_stat("flow_control"), 0);
	ck_assert_int_eq(stats_clear(f.executive.stats, "ipc"), 0);
	ck_assert_uint_eq(read_stat("requests"), 0);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
	ck_assert_uint_eq(count_stats(), 0);
}
END_TEST

START_TEST(a_new_connection_is_stopped_during_a_synchronisation)
{
	exec_stub.is_synchronizing = true;
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_OFF_2);
	loop_fd_add(f.executive.loop, f.go[0], POLLIN, LOOP_NORMAL, on_gate_is_seen, NULL);
	play(play_during_sync);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST);
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
	f.executive.is_quorate = false;
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST); /* other requests do not need it */
	play(play_overload);
	ck_assert_uint_eq(f.handled, 0);
}
END_TEST

START_TEST(a_service_that_needs_quorum)
{
	f.plugin.service.requests = &requests[REQ_QUORUM];
	f.plugin.service.request_count = 1;
	open_server();
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST);
	f.executive.is_quorate = false;
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_OFF);
	f.executive.is_quorate = true;
	ipc_gate(f.executive.ipc);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST);
}
END_TEST

/* Spec 04 §12.5: percent used counts two frames that are never used and one that is reserved. */
static const struct {
	uint32_t used;
	int rate;
} level_rows[] = {{0, QB_IPCS_RATE_FAST}, {250, QB_IPCS_RATE_FAST},
	{350, QB_IPCS_RATE_FAST}, /* gap */
	{450, QB_IPCS_RATE_NORMAL}, {550, QB_IPCS_RATE_NORMAL}, {650, QB_IPCS_RATE_SLOW},
	{720, QB_IPCS_RATE_SLOW}, {737, QB_IPCS_RATE_SLOW}, {738, QB_IPCS_RATE_OFF_2},
	{750, QB_IPCS_RATE_OFF_2}, {1000, QB_IPCS_RATE_OFF_2}, {720, QB_IPCS_RATE_OFF_2},
	{650, QB_IPCS_RATE_SLOW}, {350, QB_IPCS_RATE_SLOW}, {250, QB_IPCS_RATE_FAST}};

START_TEST(the_rate_follows_the_queue)
{
	exec_stub.queue.total = 1000;
	for (size_t i = 0; i < sizeof(level_rows) / sizeof(level_rows[0]); i++) {
		exec_stub.queue.used = level_rows[i].used;
		ipc_gate(f.executive.ipc);
		ck_assert_msg((int)f.plugin.ipc->rate == level_rows[i].rate, "%u used: rate %d",
			level_rows[i].used, (int)f.plugin.ipc->rate);
	}
	/* While it is critical nobody needs to tell that it has drained. */
	exec_stub.queue.used = 1000;
	ipc_gate(f.executive.ipc);
	exec_stub.queue.used = 0;
	run_for_ms(20);
	ck_assert_int_eq(f.plugin.ipc->rate, QB_IPCS_RATE_FAST);
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
	exec_stub.queue.used = 3; /* level critical only at the next look */
	f.plugin.ipc->rate = QB_IPCS_RATE_FAST;
	play(play_no_room);
	ck_assert_uint_eq(f.handled, 0);
	exec_stub.queue.used = 0;
}
END_TEST

START_TEST(two_servers_of_one_name)
{
	struct plugin second = f.plugin;

	second.ipc = NULL;
	ck_assert_int_lt(ipc_server_open(f.executive.ipc, &second), 0);
	ck_assert_ptr_null(second.ipc);
	play(play_echo);
}
END_TEST

START_TEST(no_requests_no_name)
{
	f.executive.instance = "an-instance-whose-name-is-longer-than-any-that-is-accepted";
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), -ENAMETOOLONG);
	ck_assert_ptr_null(f.plugin.ipc);
	f.executive.instance = NULL;
	f.plugin.service.request_count = 0;
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
	ck_assert_ptr_null(f.plugin.ipc);
	f.plugin.service.request_count = 1;
	f.plugin.service.ipc_name = NULL;
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
	ck_assert_ptr_null(f.plugin.ipc);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("ipc");
	TCase *closed = tcase_create("closed at first");
	TCase *open = tcase_create("open");

	tcase_add_checked_fixture(closed, set_up, tear_down);
	tcase_add_loop_test(closed, a_request_gets_its_answer, 0, 2);
	tcase_add_test(closed, nobody_comes_in_before_the_first_synchronisation);
	tcase_add_test(closed, a_service_that_needs_quorum);
	tcase_add_test(closed, no_requests_no_name);
	tcase_add_checked_fixture(open, set_up_open, tear_down);
	tcase_add_test(open, a_failure_becomes_the_matching_error);
	tcase_add_test(open, malformed_requests_are_refused);
	tcase_add_test(open, size_is_bound_by_the_clients_own_ring);
	tcase_add_test(open, a_missing_wake_up_does_not_stop_the_server);
	tcase_add_loop_test(open, access_by_uid_and_gid, 0, ROWS(access_rows));
	tcase_add_test(open, some_descriptors_stay_with_the_daemon);
	tcase_add_test(open, the_service_may_refuse);
	tcase_add_test(open, silent_peers_are_few);
	tcase_add_test(open, a_service_ends_a_connection_from_a_handler);
	tcase_add_test(open, a_killed_client_leaves_once);
	tcase_add_test(open, kept_requests_of_others_survive_it);
	tcase_add_test(open, what_a_client_sent_before_it_exited_counts);
	tcase_add_test(open, a_lost_request_is_told);
	tcase_add_test(open, closing_a_server_ends_its_clients);
	tcase_add_test(open, a_slow_reader_gets_everything_in_order);
	tcase_add_test(open, the_largest_event);
	tcase_add_test(open, a_client_that_never_reads_is_bounded);
	tcase_add_test(open, a_request_without_answer_waits_for_room);
	tcase_add_test(open, it_waits_for_the_end_of_a_synchronisation);
	tcase_add_test(open, a_quorum_provider_is_read_during_a_synchronisation);
	tcase_add_test(open, a_connection_has_statistics);
	tcase_add_test(open, a_new_connection_is_stopped_during_a_synchronisation);
	tcase_add_test(open, a_request_that_needs_quorum);
	tcase_add_test(open, the_rate_follows_the_queue);
	tcase_add_test(open, a_request_that_finds_no_room);
	tcase_add_test(open, two_servers_of_one_name);
	suite_add_tcase(suite, closed);
	suite_add_tcase(suite, open);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
