/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/ipc/: which clients may connect. */
#include "ipc_case.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/map/map.h"

static int play_refused(void)
{
	wait_for_go();
	MUST(connect_client() == NULL && errno == EAGAIN);
	return 0;
}

START_TEST(nobody_comes_in_before_the_first_synchronisation)
{
	ck_assert_int_eq(ipc_server_open(f.node.ipc, &f.plugin), 0);
	let_go();
	play(play_refused);
	ck_assert_uint_eq(f.joins, 0);
	ipc_ready(f.node.ipc);
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
} access_rows[] = {{"uidgid.none", COTERIE_MAP_U8, 1, false}, {"uidgid.uid.1234", COTERIE_MAP_U8, 1, true},
	{"uidgid.config.uid.1234", COTERIE_MAP_U8, 1, true}, {"uidgid.gid.4321", COTERIE_MAP_U8, 1, true},
	{"uidgid.config.gid.4321", COTERIE_MAP_U8, 1, true}, {"uidgid.uid.1234", COTERIE_MAP_U8, 2, false},
	{"uidgid.uid.1234", COTERIE_MAP_U8, 0, false}, {"uidgid.uid.1234", COTERIE_MAP_U32, 1, false},
	{"uidgid.uid.4321", COTERIE_MAP_U8, 1, false}, {"uidgid.gid.1234", COTERIE_MAP_U8, 1, false}};

START_TEST(access_by_uid_and_gid)
{
	uint32_t value = access_rows[_i].value;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, access_rows[_i].key, access_rows[_i].type, &value,
		access_rows[_i].type == COTERIE_MAP_U8 ? 1 : 4);
	int status = serve(start_client(play_as_1234));
	ck_assert_msg(status == (access_rows[_i].is_permitted ? 0 : 77 << 8), "%s = %u: status %#x",
		access_rows[_i].key, value, status);
	ck_assert_uint_eq(f.joins, access_rows[_i].is_permitted);
	ck_assert_int_eq(
		exec_stub_has_logged("MAIN 3 Denied connection attempt from 1234:4321"), !access_rows[_i].is_permitted);
	ck_assert_uint_eq(f.node.ipc->denied, !access_rows[_i].is_permitted);
}
END_TEST

/* --- rights --- */

static const struct {
	const char *name;
	const char *keys[2][2]; /* key and value of the block access */
	const char *permit;     /* a key of the section uidgid; NULL: none */
	uint32_t right;         /* 0: the connection is refused */
} right_rows[] = {
	{"none", {{"coterie.access.observers.uid.4321", "yes"}}, NULL, 0},
	{"uidgid gives use", {{NULL}}, "uidgid.uid.1234", COTERIE_RIGHT_USE},
	{"uidgid of the file", {{NULL}}, "uidgid.config.gid.4321", COTERIE_RIGHT_USE},
	{"administrator", {{"coterie.access.administrators.uid.1234", "yes"}}, NULL, COTERIE_RIGHT_ADMINISTER},
	{"administrators' group", {{"coterie.access.administrators.gid.4321", "yes"}}, NULL, COTERIE_RIGHT_ADMINISTER},
	{"a gid is no uid", {{"coterie.access.administrators.gid.1234", "yes"}}, NULL, 0},
	{"another value", {{"coterie.access.administrators.uid.1234", "no"}}, NULL, 0},
	{"observer", {{"coterie.access.observers.uid.1234", "yes"}}, NULL, COTERIE_RIGHT_OBSERVE},
	{"observers' group", {{"coterie.access.observers.gid.4321", "yes"}}, NULL, COTERIE_RIGHT_OBSERVE},
	{"the largest counts", {{"coterie.access.observers.uid.1234", "yes"}}, "uidgid.uid.1234", COTERIE_RIGHT_USE},
	{"of all three",
		{{"coterie.access.observers.uid.1234", "yes"}, {"coterie.access.administrators.gid.4321", "yes"}},
		"uidgid.uid.1234", COTERIE_RIGHT_ADMINISTER},
};

static int error_of(qb_ipcc_connection_t *c, int32_t id, uint32_t value)
{
	struct req req = make(id, value);
	struct res res;

	return call(c, &req, &res) == 24 ? res.header.error : -1;
}

/* Exit with the right that the daemon's answers prove. */
static int play_rights(void)
{
	static const int32_t ids[] = {
		[COTERIE_RIGHT_OBSERVE] = REQ_OBSERVE,
		[COTERIE_RIGHT_USE] = REQ_USE,
		[COTERIE_RIGHT_ADMINISTER] = REQ_ADMINISTER,
	};
	uint32_t right = 0;

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	qb_ipcc_connection_t *c = connect_client();
	if (c == NULL)
		_exit(50);
	for (uint32_t i = COTERIE_RIGHT_OBSERVE; i <= COTERIE_RIGHT_ADMINISTER; i++) {
		int by_flag = error_of(c, ids[i], 0), by_call = error_of(c, REQ_MAY, i);

		MUST(by_flag == IPC_OK || by_flag == IPC_ACCESS);
		MUST(by_flag == by_call);
		MUST(by_flag == IPC_ACCESS || right == i - 1);
		if (by_flag == IPC_OK)
			right = i;
	}
	MUST(error_of(c, REQ_MAY, 0) == IPC_INVALID_PARAM && error_of(c, REQ_MAY, 4) == IPC_INVALID_PARAM);
	_exit(50 + (int)right);
}

