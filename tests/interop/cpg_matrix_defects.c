/*
 * Defects of Corosync 3.1.7 that our daemon does not have. Each line starts with the number of the
 * section that describes it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cpg_matrix.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int rejoin(void *name)
{
	struct cpg_name first = name_of("first"), group = name_of(name);
	cpg_callbacks_t none = {NULL, NULL};
	cpg_handle_t handle;

	if (cpg_initialize(&handle, &none) != CS_OK || join_patiently(handle, &first) != CS_OK ||
		cpg_dispatch(handle, CS_DISPATCH_ONE) != CS_OK || leave_patiently(handle, &first) != CS_OK ||
		cpg_dispatch(handle, CS_DISPATCH_ONE) != CS_OK)
		return 100;
	return (int)join_patiently(handle, &group);
}

/* Show whether a client gets events after its leave. A second member keeps the group alive on the node. */
static void deaf_after_leave(void)
{
	cpg_handle_t leaver = connect_printing();
	struct cpg_name group = name_of("10.2");
	int ready[2], go[2];
	char byte;

	if (pipe(ready) < 0 || pipe(go) < 0)
		abort();
	pid_t child = fork();
	if (child == 0) {
		cpg_callbacks_t none = {NULL, NULL};
		cpg_handle_t handle;

		if (cpg_initialize(&handle, &none) != CS_OK || join_patiently(handle, &group) != CS_OK)
			_exit(1);
		cpg_dispatch(handle, CS_DISPATCH_ONE);
		(void)!write(ready[1], "r", 1);
		(void)!read(go[0], &byte, 1);
		send_patiently(handle, "after", 5);
		unsigned int nodeid;
		cpg_local_get(handle, &nodeid);
		(void)!write(ready[1], "s", 1);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	process_name(child, 'A');
	(void)!read(ready[0], &byte, 1);
	join_patiently(leaver, &group);
	expect_events(leaver, 1);
	leave_patiently(leaver, &group);
	expect_events(leaver, 1);
	(void)!write(go[1], "g", 1);
	(void)!read(ready[0], &byte, 1);
	struct pollfd pollfd = {.events = POLLIN};
	cpg_fd_get(leaver, &pollfd.fd);
	say("10.2 an event after the leave: %s", poll(&pollfd, 1, 500) > 0 ? "yes" : "no");
	cpg_finalize(leaver);
	(void)!write(go[1], "g", 1);
}

static int finalize_own(void *unused)
{
	cpg_handle_t handle = connect_printing();

	(void)unused;
	return finalize_blocked(&handle);
}

static int many_vectors(void *handle)
{
	struct iovec iov[300];

	/* Corosync's library overruns an array from 64 vectors on. */
	if (!is_careful())
		return 101;
	for (int i = 0; i < 300; i++)
		iov[i] = vector_of("v", 1);
	return (int)cpg_mcast_joined(*(cpg_handle_t *)handle, CPG_TYPE_AGREED, iov, 300);
}

static int zero_copy_misuse(void *handle)
{
	static uint8_t foreign[1000];
	void *buffer;

	/* Corosync's library reads an address from the bytes before this buffer, and its daemon dereferences it. */
	if (!is_careful())
		return 101;
	if (cpg_zcb_alloc(*(cpg_handle_t *)handle, 100, &buffer) != CS_OK)
		return 100;
	memset(buffer, 0, 100);
	return (int)cpg_zcb_mcast_joined(*(cpg_handle_t *)handle, CPG_TYPE_AGREED, foreign + 500, 1);
}

static void leave_another(void)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("10.3"), other = name_of("10.3 other");

	join_patiently(handle, &group);
	expect_events(handle, 1);
	DEFECT("10.3", leave_patiently(handle, &other));
	cpg_finalize(handle);

	struct cpg_address members[CPG_MEMBERS_MAX];
	cpg_handle_t observer = connect_printing();
	int count = -1;
	for (int i = 0; i < 50 && count != 0; i++) {
		cpg_membership_get(observer, &group, members, &count);
		poll(NULL, 0, count == 0 ? 0 : 10);
	}
	say("10.3 members left behind: %d", count);
	cpg_finalize(observer);
}

static void nameless(void)
{
	cpg_handle_t handle = connect_printing();
	struct cpg_name group = name_of("");
	struct cpg_address members[CPG_MEMBERS_MAX];
	int count = -1;

	DEFECT("10.4", join_patiently(handle, &group));
	expect_events(handle, 1);
	DEFECT("10.4", send_patiently(handle, "nameless", 8));
	expect_events(handle, 1);
	cpg_finalize(handle);
	handle = connect_printing();
	for (int i = 0; i < 50 && count != 0; i++) {
		cpg_membership_get(handle, &group, members, &count);
		poll(NULL, 0, count == 0 ? 0 : 10);
	}
	say("10.4 members left behind: %d", count);
	cpg_finalize(handle);
}

void part_defects(pid_t daemon)
{
	cpg_model_v1_data_t odd = {.flags = 2};
	cpg_handle_t handle;
	struct cpg_name group = name_of("defects");
	char same[] = "first", other[] = "second";
	long first, second;
	int before;

	(void)daemon;
	say("10.1 join the same group after leaving it: %s", in_child(rejoin, same, 5000));
	say("10.1 join another group after leaving: %s", in_child(rejoin, other, 2000));
	deaf_after_leave();

	srandom(1);
	first = random();
	srandom(1);
	handle = connect_printing();
	second = random();
	say("10.18 random numbers used up: %s", first == second ? "no" : "yes");

	before = descriptors();
	cpg_handle_t refused;
	DEFECT("10.13", cpg_model_initialize(&refused, CPG_MODEL_V1, (cpg_model_data_t *)&odd, NULL));
	say("10.13 descriptors leaked: %s", descriptors() > before ? "yes" : "no");

	say("10.18 dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	say("10.7 dispatch of a handle that is finalized: %s", in_child(finalize_own, NULL, 5000));
	join_patiently(handle, &group);
	expect_events(handle, 1);
	say("4.8 300 vectors: %s", in_child(many_vectors, &handle, 5000));
	say("9.3 zero copy of foreign memory: %s", in_child(zero_copy_misuse, &handle, 5000));
	cpg_finalize(handle);
	nameless();
	leave_another();
}
