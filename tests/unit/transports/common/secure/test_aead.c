/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test sealing and opening, with each library that this build has: published vectors, every size up to a large frame,
 * and datagrams that were changed on their way. All libraries must seal to the same bytes, and each must open datagrams
 * that another one has sealed.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "config.h"
#include "tests/suite.h"
#include "transports/common/secure/aead.h"

#define SIZE_MAX_TRIED 9000u
#define ROOM (16u * 1024)
#define EXTRA_SIZE 36u /* header and receiver of a datagram to one node */

static const enum aead_kind kinds[] = {AEAD_LIBCRYPTO, AEAD_IPSEC_MB};
static const enum secure_cipher ciphers[] = {SECURE_AES256_GCM, SECURE_CHACHA20_POLY1305};
static const uint8_t key[AEAD_KEY_SIZE] = "a key of thirty-two bytes in all";
static const uint8_t nonce[AEAD_NONCE_SIZE] = "twelve bytes";

static bool has_ipsec_mb(void)
{
#ifdef HAVE_IPSEC_MB
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2");
#else
	return false;
#endif
}

/* Open a library of this kind. NULL: this build has none, or this processor cannot run it. */
static struct aead_library *open_library(enum aead_kind kind)
{
	struct aead_library *library = NULL;
	int rc = aead_library_open(kind, &library);

	if (kind == AEAD_IPSEC_MB && !has_ipsec_mb())
		ck_assert_int_eq(rc, -ENOTSUP);
	else
		ck_assert_int_eq(rc, 0);
	return library;
}

static struct aead *with_key(const struct aead_library *library, enum secure_cipher cipher, bool is_sealing)
{
	struct aead *aead = aead_create(library);

	ck_assert_ptr_nonnull(aead);
	ck_assert_int_eq(aead_set_key(aead, cipher, key, is_sealing), 0);
	return aead;
}

/* Memory that ends at a page without access, so that a read or write beyond it is a fault. */
struct fence {
	uint8_t *map;
};

static struct fence fence_make(void)
{
	const size_t page = 64 * 1024; /* the largest default page size of any processor */
	struct fence fence = {mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};

	ck_assert_ptr_ne(fence.map, MAP_FAILED);
	ck_assert_int_eq(mprotect(fence.map + page, page, PROT_NONE), 0);
	return fence;
}

static uint8_t *fence_bytes(const struct fence *fence, uint32_t size) { return fence->map + 64 * 1024 - size; }
static void fence_free(const struct fence *fence) { munmap(fence->map, 128 * 1024); }

static size_t from_hex(const char *text, uint8_t *bytes)
{
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size; i++) {
		char byte[3] = {text[2 * i], text[2 * i + 1], '\0'};

		bytes[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return size;
}

/* Test case 16 of the GCM specification, and the example of RFC 8439, 2.8.2. */
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

/* ---- Published vectors -------------------------------------------------------- */

START_TEST(ciphers_agree_with_published_vectors)
{
	uint8_t bytes[64], number[64], extra[64], plain[256], sealed[256], tag[32], out[256], out_tag[AEAD_TAG_SIZE];
	uint32_t extra_size, size;

	from_hex(vectors[_i].key, bytes);
	from_hex(vectors[_i].nonce, number);
	from_hex(vectors[_i].tag, tag);
	extra_size = (uint32_t)from_hex(vectors[_i].extra, extra);
	size = (uint32_t)from_hex(vectors[_i].plain, plain);
	ck_assert_uint_eq(from_hex(vectors[_i].sealed, sealed), size);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct aead_library *library = open_library(kinds[k]);

		if (library == NULL)
			continue;

		struct aead *sealing = aead_create(library), *opening = aead_create(library);

		ck_assert_int_eq(aead_set_key(sealing, vectors[_i].cipher, bytes, true), 0);
		ck_assert_int_eq(aead_set_key(opening, vectors[_i].cipher, bytes, false), 0);
		for (int time = 0; time < 2; time++) {
			ck_assert_int_eq(aead_seal(sealing, number, extra, extra_size, plain, size, out, out_tag), 0);
			ck_assert_mem_eq(out, sealed, size);
			ck_assert_mem_eq(out_tag, tag, AEAD_TAG_SIZE);
			ck_assert(aead_open(opening, number, extra, extra_size, sealed, size, out, tag));
			ck_assert_mem_eq(out, plain, size);
		}
		aead_destroy(sealing);
		aead_destroy(opening);
		aead_library_close(library);
	}
}
END_TEST

