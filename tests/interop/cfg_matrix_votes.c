/*
 * Shutdowns on which clients vote. The clients are in one process. The client that requests the shutdown has a thread
 * of its own, or a process of its own if it is killed.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tests/interop/cfg_matrix.h"

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define REQUEST COROSYNC_CFG_SHUTDOWN_FLAG_REQUEST
#define REGARDLESS COROSYNC_CFG_SHUTDOWN_FLAG_REGARDLESS
#define IMMEDIATE COROSYNC_CFG_SHUTDOWN_FLAG_IMMEDIATE
#define YES COROSYNC_CFG_SHUTDOWN_FLAG_YES
#define NO COROSYNC_CFG_SHUTDOWN_FLAG_NO

static corosync_cfg_handle_t tracker(void)
{
	corosync_cfg_handle_t handle = connect_printing();

	CALL(PATIENTLY(corosync_cfg_trackstart(handle, 0)));
	return handle;
}

static void reply(corosync_cfg_handle_t handle, corosync_cfg_shutdown_reply_flags_t flags)
{
	say("answer %d = %d", (int)flags, (int)PATIENTLY(corosync_cfg_replyto_shutdown(handle, flags)));
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Votes without a result ----------------------------------------------- */

static void one_objects(void)
{
	corosync_cfg_handle_t one = tracker();
	struct asker asker;

	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	reply(one, NO);
	say("asked = %d", (int)asker_join(&asker));
	reply(one, YES); /* too late */
}

static void one_of_two_objects(void)
{
	corosync_cfg_handle_t one = tracker(), two = tracker();
	struct asker asker;

	asker_start(&asker, connect_printing(), (corosync_cfg_shutdown_flags_t)7);
	expect_events(one, 1);
	expect_events(two, 1);
	reply(one, YES);
	reply(two, NO);
	say("asked = %d", (int)asker_join(&asker));
}

static void two_ask(void)
{
	corosync_cfg_handle_t one = tracker(), other = connect_printing();
	struct asker asker;

	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	CALL(PATIENTLY(corosync_cfg_try_shutdown(other, REQUEST)));
	CALL(PATIENTLY(corosync_cfg_try_shutdown(other, REGARDLESS)));
	CALL(PATIENTLY(corosync_cfg_try_shutdown(one, REQUEST)));
	reply(one, NO);
	say("asked = %d", (int)asker_join(&asker));
}

static void nobody_answers(void)
{
	corosync_cfg_handle_t one = tracker();
	struct asker asker;
	long start_ms = now_ms();

	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	say("asked = %d", (int)asker_join(&asker));
	long ms = now_ms() - start_ms;

	say("after 5 s: %s", ms > 4500 && ms < 9000 ? "yes" : "no");
	expect_quiet(one); /* clients do not get the result of the vote */
}

static void no_callback(void)
{
	corosync_cfg_handle_t one;
	struct asker asker;
	struct pollfd pollfd = {.events = POLLIN};

	CONNECT(corosync_cfg_initialize(&one, NULL));
	CALL(PATIENTLY(corosync_cfg_trackstart(one, 0)));
	asker_start(&asker, connect_printing(), REQUEST);
	CALL(corosync_cfg_fd_get(one, &pollfd.fd));
	say("readable: %d", poll(&pollfd, 1, PATIENCE_MS));
	CALL(corosync_cfg_dispatch(one, CS_DISPATCH_ONE));
	reply(one, NO); /* without a callback it can still answer */
	say("asked = %d", (int)asker_join(&asker));
}

static void newcomer(void)
{
	corosync_cfg_handle_t one = tracker(), two;
	struct asker asker;

	asker_start(&asker, connect_printing(), REGARDLESS + 5);
	expect_events(one, 1);
	two = tracker();
	expect_events(two, 1);
	reply(one, YES);
	reply(two, NO);
	say("asked = %d", (int)asker_join(&asker));
	expect_quiet(one);
}

