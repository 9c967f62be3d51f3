/*
 * Everything that libquorum can do. The defects have the numbers of
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

#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "tests/interop/matrix.h"

const struct matrix_library matrix_library = {quorum_fd_get, quorum_dispatch, quorum_finalize};

static void (*event_hook)(quorum_handle_t handle);

static void event_seen(quorum_handle_t handle)
{
	void (*hook)(quorum_handle_t) = event_hook;

	events_seen++;
	if (hook != NULL) {
		event_hook = NULL;
		hook(handle);
	}
}

static void print_list(const char *title, const uint32_t *list, uint32_t count)
{
	printf("; %s", title);
	for (uint32_t i = 0; i < count; i++)
		printf(" %u", list[i]);
}

static void print_v0(
	quorum_handle_t handle, uint32_t quorate, uint64_t ring_seq, uint32_t view_list_entries, uint32_t *view_list)
{
	printf("  v0 quorate %u, seq %s", quorate, ring_seq > 0 ? "set" : "0");
	print_list("view", view_list, view_list_entries);
	say("%s", "");
	event_seen(handle);
}

static void print_v1(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id ring_id,
	uint32_t member_list_entries, const uint32_t *member_list)
{
	printf("  v1 quorate %u, ring of %u, seq %s", quorate, ring_id.nodeid, ring_id.seq > 0 ? "set" : "0");
	print_list("members", member_list, member_list_entries);
	say("%s", "");
	event_seen(handle);
}

static void print_v1_nodelist(quorum_handle_t handle, struct quorum_ring_id ring_id, uint32_t member_list_entries,
	const uint32_t *member_list, uint32_t joined_list_entries, const uint32_t *joined_list,
	uint32_t left_list_entries, const uint32_t *left_list)
{
	printf("  v1 nodelist ring of %u, seq %s", ring_id.nodeid, ring_id.seq > 0 ? "set" : "0");
	print_list("members", member_list, member_list_entries);
	print_list("joined", joined_list, joined_list_entries);
	print_list("left", left_list, left_list_entries);
	say("%s", "");
	event_seen(handle);
}

static quorum_callbacks_t printing = {print_v0};
static quorum_model_v1_data_t printing_v1 = {QUORUM_MODEL_V1, print_v1, print_v1_nodelist};

static cs_error_t initialize_v1(quorum_handle_t *handle)
{
	uint32_t type;

	return quorum_model_initialize(handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&printing_v1, &type, NULL);
}

static quorum_handle_t connect_v0(void)
{
	quorum_handle_t handle;
	uint32_t type;

	CONNECT(quorum_initialize(&handle, &printing, &type));
	return handle;
}

static quorum_handle_t connect_v1(void)
{
	quorum_handle_t handle;

	CONNECT(initialize_v1(&handle));
	return handle;
}

static void part_absent(pid_t daemon)
{
	quorum_handle_t handle = 7;
	uint32_t type = 7;

	(void)daemon;
	CALL(quorum_initialize(&handle, &printing, &type));
	CALL(quorum_finalize(handle));
	CALL(quorum_model_initialize(&handle, QUORUM_MODEL_V1, NULL, NULL, NULL));
	CALL(quorum_model_initialize(&handle, (quorum_model_t)2, NULL, &type, NULL));
	say("type untouched: %s", type == 7 ? "yes" : "no");
}

static void part_starting(pid_t daemon)
{
	quorum_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = initialize_v1(&handle);
		if (rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN)
			others++;
		if (rc != CS_OK)
			pause_ms(1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(quorum_finalize(handle));
}

/* Print the results of calls with a dead, broken or invalid handle. */
static void all_calls_with(quorum_handle_t handle)
{
	const void *context = &handle;
	int fd = 7, quorate = 7;

	CALL(quorum_fd_get(handle, &fd) != CS_OK);
	CALL(quorum_context_set(handle, &fd));
	CALL(quorum_context_get(handle, &context));
	CALL(quorum_getquorate(handle, &quorate));
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	CALL(quorum_trackstart(handle, CS_TRACK_CHANGES));
	CALL(quorum_trackstart(handle, 0));
	CALL(quorum_trackstop(handle));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(quorum_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(quorum_dispatch(handle, (cs_dispatch_flags_t)0));
	CALL(quorum_dispatch(handle, (cs_dispatch_flags_t)5));
	CALL(quorum_finalize(handle));
	say("outputs untouched: %s", quorate == 7 ? "yes" : "no");
}

static int initialize_denied(void *argument)
{
	quorum_handle_t handle;

	(void)argument;
	if (!become_nobody())
		return 100;
	return (int)initialize_v1(&handle);
}

static int initialize_without_descriptors(void *argument)
{
	quorum_handle_t handle;

	(void)argument;
	forbid_descriptors();
	return (int)initialize_v1(&handle);
}

static void initialize_all_ways(void)
{
	quorum_model_v1_data_t odd = printing_v1;
	quorum_handle_t handle = 0, other = 0;
	uint32_t type = 7;
	int mark;
	const void *context = NULL;

	CALL(quorum_model_initialize(&handle, (quorum_model_t)2, NULL, &type, NULL));
	CALL(quorum_model_initialize(&handle, (quorum_model_t)-1, NULL, &type, NULL));
	say("type untouched: %s", type == 7 ? "yes" : "no");
	CALL(quorum_finalize(handle));
	CALL(quorum_model_initialize(&handle, QUORUM_MODEL_V0, NULL, NULL, &mark));
	CALL(quorum_context_get(handle, &context));
	say("context as given: %s", context == &mark ? "yes" : "no");
	CALL(quorum_finalize(handle));
	CALL(quorum_finalize(handle));
	/* The model of the argument decides, not the model in the data. */
	odd.model = (quorum_model_t)77;
	CALL(quorum_model_initialize(&handle, QUORUM_MODEL_V1, (quorum_model_data_t *)&odd, &type, NULL));
	say("type %u", type);
	CALL(quorum_finalize(handle));
	CALL(quorum_initialize(&handle, NULL, NULL));
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING)); /* the event has no callback and is dropped */
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	type = 7;
	CALL(quorum_initialize(&other, &printing, &type));
	say("type %u, handles differ: %s", type, handle != other && handle != 0 && other != 0 ? "yes" : "no");
	CALL(quorum_context_get(handle, &context));
	say("context NULL: %s", context == NULL ? "yes" : "no");
	CALL(quorum_context_set(handle, &mark));
	CALL(quorum_context_get(handle, &context));
	say("context as set: %s", context == &mark ? "yes" : "no");
	CALL(quorum_finalize(other));
	CALL(quorum_finalize(handle));
	say("initialize as nobody: %s", in_child(initialize_denied, NULL, 5000));
	say("initialize without descriptors: %s", in_child(initialize_without_descriptors, NULL, 5000));
}

