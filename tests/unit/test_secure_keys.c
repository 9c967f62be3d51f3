/* What sealed datagrams are made of: ciphers and key derivation by published vectors, and replay windows. */
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

static size_t from_hex(const char *text, uint8_t *bytes)
{
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size; i++) {
		char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};

		bytes[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return size;
}

/* The GCM specification's test case 16, and RFC 8439, 2.8.2. */
static const struct {
	const char *name;
	enum secure_cipher cipher;
	const char *key, *nonce, *extra, *plain, *sealed, *tag;
} vectors[] = {
	{"AES-256-GCM", SECURE_AES256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
		"b16aedf5aa0de657ba637b39",
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
		"c5f61e6393ba7a0abcc9f662",
		"76fc6ece0f4e1768cddf8853bb2d551b"},
	{"ChaCha20-Poly1305", SECURE_CHACHA20_POLY1305,
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
		"50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492063"
		"6f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069742e",
		"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
		"1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b6116",
		"1ae10b594f09e26a7e902ecbd0600691"},
};

START_TEST(ciphers_agree_with_published_vectors)
{
	uint8_t key[64], nonce[64], extra[64], plain[256], sealed[256], tag[32], out[256], out_tag[16];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written;

	from_hex(vectors[_i].key, key);
	from_hex(vectors[_i].nonce, nonce);
	int extra_size = (int)from_hex(vectors[_i].extra, extra);
	int size = (int)from_hex(vectors[_i].plain, plain);

	ck_assert_int_eq(from_hex(vectors[_i].sealed, sealed), size);
	from_hex(vectors[_i].tag, tag);
	ck_assert_int_eq(EVP_EncryptInit_ex(context, keys_cipher(vectors[_i].cipher), NULL, key, nonce), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(context, NULL, &written, extra, extra_size), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(context, out, &written, plain, size), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(context, out, &written), 1);
	ck_assert_int_eq(EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(context, NULL, &written, extra, extra_size), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(context, out, &written, plain, size), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(context, out_tag, &written), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out_tag), 1);
	ck_assert_mem_eq(out, sealed, size);
	ck_assert_mem_eq(out_tag, tag, 16);
	EVP_CIPHER_CTX_free(context);
}
END_TEST

/* libcrypto's own HKDF, of what keys.h says. */
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
	ck_assert(!replay_is_new(&window, top - WINDOW_SIZE)); /* never seen, but too old to tell */
	ck_assert(!replay_is_new(&window, 1));
}
END_TEST

/* Against a table of all numbers. */
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

	tcase_add_loop_test(keys, ciphers_agree_with_published_vectors, 0, 2);
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