static void one_leaves(void)
{
	corosync_cfg_handle_t one = tracker(), two = tracker(), three = tracker();
	struct asker asker;

	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	expect_events(two, 1);
	expect_events(three, 1);
	CALL(corosync_cfg_finalize(one));
	CALL(PATIENTLY(corosync_cfg_trackstop(two)));
	reply(three, NO);
	say("asked = %d", (int)asker_join(&asker));
}

static void asker_tracks(void)
{
	corosync_cfg_handle_t one = tracker(), self = tracker();
	struct asker asker;

	asker_start(&asker, self, REQUEST);
	expect_events(one, 1);
	reply(one, NO);
	say("asked = %d", (int)asker_join(&asker));
	expect_quiet(self);
}

static void asker_dies(void)
{
	corosync_cfg_handle_t one = tracker();
	pid_t child = fork();

	if (child == 0) {
		corosync_cfg_try_shutdown(connect_printing(), REQUEST);
		_exit(0);
	}
	expect_events(one, 1);
	kill(child, SIGKILL);
	pause_ms(500);
	reply(one, YES);
	expect_quiet(one);
}

static void no_vote(void)
{
	corosync_cfg_handle_t one = connect_printing();

	reply(one, YES);
	reply(one, NO);
	CALL(corosync_cfg_dispatch(one, CS_DISPATCH_ONE_NONBLOCKING));
}

void part_votes(pid_t daemon)
{
	(void)daemon;
	scene("one objects", one_objects);
	scene("one of two objects", one_of_two_objects);
	scene("two ask", two_ask);
	scene("nobody answers", nobody_answers);
	scene("no callback", no_callback);
	scene("a newcomer", newcomer);
	scene("two leave", one_leaves);
	scene("the asker tracks", asker_tracks);
	scene("the asker dies", asker_dies);
	scene("no vote", no_vote);
}

/* ---- Votes that stop the daemon ------------------------------------------ */

static void expect_end(corosync_cfg_handle_t handle)
{
	unsigned int nodeid;

	for (int i = 0; i < 1000 && (revents_of(handle) & POLLHUP) == 0; i++)
		pause_ms(10);
	say("revents %d", revents_of(handle));
	CALL(corosync_cfg_local_get(handle, &nodeid));
	CALL(corosync_cfg_finalize(handle));
}

void part_alone(pid_t daemon)
{
	corosync_cfg_handle_t self = tracker();

	(void)daemon;
	CALL(PATIENTLY(corosync_cfg_try_shutdown(self, REQUEST)));
	expect_end(self);
}

void part_agree(pid_t daemon)
{
	corosync_cfg_handle_t one = tracker(), two = tracker();
	struct asker asker;

	(void)daemon;
	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	expect_events(two, 1);
	reply(one, YES);
	reply(two, YES);
	say("asked = %d", (int)asker_join(&asker));
	expect_end(one);
	expect_end(two);
}

void part_regardless(pid_t daemon)
{
	corosync_cfg_handle_t one = tracker(), two = tracker();
	struct asker asker;

	(void)daemon;
	asker_start(&asker, connect_printing(), REGARDLESS);
	expect_events(one, 1);
	expect_events(two, 1);
	reply(one, NO);
	reply(two, NO);
	say("asked = %d", (int)asker_join(&asker));
	expect_end(one);
}

/* The request ends when the last client that has not answered disconnects. */
void part_silence(pid_t daemon)
{
	corosync_cfg_handle_t one = tracker(), two = tracker();
	struct asker asker;

	(void)daemon;
	asker_start(&asker, connect_printing(), REQUEST);
	expect_events(one, 1);
	expect_events(two, 1);
	CALL(PATIENTLY(corosync_cfg_trackstop(one)));
	CALL(corosync_cfg_finalize(two));
	say("asked = %d", (int)asker_join(&asker));
	expect_end(one);
}

void part_immediate(pid_t daemon)
{
	corosync_cfg_handle_t one = tracker(), self = connect_printing();

	(void)daemon;
	CALL(PATIENTLY(corosync_cfg_try_shutdown(self, IMMEDIATE)));
	expect_end(one);
	CALL(corosync_cfg_initialize(&self, &printing));
}
