/*
 * All calls of libevs on a ring of one node. tests/cluster/evs.sh has larger rings.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/evs.h>

#include "tests/interop/matrix.h"

const struct matrix_library matrix_library = {evs_fd_get, evs_dispatch, evs_finalize};

static void (*event_hook)(evs_handle_t handle);

static void event_seen(evs_handle_t handle)
{
	void (*hook)(evs_handle_t) = event_hook;

	events_seen++;
	if (hook != NULL) {
		event_hook = NULL;
		hook(handle);
	}
}

static void print_deliver(evs_handle_t handle, unsigned int nodeid, const void *msg, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + ((const uint8_t *)msg)[i];
	if (size <= 40)
		say("  message of %u: %.*s", nodeid, (int)size, (const char *)msg);
	else
		say("  message of %u: %zu bytes, %08x", nodeid, size, sum);
	event_seen(handle);
}

static void print_list(const char *title, const unsigned int *list, size_t count)
{
	printf(", %s", title);
	for (size_t i = 0; i < count; i++)
		printf(" %u", list[i]);
}

static void print_confchg(evs_handle_t handle, const unsigned int *members, size_t member_count,
	const unsigned int *left, size_t left_count, const unsigned int *joined, size_t joined_count,
	const struct evs_ring_id *ring)
{
	printf("  ring of %u, seq %s, flags %u", ring->nodeid, ring->seq > 0 ? "set" : "0", ring->flags);
	print_list("members", members, member_count);
	print_list("left", left, left_count);
	print_list("joined", joined, joined_count);
	say("%s", "");
	event_seen(handle);
}

static evs_callbacks_t printing = {print_deliver, print_confchg};

/* Connect and read the first configuration, so that it is not printed. */
static evs_handle_t connect_quietly(void)
{
	evs_handle_t handle;
	evs_callbacks_t deliver = {.evs_deliver_fn = print_deliver};

	CONNECT(evs_initialize(&handle, &deliver));
	if (evs_dispatch(handle, CS_DISPATCH_ONE) != CS_OK)
		give_up("no configuration");
	return handle;
}

static struct evs_group group_of(const char *name)
{
	struct evs_group group = {.key = ""};

	memcpy(group.key, name, strlen(name));
	return group;
}

static cs_error_t send_to(evs_handle_t handle, evs_guarantee_t guarantee, const char *group, const char *text)
{
	struct evs_group to = group_of(group);
	struct iovec iov = vector_of(text, strlen(text));

	return PATIENTLY(evs_mcast_groups(handle, guarantee, &to, 1, &iov, 1));
}

static cs_error_t send_joined(evs_handle_t handle, evs_guarantee_t guarantee, const char *text)
{
	struct iovec iov = vector_of(text, strlen(text));

	return PATIENTLY(evs_mcast_joined(handle, guarantee, &iov, 1));
}

/* Print the results of calls with a dead, broken or invalid handle. */
static void all_calls_with(evs_handle_t handle)
{
	struct evs_group group = group_of("any");
	struct iovec iov = vector_of("x", 1);
	unsigned int local = 7, members[4];
	size_t count = 4;
	void *context = &group;
	int fd = 7;

	CALL(evs_fd_get(handle, &fd) != CS_OK);
	CALL(evs_context_set(handle, &fd));
	CALL(evs_context_get(handle, &context));
	for (int type = CS_DISPATCH_ONE; type <= CS_DISPATCH_ONE_NONBLOCKING; type++)
		CALL(evs_dispatch(handle, (cs_dispatch_flags_t)type));
	CALL(evs_join(handle, &group, 1));
	CALL(evs_leave(handle, &group, 1));
	CALL(evs_mcast_joined(handle, EVS_TYPE_AGREED, &iov, 1));
	CALL(evs_mcast_groups(handle, EVS_TYPE_SAFE, &group, 1, &iov, 1));
	CALL(evs_membership_get(handle, &local, members, &count));
	say("untouched: %u, %zu", local, count);
}

