/* SPDX-License-Identifier: BSD-3-Clause */
/* exec/qb/fault.c: pages that are missing from guarded mappings. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "exec/qb/fault.h"
#include "tests/suite.h"

#define PAGES 4

static size_t page;
static int file;
static volatile char *memory;

/* Map a file of some pages, then shorten it. */
static void set_up(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	file = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(file, (off_t)(PAGES * page)), 0);
	memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ck_assert_ptr_ne((void *)(uintptr_t)memory, MAP_FAILED);
	memset((void *)(uintptr_t)memory, 'x', PAGES * page);
}

static void tear_down(void)
{
	munmap((void *)(uintptr_t)memory, PAGES * page);
	close(file);
}

static struct qbs_guard *guard_memory(size_t pages)
{
	struct qbs_guard *guard = qbs_guard_add((void *)(uintptr_t)memory, pages * page);

	ck_assert_int_eq(qbs_fault_init(), 0);
	ck_assert_ptr_nonnull(guard);
	return guard;
}

START_TEST(a_missing_page_becomes_zeros_and_marks_the_mapping)
{
	struct qbs_guard *guard = guard_memory(PAGES);

	ck_assert_int_eq(ftruncate(file, (off_t)page), 0);
	ck_assert_int_eq(memory[0], 'x');
	ck_assert(!qbs_guard_is_broken(guard));
	ck_assert_int_eq(memory[page], 0);
	ck_assert(qbs_guard_is_broken(guard));
	memory[3 * page + 7] = 'y';
	ck_assert_int_eq(memory[3 * page + 7], 'y');
	ck_assert_int_eq(memory[0], 'x');
	qbs_guard_del(guard);
}
END_TEST

START_TEST(a_guard_that_is_used_again_is_whole)
{
	struct qbs_guard *guard = guard_memory(PAGES);

	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_int_eq(memory[0], 0);
	qbs_guard_del(guard);
	guard = guard_memory(PAGES);
	ck_assert(!qbs_guard_is_broken(guard));
	qbs_guard_del(guard);
}
END_TEST

static void *touch(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)memory[2 * page];
}

START_TEST(a_thread_may_touch_it)
{
	struct qbs_guard *guard = guard_memory(PAGES);
	pthread_t thread;
	void *found = guard;

	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, touch, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, &found), 0);
	ck_assert_ptr_null(found);
	ck_assert(qbs_guard_is_broken(guard));
	qbs_guard_del(guard);
}
END_TEST

/* --- a SIGBUS from another cause --- */

static void note(int signal)
{
	(void)signal;
	_exit(42);
}

static void touch_unguarded(void)
{
	(void)guard_memory(1);
	ck_assert_int_eq(ftruncate(file, 0), 0);
	memory[page] = 1;
	_exit(0);
}

static void send_signal(void)
{
	(void)guard_memory(PAGES);
	kill(getpid(), SIGBUS);
	_exit(0);
}

static const struct {
	const char *name;
	void (*handler)(int signal);
	void (*act)(void);
	int exits; /* expected exit status, or 0: killed by SIGBUS */
} rows[] = {
	{"a page of another mapping kills", SIG_DFL, touch_unguarded, 0},
	{"a page of another mapping has its own handler", note, touch_unguarded, 42},
	{"a signal of a process kills", SIG_DFL, send_signal, 0},
	{"a signal of a process has its own handler", note, send_signal, 42},
};

START_TEST(other_signals_are_passed_on)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGBUS, rows[_i].handler);
		rows[_i].act();
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (rows[_i].exits != 0)
		ck_assert_msg(
			WIFEXITED(status) && WEXITSTATUS(status) == rows[_i].exits, "%s: %x", rows[_i].name, status);
	else
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "%s: %x", rows[_i].name, status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qb_fault");
	TCase *tcase = tcase_create("guard");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_missing_page_becomes_zeros_and_marks_the_mapping);
	tcase_add_test(tcase, a_guard_that_is_used_again_is_whole);
	tcase_add_test(tcase, a_thread_may_touch_it);
	tcase_add_loop_test(tcase, other_signals_are_passed_on, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
