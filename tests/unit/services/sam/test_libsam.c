/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor of libsam, without a daemon: the test replaces quorum and the map. The child is a process
 * that sleeps, and the test writes its messages.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/sam/lib/message.h"
#include "services/sam/lib/report.h"
#include "services/sam/lib/supervisor.h"
#include "tests/suite.h"

static struct process process;
static pid_t child;
static int ours, theirs; /* the child's end and the supervisor's end of the socket */
static pthread_t thread;
static enum supervisor_outcome outcome;
static atomic_bool is_over;
static int quorum_pipe[2]; /* pipe of the replaced libquorum: with a byte in it dispatch has an event */

/* --- quorum and the map --- */

static bool quorum_is_lost;
static int connections;
static char states[512]; /* values to which the key `state` was set, in order */
static int signs;        /* how often last_updated was set */
static cs_error_t map_says;

cs_error_t quorum_dispatch(quorum_handle_t handle, cs_dispatch_flags_t type)
{
	char verdict;

	(void)handle, (void)type;
	if (quorum_is_lost)
		return CS_ERR_LIBRARY;
	if (read(quorum_pipe[0], &verdict, 1) == 1)
		process.is_quorate = verdict == 'y';
	return CS_OK;
}

cs_error_t quorum_finalize(quorum_handle_t handle)
{
	(void)handle;
	return CS_OK;
}

cs_error_t process_quorum_open(struct process *which)
{
	connections++;
	if (quorum_is_lost)
		return CS_ERR_LIBRARY;
	which->quorum_fd = quorum_pipe[0];
	return CS_OK;
}

cs_error_t cmap_initialize(cmap_handle_t *handle)
{
	*handle = 1;
	connections++;
	return map_says;
}

cs_error_t cmap_finalize(cmap_handle_t handle)
{
	(void)handle;
	return CS_OK;
}

cs_error_t cmap_set_string(cmap_handle_t handle, const char *key, const char *value)
{
	(void)handle;
	if (map_says == CS_OK && strstr(key, ".state") != NULL) {
		strcat(states, value);
		strcat(states, " ");
	}
	return map_says;
}

cs_error_t cmap_set_uint64(cmap_handle_t handle, const char *key, uint64_t value)
{
	(void)handle, (void)value;
	if (map_says == CS_OK && strstr(key, ".last_updated") != NULL)
		signs++;
	return map_says;
}

cs_error_t cmap_delete(cmap_handle_t handle, const char *key)
{
	(void)handle, (void)key;
	return map_says;
}

/* --- fixture --- */

static void *run(void *argument)
{
	(void)argument;
	outcome = supervise(&process, child, theirs);
	atomic_store(&is_over, true);
	return NULL;
}

static void begin(int interval_ms, bool follows_quorum, bool keeps_keys)
{
	int ends[2];

	process = (struct process){.policy = SAM_RECOVERY_POLICY_RESTART,
		.interval_ms = interval_ms,
		.warn_signal = SIGUSR1,
		.follows_quorum = follows_quorum,
		.keeps_keys = keeps_keys,
		.quorum_fd = -1};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ours = ends[0];
	theirs = ends[1];
	ck_assert_int_eq(pipe(quorum_pipe), 0);
	if (follows_quorum)
		process.quorum_fd = quorum_pipe[0];
	signal(SIGUSR1, SIG_IGN); /* the child ignores this signal from its start */
	child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL); /* libcheck has set a handler */
		close(ours);
		close(theirs);
		for (;;)
			pause();
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
}

/* Wait until the supervisor has ended. @return the signal that ended the child, or 0 */
static int end(enum supervisor_outcome want)
{
	int status;

	pthread_join(thread, NULL);
	ck_assert_int_eq(outcome, want);
	kill(child, SIGTERM);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	free(process.data.bytes);
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM ? WTERMSIG(status) : 0;
}

