/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Let the time of day jump in a daemon into which this library is preloaded: by up to an hour forward or back, every
 * two seconds. The monotonic clocks do not jump. All threads of a process see the same jumps.
 *
 * The kernel does not see the jumps. So a deadline by the time of day is moved back before the kernel waits for it.
 * Otherwise each wait of libknet's thread for the path MTU would end at once in half of all cases. Then libknet sends
 * nothing to a node for up to two seconds. A real jump does not have this effect. A thread may read the clock before a
 * jump and wait after it, so its deadline is moved by the jump that it has seen.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#define JUMP_EVERY_S 2
#define JUMP_MAX_S 3600
/* A deadline beyond this is in the time of day, since monotonic clocks begin when the machine starts. */
#define DAY_MIN_S 1000000000

static int real_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	return real(id, now);
}

/* The last jump that this thread has seen. */
static _Thread_local time_t seen;

/* Return the seconds between the true time of day and the one that the process sees. */
static time_t jump(void)
{
	struct timespec now;

	(void)real_gettime(CLOCK_MONOTONIC, &now);
	uint64_t turn = (uint64_t)now.tv_sec / JUMP_EVERY_S * UINT64_C(0x9e3779b97f4a7c15);
	return (time_t)((turn >> 32) % (2 * JUMP_MAX_S + 1)) - JUMP_MAX_S;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int rc = real_gettime(id, now);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI)) {
		seen = jump();
		now->tv_sec += seen;
	}
	return rc;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &precise) < 0)
		return -1;
	*now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int pthread_cond_timedwait(
	pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	struct timespec moved = *deadline;

	/* dlsym() returns the oldest version of this name, which takes another kind of condition. */
	if (real == NULL)
		*(void **)&real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	if (moved.tv_sec > DAY_MIN_S)
		moved.tv_sec -= seen;
	return real(cond, mutex, &moved);
}
