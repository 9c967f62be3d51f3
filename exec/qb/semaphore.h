/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A POSIX semaphore in memory that a client can write, too. sem_post() trusts the words of a semaphore. One of them
 * says whether the semaphore is shared, and becomes an argument of the system call. So a client could make the server
 * wait for ever or abort. Therefore this code changes the words itself, as glibc's waiters expect, and calls the kernel
 * only to wake a waiter.
 */
#ifndef EXEC_QB_SEMAPHORE_H
#define EXEC_QB_SEMAPHORE_H

#include <semaphore.h>

/** Add one, and wake a waiter if there may be one. */
void qbs_semaphore_post(sem_t *semaphore);
/** Subtract one, unless the value is 0. */
void qbs_semaphore_take(sem_t *semaphore);

#endif
