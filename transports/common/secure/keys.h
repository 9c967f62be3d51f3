/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys of sealed datagrams: a root is derived from the ring's key, and session keys from the root. Roots are in a page
 * of their own that is locked, not inherited by children and left out of core dumps.
 */
#ifndef COMMON_SECURE_KEYS_H
#define COMMON_SECURE_KEYS_H

#include <stdint.h>

#include "transports/common/secure/aead.h"
#include "transports/common/secure/secure.h"

#define KEYS_SIZE AEAD_KEY_SIZE /* size of every key: both ciphers and the hash take 256 bits */
#define KEYS_SESSION_SIZE 16u

/** The root of one key of the ring. cipher SECURE_NONE: no key is loaded. */
struct keys_root {
	uint8_t bytes[KEYS_SIZE];
	enum secure_cipher cipher;
	uint16_t id;
};

/** The values from which a session key is derived. */
struct keys_session {
	uint8_t id[KEYS_SESSION_SIZE];
	uint32_t nodeid; /* of the sender */
	enum secure_lane lane;
	uint32_t generation;
};

/** Allocate count roots, zeroed. @return caller frees with keys_page_free; NULL: out of memory */
struct keys_root *keys_page_take(uint32_t count);
/** Wipe the roots and free them. NULL is ignored. */
void keys_page_free(struct keys_root *roots, uint32_t count);

/**
 * Fill in a root: HKDF-Extract with SHA-256 (RFC 5869).
 *
 * @return 0; -EINVAL: no cipher, or no bytes; -EIO: libcrypto failed
 */
int keys_root_load(struct keys_root *root, enum secure_cipher cipher, const void *bytes, size_t size);

/** Derive a key for a session: HKDF-Expand. The caller wipes it. @return 0; -EIO */
int keys_derive(const struct keys_root *root, const struct keys_session *session, uint8_t key[KEYS_SIZE]);

/** Compute HMAC-SHA256 with a key that is derived from the root for this label only. @return 0; -EIO */
int keys_mac(const struct keys_root *root, const char *label, const void *bytes, size_t size, uint8_t mac[KEYS_SIZE]);

/** Set a derived key in a context, which keeps it until it is wiped or set again. @return 0; -EIO */
int keys_context_set(
	struct aead *context, const struct keys_root *root, const struct keys_session *session, bool is_sealing);

#endif
