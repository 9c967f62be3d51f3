/*
 * Everything that libvotequorum can do. The defects have the numbers of
 * book compatibility, "Client libraries".
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <corosync/votequorum.h>

#include "tests/interop/matrix.h"

const struct matrix_library matrix_library = {votequorum_fd_get, votequorum_dispatch, votequorum_finalize};

static void (*event_hook)(votequorum_handle_t handle);
static votequorum_ring_id_t last_ring_id; /* ring id of the last nodelist event */

static void event_seen(votequorum_handle_t handle)
{
	void (*hook)(votequorum_handle_t) = event_hook;

	events_seen++;
	if (hook != NULL) {
		event_hook = NULL;
		hook(handle);
	}
}

static void print_quorum(votequorum_handle_t handle, uint64_t context, uint32_t quorate, uint32_t node_list_entries,
	votequorum_node_t node_list[])
{
	printf("  quorum context %llx quorate %u; nodes", (unsigned long long)context, quorate);
	for (uint32_t i = 0; i < node_list_entries; i++)
		printf(" %u/%u", node_list[i].nodeid, node_list[i].state);
	say("%s", "");
	event_seen(handle);
}

static void print_expected(votequorum_handle_t handle, uint64_t context, uint32_t expected_votes)
{
	say("  expected context %llx votes %u", (unsigned long long)context, expected_votes);
	event_seen(handle);
}

static void print_nodelist(votequorum_handle_t handle, uint64_t context, votequorum_ring_id_t ring_id,
	uint32_t node_list_entries, uint32_t node_list[])
{
	last_ring_id = ring_id;
	printf("  nodelist context %llx ring of %u, seq %s; nodes", (unsigned long long)context, ring_id.nodeid,
		ring_id.seq > 0 ? "set" : "0");
	for (uint32_t i = 0; i < node_list_entries; i++)
		printf(" %u", node_list[i]);
	say("%s", "");
	event_seen(handle);
}

static votequorum_callbacks_t printing = {print_quorum, print_expected, print_nodelist};

static votequorum_handle_t connect_printing(void)
{
	votequorum_handle_t handle;

	CONNECT(votequorum_initialize(&handle, &printing));
	return handle;
}

/* Return a device's name of that many bytes. */
static const char *name_of_length(size_t length)
{
	static char name[400];

	memset(name, 'n', sizeof(name));
	name[length] = '\0';
	return name;
}

static void print_info(votequorum_handle_t handle, unsigned int nodeid)
{
	struct votequorum_info info;
	size_t length;

	memset(&info, 0xff, sizeof(info));
	cs_error_t rc = votequorum_getinfo(handle, nodeid, &info);
	if (rc != CS_OK) {
		say("info of %u = %d", nodeid, (int)rc);
		return;
	}
	length = strnlen(info.qdevice_name, sizeof(info.qdevice_name));
	say("info of %u: node %u state %u votes %u expected %u highest %u total %u quorum %u "
	    "flags %x device %u '%s' of %zu",
		nodeid, info.node_id, info.node_state, info.node_votes, info.node_expected_votes, info.highest_expected,
		info.total_votes, info.quorum, info.flags, info.qdevice_votes, length < 40 ? info.qdevice_name : "long",
		length);
}

static void part_absent(pid_t daemon)
{
	votequorum_handle_t handle = 7;

	(void)daemon;
	CALL(votequorum_initialize(&handle, &printing));
	CALL(votequorum_finalize(handle));
	CALL(votequorum_initialize(&handle, NULL));
}

