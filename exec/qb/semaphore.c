/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glibc's semaphore. With 64-bit atomics it begins with one 64-bit word: the value in the low half, the number of
 * waiters in the high half. Without them, the first 32-bit word is twice the value, plus 1 if there are waiters.
 * The program tests/unit/exec/qb/test_qb_ring compares this with sem_wait() and sem_getvalue() of the C library at
 * hand.
 */
#include "exec/qb/semaphore.h"

#include <endian.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Wake a waiter. If the page does not exist any more, the call fails, which does not matter: no client can wait there.
 */
static void wake(uint32_t *word) { (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0); }

#if __LP64__

static uint32_t *value_of(sem_t *semaphore)
{
	return (uint32_t *)(void *)semaphore + (__BYTE_ORDER == __LITTLE_ENDIAN ? 0 : 1);
}

void qbs_semaphore_post(sem_t *semaphore)
{
	uint64_t before = __atomic_fetch_add((uint64_t *)(void *)semaphore, 1, __ATOMIC_RELEASE);

	if (before >> 32 != 0)
		wake(value_of(semaphore));
}

void qbs_semaphore_take(sem_t *semaphore)
{
	/* Only this process subtracts, so a value above 0 stays above 0 until the subtraction. */
	if ((uint32_t)__atomic_load_n((uint64_t *)(void *)semaphore, __ATOMIC_RELAXED) != 0)
		(void)__atomic_fetch_sub((uint64_t *)(void *)semaphore, 1, __ATOMIC_ACQUIRE);
}

#else

void qbs_semaphore_post(sem_t *semaphore)
{
	uint32_t before = __atomic_fetch_add((uint32_t *)(void *)semaphore, 2, __ATOMIC_RELEASE);

	if ((before & 1) != 0)
		wake((uint32_t *)(void *)semaphore);
}

void qbs_semaphore_take(sem_t *semaphore)
{
	if (__atomic_load_n((uint32_t *)(void *)semaphore, __ATOMIC_RELAXED) > 1)
		(void)__atomic_fetch_sub((uint32_t *)(void *)semaphore, 2, __ATOMIC_ACQUIRE);
}

#endif
