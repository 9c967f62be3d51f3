/*
 * Messages and how they are dispatched.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cpg_matrix.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATOMIC 1047552u

static void sizes(cpg_handle_t handle)
{
	static const size_t all[] = {
		0, 1, 7, 8, 100, 1400, 65536, 1000000, ATOMIC - 1, ATOMIC, ATOMIC + 1, 2 * ATOMIC, 3000001};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint8_t *bytes = pattern(all[i], (uint32_t)i);

		say("send %zu = %d", all[i], (int)send_patiently(handle, bytes, all[i]));
		expect_events(handle, 1);
		free(bytes);
	}
}

static void guarantees(cpg_handle_t handle)
{
	static const int all[] = {0, 1, 2, 3, 99, -1};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct iovec iov = vector_of("guarantee", 9);

		say("guarantee %d = %d", all[i], (int)cpg_mcast_joined(handle, (cpg_guarantee_t)all[i], &iov, 1));
		expect_events(handle, 1);
	}
}

static void vectors(cpg_handle_t handle)
{
	uint8_t *bytes = pattern(2 * ATOMIC, 5);
	struct iovec many[63];
	struct iovec holes[] = {{bytes, 3}, {bytes, 0}, {bytes + 3, 5}, {NULL, 0}, {bytes + 8, 1}};
	struct iovec large[] = {{bytes, 10}, {bytes + 10, ATOMIC}, {bytes, 0}, {bytes + 10 + ATOMIC, ATOMIC - 10}};

	for (size_t i = 0; i < 63; i++)
		many[i] = (struct iovec){.iov_base = bytes + i * 11, .iov_len = 11};
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, NULL, 0));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, many, 63));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, holes, 5));
	CALL(cpg_mcast_joined(handle, CPG_TYPE_AGREED, large, 4));
	expect_events(handle, 4);
	free(bytes);
}

/* Check that messages that are sent in different ways arrive in the order of the calls. */
static void order(cpg_handle_t handle)
{
	uint8_t *bytes = pattern(ATOMIC + 100, 9);
	void *buffer = NULL;

	CALL(cpg_zcb_alloc(handle, 1000, &buffer));
	for (uint8_t i = 0; i < 3; i++) {
		bytes[0] = i;
		if (buffer != NULL)
			memcpy(buffer, bytes, 1000);
		CALL(send_patiently(handle, bytes, 10));
		CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 1000));
		CALL(send_patiently(handle, bytes, ATOMIC + 100));
	}
	expect_events(handle, 9);
	CALL(cpg_zcb_free(handle, buffer));
	free(bytes);
}

static void not_joined(void)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("later");
	uint8_t *bytes = pattern(ATOMIC + 1, 1);
	unsigned int nodeid;
	void *buffer = NULL;

	CALL(send_patiently(handle, "lost", 4));
	CALL(send_patiently(handle, bytes, ATOMIC + 1));
	CALL(cpg_zcb_alloc(handle, 10, &buffer));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 10));
	CALL(cpg_zcb_free(handle, buffer));
	CALL(cpg_local_get(handle, &nodeid));
	CALL(join_patiently(handle, &group));
	CALL(send_patiently(handle, "kept", 4)); /* sent before this process's own join is delivered */
	expect_events(handle, 2);
	CALL(send_patiently(handle, "before", 6));
	CALL(leave_patiently(handle, &group));
	CALL(send_patiently(handle, "lost", 4));
	CALL(send_patiently(handle, bytes, ATOMIC + 1));
	expect_events(handle, 2);
	expect_quiet(handle);
	CALL(cpg_finalize(handle));
	free(bytes);
}

static void zero_copy(cpg_handle_t handle)
{
	void *empty = NULL, *buffer = NULL, *large = NULL;
	int nonzero = 0;

	CALL(cpg_zcb_alloc(handle, 0, &empty));
	CALL(cpg_zcb_alloc(handle, 1048576, &buffer));
	CALL(cpg_zcb_alloc(handle, 2000000, &large));
	for (size_t i = 0; i < 1048576; i++)
		nonzero += ((uint8_t *)buffer)[i] != 0;
	say("zeroed %s, aligned %s", nonzero == 0 ? "yes" : "no",
		(uintptr_t)buffer % 8 == 0 && (uintptr_t)empty % 8 == 0 ? "yes" : "no");
	memset(buffer, 'z', 1048576);
	memset(large, 'l', 2000000);
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, empty, 0));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 0));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_SAFE, buffer, 10));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, ATOMIC));
	memset(buffer, 'y', 100);
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, 100));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, large, 1000000));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, large, 2000000));
	CALL(cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, large, 1048577));
	expect_events(handle, 6);
	/*
	 * Coterie's library sends the message in parts. Coterie's daemon refuses a message that other nodes may not be
	 * able to deliver whole.
	 */
	cs_error_t rc = cpg_zcb_mcast_joined(handle, CPG_TYPE_AGREED, buffer, ATOMIC + 1);
	say("4.11 zero copy above the atomic size = %d", (int)rc);
	if (rc == CS_OK) {
		is_silent = true;
		expect_events(handle, 1);
		is_silent = false;
	}
	CALL(cpg_zcb_free(handle, buffer));
	CALL(cpg_zcb_free(handle, empty));
	/* The large buffer is freed with the handle. */
}