static void part_absent(pid_t daemon)
{
	evs_handle_t handle = 7;

	(void)daemon;
	CALL(evs_initialize(&handle, &printing));
	CALL(evs_finalize(handle));
	setenv("COTERIE_INSTANCE", "No Instance", 1);
	CALL(evs_initialize(&handle, NULL));
	setenv("COTERIE_INSTANCE", "another", 1);
	CALL(evs_initialize(&handle, NULL));
}

/* Check a daemon that has not loaded the service. */
static void part_without(pid_t daemon)
{
	evs_handle_t handle;
	unsigned int others = 0;

	(void)daemon;
	for (int i = 0; i < 100; i++) {
		others += evs_initialize(&handle, &printing) != CS_ERR_LIBRARY;
		pause_ms(20);
	}
	say("%u codes other than 2", others);
}

static void part_starting(pid_t daemon)
{
	evs_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = evs_initialize(&handle, &printing);
		others += rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN;
		if (rc != CS_OK)
			pause_ms(1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(evs_finalize(handle));
}

/* ---- Live ---------------------------------------------------------------- */

static int initialize_as_nobody(void *unused)
{
	evs_handle_t handle;

	(void)unused;
	return become_nobody() ? (int)evs_initialize(&handle, NULL) : 100;
}

static int initialize_without_descriptors(void *unused)
{
	evs_handle_t handle;

	(void)unused;
	forbid_descriptors();
	return (int)evs_initialize(&handle, NULL);
}

static void initialize_all_ways(void)
{
	evs_callbacks_t none = {NULL, NULL};
	evs_handle_t handle, other;
	void *context = &none;
	int fd, again;

	say("as nobody: %s", in_child(initialize_as_nobody, NULL, 5000));
	say("without descriptors: %s", in_child(initialize_without_descriptors, NULL, 5000));
	CALL(evs_initialize(&handle, NULL));
	CALL(evs_initialize(&other, &none));
	say("two handles: %s", handle != other && handle != 0 && other != 0 ? "yes" : "no");
	/* An event for which there is no callback counts as dispatched. */
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(evs_dispatch(other, CS_DISPATCH_ALL));
	CALL(evs_context_get(handle, &context));
	say("context %s", context == NULL ? "NULL" : "set");
	CALL(evs_context_set(handle, &none));
	CALL(evs_context_get(handle, &context));
	say("context %s", context == &none ? "as set" : "another");
	CALL(evs_fd_get(handle, &fd));
	CALL(evs_fd_get(handle, &again));
	say("one descriptor: %s, closed by exec: %s", fd == again ? "yes" : "no",
		(fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? "yes" : "no");
	CALL(evs_finalize(handle));
	CALL(evs_finalize(handle));
	CALL(evs_finalize(other));
}

static void membership(evs_handle_t handle)
{
	unsigned int local = 0, members[3] = {0};
	size_t count = 3;

	CALL(evs_membership_get(handle, &local, members, &count));
	say("local %u, %zu members, the first %u", local, count, members[0]);
	count = 0;
	CALL(evs_membership_get(handle, NULL, members, &count));
	say("%zu members", count);
	count = 3;
	CALL(evs_membership_get(handle, NULL, NULL, &count));
	say("%zu members", count);
}

static void groups(void)
{
	evs_handle_t handle, other = connect_quietly();
	struct evs_group two[3];

	CONNECT(evs_initialize(&handle, &printing));
	two[0] = two[2] = group_of("one");
	two[1] = group_of("two");
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE));
	CALL(evs_join(handle, NULL, 0));
	CALL(evs_leave(handle, NULL, 0));
	CALL(send_joined(handle, EVS_TYPE_AGREED, "of nobody to nobody"));
	CALL(evs_join(handle, two, 2));
	CALL(evs_join(other, &two[1], 1));
	CALL(send_joined(handle, EVS_TYPE_AGREED, "to one and two"));
	CALL(send_joined(other, EVS_TYPE_AGREED, "to two"));
	CALL(send_to(other, EVS_TYPE_AGREED, "one", "to one"));
	CALL(send_to(other, EVS_TYPE_AGREED, "three", "to three"));
	say("the one that is in both");
	expect_events(handle, 3);
	expect_quiet(handle);
	say("the one that is in two");
	expect_events(other, 2);
	expect_quiet(other);
	CALL(evs_join(handle, two, 1));
	CALL(evs_leave(handle, two, 3)); /* groups one, two and one */
	CALL(evs_leave(handle, two, 1));
	CALL(evs_join(handle, two, 2));
	CALL(evs_leave(handle, two, 3)); /* groups one, two, and one again, which the client is not in any more */
	CALL(send_to(other, EVS_TYPE_AGREED, "one", "left already"));
	expect_quiet(handle);
	CALL(evs_finalize(handle));
	CALL(evs_finalize(other));
}

