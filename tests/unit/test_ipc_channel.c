/*
 * Fast channels: the executive's half on the real loop, the client library's half in forked processes that play a
 * short part and report the line where they failed, or 0. Some parts scribble over the rings.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <coterie/channel.h>

#include "exec/config/model.h"
#include "exec/ipc_private.h"
#include "exec/map.h"
#include "exec/stats.h"
#include "exec_stub.h"
#include "services/client/channel.h"
#include "services/client/dispatch.h"
#include "services/client/fast_channel.h"

#define DEADLINE_NS (UINT64_C(60) * 1000000000u)
#define ORDER_MAX 4096u

/* Requests of the service under test. */
enum {
	REQ_OPEN = 0,   /* the offer follows; answered with the grant */
	REQ_FLOW = 1,   /* needs flow: noted in the order as 0 */
	REQ_EVENTS = 2, /* `value` events of `size` bytes, numbered, and as many messages between them */
	REQ_ASK = 3,    /* needs nothing, answered at once */
};

struct req {
	struct qb_ipc_request_header header;
	uint32_t value, size;
	struct coterie_channel_offer offer;
};

struct res {
	struct qb_ipc_response_header header;
	struct coterie_channel_grant grant;
};

/* What client processes may look at and change. */
struct shared {
	_Atomic int send_rc;
	_Atomic uint32_t handled, leaves, tried;
	_Atomic uint32_t order[ORDER_MAX]; /* guarantees of messages, as they came; 0: REQ_FLOW */
	_Atomic bool is_synchronizing;
};

static struct {
	struct executive executive;
	struct config config;
	struct plugin plugin;
	struct coterie_plugin descriptor;
	struct shared *shared;
	struct coterie_client *last;
	char instance[16];
	uint64_t backlog_max;
} f;

/* --- the service --- */

static void note(uint32_t what)
{
	f.shared->order[f.shared->handled++ % ORDER_MAX] = what;
}

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
		if (ipc_channel_deliver(client, i, 7, iov, 2) == -ENOTCONN)
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
	ck_assert(is_whole);
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

/* plugin.c's, without the rest of it */
const struct coterie_request *plugin_request(const struct plugin *plugin, int32_t id)
{
	return id >= 0 && (uint32_t)id < plugin->service.request_count ? &requests[id] : NULL;
}

/* --- fixture --- */

static void set_up(void)
{
	memset(&f, 0, sizeof(f));
	exec_stub_reset();
	f.shared = mmap(NULL, sizeof(*f.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(f.shared, MAP_FAILED);
	snprintf(f.instance, sizeof(f.instance), "%d", getpid());
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
		.name = "unitfast",
		.subsystem = "UNITFAST",
		.executive = &f.executive,
		.service = {.ring_id = 40,
			.ipc_name = "unitfast",
			.client_size = 8,
			.client_join = client_join,
			.client_leave = client_leave,
			.channel_message = channel_message,
			COTERIE_REQUESTS(requests)}};
	f.executive.ipc = ipc_create(&f.executive);
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
	ipc_ready(f.executive.ipc);
}

/* Names of rings that this process has left behind. */
static uint32_t count_names(void)
{
	DIR *folder = opendir("/dev/shm");
	struct dirent *entry;
	uint32_t count = 0;
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "coterie-%d-", getpid());
	while ((entry = readdir(folder)) != NULL)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(folder);
	return count;
}

static void tear_down(void)
{
	ipc_server_close(f.plugin.ipc);
	ck_assert_uint_eq(f.executive.ipc->channels, 0);
	ck_assert_uint_eq(count_names(), 0);
	ipc_destroy(f.executive.ipc);
	stats_destroy(f.executive.stats);
	map_destroy(f.executive.map);
	loop_destroy(f.executive.loop);
	munmap(f.shared, sizeof(*f.shared));
}

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

static void on_client_end(void *arg, int fd, uint32_t revents)
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