START_TEST(rights_by_uid_and_gid)
{
	uint8_t one = 1;
	uint32_t right = right_rows[_i].right;

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < 2 && right_rows[_i].keys[i][0] != NULL; i++)
		map_set_string(f.node.map, right_rows[_i].keys[i][0], right_rows[_i].keys[i][1]);
	if (right_rows[_i].permit != NULL)
		map_set(f.node.map, right_rows[_i].permit, COTERIE_MAP_U8, &one, 1);
	int status = serve(start_client(play_rights));
	ck_assert_msg(status == (int)(50 + right) << 8, "%s: status %#x", right_rows[_i].name, status);
	ck_assert_uint_eq(f.node.ipc->refused, right == 0 ? 0 : 2 * (3 - right));
	ck_assert_uint_eq(f.handled, right);
}
END_TEST

static int play_flood(void)
{
	struct req silent = make(REQ_SILENT, 0);

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	qb_ipcc_connection_t *c = connect_client();
	MUST(c != NULL);
	for (int i = 0; i < 100; i++)
		MUST(error_of(c, REQ_ADMINISTER, 0) == IPC_ACCESS);
	MUST(qb_ipcc_send(c, &silent, sizeof(silent)) == sizeof(silent));
	MUST(error_of(c, REQ_USE, 0) == IPC_OK);
	return 0;
}

START_TEST(refusals_are_counted_and_logged_at_a_limited_rate)
{
	uint8_t one = 1;
	const char *line = "Refused request 32 from process ";
	int lines = 0;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, "uidgid.uid.1234", COTERIE_MAP_U8, &one, 1);
	play(play_flood);
	ck_assert_uint_eq(f.node.ipc->refused, 101);
	ck_assert_uint_eq(f.handled, 1);
	ck_assert(exec_stub_has_logged("of user 1234:4321 at service unittest"));
	ck_assert(exec_stub_has_logged("it needs the right to administer, and the client may only use"));
	for (const char *at = exec_stub.log; (at = strstr(at, line)) != NULL; at++)
		lines++;
	ck_assert_int_gt(lines, 0);
	ck_assert_int_le(lines, 10);
}
END_TEST

static int play_asked(void)
{
	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	qb_ipcc_connection_t *c = connect_client();
	MUST(c != NULL);
	MUST(error_of(c, REQ_ASK, COTERIE_RIGHT_ADMINISTER) == IPC_OK);
	MUST(error_of(c, REQ_FAIL, EACCES) == IPC_ACCESS); /* a handler has other reasons as well */
	MUST(error_of(c, REQ_MAY, COTERIE_RIGHT_USE) == IPC_OK);
	return 0;
}

/* The store kv asks which clients are administrators. Each other client was counted and logged as refused. */
START_TEST(a_question_for_a_right_is_no_refusal)
{
	uint8_t one = 1;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, "uidgid.uid.1234", COTERIE_MAP_U8, &one, 1);
	play(play_asked);
	ck_assert_uint_eq(f.node.ipc->refused, 0);
	ck_assert(!exec_stub_has_logged("Refused request"));
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
	ck_assert_int_eq(set_descriptors((rlim_t)next + 2 + 7), 0); /* accept() and the test take two, so 7 are left */
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
	ck_assert_uint_eq(f.node.ipc->active, 0);
	ck_assert_ptr_null(f.plugin.ipc->clients);
}
END_TEST

#define SILENT_PEERS 200

