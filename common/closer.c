/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/thread.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define STACK_SIZE (128u << 10)
#define SIGNAL SIGURG /* nothing else in the daemon uses it */
#define SIGNAL_NS 1000000

struct closing {
	struct closing *next;
	int fd;
};

struct closer {
	pthread_t thread;
	pthread_mutex_t lock; /* of the members below */
	pthread_cond_t changed;
	struct closing *files, **last;
	uint64_t closed;
	bool is_ending;
	bool is_interrupted;
};

static void on_signal(int signal) { (void)signal; }

/* Make a timer that sends the signal to this thread. @return whether there is one */
static bool make_timer(timer_t *timer)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL};
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (sigaction(SIGNAL, &action, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &event, timer) < 0)
		return false;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

/* Close. With a timer, its signals end the wait, and all further ones of the same call. */
static void close_briefly(int fd, timer_t timer, bool has_timer)
{
	static const struct itimerspec on = {.it_value = {.tv_nsec = SIGNAL_NS}, .it_interval = {.tv_nsec = SIGNAL_NS}};
	static const struct itimerspec off = {.it_value = {.tv_nsec = 0}};

	if (has_timer)
		timer_settime(timer, 0, &on, NULL);
	close(fd);
	if (has_timer)
		timer_settime(timer, 0, &off, NULL);
}

static void *run(void *arg)
{
	struct closer *closer = arg;
	timer_t timer = NULL;
	bool has_timer = closer->is_interrupted && make_timer(&timer);

	pthread_mutex_lock(&closer->lock);
	while (closer->files != NULL || !closer->is_ending) {
		struct closing *one = closer->files;

		if (one == NULL) {
			pthread_cond_wait(&closer->changed, &closer->lock);
			continue;
		}
		closer->files = one->next;
		if (closer->files == NULL)
			closer->last = &closer->files;
		pthread_mutex_unlock(&closer->lock);
		close_briefly(one->fd, timer, has_timer);
		free(one);
		pthread_mutex_lock(&closer->lock);
		closer->closed++;
	}
	pthread_mutex_unlock(&closer->lock);
	if (has_timer)
		timer_delete(timer);
	return NULL;
}

struct closer *closer_create(bool is_interrupted)
{
	struct closer *closer = calloc(1, sizeof(*closer));

	if (closer == NULL)
		return NULL;
	closer->last = &closer->files;
	closer->is_interrupted = is_interrupted;
	pthread_mutex_init(&closer->lock, NULL);
	pthread_cond_init(&closer->changed, NULL);
	if (thread_start(&closer->thread, STACK_SIZE, run, closer) == 0)
		return closer;
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
	return NULL;
}

void closer_destroy(struct closer *closer)
{
	if (closer == NULL)
		return;
	pthread_mutex_lock(&closer->lock);
	closer->is_ending = true;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
	pthread_join(closer->thread, NULL);
	pthread_cond_destroy(&closer->changed);
	pthread_mutex_destroy(&closer->lock);
	free(closer);
}

void closer_close(struct closer *closer, int fd)
{
	struct closing *one = malloc(sizeof(*one));

	if (one == NULL) {
		close(fd);
		return;
	}
	*one = (struct closing){.fd = fd};
	pthread_mutex_lock(&closer->lock);
	*closer->last = one;
	closer->last = &one->next;
	pthread_cond_signal(&closer->changed);
	pthread_mutex_unlock(&closer->lock);
}

uint64_t closer_count(struct closer *closer)
{
	pthread_mutex_lock(&closer->lock);
	uint64_t closed = closer->closed;
	pthread_mutex_unlock(&closer->lock);
	return closed;
}
