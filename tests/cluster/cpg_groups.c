/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member of many groups at the same time. It has a connection for each, since a connection can join only one.
 *
 *         cpg_groups [-n GROUPS] [-e EVERY] [-s SHARED] [-m MEMBERS] [-c COUNT] [-w SECONDS]
 *
 * Join every EVERY-th of the groups numbered from 0 to GROUPS - 1. A group whose number is a multiple of SHARED has
 * MEMBERS members, some on other nodes. When all members have joined, each of them sends COUNT messages to each of
 * these groups, and waits for all messages. Print one line of key=value pairs, with a hash of the order in all shared
 * groups, which must be the same for all members. Exit status 0 if each group received exactly its own messages, once
 * and in each sender's order.
 */
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"

#define SENDERS_MAX 16

struct message {
	uint32_t group;
	uint32_t counter;
	uint8_t payload[92];
};

struct member {
	cpg_handle_t handle;
	uint32_t number; /* number of the group */
	bool is_shared;
	unsigned int present; /* members now */
	unsigned int sent;
	unsigned int delivered;
	struct {
		uint32_t nodeid, pid;
		uint32_t counter; /* counter in its last message */
	} senders[SENDERS_MAX];
	uint64_t hash;
};

static struct {
	unsigned int groups, every, shared, members, count;
	uint64_t give_up_ns;
	struct member *list;
	struct pollfd *polls;
	unsigned int joined;
	unsigned int shared_count;
	unsigned int strays, gaps;
} all = {.groups = 1000, .every = 1, .shared = 50, .members = 1, .count = 10};

static void die(const char *what, cs_error_t error)
{
	printf("error=%s code=%d joined=%u strays=%u gaps=%u\n", what, error, all.joined, all.strays, all.gaps);
	exit(1);
}

/* Check the counter of a message. @return false: messages are missing, or there are too many senders */
static bool is_next(struct member *member, uint32_t nodeid, uint32_t pid, uint32_t counter)
{
	for (int i = 0; i < SENDERS_MAX; i++) {
		if (member->senders[i].nodeid == 0) {
			member->senders[i].nodeid = nodeid;
			member->senders[i].pid = pid;
		}
		if (member->senders[i].nodeid == nodeid && member->senders[i].pid == pid)
			return counter == ++member->senders[i].counter;
	}
	return false;
}

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *data, size_t size)
{
	struct message message;
	void *context;

	(void)group;
	if (cpg_context_get(handle, &context) != CS_OK || size != sizeof(message)) {
		all.strays++;
		return;
	}
	struct member *member = context;

	memcpy(&message, data, sizeof(message));
	if (message.group != member->number || !member->is_shared)
		all.strays++;
	if (!is_next(member, nodeid, pid, message.counter))
		all.gaps++;
	member->hash = client_hash(member->hash, (uint64_t)nodeid << 32 | pid);
	member->hash = client_hash(member->hash, message.counter);
	member->delivered++;
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	void *context;

	(void)group, (void)members, (void)left, (void)left_count, (void)joined, (void)joined_count;
	if (cpg_context_get(handle, &context) == CS_OK)
		((struct member *)context)->present = (unsigned int)member_count;
}

static void join(uint32_t number)
{
	cpg_model_v1_data_t model = {.model = CPG_MODEL_V1, .cpg_deliver_fn = deliver, .cpg_confchg_fn = confchg};
	struct member *member = &all.list[all.joined];
	char name[32];

	snprintf(name, sizeof(name), "many-%u", number);
	*member = (struct member){.number = number, .is_shared = number % all.shared == 0, .hash = HASH_START};
	cs_error_t error = client_join(&member->handle, &model, name, all.give_up_ns);
	if (error != CS_OK)
		die("join", error);
	cpg_context_set(member->handle, member);
	all.polls[all.joined].events = POLLIN;
	error = cpg_fd_get(member->handle, &all.polls[all.joined].fd);
	if (error != CS_OK)
		die("fd", error);
	all.joined++;
	all.shared_count += member->is_shared;
}

