/* SPDX-License-Identifier: BSD-3-Clause */
/* services/client/error.c, and the three functions of libcorosync_common. */
#include "services/client/error.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <qb/qbipc_common.h>

#include "tests/suite.h"

START_TEST(codes_have_names)
{
	static const int gaps[] = {INT_MIN, -1, 0, 29, 31, 99, 101, INT_MAX};

	ck_assert_str_eq(cs_strerror(CS_OK), "success");
	ck_assert_str_eq(cs_strerror(CS_ERR_LIBRARY), "CS_ERR_LIBRARY");
	ck_assert_str_eq(cs_strerror(CS_ERR_CONTEXT_NOT_FOUND), "CS_ERR_CONTEXT_NOT_FOUND");
	ck_assert_str_eq(cs_strerror(CS_ERR_TOO_MANY_GROUPS), "CS_ERR_TOO_MANY_GROUPS");
	ck_assert_str_eq(cs_strerror(CS_ERR_SECURITY), "CS_ERR_SECURITY");
	for (int i = CS_ERR_LIBRARY; i <= CS_ERR_CONTEXT_NOT_FOUND; i++)
		ck_assert_int_eq(strncmp(cs_strerror((cs_error_t)i), "CS_ERR_", 7), 0);
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		ck_assert_str_eq(cs_strerror((cs_error_t)gaps[i]), "unknown error");
}
END_TEST

static const struct {
	int errno_value;
	cs_error_t channel; /* result of qb_to_cs_error() */
	cs_error_t table;   /* result of hdb_error_to_cs() */
} rows[] = {
	{EBADF, CS_ERR_BAD_HANDLE, CS_ERR_BAD_HANDLE},
	{ENOMEM, CS_ERR_NO_MEMORY, CS_ERR_NO_MEMORY},
	{EMFILE, CS_ERR_LIBRARY, CS_ERR_NO_RESOURCES},
	{EACCES, CS_ERR_ACCESS, CS_ERR_ACCESS},
	{EAGAIN, CS_ERR_TRY_AGAIN, CS_ERR_LIBRARY},
	{ENOMSG, CS_ERR_TRY_AGAIN, CS_ERR_LIBRARY},
	{ENOBUFS, CS_ERR_TRY_AGAIN, CS_ERR_LIBRARY},
	{ETIMEDOUT, CS_ERR_TRY_AGAIN, CS_ERR_LIBRARY},
	{EBADE, CS_ERR_FAILED_OPERATION, CS_ERR_LIBRARY},
	{ETIME, CS_ERR_TIMEOUT, CS_ERR_LIBRARY},
	{EINVAL, CS_ERR_INVALID_PARAM, CS_ERR_LIBRARY},
	{EBUSY, CS_ERR_BUSY, CS_ERR_LIBRARY},
	{EOVERFLOW, CS_ERR_NAME_TOO_LONG, CS_ERR_LIBRARY},
	{EEXIST, CS_ERR_EXIST, CS_ERR_LIBRARY},
	{ENOSPC, CS_ERR_NO_SPACE, CS_ERR_LIBRARY},
	{EINTR, CS_ERR_INTERRUPT, CS_ERR_LIBRARY},
	{ENOENT, CS_ERR_NOT_EXIST, CS_ERR_LIBRARY},
	{ENODEV, CS_ERR_NOT_EXIST, CS_ERR_LIBRARY},
	{ENOSYS, CS_ERR_NOT_SUPPORTED, CS_ERR_LIBRARY},
	{ENOTSUP, CS_ERR_NOT_SUPPORTED, CS_ERR_LIBRARY},
	{EBADMSG, CS_ERR_MESSAGE_ERROR, CS_ERR_LIBRARY},
	{EMSGSIZE, CS_ERR_TOO_BIG, CS_ERR_LIBRARY},
	{E2BIG, CS_ERR_TOO_BIG, CS_ERR_LIBRARY},
	{ECONNREFUSED, CS_ERR_LIBRARY, CS_ERR_LIBRARY},
	{ENOTCONN, CS_ERR_LIBRARY, CS_ERR_LIBRARY},
	{EPIPE, CS_ERR_LIBRARY, CS_ERR_LIBRARY},
	{INT_MAX, CS_ERR_LIBRARY, CS_ERR_LIBRARY},
};

START_TEST(errno_to_code)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = -rows[i].errno_value;

		ck_assert_msg(qb_to_cs_error(rc) == rows[i].channel, "channel %d", rc);
		ck_assert_msg(hdb_error_to_cs(rc) == rows[i].table, "table %d", rc);
		ck_assert_msg(client_error(rc) == rows[i].channel, "client %d", rc);
	}
	ck_assert_int_eq(qb_to_cs_error(0), CS_OK);
	ck_assert_int_eq(qb_to_cs_error(INT_MAX), CS_OK);
	ck_assert_int_eq(qb_to_cs_error(INT_MIN), CS_ERR_LIBRARY);
	ck_assert_int_eq(hdb_error_to_cs(0), CS_OK);
	ck_assert_int_eq(hdb_error_to_cs(EBADF), CS_ERR_LIBRARY);
	ck_assert_int_eq(hdb_error_to_cs(INT_MIN), CS_ERR_LIBRARY);
	ck_assert_int_eq(client_error(1000), CS_OK);
	ck_assert_int_eq(client_error(-EPERM), CS_ERR_SECURITY);
	ck_assert_int_eq(qb_to_cs_error(-EPERM), CS_ERR_LIBRARY);
	ck_assert_int_eq(client_error((ssize_t)INT_MIN - 1), CS_ERR_LIBRARY);
}
END_TEST

START_TEST(responses)
{
	static const struct {
		const char *name;
		int32_t error;
		size_t size, size_want;
		cs_error_t code;
	} cases[] = {
		{"plain", CS_OK, 24, 24, CS_OK},
		{"longer than wanted", CS_OK, 240, 24, CS_OK},
		{"body missing", CS_OK, 24, 32, CS_ERR_LIBRARY},
		{"body one byte short", CS_OK, 31, 32, CS_ERR_LIBRARY},
		{"refusal is a bare header", CS_ERR_TRY_AGAIN, 24, 9248, CS_ERR_TRY_AGAIN},
		{"header cut", CS_OK, 23, 24, CS_ERR_LIBRARY},
		{"nothing", CS_OK, 0, 24, CS_ERR_LIBRARY},
		{"no code: 0", 0, 24, 24, CS_ERR_LIBRARY},
		{"no code: negative", -1, 24, 24, CS_ERR_LIBRARY},
		{"last code", CS_ERR_SECURITY, 24, 24, CS_ERR_SECURITY},
		{"above the last", 101, 24, 24, CS_ERR_LIBRARY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char bytes[240] = {0};
		struct qb_ipc_response_header header = {.error = cases[i].error};

		memcpy(bytes, &header, sizeof(header));
		ck_assert_msg(client_response_error(bytes, cases[i].size, cases[i].size_want) == cases[i].code, "%s",
			cases[i].name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client error");
	TCase *tcase = tcase_create("error");

	tcase_add_test(tcase, codes_have_names);
	tcase_add_test(tcase, errno_to_code);
	tcase_add_test(tcase, responses);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
