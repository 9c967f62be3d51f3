/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client for tests of the tools: members of groups, a quorum device, a program that votes against a shutdown.
 *
 *         tools_client group NAME...        joins groups, one after the other
 *         tools_client member NAME [quorum] joins a group as a daemon of pacemaker does, and connects to quorum
 *         tools_client device NAME CAST WINS   registers a quorum device; prints in each ring how it votes
 *         tools_client veto                 answers no to each shutdown
 *
 * It prints a line when it has connected and joined, and goes on until its standard input ends.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/cfg.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

enum { GROUPS_MAX = 8 };

static void check(cs_error_t rc, const char *what)
{
	if (rc == CS_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, cs_strerror(rc));
	exit(EXIT_FAILURE);
}

static void ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

/* Wait until the descriptor is readable. @return false: standard input has ended */
static bool wait_for(int fd)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	char byte;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return false;
		if (fds[1].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			return false;
		if (fds[0].revents != 0)
			return true;
	}
}

static void joined(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *added,
	size_t added_count)
{
	void *context = NULL;

	(void)group, (void)members, (void)member_count, (void)left, (void)left_count, (void)added;
	cpg_context_get(handle, &context);
	*(unsigned int *)context += added_count > 0 ? 1 : 0;
}

/* Join a group as pacemaker's daemons do: the NUL is a part of the name. */
static int be_member(const char *name, bool follows_quorum)
{
	cpg_callbacks_t callbacks = {.cpg_confchg_fn = joined};
	struct cpg_name group = {.length = (uint32_t)strlen(name) + 1};
	quorum_callbacks_t none = {.quorum_notify_fn = NULL};
	quorum_handle_t quorum;
	unsigned int events = 0;
	cpg_handle_t handle;
	uint32_t type;

	memcpy(group.value, name, group.length);
	check(cpg_initialize(&handle, &callbacks), "cpg_initialize");
	cpg_context_set(handle, &events);
	check(cpg_join(handle, &group), "cpg_join");
	while (events == 0)
		check(cpg_dispatch(handle, CS_DISPATCH_ONE), "cpg_dispatch");
	if (follows_quorum)
		check(quorum_initialize(&quorum, &none, &type), "quorum_initialize");
	ready();
	while (getchar() != EOF)
		continue;
	return EXIT_SUCCESS;
}

static int join_groups(int count, char **names)
{
	cpg_callbacks_t callbacks = {.cpg_confchg_fn = joined};
	cpg_handle_t handles[GROUPS_MAX];
	unsigned int events = 0;

	/* A handle can join one group only. With several handles the process is a member of all the groups. */
	for (int i = 0; i < count && i < GROUPS_MAX; i++) {
		struct cpg_name group = {.length = (uint32_t)strlen(names[i])};

		memcpy(group.value, names[i], group.length);
		check(cpg_initialize(&handles[i], &callbacks), "cpg_initialize");
		cpg_context_set(handles[i], &events);
		check(cpg_join(handles[i], &group), "cpg_join");
		unsigned int before = events;
		while (events == before)
			check(cpg_dispatch(handles[i], CS_DISPATCH_ONE), "cpg_dispatch");
	}
	ready();
	while (getchar() != EOF)
		continue;
	return EXIT_SUCCESS;
}

struct device {
	const char *name;
	unsigned int cast_vote;
	bool has_polled;
};

/*
 * Vote again in each new ring, as a device has to. Only the first vote must succeed: the device may be unregistered
 * later.
 */
static void listed(
	votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring, uint32_t count, uint32_t nodes[])
{
	struct device *device = (struct device *)(uintptr_t)context;

	(void)count, (void)nodes;
	cs_error_t rc = votequorum_qdevice_poll(handle, device->name, device->cast_vote, ring);
	if (!device->has_polled)
		check(rc, "votequorum_qdevice_poll");
	device->has_polled = true;
}

static int be_device(const char *name, unsigned int cast_vote, unsigned int master_wins)
{
	votequorum_callbacks_t callbacks = {.votequorum_nodelist_notify_fn = listed};
	struct device device = {.name = name, .cast_vote = cast_vote};
	votequorum_handle_t handle;
	int fd;

	check(votequorum_initialize(&handle, &callbacks), "votequorum_initialize");
	check(votequorum_qdevice_register(handle, name), "votequorum_qdevice_register");
	check(votequorum_qdevice_master_wins(handle, name, master_wins), "votequorum_qdevice_master_wins");
	check(votequorum_trackstart(handle, (uintptr_t)&device, CS_TRACK_CURRENT | CS_TRACK_CHANGES),
		"votequorum_trackstart");
	check(votequorum_fd_get(handle, &fd), "votequorum_fd_get");
	while (!device.has_polled)
		check(votequorum_dispatch(handle, CS_DISPATCH_ONE), "votequorum_dispatch");
	ready();
	while (wait_for(fd) && votequorum_dispatch(handle, CS_DISPATCH_ALL) == CS_OK)
		continue;
	return EXIT_SUCCESS;
}

static void asked(corosync_cfg_handle_t handle, corosync_cfg_shutdown_flags_t flags)
{
	(void)flags;
	corosync_cfg_replyto_shutdown(handle, COROSYNC_CFG_SHUTDOWN_FLAG_NO);
}

static int veto(void)
{
	corosync_cfg_callbacks_t callbacks = {.corosync_cfg_shutdown_callback = asked};
	corosync_cfg_handle_t handle;
	int fd;

	check(corosync_cfg_initialize(&handle, &callbacks), "corosync_cfg_initialize");
	check(corosync_cfg_fd_get(handle, &fd), "corosync_cfg_fd_get");
	check(corosync_cfg_trackstart(handle, 0), "corosync_cfg_trackstart");
	ready();
	while (wait_for(fd) && corosync_cfg_dispatch(handle, CS_DISPATCH_ALL) == CS_OK)
		continue;
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "group") == 0)
		return join_groups(argc - 2, argv + 2);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "member") == 0)
		return be_member(argv[2], argc == 4);
	if (argc == 5 && strcmp(argv[1], "device") == 0)
		return be_device(argv[2], (unsigned int)atoi(argv[3]), (unsigned int)atoi(argv[4]));
	if (argc == 2 && strcmp(argv[1], "veto") == 0)
		return veto();
	fprintf(stderr, "usage: tools_client group NAME... | member NAME [quorum] | device NAME CAST WINS | veto\n");
	return EXIT_FAILURE;
}
