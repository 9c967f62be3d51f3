/*
 * Handles, groups, membership and iteration, with a daemon that runs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cpg_matrix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void errors_as_text(void)
{
	for (int i = -1; i <= 101; i++)
		say("cs_strerror(%d) = %s", i, cs_strerror((cs_error_t)i));
	for (int i = -1; i <= 140; i++)
		say("errno %d: %d, %d", i, (int)qb_to_cs_error(-i), (int)hdb_error_to_cs(-i));
}

static void all_calls_with(cpg_handle_t handle)
{
	struct cpg_name group = name_of("g"), long_name = {.length = 129};
	struct cpg_address members[CPG_MEMBERS_MAX];
	struct cpg_iteration_description_t description;
	struct iovec iov = vector_of("x", 1);
	cpg_iteration_handle_t iteration = 7;
	cpg_flow_control_state_t state = CPG_FLOW_CONTROL_ENABLED;
	uint32_t size = 7;
	unsigned int nodeid = 7;
	int fd = 7, count = 7;
	void *pointer = &fd;

	CALL(cpg_finalize(handle));
	CALL(cpg_fd_get(handle, &fd));
	CALL(cpg_context_get(handle, &pointer));
	CALL(cpg_context_set(handle, NULL));
	CALL(cpg_max_atomic_msgsize_get(handle, &size));
	CALL(cpg_flow_control_state_get(handle, &state));
	CALL(cpg_local_get(handle, &nodeid));
	CALL(cpg_join(handle, &group));
	CALL(cpg_join(handle, &long_name));
	CALL(cpg_leave(handle, &group));
	CALL(cpg_leave(handle, &long_name));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cpg_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cpg_membership_get(handle, &group, members, &count));
	CALL(cpg_membership_get(handle, &long_name, NULL, NULL));
	CALL(cpg_membership_get(handle, &group, NULL, &count));
	CALL(cpg_membership_get(handle, &group, members, NULL));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &iteration));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ONE_GROUP, &long_name, NULL));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, NULL));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ONE_GROUP, NULL, &iteration));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, &group, &iteration));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_NAME_ONLY, &group, &iteration));
	CALL(cpg_iteration_initialize(handle, (cpg_iteration_type_t)4, NULL, &iteration));
	CALL(cpg_iteration_initialize(handle, (cpg_iteration_type_t)0, NULL, &iteration));
	CALL(cpg_iteration_next(handle, NULL));
	CALL(cpg_iteration_next(handle, &description));
	CALL(cpg_iteration_finalize(handle));
	CALL(cpg_zcb_alloc(handle, 10, &pointer));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, &fd, 1));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, &fd, 1048577));
	CALL(cpg_zcb_free(handle, &fd));
	say("outputs untouched: %s", fd == 7 && count == 7 && size == 7 && nodeid == 7 && iteration == 7 &&
						     pointer == &fd && state == CPG_FLOW_CONTROL_ENABLED
					     ? "yes"
					     : "no");
}

static int initialize_denied(void *argument)
{
	cpg_handle_t handle;

	(void)argument;
	if (!become_nobody())
		return 100;
	return (int)cpg_initialize(&handle, &printing);
}

static int initialize_without_descriptors(void *argument)
{
	cpg_handle_t handle;

	(void)argument;
	forbid_descriptors();
	return (int)cpg_initialize(&handle, &printing);
}

static void initialize_all_ways(void)
{
	cpg_model_v1_data_t model = {.model = (cpg_model_t)77}, odd = {.flags = 2};
	cpg_handle_t handle = 0, other = 0;
	int mark;
	void *context = &mark;

	CALL(cpg_model_initialize(&handle, (cpg_model_t)0, NULL, NULL));
	CALL(cpg_model_initialize(&handle, (cpg_model_t)2, NULL, NULL));
	CALL(cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&odd, NULL));
	CALL(cpg_finalize(handle));
	CALL(cpg_model_initialize(&handle, CPG_MODEL_V1, NULL, &mark));
	CALL(cpg_context_get(handle, &context));
	say("context as given: %s", context == &mark ? "yes" : "no");
	CALL(cpg_finalize(handle));
	CALL(cpg_finalize(handle));
	CALL(cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&model, NULL));
	CALL(cpg_finalize(handle));
	CALL(cpg_initialize(&handle, NULL));
	CALL(cpg_initialize(&other, &printing));
	say("handles differ: %s", handle != other && handle != 0 && other != 0 ? "yes" : "no");
	CALL(cpg_context_get(handle, &context));
	say("context NULL: %s", context == NULL ? "yes" : "no");
	CALL(cpg_context_set(handle, &mark));
	CALL(cpg_context_get(handle, &context));
	say("context as set: %s", context == &mark ? "yes" : "no");
	CALL(cpg_context_set(handle, NULL));
	CALL(cpg_finalize(other));
	CALL(cpg_finalize(handle));
	say("initialize as nobody: %s", in_child(initialize_denied, NULL, 5000));
	say("initialize without descriptors: %s", in_child(initialize_without_descriptors, NULL, 5000));
}

static void local_calls(void)
{
	cpg_handle_t handle = connect_printing();
	cpg_flow_control_state_t state = CPG_FLOW_CONTROL_ENABLED;
	unsigned int nodeid = 0;
	uint32_t size = 0;
	int fd = -1, again = -2;

	CALL(cpg_fd_get(handle, &fd));
	CALL(cpg_fd_get(handle, &again));
	say("descriptor: %s, non-blocking %s, close-on-exec %s", fd == again ? "same" : "other",
		fcntl(fd, F_GETFL) & O_NONBLOCK ? "yes" : "no", fcntl(fd, F_GETFD) & FD_CLOEXEC ? "yes" : "no");
	CALL(cpg_max_atomic_msgsize_get(handle, &size));
	CALL(cpg_flow_control_state_get(handle, &state));
	CALL(cpg_local_get(handle, &nodeid));
	say("size %u, state %d, node %u", size, (int)state, nodeid);
	CALL(cpg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cpg_finalize(handle));
}

static void say_members(cpg_handle_t handle, const char *name)
{
	struct cpg_address members[CPG_MEMBERS_MAX];
	struct cpg_name group = name_of(name);
	int count = -1;

	memset(members, 0xff, sizeof(members));
	CALL(cpg_membership_get(handle, &group, members, &count));
	say("%d members of %s%s", count, name,
		count > 0 && (members[0].nodeid != 1 || members[0].pid != (uint32_t)getpid())
			? ", not this process first"
			: "");
}

static void groups(void)
{
	cpg_handle_t a = connect_printing(), b = connect_printing();
	struct cpg_name one = name_of("one"), two = name_of("two");
	struct cpg_name longest = {.length = 128}, odd = {.length = 4}, negative = {.length = ~0u};

	memset(longest.value, 'n', sizeof(longest.value));
	memcpy(odd.value, "a\0\xff ", 4);
	CALL(cpg_join(a, &negative));
	CALL(cpg_leave(a, &one));
	CALL(join_patiently(a, &one));
	expect_events(a, 1);
	CALL(cpg_join(a, &one));
	CALL(cpg_join(a, &two));
	CALL(cpg_join(b, &one));
	say_members(a, "one");
	say_members(b, "one");
	say_members(b, "two");
	CALL(join_patiently(b, &two));
	expect_events(b, 1);
	CALL(leave_patiently(b, &two));
	CALL(cpg_leave(b, &two));
	expect_events(b, 1);
	CALL(cpg_leave(b, &two));
	CALL(cpg_finalize(b));
	b = connect_printing();
	CALL(join_patiently(b, &longest));
	CALL(leave_patiently(b, &longest)); /* repeats the call on BUSY */
	expect_events(b, 2);
	CALL(cpg_finalize(b));
	b = connect_printing();
	CALL(join_patiently(b, &odd));
	CALL(leave_patiently(b, &odd));
	expect_events(b, 2);
	CALL(cpg_finalize(b));
	CALL(cpg_finalize(a));
	/* The leave may not be complete yet: the first calls return "try again", a later one success. */
	a = connect_printing();
	CALL(join_patiently(a, &one));
	expect_events(a, 1);
	CALL(leave_patiently(a, &one));
	expect_events(a, 1);
	CALL(cpg_finalize(a));
}

