/* SPDX-License-Identifier: BSD-3-Clause */
/* HMAC with SHA-256 (RFC 2104), from which keys and tags are derived (HKDF, RFC 5869). By libcrypto. */
#ifndef COMMON_MAC_H
#define COMMON_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_SIZE 32u

/**
 * Compute the HMAC of size bytes.
 *
 * @param out  out: the HMAC; zero on error
 * @return 0; -EIO: libcrypto failed, or cannot be loaded
 */
int mac_compute(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t out[MAC_SIZE]);

/**
 * Compare size secret bytes in a time that does not depend on them.
 * @return whether they are equal; false: libcrypto cannot be loaded
 */
bool mac_is_equal(const void *one, const void *other, size_t size);

#endif
