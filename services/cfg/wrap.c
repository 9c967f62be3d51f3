/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Encryption of a new key of the ring, before it is sent to the other nodes. It is encrypted with the key in use, even
 * though packets are encrypted, too: core dumps contain frames, and packets may be recorded. docs/encryption.md has the
 * derivation.
 */
#include "services/cfg/cfg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/crypto/libcrypto.h"
#include "common/crypto/mac.h"

#define NONCE_SIZE 12

static const char label[] = "coterie rotation of the key 1";

/* Data that is authenticated together with the encrypted key. The wrapping key is derived from this data, too. */
struct binding {
	uint32_t sender; /* network order */
	uint8_t round[CFG_ROUND_SIZE];
	uint8_t one; /* HKDF-Expand: the first block */
};
_Static_assert(offsetof(struct binding, one) == 20, "binding");

/*
 * Derive a key from the ring's key with HKDF (RFC 5869). @return 0; -ENODATA: the ring has no key; -EIO: libcrypto
 * failed
 */
static int derive(struct cfg *cfg, const struct binding *binding, uint8_t key[MAC_SIZE])
{
	const void *ring_key;
	uint8_t root[MAC_SIZE];
	uint32_t size;

	if (!COTERIE_HAS(cfg->host, key_get) || cfg->host->key_get(cfg->ctx, &ring_key, &size) < 0)
		return -ENODATA;
	bool is_made = mac_compute(label, sizeof(label) - 1, ring_key, size, root) == 0 &&
		       mac_compute(root, sizeof(root), binding, offsetof(struct binding, one) + 1, key) == 0;

	explicit_bzero(root, sizeof(root));
	return is_made ? 0 : -EIO;
}

void cfg_wrap_tag(struct cfg *cfg, uint8_t tag[CFG_KEY_TAG_SIZE])
{
	static const struct binding none; /* its byte `one` is 0, but 1 in every round, so the tag is never a key of a
					   * round */
	uint8_t digest[MAC_SIZE];

	memset(tag, 0, CFG_KEY_TAG_SIZE);
	if (derive(cfg, &none, digest) == 0)
		memcpy(tag, digest, CFG_KEY_TAG_SIZE);
	explicit_bzero(digest, sizeof(digest));
}

/* Each wrapping key is used once, since each round has a random number. So the nonce may be zero. */
static bool begin(const struct libcrypto *libcrypto, EVP_CIPHER_CTX *context, const uint8_t key[MAC_SIZE],
	const struct binding *binding, int is_seal)
{
	static const uint8_t nonce[NONCE_SIZE];
	int size;

	return libcrypto->EVP_CipherInit_ex(context, libcrypto->EVP_aes_256_gcm(), NULL, key, nonce, is_seal) == 1 &&
	       libcrypto->EVP_CipherUpdate(context, NULL, &size, (const uint8_t *)label, sizeof(label) - 1) == 1 &&
	       libcrypto->EVP_CipherUpdate(
		       context, NULL, &size, (const uint8_t *)binding, offsetof(struct binding, one)) == 1;
}

static bool seal(const struct libcrypto *libcrypto, EVP_CIPHER_CTX *context, const uint8_t key[CFG_KEY_SIZE],
	struct cfg_sealed_key *sealed)
{
	int size;

	return libcrypto->EVP_CipherUpdate(context, sealed->bytes, &size, key, CFG_KEY_SIZE) == 1 &&
	       size == CFG_KEY_SIZE && libcrypto->EVP_CipherFinal_ex(context, sealed->tag, &size) == 1 &&
	       libcrypto->EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, CFG_KEY_TAG_SIZE, sealed->tag) == 1;
}

static bool unseal(const struct libcrypto *libcrypto, EVP_CIPHER_CTX *context, const struct cfg_sealed_key *sealed,
	uint8_t key[CFG_KEY_SIZE])
{
	uint8_t tag[CFG_KEY_TAG_SIZE], none[16];
	int size;

	memcpy(tag, sealed->tag, sizeof(tag));
	return libcrypto->EVP_CipherUpdate(context, key, &size, sealed->bytes, CFG_KEY_SIZE) == 1 &&
	       size == CFG_KEY_SIZE &&
	       libcrypto->EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, CFG_KEY_TAG_SIZE, tag) == 1 &&
	       libcrypto->EVP_CipherFinal_ex(context, none, &size) == 1;
}

int cfg_wrap_seal(struct cfg *cfg, const uint8_t key[CFG_KEY_SIZE], struct cfg_sealed_key *sealed)
{
	struct binding binding = {.sender = htonl(cfg->host->local_nodeid(cfg->ctx)), .one = 1};
	uint8_t wrapping[MAC_SIZE];

	if (getrandom(sealed->round, sizeof(sealed->round), 0) != (ssize_t)sizeof(sealed->round))
		return -EIO;
	memcpy(binding.round, sealed->round, sizeof(binding.round));
	int rc = derive(cfg, &binding, wrapping);

	if (rc < 0)
		return rc;
	const struct libcrypto *libcrypto = libcrypto_get(); /* there is one: it has derived the key */
	EVP_CIPHER_CTX *context = libcrypto->EVP_CIPHER_CTX_new();
	bool is_made = context != NULL && begin(libcrypto, context, wrapping, &binding, 1) &&
		       seal(libcrypto, context, key, sealed);

	libcrypto->EVP_CIPHER_CTX_free(context);
	explicit_bzero(wrapping, sizeof(wrapping));
	return is_made ? 0 : -EIO;
}

int cfg_wrap_open(struct cfg *cfg, uint32_t sender, const struct cfg_sealed_key *sealed, uint8_t key[CFG_KEY_SIZE])
{
	struct binding binding = {.sender = htonl(sender), .one = 1};
	uint8_t wrapping[MAC_SIZE];

	memset(key, 0, CFG_KEY_SIZE);
	memcpy(binding.round, sealed->round, sizeof(binding.round));
	int rc = derive(cfg, &binding, wrapping);

	if (rc < 0)
		return rc;
	const struct libcrypto *libcrypto = libcrypto_get(); /* there is one: it has derived the key */
	EVP_CIPHER_CTX *context = libcrypto->EVP_CIPHER_CTX_new();
	bool is_open = context != NULL && begin(libcrypto, context, wrapping, &binding, 0) &&
		       unseal(libcrypto, context, sealed, key);

	libcrypto->EVP_CIPHER_CTX_free(context);
	explicit_bzero(wrapping, sizeof(wrapping));
	if (!is_open)
		explicit_bzero(key, CFG_KEY_SIZE); /* wipe the decrypted bytes, since they are not authentic */
	return is_open ? 0 : -EBADMSG;
}