static void guarantees(void)
{
	static const char *const texts[] = {"unordered", "fifo", "agreed", "safe"};
	evs_handle_t handle = connect_quietly();
	struct evs_group group = group_of("all kinds");
	struct iovec iov = vector_of("x", 1), parts[3];

	CALL(evs_join(handle, &group, 1));
	for (int i = EVS_TYPE_UNORDERED; i <= EVS_TYPE_SAFE; i++)
		CALL(send_joined(handle, (evs_guarantee_t)i, texts[i]));
	for (int i = EVS_TYPE_UNORDERED; i <= EVS_TYPE_SAFE; i++)
		CALL(send_to(handle, (evs_guarantee_t)i, "all kinds", texts[i]));
	expect_events(handle, 8);
	CALL(evs_mcast_joined(handle, (evs_guarantee_t)4, &iov, 1));
	CALL(evs_mcast_joined(handle, (evs_guarantee_t)-1, &iov, 1));
	CALL(evs_mcast_groups(handle, (evs_guarantee_t)4, &group, 1, &iov, 1));
	parts[0] = vector_of("in ", 3);
	parts[1] = vector_of(NULL, 0);
	parts[2] = vector_of("parts", 5);
	CALL(PATIENTLY(evs_mcast_joined(handle, EVS_TYPE_SAFE, parts, 3)));
	CALL(PATIENTLY(evs_mcast_joined(handle, EVS_TYPE_SAFE, NULL, 0)));
	CALL(PATIENTLY(evs_mcast_groups(handle, EVS_TYPE_SAFE, &group, 1, parts, 0)));
	expect_events(handle, 3);
	expect_quiet(handle);
	CALL(evs_finalize(handle));
}

static void finalize_here(evs_handle_t handle)
{
	CALL(evs_finalize(handle));
	CALL(evs_finalize(handle));
}

static void send_here(evs_handle_t handle)
{
	struct evs_group group = group_of("nested");

	CALL(evs_join(handle, &group, 1));
	CALL(send_joined(handle, EVS_TYPE_SAFE, "from inside"));
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE));
}

static void in_callbacks(void)
{
	static const cs_dispatch_flags_t types[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING, 0};
	evs_handle_t handle;

	CONNECT(evs_initialize(&handle, &printing));
	event_hook = send_here;
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE));
	event_hook = finalize_here;
	CALL(send_joined(handle, EVS_TYPE_AGREED, "the last one"));
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CONNECT(evs_initialize(&handle, &printing));
		event_hook = finalize_here;
		say("%d", (int)types[i]);
		CALL(evs_dispatch(handle, types[i]));
	}
}

static int finalize_own(void *unused)
{
	evs_handle_t handle = connect_quietly();

	(void)unused;
	return finalize_blocked(&handle);
}