static void descriptor(void)
{
	quorum_handle_t handle = connect_v1();
	int fd = -1, again = -2, quorate = 7;

	CALL(quorum_fd_get(handle, &fd));
	CALL(quorum_fd_get(handle, &again));
	say("descriptor: %s, non-blocking %s, close-on-exec %s", fd == again ? "same" : "other",
		fcntl(fd, F_GETFL) & O_NONBLOCK ? "yes" : "no", fcntl(fd, F_GETFD) & FD_CLOEXEC ? "yes" : "no");
	say("revents %d", revents_of(handle));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(quorum_getquorate(handle, &quorate));
	say("quorate %d", quorate);
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	say("revents %d", revents_of(handle));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	say("revents %d", revents_of(handle));
	CALL(quorum_finalize(handle));
}

/* Check every value of the flags, with and without tracking. */
static void tracking(quorum_handle_t handle)
{
	static const unsigned int flags[] = {
		0, CS_TRACK_CURRENT, 8, 0x80000000u, CS_TRACK_CHANGES_ONLY, CS_TRACK_CURRENT | CS_TRACK_CHANGES, ~0u};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		say("flags %x, three times", flags[i]);
		for (int again = 0; again < 3; again++) {
			CALL(quorum_trackstart(handle, flags[i]));
			CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
		}
		CALL(quorum_trackstop(handle));
		CALL(quorum_trackstop(handle));
	}
	CALL(quorum_trackstart(handle, CS_TRACK_CHANGES));
	CALL(quorum_trackstop(handle));
	say("what waited comes after the stop");
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(quorum_finalize(handle));
}

static void hook_finalize(quorum_handle_t handle) { CALL(quorum_finalize(handle)); }

static void hook_calls(quorum_handle_t handle)
{
	int quorate = 7;

	CALL(quorum_getquorate(handle, &quorate));
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	say("nested");
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	say("back, quorate %d", quorate);
}

static void in_callbacks(void)
{
	static const cs_dispatch_flags_t flags[] = {
		CS_DISPATCH_ONE, CS_DISPATCH_ALL, CS_DISPATCH_BLOCKING, CS_DISPATCH_ONE_NONBLOCKING};
	quorum_handle_t handle;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		handle = connect_v1();
		event_hook = hook_finalize;
		CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
		CALL(quorum_dispatch(handle, flags[i]));
		CALL(quorum_dispatch(handle, flags[i]));
	}
	handle = connect_v1();
	event_hook = hook_calls;
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(quorum_finalize(handle));
}

static void many_events(void)
{
	quorum_handle_t handle = connect_v0();
	unsigned int before = events_seen;

	for (int i = 0; i < 20; i++)
		quorum_trackstart(handle, CS_TRACK_CURRENT);
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	say("%u events", events_seen - before);
	CALL(quorum_finalize(handle));
}