static int serve(pid_t pid)
{
	struct loop *loop = f.executive.loop;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(loop_fd_add(loop, fd, POLLIN, LOOP_SLOW, on_client_end, NULL), 0);
	struct loop_timer *deadline = loop_timer_add(loop, loop_now_ns(loop) + DEADLINE_NS, on_deadline, NULL);
	loop_run(loop);
	loop_timer_del(loop, deadline);
	close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	run_for_ms(5);
	return status;
}

static void play(part client) { ck_assert_int_eq(serve(start_client(client)), 0); }

/* --- clients --- */

static struct channel channel;

static ssize_t ask(int32_t id, uint32_t value, uint32_t size, struct res *res)
{
	struct req req = {.header = {.id = id, .size = sizeof(req)},
		.value = value,
		.size = size,
		.offer = {.features = COTERIE_CHANNEL_RINGS}};
	struct iovec iov = {&req, sizeof(req)};

	memcpy(req.offer.magic, COTERIE_CHANNEL_MAGIC, 8);
	memset(res, 0, sizeof(*res));
	return channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, res, sizeof(*res));
}

static int plain(int32_t id)
{
	struct res res;

	return ask(id, 0, 0, &res) == 24 && res.header.error == IPC_OK ? 0 : -1;
}

static int open_channel(void)
{
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	MUST(fast_channel_open(&channel, &res, sizeof(res), 24, NULL, NULL) == 0);
	MUST(atomic_load(&channel.fast) != NULL);
	return 0;
}

static int send_message(uint32_t number, uint32_t size)
{
	static uint8_t bytes[IPC_SIZE_MAX];
	struct iovec iov = {bytes, size};

	memset(bytes, (int)(number & 0xff), size);
	return fast_send(&channel, number, &iov, 1, size);
}

/* Numbered messages, repeated when there is no room. */
static int send_all(uint32_t count, uint32_t size)
{
	for (uint32_t i = 1; i <= count; i++) {
		int rc;

		while ((rc = send_message(i, size)) == -EAGAIN)
			poll(NULL, 0, 1);
		MUST(rc == 0);
	}
	return 0;
}

static struct {
	uint32_t events, messages, last_size;
	bool is_wrong;
} got;

static struct dispatch_outcome on_event(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	(void)arg;
	got.is_wrong |= id != 20 || size < 28 || memcmp(bytes + 24, &got.events, 4) != 0 ||
			got.messages != got.events;
	got.events++;
	got.last_size = (uint32_t)size;
	memset(bytes, 0xff, size); /* a program may */
	return dispatch_done;
}

static struct dispatch_outcome on_message(void *arg, uint32_t nodeid, uint32_t pid, uint8_t *bytes, size_t size)
{
	(void)arg;
	got.is_wrong |= nodeid != got.messages || pid != 7 || size < 4 ||
			memcmp(bytes, &got.messages, 4) != 0 || got.events != got.messages + 1;
	got.messages++;
	memset(bytes, 0xff, size);
	return dispatch_done;
}

static struct dispatch dispatcher;

static cs_error_t dispatch(cs_dispatch_flags_t type)
{
	return dispatch_run(&dispatcher, &channel, type, on_event, on_message, NULL);
}

static bool is_readable(int ms)
{
	struct pollfd pollfd = {.fd = channel.fd, .events = POLLIN};

	return poll(&pollfd, 1, ms) == 1;
}

/* --- opening --- */