/* Connect to the socket, and send nothing. @return descriptor */
static int connect_silently(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(f.name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	MUST(fd >= 0);
	memcpy(address.sun_path + 1, f.name, length);
	/* libqb pads the name with zeros to the full length */
	MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
		connect(fd, (struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) == 0);
	return fd;
}

/* Retry: the socket's backlog is full until the server has accepted most of the silent peers. */
static int come_in(void)
{
	qb_ipcc_connection_t *c = connect_client();

	for (int i = 0; i < 5000 && c == NULL && errno == EAGAIN; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		c = connect_client();
	}
	MUST(c != NULL);
	qb_ipcc_disconnect(c);
	return 0;
}

static int play_silent(void)
{
	for (int i = 0; i < SILENT_PEERS; i++)
		(void)connect_silently();
	return come_in();
}

static bool is_ended(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

/*
 * Connect as a user without a right, again and again, until the server has ended all these connections but those that it
 * bears of all users together. One of them is the caller's.
 */
static int flood_as_1234(void)
{
	int fds[SILENT_PEERS], ended = 0;

	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	for (int i = 0; i < SILENT_PEERS; i++)
		fds[i] = connect_silently();
	for (int tries = 0; tries < 5000 && ended < SILENT_PEERS + 1 - (int)QBS_HANDSHAKES_MAX; tries++) {
		ended = 0;
		for (int i = 0; i < SILENT_PEERS; i++)
			ended += is_ended(fds[i]);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	MUST(ended == SILENT_PEERS + 1 - (int)QBS_HANDSHAKES_MAX);
	return 0;
}

/* The oldest silent peer of all is root's. It must remain when another user connects too often, and may go on then. */
static int play_flooded(void)
{
	const int32_t hello[6] = {-1, 0, 24, 0, 0, 0};
	int32_t answer[2] = {0, 0};
	int fd = connect_silently(), status;
	pid_t other = fork();

	MUST(other >= 0);
	if (other == 0)
		_exit(flood_as_1234() == 0 ? 0 : 1);
	MUST(waitpid(other, &status, 0) == other && status == 0);
	MUST(!is_ended(fd));
	MUST(send(fd, hello, sizeof(hello), 0) == sizeof(hello));
	MUST(recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer));
	return 0;
}

START_TEST(silent_peers_are_few)
{
	play(play_silent);
	ck_assert_uint_eq(f.joins, 1);
	ck_assert_uint_eq(qbs_host_handshakes(f.node.ipc->host), 0);
}
END_TEST

START_TEST(silent_peers_of_one_user_do_not_displace_those_of_another)
{
	if (geteuid() != 0)
		return;
	play(play_flooded);
	RUN_UNTIL(qbs_host_handshakes(f.node.ipc->host) == 0);
	ck_assert_uint_eq(qbs_host_handshakes(f.node.ipc->host), 0);
}
END_TEST

static int play_hoarder(uint32_t share)
{
	qb_ipcc_connection_t *c = NULL;

	for (uint32_t i = 0; i < share; i++) {
		c = connect_client();
		MUST(c != NULL);
	}
	MUST(connect_client() == NULL && errno == EAGAIN);
	/* A client that disconnects makes room for another one. */
	qb_ipcc_disconnect(c);
	for (int i = 0; i < 1000 && (c = connect_client()) == NULL; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	MUST(c != NULL);
	MUST(connect_client() == NULL && errno == EAGAIN);
	let_go();
	pause();
	return 0;
}

static int play_user_hoards(void)
{
	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	return play_hoarder(IPC_CONNECTIONS_OF_USER);
}

static int play_observer_hoards(void)
{
	MUST(setgid(4321) == 0 && setuid(1234) == 0);
	return play_hoarder(IPC_CONNECTIONS_OF_OBSERVER);
}

static int play_another(void)
{
	wait_for_go();
	return play_echo();
}

static int play_another_user(void)
{
	wait_for_go();
	MUST(setgid(4321) == 0 && setuid(1235) == 0);
	return play_echo();
}

static const struct {
	part hoarder, other;
	const char *key; /* key of the block access by which the client with many connections gets its right */
} share_rows[] = {
	{play_user_hoards, play_another, "uidgid.uid.1234"},
	{play_user_hoards, play_another_user, "uidgid.uid.1234"},
	{play_observer_hoards, play_another, "coterie.access.observers.uid.1234"},
};

START_TEST(each_user_has_a_share_of_connections)
{
	bool is_observer = strcmp(share_rows[_i].key, "uidgid.uid.1234") != 0;
	uint8_t one = 1;

	if (geteuid() != 0)
		return;
	map_set(f.node.map, share_rows[_i].key, is_observer ? COTERIE_MAP_STRING : COTERIE_MAP_U8,
		is_observer ? (const void *)"yes" : &one, is_observer ? 4 : 1);
	map_set(f.node.map, "uidgid.uid.1235", COTERIE_MAP_U8, &one, 1);
	pid_t hoarder = start_client(share_rows[_i].hoarder);
	ck_assert_int_eq(serve(start_client(share_rows[_i].other)), 0);
	kill(hoarder, SIGKILL);
	ck_assert(WIFSIGNALED(serve(hoarder)));
	RUN_UNTIL(f.node.ipc->active == 0);
	ck_assert_uint_eq(f.node.ipc->active, 0);
	ck_assert_int_eq(exec_stub_count_logged("as many as one user may have"), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipc_access");
	TCase *closed = ipc_case_add(suite, "closed at first", false);
	TCase *open = ipc_case_add(suite, "open", true);

	tcase_add_test(closed, nobody_comes_in_before_the_first_synchronisation);
	tcase_add_loop_test(open, access_by_uid_and_gid, 0, ROWS(access_rows));
	tcase_add_loop_test(open, rights_by_uid_and_gid, 0, ROWS(right_rows));
	tcase_add_loop_test(open, each_user_has_a_share_of_connections, 0, ROWS(share_rows));
	tcase_add_test(open, refusals_are_counted_and_logged_at_a_limited_rate);
	tcase_add_test(open, a_question_for_a_right_is_no_refusal);
	tcase_add_test(open, some_descriptors_stay_with_the_daemon);
	tcase_add_test(open, the_service_may_refuse);
	tcase_add_test(open, silent_peers_are_few);
	tcase_add_test(open, silent_peers_of_one_user_do_not_displace_those_of_another);
	return suite_run(suite);
}
