/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sealing and opening with libIPSec_MB, without its queues: each call handles one datagram completely.
 *
 * To choose its functions for the processor, the library fills a manager of 3.8 MB. The functions that are used here do
 * not need the manager. So it is freed as soon as their addresses are copied.
 */
#include "transports/common/secure/aead_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>

#include "common/crypto/late_library.h"
#include "common/crypto/libcrypto.h"
#include "config.h"

/*
 * Without these instructions the library would emulate AES with tables, which is slow and takes a time that depends on
 * the key.
 */
#define FEATURES (IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SSE4_2)

/* The type of a function of the manager. The names of these types differ between versions of the library. */
#define TYPE_OF(member) __typeof__(((IMB_MGR *)NULL)->member)

struct library {
	struct aead_library library;
	TYPE_OF(gcm256_pre) gcm_set_key;
	TYPE_OF(gcm256_enc) gcm_seal, gcm_open;
	TYPE_OF(chacha20_poly1305_init) chacha_begin;
	TYPE_OF(chacha20_poly1305_enc_update) chacha_seal, chacha_open;
	TYPE_OF(chacha20_poly1305_finalize) chacha_end;
	const struct libcrypto *libcrypto; /* for memory, and to compare tags */
};

/* Keys, in memory of libcrypto, which the daemon's core dumps leave out. It is wiped before it is freed. */
struct secret {
	struct gcm_key_data gcm;
	uint8_t chacha[AEAD_KEY_SIZE];
};

struct context {
	struct aead aead;
	enum secure_cipher cipher; /* SECURE_NONE: no key */
	void *memory;
	struct secret *secret; /* address of the struct in memory, aligned */
};

#define SECRET_ROOM (sizeof(struct secret) + _Alignof(struct secret))

static const struct libcrypto *libcrypto_of(const struct aead *aead)
{
	return ((const struct library *)aead->library)->libcrypto;
}

static void library_close(struct aead_library *library) { free(library); }

static void context_destroy(struct aead *aead)
{
	struct context *context = (struct context *)aead;

	libcrypto_of(aead)->CRYPTO_clear_free(context->memory, SECRET_ROOM, __FILE__, __LINE__);
	free(context);
}

static struct aead *context_create(const struct aead_library *library)
{
	const uintptr_t mask = _Alignof(struct secret) - 1;
	struct context *context = calloc(1, sizeof(*context));

	if (context == NULL)
		return NULL;
	context->aead.library = library;
	context->memory = libcrypto_of(&context->aead)->CRYPTO_zalloc(SECRET_ROOM, __FILE__, __LINE__);
	context->secret = (struct secret *)(((uintptr_t)context->memory + mask) & ~mask);
	if (context->memory != NULL)
		return &context->aead;
	free(context);
	return NULL;
}

static void context_wipe(struct aead *aead)
{
	struct context *context = (struct context *)aead;

	context->cipher = SECURE_NONE;
	explicit_bzero(context->secret, sizeof(*context->secret));
}

static int context_set_key(struct aead *aead, enum secure_cipher cipher, const uint8_t *key, bool is_sealing)
{
	struct context *context = (struct context *)aead;
	const struct library *library = (const struct library *)aead->library;

	(void)is_sealing;
	context_wipe(aead);
	switch (cipher) {
	case SECURE_NONE:
		return -EINVAL;
	case SECURE_AES256_GCM:
		library->gcm_set_key(key, &context->secret->gcm);
		break;
	case SECURE_CHACHA20_POLY1305:
		memcpy(context->secret->chacha, key, AEAD_KEY_SIZE);
		break;
	}
	context->cipher = cipher;
	return 0;
}

static void run_gcm(TYPE_OF(gcm256_enc) run, const struct context *context, const uint8_t *nonce, const uint8_t *extra,
	uint32_t extra_size, const uint8_t *from, uint32_t size, uint8_t *to, uint8_t *tag)
{
	struct gcm_context_data state;

	run(&context->secret->gcm, &state, to, from, size, nonce, extra, extra_size, tag, AEAD_TAG_SIZE);
	explicit_bzero(&state, sizeof(state));
}

static void run_chacha(TYPE_OF(chacha20_poly1305_enc_update) run, const struct context *context, const uint8_t *nonce,
	const uint8_t *extra, uint32_t extra_size, const uint8_t *from, uint32_t size, uint8_t *to, uint8_t *tag)
{
	const struct library *library = (const struct library *)context->aead.library;
	struct chacha20_poly1305_context_data state;

	library->chacha_begin(context->secret->chacha, &state, nonce, extra, extra_size);
	if (size > 0)
		run(context->secret->chacha, &state, to, from, size);
	library->chacha_end(&state, tag, AEAD_TAG_SIZE);
	explicit_bzero(&state, sizeof(state));
}