static int play_grant(void)
{
	struct res res;
	uint8_t *bytes = (uint8_t *)&res;
	uint32_t number;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == 240 && res.header.size == 240);
	MUST(memcmp(bytes + 24, "COTERIE\1", 8) == 0);
	MUST(memcpy(&number, bytes + 32, 4) && number == 1);
	MUST(memcpy(&number, bytes + 36, 4) && number == 1048576);
	MUST(memcpy(&number, bytes + 40, 4) && number == 1114112);
	MUST(memcpy(&number, bytes + 44, 4) && number == 0);
	MUST(access((char *)bytes + 48, R_OK) == 0 && access((char *)bytes + 144, R_OK) == 0);
	MUST(fast_channel_open(&channel, &res, sizeof(res), 24, NULL, NULL) == 0);
	MUST(plain(REQ_ASK) == 0); /* behind the doorbell */
	MUST(access((char *)bytes + 48, R_OK) < 0 && access((char *)bytes + 144, R_OK) < 0);
	/* The same again. */
	struct fast_channel *fast = atomic_load(&channel.fast);
	MUST(ask(REQ_OPEN, 0, 0, &res) == 240);
	MUST(fast_channel_open(&channel, &res, sizeof(res), 24, NULL, NULL) == 0);
	MUST(atomic_load(&channel.fast) == fast && send_all(3, 8) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(a_grant_has_the_agreed_layout)
{
	play(play_grant);
	ck_assert_uint_eq(f.shared->handled, 4);
}
END_TEST

static int play_no_offer(void)
{
	struct req req = {.header = {.id = REQ_OPEN, .size = sizeof(req)}};
	struct iovec iov = {&req, sizeof(req)};
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	/* Another version, no feature that is known, or cut short. */
	memcpy(req.offer.magic, "COTERIE\2", 8);
	req.offer.features = 1;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	memcpy(req.offer.magic, "COTERIE\1", 8);
	req.offer.features = 2;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	req.offer.features = 1;
	iov.iov_len = sizeof(req) - 1;
	req.header.size = sizeof(req) - 1;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	/* Requests of a channel without one are what they always were. */
	req.header = (struct qb_ipc_request_header){.id = COTERIE_CHANNEL_REFUSED, .size = 16};
	iov.iov_len = 16;
	MUST(channel_call(&channel, CHANNEL_GATE_ALL, &iov, 1, &res, sizeof(res)) == 24);
	MUST(res.header.id == 0 && res.header.error == IPC_INVALID_PARAM);
	return 0;
}

START_TEST(what_is_no_offer_is_not_answered) { play(play_no_offer); }
END_TEST

static int play_refusal(void)
{
	uint8_t event[256];
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	/* Events that come before the client has said that it can are not lost, nor out of order. */
	struct res other;
	MUST(ask(REQ_EVENTS, 2, 10, &other) == 24);
	MUST(channel_receive(&channel, event, false) == -EAGAIN);
	MUST(unlink(res.grant.receive_name) == 0);
	MUST(fast_channel_open(&channel, &res, sizeof(res), 24, NULL, NULL) == 0);
	MUST(atomic_load(&channel.fast) == NULL);
	for (uint32_t i = 0; i < 2; i++)
		MUST(channel_receive_into(&channel, event, sizeof(event)) == 38 &&
			memcmp(event + 24, &i, 4) == 0);
	return 0;
}

START_TEST(who_cannot_map_goes_on_without) { play(play_refusal); }
END_TEST

static int play_death_before_mapping(void)
{
	struct res res;

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	return 0;
}

START_TEST(nothing_is_left_of_who_died_early)
{
	play(play_death_before_mapping);
	ck_assert_uint_eq(count_names(), 0);
}
END_TEST

static int play_crowd(void)
{
	uint32_t granted = 0;
	struct res res;

	for (int i = 0; i < 70; i++) {
		MUST(channel_open(&channel, "unitfast", f.instance) == 0);
		granted += ask(REQ_OPEN, 0, 0, &res) == sizeof(res);
	}
	MUST(granted == 64);
	return 0;
}

START_TEST(channels_are_not_without_number) { play(play_crowd); }
END_TEST

/* --- sending --- */

static int play_order(void)
{
	MUST(open_channel() == 0);
	MUST(send_all(100, 64) == 0 && plain(REQ_FLOW) == 0);
	MUST(send_all(100, 100000) == 0 && plain(REQ_FLOW) == 0);
	MUST(send_all(3, 0) == 0 && send_all(1, 1048568) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(messages_come_in_order_and_ahead_of_requests)
{
	play(play_order);
	ck_assert_uint_eq(f.shared->handled, 207);
	for (uint32_t i = 0; i < 101; i++) {
		ck_assert_uint_eq(f.shared->order[i], (i + 1) % 101);
		ck_assert_uint_eq(f.shared->order[101 + i], (i + 1) % 101);
	}
	ck_assert_uint_eq(f.shared->order[206], 0);
}
END_TEST

static int play_full(void)
{
	uint32_t sent = 0;
	int rc;

	MUST(open_channel() == 0);
	f.shared->send_rc = -EAGAIN;
	while ((rc = send_message(sent + 1, 100000)) == 0)
		sent++;
	MUST(rc == -EAGAIN && sent == 10);
	MUST(plain(REQ_ASK) == 0); /* is answered all the same */
	if (fork() == 0) {
		poll(NULL, 0, 100);
		f.shared->send_rc = 0;
		_exit(0);
	}
	MUST(plain(REQ_FLOW) == 0); /* waits for them */
	MUST(f.shared->handled == 11 && f.shared->order[10] == 0);
	MUST(send_all(20, 100000) == 0 && plain(REQ_FLOW) == 0);
	wait(NULL);
	return 0;
}

START_TEST(a_full_ring_says_so_and_a_request_waits_for_it)
{
	play(play_full);
	ck_assert_uint_eq(f.shared->handled, 32);
}
END_TEST

static int play_synchronisation(void)
{
	MUST(open_channel() == 0);
	MUST(plain(REQ_ASK) == 0);
	kill(getppid(), SIGUSR1);
	while (!f.shared->is_synchronizing)
		poll(NULL, 0, 1);
	MUST(send_all(5, 100) == 0);
	poll(NULL, 0, 50);
	MUST(f.shared->handled == 0);
	kill(getppid(), SIGUSR1);
	MUST(plain(REQ_FLOW) == 0);
	return 0;
}

static void on_signal(int number)
{
	(void)number;
	exec_stub.is_synchronizing = !exec_stub.is_synchronizing;
	f.shared->is_synchronizing = exec_stub.is_synchronizing;
}

static void watch_gate(void *arg)
{
	ipc_gate(f.executive.ipc);
	loop_timer_add(f.executive.loop, loop_now_ns(f.executive.loop) + 1000000, watch_gate, arg);
}

START_TEST(a_synchronisation_is_waited_for)
{
	signal(SIGUSR1, on_signal);
	watch_gate(NULL);
	play(play_synchronisation);
	ck_assert_uint_eq(f.shared->handled, 6);
	ck_assert_uint_eq(f.shared->order[0], 1);
	ck_assert_uint_eq(f.shared->order[5], 0);
}
END_TEST

static int play_last_words(void)
{
	MUST(open_channel() == 0);
	MUST(send_all(50, 1000) == 0);
	kill(getpid(), SIGKILL);
	return 0;
}

START_TEST(what_a_client_sent_before_it_died_counts)
{
	ck_assert(WIFSIGNALED(serve(start_client(play_last_words))));
	ck_assert_uint_eq(f.shared->handled, 50);
	ck_assert_uint_eq(f.shared->leaves, 1);
}
END_TEST

static void leave_service(void *arg)
{
	if (f.shared->handled > 0)
		ipc_server_close(f.plugin.ipc);
	else
		loop_timer_add(f.executive.loop, loop_now_ns(f.executive.loop) + 1000000, leave_service, arg);
}

static int play_orphan(void)
{
	int rc = 0;

	MUST(open_channel() == 0);
	for (int i = 0; i < 20000 && rc != -ENOTCONN; i++) {
		rc = send_message(1, 8);
		if (i % 10 == 0)
			poll(NULL, 0, 1);
	}
	MUST(rc == -ENOTCONN);
	MUST(dispatch(CS_DISPATCH_ALL) == CS_ERR_LIBRARY);
	return 0;
}

START_TEST(who_only_sends_learns_of_the_end)
{
	leave_service(NULL);
	play(play_orphan);
	ck_assert_int_eq(ipc_server_open(f.executive.ipc, &f.plugin), 0);
}
END_TEST

static int play_share(void)
{
	MUST(open_channel() == 0);
	f.shared->tried = 0;
	while (send_message((uint32_t)getpid(), 8000) == 0)
		;
	f.shared->leaves++; /* full */
	while (f.shared->send_rc != 0)
		poll(NULL, 0, 1);
	poll(NULL, 0, 1000);
	return 0;
}

START_TEST(clients_take_turns)
{
	pid_t clients[3];
	uint32_t counts[3] = {0};

	f.shared->send_rc = -EAGAIN;
	for (int i = 0; i < 3; i++)
		clients[i] = start_client(play_share);
	while (f.shared->leaves < 3)
		run_for_ms(10);
	run_for_ms(50);
	f.shared->send_rc = 0;
	while (f.shared->handled < 90)
		run_for_ms(2);
	for (uint32_t i = 0; i < 90; i++)
		for (int k = 0; k < 3; k++)
			counts[k] += f.shared->order[i] == (uint32_t)clients[k];
	for (int k = 0; k < 3; k++) {
		ck_assert_uint_ge(counts[k], 27);
		ck_assert_uint_le(counts[k], 33);
		ck_assert_int_eq(serve(clients[k]), 0);
	}
}
END_TEST

/* --- receiving --- */

static int play_stream(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 3, 10, &res) == 24);
	/* As long as something is left, a program that polls hears of it; and no longer. */
	for (int i = 0; i < 5; i++) {
		MUST(is_readable(2000));
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
		MUST(got.events + got.messages == (uint32_t)i + 1);
	}
	MUST(is_readable(2000) && dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_OK);
	MUST(!is_readable(50) && dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_ERR_TRY_AGAIN);
	MUST(dispatch(CS_DISPATCH_ALL) == CS_OK && got.events == 3 && got.messages == 3);
	for (int i = 0; i < 2000; i++) {
		got.events = got.messages = 0;
		MUST(ask(REQ_EVENTS, 1 + (uint32_t)i % 3, 10, &res) == 24);
		cs_dispatch_flags_t type = i % 2 == 0 ? CS_DISPATCH_ONE : CS_DISPATCH_ALL;
		while (got.messages < 1 + (uint32_t)i % 3) {
			MUST(is_readable(2000));
			MUST(dispatch(type) == CS_OK);
		}
		MUST(!is_readable(0) || i % 16 != 0 || !is_readable(20));
		MUST(dispatch(CS_DISPATCH_ONE_NONBLOCKING) == CS_ERR_TRY_AGAIN);
	}
	MUST(!got.is_wrong);
	return 0;
}

START_TEST(the_descriptor_says_whether_something_is_left) { play(play_stream); }
END_TEST

static int play_slow(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 60, 100000, &res) == 24); /* 12 MB into a ring of 1.1 */
	poll(NULL, 0, 50);
	while (got.messages < 60)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	MUST(!got.is_wrong && got.events == 60);
	got.events = got.messages = 0;
	MUST(ask(REQ_EVENTS, 1, IPC_SIZE_MAX - 28, &res) == 24);
	while (got.messages < 1)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	MUST(got.last_size == IPC_SIZE_MAX && !got.is_wrong);
	return 0;
}

