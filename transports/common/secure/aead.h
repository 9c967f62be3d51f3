/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Authenticated encryption of one datagram: the two ciphers of secure.h, by the fastest library that can be used.
 *
 * Two libraries make the same bytes. libIPSec_MB seals a datagram in a quarter to two thirds of libcrypto's time. It
 * needs an amd64 processor with AES instructions, and a build with that library. libcrypto runs everywhere. Both are
 * loaded when they are first opened.
 *
 * Life of a context: 1 aead_create makes it, without a key. 2 aead_set_key gives it a key, or replaces the key. 3
 * aead_seal or aead_open, any number of times. 4 aead_wipe or aead_destroy wipes the key.
 */
#ifndef COMMON_SECURE_AEAD_H
#define COMMON_SECURE_AEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "transports/common/secure/secure.h"

#define AEAD_KEY_SIZE 32u
#define AEAD_NONCE_SIZE 12u
#define AEAD_TAG_SIZE 16u

enum aead_kind {
	AEAD_FASTEST, /* libIPSec_MB if it can be used, otherwise libcrypto */
	AEAD_IPSEC_MB,
	AEAD_LIBCRYPTO,
};

struct aead_library;
struct aead;

/**
 * Open a library.
 *
 * @param library  out: caller frees with aead_library_close
 * @return 0; -ENOTSUP: AEAD_IPSEC_MB is not built in, cannot be loaded, or the processor lacks its instructions;
 * -ELIBACC: libcrypto cannot be loaded; -ENOMEM
 */
int aead_library_open(enum aead_kind kind, struct aead_library **library);
/** Close a library, after all its contexts are destroyed. NULL is ignored. */
void aead_library_close(struct aead_library *library);
/** Return the name of the library for a log line (constant). */
const char *aead_library_name(const struct aead_library *library);

/**
 * Return the block size in bytes, or 1. Frames are processed fastest if their sizes are multiples of it: an incomplete
 * block at the end takes as long as several whole ones.
 */
uint32_t aead_library_block(const struct aead_library *library);

/**
 * Create a context without a key. library must exist until the context is destroyed.
 *
 * @return caller frees with aead_destroy; NULL: out of memory
 */
struct aead *aead_create(const struct aead_library *library);
/** Wipe the key and free the context. NULL is ignored. */
void aead_destroy(struct aead *aead);
/** Wipe the key. The context needs a new key before it can be used again. */
void aead_wipe(struct aead *aead);

/**
 * Set the key. Its schedule is in memory of libcrypto, which core dumps of the daemon leave out.
 *
 * @param key        AEAD_KEY_SIZE bytes, copied; the caller wipes its own
 * @param is_sealing  true: the context is only for aead_seal; false: only for aead_open
 * @return 0; -EINVAL: no such cipher; -EIO: the library failed, and the context has no key
 */
int aead_set_key(struct aead *aead, enum secure_cipher cipher, const uint8_t *key, bool is_sealing);

/**
 * Seal size bytes.
 *
 * @param nonce  AEAD_NONCE_SIZE bytes that were never used with this key
 * @param extra  extra_size bytes that are authenticated but not encrypted; at least 1
 * @param out    size bytes; either plain itself, or no byte of plain
 * @param tag    out: AEAD_TAG_SIZE bytes
 * @return 0; -EIO: the library failed, and out must not be sent
 */
int aead_seal(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size, const uint8_t *plain,
	uint32_t size, uint8_t *out, uint8_t *tag);

/**
 * Open size bytes. The arguments are those of aead_seal.
 *
 * @param tag  the tag that was received; NULL: decrypt the first size bytes of a longer text, which proves nothing
 * @return whether the tag is right; if not, out is undefined
 */
bool aead_open(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *sealed, uint32_t size, uint8_t *out, const uint8_t *tag);

#endif