static void say(enum sam_command command, uint64_t size, const void *body, size_t body_size)
{
	struct sam_message message = {.command = command, .size = size, .signal = SIGUSR2};

	ck_assert_int_eq(message_write(ours, &message, sizeof(message), MSG_NOSIGNAL), 0);
	ck_assert_int_eq(message_write(ours, body, body_size, MSG_NOSIGNAL), 0);
}

static cs_error_t answered(void)
{
	struct sam_answer answer;

	ck_assert_int_eq(message_read(ours, &answer, sizeof(answer)), 0);
	return (cs_error_t)answer.error;
}

static cs_error_t ask(enum sam_command command)
{
	say(command, 0, NULL, 0);
	return answered();
}

static bool is_silent(void)
{
	struct pollfd pollfd = {.fd = ours, .events = POLLIN};

	return poll(&pollfd, 1, 50) == 0;
}

static void verdict(char is_quorate) { ck_assert_int_eq(write(quorum_pipe[1], &is_quorate, 1), 1); }

/* --- tests --- */

START_TEST(an_end_is_planned_or_not)
{
	begin(0, false, false);
	if (_i == 1)
		ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	close(ours);
	ck_assert_int_eq(end(_i == 1 ? SUPERVISOR_RECOVER : SUPERVISOR_QUIT), 0);
}
END_TEST

START_TEST(a_command_that_is_none_ends_the_child)
{
	begin(0, false, false);
	say((enum sam_command)(_i == 0 ? 0 : 99), 0, NULL, 0);
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), SIGKILL);
}
END_TEST

START_TEST(half_a_message_does_not_stop_the_clock)
{
	struct sam_message message = {.command = SAM_COMMAND_DATA_STORE, .size = 100};

	begin(50, false, false);
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	message_write(ours, &message, _i == 0 ? 3 : sizeof(message), 0);
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), SIGKILL);
}
END_TEST

START_TEST(data_there_is_no_memory_for_is_read_and_refused)
{
	uint8_t *bytes = calloc(1, 100000);

	begin(0, false, false);
	say(SAM_COMMAND_DATA_STORE, 100000, bytes, 100000);
	ck_assert_int_eq(answered(), CS_OK);
	ck_assert_uint_eq(process.data.size, 100000);
	/* The size is impossible. The supervisor reads bytes until the connection ends. */
	say(SAM_COMMAND_DATA_STORE, UINT64_MAX / 2, bytes, 100000);
	ck_assert(is_silent());
	close(ours);
	ck_assert_int_eq(end(SUPERVISOR_QUIT), 0);
	free(bytes);
}
END_TEST

START_TEST(silence_is_warned_of_then_punished)
{
	begin(50, false, true);
	ck_assert_int_eq(ask(SAM_COMMAND_WARN_SIGNAL), CS_OK);
	ck_assert_int_eq(process.warn_signal, SIGUSR2);
	process.warn_signal = SIGUSR1;
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	for (int i = 0; i < 10; i++) {
		say(SAM_COMMAND_ALIVE, 0, NULL, 0);
		poll(NULL, 0, 10);
	}
	ck_assert_int_eq(ask(SAM_COMMAND_STOP), CS_OK);
	ck_assert(is_silent());
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), SIGKILL);
	ck_assert_str_eq(states, "running stopped running ");
}
END_TEST

START_TEST(a_start_waits_for_quorum)
{
	begin(0, true, true);
	say(SAM_COMMAND_START, 0, NULL, 0);
	ck_assert(is_silent());
	verdict('n');
	ck_assert(is_silent());
	int before = signs;
	verdict('y');
	ck_assert_int_eq(answered(), CS_OK);
	ck_assert_int_gt(signs, before); /* the wait was no silence */
	ck_assert(is_silent());          /* there was only one answer */
	ck_assert_int_eq(ask(SAM_COMMAND_STOP), CS_OK);
	ck_assert_str_eq(states, "waiting for quorum running stopped ");
	verdict('n'); /* no effect, since the supervision is stopped */
	ck_assert(is_silent());
	close(ours);
	ck_assert_int_eq(end(SUPERVISOR_QUIT), 0);
}
END_TEST

