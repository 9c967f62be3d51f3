/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions that each library implements for aead.h. */
#ifndef COMMON_SECURE_AEAD_PRIVATE_H
#define COMMON_SECURE_AEAD_PRIVATE_H

#include "transports/common/secure/aead.h"

/* Beginning of the struct in which a library keeps a context. */
struct aead {
	const struct aead_library *library;
};

/*
 * Beginning of the struct of a library. The functions are like those of aead.h. Their context arguments are never NULL.
 */
struct aead_library {
	const char *name;
	uint32_t block;
	void (*close)(struct aead_library *library);
	struct aead *(*create)(const struct aead_library *library);
	void (*destroy)(struct aead *aead);
	void (*wipe)(struct aead *aead);
	int (*set_key)(struct aead *aead, enum secure_cipher cipher, const uint8_t *key, bool is_sealing);
	int (*seal)(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
		const uint8_t *plain, uint32_t size, uint8_t *out, uint8_t *tag);
	bool (*open)(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
		const uint8_t *sealed, uint32_t size, uint8_t *out, const uint8_t *tag);
};

/** Open libcrypto. @return 0: its function close frees it; -ELIBACC: it cannot be loaded; -ENOMEM */
int aead_libcrypto_open(struct aead_library **library);
/**
 * Open libIPSec_MB. @return 0; -ENOTSUP: it or libcrypto cannot be loaded, or the processor lacks instructions that it
 * needs; -ENOMEM
 */
int aead_ipsec_mb_open(struct aead_library **library);

#endif
