/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chat program, as a small example of the EVS API. It sends each line of its standard input to a group, and prints
 * one line for each event:
 *
 * regular RING members NODE... joined NODE... safe|unsafe transitional RING members NODE... left NODE... safe|unsafe
 * message NODE TEXT lost the connection to the daemon is lost
 *
 * usage: evs_chat [GROUP]
 *
 * Lines are sent agreed: all programs print them in the same order. A line that begins with "!" is sent safe. If a
 * program prints a safe line, all members of the last configuration have received the line. Each member will print the
 * line, too, unless it fails. After "unsafe" only the order is guaranteed, since a node of the ring runs Corosync.
 *
 * When the ring changes, the meaning of "all members" changes, too. First the transitional configuration is delivered,
 * with the members that stayed together. The messages between it and the regular configuration are the last messages of
 * the old ring. Safe messages among these were received by the members that stayed, but maybe not by nodes that left.
 * Then the regular configuration is delivered. It begins the new ring.
 *
 * Build: cc evs_chat.c $(pkg-config --cflags --libs libevs) -o evs_chat
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <corosync/evs.h>

static void deliver(evs_handle_t handle, unsigned int nodeid, const void *message, size_t size)
{
	(void)handle;
	printf("message %u %.*s\n", nodeid, (int)size, (const char *)message);
}

static void print_nodes(const char *what, const unsigned int *nodes, size_t count)
{
	printf(" %s", what);
	for (size_t i = 0; i < count; i++)
		printf(" %u", nodes[i]);
}

static void confchg(evs_handle_t handle, const unsigned int *members, size_t member_count, const unsigned int *left,
	size_t left_count, const unsigned int *joined, size_t joined_count, const struct evs_ring_id *ring)
{
	int is_transitional = (ring->flags & EVS_CONFIGURATION_TRANSITIONAL) != 0;

	(void)handle;
	printf("%s %u.%llx", is_transitional ? "transitional" : "regular", ring->nodeid, ring->seq);
	print_nodes("members", members, member_count);
	if (is_transitional)
		print_nodes("left", left, left_count);
	else
		print_nodes("joined", joined, joined_count);
	printf(" %s\n", (ring->flags & EVS_CONFIGURATION_SAFE) != 0 ? "safe" : "unsafe");
}

static void wait_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL); }

/* Send one line. If the ring has no room at the moment, try again. */
static cs_error_t multicast(evs_handle_t handle, char *line, size_t length)
{
	struct iovec iov = {.iov_base = line, .iov_len = length};
	evs_guarantee_t guarantee = line[0] == '!' ? EVS_TYPE_SAFE : EVS_TYPE_AGREED;
	cs_error_t error;

	while ((error = evs_mcast_joined(handle, guarantee, &iov, 1)) == CS_ERR_TRY_AGAIN)
		wait_ms(1);
	return error;
}

/* Handle lines and events until the input or the daemon ends. */
static cs_error_t chat(evs_handle_t handle)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	cs_error_t error = evs_fd_get(handle, &fds[1].fd);
	char line[1024];

	while (error == CS_OK && poll(fds, 2, -1) > 0) {
		if (fds[1].revents != 0)
			error = evs_dispatch(handle, CS_DISPATCH_ALL);
		if (error == CS_OK && fds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				break;
			error = multicast(handle, line, strcspn(line, "\n"));
		}
	}
	return error;
}

int main(int argc, char *argv[])
{
	static evs_callbacks_t callbacks = {.evs_deliver_fn = deliver, .evs_confchg_fn = confchg};
	struct evs_group group = {.key = "chat"};
	evs_handle_t handle;
	cs_error_t error;
	int tries = 100;

	if (argc > 2 || (argc == 2 && strlen(argv[1]) > sizeof(group.key))) {
		fprintf(stderr, "usage: %s [GROUP]\n", argv[0]);
		return 2;
	}
	if (argc == 2) {
		memset(group.key, 0, sizeof(group.key));
		memcpy(group.key, argv[1], strlen(argv[1]));
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0); /* no buffer, so that poll() reports every line that is not read */
	/* Try again for some time, since the daemon may still be starting. */
	while ((error = evs_initialize(&handle, &callbacks)) != CS_OK && tries-- > 0)
		wait_ms(50);
	if (error == CS_OK)
		error = evs_join(handle, &group, 1);
	if (error == CS_OK)
		error = chat(handle);
	if (error != CS_OK) {
		printf("lost\n");
		return 1;
	}
	evs_finalize(handle);
	return 0;
}
