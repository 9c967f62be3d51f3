/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The load with which figures are measured. Only the public CPG API is used, so LD_LIBRARY_PATH selects the library,
 * and the daemon is the one that runs. Measuring starts after a time to warm up.
 *
 *	bench_load [-m MEMBERS] [-z SLEEPERS] [-n SENDERS] [-u WARM_MS] [-t MS] [-r]
 *	bench_load -l COUNT [-y | -b]
 *	bench_load -o RATE [-u WARM_MS] [-t MS]
 *	bench_load -d
 *
 * and for all of them [-g GROUP] [-s SIZE] [-w SECONDS], after which the program is killed.
 *
 * Wait for MEMBERS members. Then a thread sends as fast as possible (-r: nothing; after a refusal it waits for 100 us),
 * while another is blocked in cpg_dispatch(). It prints "half" and "measured" when half of the time and all of it is
 * over. It waits for the messages that are still under way, and checks an order hash of all messages, and gaps in each
 * sender's count. SLEEPERS of the members never send the end mark: -d joins, and does nothing. share: what the slowest
 * of SENDERS delivered in that time, divided by what the fastest delivered.
 * -l: one message is under way, and the client sleeps until it is back. -y: it polls all the time. -b: another thread
 * is blocked in cpg_dispatch(), while the sender polls all the time whether that thread has the message.
 * -o: send RATE messages in a second. Each is timed from when it was due, even if it could not be sent then.
 * The result is a line of key=value pairs. Exit status 0 if no message was lost.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/cluster/client.h"

#define SIZE_MIN sizeof(uint64_t)
#define END_MARK (UINT64_C(1) << 63) /* set in the counter of a sender's last message */
#define SENDERS_MAX 128
#define NS_PER_MS UINT64_C(1000000)
#define REFUSED_US 100

/* Only the thread that dispatches writes these members, so additions need not be atomic. */
struct sender {
	uint64_t key; /* node id and process id */
	_Atomic uint64_t count;
};

struct load {
	cpg_handle_t handle;
	const char *group;
	size_t size;
	unsigned int members_wanted;
	unsigned int senders_wanted;
	unsigned int sleepers;
	uint64_t warm_ns;
	uint64_t measure_ns;
	uint64_t own_key;
	uint8_t *buffer;
	uint64_t sent, refused;

	struct sender senders[SENDERS_MAX];
	_Atomic unsigned int sender_count;
	_Atomic unsigned int present; /* members now */
	_Atomic unsigned int ended;
	_Atomic uint64_t delivered, own;
	uint64_t gaps, hash;

	/* With -o: the times at which messages are due, and their latencies. */
	uint64_t start_ns, gap_ns, count_max;
	uint64_t *took_ns;
};

static struct load load = {
	.group = "load",
	.size = 64,
	.members_wanted = 1,
	.senders_wanted = 1,
	.warm_ns = 1000 * NS_PER_MS,
	.measure_ns = 2000 * NS_PER_MS,
	.hash = HASH_START,
};

static void die(const char *what, cs_error_t error)
{
	printf("error=%s code=%d\n", what, error);
	exit(1);
}

static void add_one(_Atomic uint64_t *number)
{
	atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + 1, memory_order_relaxed);
}

static struct sender *sender_find(uint64_t key)
{
	static struct sender *last;
	unsigned int count = atomic_load(&load.sender_count);

	if (last != NULL && last->key == key)
		return last;
	for (unsigned int i = 0; i < count; i++) {
		if (load.senders[i].key == key)
			return last = &load.senders[i];
	}
	if (count == SENDERS_MAX)
		die("senders", CS_ERR_NO_SPACE);
	last = &load.senders[count];
	last->key = key;
	atomic_store(&load.sender_count, count + 1);
	return last;
}

static void deliver(
	cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid, uint32_t pid, void *message, size_t size)
{
	uint64_t key = (uint64_t)nodeid << 32 | pid, counter = 0;
	struct sender *sender = sender_find(key);
	uint64_t count = atomic_load_explicit(&sender->count, memory_order_relaxed);

	(void)handle, (void)group;
	memcpy(&counter, message, size < sizeof(counter) ? size : sizeof(counter));
	load.hash = client_hash(client_hash(load.hash, key), counter);
	if (counter & END_MARK) {
		load.gaps += (counter & ~END_MARK) != count;
		atomic_fetch_add(&load.ended, 1);
		return;
	}
	load.gaps += counter != count + 1;
	add_one(&sender->count);
	add_one(&load.delivered);
	if (key != load.own_key)
		return;
	if (load.took_ns != NULL && counter <= load.count_max)
		load.took_ns[counter - 1] = client_now_ns() - load.start_ns - counter * load.gap_ns;
	add_one(&load.own);
}