START_TEST(a_slow_reader_gets_everything_in_order)
{
	play(play_slow);
	ck_assert_uint_gt(f.backlog_max, 10000000);
}
END_TEST

static int play_deaf(void)
{
	struct res res;

	MUST(open_channel() == 0);
	while (ask(REQ_EVENTS, 100, 100000, &res) == 24)
		poll(NULL, 0, 50);
	return 0;
}

START_TEST(who_never_reads_is_bounded)
{
	play(play_deaf);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert(exec_stub_has_logged("does not read its events"));
	ck_assert_uint_le(f.backlog_max, IPC_BACKLOG_LIMIT);
}
END_TEST

static struct dispatch_outcome on_nested(void *arg, int32_t id, uint8_t *bytes, size_t size)
{
	struct dispatch_outcome outcome = on_event(arg, id, bytes, size);

	if (got.events < 3)
		dispatch_run(&dispatcher, &channel, CS_DISPATCH_ALL, on_nested, on_message, NULL);
	return outcome;
}

static int play_nested(void)
{
	struct res res;

	MUST(open_channel() == 0);
	dispatch_init(&dispatcher);
	MUST(ask(REQ_EVENTS, 5, 10, &res) == 24);
	MUST(is_readable(2000));
	while (got.messages < 5)
		MUST(dispatch_run(&dispatcher, &channel, CS_DISPATCH_ALL, on_nested, on_message, NULL) == CS_OK);
	MUST(!got.is_wrong && got.events == 5 && !is_readable(20));
	/* All of the ring was given back. */
	got.events = got.messages = 0;
	MUST(ask(REQ_EVENTS, 5, 100000, &res) == 24);
	while (got.messages < 5)
		MUST(dispatch(CS_DISPATCH_ONE) == CS_OK);
	return 0;
}

