/*
 * Calls without a daemon, with a stopped one, and with one that ends. Also defects of Corosync 3.1.7
 * that our daemon does not have.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cmap_matrix.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY };

void part_absent(pid_t daemon)
{
	cmap_handle_t handle;

	(void)daemon;
	CALL(cmap_initialize(&handle));
	CALL(cmap_initialize_map(&handle, CMAP_MAP_STATS));
	CALL(cmap_initialize_map(&handle, (cmap_map_t)2));
}

/* Connect while no daemon runs, and while it starts. */
void part_starting(pid_t daemon)
{
	cmap_handle_t handle;
	unsigned int others = 0;
	cs_error_t rc = CS_ERR_LIBRARY;

	(void)daemon;
	for (int i = 0; i < 20000 && rc != CS_OK; i++) {
		rc = cmap_initialize(&handle);
		if (rc != CS_OK && rc != CS_ERR_LIBRARY && rc != CS_ERR_TRY_AGAIN)
			others++;
		if (rc != CS_OK)
			pause_ms(1);
	}
	say("but for 2 and 6, %u codes before %d", others, (int)rc);
	CALL(cmap_finalize(handle));
}

static int get(cmap_handle_t handle) { return (int)cmap_get(handle, "totem.version", NULL, NULL, NULL); }

static int set(cmap_handle_t handle) { return (int)cmap_set_uint8(handle, "matrix.paused", 1); }

void part_paused(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();
	struct waiting_child getter = child_start(connect_cmap, get);
	struct waiting_child setter = child_start(connect_cmap, set);
	cmap_track_handle_t tracker = track(handle, "matrix.paused", ALL, "paused");
	const void *context;
	int fd;

	CALL(cmap_set_uint8(handle, "matrix.paused", 1));
	kill(daemon, SIGSTOP);
	say("get: %s", child_go(getter, 1000));
	say("set: %s", child_go(setter, 1000));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cmap_fd_get(handle, &fd));
	CALL(cmap_context_get(handle, &context));
	say("revents %d", revents_of(handle));
	kill(daemon, SIGCONT);
	CALL(cmap_set_uint8(handle, "matrix.paused", 2));
	expect_events(handle, 1);
	CALL(cmap_delete(handle, "matrix.paused"));
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_finalize(handle));
}

static void calls_on_broken(cmap_handle_t handle, cmap_iter_handle_t iterator, cmap_track_handle_t tracker)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	char *text = NULL;
	uint8_t u8;
	size_t size = 1;
	const void *context;
	int fd;

	CALL(cmap_fd_get(handle, &fd));
	CALL(cmap_context_set(handle, NULL));
	CALL(cmap_context_get(handle, &context));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
	CALL(cmap_dispatch(handle, CS_DISPATCH_BLOCKING));
	CALL(cmap_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING));
	CALL(cmap_set_uint8(handle, "matrix.broken", 1));
	CALL(cmap_set_uint8(handle, "matrix.broken", 1));
	CALL(cmap_set_string(handle, "matrix.broken", "text"));
	CALL(cmap_get(handle, "matrix.broken", &u8, &size, NULL));
	CALL(cmap_get_uint8(handle, "matrix.broken", &u8));
	CALL(cmap_get_string(handle, "matrix.broken", &text));
	CALL(cmap_delete(handle, "matrix.broken"));
	CALL(cmap_inc(handle, "matrix.broken"));
	CALL(cmap_dec(handle, "matrix.broken"));
	CALL(cmap_iter_next(handle, iterator, key, NULL, NULL));
	CALL(cmap_iter_finalize(handle, iterator));
	CALL(cmap_iter_init(handle, NULL, &iterator));
	CALL(cmap_track_delete(handle, tracker));
	CALL(cmap_track_add(handle, "matrix.broken", ALL, print_change, NULL, &tracker));
	CALL(cmap_finalize(handle));
	CALL(cmap_finalize(handle));
}

