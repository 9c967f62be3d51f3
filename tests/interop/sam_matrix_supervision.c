/* SPDX-License-Identifier: BSD-3-Clause */
/* Check the actions of the supervisor, without a daemon. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/interop/sam_matrix.h"

static unsigned int begin(int interval_ms, sam_recovery_policy_t policy)
{
	unsigned int instance;

	CALL(sam_initialize(interval_ms, policy));
	instance = registered();
	say("  instance %u", instance);
	return instance;
}

static int exit_before_start(void)
{
	begin(0, SAM_RECOVERY_POLICY_RESTART);
	return 3;
}

static int killed_before_start(void)
{
	begin(0, SAM_RECOVERY_POLICY_RESTART);
	raise(SIGKILL);
	return 0;
}

static int exit_quit(void)
{
	begin(0, SAM_RECOVERY_POLICY_QUIT);
	CALL(sam_start());
	return 4;
}

static int crash_quit(void)
{
	begin(0, SAM_RECOVERY_POLICY_QUIT);
	CALL(sam_start());
	raise(SIGKILL);
	return 0;
}

static int crash_restart(void)
{
	unsigned int instance = begin(0, SAM_RECOVERY_POLICY_RESTART);

	if (instance == 3)
		return 5;
	CALL(sam_start());
	if (instance == 1)
		raise(SIGKILL);
	return 0; /* exit status 0 counts as a failure as well */
}

static int exit_after_stop(void)
{
	begin(0, SAM_RECOVERY_POLICY_RESTART);
	CALL(sam_start());
	CALL(sam_stop());
	return 6;
}

static int exit_after_finalize(void)
{
	begin(0, SAM_RECOVERY_POLICY_RESTART);
	CALL(sam_start());
	CALL(sam_finalize());
	return 7;
}

static int hang(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 8;
	notice_signal(SIGTERM);
	CALL(sam_start());
	return hang_on();
}

static int hang_dies_of_warning(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 9;
	CALL(sam_start());
	return hang_on();
}

static int hang_quit(void)
{
	begin(INTERVAL_MS, SAM_RECOVERY_POLICY_QUIT);
	notice_signal(SIGTERM);
	CALL(sam_start());
	return hang_on();
}

static int other_signal(void)
{
	unsigned int instance;

	CALL(sam_initialize(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART));
	CALL(sam_warn_signal_set(SIGUSR1));
	instance = registered();
	say("  instance %u", instance);
	if (instance == 3)
		return 10;
	notice_signal(SIGUSR1);
	notice_signal(SIGUSR2);
	if (instance == 1)
		CALL(sam_warn_signal_set(SIGUSR2)); /* applies to the next instance as well */
	CALL(sam_start());
	return hang_on();
}

static int stopped_process(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 11;
	CALL(sam_start());
	raise(SIGSTOP);
	return 0;
}

/* Send heartbeats for a time, so often that a busy machine does not matter. */
static void live(unsigned int ms)
{
	for (unsigned int lived = 0; lived < ms; lived += INTERVAL_MS / 15) {
		sam_hc_send();
		pause_ms(INTERVAL_MS / 15);
	}
	sam_hc_send();
}

static int signs_of_life(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 13;
	notice_signal(SIGTERM);
	CALL(sam_start());
	live(5 * INTERVAL_MS);
	CALL(sam_stop());
	pause_ms(3 * INTERVAL_MS);
	say("  not disturbed");
	return 12;
}

/* Check that heartbeats do not cancel a warning. */
static int warned_once(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 14;
	notice_signal(SIGTERM);
	CALL(sam_start());
	await_signals(1);
	live(2 * INTERVAL_MS);
	say("  alive again");
	CALL(sam_stop());
	pause_ms(2 * INTERVAL_MS);
	CALL(sam_start());
	return hang_on();
}

static int finalized_hang(void)
{
	begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART);
	notice_signal(SIGTERM);
	CALL(sam_start());
	CALL(sam_finalize());
	pause_ms(3 * INTERVAL_MS);
	return 15;
}

static int negative_interval(void)
{
	begin(-1, SAM_RECOVERY_POLICY_RESTART);
	notice_signal(SIGTERM);
	CALL(sam_start());
	pause_ms(3 * INTERVAL_MS);
	CALL(sam_stop());
	return 16;
}

static int data(void)
{
	char bytes[8] = "nothing";
	size_t size = 99;
	unsigned int instance;

	CALL(sam_initialize(0, SAM_RECOVERY_POLICY_RESTART));
	CALL(sam_data_store("before", 7));
	instance = registered();
	CALL(sam_data_getsize(&size));
	CALL(sam_data_restore(bytes, sizeof(bytes)));
	say("  instance %u has %zu: %s", instance, size, bytes);
	if (instance == 4)
		return 17;
	CALL(sam_start());
	if (instance == 1)
		CALL(sam_data_store("after", 6));
	else if (instance == 2)
		CALL(sam_data_store(NULL, 0));
	raise(SIGKILL);
	return 0;
}

static atomic_int checks_left;

static int failing_check(void) { return checks_left-- > 0 ? 0 : 1; }

/* Wait until `left` checks are still to come. A check may be late. */
static void await_checks(int left)
{
	for (int waited = 0; checks_left > left && waited < LIMIT_MS; waited += 5)
		pause_ms(5);
}

