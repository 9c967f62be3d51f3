/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of the answers as JSON. */
#include <check.h>
#include <math.h>

#include "plugins/common/answers/answers.h"
#include "tests/suite.h"

static const struct {
	double number;
	const char *json;
} rows[] = {{0.5, "0.5"}, {(double)INFINITY, "\"inf\""}, {-(double)INFINITY, "\"-inf\""}, {(double)NAN, "\"nan\""}};

/* JSON has neither infinite numbers nor NaN, so no program could read a document with one. */
START_TEST(numbers_that_json_lacks_are_texts)
{
	struct json_object *value = answers_real(rows[_i].number);

	ck_assert_str_eq(json_object_to_json_string(value), rows[_i].json);
	json_object_put(value);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("answers_json");
	TCase *tc = tcase_create("answers_json");

	tcase_add_loop_test(tc, numbers_that_json_lacks_are_texts, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