static void part_live(pid_t daemon)
{
	evs_handle_t handle = connect_quietly();
	long expected;

	(void)daemon;
	CALL(evs_finalize(handle));
	say("with a dead handle");
	all_calls_with(handle);
	say("with no handle");
	all_calls_with(0);
	initialize_all_ways();
	handle = connect_quietly();
	membership(handle);
	groups();
	guarantees();
	in_callbacks();
	say("dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	say("dispatch of a handle that is finalized: %s", in_child(finalize_own, NULL, 10000));
	srandom(1);
	expected = random();
	srandom(1);
	CALL(evs_finalize(connect_quietly()));
	say("random numbers used up: %s", random() == expected ? "no" : "yes");
	CALL(evs_finalize(handle));
}

/* ---- Limits -------------------------------------------------------------- */

static void sizes(void)
{
	static const struct {
		size_t size, groups;
	} rows[] = {{1, 1}, {8191, 1}, {1047552, 1}, {1047552, 30}, {1047552, 31}, {1047553, 0},
		{1048536 - 50 * 32, 50}, {1048537 - 50 * 32, 50}, {1, 51}};
	evs_handle_t handle = connect_quietly();
	struct evs_group list[51];
	uint8_t *bytes = pattern(1047553, 1);

	for (int i = 0; i < 51; i++)
		list[i] = group_of("sizes");
	CALL(evs_join(handle, list, 1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct iovec iov = {bytes, rows[i].size};
		cs_error_t rc = PATIENTLY(evs_mcast_groups(handle, EVS_TYPE_SAFE, list, rows[i].groups, &iov, 1));

		say("%zu bytes to %zu groups: %d", rows[i].size, rows[i].groups, (int)rc);
		if (rc == CS_OK && rows[i].groups > 0)
			expect_events(handle, 1);
	}
	CALL(evs_join(handle, list, 50));
	CALL(evs_join(handle, list, 51));
	CALL(evs_leave(handle, list, 51));
	CALL(evs_leave(handle, list, 1));
	CALL(evs_finalize(handle));
	free(bytes);
}

static void many_vectors(void)
{
	evs_handle_t handle = connect_quietly();
	struct evs_group group = group_of("vectors");
	uint8_t *bytes = pattern(300, 2);
	struct iovec iov[300];

	for (size_t i = 0; i < 300; i++)
		iov[i] = (struct iovec){bytes + i, 1};
	CALL(evs_join(handle, &group, 1));
	CALL(PATIENTLY(evs_mcast_joined(handle, EVS_TYPE_AGREED, iov, 63)));
	CALL(PATIENTLY(evs_mcast_joined(handle, EVS_TYPE_AGREED, iov, 300)));
	CALL(PATIENTLY(evs_mcast_groups(handle, EVS_TYPE_AGREED, &group, 1, iov, 300)));
	expect_events(handle, 3);
	CALL(evs_finalize(handle));
	free(bytes);
}

static void many_groups(void)
{
	evs_handle_t handle = connect_quietly();
	struct evs_group list[50];
	struct iovec iov = vector_of("to all of them", 14);
	cs_error_t rc = CS_OK;
	unsigned int joined = 0;

	for (unsigned int i = 0; rc == CS_OK && i < 1000; i++) {
		for (unsigned int k = 0; k < 50; k++)
			snprintf(list[k].key, sizeof(list[k].key), "group %u", i * 50 + k);
		rc = evs_join(handle, list, 50);
		joined += rc == CS_OK ? 50 : 0;
	}
	say("%u groups, then %d", joined, (int)rc);
	CALL(evs_join(handle, list, 1)); /* the client is in all groups that were joined before the failing one */
	CALL(PATIENTLY(evs_mcast_joined(handle, EVS_TYPE_AGREED, &iov, 1)));
	expect_events(handle, 1);
	CALL(evs_leave(handle, list, 50));
	CALL(evs_finalize(handle));
}

/* A client that sends messages as fast as possible, on its own connection. */
struct flooder {
	pthread_t thread;
	evs_handle_t handle;
	const struct iovec *iov;
};

static atomic_uint flood_sent, flood_others, flood_seen, flood_senders;

static void *keep_sending(void *arg)
{
	struct flooder *flooder = arg;
	struct evs_group group = group_of("flood");

	for (int i = 0; i < 5000 && flood_sent < 200; i++) {
		for (int waits = 0; waits < 50000 && flood_sent - flood_seen > 20; waits++)
			usleep(100);
		cs_error_t rc = evs_mcast_groups(
			flooder->handle, i % 2 ? EVS_TYPE_SAFE : EVS_TYPE_AGREED, &group, 1, flooder->iov, 1);

		flood_sent += rc == CS_OK;
		flood_others += rc != CS_OK && rc != CS_ERR_TRY_AGAIN;
	}
	flood_senders--;
	return NULL;
}

/*
 * Let many clients send as fast as possible. No message may be lost. A sender may be refused when the ring has no room,
 * which depends on the scheduler. tests/unit/exec/ipc/test_ipc_gate.c tests a full queue.
 */
static void flood(void)
{
	evs_callbacks_t silent = {NULL, NULL};
	evs_handle_t handle;
	struct evs_group group = group_of("flood");
	uint8_t *bytes = pattern(1000000, 5);
	struct iovec iov = {bytes, 1000000};
	struct flooder flooders[24];

	CONNECT(evs_initialize(&handle, &silent));
	evs_dispatch(handle, CS_DISPATCH_ONE);
	evs_join(handle, &group, 1);
	flood_senders = sizeof(flooders) / sizeof(flooders[0]);
	for (size_t i = 0; i < sizeof(flooders) / sizeof(flooders[0]); i++) {
		flooders[i] = (struct flooder){.handle = connect_quietly(), .iov = &iov};
		pthread_create(&flooders[i].thread, NULL, keep_sending, &flooders[i]);
	}
	while (flood_senders > 0 || flood_seen < flood_sent) {
		if (flood_seen == flood_sent)
			usleep(100);
		else if (evs_dispatch(handle, CS_DISPATCH_ONE) == CS_OK)
			flood_seen++;
		else
			break;
	}
	say("a flood: enough is sent: %s, other codes: %u, lost: %u", flood_sent >= 200 ? "yes" : "no", flood_others,
		flood_sent - flood_seen);
	for (size_t i = 0; i < sizeof(flooders) / sizeof(flooders[0]); i++) {
		pthread_join(flooders[i].thread, NULL);
		evs_finalize(flooders[i].handle);
	}
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(evs_finalize(handle));
	free(bytes);
}

static void part_limits(pid_t daemon)
{
	(void)daemon;
	sizes();
	many_vectors();
	many_groups();
	flood();
}

/* ---- A daemon that stops or goes ----------------------------------------- */

static int ask(evs_handle_t handle)
{
	size_t none = 0;

	return (int)evs_membership_get(handle, NULL, NULL, &none);
}

static int multicast(evs_handle_t handle) { return (int)send_to(handle, EVS_TYPE_SAFE, "paused", "x"); }

static void part_paused(pid_t daemon)
{
	evs_handle_t handle = connect_quietly();
	struct waiting_child request = child_start(connect_quietly, ask);
	struct waiting_child sender = child_start(connect_quietly, multicast);
	struct waiting_child patient = child_start(connect_quietly, multicast);
	struct evs_group group = group_of("paused");
	void *context;
	int fd;

	CALL(evs_join(handle, &group, 1));
	kill(daemon, SIGSTOP);
	say("a request: %s", child_go(request, 1000));
	say("a multicast: %s", child_go(sender, 1000));
	CALL(evs_dispatch(handle, CS_DISPATCH_ALL));
	CALL(evs_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(evs_fd_get(handle, &fd));
	CALL(evs_context_get(handle, &context));
	kill(daemon, SIGCONT);
	say("and afterwards: %s", child_go(patient, 5000));
	expect_events(handle, 2); /* two messages. The child that sent one of them was killed while its call waited */
	CALL(evs_finalize(handle));
}

static void part_dying(pid_t daemon, int signal_number)
{
	evs_handle_t handle = connect_quietly();
	struct blocked blocked[2];

	blocked_start(&blocked[0], connect_quietly(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_quietly(), CS_DISPATCH_BLOCKING);
	kill(daemon, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(evs_finalize(blocked[i].handle));
	}
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	all_calls_with(handle);
	CALL(evs_finalize(handle));
	CALL(evs_initialize(&handle, &printing));
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"without", part_without},
	{"starting", part_starting},
	{"live", part_live},
	{"limits", part_limits},
	{"paused", part_paused},
	{"killed", part_killed},
	{"stopped", part_stopped},
	{NULL, NULL},
};
