/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz the handshake of exec/qb. Peers connect to a server, send any bytes in pieces, and close the connection at any
 * time. They use real sockets, and the shared memory and files of real connections. The script is a list of records: a
 * byte for the next action, and its arguments.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "exec/qb/qb.h"
#include "tests/fuzz/fuzz.h"

#define PEERS 4u
#define WATCHES 64u
#define ANSWER_SIZE 12328u

const char *const *const fuzz_words = NULL;

static uint64_t accepted, refused, messages;

/* The descriptors that the loop polls. */
static struct watch {
	bool is_used;
	int fd;
	uint32_t events;
	void (*run)(void *run_arg, int fd, uint32_t revents);
	void *run_arg;
} watches[WATCHES];

static uint64_t time_ns;

static struct {
	struct qbs_host *host;
	struct qbs_server *server;
	char name[32];
	int peers[PEERS]; /* -1: none */
	int verdict;      /* result of accept() */
	uint32_t alive, created;
	uint64_t baseline; /* number of descriptors that are open between two runs */
} world;

const char *fuzz_summary(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "%llu connections, %llu refused, %llu requests", (unsigned long long)accepted,
		(unsigned long long)refused, (unsigned long long)messages);
	return text;
}

/* --- the loop --- */

static uint64_t now_ns(void *arg) { return (void)arg, time_ns; }

static int add(void *arg, int fd, uint32_t events, void (*run)(void *run_arg, int fd, uint32_t revents), void *run_arg)
{
	(void)arg;
	for (uint32_t i = 0; i < WATCHES; i++) {
		FUZZ_CHECK(!watches[i].is_used || watches[i].fd != fd);
		if (watches[i].is_used)
			continue;
		watches[i] = (struct watch){true, fd, events, run, run_arg};
		return 0;
	}
	return -ENOMEM;
}

static struct watch *watch_of(int fd)
{
	for (uint32_t i = 0; i < WATCHES; i++)
		if (watches[i].is_used && watches[i].fd == fd)
			return &watches[i];
	bool is_polled = false;
	FUZZ_CHECK(is_polled);
	return NULL;
}

static int mod(void *arg, int fd, uint32_t events)
{
	(void)arg;
	watch_of(fd)->events = events;
	return 0;
}

static void del(void *arg, int fd)
{
	(void)arg;
	watch_of(fd)->is_used = false;
}

/* Handle all descriptors that are ready. @return whether any was */
static bool turn(void)
{
	bool has_run = false;

	for (uint32_t i = 0; i < WATCHES; i++) {
		struct pollfd one = {watches[i].fd, (short)watches[i].events, 0};

		if (!watches[i].is_used || poll(&one, 1, 0) != 1)
			continue;
		FUZZ_CHECK((one.revents & POLLNVAL) == 0);
		watches[i].run(watches[i].run_arg, one.fd, (uint32_t)one.revents);
		has_run = true;
	}
	return has_run;
}

/* Run the loop until no descriptor is ready. Fails if the same event is reported again and again. */
static void settle(void)
{
	uint32_t turns = 0;

	while (turn())
		FUZZ_CHECK(++turns < 1000);
}

/* --- the service --- */

static int on_accept(void *arg, struct qbs_connection *connection, const struct qbs_peer *peer, void **context)
{
	(void)arg;
	FUZZ_CHECK(peer->pid == getpid() && peer->uid == getuid() && peer->opener_uid == geteuid());
	FUZZ_CHECK(qbs_size_max(connection) >= ANSWER_SIZE && qbs_size_max(connection) <= QBS_SIZE_MAX);
	refused += world.verdict < 0;
	if (world.verdict < 0)
		return world.verdict;
	*context = connection;
	world.alive++;
	accepted++;
	return 0;
}

static void on_created(void *context) { (void)context, world.created++; }

static int on_request(void *context, const void *msg, uint32_t size)
{
	uint32_t sum = 0;
	const uint8_t *bytes = msg;

	for (uint32_t i = 0; i < size; i++)
		sum += bytes[i];
	messages += 1 + (sum & 0);
	return qbs_reply(context, &(struct iovec){(void *)(uintptr_t)msg, size}, 1) == 0 ? 0 : -ENOBUFS;
}

static void on_ready(void *context) { (void)context; }

static void on_closed(void *context)
{
	(void)context;
	FUZZ_CHECK(world.created > 0);
	world.created--;
}

static void on_destroyed(void *context)
{
	(void)context;
	FUZZ_CHECK(world.alive > 0);
	world.alive--;
}

static const struct qbs_handlers handlers = {
	.accept = on_accept,
	.created = on_created,
	.request = on_request,
	.ready = on_ready,
	.closed = on_closed,
	.destroyed = on_destroyed,
};

/* --- peers --- */

static void call_in(uint32_t i)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (world.peers[i] >= 0)
		close(world.peers[i]);
	world.peers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(world.peers[i] >= 0);
	strcpy(address.sun_path + 1, world.name);
	FUZZ_CHECK(connect(world.peers[i], (struct sockaddr *)&address, sizeof(address)) == 0);
}

