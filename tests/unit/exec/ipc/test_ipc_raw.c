/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/qb and exec/ipc/: clients that use the protocol without libqb and in other ways than libqb. */
#include "ipc_case.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "exec/map/map.h"

#define ANSWER_SIZE 12328
#define ANSWER_ERROR 16 /* offset of the error in an answer, in bytes */
#define ANSWER_REQUEST 40

static uint8_t answer[ANSWER_SIZE];

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, f.name, strlen(f.name));
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static bool say_hello(int fd)
{
	const int32_t hello[6] = {-1, 0, 24, 0, 0, 0};

	return send(fd, hello, sizeof(hello), 0) == sizeof(hello);
}

/* Read an answer. @return its error; 1: it is incomplete */
static int read_answer(int fd)
{
	int32_t error;

	if (recv(fd, answer, sizeof(answer), MSG_WAITALL) != sizeof(answer))
		return 1;
	memcpy(&error, answer + ANSWER_ERROR, sizeof(error));
	return error;
}

static int play_hello_and_exit(void)
{
	int fd = connect_raw();

	MUST(fd >= 0 && say_hello(fd));
	return 0;
}

/* The server finds that the client has closed the connection directly after the first message. */
START_TEST(a_client_that_exits_before_its_answer_was_never_there)
{
	int status;
	pid_t pid = start_client(play_hello_and_exit);

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	run_for_ms(100);
	ck_assert_uint_eq(f.joins, 0);
	ck_assert_uint_eq(f.leaves, 0);
	ck_assert_uint_eq(f.node.ipc->active, 0);
	ck_assert_ptr_null(f.plugin.ipc->clients);
	ck_assert(!exec_stub_has_logged("damaged"));
	play(play_echo);
}
END_TEST

static int play_urgent(void)
{
	int fd = connect_raw();

	MUST(fd >= 0 && say_hello(fd) && read_answer(fd) == 0);
	/* FIONREAD counts an urgent byte as long as the stream is open, so this byte may hide the end of the stream. */
	MUST(send(fd, "x", 1, MSG_OOB) == 1 || errno == EOPNOTSUPP);
	MUST(shutdown(fd, SHUT_WR) == 0);
	MUST(recv(fd, answer, 1, 0) == 0);
	return 0;
}

START_TEST(half_a_hang_up_behind_an_urgent_byte_ends_the_connection)
{
	play(play_urgent);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert_ptr_null(f.plugin.ipc->clients);
}
END_TEST

#define LAST_REQUESTS 6000

static int play_too_many_last(void)
{
	static const uint8_t bells[LAST_REQUESTS];
	qb_ipcc_connection_t *c = qb_ipcc_connect(f.name, 1 << 20);
	struct req req = make(REQ_SEND, 0);
	int fd;

	MUST(c != NULL && qb_ipcc_fd_get(c, &fd) == 0);
	wait_for_go();
	is_mute = true;
	for (uint32_t i = 0; i < LAST_REQUESTS; i++)
		MUST(qb_ipcc_send(c, &req, sizeof(req)) == sizeof(req));
	is_mute = false;
	MUST(send(fd, bells, sizeof(bells), 0) == sizeof(bells));
	_exit(0);
}

/*
 * The number of last requests that are read is limited. A library never has that many under way, since it waits for
 * room in the stream.
 */
START_TEST(what_a_client_leaves_behind_is_bounded)
{
	int status;
	pid_t pid = start_client(play_too_many_last);

	RUN_UNTIL(f.joins == 1);
	run_for_ms(200);
	let_go();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	RUN_UNTIL(f.leaves == 1);
	ck_assert_uint_ge(f.handled, 1024);
	ck_assert_uint_le(f.handled, 4096);
}
END_TEST

static int play_no_descriptor(void)
{
	int fd = connect_raw();

	MUST(fd >= 0);
	MUST(recv(fd, answer, 1, 0) <= 0);
	return 0;
}

