/* SPDX-License-Identifier: BSD-3-Clause */
/* common/standard.h: the standard streams. libcheck runs each case in a process of its own, which ends with _exit. */
#include "common/standard.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"

/* Write stderr into a file without a name, and stdout to a device that is full. */
static FILE *fill_disk(void)
{
	FILE *errors = tmpfile();

	ck_assert_ptr_nonnull(errors);
	ck_assert_int_eq(dup2(fileno(errors), STDERR_FILENO), STDERR_FILENO);
	ck_assert_ptr_nonnull(freopen("/dev/full", "w", stdout));
	return errors;
}

static void says(FILE *errors, const char *wanted)
{
	char text[256];

	fflush(stderr);
	rewind(errors);
	text[fread(text, 1, sizeof(text) - 1, errors)] = '\0';
	ck_assert_str_eq(text, wanted);
}

START_TEST(closed_descriptors_are_not_given_to_files)
{
	int kept = dup(STDERR_FILENO);

	for (unsigned int closed = 0; closed < 8; closed++) {
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
			dup2(kept, fd);
			if ((closed >> fd & 1) != 0)
				close(fd);
		}
		standard_open();
		int next = dup(kept);

		dup2(kept, STDERR_FILENO);
		ck_assert_msg(next > STDERR_FILENO, "closed: %x, the next one: %d", closed, next);
		close(next);
	}
}
END_TEST

START_TEST(what_is_lost_at_the_end_is_a_failure)
{
	FILE *errors = fill_disk();

	printf("in the buffer");
	ck_assert_int_eq(standard_end("tool", stdout, EXIT_SUCCESS), EXIT_FAILURE);
	says(errors, "tool: cannot write the output: No space left on device\n");
}
END_TEST

START_TEST(what_was_lost_before_is_a_failure)
{
	FILE *errors = fill_disk();

	printf("written at once");
	ck_assert_int_ne(fflush(stdout), 0);
	ck_assert_int_eq(standard_end("tool", stdout, EXIT_SUCCESS), EXIT_FAILURE);
	says(errors, "tool: cannot write the output\n");
}
END_TEST

START_TEST(another_failure_keeps_its_status)
{
	fill_disk();
	printf("in the buffer");
	ck_assert_int_eq(standard_end("tool", stdout, 7), 7);
}
END_TEST

START_TEST(a_program_without_output_succeeds)
{
	FILE *errors = fill_disk();

	ck_assert_int_eq(standard_end("tool", stdout, EXIT_SUCCESS), EXIT_SUCCESS);
	says(errors, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("standard");
	TCase *tc = tcase_create("standard");

	tcase_add_test(tc, closed_descriptors_are_not_given_to_files);
	tcase_add_test(tc, what_is_lost_at_the_end_is_a_failure);
	tcase_add_test(tc, what_was_lost_before_is_a_failure);
	tcase_add_test(tc, another_failure_keeps_its_status);
	tcase_add_test(tc, a_program_without_output_succeeds);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
