/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads for work that may wait: disks, name servers, the closing of large files. The loop of a node must not.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

/*
 * Start a thread with the ordinary priority, also from a thread that has the real-time priority of the ring. A caller
 * that may not leave its own priority (SCHED_IDLE) gives it to the thread. All signals of the thread are blocked, so that
 * the caller's thread handles them. The caller joins or detaches it. Inline, since an executive and a plugin that are
 * linked into one program would define it twice.
 *
 * @param thread      out: set on success
 * @param stack_size  bytes. 0: the system's default, mostly 8 MiB
 * @return 0; -EAGAIN: the system has no more threads; -EINVAL: the stack is too small
 */
static inline int thread_start(pthread_t *thread, size_t stack_size, void *(*run)(void *arg), void *arg)
{
	const struct sched_param param = {0};
	pthread_attr_t attributes;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	int rc = stack_size == 0 ? 0 : pthread_attr_setstacksize(&attributes, stack_size);

	pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
	pthread_attr_setschedparam(&attributes, &param);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (rc == 0)
		rc = pthread_create(thread, &attributes, run, arg);
	if (rc == EPERM) {
		pthread_attr_setinheritsched(&attributes, PTHREAD_INHERIT_SCHED);
		rc = pthread_create(thread, &attributes, run, arg);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -rc;
}

#endif
