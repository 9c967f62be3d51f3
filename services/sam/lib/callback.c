/*
 * The thread that sends signs of life to the supervisor. It sends one every quarter of the interval. Before every
 * fourth sign it runs the program's check. After a failed check it sends no more signs.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "services/sam/lib/callback.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

enum {
	SIGNS_PER_CHECK = 4,
	/*
	 * Size of the thread's stack. The program's check runs on it, too. Corosync has 32 KiB, which a call of
	 * printf() nearly fills.
	 */
	STACK_SIZE = 256 * 1024,
};

/* The thread and its data. There is one per process, created once. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	sam_hc_callback_t check;
	unsigned int round; /* incremented when the state changes */
	bool runs;
} callback = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct timespec time_in(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Wait with callback.lock held. @return true: the state has changed before the time limit */
static bool wait_for_change(unsigned int round, int64_t limit_ms)
{
	struct timespec until = time_in(limit_ms);
	int rc = 0;

	while (callback.round == round && rc == 0)
		rc = limit_ms < 0 ? pthread_cond_wait(&callback.changed, &callback.lock)
				  : pthread_cond_timedwait(&callback.changed, &callback.lock, &until);
	return callback.round != round;
}

/*
 * Send signs of life from one sam_start to the next sam_stop. callback.lock is held, except during the check. @return
 * false: the check has failed, or the supervisor has ended
 */
static bool serve(struct process *process, unsigned int round)
{
	int64_t pause_ms = process->interval_ms / SIGNS_PER_CHECK;
	unsigned int signs = 0;

	if (process->interval_ms < 0)
		pause_ms = -1; /* without an interval the supervisor needs no signs */
	else if (pause_ms == 0)
		pause_ms = 1;
	while (!wait_for_change(round, pause_ms)) {
		sam_hc_callback_t check = callback.check;
		int result = 0;

		if (check == NULL)
			continue; /* the program sends the signs itself */
		pthread_mutex_unlock(&callback.lock);
		if (++signs % SIGNS_PER_CHECK == 0)
			result = check();
		if (result == 0 && process_alive(process) < 0)
			result = -1;
		pthread_mutex_lock(&callback.lock);
		if (result != 0)
			return false;
	}
	return true;
}

static void *run(void *argument)
{
	struct process *process = argument;
	bool is_well = true;

	pthread_mutex_lock(&callback.lock);
	while (is_well) {
		unsigned int round = callback.round;

		if (atomic_load(&process->state) == PROCESS_STARTED)
			is_well = serve(process, round);
		else
			wait_for_change(round, -1);
	}
	pthread_mutex_unlock(&callback.lock);
	return NULL;
}

static int start_thread(struct process *process)
{
	pthread_condattr_t monotonic;
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int rc;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&callback.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	/* Block all signals, so that the program's own threads handle them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attributes, run, process);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc == 0 ? 0 : -EAGAIN;
}

int callback_set(struct process *process, sam_hc_callback_t check)
{
	int rc = 0;

	pthread_mutex_lock(&callback.lock);
	if (!callback.runs) {
		rc = check == NULL ? -EINVAL : start_thread(process);
		callback.runs = rc == 0;
	}
	callback.check = check;
	pthread_mutex_unlock(&callback.lock);
	return rc;
}

void callback_wake(void)
{
	pthread_mutex_lock(&callback.lock);
	callback.round++;
	if (callback.runs)
		pthread_cond_broadcast(&callback.changed);
	pthread_mutex_unlock(&callback.lock);
}
