/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/secure/keys.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/crypto/mac.h"

/* This salt is different from that of any other use of the same key file. */
static const char salt[] = "coterie sealed datagrams 1";

#define LABEL_MAX 48u

struct keys_root *keys_page_take(uint32_t count)
{
	size_t size = count * sizeof(struct keys_root);
	struct keys_root *roots = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (roots == MAP_FAILED)
		return NULL;
	/*
	 * The kernel may refuse the lock to an unprivileged daemon. Then the roots may get into the swap, which should
	 * be encrypted.
	 */
	(void)!mlock(roots, size);
	(void)!madvise(roots, size, MADV_DONTDUMP);
	(void)!madvise(roots, size, MADV_DONTFORK);
	return roots;
}

void keys_page_free(struct keys_root *roots, uint32_t count)
{
	if (roots == NULL)
		return;
	explicit_bzero(roots, count * sizeof(*roots));
	munmap(roots, count * sizeof(*roots));
}

/* HKDF-Expand for one block: T(1) = HMAC(root, info | 0x01). */
static int expand(const struct keys_root *root, const uint8_t *info, size_t size, uint8_t out[KEYS_SIZE])
{
	uint8_t block[LABEL_MAX + 64];

	assert(size < sizeof(block));
	memcpy(block, info, size);
	block[size] = 1;
	return mac_compute(root->bytes, sizeof(root->bytes), block, size + 1, out);
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

int keys_root_load(struct keys_root *root, enum secure_cipher cipher, const void *bytes, size_t size)
{
	static const char label[] = "key id ";
	uint8_t info[sizeof(label)], id[KEYS_SIZE];

	if ((cipher != SECURE_AES256_GCM && cipher != SECURE_CHACHA20_POLY1305) || size == 0)
		return -EINVAL;

	int rc = mac_compute(salt, sizeof(salt) - 1, bytes, size, root->bytes);

	memcpy(info, label, sizeof(label) - 1);
	info[sizeof(label) - 1] = (uint8_t)cipher;
	if (rc == 0)
		rc = expand(root, info, sizeof(info), id);
	if (rc < 0) {
		explicit_bzero(root, sizeof(*root));
		return rc;
	}
	root->cipher = cipher;
	root->id = (uint16_t)(id[0] << 8 | id[1]);
	if (root->id == 0)
		root->id = 1; /* 0 means that no key is loaded */
	return 0;
}

int keys_derive(const struct keys_root *root, const struct keys_session *session, uint8_t key[KEYS_SIZE])
{
	static const char label[] = "session ";
	uint8_t info[sizeof(label) - 1 + 2 + 8 + KEYS_SESSION_SIZE];
	uint8_t *at = info + sizeof(label) - 1;

	memcpy(info, label, sizeof(label) - 1);
	at[0] = (uint8_t)root->cipher;
	at[1] = (uint8_t)session->lane;
	put_u32(at + 2, session->nodeid);
	put_u32(at + 6, session->generation);
	memcpy(at + 10, session->id, KEYS_SESSION_SIZE);
	return expand(root, info, sizeof(info), key);
}

int keys_mac(const struct keys_root *root, const char *label, const void *bytes, size_t size, uint8_t out[KEYS_SIZE])
{
	uint8_t info[LABEL_MAX] = "proof ", key[KEYS_SIZE];
	size_t length = strlen(label);

	assert(length + 6 <= sizeof(info));
	memcpy(info + 6, label, length);

	int rc = expand(root, info, 6 + length, key);

	if (rc == 0)
		rc = mac_compute(key, sizeof(key), bytes, size, out);
	explicit_bzero(key, sizeof(key));
	return rc;
}

int keys_context_set(
	struct aead *context, const struct keys_root *root, const struct keys_session *session, bool is_sealing)
{
	uint8_t key[KEYS_SIZE];
	int rc = keys_derive(root, session, key);

	if (rc == 0)
		rc = aead_set_key(context, root->cipher, key, is_sealing);
	explicit_bzero(key, sizeof(key));
	return rc;
}