static int callback(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 18;
	notice_signal(SIGTERM);
	checks_left = 5;
	CALL(sam_hc_callback_register(failing_check));
	CALL(sam_start());
	await_checks(2);
	say("  %s", checks_left < 3 ? "checked" : "not checked");
	return hang_on();
}

static int well(void) { return 0; }

static int callback_replaced(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 19;
	notice_signal(SIGTERM);
	checks_left = 0;
	CALL(sam_hc_callback_register(failing_check));
	CALL(sam_hc_callback_register(well));
	CALL(sam_start());
	pause_ms(4 * INTERVAL_MS);
	CALL(sam_stop());
	pause_ms(2 * INTERVAL_MS);
	CALL(sam_start());
	pause_ms(3 * INTERVAL_MS);
	CALL(sam_finalize());
	return 20;
}

/* Check that the callback can be removed. From then on the program sends the heartbeats itself. */
static int callback_removed(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 21;
	CALL(sam_hc_callback_register(well));
	CALL(sam_hc_callback_register(NULL));
	CALL(sam_start());
	live(5 * INTERVAL_MS);
	CALL(sam_finalize());
	return 22;
}

static int callback_removed_silent(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 27;
	notice_signal(SIGTERM);
	CALL(sam_hc_callback_register(well));
	CALL(sam_hc_callback_register(NULL));
	CALL(sam_start());
	pause_ms(4 * INTERVAL_MS);
	CALL(sam_finalize());
	return 28;
}

/* Check that no heartbeat is sent after a failed check, even if the program stops, starts or registers. */
static int callback_failed_before(void)
{
	if (begin(INTERVAL_MS, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 29;
	notice_signal(SIGTERM);
	checks_left = 0;
	CALL(sam_hc_callback_register(failing_check));
	CALL(sam_start());
	await_checks(-1); /* a whole interval before the warning */
	pause_ms(INTERVAL_MS / 9);
	CALL(sam_stop());
	CALL(sam_hc_callback_register(well));
	CALL(sam_start());
	pause_ms(3 * INTERVAL_MS);
	say("  alive");
	CALL(sam_finalize());
	return 30;
}

/* Check that messages of a helper process do not count as the program's heartbeats. */
static int helper(void)
{
	if (begin(0, SAM_RECOVERY_POLICY_RESTART) == 2)
		return 23;
	CALL(sam_start());
	if (fork() == 0)
		execlp("sleep", "sleep", "1", NULL);
	pause_ms(100);
	raise(SIGKILL);
	return 0;
}

/* End the supervisor, and wait until the kernel has closed what it had open. It then has another parent. */
static void end_supervisor(void)
{
	pid_t supervisor = getppid();

	kill(supervisor, SIGKILL);
	for (int waited = 0; getppid() == supervisor && waited < LIMIT_MS; waited += 5)
		pause_ms(5);
}

/* Check a program whose supervisor has ended: it continues until its next message to the supervisor. */
static int orphan(void)
{
	struct lifeline line = lifeline_make();
	pid_t supervisor = fork();

	if (supervisor == 0) {
		signal(SIGPIPE, SIG_DFL);
		begin(0, SAM_RECOVERY_POLICY_RESTART);
		CALL(sam_start());
		end_supervisor();
		CALL(sam_hc_send());
		say("  alive");
		_exit(0);
	}
	waitpid(supervisor, NULL, 0);
	lifeline_await(&line);
	return 24;
}

static int orphan_without_signal(void)
{
	struct lifeline line = lifeline_make();
	pid_t supervisor = fork();

	if (supervisor == 0) {
		begin(0, SAM_RECOVERY_POLICY_RESTART);
		CALL(sam_start());
		end_supervisor();
		CALL(sam_hc_send());
		CALL(sam_data_store("x", 1));
		CALL(sam_warn_signal_set(SIGUSR1));
		CALL(sam_stop());
		CALL(sam_finalize());
		_exit(0);
	}
	waitpid(supervisor, NULL, 0);
	lifeline_await(&line);
	return 25;
}

static int handlers_run;

static void at_exit(void) { say("  exit handler, %s", handlers_run ? "again" : "once"); }

static int exit_handlers(void)
{
	atexit(at_exit);
	begin(0, SAM_RECOVERY_POLICY_QUIT);
	exit(26);
}

void part_supervision(pid_t daemon)
{
	(void)daemon;
	scenario("exit before start", exit_before_start);
	scenario("killed before start", killed_before_start);
	scenario("exit, quit", exit_quit);
	scenario("crash, quit", crash_quit);
	scenario("crash, restart", crash_restart);
	scenario("exit after stop", exit_after_stop);
	scenario("exit after finalize", exit_after_finalize);
	scenario("hang", hang);
	scenario("hang, warning not caught", hang_dies_of_warning);
	scenario("hang, quit", hang_quit);
	scenario("other signal", other_signal);
	scenario("stopped process", stopped_process);
	scenario("signs of life", signs_of_life);
	scenario("warned once", warned_once);
	scenario("finalized", finalized_hang);
	scenario("negative interval", negative_interval);
	scenario("data", data);
	scenario("callback", callback);
	scenario("callback replaced", callback_replaced);
	scenario("callback removed", callback_removed);
	scenario("callback removed, silent", callback_removed_silent);
	scenario("callback failed before", callback_failed_before);
	scenario("helper", helper);
	scenario("orphan", orphan);
	scenario("orphan, SIGPIPE ignored", orphan_without_signal);
	scenario("exit handlers", exit_handlers);
}
