/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcrypto (OpenSSL), loaded when its first function is needed. A ring in clear needs none of its functions. But a
 * program that is linked with libcrypto keeps 1.4 MB of it in memory, since the dynamic linker relocates it at the
 * start.
 *
 * Call a function as libcrypto_get()->EVP_CIPHER_CTX_new(). The types are those of OpenSSL's headers. A daemon in one
 * file (STATIC_BINARY) is linked with libcrypto.
 */
#ifndef COMMON_LIBCRYPTO_H
#define COMMON_LIBCRYPTO_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

/* The functions that Coterie calls. */
#define LIBCRYPTO_FUNCTIONS(FUNCTION) \
	FUNCTION(CRYPTO_clear_free) \
	FUNCTION(CRYPTO_memcmp) \
	FUNCTION(CRYPTO_set_mem_functions) \
	FUNCTION(CRYPTO_zalloc) \
	FUNCTION(EVP_CIPHER_CTX_ctrl) \
	FUNCTION(EVP_CIPHER_CTX_free) \
	FUNCTION(EVP_CIPHER_CTX_new) \
	FUNCTION(EVP_CIPHER_CTX_reset) \
	FUNCTION(EVP_CipherFinal_ex) \
	FUNCTION(EVP_CipherInit_ex) \
	FUNCTION(EVP_CipherUpdate) \
	FUNCTION(EVP_DecryptFinal_ex) \
	FUNCTION(EVP_DecryptInit_ex) \
	FUNCTION(EVP_DecryptUpdate) \
	FUNCTION(EVP_EncryptFinal_ex) \
	FUNCTION(EVP_EncryptInit_ex) \
	FUNCTION(EVP_EncryptUpdate) \
	FUNCTION(EVP_aes_256_gcm) \
	FUNCTION(EVP_chacha20_poly1305) \
	FUNCTION(EVP_sha256) \
	FUNCTION(HMAC)

struct libcrypto {
#define LIBCRYPTO_MEMBER(name) __typeof__(name) *name;
	LIBCRYPTO_FUNCTIONS(LIBCRYPTO_MEMBER)
#undef LIBCRYPTO_MEMBER
};

/**
 * Load libcrypto, if it is not loaded yet. Any thread may call this.
 *
 * @return valid until the process ends; NULL: it cannot be loaded, or lacks a function. The next call tries again.
 */
const struct libcrypto *libcrypto_get(void);

/** After libcrypto_get has returned NULL: say why. @return valid until the next call of libcrypto_get */
const char *libcrypto_error(void);

#endif