static void part_starting(pid_t daemon)
{
	votequorum_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = votequorum_initialize(&handle, &printing);
		if (rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN)
			others++;
		if (rc != CS_OK)
			pause_ms(1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(votequorum_finalize(handle));
}

/* Print the results of calls with a dead, broken or invalid handle. */
static void all_calls_with(votequorum_handle_t handle)
{
	votequorum_ring_id_t ring_id = {1, 1};
	void *context = &handle;
	int fd = 7;

	CALL(votequorum_fd_get(handle, &fd));
	CALL(votequorum_context_set(handle, &fd));
	CALL(votequorum_context_get(handle, &context));
	print_info(handle, 0);
	print_info(handle, 9);
	CALL(votequorum_setexpected(handle, 1));
	CALL(votequorum_setvotes(handle, 1, 1));
	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CURRENT));
	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CHANGES));
	CALL(votequorum_trackstop(handle));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(votequorum_dispatch(handle, (cs_dispatch_flags_t)0));
	CALL(votequorum_dispatch(handle, (cs_dispatch_flags_t)5));
	CALL(votequorum_qdevice_register(handle, "d"));
	CALL(votequorum_qdevice_unregister(handle, "d"));
	CALL(votequorum_qdevice_update(handle, "d", "e"));
	CALL(votequorum_qdevice_poll(handle, "d", 1, ring_id));
	CALL(votequorum_qdevice_master_wins(handle, "d", 1));
	for (size_t length = 0; length <= 300; length += length == 0 ? 254 : 1) {
		const char *name = name_of_length(length);

		if (length > 256)
			length = 300;
		say("names of %zu bytes: %d %d %d %d %d %d", length, (int)votequorum_qdevice_register(handle, name),
			(int)votequorum_qdevice_unregister(handle, name),
			(int)votequorum_qdevice_update(handle, name, "d"),
			(int)votequorum_qdevice_update(handle, "d", name),
			(int)votequorum_qdevice_poll(handle, name, 1, ring_id),
			(int)votequorum_qdevice_master_wins(handle, name, 1));
	}
	CALL(votequorum_finalize(handle));
}

static int initialize_denied(void *argument)
{
	votequorum_handle_t handle;

	(void)argument;
	if (!become_nobody())
		return 100;
	return (int)votequorum_initialize(&handle, &printing);
}

static int initialize_without_descriptors(void *argument)
{
	votequorum_handle_t handle;

	(void)argument;
	forbid_descriptors();
	return (int)votequorum_initialize(&handle, &printing);
}

static void initialize_all_ways(void)
{
	votequorum_callbacks_t none = {NULL, NULL, NULL};
	votequorum_handle_t handle = 0, other = 0;
	int mark;
	void *context = &mark;

	CALL(votequorum_initialize(&handle, NULL));
	CALL(votequorum_context_get(handle, &context));
	say("context NULL: %s", context == NULL ? "yes" : "no");
	CALL(votequorum_context_set(handle, &mark));
	CALL(votequorum_context_get(handle, &context));
	say("context as set: %s", context == &mark ? "yes" : "no");
	CALL(votequorum_initialize(&other, &none));
	say("handles differ: %s", handle != other && handle != 0 && other != 0 ? "yes" : "no");
	CALL(votequorum_trackstart(other, 0, CS_TRACK_CURRENT));
	CALL(votequorum_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING)); /* the event has no callback and is dropped */
	CALL(votequorum_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(votequorum_dispatch(other, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(votequorum_finalize(other));
	CALL(votequorum_finalize(other));
	CALL(votequorum_finalize(handle));
	say("initialize as nobody: %s", in_child(initialize_denied, NULL, 5000));
	say("initialize without descriptors: %s", in_child(initialize_without_descriptors, NULL, 5000));
}

static void descriptor(void)
{
	votequorum_handle_t handle = connect_printing();
	int fd = -1, again = -2;

	CALL(votequorum_fd_get(handle, &fd));
	CALL(votequorum_fd_get(handle, &again));
	say("descriptor: %s, non-blocking %s, close-on-exec %s", fd == again ? "same" : "other",
		fcntl(fd, F_GETFL) & O_NONBLOCK ? "yes" : "no", fcntl(fd, F_GETFD) & FD_CLOEXEC ? "yes" : "no");
	say("revents %d", revents_of(handle));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(votequorum_trackstart(handle, 5, CS_TRACK_CURRENT));
	say("revents %d", revents_of(handle));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	say("revents %d", revents_of(handle));
	CALL(votequorum_finalize(handle));
}

/* Check every value of the flags, with and without tracking. */
static void tracking(void)
{
	static const unsigned int flags[] = {
		0, CS_TRACK_CURRENT, 8, 0x80000000u, CS_TRACK_CHANGES_ONLY, CS_TRACK_CURRENT | CS_TRACK_CHANGES, ~0u};
	votequorum_handle_t handle = connect_printing();

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		say("flags %x, three times", flags[i]);
		for (uint64_t again = 0; again < 3; again++) {
			CALL(votequorum_trackstart(handle, UINT64_C(0x123456789abcdef0) + again, flags[i]));
			CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
		}
		CALL(votequorum_trackstop(handle));
		CALL(votequorum_trackstop(handle));
	}
	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CHANGES));
	CALL(votequorum_trackstop(handle));
	say("what waited comes after the stop");
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(votequorum_finalize(handle));
}

