/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Print the configurations of an EVS handle, one per line, so that diff can compare two nodes. Each line also has the
 * number of messages before it and the hash of their order.
 *
 *	evs_watch [-p MS] [-b BURST] [-w SECONDS]   watch, and send BURST messages every MS milliseconds
 *	evs_watch -s                      send the start mark to the watchers, and end
 *	evs_watch -n NODES [-w SECONDS]   wait for a ring of NODES nodes, print it
 *
 * A watcher prints "ready" when it is connected, and nothing more until the start mark. That mark has one place in the
 * order, so all watchers begin at the same point. Messages have the four guarantees in turn. On SIGTERM a watcher sends
 * the end mark, and all watchers stop where it is in the order. A watcher prints an error and ends with status 1 in two
 * cases: messages of a sender arrive out of order or with a gap, or a message of its own has not arrived before its end
 * mark.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include <corosync/evs.h>

#include "client.h"

enum kind { MESSAGE, START_MARK, END_MARK };

struct message {
	uint64_t kind;
	uint64_t pid;
	uint64_t counter; /* 1, 2, … of each sender */
};

struct sender {
	unsigned int nodeid;
	uint64_t pid, counter;
	bool is_new; /* first seen after the last regular configuration: it may have sent messages in another ring */
};

static struct watch {
	evs_handle_t handle;
	unsigned int nodes_wanted; /* 0: watch */
	bool is_starter;
	unsigned int period_ms; /* 0: sends nothing */
	unsigned int burst;
	uint64_t give_up_ns;
	bool has_started, has_ended, is_broken;
	uint64_t sent, messages; /* messages: since the last line */
	uint64_t hash;
	struct sender senders[256];
	unsigned int sender_count;
	bool is_transitional;
} watch = {.hash = HASH_START, .burst = 1};

static volatile sig_atomic_t is_told_to_end;