void part_dying(pid_t daemon, int signal_number)
{
	cmap_handle_t handle = connect_cmap();
	struct blocked blocked[2];
	struct pollfd pollfd = {.events = POLLIN};
	cmap_iter_handle_t iterator;
	cmap_track_handle_t tracker;

	CALL(cmap_iter_init(handle, NULL, &iterator));
	tracker = track(handle, "matrix.dying", ALL, "dying");
	CALL(cmap_set_uint8(handle, "matrix.dying", 1)); /* the event is queued, not delivered */
	CALL(cmap_fd_get(handle, &pollfd.fd));
	poll(&pollfd, 1, PATIENCE_MS);
	blocked_start(&blocked[0], connect_cmap(), CS_DISPATCH_ONE);
	blocked_start(&blocked[1], connect_cmap(), CS_DISPATCH_BLOCKING);
	kill(daemon, signal_number);
	for (int i = 0; i < 2; i++) {
		say("blocked dispatch %d = %d", (int)blocked[i].type, (int)blocked_join(&blocked[i]));
		CALL(cmap_finalize(blocked[i].handle));
	}
	for (int i = 0; i < 1000 && !(revents_of(handle) & POLLHUP); i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	calls_on_broken(handle, iterator, tracker);
	CALL(cmap_initialize(&handle));
}

/* ---- Defects ------------------------------------------------------------- */

static int finalize_own(void *unused)
{
	cmap_handle_t handle = connect_cmap();

	(void)unused;
	return finalize_blocked(&handle);
}

static int get_with_huge_room(void *handle)
{
	static uint8_t bytes[2000000];
	size_t size = sizeof(bytes);

	return (int)cmap_get(*(cmap_handle_t *)handle, "totem.version", bytes, &size, NULL);
}

static int get_with_room(void *handle)
{
	static uint8_t bytes[1048576 - 40];
	size_t size = sizeof(bytes);

	return (int)cmap_get(*(cmap_handle_t *)handle, "totem.version", bytes, &size, NULL);
}

static void stale_events(cmap_handle_t handle)
{
	cmap_track_handle_t tracker;

	for (int type = 1; type <= 4; type++) {
		if (type == CS_DISPATCH_BLOCKING)
			continue;
		cmap_track_add(handle, "matrix.stale", ALL, print_change, NULL, &tracker);
		cmap_set_uint8(handle, "matrix.stale", (uint8_t)type);
		cmap_track_delete(handle, tracker);
		if (type == CS_DISPATCH_ALL)
			CALL(cmap_dispatch(handle, CS_DISPATCH_ALL));
		else
			say("2.6 a stale event, dispatch %d = %d", type,
				(int)cmap_dispatch(handle, (cs_dispatch_flags_t)type));
	}
	cmap_delete(handle, "matrix.stale");
}

/* A refused call leaks references to the handle, which keep the connection open. */
static void leaks(void)
{
	static const char long_key[] =
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
		"kkkkkkkkkkkk";
	int before = descriptors();
	cmap_handle_t handle = connect_cmap();
	cmap_iter_handle_t iterator;
	cmap_track_handle_t tracker;

	cmap_iter_init(handle, long_key, &iterator);
	cmap_finalize(handle);
	say("7.2 descriptors leaked by an iterator: %s", descriptors() > before ? "yes" : "no");
	before = descriptors();
	handle = connect_cmap();
	cmap_track_add(handle, long_key, ALL, print_change, NULL, &tracker);
	cmap_finalize(handle);
	say("7.2 descriptors leaked by a tracker: %s", descriptors() > before ? "yes" : "no");
}

void part_defects(pid_t daemon)
{
	cmap_handle_t handle = connect_cmap();
	long first, second;
	cmap_handle_t other;

	(void)daemon;
	say("2.4 get with room for 2000000: %s", in_child(get_with_huge_room, &handle, 1000));
	cmap_finalize(handle); /* the child's request may still be on its way */
	handle = connect_cmap();
	say("get with room for all that fits: %s", in_child(get_with_room, &handle, 5000));
	cmap_finalize(handle);
	handle = connect_cmap();
	DEFECT("2.3", cmap_set(handle, "matrix.odd", "", 0, (cmap_value_types_t)99));
	DEFECT("2.3", cmap_set(handle, "matrix.odd", "", 0, (cmap_value_types_t)0));
	cmap_delete(handle, "matrix.odd");
	stale_events(handle);
	leaks();
	srandom(1);
	first = random();
	srandom(1);
	other = connect_cmap();
	second = random();
	say("1.2 random numbers used up: %s", first == second ? "no" : "yes");
	cmap_finalize(other);
	say("7.10 dispatch on a stack of 64 KiB: %s", in_child(dispatch_on_small_stack, &handle, 5000));
	say("1.2 dispatch of a handle that is finalized: %s", in_child(finalize_own, NULL, 5000));
	CALL(cmap_finalize(handle));
}
