/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load a CPG group and check what is delivered. If the members print different order hashes, the order differs. If a
 * sender's counter has a gap, a message was lost. Each payload is computed again and compared. Only the public API is
 * used, so LD_LIBRARY_PATH selects the library, and the daemon is the one that runs.
 *
 *	cpg_load [-g GROUP] [-m MEMBERS] [-s SIZE] [-t MS] [-w SECONDS] [-r] [-c CLIENTS] [-i MS]
 *	         [-o RATE]
 *	cpg_load [-g GROUP] [-s SIZE] -l COUNT [-o RATE]
 *
 * Wait for MEMBERS members, send messages of SIZE bytes for MS milliseconds (-r: send none), then an END that contains
 * their number. The program ends when it has delivered the END of every member.
 * -c: run CLIENTS processes that do the same.
 * -i: print each MS milliseconds what has been delivered.
 * -o: send at most RATE messages in a second. Without it messages are sent as fast as possible.
 * -l: send COUNT messages, each when the one before has arrived, and print the time of each. With -o, send RATE
 * messages in a second, and measure from the time at which each is due.
 * On SIGTERM no more messages are sent. Prints one line of key=value pairs. Exit status 0 if every message arrived
 * once, unchanged and in its sender's order.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define SIZE_MIN sizeof(uint64_t)
#define END_MARK (UINT64_C(1) << 63) /* set in the counter of a sender's last message */
#define MEMBERS_MAX 512
#define BURST 32 /* messages that are sent before the next dispatch */

struct sender {
	uint32_t nodeid;
	uint32_t pid;
	uint64_t count; /* delivered messages, those with END not counted */
	bool has_ended;
};

struct load {
	cpg_handle_t handle;
	const char *group;
	size_t size;
	unsigned int members_wanted;
	uint64_t send_ns;
	uint64_t give_up_ns; /* monotonic time at which to give up */
	uint64_t tell_ns;    /* time between two lines of progress; 0: none */
	uint64_t tell_at_ns;
	uint64_t rate; /* messages in a second; 0: no limit */
	bool is_receiver;

	uint32_t nodeid;
	uint32_t pid;
	uint8_t *buffer;
	struct sender senders[MEMBERS_MAX];
	unsigned int sender_count;
	unsigned int present; /* members now */
	unsigned int ended;
	unsigned int deserters; /* senders that left before their END */
	uint64_t sent, delivered, own, bytes;
	uint64_t gaps, changed, refused;
	uint64_t hash;
};

static struct load load = {
	.group = "load",
	.size = 100,
	.members_wanted = 1,
	.send_ns = 1000000000,
	.hash = HASH_START,
};

static volatile sig_atomic_t is_told_to_end;

static void told_to_end(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

static struct sender *sender_find(uint32_t nodeid, uint32_t pid)
{
	for (unsigned int i = 0; i < load.sender_count; i++) {
		if (load.senders[i].nodeid == nodeid && load.senders[i].pid == pid)
			return &load.senders[i];
	}
	if (load.sender_count == MEMBERS_MAX) {
		fprintf(stderr, "cpg_load: more than %d members\n", MEMBERS_MAX);
		exit(2);
	}
	struct sender *sender = &load.senders[load.sender_count++];
	*sender = (struct sender){.nodeid = nodeid, .pid = pid};
	return sender;
}

/* Fill in the payload behind the counter: bytes that depend on sender, counter and place, and take little time. */
static void payload_fill(uint8_t *payload, size_t size, uint32_t nodeid, uint64_t counter)
{
	uint8_t seed = (uint8_t)(nodeid * 31 + counter * 7);

	if (size == 0)
		return;
	memset(payload, seed, size);
	for (size_t at = 0; at < size; at += 509)
		payload[at] = (uint8_t)(seed + at);
}

static bool payload_is_right(const uint8_t *payload, size_t size, uint32_t nodeid, uint64_t counter)
{
	static uint8_t *wanted;
	static size_t wanted_size;

	if (size == 0)
		return true;
	if (wanted_size < size) {
		wanted = realloc(wanted, size);
		wanted_size = size;
		if (wanted == NULL)
			abort();
	}
	payload_fill(wanted, size, nodeid, counter);
	return memcmp(wanted, payload, size) == 0;
}

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	struct sender *sender = sender_find(nodeid, pid);
	uint64_t counter = 0;

	(void)handle, (void)group;
	if (size < SIZE_MIN) {
		load.changed++;
		return;
	}
	memcpy(&counter, message, sizeof(counter));
	load.hash = client_hash(load.hash, (uint64_t)nodeid << 32 | pid);
	load.hash = client_hash(load.hash, counter);
	load.hash = client_hash(load.hash, size);
	if (counter & END_MARK) {
		if (sender->has_ended || (counter & ~END_MARK) != sender->count)
			load.gaps++;
		sender->has_ended = true;
		load.ended++;
		return;
	}
	sender->count++;
	if (sender->has_ended || counter != sender->count)
		load.gaps++;
	if (!payload_is_right((uint8_t *)message + SIZE_MIN, size - SIZE_MIN, nodeid, counter))
		load.changed++;
	load.delivered++;
	load.bytes += size;
	if (nodeid == load.nodeid && pid == load.pid)
		load.own++;
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)joined, (void)joined_count;
	for (size_t i = 0; i < left_count; i++) {
		struct sender *sender = sender_find(left[i].nodeid, left[i].pid);

		if (sender->count > 0 && !sender->has_ended)
			load.deserters++;
	}
	load.present = (unsigned int)member_count;
}

