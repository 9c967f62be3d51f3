/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of libcrypto, which core dumps must leave out. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "exec/daemon/crypto_memory.h"
#include "tests/suite.h"

static void *take(size_t size) { return crypto_memory_take(size, __FILE__, __LINE__); }
static void *resize(void *bytes, size_t size) { return crypto_memory_resize(bytes, size, __FILE__, __LINE__); }
static void give(void *bytes) { crypto_memory_free(bytes, __FILE__, __LINE__); }

/*
 * Return how many of these addresses core dumps leave out (proc(5), VmFlags). The file is read only once, since reading
 * takes long under sanitizers.
 */
static size_t count_left_out(const uint8_t *const *addresses, size_t count)
{
	char line[512];
	size_t found = 0;
	uintptr_t from = 0, to = 0, a, b;
	FILE *maps = fopen("/proc/self/smaps", "re");

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &a, &b) == 2) {
			from = a;
			to = b;
		} else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") != NULL) {
			for (size_t i = 0; i < count; i++)
				found += (uintptr_t)addresses[i] >= from && (uintptr_t)addresses[i] < to;
		}
	}
	fclose(maps);
	return found;
}

static const size_t sizes[] = {
	0, 1, 15, 16, 17, 32, 33, 100, 4096, 32751, 32752, 32753, 49135, 49136, 49137, 100000, 1 << 20};

START_TEST(blocks_of_every_size_are_left_out_of_core_dumps)
{
	const uint8_t *ends[2 * sizeof(sizes) / sizeof(sizes[0])];
	uint8_t *blocks[sizeof(sizes) / sizeof(sizes[0])];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		blocks[i] = take(sizes[i]);
		ck_assert_ptr_nonnull(blocks[i]);
		ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
		memset(blocks[i], (int)i + 1, sizes[i]);
		ends[2 * i] = blocks[i];
		ends[2 * i + 1] = blocks[i] + sizes[i] - (sizes[i] > 0 ? 1 : 0);
	}
	ck_assert_uint_eq(count_left_out(ends, sizeof(ends) / sizeof(ends[0])), sizeof(ends) / sizeof(ends[0]));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			ck_assert_uint_eq(blocks[i][k], i + 1);
		give(blocks[i]);
	}
	give(NULL);
	ck_assert_ptr_null(take(SIZE_MAX));
	ck_assert_ptr_null(take(SIZE_MAX - 16));
}
END_TEST

START_TEST(memory_that_is_given_back_is_wiped_and_used_again)
{
	uint8_t *block = take(1000);

	memset(block, 0xaa, 1000);
	give(block);
	for (size_t i = sizeof(void *); i < 1000; i++) /* the allocator links free blocks by their first bytes */
		ck_assert_uint_eq(block[i], 0);
	ck_assert_ptr_eq(take(900), block);
	give(block);
}
END_TEST

START_TEST(a_block_that_is_resized_keeps_its_bytes)
{
	uint8_t *block = resize(NULL, 10);

	memcpy(block, "0123456789", 10);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i] < 10)
			continue;
		block = resize(block, sizes[i]);
		ck_assert_ptr_nonnull(block);
		ck_assert_mem_eq(block, "0123456789", 10);
		block[sizes[i] - 1] = block[9];
	}
	block = resize(block, 10);
	ck_assert_mem_eq(block, "0123456789", 10);
	ck_assert_ptr_null(resize(block, SIZE_MAX)); /* the old block is still valid */
	ck_assert_mem_eq(block, "0123456789", 10);
	ck_assert_ptr_null(resize(block, 0));
}
END_TEST

static void *churn(void *arg)
{
	uint8_t *blocks[64] = {NULL};
	uint32_t random = (uint32_t)(uintptr_t)arg;

	for (int i = 0; i < 20000; i++) {
		random = random * 1664525u + 1013904223u;
		uint8_t **block = &blocks[random >> 26];
		size_t size = (random >> 8) % 3000 + 1;

		if (*block != NULL && (*block)[0] != (uint8_t)(uintptr_t)arg)
			return NULL;
		*block = resize(*block, size);
		memset(*block, (int)(uintptr_t)arg, size);
	}
	for (int i = 0; i < 64; i++)
		give(blocks[i]);
	return arg;
}

START_TEST(threads_share_it)
{
	pthread_t threads[4];
	void *result;

	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
	for (uintptr_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		ck_assert_ptr_eq(result, (void *)(i + 1));
	}
}
END_TEST

START_TEST(libcrypto_uses_it)
{
	static const uint8_t key[32] = {1, 2, 3}, nonce[12] = {4};
	uint8_t sealed[16];
	int written;

	ck_assert_int_eq(crypto_memory_init(), 0);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	ck_assert_ptr_nonnull(context);
	ck_assert_uint_eq(count_left_out((const uint8_t *const[]){(const void *)context}, 1), 1);
	ck_assert_int_eq(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(context, sealed, &written, nonce, sizeof(nonce)), 1);

	pid_t child = fork();
	if (child == 0) {
		EVP_CIPHER_CTX_free(context);
		_exit(EVP_CIPHER_CTX_new() == NULL);
	}
	int status = -1;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	EVP_CIPHER_CTX_free(context);
}
END_TEST

START_TEST(libcrypto_that_was_in_use_is_reported)
{
	OPENSSL_free(OPENSSL_malloc(1));
	ck_assert_int_eq(crypto_memory_init(), -EBUSY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_memory");
	TCase *tcase = tcase_create("crypto_memory");

	tcase_add_test(tcase, blocks_of_every_size_are_left_out_of_core_dumps);
	tcase_add_test(tcase, memory_that_is_given_back_is_wiped_and_used_again);
	tcase_add_test(tcase, a_block_that_is_resized_keeps_its_bytes);
	tcase_add_test(tcase, threads_share_it);
	tcase_add_test(tcase, libcrypto_uses_it);
	tcase_add_test(tcase, libcrypto_that_was_in_use_is_reported);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
