/* SPDX-License-Identifier: BSD-3-Clause */
/* Which users' processes are trusted as the daemon, and what a client does when another process listens. */
#include "services/client/daemon_user.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "services/client/channel.h"
#include "tests/suite.h"
#include "tests/unit/services/client/fake_daemon.h"

#define SERVICE "unitowner"
#define STRANGER 65534u
#define OTHER 61004u

static bool is_root(void)
{
	unsigned int inside, outside, count = 0;
	FILE *map = fopen("/proc/self/uid_map", "re");

	if (map != NULL) {
		if (fscanf(map, "%u %u %u", &inside, &outside, &count) != 3)
			count = 0;
		fclose(map);
	}
	return geteuid() == 0 && count > STRANGER;
}

static int32_t echo(qb_ipcs_connection_t *connection, void *request, size_t size)
{
	struct qb_ipc_response_header response;

	(void)request, (void)size;
	fake_daemon_answer(connection, &response, sizeof(response), 0, CS_OK);
	return 0;
}

/* Connect and send a request. @return 0; the error of the connection */
static int ask(void)
{
	struct qb_ipc_request_header request = {.id = 1, .size = sizeof(request)};
	struct qb_ipc_response_header response;
	struct channel channel;
	int rc = channel_open(&channel, SERVICE, getenv("COTERIE_INSTANCE"));

	if (rc < 0)
		return rc;
	ck_assert_int_eq(channel_request(&channel, &request, sizeof(request), &response, sizeof(response)), CS_OK);
	channel_close(&channel);
	return 0;
}

/* --- processes that serve at the name --- */

START_TEST(daemon_of_this_user_is_used)
{
	unsetenv("COTERIE_USER");
	pid_t daemon = fake_daemon_start(SERVICE, echo);

	ck_assert_int_eq(ask(), 0);
	fake_daemon_stop(daemon);
}
END_TEST

START_TEST(process_of_another_user_is_not_the_daemon)
{
	if (!is_root())
		return;
	unsetenv("COTERIE_USER");
	pid_t squatter = fake_daemon_start_as(STRANGER, SERVICE, echo);

	ck_assert_int_eq(ask(), -EPERM);
	setenv("COTERIE_USER", "61004", 1);
	ck_assert_int_eq(ask(), -EPERM);
	setenv("COTERIE_USER", "", 1);
	ck_assert_int_eq(ask(), -EPERM);
	fake_daemon_stop(squatter);
}
END_TEST

START_TEST(user_of_the_environment_is_trusted)
{
	if (!is_root())
		return;
	pid_t daemon = fake_daemon_start_as(STRANGER, SERVICE, echo);

	setenv("COTERIE_USER", "65534", 1);
	ck_assert_int_eq(ask(), 0);
	setenv("COTERIE_USER", "nobody", 1);
	ck_assert_int_eq(ask(), 0);
	fake_daemon_stop(daemon);
}
END_TEST

START_TEST(daemon_of_root_is_trusted_by_other_users)
{
	int status;

	if (!is_root())
		return;
	unsetenv("COTERIE_USER");
	ck_assert(daemon_user_is_trusted(0, NULL));
	pid_t user = fork();

	if (user == 0) {
		bool is_good = setresuid(OTHER, OTHER, OTHER) == 0 && daemon_user_is_trusted(0, NULL) &&
			       daemon_user_is_trusted(OTHER, NULL) && !daemon_user_is_trusted(STRANGER, NULL);

		_exit(is_good ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(user, &status, 0), user);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- processes that only listen --- */

/* Listen at the name of the service, and accept no connection. @return the process */
static pid_t listen_only(uid_t uid, int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char byte;
	int ready[2];

	setenv("COTERIE_INSTANCE", "deaf", 1);
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, SERVICE "-deaf");
	ck_assert_int_eq(pipe(ready), 0);
	pid_t squatter = fork();
	if (squatter == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if ((uid != geteuid() && setresuid(uid, uid, uid) < 0) ||
			bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, backlog) < 0)
			_exit(1);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return squatter;
}

START_TEST(silent_process_of_another_user_does_not_hold_a_client)
{
	if (!is_root())
		return;
	unsetenv("COTERIE_USER");
	pid_t squatter = listen_only(STRANGER, 8);

	ck_assert_int_eq(ask(), -EPERM);
	fake_daemon_stop(squatter);
}
END_TEST

START_TEST(full_queue_does_not_hold_a_client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	pid_t squatter = listen_only(is_root() ? STRANGER : geteuid(), 0);

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, SERVICE "-deaf");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(ask(), -EAGAIN);
	close(fd);
	fake_daemon_stop(squatter);
}
END_TEST

