/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handler runs on any thread at any instruction: it takes no lock, allocates nothing and reads a list to which
 * entries are only ever added. An entry that is not in use has the size 0, and is used again.
 */
#include "exec/qb/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct qbs_guard {
	uintptr_t start;
	size_t size; /* 0: the entry is not in use. It is stored last */
	bool is_broken;
	struct qbs_guard *next;      /* in the list of all entries; never changes */
	struct qbs_guard *next_free; /* in the list of entries that are not in use */
};

/*
 * A signal handler has no argument, so these variables belong to the process, as its signals do. The handler
 * reads `guards`, which never shrinks. `previous` and `page_size` are set before the handler is installed.
 */
static struct qbs_guard *guards, *free_guards;
static struct sigaction previous;
static size_t page_size;
static bool is_installed;

static struct qbs_guard *find(uintptr_t address)
{
	struct qbs_guard *guard = __atomic_load_n(&guards, __ATOMIC_ACQUIRE);

	for (; guard != NULL; guard = guard->next) {
		size_t size = __atomic_load_n(&guard->size, __ATOMIC_ACQUIRE);

		if (size > 0 && address - __atomic_load_n(&guard->start, __ATOMIC_RELAXED) < size)
			return guard;
	}
	return NULL;
}

/* mmap() is not async-signal-safe, and sanitizers replace it. So call the kernel directly. */
static bool put_page(uintptr_t page)
{
#ifdef SYS_mmap2
	long number = SYS_mmap2;
#else
	long number = SYS_mmap;
#endif
	return syscall(number, page, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0) == (long)page;
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	if ((previous.sa_flags & SA_SIGINFO) != 0)
		previous.sa_sigaction(signal, info, context);
	else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
		previous.sa_handler(signal);
	else if (info->si_code > 0 || previous.sa_handler == SIG_DFL) {
		/*
		 * Restore the former handler. The access is repeated or the signal is sent again, so that the former
		 * handler gets the signal.
		 */
		(void)sigaction(SIGBUS, &previous, NULL);
		if (info->si_code <= 0)
			(void)kill(getpid(), signal);
	}
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	int saved_errno = errno;
	/* A positive code shows that the kernel sent the signal. Other processes can send it too, with other codes. */
	struct qbs_guard *guard = info->si_code > 0 ? find(address) : NULL;

	if (guard != NULL && put_page(address & ~(uintptr_t)(page_size - 1)))
		__atomic_store_n(&guard->is_broken, true, __ATOMIC_RELEASE);
	else
		pass_on(signal, info, context);
	errno = saved_errno;
}

int qbs_fault_init(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};

	if (is_installed)
		return 0;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &previous) < 0 || sigaction(SIGBUS, &action, NULL) < 0)
		return -errno;
	is_installed = true;
	return 0;
}

struct qbs_guard *qbs_guard_add(void *start, size_t size)
{
	struct qbs_guard *guard = free_guards;

	if (guard != NULL) {
		free_guards = guard->next_free;
	} else {
		guard = calloc(1, sizeof(*guard));
		if (guard == NULL)
			return NULL;
		guard->next = guards;
		__atomic_store_n(&guards, guard, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&guard->is_broken, false, __ATOMIC_RELAXED);
	__atomic_store_n(&guard->start, (uintptr_t)start, __ATOMIC_RELAXED);
	__atomic_store_n(&guard->size, size, __ATOMIC_RELEASE);
	return guard;
}

void qbs_guard_del(struct qbs_guard *guard)
{
	if (guard == NULL)
		return;
	__atomic_store_n(&guard->size, 0, __ATOMIC_RELEASE);
	guard->next_free = free_guards;
	free_guards = guard;
}

bool qbs_guard_is_broken(const struct qbs_guard *guard) { return __atomic_load_n(&guard->is_broken, __ATOMIC_ACQUIRE); }
