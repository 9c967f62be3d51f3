/* SPDX-License-Identifier: BSD-3-Clause */
/* Sealing and opening with libcrypto (OpenSSL). */
#include "transports/common/secure/aead_private.h"

#include <errno.h>
#include <stdlib.h>

#include "common/crypto/libcrypto.h"

#define CIPHER_BLOCK_SIZE 64u /* size of a block of ChaCha20. It holds whole blocks of AES */

struct library {
	struct aead_library library;
	const struct libcrypto *libcrypto;
};

struct context {
	struct aead aead;
	EVP_CIPHER_CTX *evp; /* has the key schedule */
};

static const struct libcrypto *libcrypto_of(const struct aead *aead)
{
	return ((const struct library *)aead->library)->libcrypto;
}

static void library_close(struct aead_library *library) { free(library); }

static void context_destroy(struct aead *aead)
{
	struct context *context = (struct context *)aead;

	libcrypto_of(aead)->EVP_CIPHER_CTX_free(context->evp); /* wipes the key */
	free(context);
}

static struct aead *context_create(const struct aead_library *library)
{
	struct context *context = calloc(1, sizeof(*context));

	if (context == NULL)
		return NULL;
	context->aead.library = library;
	context->evp = libcrypto_of(&context->aead)->EVP_CIPHER_CTX_new();
	if (context->evp != NULL)
		return &context->aead;
	free(context);
	return NULL;
}

static void context_wipe(struct aead *aead) { libcrypto_of(aead)->EVP_CIPHER_CTX_reset(((struct context *)aead)->evp); }

static const EVP_CIPHER *cipher_of(const struct libcrypto *libcrypto, enum secure_cipher cipher)
{
	switch (cipher) {
	case SECURE_NONE:
		return NULL;
	case SECURE_AES256_GCM:
		return libcrypto->EVP_aes_256_gcm();
	case SECURE_CHACHA20_POLY1305:
		return libcrypto->EVP_chacha20_poly1305();
	}
	return NULL;
}

static int context_set_key(struct aead *aead, enum secure_cipher cipher, const uint8_t *key, bool is_sealing)
{
	struct context *context = (struct context *)aead;
	const struct libcrypto *libcrypto = libcrypto_of(aead);
	const EVP_CIPHER *evp = cipher_of(libcrypto, cipher);

	if (evp == NULL)
		return -EINVAL;
	if (libcrypto->EVP_CipherInit_ex(context->evp, evp, NULL, key, NULL, is_sealing ? 1 : 0) == 1)
		return 0;
	context_wipe(aead);
	return -EIO;
}

/* Seal. With size 0 an update of chacha20-poly1305 fails in some versions, so the update is left out. */
static int context_seal(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *plain, uint32_t size, uint8_t *out, uint8_t *tag)
{
	const struct libcrypto *libcrypto = libcrypto_of(aead);
	EVP_CIPHER_CTX *evp = ((struct context *)aead)->evp;
	int written = 0;

	if (libcrypto->EVP_EncryptInit_ex(evp, NULL, NULL, NULL, nonce) != 1 ||
		libcrypto->EVP_EncryptUpdate(evp, NULL, &written, extra, (int)extra_size) != 1)
		return -EIO;
	written = 0;
	if ((size > 0 && libcrypto->EVP_EncryptUpdate(evp, out, &written, plain, (int)size) != 1) ||
		libcrypto->EVP_EncryptFinal_ex(evp, out + written, &written) != 1 ||
		libcrypto->EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, tag) != 1)
		return -EIO;
	return 0;
}

static bool context_open(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *sealed, uint32_t size, uint8_t *out, const uint8_t *tag)
{
	const struct libcrypto *libcrypto = libcrypto_of(aead);
	EVP_CIPHER_CTX *evp = ((struct context *)aead)->evp;
	uint8_t none[EVP_MAX_BLOCK_LENGTH];
	int written;

	if (libcrypto->EVP_DecryptInit_ex(evp, NULL, NULL, NULL, nonce) != 1 ||
		libcrypto->EVP_DecryptUpdate(evp, NULL, &written, extra, (int)extra_size) != 1 ||
		(size > 0 && libcrypto->EVP_DecryptUpdate(evp, out, &written, sealed, (int)size) != 1))
		return false;
	return tag == NULL || (libcrypto->EVP_CIPHER_CTX_ctrl(
				       evp, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, (void *)(uintptr_t)tag) == 1 &&
				      libcrypto->EVP_DecryptFinal_ex(evp, none, &written) == 1);
}

int aead_libcrypto_open(struct aead_library **opened)
{
	const struct libcrypto *libcrypto = libcrypto_get();
	struct library *library;

	if (libcrypto == NULL)
		return -ELIBACC;
	library = malloc(sizeof(*library));
	if (library == NULL)
		return -ENOMEM;
	*library = (struct library){
		.library =
			{
				.name = "libcrypto",
				.block = CIPHER_BLOCK_SIZE,
				.close = library_close,
				.create = context_create,
				.destroy = context_destroy,
				.wipe = context_wipe,
				.set_key = context_set_key,
				.seal = context_seal,
				.open = context_open,
			},
		.libcrypto = libcrypto,
	};
	*opened = &library->library;
	return 0;
}