/*
 * A caller for whom no descriptor is left must be disconnected. Otherwise it would stay in the kernel's queue, and the
 * loop would never sleep.
 */
START_TEST(a_caller_without_a_descriptor_is_turned_away)
{
	struct rlimit limit;
	pid_t pid = start_client(play_no_descriptor);
	int next = dup(0);

	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	/* One descriptor is left for serve(). */
	const struct rlimit none = {.rlim_cur = (rlim_t)next + 1, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int status = serve(pid);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(status, 0);
	play(play_echo);
}
END_TEST

/* Make a connection as another user the standard error of a program of root, which writes to it. */
static int play_borrowed_voice(void)
{
	MUST(setresgid(0, 4321, 0) == 0 && setresuid(0, 1234, 0) == 0);
	int fd = connect_raw();
	MUST(setresuid(0, 0, 0) == 0 && setresgid(0, 0, 0) == 0);
	MUST(fd >= 0 && say_hello(fd));
	MUST(read_answer(fd) == -EACCES);
	return 0;
}

START_TEST(roots_first_message_on_a_strangers_connection_is_refused)
{
	if (geteuid() != 0)
		return;
	play(play_borrowed_voice);
	ck_assert_uint_eq(f.joins, 0);
}
END_TEST

static int play_program_of_root(void)
{
	MUST(setresgid(4321, 0, 0) == 0 && setresuid(1234, 0, 0) == 0);
	int fd = connect_raw();
	MUST(fd >= 0 && say_hello(fd));
	MUST(read_answer(fd) == 0);
	wait_for_go();
	return 0;
}

START_TEST(a_program_of_root_has_the_right_of_its_user)
{
	uint8_t one = 1;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, "uidgid.uid.1234", COTERIE_MAP_U8, &one, 1);
	pid_t pid = start_client(play_program_of_root);
	RUN_UNTIL(f.joins == 1);
	ck_assert_uint_eq(f.last->right, COTERIE_RIGHT_USE);
	let_go();
	ck_assert_int_eq(serve(pid), 0);
}
END_TEST

static int play_short_control(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = connect_raw(), end = socket(AF_UNIX, SOCK_DGRAM, 0);
	const char *path = (const char *)answer + ANSWER_REQUEST;
	struct req req = make(REQ_COUNT, 0);

	MUST(fd >= 0 && end >= 0 && say_hello(fd) && read_answer(fd) == 0);
	MUST(truncate(path, 0) == 0);
	const char *name = strrchr(path, '/');
	int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%.*s/qb-%s-request",
		(int)(name - path), path, f.name);
	MUST(length > 0);
	MUST(sendto(end, &req, sizeof(req), 0, (struct sockaddr *)&address, sizeof(address)) == sizeof(req));
	MUST(recv(fd, answer, 1, 0) == 0);
	return 0;
}

START_TEST(a_shorter_control_file_ends_a_connection_of_sockets)
{
	f.config.ipc_type = 0; /* QBS_TYPE_SOCKET */
	open_server();
	play(play_short_control);
	ck_assert_uint_eq(f.leaves, 1);
	ck_assert(exec_stub_has_logged("damaged"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_raw");
	TCase *closed = ipc_case_add(suite, "closed at first", false);
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(closed, a_shorter_control_file_ends_a_connection_of_sockets);
	tcase_add_test(open, a_client_that_exits_before_its_answer_was_never_there);
	tcase_add_test(open, half_a_hang_up_behind_an_urgent_byte_ends_the_connection);
	tcase_add_test(open, what_a_client_leaves_behind_is_bounded);
	tcase_add_test(open, a_caller_without_a_descriptor_is_turned_away);
	tcase_add_test(open, roots_first_message_on_a_strangers_connection_is_refused);
	tcase_add_test(open, a_program_of_root_has_the_right_of_its_user);
	return suite_run(suite);
}
