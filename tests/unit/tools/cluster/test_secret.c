/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that are taken out of lines of JSON. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/suite.h"
#include "tools/cluster/agent.h"

static const struct {
	const char *line, *key, *left;
} rows[] = {
	{"{\"do\":\"key\",\"key\":\"00ff\"}", "00ff", "{\"do\":\"key\",\"key\":\"    \"}"},
	{"{\"do\": \"key\", \"key\": \"ab\", \"file\": \"\"}", "ab",
		"{\"do\": \"key\", \"key\": \"  \", \"file\": \"\"}"},
	{"{\"key\" :\t\"ab\"}", "ab", "{\"key\" :\t\"  \"}"},
	{"{\"key\":1,\"key\":\"ab\"}", "ab", "{\"key\":1,\"key\":\"  \"}"},
	/* Without a key nothing is changed. */
	{"", NULL, ""},
	{"{\"do\":\"key\"}", NULL, "{\"do\":\"key\"}"},
	{"{\"do\":\"key\"", NULL, "{\"do\":\"key\""},
	{"{\"key\"", NULL, "{\"key\""},
	{"{\"key\":", NULL, "{\"key\":"},
	{"{\"key\":\"", NULL, "{\"key\":\""},
	{"{\"key\":\"ab", NULL, "{\"key\":\"ab"},
	{"{\"key\":\"\"}", NULL, "{\"key\":\"\"}"},
	{"{\"key\":\"abxy\"}", NULL, "{\"key\":\"abxy\"}"},
	{"{\"text\":\"\\\"key\\\":\\\"ab\\\"\"}", NULL, "{\"text\":\"\\\"key\\\":\\\"ab\\\"\"}"},
};

START_TEST(key_is_taken_out_of_a_line)
{
	char line[128];

	strcpy(line, rows[_i].line);
	char *key = secret_take(line);

	ck_assert_str_eq(line, rows[_i].left);
	if (rows[_i].key == NULL)
		ck_assert_ptr_null(key);
	else
		ck_assert_str_eq(key, rows[_i].key);
	secret_free(key);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret");
	TCase *tcase = tcase_create("secret");

	tcase_add_loop_test(tcase, key_is_taken_out_of_a_line, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