/* Let the node become quorate. The configuration expects three votes, and this is the only node. */
static void becoming_quorate(void)
{
	quorum_handle_t v0 = connect_v0(), v1 = connect_v1(), once = connect_v1();
	votequorum_handle_t votes;
	int quorate = 7;

	CONNECT(votequorum_initialize(&votes, NULL));
	CALL(quorum_getquorate(v0, &quorate));
	say("quorate %d", quorate);
	CALL(quorum_trackstart(v0, CS_TRACK_CHANGES));
	CALL(quorum_trackstart(v1, CS_TRACK_CHANGES_ONLY));
	CALL(quorum_trackstart(once, CS_TRACK_CURRENT));
	expect_events(v0, 1);
	expect_events(once, 2);
	say("it gets quorate");
	CALL(votequorum_setexpected(votes, 1));
	expect_events(v0, 1);
	expect_events(v1, 1);
	expect_quiet(once);
	CALL(quorum_getquorate(v0, &quorate));
	say("quorate %d", quorate);
	CALL(votequorum_finalize(votes));
	CALL(quorum_finalize(v0));
	CALL(quorum_finalize(v1));
	CALL(quorum_finalize(once));
}

static void part_live(pid_t daemon)
{
	quorum_handle_t dead = connect_v1();

	(void)daemon;
	CALL(quorum_finalize(dead));
	say("with a dead handle");
	all_calls_with(dead);
	say("with no handle");
	all_calls_with(0);
	initialize_all_ways();
	descriptor();
	say("model 0");
	tracking(connect_v0());
	say("model 1");
	tracking(connect_v1());
	in_callbacks();
	many_events();
	becoming_quorate();
}

/* Check a daemon without a provider: each node is quorate, and no client is notified of changes. */
static void part_free(pid_t daemon)
{
	votequorum_handle_t votes;

	(void)daemon;
	CALL(quorum_finalize(connect_v0())); /* wait until the daemon runs */
	initialize_all_ways();
	descriptor();
	say("model 0");
	tracking(connect_v0());
	say("model 1");
	tracking(connect_v1());
	CALL(votequorum_initialize(&votes, NULL));
}

static int finalize_own(void *unused)
{
	quorum_handle_t handle = connect_v1();

	(void)unused;
	return finalize_blocked(&handle);
}

static void part_defects(pid_t daemon)
{
	quorum_handle_t handle;
	long expected;

	(void)daemon;
	srandom(1);
	expected = random();
	srandom(1);
	CALL(quorum_model_initialize(&handle, QUORUM_MODEL_V1, NULL, NULL, NULL));
	say("10.18 random numbers used up: %s", random() == expected ? "no" : "yes");
	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	say("10.18 dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	CALL(quorum_finalize(handle));
	say("10.7 dispatch of a handle that is finalized: %s", in_child(finalize_own, NULL, 10000));
}

static int ask(quorum_handle_t handle)
{
	int quorate;

	return (int)quorum_getquorate(handle, &quorate);
}

static void part_paused(pid_t daemon)
{
	quorum_handle_t handle = connect_v1();
	struct waiting_child request = child_start(connect_v1, ask);
	struct waiting_child patient = child_start(connect_v1, ask);
	const void *context;
	int fd;

	CALL(quorum_trackstart(handle, CS_TRACK_CURRENT));
	kill(daemon, SIGSTOP);
	say("a request: %s", child_go(request, 1000));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ALL));
	CALL(quorum_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(quorum_fd_get(handle, &fd));
	CALL(quorum_context_get(handle, &context));
	kill(daemon, SIGCONT);
	say("and afterwards: %s", child_go(patient, 5000));
	CALL(quorum_finalize(handle));
}

static void part_dying(pid_t daemon, int signal_number)
{
	quorum_handle_t handle = connect_v1();
	struct blocked blocked[2];
	uint32_t type;

	CALL(quorum_trackstart(handle, CS_TRACK_CHANGES));
	blocked_start(&blocked[0], connect_v1(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_v1(), CS_DISPATCH_BLOCKING);
	kill(daemon, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(quorum_finalize(blocked[i].handle));
	}
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	all_calls_with(handle);
	CALL(quorum_finalize(handle));
	CALL(quorum_initialize(&handle, &printing, &type));
}

static void part_killed(pid_t daemon) { part_dying(daemon, SIGKILL); }
static void part_stopped(pid_t daemon) { part_dying(daemon, SIGTERM); }

const struct matrix_part matrix_parts[] = {
	{"absent", part_absent},
	{"starting", part_starting},
	{"live", part_live},
	{"defects", part_defects},
	{"paused", part_paused},
	{"killed", part_killed},
	{"stopped", part_stopped},
	{"free", part_free},
	{NULL, NULL},
};
