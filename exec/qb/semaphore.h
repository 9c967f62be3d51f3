/*
 * A POSIX semaphore in memory that a client writes too. sem_post() believes what stands in a semaphore: whether it is
 * shared, which becomes part of the operation that the kernel is asked for, so that a client could make the server
 * wait for ever or abort. So its words are changed here, as glibc's waiters expect it, and the kernel is only ever
 * asked to wake.
 */
#ifndef EXEC_QB_SEMAPHORE_H
#define EXEC_QB_SEMAPHORE_H

#include <semaphore.h>

/** Add one, and wake a waiter if there may be one. */
void qbs_semaphore_post(sem_t *semaphore);
/** Subtract one, if there is one. */
void qbs_semaphore_take(sem_t *semaphore);

#endif
