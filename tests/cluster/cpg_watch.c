/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Print the events of a member of a CPG group, one per line, so that diff can compare two members.
 *
 *	cpg_watch -n NODES [-w SECONDS]         wait for a ring of NODES nodes, print it
 *	cpg_watch [-g GROUP] -m MEMBERS [-p MS] [-w SECONDS]
 *
 * The second form prints nothing until the group has MEMBERS members. That event has one place in the order, so all
 * members begin at the same point. From there on each line also has the number of messages before it and the hash of
 * their order. Each member sends a message every MS milliseconds. On SIGTERM a member sends the end mark, and all
 * members stop where it is in the order.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "client.h"

#define END_MARK UINT64_MAX
#define MEMBERS_MAX 512

static struct watch {
	cpg_handle_t handle;
	const char *group;
	unsigned int nodes_wanted; /* nodes for which the first form waits; 0: the second form */
	unsigned int members_wanted;
	unsigned int period_ms; /* 0: sends nothing */
	uint64_t give_up_ns;
	bool has_started;
	bool has_ended;
	uint64_t messages; /* messages since the last line */
	uint64_t hash;
} watch = {.group = "watch", .members_wanted = 1, .hash = HASH_START};

static volatile sig_atomic_t is_told_to_end;

static void told_to_end(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

/* End the line of an event with the messages that were delivered before it. */
static void line_end(void)
{
	printf(" after %ju messages %016jx\n", (uintmax_t)watch.messages, (uintmax_t)watch.hash);
	fflush(stdout);
	watch.messages = 0;
}

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	uint64_t counter = 0;

	(void)handle, (void)group;
	if (!watch.has_started || watch.has_ended)
		return;
	memcpy(&counter, message, size < sizeof(counter) ? size : sizeof(counter));
	if (counter == END_MARK) {
		printf("end");
		line_end();
		watch.has_ended = true;
		return;
	}
	watch.messages++;
	watch.hash = client_hash(watch.hash, (uint64_t)nodeid << 32 | pid);
	watch.hash = client_hash(watch.hash, counter);
}

static int compare_addresses(const void *left, const void *right)
{
	const struct cpg_address *a = left;
	const struct cpg_address *b = right;

	if (a->nodeid != b->nodeid)
		return a->nodeid < b->nodeid ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Print a list in sorted order, since its order may differ between members. */
static void print_addresses(const char *what, const struct cpg_address *list, size_t count, bool with_reason)
{
	static const char *const reasons[] = {"undefined", "join", "leave", "nodedown", "nodeup", "procdown"};
	struct cpg_address sorted[MEMBERS_MAX];

	if (count > MEMBERS_MAX)
		count = MEMBERS_MAX;
	if (count > 0)
		memcpy(sorted, list, count * sizeof(*list));
	qsort(sorted, count, sizeof(*sorted), compare_addresses);
	printf(" %s", what);
	for (size_t i = 0; i < count; i++) {
		printf(" %u:%u", sorted[i].nodeid, sorted[i].pid);
		if (with_reason)
			printf("(%s)", sorted[i].reason < 6 ? reasons[sorted[i].reason] : "?");
	}
	if (count == 0)
		printf(" -");
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group;
	if (watch.nodes_wanted > 0 || watch.has_ended)
		return;
	if (member_count >= watch.members_wanted)
		watch.has_started = true;
	if (!watch.has_started)
		return;
	printf("group");
	print_addresses("left", left, left_count, true);
	print_addresses("joined", joined, joined_count, true);
	print_addresses("members", members, member_count, false);
	line_end();
}

static void totem_confchg(cpg_handle_t handle, struct cpg_ring_id ring_id, uint32_t count, const uint32_t *members)
{
	(void)handle;
	if (watch.nodes_wanted > 0 ? count != watch.nodes_wanted : !watch.has_started)
		return;
	if (watch.has_ended)
		return;
	printf("ring %u.%ju of", ring_id.nodeid, (uintmax_t)ring_id.seq);
	for (uint32_t i = 0; i < count; i++)
		printf(" %u", members[i]);
	line_end();
	watch.has_ended = watch.nodes_wanted > 0;
}

/* Try to send a message. @return whether it was accepted */
static bool try_send(uint64_t counter)
{
	struct iovec iov = {.iov_base = &counter, .iov_len = sizeof(counter)};

	return cpg_mcast_joined(watch.handle, CPG_TYPE_AGREED, &iov, 1) == CS_OK;
}

static int run(void)
{
	struct pollfd poll_fd = {.events = POLLIN};
	uint64_t send_at_ns = client_now_ns();
	uint64_t counter = 0;

	if (cpg_fd_get(watch.handle, &poll_fd.fd) != CS_OK)
		return 1;
	while (!watch.has_ended) {
		cs_error_t error = cpg_dispatch(watch.handle, CS_DISPATCH_ALL);

		if (error != CS_OK && error != CS_ERR_TRY_AGAIN) {
			printf("connection lost (%d)\n", error);
			return 1;
		}
		uint64_t now = client_now_ns();
		if (now >= watch.give_up_ns) {
			printf("timeout\n");
			return 1;
		}
		if (is_told_to_end && try_send(END_MARK))
			is_told_to_end = 0;
		if (watch.period_ms > 0 && now >= send_at_ns && try_send(counter + 1)) {
			counter++;
			send_at_ns = now + (uint64_t)watch.period_ms * 1000000;
		}
		poll(&poll_fd, 1, watch.period_ms > 0 ? (int)watch.period_ms : 50);
	}
	return 0;
}

int main(int argc, char **argv)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = deliver,
		.cpg_confchg_fn = confchg,
		.cpg_totem_confchg_fn = totem_confchg,
	};
	unsigned int seconds_max = 600;
	const struct client_option options[] = {
		{'g', .text = &watch.group},
		{'m', .count = &watch.members_wanted},
		{'n', .count = &watch.nodes_wanted},
		{'p', .count = &watch.period_ms},
		{'w', .count = &seconds_max},
		{0},
	};

	if (!client_options(argc, argv, options))
		return 2;
	watch.give_up_ns = client_now_ns() + (uint64_t)seconds_max * 1000000000;
	/*
	 * Request an event with the current ring. In the second form only the list of the member that joins last would
	 * have it.
	 */
	if (watch.nodes_wanted > 0)
		model.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF;
	signal(SIGTERM, told_to_end);
	if (client_join(&watch.handle, &model, watch.nodes_wanted > 0 ? "ring-wait" : watch.group, watch.give_up_ns) !=
		CS_OK) {
		printf("cannot join\n");
		return 1;
	}
	int status = run();
	cpg_finalize(watch.handle);
	return status;
}