static int context_seal(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *plain, uint32_t size, uint8_t *out, uint8_t *tag)
{
	const struct context *context = (const struct context *)aead;
	const struct library *library = (const struct library *)aead->library;

	switch (context->cipher) {
	case SECURE_NONE:
		break;
	case SECURE_AES256_GCM:
		run_gcm(library->gcm_seal, context, nonce, extra, extra_size, plain, size, out, tag);
		return 0;
	case SECURE_CHACHA20_POLY1305:
		run_chacha(library->chacha_seal, context, nonce, extra, extra_size, plain, size, out, tag);
		return 0;
	}
	return -EIO;
}

static bool context_open(struct aead *aead, const uint8_t *nonce, const uint8_t *extra, uint32_t extra_size,
	const uint8_t *sealed, uint32_t size, uint8_t *out, const uint8_t *tag)
{
	const struct context *context = (const struct context *)aead;
	const struct library *library = (const struct library *)aead->library;
	uint8_t right[AEAD_TAG_SIZE];

	switch (context->cipher) {
	case SECURE_NONE:
		return false;
	case SECURE_AES256_GCM:
		run_gcm(library->gcm_open, context, nonce, extra, extra_size, sealed, size, out, right);
		break;
	case SECURE_CHACHA20_POLY1305:
		run_chacha(library->chacha_open, context, nonce, extra, extra_size, sealed, size, out, right);
		break;
	}

	/* Wipe the right tag below, since with it a forged datagram would be authentic. */
	bool is_right = tag == NULL || library->libcrypto->CRYPTO_memcmp(right, tag, sizeof(right)) == 0;

	explicit_bzero(right, sizeof(right));
	return is_right;
}

static bool is_usable(const IMB_MGR *manager)
{
	if ((manager->features & FEATURES) != FEATURES)
		return false;
	return (manager->features & IMB_FEATURE_SELF_TEST) == 0 ||
	       (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
}

static struct library *library_create(const IMB_MGR *manager, const struct libcrypto *libcrypto)
{
	struct library *library = malloc(sizeof(*library));

	if (library == NULL)
		return NULL;
	*library = (struct library){
		.library =
			{
				.name = "libIPSec_MB",
				.block = 1,
				.close = library_close,
				.create = context_create,
				.destroy = context_destroy,
				.wipe = context_wipe,
				.set_key = context_set_key,
				.seal = context_seal,
				.open = context_open,
			},
		.gcm_set_key = manager->gcm256_pre,
		.gcm_seal = manager->gcm256_enc,
		.gcm_open = manager->gcm256_dec,
		.chacha_begin = manager->chacha20_poly1305_init,
		.chacha_seal = manager->chacha20_poly1305_enc_update,
		.chacha_open = manager->chacha20_poly1305_dec_update,
		.chacha_end = manager->chacha20_poly1305_finalize,
		.libcrypto = libcrypto,
	};
	return library;
}

/* The functions that make a manager. The others are members of the manager. */
struct manager_functions {
	__typeof__(alloc_mb_mgr) *alloc_mb_mgr;
	__typeof__(free_mb_mgr) *free_mb_mgr;
	__typeof__(init_mb_mgr_auto) *init_mb_mgr_auto;
};

#ifdef STATIC_BINARY

static bool load(struct manager_functions *functions)
{
	*functions = (struct manager_functions){alloc_mb_mgr, free_mb_mgr, init_mb_mgr_auto};
	return true;
}

#else

static bool load(struct manager_functions *functions)
{
	const struct late_function wanted[] = {
		{"alloc_mb_mgr", &functions->alloc_mb_mgr},
		{"free_mb_mgr", &functions->free_mb_mgr},
		{"init_mb_mgr_auto", &functions->init_mb_mgr_auto},
	};
	char file[32], error[LATE_ERROR_SIZE];

	snprintf(file, sizeof(file), "libIPSec_MB.so.%u", (unsigned int)(IMB_VERSION_NUM >> 16));
	return late_library_load(file, wanted, sizeof(wanted) / sizeof(wanted[0]), error);
}

#endif

static int create_from(const IMB_MGR *manager, const struct libcrypto *libcrypto, struct aead_library **opened)
{
	struct library *library;

	if (!is_usable(manager))
		return -ENOTSUP;
	library = library_create(manager, libcrypto);
	if (library == NULL)
		return -ENOMEM;
	*opened = &library->library;
	return 0;
}

int aead_ipsec_mb_open(struct aead_library **opened)
{
	const struct libcrypto *libcrypto = libcrypto_get();
	struct manager_functions functions;

	if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.2"))
		return -ENOTSUP;
	if (libcrypto == NULL || !load(&functions))
		return -ENOTSUP;

	IMB_MGR *manager = functions.alloc_mb_mgr(0);
	if (manager == NULL)
		return -ENOMEM;
	functions.init_mb_mgr_auto(manager, NULL);

	int rc = create_from(manager, libcrypto, opened);

	functions.free_mb_mgr(manager);
	return rc;
}