static void told_to_end(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

static void line_end(void)
{
	printf(" after %ju messages %016jx\n", (uintmax_t)watch.messages, (uintmax_t)watch.hash);
	fflush(stdout);
	watch.messages = 0;
}

static struct sender *find_sender(unsigned int nodeid, uint64_t pid)
{
	for (unsigned int i = 0; i < watch.sender_count; i++) {
		if (watch.senders[i].nodeid == nodeid && watch.senders[i].pid == pid)
			return &watch.senders[i];
	}
	if (watch.sender_count == sizeof(watch.senders) / sizeof(watch.senders[0])) {
		printf("broken: too many senders\n");
		exit(1);
	}
	watch.senders[watch.sender_count] = (struct sender){.nodeid = nodeid, .pid = pid, .is_new = true};
	return &watch.senders[watch.sender_count++];
}

/*
 * Check that a sender's messages arrive in order and without a gap. Behind a hole of the old ring some may be missing.
 */
static void check_sender(unsigned int nodeid, const struct message *message)
{
	struct sender *sender = find_sender(nodeid, message->pid);
	bool is_next = message->counter == sender->counter + 1;

	if (!is_next && (message->counter <= sender->counter || (!sender->is_new && !watch.is_transitional))) {
		printf("broken: node %u pid %ju sends %ju after %ju\n", nodeid, (uintmax_t)message->pid,
			(uintmax_t)message->counter, (uintmax_t)sender->counter);
		watch.is_broken = true;
	}
	sender->counter = message->counter;
	sender->is_new = false;
}

static void deliver(evs_handle_t handle, unsigned int nodeid, const void *bytes, size_t size)
{
	struct message message;

	(void)handle;
	if (size != sizeof(message) || watch.has_ended)
		return;
	memcpy(&message, bytes, sizeof(message));
	switch ((enum kind)message.kind) {
	case MESSAGE:
		check_sender(nodeid, &message);
		watch.messages++;
		watch.hash = client_hash(watch.hash, nodeid);
		watch.hash = client_hash(watch.hash, message.pid);
		watch.hash = client_hash(watch.hash, message.counter);
		break;
	case START_MARK:
		watch.has_started = true;
		watch.messages = 0;
		watch.hash = HASH_START;
		printf("start\n");
		fflush(stdout);
		break;
	case END_MARK:
		printf("end");
		line_end();
		watch.has_ended = true;
		break;
	}
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
	(void)handle;
	watch.is_transitional = (ring->flags & EVS_CONFIGURATION_TRANSITIONAL) != 0;
	for (unsigned int i = 0; i < watch.sender_count; i++)
		watch.senders[i].is_new |= !watch.is_transitional;
	if (watch.nodes_wanted > 0 && (watch.is_transitional || member_count != watch.nodes_wanted))
		return;
	if ((watch.nodes_wanted == 0 && !watch.has_started) || watch.has_ended)
		return;
	printf("%s %u.%llx", watch.is_transitional ? "transitional" : "regular", ring->nodeid, ring->seq);
	print_nodes("members", members, member_count);
	print_nodes("left", left, left_count);
	print_nodes("joined", joined, joined_count);
	printf((ring->flags & EVS_CONFIGURATION_SAFE) != 0 ? " safe" : " unsafe");
	line_end();
	watch.has_ended = watch.nodes_wanted > 0;
}

/* Try to send a message. @return whether it was accepted */
static bool try_send(enum kind kind)
{
	struct message message = {.kind = kind, .pid = (uint64_t)getpid(), .counter = watch.sent + 1};
	struct iovec iov = {.iov_base = &message, .iov_len = sizeof(message)};
	evs_guarantee_t guarantee = (evs_guarantee_t)(watch.sent % 4);

	if (evs_mcast_joined(watch.handle, guarantee, &iov, 1) != CS_OK)
		return false;
	watch.sent += kind == MESSAGE;
	return true;
}

/* Check that all messages of this process were delivered before its end mark. */
static void check_own(void)
{
	const struct sender *own = NULL;
	unsigned int local = 0;
	size_t none = 0;

	if (evs_membership_get(watch.handle, &local, NULL, &none) == CS_OK)
		own = find_sender(local, (uint64_t)getpid());
	if (own != NULL && own->counter != watch.sent) {
		printf("broken: %ju of our own were sent and %ju came\n", (uintmax_t)watch.sent,
			(uintmax_t)own->counter);
		watch.is_broken = true;
	}
}

static int run(void)
{
	struct pollfd poll_fd = {.events = POLLIN};
	uint64_t send_at_ns = client_now_ns();

	if (evs_fd_get(watch.handle, &poll_fd.fd) != CS_OK)
		return 1;
	if (watch.nodes_wanted == 0 && !watch.is_starter)
		printf("ready\n");
	fflush(stdout);
	while (!watch.has_ended && !(watch.is_starter && try_send(START_MARK))) {
		cs_error_t error = evs_dispatch(watch.handle, CS_DISPATCH_ALL);
		uint64_t now = client_now_ns();

		if (error != CS_OK || now >= watch.give_up_ns) {
			printf(error != CS_OK ? "lost\n" : "timeout\n");
			return 1;
		}
		if (is_told_to_end == 1 && try_send(END_MARK))
			is_told_to_end = 2;
		if (watch.period_ms > 0 && watch.has_started && is_told_to_end == 0 && now >= send_at_ns) {
			for (unsigned int i = 0; i < watch.burst && try_send(MESSAGE); i++)
				;
			send_at_ns = now + (uint64_t)watch.period_ms * 1000000;
		}
		poll(&poll_fd, 1, watch.period_ms > 0 ? (int)watch.period_ms : 50);
	}
	return 0;
}

int main(int argc, char **argv)
{
	evs_callbacks_t callbacks = {.evs_deliver_fn = deliver, .evs_confchg_fn = confchg};
	struct evs_group group = {.key = "evs_watch"};
	unsigned int seconds_max = 600;
	cs_error_t error;
	const struct client_option options[] = {
		{'b', .count = &watch.burst},
		{'n', .count = &watch.nodes_wanted},
		{'p', .count = &watch.period_ms},
		{'s', .flag = &watch.is_starter},
		{'w', .count = &seconds_max},
		{0},
	};

	if (!client_options(argc, argv, options))
		return 2;
	watch.give_up_ns = client_now_ns() + (uint64_t)seconds_max * 1000000000;
	signal(SIGTERM, told_to_end);
	while ((error = evs_initialize(&watch.handle, &callbacks)) != CS_OK && client_now_ns() < watch.give_up_ns)
		client_sleep_ms(50);
	if (error != CS_OK || evs_join(watch.handle, &group, 1) != CS_OK) {
		printf("cannot join\n");
		return 1;
	}
	int status = run();
	if (status == 0 && is_told_to_end == 2)
		check_own();
	evs_finalize(watch.handle);
	return status != 0 || watch.is_broken;
}