static void hook_finalize(votequorum_handle_t handle) { CALL(votequorum_finalize(handle)); }

static void hook_calls(votequorum_handle_t handle)
{
	print_info(handle, 0);
	CALL(votequorum_trackstart(handle, 2, CS_TRACK_CURRENT));
	say("nested");
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	say("back");
}

static void in_callbacks(void)
{
	static const cs_dispatch_flags_t flags[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING};
	votequorum_handle_t handle;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		handle = connect_printing();
		event_hook = hook_finalize;
		CALL(votequorum_trackstart(handle, 3, CS_TRACK_CURRENT));
		CALL(votequorum_dispatch(handle, flags[i]));
		CALL(votequorum_dispatch(handle, flags[i]));
	}
	handle = connect_printing();
	event_hook = hook_calls;
	CALL(votequorum_trackstart(handle, 4, CS_TRACK_CURRENT));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(votequorum_finalize(handle));
}

/* Wait for the results of a change, then print them. */
static void changed(votequorum_handle_t handle)
{
	expect_quiet(handle);
	print_info(handle, 0);
}

/* Count the votes: the only node has one vote, and the configuration expects three. */
static void counting(void)
{
	votequorum_handle_t handle = connect_printing(), other = connect_printing();

	print_info(handle, 0);
	print_info(handle, 1);
	print_info(handle, 2);
	print_info(handle, 4294967295u);
	CALL(votequorum_trackstart(handle, 7, CS_TRACK_CHANGES));
	CALL(votequorum_trackstart(other, 8, CS_TRACK_CHANGES_ONLY));
	changed(handle);
	CALL(votequorum_setexpected(handle, 0));
	changed(handle);
	CALL(votequorum_setvotes(handle, 2, 1));
	CALL(votequorum_setvotes(handle, 1, 0));
	CALL(votequorum_setvotes(handle, 1, 9));
	changed(handle);
	CALL(votequorum_setvotes(handle, 1, 1));
	changed(handle);
	say("it gets quorate");
	CALL(votequorum_setexpected(handle, 1));
	changed(handle);
	CALL(votequorum_setexpected(handle, 2));
	CALL(votequorum_setexpected(handle, 3));
	CALL(votequorum_setexpected(handle, 99));
	CALL(votequorum_setexpected(handle, 0));
	changed(handle);
	CALL(votequorum_setvotes(handle, 1, 3));
	changed(handle);
	CALL(votequorum_setvotes(handle, 1, 2));
	changed(handle);
	CALL(votequorum_setvotes(handle, 1, 3));
	CALL(votequorum_setexpected(handle, 3));
	changed(handle);
	say("the other handle");
	changed(other);
	CALL(votequorum_finalize(other));
	CALL(votequorum_finalize(handle));
}

