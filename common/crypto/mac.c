/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/crypto/mac.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/crypto/libcrypto.h"

int mac_compute(const void *key, size_t key_size, const void *bytes, size_t size, uint8_t out[MAC_SIZE])
{
	const struct libcrypto *libcrypto = libcrypto_get();
	unsigned int out_size = MAC_SIZE;

	memset(out, 0, MAC_SIZE);
	if (libcrypto == NULL || key_size > INT_MAX)
		return -EIO;
	return libcrypto->HMAC(libcrypto->EVP_sha256(), key, (int)key_size, bytes, size, out, &out_size) == NULL ? -EIO
														 : 0;
}

bool mac_is_equal(const void *one, const void *other, size_t size)
{
	const struct libcrypto *libcrypto = libcrypto_get();

	return libcrypto != NULL && libcrypto->CRYPTO_memcmp(one, other, size) == 0;
}
