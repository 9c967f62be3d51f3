/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/config/validate_case.h"

struct config_case one;

static void setup(void) { config_case_init(&one); }

static void teardown(void) { config_case_fini(&one); }

TCase *validate_case_add(Suite *suite)
{
	TCase *tcase = tcase_create("validate");

	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return tcase;
}
