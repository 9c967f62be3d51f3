/*
 * A line on the terminal while a command waits. A separate thread writes the line, since the command itself waits in
 * calls of libraries.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/ctl/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"

#define QUIET_S 2 /* a command that ends before this time shows no line */

struct progress {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	const char *what;
	bool is_over;
};

/*
 * Write the line each second. It ends with a carriage return, so any later output overwrites it, also the message of a
 * signal handler.
 */
static void *progress_run(void *arg)
{
	struct progress *progress = arg;
	struct timespec next;
	int waited_s = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&progress->lock);
	while (!progress->is_over) {
		next.tv_sec++;
		while (!progress->is_over && pthread_cond_timedwait(&progress->changed, &progress->lock, &next) == 0)
			;
		if (!progress->is_over && ++waited_s >= QUIET_S)
			dprintf(STDERR_FILENO, "\033[Kwaiting for %s: %d s\r", progress->what, waited_s);
	}
	pthread_mutex_unlock(&progress->lock);
	if (waited_s >= QUIET_S)
		dprintf(STDERR_FILENO, "\033[K");
	return NULL;
}

struct progress *progress_begin(const struct ctl *ctl, const char *what)
{
	const bool has_terminal = ctl->format == CTL_TEXT && !ctl->is_quiet && isatty(STDERR_FILENO);
	struct progress *progress = has_terminal ? calloc(1, sizeof(*progress)) : NULL;
	pthread_condattr_t attributes;
	sigset_t all, before;

	if (progress == NULL)
		return NULL;
	progress->what = what;
	pthread_mutex_init(&progress->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Signals must be handled by the thread that waits. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&progress->thread, NULL, progress_run, progress);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		return progress;
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
	return NULL;
}

void progress_end(struct progress *progress)
{
	if (progress == NULL)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->is_over = true;
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}
