/* SPDX-License-Identifier: BSD-3-Clause */
/* Run the suites of a test program, and print the results as TAP. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <stdlib.h>

#include <check.h>

/*
 * libcheck notes each assertion that holds, with a write(2): in a test that simulates a ring that takes most of the time.
 * Without the notes a test that crashes or hangs is reported with the line where it begins.
 */
#define _mark_point(file, line) ((void)0)

/** Run the suite and free it. fork_status: whether each test runs in a process. @return exit status of the program */
static inline int suite_run_in(Suite *suite, enum fork_status fork_status)
{
	SRunner *runner = srunner_create(suite);

	srunner_set_tap(runner, "-");
	srunner_set_fork_status(runner, fork_status);
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/** Like suite_run_in, with a process for each test, unless the environment has CK_FORK=no. */
static inline int suite_run(Suite *suite) { return suite_run_in(suite, CK_FORK_GETENV); }

/**
 * Like suite_run, for hundreds of short tests that leave nothing behind: with sanitizers they run in one process, since
 * their memory makes each process take 20 ms.
 */
static inline int suite_run_together(Suite *suite)
{
#ifdef __SANITIZE_ADDRESS__
	return suite_run_in(suite, CK_NOFORK);
#else
	return suite_run(suite);
#endif
}

#endif