static void die(const char *what, cs_error_t error)
{
	printf("node=%u error=%s code=%d delivered=%ju\n", load.nodeid, what, error, (uintmax_t)load.delivered);
	exit(1);
}

static void tell_progress(uint64_t now)
{
	printf("at_ms=%ju delivered=%ju\n", (uintmax_t)(now / 1000000), (uintmax_t)load.delivered);
	fflush(stdout);
	load.tell_at_ns = now + load.tell_ns;
}

/* Dispatch all events that have arrived. Wait at most wait_ms for the first one. */
static void dispatch(int wait_ms)
{
	struct pollfd poll_fd = {.events = POLLIN};
	cs_error_t error = cpg_fd_get(load.handle, &poll_fd.fd);

	if (error != CS_OK)
		die("fd", error);
	if (wait_ms > 0)
		poll(&poll_fd, 1, wait_ms);
	error = cpg_dispatch(load.handle, CS_DISPATCH_ALL);
	if (error != CS_OK && error != CS_ERR_TRY_AGAIN)
		die("dispatch", error);

	uint64_t now = client_now_ns();
	if (load.tell_ns > 0 && now >= load.tell_at_ns)
		tell_progress(now);
	if (now > load.give_up_ns)
		die("timeout", CS_ERR_TIMEOUT);
}

static bool try_send(uint64_t counter, size_t size)
{
	memcpy(load.buffer, &counter, sizeof(counter));
	payload_fill(load.buffer + SIZE_MIN, size - SIZE_MIN, load.nodeid, counter);

	struct iovec iov = {.iov_base = load.buffer, .iov_len = size};
	cs_error_t error = cpg_mcast_joined(load.handle, CPG_TYPE_AGREED, &iov, 1);

	if (error == CS_ERR_TRY_AGAIN) {
		load.refused++;
		return false;
	}
	if (error != CS_OK)
		die("mcast", error);
	return true;
}

static bool has_to_send(uint64_t start)
{
	if (load.is_receiver)
		return false;
	return load.rate == 0 || load.sent < (client_now_ns() - start) * load.rate / 1000000000;
}

