/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel_case.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct channel_case f;

/* --- the service --- */

static void note(uint32_t what) { f.shared->order[f.shared->handled++ % ORDER_MAX] = what; }

static int handle_open(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;
	struct coterie_channel_grant grant;
	struct iovec iov = {&grant, sizeof(grant)};

	(void)self;
	if (ipc_channel_open(client, &req->offer, size - (uint32_t)offsetof(struct req, offer), &grant) < 0)
		return 0;
	ck_assert_int_eq(ipc_client_reply(client, 10, IPC_OK, &iov, 1), 0);
	return COTERIE_REPLIED;
}

static int handle_flow(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	note(0);
	return 0;
}

static int handle_events(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	const struct req *req = msg;
	static uint8_t bytes[IPC_SIZE_MAX];

	(void)self, (void)size;
	for (uint32_t i = 0; i < req->value; i++) {
		struct iovec iov[2] = {{&i, sizeof(i)}, {bytes, req->size}};

		if (ipc_client_event(client, 20, iov, 2) < 0)
			break;
		if (client->channel != NULL && ipc_channel_deliver(client, i, 7, iov, 2) == -ENOTCONN)
			break;
		if (client->backlog_size > f.backlog_max)
			f.backlog_max = client->backlog_size;
	}
	return 0;
}

static int handle_ask(void *self, struct coterie_client *client, const void *msg, uint32_t size)
{
	(void)self, (void)client, (void)msg, (void)size;
	return 0;
}

static int channel_message(
	void *self, struct coterie_client *client, uint32_t guarantee, const void *msg, uint32_t size)
{
	(void)self, (void)client;
	f.shared->tried++;
	bool is_whole = true;
	for (uint32_t i = 0; i < size; i++)
		is_whole &= ((const uint8_t *)msg)[i] == (guarantee & 0xff);
	ck_assert(is_whole || f.is_content_free);
	if (f.shared->refused != 0 && f.shared->refused == guarantee)
		return -EAGAIN;
	exec_stub.queue.used += f.count_frames;
	if (f.shared->send_rc == 0)
		note(guarantee);
	return f.shared->send_rc;
}

static int client_join(void *self, struct coterie_client *client)
{
	(void)self;
	f.last = client;
	return 0;
}

static void client_leave(void *self, struct coterie_client *client)
{
	(void)self, (void)client;
	f.shared->leaves++;
}

static const struct coterie_request requests[] = {
	{REQ_OPEN, 16, COTERIE_NEEDS_FLOW, 10, handle_open},
	{REQ_FLOW, 16, COTERIE_NEEDS_FLOW, 11, handle_flow},
	{REQ_EVENTS, 24, 0, 12, handle_events},
	{REQ_ASK, 16, 0, 13, handle_ask},
};

/* Replaces the function of plugin_table.c. It knows only the table of this test. */
const struct coterie_request *plugin_table_request(const struct plugin *plugin, int32_t id)
{
	return id >= 0 && (uint32_t)id < plugin->service.request_count ? &requests[id] : NULL;
}

/* --- fixture --- */

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	ipc_play_set_up(&f.node, &f.config, f.instance);
	f.shared = mmap(NULL, sizeof(*f.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(f.shared, MAP_FAILED);
	f.descriptor.kind = COTERIE_KIND_SERVICE;
	f.plugin = (struct plugin){.descriptor = &f.descriptor,
		.name = "unitfast",
		.subsystem = "UNITFAST",
		.service = {.ring_id = 40,
			.ipc_name = "unitfast",
			.client_size = 8,
			.client_join = client_join,
			.client_leave = client_leave,
			.channel_message = channel_message,
			COTERIE_REQUESTS(requests)}};
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
	ipc_ready(f.node.ipc);
}

static void tear_down(void)
{
	ipc_server_close(f.plugin.ipc);
	RUN_UNTIL(f.node.ipc->channels == 0); /* their memory is freed in turns */
	ck_assert_uint_eq(f.node.ipc->channels, 0);
	ck_assert_uint_eq(f.node.ipc->channel_bytes, 0);
	ipc_play_tear_down(&f.node);
	munmap(f.shared, sizeof(*f.shared));
}

/* --- clients --- */

struct channel channel;

ssize_t ask_with(int32_t id, uint32_t value, uint32_t size, struct res *res, int *post)
{
	struct req req = {.header = {.id = id, .size = sizeof(req)}, .value = value, .size = size};
	struct iovec iov = {&req, sizeof(req)};

	if (id == REQ_OPEN)
		*post = fast_channel_offer(&channel, &req.offer);
	memset(res, 0, sizeof(*res));
	return channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, res, sizeof(*res));
}

ssize_t ask(int32_t id, uint32_t value, uint32_t size, struct res *res)
{
	int post = -1;
	ssize_t rc = ask_with(id, value, size, res, &post);

	if (post >= 0)
		close(post);
	return rc;
}

int plain(int32_t id)
{
	struct res res;

	return ask(id, 0, 0, &res) == 24 && res.header.error == IPC_OK ? 0 : -1;
}

int open_channel(void)
{
	struct res res;
	int post;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask_with(REQ_OPEN, 0, 0, &res, &post) == sizeof(res));
	MUST(fast_channel_open(&channel, post, &res, sizeof(res), 24, NULL) == 0);
	MUST(atomic_load(&channel.fast) != NULL);
	close(post);
	return 0;
}

int send_message(uint32_t number, uint32_t size)
{
	static uint8_t bytes[IPC_SIZE_MAX];
	struct iovec iov = {bytes, size};

	memset(bytes, (int)(number & 0xff), size);
	return fast_send(&channel, number, &iov, 1, size);
}

int send_all(uint32_t count, uint32_t size)
{
	for (uint32_t i = 1; i <= count; i++) {
		int rc;

		while ((rc = send_message(i, size)) == -EAGAIN)
			poll(NULL, 0, 1);
		MUST(rc == 0);
	}
	return 0;
}

struct got got;

struct dispatch_outcome on_event(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	(void)arg;
	uint32_t number = got.events;

	got.is_wrong |= id != 20 || size < 28 || memcmp(bytes + 24, &number, 4) != 0 || got.messages != number;
	got.events++;
	got.last_size = (uint32_t)size;
	memset(bytes, 0xff, size); /* a program may overwrite an event inside its callback */
	return dispatch_done;
}

struct dispatch_outcome on_message(void *arg, const struct fast_record *record, uint8_t *bytes)
{
	uint32_t number = got.messages;

	(void)arg;
	got.is_wrong |= record->nodeid != number || record->pid != 7 || record->size < 4 ||
			memcmp(bytes, &number, 4) != 0 || got.events != number + 1;
	got.messages++;
	memset(bytes, 0xff, record->size);
	return dispatch_done;
}

struct dispatch dispatcher;

cs_error_t dispatch(cs_dispatch_flags_t type)
{
	return dispatch_run(&dispatcher, &channel, type, on_event, on_message, NULL);
}

bool is_readable(int ms)
{
	struct pollfd pollfd = {.fd = channel.fd, .events = POLLIN};

	return poll(&pollfd, 1, ms) == 1;
}

/* --- the program --- */

TCase *channel_case_add(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 90);
	suite_add_tcase(suite, tcase);
	return tcase;
}