START_TEST(a_callback_may_dispatch) { play(play_nested); }
END_TEST

/* --- hostile clients --- */

static struct coterie_channel_ring evil[2]; /* send, receive */

static int open_evil(void)
{
	struct res res;
	int fds[2];

	MUST(channel_open(&channel, "unitfast", f.instance) == 0);
	MUST(ask(REQ_OPEN, 0, 0, &res) == sizeof(res));
	fds[0] = open(res.grant.send_name, O_RDWR);
	fds[1] = open(res.grant.receive_name, O_RDWR);
	MUST(coterie_channel_map(&evil[0], fds[0], res.grant.send_size) == 0);
	MUST(coterie_channel_map(&evil[1], fds[1], res.grant.receive_size) == 0);
	MUST(fast_channel_open(&channel, &res, sizeof(res), 24, NULL, NULL) == 0);
	return 0;
}

/* Each is one way to lie, `_i` chooses. */
static const struct {
	uint64_t written;
	uint32_t length;
	bool is_refused;
} lies[] = {
	{1, 0, true},             /* no multiple of 8 */
	{8, 1, true},             /* a message that ends behind what is written */
	{16, UINT32_MAX, true},   /* … and wraps around */
	{16, 0xfffffff8u, true},
	{1048576 + 8, 0, true},   /* more than the ring has */
	{UINT64_MAX - 7, 0, true},
	{UINT64_C(1) << 63, 0, true},
	{16, 8, false},
	{1048576, 1048568, false},
	{1048576, 1048569, true},
};
static int lie;