static void run_throughput(void)
{
	uint64_t start = client_now_ns();

	while (client_now_ns() < start + load.send_ns && !is_told_to_end) {
		bool is_done = !has_to_send(start);

		for (int i = 0; i < BURST && !is_done; i++) {
			if (try_send(load.sent + 1, load.size)) {
				load.sent++;
				is_done = !has_to_send(start);
			} else {
				is_done = true;
			}
		}
		dispatch(is_done ? 1 : 0);
	}
	/*
	 * The rate is that of the messages delivered while all members were sending. The others are checked, but not
	 * timed.
	 */
	double seconds = (double)(client_now_ns() - start) / 1e9;
	double messages = (double)load.delivered / seconds;
	double megabytes = (double)load.bytes / seconds / 1e6;

	while (!try_send(END_MARK | load.sent, SIZE_MIN))
		dispatch(1);
	while (load.ended + load.deserters < load.members_wanted)
		dispatch(100);
	printf("node=%u size=%zu sent=%ju delivered=%ju own=%ju msgs_per_s=%.0f mb_per_s=%.2f "
	       "refused=%ju gaps=%ju changed=%ju deserters=%u hash=%016jx\n",
		load.nodeid, load.size, (uintmax_t)load.sent, (uintmax_t)load.delivered, (uintmax_t)load.own, messages,
		megabytes, (uintmax_t)load.refused, (uintmax_t)load.gaps, (uintmax_t)load.changed, load.deserters,
		(uintmax_t)load.hash);
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Send messages at equal intervals, and measure the time until each is delivered. */
static void run_open(uint64_t *took_ns, unsigned int count)
{
	uint64_t gap_ns = UINT64_C(1000000000) / load.rate, start = client_now_ns();
	unsigned int back = 0;

	while (back < count) {
		uint64_t due = (client_now_ns() - start) / gap_ns;
		bool is_refused = false;

		while (load.sent < count && load.sent < due && !is_refused) {
			is_refused = !try_send(load.sent + 1, load.size);
			load.sent += !is_refused;
		}
		dispatch(load.sent == count || is_refused ? 1 : 0);
		for (uint64_t now = client_now_ns(); back < load.own && back < count; back++)
			took_ns[back] = now - start - (back + 1) * gap_ns;
	}
}

static void run_closed(uint64_t *took_ns, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t start = client_now_ns();

		while (!try_send(load.sent + 1, load.size))
			dispatch(1);
		load.sent++;
		while (load.own < load.sent)
			dispatch(1000);
		took_ns[i] = client_now_ns() - start;
	}
}

static void run_latency(unsigned int count)
{
	uint64_t *took_ns = calloc(count, sizeof(*took_ns));

	if (took_ns == NULL)
		abort();
	if (load.rate > 0)
		run_open(took_ns, count);
	else
		run_closed(took_ns, count);
	qsort(took_ns, count, sizeof(*took_ns), compare_u64);
	printf("node=%u size=%zu count=%u p50_us=%.1f p99_us=%.1f max_us=%.1f\n", load.nodeid, load.size, count,
		(double)took_ns[count / 2] / 1e3, (double)took_ns[(size_t)count * 99 / 100] / 1e3,
		(double)took_ns[count - 1] / 1e3);
	free(took_ns);
}

/*
 * Fork the clients. @return true in each client; false in the parent, when all have ended; *status becomes 1 if one
 * failed
 */
static bool become_clients(unsigned int count, int *status)
{
	for (unsigned int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child == 0)
			return true;
		if (child < 0)
			*status = 1;
	}
	for (int ended; wait(&ended) > 0;)
		*status |= !WIFEXITED(ended) || WEXITSTATUS(ended) != 0;
	return false;
}

int main(int argc, char **argv)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = deliver,
		.cpg_confchg_fn = confchg,
	};
	unsigned int latency_count = 0;
	unsigned int seconds_max = 60;
	unsigned int clients = 1;
	int status = 0;
	const struct client_option options[] = {
		{'g', .text = &load.group},
		{'m', .count = &load.members_wanted},
		{'s', .size = &load.size},
		{'t', .ns = &load.send_ns},
		{'w', .count = &seconds_max},
		{'l', .count = &latency_count},
		{'o', .number = &load.rate},
		{'r', .flag = &load.is_receiver},
		{'c', .count = &clients},
		{'i', .ns = &load.tell_ns},
		{0},
	};

	if (!client_options(argc, argv, options))
		return 2;
	if (load.size < SIZE_MIN)
		load.size = SIZE_MIN;
	load.buffer = calloc(1, load.size);
	if (load.buffer == NULL)
		abort();
	signal(SIGTERM, told_to_end);
	if (clients > 1 && !become_clients(clients, &status))
		return status;
	load.pid = (uint32_t)getpid();
	load.give_up_ns = client_now_ns() + (uint64_t)seconds_max * 1000000000;

	cs_error_t error = client_join(&load.handle, &model, load.group, load.give_up_ns);
	if (error != CS_OK)
		die("join", error);
	cpg_local_get(load.handle, &load.nodeid);
	while (load.present < load.members_wanted)
		dispatch(100);
	if (latency_count > 0)
		run_latency(latency_count);
	else
		run_throughput();
	cpg_finalize(load.handle);
	free(load.buffer);
	return load.gaps > 0 || load.changed > 0 || load.deserters > 0 || load.own != load.sent;
}