/* Dispatch the events of all connections, and wait up to 100 ms for more. */
static void dispatch(void)
{
	poll(all.polls, all.joined, 100);
	for (unsigned int i = 0; i < all.joined; i++) {
		if (all.polls[i].revents == 0)
			continue;
		cs_error_t error = cpg_dispatch(all.list[i].handle, CS_DISPATCH_ALL);

		if (error != CS_OK && error != CS_ERR_TRY_AGAIN)
			die("dispatch", error);
	}
	if (client_now_ns() > all.give_up_ns)
		die("timeout", CS_ERR_TIMEOUT);
}

static bool are_there(void)
{
	for (unsigned int i = 0; i < all.joined; i++) {
		if (all.list[i].present < (all.list[i].is_shared ? all.members : 1))
			return false;
	}
	return true;
}

/* Send a message to each shared group to which more messages have to be sent. @return whether there was any */
static bool send_round(void)
{
	bool is_left = false;

	for (unsigned int i = 0; i < all.joined; i++) {
		struct member *member = &all.list[i];
		struct message message = {.group = member->number, .counter = member->sent + 1};
		struct iovec iov = {.iov_base = &message, .iov_len = sizeof(message)};

		if (!member->is_shared || member->sent == all.count)
			continue;
		cs_error_t error = cpg_mcast_joined(member->handle, CPG_TYPE_AGREED, &iov, 1);

		if (error == CS_OK)
			member->sent++;
		else if (error != CS_ERR_TRY_AGAIN)
			die("mcast", error);
		is_left = is_left || member->sent < all.count;
	}
	return is_left;
}

static bool has_all(void)
{
	for (unsigned int i = 0; i < all.joined; i++) {
		if (all.list[i].is_shared && all.list[i].delivered < all.members * all.count)
			return false;
	}
	return true;
}

static void open_all(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	all.list = calloc(all.groups, sizeof(*all.list));
	all.polls = calloc(all.groups, sizeof(*all.polls));
	if (all.list == NULL || all.polls == NULL)
		abort();
	for (unsigned int number = 0; number < all.groups; number += all.every)
		join(number);
}

static double seconds_since(uint64_t start) { return (double)(client_now_ns() - start) / 1e9; }

static void run(void)
{
	uint64_t start = client_now_ns();

	open_all();
	double joining = seconds_since(start);

	while (!are_there())
		dispatch();
	start = client_now_ns();
	while (send_round())
		dispatch();
	while (!has_all())
		dispatch();
	double sending = seconds_since(start);

	uint64_t delivered = 0, hash = HASH_START;
	for (unsigned int i = 0; i < all.joined; i++) {
		delivered += all.list[i].delivered;
		if (all.list[i].is_shared)
			hash = client_hash(hash, all.list[i].hash);
	}
	printf("groups=%u shared=%u joined_in_s=%.2f delivered=%ju msgs_per_s=%.0f strays=%u gaps=%u "
	       "hash=%016jx\n",
		all.joined, all.shared_count, joining, (uintmax_t)delivered, (double)delivered / sending, all.strays,
		all.gaps, (uintmax_t)hash);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int seconds_max = 60;
	int option;

	while ((option = getopt(argc, argv, "n:e:s:m:c:w:")) != -1) {
		unsigned int value = (unsigned int)(optarg != NULL ? strtoul(optarg, NULL, 10) : 0);

		switch (option) {
		case 'n':
			all.groups = value;
			break;
		case 'e':
			all.every = value;
			break;
		case 's':
			all.shared = value;
			break;
		case 'm':
			all.members = value;
			break;
		case 'c':
			all.count = value;
			break;
		case 'w':
			seconds_max = value;
			break;
		default:
			return 2;
		}
	}
	if (all.every == 0 || all.shared == 0)
		return 2;
	all.give_up_ns = client_now_ns() + (uint64_t)seconds_max * 1000000000;
	run();
	return all.strays > 0 || all.gaps > 0;
}
