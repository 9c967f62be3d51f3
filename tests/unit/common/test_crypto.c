/* SPDX-License-Identifier: BSD-3-Clause */
/* Libraries that are loaded late, and what is made with libcrypto. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/crypto/late_library.h"
#include "common/crypto/libcrypto.h"
#include "common/crypto/mac.h"
#include "tests/suite.h"

/* This program is linked with libcrypto, as the build has found it. */
START_TEST(the_library_is_the_one_of_the_build)
{
	const struct libcrypto *libcrypto = libcrypto_get();

	ck_assert_msg(libcrypto != NULL, "%s", libcrypto_error());
	ck_assert_ptr_eq(libcrypto, libcrypto_get());
#define IS_SAME(name) ck_assert_msg(libcrypto->name == (name), "%s", #name);
	LIBCRYPTO_FUNCTIONS(IS_SAME)
}
END_TEST

START_TEST(a_library_that_is_missing_has_a_reason)
{
	char error[LATE_ERROR_SIZE] = "";

	ck_assert(!late_library_load("libcoterie-nowhere.so.1", NULL, 0, error));
	ck_assert_ptr_nonnull(strstr(error, "libcoterie-nowhere.so.1"));
}
END_TEST

START_TEST(a_function_that_is_missing_has_a_reason)
{
	size_t (*length)(const char *) = NULL, (*missing)(void) = NULL;
	const struct late_function functions[] = {{"strlen", &length}, {"coterie_nothing", &missing}};
	char error[LATE_ERROR_SIZE] = "";

	ck_assert(!late_library_load("libc.so.6", functions, 2, error));
	ck_assert_str_eq(error, "libc.so.6 has no function coterie_nothing");
	ck_assert(late_library_load("libc.so.6", functions, 1, error));
	ck_assert_uint_eq(length("four"), 4);
	ck_assert(missing == NULL);
}
END_TEST

/* RFC 4231, cases 1 and 2. */
START_TEST(the_mac_is_that_of_the_rfc)
{
	static const uint8_t key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
		0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
	static const uint8_t first[MAC_SIZE] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce,
		0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e,
		0x32, 0xcf, 0xf7};
	static const uint8_t second[MAC_SIZE] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26,
		0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64,
		0xec, 0x38, 0x43};
	uint8_t mac[MAC_SIZE];

	ck_assert_int_eq(mac_compute(key, sizeof(key), "Hi There", 8, mac), 0);
	ck_assert_mem_eq(mac, first, MAC_SIZE);
	ck_assert_int_eq(mac_compute("Jefe", 4, "what do ya want for nothing?", 28, mac), 0);
	ck_assert_mem_eq(mac, second, MAC_SIZE);
	ck_assert(mac_is_equal(mac, second, MAC_SIZE));
	ck_assert(!mac_is_equal(mac, first, MAC_SIZE));
}
END_TEST

START_TEST(a_key_that_is_too_long_gives_zeros)
{
	static const uint8_t zeros[MAC_SIZE];
	uint8_t mac[MAC_SIZE] = {1};

	ck_assert_int_eq(mac_compute("", (size_t)1 << 31, "", 0, mac), -EIO);
	ck_assert_mem_eq(mac, zeros, MAC_SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto");
	TCase *tcase = tcase_create("crypto");

	tcase_add_test(tcase, the_library_is_the_one_of_the_build);
	tcase_add_test(tcase, a_library_that_is_missing_has_a_reason);
	tcase_add_test(tcase, a_function_that_is_missing_has_a_reason);
	tcase_add_test(tcase, the_mac_is_that_of_the_rfc);
	tcase_add_test(tcase, a_key_that_is_too_long_gives_zeros);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