/* --- the run-time folder --- */

static void make(char *path, size_t size, const char *folder, const char *name, uid_t uid, mode_t mode)
{
	snprintf(path, size, "%s/%s", folder, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	ck_assert_int_eq(chown(path, uid, (gid_t)-1), 0);
}

START_TEST(owner_of_the_run_time_folder_is_trusted)
{
	char run[] = "/tmp/test_daemon_user.XXXXXX", common[64], own[128];

	if (!is_root())
		return;
	unsetenv("COTERIE_USER");
	ck_assert_ptr_nonnull(mkdtemp(run));
	ck_assert(!daemon_user_is_trusted_in(run, OTHER, NULL));
	make(common, sizeof(common), run, "coterie", OTHER, 0755);
	make(own, sizeof(own), common, "n1", STRANGER, 0700);
	ck_assert(daemon_user_is_trusted_in(run, OTHER, NULL));
	ck_assert(daemon_user_is_trusted_in(run, OTHER, "n1"));
	ck_assert(daemon_user_is_trusted_in(run, STRANGER, "n1"));
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, "n2"));
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, ""));
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, NULL));
	/* Folders that others can write do not show anything. */
	ck_assert_int_eq(chmod(own, 0702), 0);
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, "n1"));
	ck_assert_int_eq(chmod(own, 0700), 0);
	ck_assert_int_eq(chmod(common, 01775), 0);
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, "n1"));
	ck_assert(!daemon_user_is_trusted_in(run, OTHER, NULL));
	ck_assert_int_eq(chmod(common, 0755), 0);
	ck_assert_int_eq(chmod(run, 01777), 0);
	ck_assert(!daemon_user_is_trusted_in(run, OTHER, NULL));
	ck_assert_int_eq(chmod(run, 0755), 0);
	ck_assert_int_eq(chown(run, STRANGER, (gid_t)-1), 0);
	ck_assert(!daemon_user_is_trusted_in(run, OTHER, NULL));
	ck_assert_int_eq(chown(run, 0, (gid_t)-1), 0);
	ck_assert(daemon_user_is_trusted_in(run, OTHER, NULL));
	/* A link has an owner as well, and is no folder. */
	ck_assert_int_eq(rmdir(own), 0);
	ck_assert_int_eq(symlink("/", own), 0);
	ck_assert_int_eq(lchown(own, STRANGER, (gid_t)-1), 0);
	ck_assert(!daemon_user_is_trusted_in(run, STRANGER, "n1"));
	ck_assert_int_eq(unlink(own), 0);
	ck_assert_int_eq(rmdir(common), 0);
	ck_assert_int_eq(rmdir(run), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon_user");
	TCase *tcase = tcase_create("daemon_user");

	tcase_add_test(tcase, daemon_of_this_user_is_used);
	tcase_add_test(tcase, process_of_another_user_is_not_the_daemon);
	tcase_add_test(tcase, user_of_the_environment_is_trusted);
	tcase_add_test(tcase, daemon_of_root_is_trusted_by_other_users);
	tcase_add_test(tcase, silent_process_of_another_user_does_not_hold_a_client);
	tcase_add_test(tcase, full_queue_does_not_hold_a_client);
	tcase_add_test(tcase, owner_of_the_run_time_folder_is_trusted);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