static void confchg(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *members,
	size_t member_count, const struct cpg_address *left, size_t left_count, const struct cpg_address *joined,
	size_t joined_count)
{
	(void)handle, (void)group, (void)members, (void)left, (void)left_count;
	(void)joined, (void)joined_count;
	atomic_store(&load.present, (unsigned int)member_count);
}

static void *dispatcher(void *unused)
{
	cpg_dispatch(load.handle, CS_DISPATCH_BLOCKING);
	return unused;
}

static void start_dispatcher(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, dispatcher, NULL) != 0)
		die("thread", CS_ERR_NO_MEMORY);
}

static bool try_send(uint64_t counter, size_t size)
{
	memcpy(load.buffer, &counter, sizeof(counter));

	struct iovec iov = {.iov_base = load.buffer, .iov_len = size};
	cs_error_t error = cpg_mcast_joined(load.handle, CPG_TYPE_AGREED, &iov, 1);

	if (error == CS_OK)
		return true;
	if (error != CS_ERR_TRY_AGAIN)
		die("mcast", error);
	load.refused++;
	return false;
}

/* A copy of the counts of delivered messages, in all and by sender. */
struct snapshot {
	uint64_t at_ns, delivered;
	uint64_t counts[SENDERS_MAX];
};

static void snapshot_take(struct snapshot *snapshot)
{
	unsigned int count = atomic_load(&load.sender_count);

	snapshot->at_ns = client_now_ns();
	snapshot->delivered = atomic_load(&load.delivered);
	for (unsigned int i = 0; i < count; i++)
		snapshot->counts[i] = atomic_load(&load.senders[i].count);
}

static void send_until(uint64_t end_ns, bool is_receiver)
{
	uint64_t now = client_now_ns();

	if (is_receiver && now < end_ns)
		usleep((useconds_t)((end_ns - now) / 1000));
	while (client_now_ns() < end_ns) {
		if (try_send(load.sent + 1, load.size))
			load.sent++;
		else
			usleep(REFUSED_US);
	}
}

/* Return how evenly the senders were served: deliveries of the slowest divided by those of the fastest. */
static double share(const struct snapshot *before, const struct snapshot *after)
{
	unsigned int count = atomic_load(&load.sender_count), seen = 0;
	uint64_t least = UINT64_MAX, greatest = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t own = after->counts[i] - before->counts[i];

		if (own == 0)
			continue;
		seen++;
		least = own < least ? own : least;
		greatest = own > greatest ? own : greatest;
	}
	return seen < load.senders_wanted || greatest == 0 ? 0 : (double)least / (double)greatest;
}

