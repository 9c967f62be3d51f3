/* SPDX-License-Identifier: BSD-3-Clause */
/* Check the keys in the map, and supervision that follows quorum. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/sam_matrix.h"

#define QUIT_KEYS ((sam_recovery_policy_t)(SAM_RECOVERY_POLICY_QUIT | SAM_RECOVERY_POLICY_CMAP))
#define RESTART_KEYS ((sam_recovery_policy_t)(SAM_RECOVERY_POLICY_RESTART | SAM_RECOVERY_POLICY_CMAP))
#define QUORUM_KEYS ((sam_recovery_policy_t)(SAM_RECOVERY_POLICY_QUORUM_RESTART | SAM_RECOVERY_POLICY_CMAP))

static unsigned int begin(int interval_ms, sam_recovery_policy_t policy)
{
	unsigned int instance;

	CALL(sam_initialize(interval_ms, policy));
	instance = registered();
	say("  instance %u", instance);
	return instance;
}

static int keys_of_life(void)
{
	cmap_handle_t map;

	begin(5000, RESTART_KEYS);
	map = map_open();
	map_show(map, getppid());
	CALL(sam_start());
	map_show(map, getppid());
	CALL(sam_hc_send());
	CALL(sam_stop());
	map_show(map, getppid());
	CALL(sam_finalize());
	map_show(map, getppid());
	return 1;
}

static int keys_of_restart(void)
{
	unsigned int instance = begin(0, RESTART_KEYS);
	cmap_handle_t map = map_open();

	map_show(map, getppid());
	if (instance == 2)
		return 2;
	CALL(sam_start());
	raise(SIGKILL);
	return 0;
}

static int keys_of_quit(void)
{
	begin(INTERVAL_MS, QUIT_KEYS);
	CALL(sam_start());
	return 3;
}

static int keys_of_hang(void)
{
	begin(INTERVAL_MS, QUIT_KEYS);
	notice_signal(SIGTERM);
	CALL(sam_start());
	return hang_on();
}

static int keys_of_mark(void)
{
	begin(0, RESTART_KEYS);
	notice_signal(SIGTERM);
	CALL(sam_start());
	sam_mark_failed(); /* may return before the signal comes */
	pause_ms(1000);
	say("  alive");
	return 4;
}

static int keys_of_early_mark(void)
{
	begin(0, RESTART_KEYS);
	sam_mark_failed(); /* may return before the signal comes */
	pause_ms(1000);
	say("  alive");
	return 5;
}

/* Run a scenario, then print the keys that it left. */
static void leave_keys(cmap_handle_t map, const char *title, int (*run)(void))
{
	struct scenario started = scenario_start(title, run);

	scenario_end(title, started);
	map_show(map, started.pid);
}

void part_keys(pid_t daemon)
{
	cmap_handle_t map = map_open();

	(void)daemon;
	leave_keys(map, "life", keys_of_life);
	leave_keys(map, "restart", keys_of_restart);
	leave_keys(map, "quit", keys_of_quit);
	leave_keys(map, "hang", keys_of_hang);
	leave_keys(map, "mark failed", keys_of_mark);
	leave_keys(map, "mark failed before start", keys_of_early_mark);
	cmap_finalize(map);
}

/* --- quorum --- */

static int quorate_from_start(void)
{
	begin(0, SAM_RECOVERY_POLICY_QUORUM_QUIT);
	CALL(sam_start());
	CALL(sam_stop());
	return 1;
}

static int waits(void)
{
	begin(0, QUORUM_KEYS);
	CALL(sam_start());
	CALL(sam_stop());
	pause_ms(200); /* libsam 3.1.7 gets two answers to a start, so this stop may not have happened yet */
	return 2;
}

static int waits_and_dies(void)
{
	begin(0, QUORUM_KEYS);
	CALL(sam_start());
	return 3;
}

static int lost(void)
{
	cmap_handle_t map;

	if (begin(0, SAM_RECOVERY_POLICY_QUORUM_RESTART) == 2)
		return 4;
	notice_signal(SIGTERM);
	map = map_open();
	CALL(sam_start());
	quorum_set(map, false);
	await_signals(1);
	say("  warned, alive");
	quorum_set(map, true);
	quorum_set(map, false);
	pause_ms(1000);
	say("  alive");
	return 5;
}