static void part_live(pid_t daemon)
{
	votequorum_handle_t dead = connect_printing();

	(void)daemon;
	CALL(votequorum_finalize(dead));
	say("with a dead handle");
	all_calls_with(dead);
	say("with no handle");
	all_calls_with(0);
	initialize_all_ways();
	descriptor();
	tracking();
	in_callbacks();
	counting();
}

static cs_error_t register_patiently(votequorum_handle_t handle, const char *name)
{
	return PATIENTLY(votequorum_qdevice_register(handle, name));
}

/* Check that the calls of a device fail before a device is registered, and with another name afterwards. */
static void refused(votequorum_handle_t handle, const char *name)
{
	votequorum_ring_id_t stale = {last_ring_id.nodeid, last_ring_id.seq + 1};

	CALL(votequorum_qdevice_unregister(handle, name));
	CALL(votequorum_qdevice_update(handle, name, "third"));
	CALL(votequorum_qdevice_poll(handle, name, 1, last_ring_id));
	CALL(votequorum_qdevice_poll(handle, name, 1, stale));
	stale = (votequorum_ring_id_t){last_ring_id.nodeid + 1, last_ring_id.seq};
	CALL(votequorum_qdevice_poll(handle, name, 1, stale));
	CALL(votequorum_qdevice_master_wins(handle, name, 1));
}

static void polls(votequorum_handle_t handle, const char *name)
{
	static const unsigned int votes[] = {0, 1, 0, 255, 4294967295u};

	for (size_t i = 0; i < sizeof(votes) / sizeof(votes[0]); i++) {
		say("vote %u", votes[i]);
		CALL(votequorum_qdevice_poll(handle, name, votes[i], last_ring_id));
		changed(handle);
	}
}

/* Check a device. The configuration gives the node 1 vote and the device 2. The device has 1500 ms to poll. */
static void part_device(pid_t daemon)
{
	votequorum_handle_t handle = connect_printing(), other = connect_printing();

	(void)daemon;
	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CHANGES));
	expect_events(handle, 2);
	print_info(handle, 0);
	refused(handle, "first");
	CALL(register_patiently(handle, "first"));
	changed(handle);
	CALL(register_patiently(handle, "first"));
	CALL(register_patiently(other, "first"));
	CALL(register_patiently(other, "second"));
	refused(handle, "second");
	changed(handle);
	polls(handle, "first");
	CALL(votequorum_trackstart(other, 2, CS_TRACK_CURRENT));
	CALL(votequorum_dispatch(other, CS_DISPATCH_ALL));
	say("master wins, and not");
	CALL(votequorum_qdevice_master_wins(other, "first", 7));
	changed(handle);
	CALL(votequorum_qdevice_poll(handle, "first", 1, last_ring_id));
	changed(handle);
	CALL(votequorum_qdevice_master_wins(handle, "first", 0));
	changed(handle);
	say("it stops to poll");
	CALL(votequorum_qdevice_poll(handle, "first", 1, last_ring_id));
	pause_ms(2000);
	changed(handle);
	CALL(votequorum_qdevice_poll(other, "first", 1, last_ring_id));
	changed(handle);
	say("another name, of greatest length");
	CALL(votequorum_qdevice_update(other, "first", name_of_length(254)));
	changed(handle);
	CALL(votequorum_qdevice_poll(handle, "first", 1, last_ring_id));
	CALL(votequorum_qdevice_update(handle, name_of_length(254), "again"));
	changed(handle);
	say("it outlives its handle");
	CALL(votequorum_finalize(handle));
	print_info(other, 0);
	CALL(votequorum_qdevice_unregister(other, "again"));
	changed(other);
	CALL(votequorum_qdevice_unregister(other, "again"));
	CALL(register_patiently(other, "second"));
	changed(other);
	CALL(votequorum_qdevice_unregister(other, "second"));
	changed(other);
	CALL(votequorum_setvotes(other, VOTEQUORUM_QDEVICE_NODEID, 3));
	changed(other);
	CALL(votequorum_finalize(other));
}

static int finalize_own(void *unused)
{
	votequorum_handle_t handle = connect_printing();

	(void)unused;
	return finalize_blocked(&handle);
}

