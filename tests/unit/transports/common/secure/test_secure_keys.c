/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of sealed datagrams: key derivation and replay windows. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "tests/suite.h"
#include "transports/common/secure/keys.h"
#include "transports/common/secure/replay.h"

/* Derive a key with HKDF of libcrypto, from the inputs that keys.h describes. */
static void hkdf(const void *secret, size_t secret_size, const void *info, size_t info_size, uint8_t out[KEYS_SIZE])
{
	static char digest[] = "SHA256", salt[] = "coterie sealed datagrams 1";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secret_size),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_size),
		OSSL_PARAM_construct_end(),
	};

	ck_assert_int_eq(EVP_KDF_derive(context, out, KEYS_SIZE, params), 1);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

START_TEST(session_keys_are_those_of_hkdf)
{
	static const char secret[] = "the contents of a key file, of any size";
	struct keys_session session = {
		.nodeid = 0x01020304, .lane = SECURE_GROUP, .generation = 0x0a0b0c0d, .id = "sixteen bytes i"};
	struct keys_root *root = keys_page_take(1);
	uint8_t info[8 + 2 + 8 + 16], ours[KEYS_SIZE], theirs[KEYS_SIZE];

	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(keys_root_load(root, SECURE_AES256_GCM, secret, sizeof(secret)), 0);
	ck_assert_int_eq(keys_derive(root, &session, ours), 0);
	memcpy(info, "session \x01\x01\x01\x02\x03\x04\x0a\x0b\x0c\x0d", 18);
	memcpy(info + 18, session.id, 16);
	hkdf(secret, sizeof(secret), info, sizeof(info), theirs);
	ck_assert_mem_eq(ours, theirs, KEYS_SIZE);
	keys_page_free(root, 1);
}
END_TEST

START_TEST(every_part_of_a_session_changes_its_key)
{
	const struct keys_session plain = {.nodeid = 1, .lane = SECURE_UNICAST};
	struct keys_session others[] = {plain, plain, plain, plain};
	struct keys_root *roots = keys_page_take(2);
	uint8_t first[KEYS_SIZE], other[KEYS_SIZE];

	others[0].nodeid = 2;
	others[1].lane = SECURE_GROUP;
	others[2].generation = 1;
	others[3].id[15] = 1;
	ck_assert_int_eq(keys_root_load(&roots[0], SECURE_AES256_GCM, "secret", 6), 0);
	ck_assert_int_eq(keys_derive(&roots[0], &plain, first), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(keys_derive(&roots[0], &others[i], other), 0);
		ck_assert_mem_ne(first, other, KEYS_SIZE);
	}
	ck_assert_int_eq(keys_root_load(&roots[1], SECURE_CHACHA20_POLY1305, "secret", 6), 0);
	ck_assert_uint_ne(roots[0].id, roots[1].id);
	ck_assert_int_eq(keys_derive(&roots[1], &plain, other), 0);
	ck_assert_mem_ne(first, other, KEYS_SIZE);
	keys_page_free(roots, 2);
}
END_TEST

START_TEST(a_root_needs_cipher_and_bytes)
{
	struct keys_root root = {.cipher = SECURE_NONE};

	ck_assert_int_eq(keys_root_load(&root, SECURE_NONE, "secret", 6), -EINVAL);
	ck_assert_int_eq(keys_root_load(&root, SECURE_AES256_GCM, "", 0), -EINVAL);
	ck_assert_int_eq(root.cipher, SECURE_NONE);
}
END_TEST

/* ---- Windows ---------------------------------------------------------------- */

START_TEST(a_number_is_new_once)
{
	struct replay window = {0};

	ck_assert(!replay_is_new(&window, 0));
	for (uint64_t number = 1; number < 3 * WINDOW_SIZE; number++) {
		ck_assert(replay_is_new(&window, number));
		replay_mark(&window, number);
		ck_assert(!replay_is_new(&window, number));
	}
}
END_TEST

START_TEST(numbers_come_in_any_order_within_the_window)
{
	struct replay window = {0};
	uint64_t top = 10 * WINDOW_SIZE;

	replay_mark(&window, top);
	for (uint64_t back = 1; back < WINDOW_SIZE; back++) {
		ck_assert_msg(replay_is_new(&window, top - back), "%ju back", (uintmax_t)back);
		replay_mark(&window, top - back);
		ck_assert(!replay_is_new(&window, top - back));
	}
	/* The number was never seen, but it is too old for the window. */
	ck_assert(!replay_is_new(&window, top - WINDOW_SIZE));
	ck_assert(!replay_is_new(&window, 1));
}
END_TEST

/* Compare the window with a table of all numbers so far. */
START_TEST(random_numbers_are_told_as_a_table_tells_them)
{
	static bool seen[1 << 16];
	struct replay window = {0};
	uint64_t highest = 0;

	memset(seen, 0, sizeof(seen));
	srand((unsigned int)_i);
	for (int i = 0; i < 200000; i++) {
		uint64_t number = highest + (uint64_t)(rand() % 200) + 1;
		bool is_old;

		number = number > 190u + (uint64_t)(rand() % 5000) ? number - 190 : 1;
		if (rand() % 3 == 0 && number > 5000)
			number -= (uint64_t)(rand() % 5000);
		if (number >= sizeof(seen))
			break;
		is_old = number <= highest && highest - number >= WINDOW_SIZE;
		ck_assert_int_eq(replay_is_new(&window, number), !seen[number] && !is_old);
		if (!seen[number] && !is_old)
			replay_mark(&window, number);
		seen[number] = true;
		if (number > highest)
			highest = number;
	}
}
END_TEST

START_TEST(a_window_begins_behind_a_number)
{
	static const uint64_t numbers[] = {0, 1, 62, 63, 64, 127, 4095, 4096, 5000, UINT64_C(1) << 32};
	struct replay window;

	memset(&window, 0x55, sizeof(window));
	replay_begin(&window, numbers[_i]);
	for (uint64_t back = 0; back < 5000 && back <= numbers[_i]; back++)
		ck_assert(!replay_is_new(&window, numbers[_i] - back));
	for (uint64_t number = numbers[_i] + 5000; number > numbers[_i]; number--) {
		bool is_old = numbers[_i] + 5000 - number >= WINDOW_SIZE;

		ck_assert_int_eq(replay_is_new(&window, number), !is_old);
		if (!is_old)
			replay_mark(&window, number);
	}
}
END_TEST

START_TEST(a_leap_empties_the_window)
{
	struct replay window = {0};

	for (uint64_t number = 1; number <= WINDOW_SIZE; number++)
		replay_mark(&window, number);
	replay_mark(&window, UINT64_C(1) << 32);
	for (uint64_t back = 1; back < WINDOW_SIZE; back++)
		ck_assert(replay_is_new(&window, (UINT64_C(1) << 32) - back));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secure_keys");
	TCase *keys = tcase_create("keys");
	TCase *windows = tcase_create("windows");

	tcase_add_test(keys, session_keys_are_those_of_hkdf);
	tcase_add_test(keys, every_part_of_a_session_changes_its_key);
	tcase_add_test(keys, a_root_needs_cipher_and_bytes);
	suite_add_tcase(suite, keys);
	tcase_add_test(windows, a_number_is_new_once);
	tcase_add_test(windows, numbers_come_in_any_order_within_the_window);
	tcase_add_loop_test(windows, random_numbers_are_told_as_a_table_tells_them, 1, 5);
	tcase_add_loop_test(windows, a_window_begins_behind_a_number, 0, 10);
	tcase_add_test(windows, a_leap_empties_the_window);
	suite_add_tcase(suite, windows);
	return suite_run(suite);
}
