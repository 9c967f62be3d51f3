/*
 * Without a daemon, with one that is stopped, and with one that goes away.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cpg_matrix.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void part_absent(pid_t daemon)
{
	cpg_model_v1_data_t odd = {.flags = 2};
	cpg_handle_t handle = 7;

	(void)daemon;
	CALL(cpg_initialize(&handle, &printing));
	CALL(cpg_finalize(handle));
	CALL(cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&odd, NULL));
	CALL(cpg_model_initialize(&handle, (cpg_model_t)2, NULL, NULL));
	CALL(cpg_finalize(handle));
}

/* Connect while no daemon runs, and while it starts. */
void part_starting(pid_t daemon)
{
	cpg_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = cpg_initialize(&handle, &printing);
		if (rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN)
			others++;
		if (rc != CS_OK)
			poll(NULL, 0, 1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(cpg_finalize(handle));
}

static int flood_small(cpg_handle_t handle)
{
	struct iovec iov = vector_of("12345678", 8);

	for (int i = 0; i < 100000; i++) {
		cs_error_t rc = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);

		if (rc != CS_OK)
			return (int)rc;
	}
	return 0;
}

static int local_get(cpg_handle_t handle)
{
	unsigned int nodeid;

	return (int)cpg_local_get(handle, &nodeid);
}

void part_paused(pid_t daemon_pid)
{
	cpg_handle_t handle = connect_printing();
	struct waiting_child request = child_start(connect_printing, local_get);
	struct waiting_child small = child_start(connect_printing, flood_small);
	struct cpg_name group = name_of("paused");
	uint8_t *bytes = pattern(100000, 3);
	struct iovec iov = {.iov_base = bytes, .iov_len = 100000};
	cpg_flow_control_state_t state;
	unsigned int sent = 0;
	uint32_t size;
	void *context;
	int fd;
	cs_error_t rc;

	CALL(join_patiently(handle, &group));
	expect_events(handle, 1);
	kill(daemon_pid, SIGSTOP);
	say("a request: %s", child_go(request, 1000));
	do {
		rc = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
		sent += rc == CS_OK;
	} while (rc == CS_OK && sent < 1000);
	say("until the request ring is full: %u sent, then %d", sent, (int)rc);
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cpg_fd_get(handle, &fd));
	CALL(cpg_context_get(handle, &context));
	CALL(cpg_max_atomic_msgsize_get(handle, &size));
	CALL(cpg_flow_control_state_get(handle, &state));
	say("state %d, revents %d", (int)state, revents_of(handle));
	say("4.8 many small messages: %s", child_go(small, 2000));
	kill(daemon_pid, SIGCONT);
	expect_events(handle, sent);
	CALL(send_patiently(handle, "well again", 10));
	expect_events(handle, 1);
	CALL(cpg_finalize(handle));
	free(bytes);
}

static void calls_on_broken(cpg_handle_t handle, cpg_iteration_handle_t iteration, void *buffer)
{
	struct cpg_name group = name_of("dying");
	struct cpg_address members[CPG_MEMBERS_MAX];
	struct cpg_iteration_description_t description;
	struct iovec iov = vector_of("x", 1);
	cpg_iteration_handle_t other;
	cpg_flow_control_state_t state;
	uint32_t size;
	unsigned int nodeid;
	int fd, count;
	void *pointer;

	CALL(cpg_fd_get(handle, &fd));
	CALL(cpg_context_set(handle, NULL));
	CALL(cpg_context_get(handle, &pointer));
	CALL(cpg_max_atomic_msgsize_get(handle, &size));
	CALL(cpg_flow_control_state_get(handle, &state));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cpg_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cpg_local_get(handle, &nodeid));
	CALL(cpg_join(handle, &group));
	CALL(cpg_leave(handle, &group));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1));
	CALL(cpg_membership_get(handle, &group, members, &count));
	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &other));
	CALL(cpg_iteration_next(iteration, &description));
	CALL(cpg_iteration_finalize(iteration));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 1));
	CALL(cpg_zcb_free(handle, buffer));
	CALL(cpg_zcb_alloc(handle, 10, &pointer));
	uint8_t *bytes = pattern(1100000, 1);
	iov = (struct iovec){.iov_base = bytes, .iov_len = 1100000};
	/* With Corosync's library this result is random, so it is not printed. */
	int code = (int)cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
	if (!is_careful())
		say("10.6 broken: undefined");
	else
		say("10.6 broken: %d", code);
	free(bytes);
	CALL(cpg_finalize(handle));
	CALL(cpg_finalize(handle));
}

void part_dying(pid_t daemon_pid, int signal_number)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("dying");
	struct blocked blocked[2];
	struct pollfd pollfd = {.events = POLLIN};
	cpg_iteration_handle_t iteration;
	void *buffer;

	CALL(cpg_iteration_initialize(handle, CPG_ITERATION_ALL, NULL, &iteration));
	CALL(cpg_zcb_alloc(handle, 10, &buffer));
	CALL(join_patiently(handle, &group));
	expect_events(handle, 1);
	CALL(send_patiently(handle, "queued, not delivered", 21));
	CALL(cpg_fd_get(handle, &pollfd.fd));
	poll(&pollfd, 1, 10000);
	blocked_start(&blocked[0], connect_printing(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_printing(), CS_DISPATCH_BLOCKING);
	kill(daemon_pid, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(cpg_finalize(blocked[i].handle));
	}
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		poll(NULL, 0, 10);
	say("revents %d", revents_of(handle));
	calls_on_broken(handle, iteration, buffer);
	CALL(cpg_initialize(&handle, &printing));
}

void part_ring(pid_t daemon)
{
	struct cpg_name group = name_of("ring");
	struct pollfd pollfds[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	cpg_handle_t handle;
	char line[80];

	(void)daemon;
	process_name(-1, 'P'); /* processes have no letters here, so that all of them print the same */
	if (cpg_model_initialize(&handle, CPG_MODEL_V1, (cpg_model_data_t *)&printing_v1, NULL) != CS_OK ||
		join_patiently(handle, &group) != CS_OK)
		exit(1);
	cpg_fd_get(handle, &pollfds[0].fd);
	for (;;) {
		poll(pollfds, 2, -1);
		cs_error_t rc = cpg_dispatch(handle, CS_DISPATCH_ALL);
		if (rc != CS_OK) {
			say("dispatch = %d", (int)rc);
			break;
		}
		if (pollfds[1].revents != 0) {
			ssize_t length = read(STDIN_FILENO, line, sizeof(line));

			if (length <= 0)
				break;
			send_patiently(handle, line, (size_t)length);
		}
	}
	cpg_finalize(handle);
}