static void totem_events(void)
{
	cpg_model_v1_data_t plain = printing_v1;
	cpg_handle_t with_flag, without, unjoined;
	struct cpg_name group = name_of("totem"), other = name_of("other");

	plain.flags = 0;
	CALL(cpg_model_initialize(&with_flag, CPG_MODEL_V1, (cpg_model_data_t *)&printing_v1, NULL));
	CALL(cpg_model_initialize(&unjoined, CPG_MODEL_V1, (cpg_model_data_t *)&printing_v1, NULL));
	CALL(cpg_model_initialize(&without, CPG_MODEL_V1, (cpg_model_data_t *)&plain, NULL));
	CALL(join_patiently(with_flag, &group));
	expect_events(with_flag, 2);
	CALL(join_patiently(without, &other));
	expect_events(without, 1);
	say("without the flag, and unjoined:");
	expect_quiet(without);
	expect_quiet(unjoined);
	expect_quiet(with_flag);
	CALL(cpg_finalize(with_flag));
	CALL(cpg_finalize(without));
	CALL(cpg_finalize(unjoined));
}

/* Start a process that joins a group, and acts on bytes from a pipe. */
static pid_t member_start(const char *group, char name, int *commands)
{
	int pipes[2], ready[2];
	char byte;

	if (pipe(pipes) < 0 || pipe(ready) < 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		cpg_handle_t handle;
		struct cpg_name wanted = name_of(group);
		cpg_callbacks_t none = {NULL, NULL};
		struct pollfd pollfd = {.events = POLLIN};
		unsigned int nodeid;

		close(pipes[1]);
		if (cpg_initialize(&handle, &none) != CS_OK || join_patiently(handle, &wanted) != CS_OK)
			_exit(1);
		/* Wait for the confchg of this process's own join. Only then it is a member on all nodes. */
		cpg_fd_get(handle, &pollfd.fd);
		poll(&pollfd, 1, 10000);
		cpg_dispatch(handle, CS_DISPATCH_ALL);
		(void)!write(ready[1], "r", 1);
		while (read(pipes[0], &byte, 1) == 1) {
			switch (byte) {
			case 'm':
				for (uint32_t i = 0; i < 5; i++)
					send_patiently(handle, &i, sizeof(i));
				cpg_local_get(handle, &nodeid); /* now the messages are accepted */
				raise(SIGKILL);
				break;
			case 'l':
				leave_patiently(handle, &wanted);
				break;
			case 'f':
				cpg_finalize(handle);
				break;
			case 'x':
				_exit(0);
			}
		}
		_exit(0);
	}
	close(pipes[0]);
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	process_name(child, name);
	*commands = pipes[1];
	return child;
}

