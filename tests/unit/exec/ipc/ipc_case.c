/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipc_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ipc_case f;

/* --- leave out libqb's wake-up byte --- */

bool is_mute;

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
	if (f.ok_us > 0)
		usleep(f.ok_us);
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
	uint64_t start_ns = loop_now_ns(f.node.loop);

	(void)self, (void)size;
	for (uint32_t i = 0; i < count; i++) {
		struct iovec iov[3] = {{&i, sizeof(i)}, {NULL, 0}, {bytes, req->size}};

		if (ipc_client_event(client, 20, iov, 3) < 0)
			break;
		if (client->backlog_size > f.backlog_max)
			f.backlog_max = client->backlog_size;
	}
	f.events_ns = loop_now_ns(f.node.loop) - start_ns;
	return 0;
}

static int handle_fail(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;

	(void)self, (void)client, (void)size;
	return -(int)req->value;
}

static void answer_later(void *arg) { ck_assert_int_eq(ipc_client_reply(arg, 16, IPC_BUSY, NULL, 0), 0); }

static int handle_later(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)msg, (void)size;
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + 1000000, answer_later, client);
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

static int handle_may(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;

	(void)self, (void)size;
	return ipc_client_may(client, req->value);
}

static int handle_ask(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;

	(void)self, (void)size;
	(void)ipc_client_may(client, req->value);
	return 0;
}

static int handle_begin(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)msg, (void)size;
	return ipc_client_may_send(client);
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
	ck_assert_uint_le(qbs_host_handshakes(f.node.ipc->host), 65);
	f.last = client;
	f.joins++;
	return f.join_rc;
}

static void client_leave(void *self, struct coterie_client *client)
{
	(void)self;
	ck_assert_uint_eq(*(uint32_t *)ipc_client_data(client), 42);
	f.leaves++;
	if (f.leave_us > 0)
		usleep(f.leave_us);
}

const struct coterie_request ipc_case_requests[] = {
	{REQ_ECHO, 16, 0, 10, handle_echo},
	{REQ_FLOW, 16, COTERIE_NEEDS_FLOW, 11, handle_ok},
	{REQ_SEND, sizeof(struct req), COTERIE_NEEDS_FLOW | COTERIE_NO_REPLY, 0, handle_send},
	{REQ_QUORUM, 16, COTERIE_NEEDS_QUORUM, 13, handle_ok},
	{REQ_EVENTS, sizeof(struct req), 0, 14, handle_events},
	{REQ_FAIL, sizeof(struct req), 0, 15, handle_fail},
	{REQ_LATER, 16, 0, 16, handle_later},
	{REQ_LEAVE, 16, 0, 18, handle_leave},
	{REQ_COUNT, 16, 0, 19, handle_count},
	{REQ_OBSERVE, 16, COTERIE_OBSERVES, 40, handle_ok},
	{REQ_USE, 16, 0, 41, handle_ok},
	{REQ_ADMINISTER, 16, COTERIE_ADMINISTERS, 42, handle_ok},
	{REQ_MAY, sizeof(struct req), COTERIE_OBSERVES, 43, handle_may},
	{REQ_SILENT, 16, COTERIE_ADMINISTERS | COTERIE_NO_REPLY, 0, handle_ok},
	{REQ_TELL, 16, COTERIE_TELLS_QUORUM, 20, handle_ok},
	{REQ_BEGIN, 16, COTERIE_NEEDS_FLOW, 21, handle_begin},
	{REQ_ASK, sizeof(struct req), 0, 44, handle_ask},
};

/* Replaces the function of plugin_table.c. It knows only the table of this test. */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id)
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
	ipc_play_set_up(&f.node, &f.config, f.instance);
	snprintf(f.name, sizeof(f.name), "unittest-%s", f.instance);
	ck_assert_int_eq(pipe2(f.go, O_CLOEXEC), 0);
	f.descriptor.kind = COTERIE_KIND_SERVICE;
	f.plugin = (struct plugin){.descriptor = &f.descriptor,
		.name = "unittest",
		.subsystem = "UNITTEST",
		.service = {.ring_id = 40,
			.ipc_name = "unittest",
			.client_size = 8,
			.client_join = client_join,
			.client_leave = client_leave,
			COTERIE_REQUESTS(ipc_case_requests)}};
}

void open_server(void)
{
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
	ck_assert_ptr_nonnull(f.plugin.ipc);
	ipc_ready(f.node.ipc);
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
	ipc_play_tear_down(&f.node);
	close(f.go[0]);
	close(f.go[1]);
}

/* --- clients --- */

void let_go(void) { ck_assert_int_eq(write(f.go[1], "x", 1), 1); }

static void on_time_to_go(void *arg)
{
	(void)arg;
	let_go();
}

void let_go_after_ms(uint64_t ms)
{
	loop_timer_add(f.node.loop, loop_now_ns(f.node.loop) + ms * 1000000, on_time_to_go, NULL);
}

void wait_for_go(void)
{
	char byte;

	if (read(f.go[0], &byte, 1) != 1)
		_exit(3);
}

qb_ipcc_connection_t *connect_client(void) { return qb_ipcc_connect(f.name, IPC_SIZE_MAX); }

struct req make(int32_t id, uint32_t value)
{
	struct req req = {.header = {.id = id, .size = sizeof(req)}, .value = value};

	return req;
}

int call(qb_ipcc_connection_t *c, const struct req *req, struct res *res)
{
	struct iovec iov = {(void *)(uintptr_t)req, sizeof(*req)};

	memset(res, 0, sizeof(*res));
	return (int)qb_ipcc_sendv_recv(c, &iov, 1, res, sizeof(*res), 20000);
}

int play_echo(void)
{
	qb_ipcc_connection_t *c = connect_client();
	struct req req = make(REQ_ECHO, 7);
	struct res res;

	MUST(c != NULL);
	MUST(call(c, &req, &res) == 24 + (int)sizeof(req));
	MUST(res.header.id == 10 && res.header.error == IPC_OK && res.header.size == 24 + (int)sizeof(req));
	MUST(res.header.pad0 == 0 && res.header.pad1 == 0 && res.header.pad2 == 0);
	MUST(memcmp((uint8_t *)&res + 24, &req, sizeof(req)) == 0);
	/* The request has an odd number of words, so that libqb's next chunk is not aligned to 8 bytes. */
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

/* --- the program --- */

TCase *ipc_case_add(Suite *suite, const char *name, bool is_open)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, is_open ? set_up_open : set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}