START_TEST(quorum_that_is_lost_twice_ends_the_child)
{
	begin(0, true, false);
	process.is_quorate = true;
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	verdict('n');
	ck_assert(is_silent());
	ck_assert_int_eq(kill(child, 0), 0);
	verdict('n');
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), SIGKILL);
}
END_TEST

/* If the recovery has an interval, the child has that long to end. Heartbeats do not prolong this time. */
START_TEST(a_connection_to_quorum_that_is_lost_ends_the_child)
{
	begin(_i == 0 ? 0 : 100, true, false);
	process.is_quorate = true;
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	quorum_is_lost = true;
	verdict('?');
	for (int i = 0; i < 1000 && !atomic_load(&is_over); i++) {
		struct sam_message alive = {.command = SAM_COMMAND_ALIVE};

		message_write(ours, &alive, sizeof(alive), MSG_NOSIGNAL);
		poll(NULL, 0, 10);
	}
	ck_assert(atomic_load(&is_over));
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), SIGKILL);
}
END_TEST

START_TEST(a_connection_lost_while_waiting_is_told_and_made_anew)
{
	begin(0, true, false);
	say(SAM_COMMAND_START, 0, NULL, 0);
	ck_assert(is_silent());
	quorum_is_lost = true;
	verdict('?');
	ck_assert_int_eq(answered(), CS_ERR_LIBRARY);
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_ERR_LIBRARY);
	ck_assert_int_eq(connections, 1);
	quorum_is_lost = false;
	process.is_quorate = true;
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	ck_assert_int_eq(connections, 2);
	close(ours);
	ck_assert_int_eq(end(SUPERVISOR_RECOVER), 0);
}
END_TEST

START_TEST(a_map_that_is_gone_is_told_and_connected_to_anew)
{
	begin(0, false, true);
	ck_assert_int_eq(ask(SAM_COMMAND_START), CS_OK);
	map_says = CS_ERR_LIBRARY;
	ck_assert_int_eq(ask(SAM_COMMAND_STOP), CS_ERR_LIBRARY);
	map_says = CS_OK;
	/* The first stop had no effect. The second one connects to the map again, and succeeds. */
	ck_assert_int_eq(ask(SAM_COMMAND_STOP), CS_OK);
	ck_assert_str_eq(states, "running stopped ");
	close(ours);
	ck_assert_int_eq(end(SUPERVISOR_QUIT), 0);
}
END_TEST

START_TEST(a_child_marked_as_failed_is_given_up)
{
	begin(0, false, true);
	say(SAM_COMMAND_MARK_FAILED, 0, NULL, 0);
	ck_assert_int_eq(end(SUPERVISOR_GIVE_UP), SIGKILL);
}
END_TEST

static void set_up(void)
{
	quorum_is_lost = false;
	connections = 0;
	*states = '\0';
	map_says = CS_OK;
}

int main(void)
{
	Suite *suite = suite_create("libsam");
	TCase *tests = tcase_create("supervisor");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_loop_test(tests, an_end_is_planned_or_not, 0, 2);
	tcase_add_loop_test(tests, a_command_that_is_none_ends_the_child, 0, 2);
	tcase_add_loop_test(tests, half_a_message_does_not_stop_the_clock, 0, 2);
	tcase_add_test(tests, data_there_is_no_memory_for_is_read_and_refused);
	tcase_add_test(tests, silence_is_warned_of_then_punished);
	tcase_add_test(tests, a_start_waits_for_quorum);
	tcase_add_test(tests, quorum_that_is_lost_twice_ends_the_child);
	tcase_add_loop_test(tests, a_connection_to_quorum_that_is_lost_ends_the_child, 0, 2);
	tcase_add_test(tests, a_connection_lost_while_waiting_is_told_and_made_anew);
	tcase_add_test(tests, a_map_that_is_gone_is_told_and_connected_to_anew);
	tcase_add_test(tests, a_child_marked_as_failed_is_given_up);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
