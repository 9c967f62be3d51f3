/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice of the library that seals and opens datagrams. */
#include "transports/common/secure/aead.h"

#include <errno.h>
#include <stddef.h>

#include "config.h"
#include "transports/common/secure/aead_private.h"

static int ipsec_mb_open(struct aead_library **library)
{
#ifdef HAVE_IPSEC_MB
	return aead_ipsec_mb_open(library);
#else
	(void)library;
	return -ENOTSUP;
#endif
}

int aead_library_open(enum aead_kind kind, struct aead_library **library)
{
	switch (kind) {
	case AEAD_FASTEST:
		return ipsec_mb_open(library) == 0 ? 0 : aead_libcrypto_open(library);
	case AEAD_IPSEC_MB:
		return ipsec_mb_open(library);
	case AEAD_LIBCRYPTO:
		return aead_libcrypto_open(library);
	}
	return -EINVAL;
}

void aead_library_close(struct aead_library *library)
{
	if (library != NULL)
		library->close(library);
}

const char *aead_library_name(const struct aead_library *library) { return library->name; }

uint32_t aead_library_block(const struct aead_library *library) { return library->block; }

struct aead *aead_create(const struct aead_library *library) { return library->create(library); }

void aead_destroy(struct aead *aead)
{
	if (aead != NULL)
		aead->library->destroy(aead);
}

void aead_wipe(struct aead *aead) { aead->library->wipe(aead); }

int aead_set_key(struct aead *aead, enum secure_cipher cipher, const uint8_t *key, bool is_sealing)
{
	return aead->library->set_key(aead, cipher, key, is_sealing);
}

int aead_seal(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size, const uint8_t *plain,
	uint32_t size, uint8_t *out, uint8_t *tag)
{
	return aead->library->seal(aead, nonce, extra, extra_size, plain, size, out, tag);
}

bool aead_open(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *sealed, uint32_t size, uint8_t *out, const uint8_t *tag)
{
	return aead->library->open(aead, nonce, extra, extra_size, sealed, size, out, tag);
}