/* ---- Sizes ---------------------------------------------------------------------- */

static struct {
	struct fence plain, sealed, opened;
	uint8_t extra[EXTRA_SIZE], tag[AEAD_TAG_SIZE];
} room;

static void setup(void)
{
	room.plain = fence_make();
	room.sealed = fence_make();
	room.opened = fence_make();
	memset(room.extra, 'e', sizeof(room.extra));
	for (uint32_t i = 0; i < ROOM; i++)
		fence_bytes(&room.plain, ROOM)[i] = (uint8_t)(i * 7 + i / 251);
}

static void teardown(void)
{
	fence_free(&room.plain);
	fence_free(&room.sealed);
	fence_free(&room.opened);
}

/* Test every size below 300. Above that use odd steps, so that every remainder of a block is tested. */
static uint32_t next_size(uint32_t size) { return size < 300 ? size + 1 : size + 37; }

static void try_sizes(struct aead *sealing, struct aead *opening)
{
	for (uint32_t size = 0; size <= SIZE_MAX_TRIED; size = next_size(size)) {
		const uint8_t *plain = fence_bytes(&room.plain, size);
		uint8_t *sealed = fence_bytes(&room.sealed, size), *opened = fence_bytes(&room.opened, size);

		ck_assert_int_eq(aead_seal(sealing, nonce, room.extra, EXTRA_SIZE, plain, size, sealed, room.tag), 0);
		ck_assert_msg(size < 16 || memcmp(sealed, plain, size) != 0, "%u bytes are not encrypted", size);
		ck_assert_msg(aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag),
			"%u bytes are refused", size);
		ck_assert_mem_eq(opened, plain, size);
		/* Open in place, as datagrams are opened. */
		ck_assert(aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, sealed, room.tag));
		ck_assert_mem_eq(sealed, plain, size);
	}
}

START_TEST(each_library_opens_what_the_other_sealed)
{
	for (size_t s = 0; s < sizeof(kinds) / sizeof(kinds[0]); s++) {
		for (size_t o = 0; o < sizeof(kinds) / sizeof(kinds[0]); o++) {
			struct aead_library *from = open_library(kinds[s]), *to = open_library(kinds[o]);

			if (from != NULL && to != NULL) {
				struct aead *sealing = with_key(from, ciphers[_i], true);
				struct aead *opening = with_key(to, ciphers[_i], false);

				try_sizes(sealing, opening);
				aead_destroy(sealing);
				aead_destroy(opening);
			}
			aead_library_close(from);
			aead_library_close(to);
		}
	}
}
END_TEST

/* ---- What is refused ------------------------------------------------------------- */

static void refuse_changes(struct aead *opening, uint32_t size)
{
	uint8_t *sealed = fence_bytes(&room.sealed, size), *opened = fence_bytes(&room.opened, size);
	uint8_t other_nonce[AEAD_NONCE_SIZE];

	for (uint32_t i = 0; i < AEAD_TAG_SIZE; i++) {
		room.tag[i] ^= 0x80;
		ck_assert_msg(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag),
			"byte %u of the tag", i);
		room.tag[i] ^= 0x80;
	}
	for (uint32_t i = 0; i < EXTRA_SIZE; i++) {
		room.extra[i] ^= 1;
		ck_assert_msg(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag),
			"byte %u of the header", i);
		room.extra[i] ^= 1;
	}
	for (uint32_t i = 0; i < size; i++) {
		sealed[i] ^= 1;
		ck_assert_msg(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag),
			"byte %u of %u", i, size);
		sealed[i] ^= 1;
	}
	memcpy(other_nonce, nonce, sizeof(nonce));
	other_nonce[AEAD_NONCE_SIZE - 1] ^= 1;
	ck_assert(!aead_open(opening, other_nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag));
	ck_assert(!aead_open(opening, nonce, room.extra, EXTRA_SIZE - 1, sealed, size, opened, room.tag));
	if (size > 0)
		ck_assert(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size - 1, opened, room.tag));
	/* The context still works after a failure. */
	ck_assert(aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, room.tag));
}