static int play_liar(void)
{
	struct coterie_channel_message head = {.length = lies[lie].length};
	struct res res;

	MUST(open_evil() == 0);
	memcpy(evil[0].data, &head, sizeof(head));
	__atomic_store_n(&evil[0].control->written, lies[lie].written, __ATOMIC_SEQ_CST);
	ssize_t rc = ask(REQ_FLOW, 0, 0, &res);
	MUST(lies[lie].is_refused ? rc < 0 || res.header.error != IPC_OK : rc == 24);
	return 0;
}

static int play_honest(void)
{
	MUST(open_channel() == 0 && send_all(3, 10) == 0 && plain(REQ_FLOW) == 0);
	return 0;
}

START_TEST(a_lie_ends_the_liar)
{
	lie = _i;
	play(play_liar);
	ck_assert_uint_eq(f.shared->leaves, 1);
	ck_assert(exec_stub_has_logged("makes no sense") == lies[lie].is_refused);
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

static const uint64_t consumed[] = {8, 1, UINT64_MAX, UINT64_C(1) << 40};

static int play_reader_liar(void)
{
	struct res res;

	MUST(open_evil() == 0);
	__atomic_store_n(&evil[1].control->consumed, consumed[lie], __ATOMIC_SEQ_CST);
	(void)ask(REQ_EVENTS, 3, 1000, &res);
	(void)ask(REQ_ASK, 0, 0, &res);
	return 0;
}

START_TEST(a_reader_cannot_move_the_writer)
{
	lie = _i;
	play(play_reader_liar);
	ck_assert(exec_stub_has_logged("makes no sense"));
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

/* Everything in both shared pages, and the data, changes all the time. */
static int play_scribbler(void)
{
	unsigned int seed = (unsigned int)lie;
	struct res res;

	MUST(open_evil() == 0);
	for (int i = 0; i < 200; i++) {
		for (int k = 0; k < 2; k++) {
			uint32_t *words = (uint32_t *)evil[k].control;

			words[rand_r(&seed) % 64] = (uint32_t)rand_r(&seed) % 3 == 0 ? 1 : (uint32_t)rand_r(&seed);
			memset(evil[k].data + rand_r(&seed) % 4096, 0, 64);
		}
		if (ask(i % 2 == 0 ? REQ_EVENTS : REQ_FLOW, 2, 100, &res) < 0)
			break;
	}
	return 0;
}

START_TEST(scribbling_hurts_nobody_else)
{
	lie = _i;
	play(play_scribbler);
	play(play_honest);
	ck_assert_uint_eq(f.shared->leaves, 2);
}
END_TEST

static int play_ringer(void)
{
	struct qb_ipc_request_header request = {.id = COTERIE_CHANNEL_DOORBELL, .size = sizeof(request)};
	struct iovec iov = {&request, sizeof(request)};

	MUST(open_evil() == 0);
	for (int i = 0; i < 50000; i++) {
		evil[1].control->reader_armed = COTERIE_CHANNEL_ASKING;
		(void)channel_send(&channel, CHANNEL_GATE_ALL, &iov, 1);
	}
	for (int i = 0; i < 10000 && plain(REQ_ASK) < 0; i++)
		poll(NULL, 0, 1); /* its own requests are in the way */
	MUST(plain(REQ_ASK) == 0);
	return 0;
}

START_TEST(bells_without_number) { play(play_ringer); }
END_TEST

/* --- */

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 90);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("ipc_channel");
	TCase *opening = add_case(suite, "opening"), *sending = add_case(suite, "sending");
	TCase *receiving = add_case(suite, "receiving"), *hostile = add_case(suite, "hostile");

	tcase_add_test(opening, a_grant_has_the_agreed_layout);
	tcase_add_test(opening, what_is_no_offer_is_not_answered);
	tcase_add_test(opening, who_cannot_map_goes_on_without);
	tcase_add_test(opening, nothing_is_left_of_who_died_early);
	tcase_add_test(opening, channels_are_not_without_number);
	tcase_add_test(sending, messages_come_in_order_and_ahead_of_requests);
	tcase_add_test(sending, a_full_ring_says_so_and_a_request_waits_for_it);
	tcase_add_test(sending, a_synchronisation_is_waited_for);
	tcase_add_test(sending, what_a_client_sent_before_it_died_counts);
	tcase_add_test(sending, who_only_sends_learns_of_the_end);
	tcase_add_test(sending, clients_take_turns);
	tcase_add_test(receiving, the_descriptor_says_whether_something_is_left);
	tcase_add_test(receiving, a_slow_reader_gets_everything_in_order);
	tcase_add_test(receiving, who_never_reads_is_bounded);
	tcase_add_test(receiving, a_callback_may_dispatch);
	tcase_add_loop_test(hostile, a_lie_ends_the_liar, 0, ROWS(lies));
	tcase_add_loop_test(hostile, a_reader_cannot_move_the_writer, 0, ROWS(consumed));
	tcase_add_loop_test(hostile, scribbling_hurts_nobody_else, 0, 4);
	tcase_add_test(hostile, bells_without_number);
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
