/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exec/qb/descriptors.c: a client sends a descriptor whose last close takes long. The daemon's copy is the last one. So a
 * read without room for it, or the close of the socket, would take as long as the client wants.
 */
#include "ipc_case.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/closer.h"
#include "exec/qb/private.h"
#include "slow_close.h"

#define TIME_MAX_NS UINT64_C(5000000000) /* far less than SLOW_CLOSE_S */

static const int32_t hello[6] = {-1, 0, 24, 0, 0, 0};
static struct qbs_answer answer;
static int sent[2]; /* pipe: the attacker has sent the descriptor, and closed its own one */

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, f.name, strlen(f.name));
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int open_raw(void)
{
	int fd = connect_raw();

	if (fd < 0 || send(fd, hello, sizeof(hello), 0) != sizeof(hello) ||
		recv(fd, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) || answer.error != 0)
		return -1;
	wait_for_go();
	return fd;
}

/*
 * Send bytes with a slow descriptor. A kernel that can refuses them. Otherwise the daemon ends the connection. Then stay,
 * since the peer of the slow descriptor ends with this process.
 */
static int attack(int fd, int stream, const void *bytes, size_t size)
{
	char byte;

	MUST(fd >= 0);
	bool is_refused = send_slowly(fd, bytes, size) < 0;
	MUST(!is_refused || (errno == EPERM && !is_old_kernel));
	MUST(write(sent[1], "", 1) == 1);
	MUST(is_refused || recv(stream, &byte, 1, 0) <= 0);
	pause();
	return 0;
}

static int play_in_the_first_message(void)
{
	int fd = connect_raw();

	return attack(fd, fd, hello, sizeof(hello));
}

/* The daemon reads some bytes in front of those with the descriptor. */
static int play_in_half_of_it(void)
{
	int fd = connect_raw();

	MUST(fd >= 0 && send(fd, hello, 10, 0) == 10);
	return attack(fd, fd, (const char *)hello + 10, sizeof(hello) - 10);
}

/* Further bytes stay unread when the daemon closes the connection. */
static int play_behind_a_bad_message(void)
{
	const int32_t bad[6] = {-2};
	int fd = connect_raw();

	MUST(fd >= 0 && send(fd, bad, sizeof(bad), 0) == sizeof(bad));
	(void)send_slowly(fd, "", 1);
	MUST(write(sent[1], "", 1) == 1);
	pause();
	return 0;
}

static int play_with_a_wake_up_byte(void)
{
	int fd = open_raw();

	return attack(fd, fd, "", 1);
}

static int play_in_a_datagram(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct req req = make(REQ_COUNT, 0);
	int fd = open_raw(), end = socket(AF_UNIX, SOCK_DGRAM, 0);
	const char *name = strrchr(answer.request, '/');

	MUST(fd >= 0 && end >= 0 && name != NULL);
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%.*s/qb-%s-request", (int)(name - answer.request),
		answer.request, f.name);
	MUST(connect(end, (struct sockaddr *)&address, sizeof(address)) == 0);
	return attack(end, fd, &req, sizeof(req));
}

static const struct {
	part attacker;
	bool is_old_kernel, connects; /* connects: it has a connection before it sends the descriptor */
	enum qbs_type type;
} rows[] = {
	{play_in_the_first_message, false, false, QBS_TYPE_SHM},
	{play_in_the_first_message, true, false, QBS_TYPE_SHM},
	{play_in_half_of_it, false, false, QBS_TYPE_SHM},
	{play_in_half_of_it, true, false, QBS_TYPE_SHM},
	{play_behind_a_bad_message, false, false, QBS_TYPE_SHM},
	{play_behind_a_bad_message, true, false, QBS_TYPE_SHM},
	{play_with_a_wake_up_byte, false, true, QBS_TYPE_SHM},
	{play_with_a_wake_up_byte, true, true, QBS_TYPE_SHM},
	{play_in_a_datagram, false, true, QBS_TYPE_SOCKET},
	{play_in_a_datagram, true, true, QBS_TYPE_SOCKET},
};

static void begin(bool is_old, enum qbs_type type)
{
	is_old_kernel = is_old;
	if (is_old)
		f.node.ipc->host->refuses_descriptors = false;
	f.config.ipc_type = type;
	open_server();
	ck_assert_int_eq(pipe2(sent, O_CLOEXEC), 0);
}

/* Until this returns the loop does not run, so the daemon's copy of the descriptor is the last one. */
static void wait_for_descriptor(void)
{
	char byte;

	ck_assert_int_eq(read(sent[0], &byte, 1), 1);
}

/* The other client is served meanwhile, and nothing waits for the descriptor. */
START_TEST(a_slow_close_does_not_delay_the_loop)
{
	begin(rows[_i].is_old_kernel, rows[_i].type);
	pid_t attacker = start_client(rows[_i].attacker);
	if (rows[_i].connects)
		RUN_UNTIL(f.joins == 1);
	let_go();
	wait_for_descriptor();
	uint64_t begin_ns = loop_now_ns(f.node.loop);
	ck_assert_int_eq(serve(start_client(play_echo)), 0);
	ipc_server_close(f.plugin.ipc);
	ck_assert_uint_lt(loop_now_ns(f.node.loop) - begin_ns, TIME_MAX_NS);
	ck_assert_int_eq(waitpid(attacker, NULL, WNOHANG), 0);
	closer_destroy(f.node.ipc->host->closer);
	f.node.ipc->host->closer = NULL;
	ck_assert_uint_lt(loop_now_ns(f.node.loop) - begin_ns, TIME_MAX_NS);
	kill(attacker, SIGKILL);
	waitpid(attacker, NULL, 0);
}
END_TEST

static int play_in_the_queue(void)
{
	int fd = connect_raw();

	MUST(fd >= 0);
	(void)send_slowly(fd, hello, sizeof(hello));
	MUST(write(sent[1], "", 1) == 1);
	pause();
	return 0;
}

/* The service ends, and a peer that it has not accepted yet has sent a descriptor. */
START_TEST(a_slow_close_does_not_delay_the_end_of_a_service)
{
	begin(_i == 1, QBS_TYPE_SHM);
	pid_t attacker = start_client(play_in_the_queue);
	wait_for_descriptor();
	uint64_t begin_ns = loop_now_ns(f.node.loop);
	ipc_server_close(f.plugin.ipc);
	ck_assert_uint_lt(loop_now_ns(f.node.loop) - begin_ns, TIME_MAX_NS);
	kill(attacker, SIGKILL);
	waitpid(attacker, NULL, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_descriptors");
	TCase *closed = ipc_case_add(suite, "closed at first", false);

	tcase_add_loop_test(closed, a_slow_close_does_not_delay_the_loop, 0, ROWS(rows));
	tcase_add_loop_test(closed, a_slow_close_does_not_delay_the_end_of_a_service, 0, 2);
	return suite_run(suite);
}