static int lost_while_stopped(void)
{
	cmap_handle_t map;

	begin(0, SAM_RECOVERY_POLICY_QUORUM_RESTART);
	notice_signal(SIGTERM);
	map = map_open();
	CALL(sam_start());
	CALL(sam_stop());
	quorum_set(map, false);
	quorum_set(map, true);
	CALL(sam_start());
	pause_ms(200);
	CALL(sam_stop());
	return 6;
}

/*
 * Show whether sam_stop() waits for the supervisor. With libsam 3.1.7 it does not: an earlier call got two answers, and
 * sam_stop() takes the second one for its own.
 */
static int quorum_and_keys(void)
{
	pid_t supervisor, waker;
	uint64_t before_ns, waited_ns;

	begin(0, QUORUM_KEYS);
	supervisor = getppid();
	CALL(sam_start());
	pause_ms(100);
	kill(supervisor, SIGSTOP);
	waker = fork();
	if (waker == 0) {
		pause_ms(500);
		kill(supervisor, SIGCONT);
		_exit(0);
	}
	before_ns = cs_timestamp_get();
	CALL(sam_stop());
	waited_ns = cs_timestamp_get() - before_ns;
	say("5.1 sam_stop, while the supervisor sleeps: %s",
		waited_ns > 250 * CS_TIME_NS_IN_MSEC ? "waits" : "is answered");
	waitpid(waker, NULL, 0);
	pause_ms(200);
	return 7;
}

void part_quorum(pid_t daemon)
{
	cmap_handle_t map = map_open();
	struct scenario started;
	struct lifeline line;

	(void)daemon;
	scenario("quorate", quorate_from_start);

	quorum_set(map, false);
	started = scenario_start("not quorate yet", waits);
	map_await(map, started.pid, "waiting for quorum");
	map_show(map, started.pid);
	quorum_set(map, true);
	scenario_end("not quorate yet", started);
	map_show(map, started.pid);

	quorum_set(map, false);
	line = lifeline_make();
	started = scenario_start("never quorate", waits_and_dies);
	map_await(map, started.pid, "waiting for quorum");
	kill(started.pid, SIGTERM);
	lifeline_await(&line); /* the process whose supervisor has ended prints first */
	scenario_end("never quorate", started);
	quorum_set(map, true);

	scenario("quorum lost", lost);
	quorum_set(map, true);
	scenario("quorum lost while stopped", lost_while_stopped);
	scenario("quorum and keys", quorum_and_keys);
	cmap_finalize(map);
}

/* --- the daemon dies --- */

static int ready[2]; /* processes that end with the daemon report here that they have started */

static void be_ready(void) { (void)!write(ready[1], "r", 1); }

static int quorum_connection(void)
{
	if (begin(0, SAM_RECOVERY_POLICY_QUORUM_RESTART) == 2) {
		CALL(sam_start());
		return 1;
	}
	signal(SIGTERM, SIG_IGN);
	CALL(sam_start());
	be_ready();
	return hang_on();
}

static int keys_connection(void)
{
	unsigned int instance = 0;
	cs_error_t error;

	CALL(sam_initialize(0, RESTART_KEYS));
	error = sam_register(&instance);
	if (error != CS_OK)
		say("5.2 crash without the map: sam_register = %d", (int)error);
	else if (instance > 1)
		say("5.2 crash without the map: instance %u", instance);
	if (error != CS_OK || instance > 1)
		return 2;
	CALL(sam_start());
	be_ready();
	pause_ms(1000);
	CALL(sam_hc_send());
	CALL(sam_stop());
	CALL(sam_start());
	CALL(sam_hc_send());
	raise(SIGKILL);
	return 3;
}

static int plain(void)
{
	if (begin(0, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 4;
	CALL(sam_start());
	pause_ms(1000);
	raise(SIGKILL);
	return 0;
}

static void with_daemon_killed(const char *title, int (*run)(void), pid_t daemon)
{
	struct pollfd pollfd = {.events = POLLIN};

	if (pipe(ready) < 0)
		give_up("no pipe");
	pollfd.fd = ready[0];

	struct scenario started = scenario_start(title, run);

	poll(&pollfd, 1, LIMIT_MS);
	pause_ms(200);
	if (daemon > 1)
		kill(daemon, SIGKILL);
	scenario_end(title, started);
}

void part_killed(pid_t daemon)
{
	cmap_finalize(map_open()); /* wait until the daemon runs */
	with_daemon_killed("quorum", quorum_connection, daemon);
	scenario("plain", plain);
}

void part_gone(pid_t daemon)
{
	cmap_finalize(map_open());
	with_daemon_killed("keys", keys_connection, daemon);
}