static void part_defects(pid_t daemon)
{
	votequorum_handle_t handle;
	struct votequorum_info info;
	long expected;

	(void)daemon;
	srandom(1);
	expected = random();
	srandom(1);
	CALL(votequorum_initialize(&handle, NULL));
	say("10.18 random numbers used up: %s", random() == expected ? "no" : "yes");
	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CURRENT));
	say("10.18 dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	memset(&info, 0x55, sizeof(info));
	CALL(votequorum_getinfo(handle, 9, &info));
	say("6.2 what was not found: %s",
		info.node_id == 0x55555555 && info.flags == 0x55555555 ? "untouched" : "undefined");
	/* Corosync's sum overflows for this value. */
	DEFECT("6.2", votequorum_setexpected(handle, 4294967295u));
	votequorum_getinfo(handle, 0, &info);
	CALL(votequorum_setexpected(handle, info.total_votes));
	CALL(votequorum_finalize(handle));
	say("10.7 dispatch of a handle that is finalized: %s", in_child(finalize_own, NULL, 10000));
}

static int ask(votequorum_handle_t handle)
{
	struct votequorum_info info;

	return (int)votequorum_getinfo(handle, 0, &info);
}

static void part_paused(pid_t daemon)
{
	votequorum_handle_t handle = connect_printing();
	struct waiting_child request = child_start(connect_printing, ask);
	struct waiting_child patient = child_start(connect_printing, ask);
	void *context;
	int fd;

	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CURRENT));
	kill(daemon, SIGSTOP);
	say("a request: %s", child_go(request, 1000));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(votequorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(votequorum_fd_get(handle, &fd) != CS_OK);
	CALL(votequorum_context_get(handle, &context));
	kill(daemon, SIGCONT);
	say("and afterwards: %s", child_go(patient, 5000));
	CALL(votequorum_finalize(handle));
}

static void part_dying(pid_t daemon, int signal_number)
{
	votequorum_handle_t handle = connect_printing();
	struct blocked blocked[2];

	CALL(votequorum_trackstart(handle, 1, CS_TRACK_CHANGES));
	blocked_start(&blocked[0], connect_printing(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_printing(), CS_DISPATCH_BLOCKING);
	kill(daemon, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(votequorum_finalize(blocked[i].handle));
	}
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	all_calls_with(handle);
	CALL(votequorum_finalize(handle));
	CALL(votequorum_initialize(&handle, &printing));
}

/* Check a daemon without a quorum provider. */
static void part_free(pid_t daemon)
{
	votequorum_handle_t handle = 7;

	(void)daemon;
	pause_ms(1000); /* it starts */
	CALL(votequorum_initialize(&handle, &printing));
	CALL(votequorum_finalize(handle));
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

/* Check a changed configuration that contradicts itself and allows no device. */
static void part_forbidden(pid_t daemon)
{
	votequorum_handle_t handle = connect_printing();
	votequorum_ring_id_t ring_id = {1, 1};

	(void)daemon;
	say("two_node set: %d", system("env -u LD_LIBRARY_PATH corosync-cmapctl -s quorum.two_node u8 1"));
	pause_ms(200);
	CALL(votequorum_qdevice_register(handle, "d"));
	CALL(votequorum_qdevice_unregister(handle, "d"));
	CALL(votequorum_qdevice_update(handle, "d", "e"));
	CALL(votequorum_qdevice_poll(handle, "d", 1, ring_id));
	CALL(votequorum_qdevice_master_wins(handle, "d", 1));
	print_info(handle, 0);
	CALL(votequorum_finalize(handle));
}

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"starting", part_starting},
	{"live", part_live},
	{"defects", part_defects},
	{"paused", part_paused},
	{"killed", part_killed},
	{"device", part_device},
	{"forbidden", part_forbidden},
	{"stopped", part_stopped},
	{"free", part_free},
	{NULL, NULL},
};