START_TEST(whatever_is_changed_is_refused)
{
	static const uint32_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1344, 1379};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct aead_library *library = open_library(kinds[k]);

		if (library == NULL)
			continue;

		struct aead *sealing = with_key(library, ciphers[_i], true);
		struct aead *opening = with_key(library, ciphers[_i], false);

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			ck_assert_int_eq(
				aead_seal(sealing, nonce, room.extra, EXTRA_SIZE, fence_bytes(&room.plain, sizes[i]),
					sizes[i], fence_bytes(&room.sealed, sizes[i]), room.tag),
				0);
			refuse_changes(opening, sizes[i]);
		}
		aead_destroy(sealing);
		aead_destroy(opening);
		aead_library_close(library);
	}
}
END_TEST

/* An ICMP error quotes only the first bytes of a datagram, so these have to be opened without the tag. */
START_TEST(the_first_bytes_are_decrypted_without_a_tag)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct aead_library *library = open_library(kinds[k]);

		if (library == NULL)
			continue;

		struct aead *sealing = with_key(library, ciphers[_i], true);
		struct aead *opening = with_key(library, ciphers[_i], false);
		const uint8_t *plain = fence_bytes(&room.plain, 1000);
		uint8_t *sealed = fence_bytes(&room.sealed, 1000), *opened = fence_bytes(&room.opened, 1000);

		ck_assert_int_eq(aead_seal(sealing, nonce, room.extra, EXTRA_SIZE, plain, 1000, sealed, room.tag), 0);
		for (uint32_t size = 1; size <= 1000; size = next_size(size)) {
			ck_assert(aead_open(opening, nonce, room.extra, EXTRA_SIZE, sealed, size, opened, NULL));
			ck_assert_mem_eq(opened, plain, size);
		}
		aead_destroy(sealing);
		aead_destroy(opening);
		aead_library_close(library);
	}
}
END_TEST

/* ---- Keys ------------------------------------------------------------------------ */

START_TEST(a_key_is_replaced_and_wiped)
{
	static const uint8_t other_key[AEAD_KEY_SIZE] = "another key of thirty-two bytes!";
	uint8_t plain[64] = "text", first[64], second[64], tag[AEAD_TAG_SIZE];

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct aead_library *library = open_library(kinds[k]);

		if (library == NULL)
			continue;

		struct aead *sealing = with_key(library, ciphers[_i], true);
		struct aead *opening = with_key(library, ciphers[_i], false);

		ck_assert_int_eq(aead_seal(sealing, nonce, room.extra, EXTRA_SIZE, plain, 64, first, tag), 0);
		ck_assert_int_eq(aead_set_key(opening, ciphers[_i], other_key, false), 0);
		ck_assert(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, first, 64, second, tag));
		/* Change to another cipher, and back. */
		ck_assert_int_eq(aead_set_key(opening, ciphers[1 - _i], key, false), 0);
		ck_assert(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, first, 64, second, tag));
		ck_assert_int_eq(aead_set_key(opening, ciphers[_i], key, false), 0);
		ck_assert(aead_open(opening, nonce, room.extra, EXTRA_SIZE, first, 64, second, tag));
		aead_wipe(opening);
		ck_assert(!aead_open(opening, nonce, room.extra, EXTRA_SIZE, first, 64, second, tag));
		aead_wipe(sealing);
		ck_assert_int_eq(aead_seal(sealing, nonce, room.extra, EXTRA_SIZE, plain, 64, first, tag), -EIO);
		ck_assert_int_eq(aead_set_key(opening, SECURE_NONE, key, false), -EINVAL);
		aead_destroy(sealing);
		aead_destroy(opening);
		aead_library_close(library);
	}
	aead_destroy(NULL);
	aead_library_close(NULL);
}
END_TEST

START_TEST(the_fastest_library_is_chosen_and_named)
{
	struct aead_library *fastest;

	ck_assert_int_eq(aead_library_open(AEAD_FASTEST, &fastest), 0);
	ck_assert_str_eq(aead_library_name(fastest), has_ipsec_mb() ? "libIPSec_MB" : "libcrypto");
	aead_library_close(fastest);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("aead");
	TCase *tcase = tcase_create("aead");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, ciphers_agree_with_published_vectors, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_loop_test(tcase, each_library_opens_what_the_other_sealed, 0, 2);
	tcase_add_loop_test(tcase, whatever_is_changed_is_refused, 0, 2);
	tcase_add_loop_test(tcase, the_first_bytes_are_decrypted_without_a_tag, 0, 2);
	tcase_add_loop_test(tcase, a_key_is_replaced_and_wiped, 0, 2);
	tcase_add_test(tcase, the_fastest_library_is_chosen_and_named);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