static void say_bytes(uint32_t i, struct script *script, int flags)
{
	size_t size = script_u8(script);
	const uint8_t *bytes = script_bytes(script, &size);

	if (world.peers[i] >= 0 && size > 0)
		(void)send(world.peers[i], bytes, size, MSG_NOSIGNAL | flags);
}

/* Send the first message of libqb's client, with a size for its messages. */
static void say_hello(uint32_t i, struct script *script)
{
	const uint32_t hello[6] = {(uint32_t)-1, 0, 24, 0, script_u32(script), 0};

	if (world.peers[i] >= 0)
		(void)send(world.peers[i], hello, sizeof(hello), MSG_NOSIGNAL);
}

/* Send bytes with descriptors attached, which the server must close. */
static void say_with_descriptor(uint32_t i)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	char byte = (char)0xff;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};

	memcpy(CMSG_DATA(&control.head), &(int){0}, sizeof(int));
	if (world.peers[i] >= 0)
		(void)sendmsg(world.peers[i], &message, MSG_NOSIGNAL);
}

/* Read an answer, which is complete or missing. */
static void read_answer(uint32_t i)
{
	static uint8_t bytes[ANSWER_SIZE];
	int32_t error;

	if (world.peers[i] < 0)
		return;
	ssize_t size = recv(world.peers[i], bytes, sizeof(bytes), MSG_DONTWAIT);
	if (size <= 1) /* no answer, or a wake-up byte */
		return;
	FUZZ_CHECK(size == (ssize_t)sizeof(bytes));
	memcpy(&error, bytes + 16, sizeof(error));
	FUZZ_CHECK(error <= 0);
	FUZZ_CHECK((error == 0) == (bytes[40] != 0));
}

static void hang_up(uint32_t i)
{
	if (world.peers[i] >= 0)
		close(world.peers[i]);
	world.peers[i] = -1;
}

static void step(struct script *script)
{
	uint8_t what = script_u8(script);
	uint32_t i = what & 3;

	switch (what >> 2 & 15) {
	case 0:
	case 1:
		call_in(i);
		break;
	case 2:
	case 3:
		say_hello(i, script);
		break;
	case 4:
		say_bytes(i, script, 0);
		break;
	case 5:
		say_bytes(i, script, MSG_OOB);
		break;
	case 6:
		say_with_descriptor(i);
		break;
	case 7:
		hang_up(i);
		break;
	case 8:
		if (world.peers[i] >= 0)
			(void)shutdown(world.peers[i], (what >> 6) % 3);
		break;
	case 9:
		read_answer(i);
		break;
	case 10:
		world.verdict = (what & 0x40) != 0 ? -EACCES : 0;
		break;
	case 11:
		time_ns += UINT64_C(4000000000);
		break;
	case 12:
		qbs_server_rate(world.server, (enum qbs_rate)(what & 3));
		break;
	default:
		settle();
	}
	FUZZ_CHECK(qbs_host_handshakes(world.host) <= QBS_HANDSHAKES_MAX);
}

/* --- a run --- */

static uint64_t count_entries(const char *folder, const char *prefix)
{
	DIR *dir = opendir(folder);
	uint64_t count = 0;

	FUZZ_CHECK(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct qbs_loop loop = {.now_ns = now_ns, .add = add, .mod = mod, .del = del};
	struct script script = {.at = data, .left = size};
	char files[32];

	world.baseline = count_entries("/proc/self/fd", "");
	snprintf(world.name, sizeof(world.name), "fuzz-%d", (int)getpid());
	snprintf(files, sizeof(files), "qb-%d-", (int)getpid());
	/* A process with the same id that was killed may have left files behind. */
	const uint64_t left = count_entries("/dev/shm", files);

	world.verdict = 0;
	world.host = qbs_host_create(&loop);
	FUZZ_CHECK(world.host != NULL);
	enum qbs_type type = (script_u8(&script) & 1) != 0 ? QBS_TYPE_SOCKET : QBS_TYPE_NATIVE;
	FUZZ_CHECK(qbs_server_open(&world.server, world.host, world.name, type, &handlers, NULL) == 0);
	for (uint32_t i = 0; i < PEERS; i++)
		world.peers[i] = -1;
	while (script.left > 0)
		step(&script);
	settle();
	for (uint32_t i = 0; i < PEERS; i++)
		hang_up(i);
	qbs_server_rate(world.server, QBS_RATE_NORMAL);
	settle();
	FUZZ_CHECK(qbs_host_handshakes(world.host) == 0);
	FUZZ_CHECK(world.created == 0);
	FUZZ_CHECK(world.alive == 0);
	qbs_server_close(world.server);
	qbs_host_destroy(world.host);
	FUZZ_CHECK(count_entries("/proc/self/fd", "") == world.baseline);
	FUZZ_CHECK(count_entries("/dev/shm", files) == left);
	return 0;
}
