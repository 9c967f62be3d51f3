/* SPDX-License-Identifier: BSD-3-Clause */
/* config/crypto.c: the ring's key, book configuration, "Key". */
#include "tests/unit/config/validate_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_key(int fd, size_t size)
{
	char bytes[8192];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
}

static const struct {
	size_t size, want; /* 0: refused */
} key_sizes[] = {{127, 0}, {128, 128}, {129, 129}, {4095, 4095}, {4096, 4096}, {4097, 4096}, {8192, 4096}};

START_TEST(a_key_file_has_128_bytes_and_4096_count)
{
	char path[] = "/tmp/test_validate.XXXXXX", text[512], want[64];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	write_key(fd, key_sizes[_i].size);
	snprintf(text, sizeof(text), TOTEM("knet", "crypto_hash: md5\nkeyfile: %s\n") NODELIST(CF1), path);
	ck_assert_int_eq(config_case_load(&one, text), key_sizes[_i].want == 0 ? -EINVAL : 0);
	if (key_sizes[_i].want == 0) {
		ck_assert(config_case_has_error(&one, "Could only read 1016 bits of minimum 1024 bits"));
	} else {
		ck_assert_uint_eq(one.config->key_size, key_sizes[_i].want);
		ck_assert_int_eq(one.config->key[0], 'a');
		ck_assert_int_eq(one.config->key[key_sizes[_i].want - 1], (int)('a' + (key_sizes[_i].want - 1) % 26));
		ck_assert(!config_case_has_warning(&one, "can be read by others"));
		ck_assert_int_eq(fchmod(fd, 0640), 0);
		ck_assert_int_eq(config_case_load(&one, text), 0);
		snprintf(want, sizeof(want), "'%s' can be read by others", path);
		ck_assert(config_case_has_warning(&one, want));
	}
	close(fd);
	unlink(path);
}
END_TEST

static const struct {
	int length, size; /* 0: refused */
	const char *error;
} key_texts[] = {{126, 0, "key is too short"}, {127, 128, NULL}, {500, 501, NULL}};

START_TEST(a_key_in_the_file_counts_with_its_end)
{
	char text[8192], key[5000];

	memset(key, 'k', sizeof(key));
	snprintf(text, sizeof(text), TOTEM("knet", "crypto_hash: md5\nkey: %.*s\n") NODELIST(CF1), key_texts[_i].length,
		key);
	ck_assert_int_eq(config_case_load(&one, text), key_texts[_i].size == 0 ? -EINVAL : 0);
	if (key_texts[_i].size == 0) {
		ck_assert_msg(config_case_has_error(&one, key_texts[_i].error), "%s", config_case_error(&one));
		return;
	}
	ck_assert_uint_eq(one.config->key_size, key_texts[_i].size);
	ck_assert_int_eq(one.config->key[key_texts[_i].length - 1], 'k');
	ck_assert_int_eq(one.config->key[key_texts[_i].length], '\0');
}
END_TEST

START_TEST(no_key_is_read_without_need)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("knet", "keyfile: /nonexistent\nkey: short\n") NODELIST(CF1)), 0);
	ck_assert_ptr_null(one.config->key);
	ck_assert_str_eq(one.config->cipher, "none");
	ck_assert_str_eq(one.config->hash, "none");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate_key");
	TCase *tc = validate_case_add(suite);

	tcase_add_loop_test(tc, a_key_file_has_128_bytes_and_4096_count, 0, COUNT(key_sizes));
	tcase_add_loop_test(tc, a_key_in_the_file_counts_with_its_end, 0, COUNT(key_texts));
	tcase_add_test(tc, no_key_is_read_without_need);
	return suite_run(suite);
}
