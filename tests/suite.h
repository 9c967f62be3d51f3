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

/** Run the suite and free it. @return exit status of the program */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