static void hook_nested(cpg_handle_t handle)
{
	deliver_hook = NULL;
	say("  nested:");
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	unsigned int nodeid;
	CALL(cpg_local_get(handle, &nodeid));
	CALL(send_patiently(handle, "from within", 11));
	say("  out again");
}

static void modes(cpg_handle_t handle)
{
	for (int i = 0; i < 3; i++)
		CALL(send_patiently(handle, "abc", (size_t)i + 1));
	say("one, one, and all:");
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	expect_events(handle, 1);
	CALL(cpg_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(send_patiently(handle, "outer", 5));
	CALL(send_patiently(handle, "inner", 5));
	deliver_hook = hook_nested;
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	expect_events(handle, 1);
	expect_quiet(handle);
}

static void hook_finalize(cpg_handle_t handle)
{
	deliver_hook = NULL;
	CALL(cpg_finalize(handle));
	CALL(cpg_finalize(handle));
}

static void finalize_in_callback(void)
{
	static const cs_dispatch_flags_t all[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING};
	struct cpg_name group = name_of("ending");

	for (size_t i = 0; i < 4; i++) {
		cpg_handle_t handle = connect_printing();
		struct pollfd pollfd = {.events = POLLIN};

		CALL(join_patiently(handle, &group));
		expect_events(handle, 1);
		CALL(send_patiently(handle, "last", 4));
		CALL(send_patiently(handle, "never", 5));
		cpg_fd_get(handle, &pollfd.fd);
		poll(&pollfd, 1, 10000);
		deliver_hook = hook_finalize;
		say("finalize in mode %d", (int)all[i]);
		CALL(cpg_dispatch(handle, all[i]));
		CALL(cpg_dispatch(handle, all[i]));
	}
}

static int dispatch_type_zero(void *handle)
{
	return (int)cpg_dispatch(*(cpg_handle_t *)handle, (cs_dispatch_flags_t)0);
}

static void no_callbacks(void)
{
	cpg_callbacks_t none = {NULL, NULL};
	cpg_handle_t handle;
	struct cpg_name group = name_of("deaf");
	struct pollfd pollfd = {.events = POLLIN};

	CALL(cpg_initialize(&handle, &none));
	CALL(join_patiently(handle, &group));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE));
	CALL(send_patiently(handle, "unheard", 7));
	cpg_fd_get(handle, &pollfd.fd);
	poll(&pollfd, 1, 10000);
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	say("mode 0: %s", in_child(dispatch_type_zero, &handle, 500));
	CALL(cpg_finalize(handle));
}

/* Change the group between the first and the last fragment of a message. This is repeated until it succeeds. */
static void interrupted(void)
{
	enum { SIZE = 64 << 20 };
	cpg_callbacks_t none = {NULL, NULL};
	cpg_handle_t handle;
	struct cpg_name group = name_of("busy");
	uint8_t *bytes = calloc(1, SIZE);
	struct iovec iov = {.iov_base = bytes, .iov_len = SIZE};
	cs_error_t rc = CS_OK;
	pid_t child;

	CALL(cpg_initialize(&handle, &none));
	CALL(join_patiently(handle, &group));
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 500; i++) {
			cpg_handle_t other;

			if (cpg_initialize(&other, &none) != CS_OK)
				continue;
			join_patiently(other, &group);
			cpg_finalize(other);
			poll(NULL, 0, 20);
		}
		_exit(0);
	}
	for (int i = 0; i < 50 && rc != CS_ERR_INTERRUPT; i++)
		rc = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &iov, 1);
	say("a long message while the group changes = %d", (int)rc);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CALL(cpg_finalize(handle));
	free(bytes);
}

void part_messages(pid_t daemon)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("talk");

	(void)daemon;
	CALL(join_patiently(handle, &group));
	expect_events(handle, 1);
	sizes(handle);
	guarantees(handle);
	vectors(handle);
	order(handle);
	zero_copy(handle);
	modes(handle);
	CALL(cpg_finalize(handle));
	not_joined();
	finalize_in_callback();
	no_callbacks();
	interrupted();
}