/* Write a byte to end the child. Closing the pipe would not suffice, since other children have it open as well. */
static void member_end(pid_t child, int commands)
{
	(void)!write(commands, "x", 1);
	close(commands);
	waitpid(child, NULL, 0);
}

static void other_processes(void)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("many");
	static const char ends[] = "lfkm";
	static const char names[] = "ABCD";
	pid_t children[4];
	int commands[4];

	CALL(join_patiently(handle, &group));
	expect_events(handle, 1);
	for (int i = 0; i < 4; i++) {
		children[i] = member_start("many", names[i], &commands[i]);
		expect_events(handle, 1);
	}
	say("leave, finalize, kill, send and be killed");
	for (int i = 0; i < 4; i++) {
		if (ends[i] == 'k')
			kill(children[i], SIGKILL);
		else
			(void)!write(commands[i], &ends[i], 1);
		expect_events(handle, ends[i] == 'm' ? 6 : 1);
		member_end(children[i], commands[i]);
	}
	expect_quiet(handle);
	CALL(cpg_finalize(handle));
}

static void walk(cpg_handle_t handle, cpg_iteration_type_t type, const char *name)
{
	struct cpg_iteration_description_t found;
	struct cpg_name group = name_of(name == NULL ? "" : name);
	cpg_iteration_handle_t iteration;
	unsigned int count = 0;
	cs_error_t rc;

	say("walk type %d group %s", (int)type, name == NULL ? "-" : name);
	CALL(cpg_iteration_initialize(handle, type, name == NULL ? NULL : &group, &iteration));
	do {
		static char last[CPG_MAX_NAME_LENGTH + 1];

		rc = cpg_iteration_next(iteration, &found);
		if (rc == CS_OK) {
			memcpy(last, found.group.value, found.group.length);
			last[found.group.length] = '\0';
			say("  %s node %u process %s", last, found.nodeid, found.pid == 0 ? "0" : "set");
			count++;
		}
	} while (rc == CS_OK && count < 50);
	say("  end %d", (int)rc);
	rc = cpg_iteration_next(iteration, &found);
	say("  again %d", (int)rc);
	CALL(cpg_iteration_next(iteration, NULL));
	CALL(cpg_iteration_finalize(iteration));
	CALL(cpg_iteration_finalize(iteration));
	CALL(cpg_iteration_next(iteration, &found));
}