static void run_flood(bool is_receiver)
{
	static struct snapshot before, after;
	struct rusage usage;

	start_dispatcher();
	while (atomic_load(&load.present) < load.members_wanted)
		usleep(1000);

	uint64_t start = client_now_ns();

	send_until(start + load.warm_ns, is_receiver);
	snapshot_take(&before);
	send_until(start + load.warm_ns + load.measure_ns / 2, is_receiver);
	printf("half\n");
	fflush(stdout);
	send_until(start + load.warm_ns + load.measure_ns, is_receiver);
	snapshot_take(&after);
	printf("measured\n");
	fflush(stdout);
	while (!try_send(END_MARK | load.sent, SIZE_MIN))
		usleep(1000);
	while (atomic_load(&load.ended) + load.sleepers < load.members_wanted)
		usleep(1000);

	double seconds = (double)(after.at_ns - before.at_ns) / 1e9;
	double rate = (double)(after.delivered - before.delivered) / seconds;

	getrusage(RUSAGE_SELF, &usage);
	printf("sent=%ju delivered=%ju msgs_per_s=%.1f mb_per_s=%.4f share=%.3f cpu_us=%ju "
	       "refused=%ju gaps=%ju hash=%016jx\n",
		(uintmax_t)load.sent, (uintmax_t)load.delivered, rate, rate * (double)load.size / 1e6,
		share(&before, &after),
		(uintmax_t)((uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)),
		(uintmax_t)load.refused, (uintmax_t)load.gaps, (uintmax_t)load.hash);
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void print_times(uint64_t *took_ns, size_t count)
{
	qsort(took_ns, count, sizeof(*took_ns), compare_u64);
	printf("count=%zu p50_us=%.1f p99_us=%.1f max_us=%.1f refused=%ju gaps=%ju\n", count,
		(double)took_ns[count / 2] / 1e3, (double)took_ns[count * 99 / 100] / 1e3,
		(double)took_ns[count - 1] / 1e3, (uintmax_t)load.refused, (uintmax_t)load.gaps);
}

static void dispatch(int wait_ms)
{
	struct pollfd poll_fd = {.events = POLLIN};
	cs_error_t error = cpg_fd_get(load.handle, &poll_fd.fd);

	if (error != CS_OK)
		die("fd", error);
	if (wait_ms != 0)
		poll(&poll_fd, 1, wait_ms);
	error = cpg_dispatch(load.handle, CS_DISPATCH_ALL);
	if (error != CS_OK && error != CS_ERR_TRY_AGAIN)
		die("dispatch", error);
}

/* How a client waits for its own message: it sleeps, it polls, or another thread waits in a dispatch. */
enum wait { WAIT_ASLEEP, WAIT_POLLING, WAIT_BESIDE };

static void await(enum wait wait, int asleep_ms)
{
	if (wait == WAIT_BESIDE)
		sched_yield();
	else
		dispatch(wait == WAIT_ASLEEP ? asleep_ms : 0);
}

static void run_closed(size_t count, enum wait wait)
{
	uint64_t *took_ns = calloc(count, sizeof(*took_ns));

	if (took_ns == NULL)
		abort();
	if (wait == WAIT_BESIDE)
		start_dispatcher();
	while (atomic_load(&load.present) < load.members_wanted)
		await(wait, 100);
	for (size_t i = 0; i < count; i++) {
		uint64_t start = client_now_ns();

		while (!try_send(load.sent + 1, load.size))
			await(wait, 1);
		load.sent++;
		while (atomic_load(&load.own) < load.sent)
			await(wait, 1000);
		took_ns[i] = client_now_ns() - start;
	}
	print_times(took_ns, count);
	free(took_ns);
}

static void sleep_until(uint64_t at_ns)
{
	struct timespec at = {
		.tv_sec = (time_t)(at_ns / 1000000000),
		.tv_nsec = (long)(at_ns % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void run_open(unsigned int rate)
{
	uint64_t warm = load.warm_ns * rate / 1000000000;

	prctl(PR_SET_TIMERSLACK, 1);
	load.gap_ns = UINT64_C(1000000000) / rate;
	load.count_max = warm + load.measure_ns * rate / 1000000000;
	load.took_ns = calloc(load.count_max, sizeof(*load.took_ns));
	if (load.took_ns == NULL)
		abort();
	start_dispatcher();
	while (atomic_load(&load.present) < load.members_wanted)
		usleep(1000);
	load.start_ns = client_now_ns();
	while (load.sent < load.count_max) {
		uint64_t due = load.start_ns + (load.sent + 1) * load.gap_ns;

		if (client_now_ns() < due)
			sleep_until(due);
		if (try_send(load.sent + 1, load.size))
			load.sent++;
		else
			usleep(REFUSED_US);
	}
	while (atomic_load(&load.own) < load.sent)
		usleep(1000);
	print_times(load.took_ns + warm, load.count_max - warm);
}

int main(int argc, char **argv)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = deliver,
		.cpg_confchg_fn = confchg,
	};
	unsigned int rate = 0, seconds_max = 60;
	bool is_receiver = false, is_dead = false, is_polling = false, is_beside = false;
	size_t count = 0;
	uint32_t nodeid;
	const struct client_option options[] = {
		{'g', .text = &load.group},
		{'m', .count = &load.members_wanted},
		{'z', .count = &load.sleepers},
		{'n', .count = &load.senders_wanted},
		{'s', .size = &load.size},
		{'u', .ns = &load.warm_ns},
		{'t', .ns = &load.measure_ns},
		{'w', .count = &seconds_max},
		{'l', .size = &count},
		{'o', .count = &rate},
		{'r', .flag = &is_receiver},
		{'y', .flag = &is_polling},
		{'b', .flag = &is_beside},
		{'d', .flag = &is_dead},
		{0},
	};

	if (!client_options(argc, argv, options))
		return 2;
	if (load.size < SIZE_MIN)
		load.size = SIZE_MIN;
	load.buffer = calloc(1, load.size);
	if (load.buffer == NULL)
		abort();
	alarm(seconds_max);

	cs_error_t error = client_join(
		&load.handle, &model, load.group, client_now_ns() + seconds_max * 1000 * NS_PER_MS);
	if (error != CS_OK)
		die("join", error);
	cpg_local_get(load.handle, &nodeid);
	load.own_key = (uint64_t)nodeid << 32 | (uint32_t)getpid();
	if (is_dead)
		pause();
	else if (count > 0)
		run_closed(count, is_beside ? WAIT_BESIDE : is_polling ? WAIT_POLLING : WAIT_ASLEEP);
	else if (rate > 0)
		run_open(rate);
	else
		run_flood(is_receiver);
	/* Exit without joining the thread that dispatches, which is blocked for ever. */
	fflush(stdout);
	_exit(load.gaps > 0 || atomic_load(&load.own) != load.sent);
}
