/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client of the demo, and a small example of a program on the CPG API. It joins a group,
 * multicasts each line of its standard input, and prints the events of the group:
 *
 *	members NODE...          the group as it is from here on
 *	message NODE TEXT        TEXT from the member on NODE
 *	lost                     the daemon is gone
 *
 * A line that begins with "!" is sent with the guarantee safe: no node prints it before all nodes
 * have it.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/cpg.h>

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	(void)handle, (void)group, (void)pid;
	printf("message %u %.*s\n", nodeid, (int)size, (const char *)message);
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)left, (void)left_count, (void)joined, (void)joined_count;
	printf("members");
	for (size_t i = 0; i < member_count; i++)
		printf(" %u", members[i].nodeid);
	printf("\n");
}

static void wait_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

/* Multicast one line. If the ring has no room at the moment, try again. */
static cs_error_t multicast(cpg_handle_t handle, char *line, size_t length)
{
	struct iovec iov = {.iov_base = line, .iov_len = length};
	cpg_guarantee_t guarantee = line[0] == '!' ? CPG_TYPE_SAFE : CPG_TYPE_AGREED;
	cs_error_t error;

	while ((error = cpg_mcast_joined(handle, guarantee, &iov, 1)) == CS_ERR_TRY_AGAIN)
		wait_ms(1);
	return error;
}

int main(void)
{
	static cpg_callbacks_t callbacks = {.cpg_deliver_fn = deliver, .cpg_confchg_fn = confchg};
	struct cpg_name group = {.length = 4, .value = "demo"};
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	cpg_handle_t handle;
	cs_error_t error;
	char line[1024];
	int tries = 100;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0); /* so that poll reports every line that is still unread */
	/* The daemon may still be starting. */
	while ((error = cpg_initialize(&handle, &callbacks)) != CS_OK && tries-- > 0)
		wait_ms(50);
	while (error == CS_OK && (error = cpg_join(handle, &group)) == CS_ERR_TRY_AGAIN)
		wait_ms(10);
	if (error == CS_OK)
		error = cpg_fd_get(handle, &fds[1].fd);
	while (error == CS_OK && poll(fds, 2, -1) > 0) {
		if (fds[1].revents != 0)
			error = cpg_dispatch(handle, CS_DISPATCH_ALL);
		if (error == CS_ERR_TRY_AGAIN)
			error = CS_OK;
		if (error == CS_OK && fds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				break;
			error = multicast(handle, line, strcspn(line, "\n"));
		}
	}
	if (error != CS_OK) {
		printf("lost\n");
		return 1;
	}
	cpg_finalize(handle);
	return 0;
}