static void iteration(void)
{
	cpg_handle_t handle = connect_printing(), second = connect_printing();
	struct cpg_name group = name_of("alpha"), other = name_of("beta");
	struct cpg_iteration_description_t found;
	cpg_iteration_handle_t first_walk, second_walk;
	int commands[2];
	pid_t children[2];

	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &first_walk));
	CALL(cpg_iteration_next(first_walk, &found));
	CALL(join_patiently(handle, &group));
	expect_events(handle, 1);
	CALL(cpg_iteration_next(first_walk, &found)); /* the iteration is a snapshot, so it is still empty */
	CALL(join_patiently(second, &other));
	expect_events(second, 1);
	for (int i = 0; i < 2; i++) {
		children[i] = member_start("alpha", (char)('A' + i), &commands[i]);
		expect_events(handle, 1);
	}
	walk(handle, CPG_ITERATION_NAME_ONLY, NULL);
	walk(handle, CPG_ITERATION_ONE_GROUP, "alpha");
	walk(handle, CPG_ITERATION_ONE_GROUP, "nobody");
	walk(handle, CPG_ITERATION_ALL, NULL);
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &second_walk));
	say("walks differ: %s", first_walk != second_walk ? "yes" : "no");
	CALL(cpg_iteration_next(second_walk, &found));
	CALL(cpg_iteration_finalize(handle));
	CALL(cpg_finalize(second_walk));
	for (int i = 0; i < 2; i++) {
		member_end(children[i], commands[i]);
		expect_events(handle, 1);
	}
	CALL(cpg_finalize(handle));
	CALL(cpg_iteration_next(first_walk, &found));
	CALL(cpg_iteration_finalize(first_walk));
	CALL(cpg_iteration_finalize(second_walk));
	CALL(cpg_finalize(second));
}

void part_live(pid_t daemon)
{
	cpg_handle_t dead = connect_printing();

	(void)daemon;
	errors_as_text();
	CALL(cpg_finalize(dead));
	say("with a dead handle");
	all_calls_with(dead);
	say("with no handle");
	all_calls_with(0);
	initialize_all_ways();
	local_calls();
	groups();
	totem_events();
	other_processes();
	iteration();
}
