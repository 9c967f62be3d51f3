/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys. libknet has two configurations, numbered 1 and 2. It accepts packets of both and sends with one. Clear traffic
 * counts as configuration 0, which always exists. A separate switch decides whether clear traffic is accepted. rekey.h has
 * the steps of a change.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>

#define SLOTS (REKEY_KEYS + 1u)
#define SLOTS_SIZE (SLOTS * sizeof(struct knet_handle_crypto_cfg))

/* Packets that were sent before a change arrive at most this much later. */
#define QUIET_NS UINT64_C(5000000000)
/*
 * All nodes do a step of a change within this time, unless one of them waits for an operator. A change may also wait for
 * ever, or be given up.
 */
#define STEP_NS UINT64_C(30000000000)

static bool is_clear(const struct knet_handle_crypto_cfg *config) { return config->private_key_len == 0; }

static bool is_same(const struct knet_handle_crypto_cfg *a, const struct knet_handle_crypto_cfg *b)
{
	return memcmp(a, b, sizeof(*a)) == 0; /* both were zeroed before they were filled */
}

static void set_clear(struct knet_handle_crypto_cfg *config)
{
	explicit_bzero(config, sizeof(*config));
	strcpy(config->crypto_model, "none");
	strcpy(config->crypto_cipher_type, "none");
	strcpy(config->crypto_hash_type, "none");
}

/*
 * Read the keys that the configuration requires. The executive has checked the words, but another version of libknet
 * may know fewer of them.
 */
static int read_wanted(const struct mesh *mesh, struct knet_handle_crypto_cfg *config)
{
	bool is_secure = strcmp(mesh_map_text(mesh, "totem.secauth", "off"), "on") == 0;
	const char *cipher = mesh_map_text(mesh, "totem.crypto_cipher", is_secure ? "aes256" : "none");
	const char *hash = mesh_map_text(mesh, "totem.crypto_hash", is_secure ? "sha256" : "none");
	const char *model = mesh_map_text(mesh, "totem.crypto_model", "nss");
	const void *key;
	uint32_t size;

	set_clear(config);
	if (strcmp(cipher, "none") == 0 && strcmp(hash, "none") == 0)
		return 0;
	if (!COTERIE_HAS(mesh->host, key_get))
		return -ENOTSUP;

	int rc = mesh->host->key_get(mesh->ctx, &key, &size);

	if (rc < 0)
		return rc;
	if (size < KNET_MIN_KEY_LEN)
		return -EINVAL;
	if (size > KNET_MAX_KEY_LEN)
		size = KNET_MAX_KEY_LEN;
	memset(config, 0, sizeof(*config));
	snprintf(config->crypto_model, sizeof(config->crypto_model), "%s", model);
	snprintf(config->crypto_cipher_type, sizeof(config->crypto_cipher_type), "%s", cipher);
	snprintf(config->crypto_hash_type, sizeof(config->crypto_hash_type), "%s", hash);
	memcpy(config->private_key, key, size);
	config->private_key_len = size;
	return 0;
}

/* ---- What a change does (rekey.h) --------------------------------------- */

static bool is_loaded(void *self, uint32_t number)
{
	const struct mesh *mesh = self;

	return !is_clear(&mesh->crypto.slots[number]);
}

static bool holds(void *self, uint32_t number, const void *wanted)
{
	const struct mesh *mesh = self;

	return (number == 0 || is_loaded(self, number)) && is_same(wanted, &mesh->crypto.slots[number]);
}

static int load(void *self, uint32_t number, const void *wanted)
{
	struct mesh *mesh = self;
	struct knet_handle_crypto_cfg copy = *(const struct knet_handle_crypto_cfg *)wanted;
	/* -2: there is no errno. The reason is in libknet's log. */
	int rc = knet_handle_crypto_set_config(mesh->handle, &copy, (uint8_t)number);
	int error = rc == -2 ? -EINVAL : mesh_result(rc);

	if (error == 0)
		mesh->crypto.slots[number] = *(const struct knet_handle_crypto_cfg *)wanted;
	explicit_bzero(&copy, sizeof(copy));
	return error;
}

static int forget(void *self, uint32_t number)
{
	struct knet_handle_crypto_cfg none;

	set_clear(&none);
	return is_loaded(self, number) ? load(self, number, &none) : 0;
}

static int use(void *self, uint32_t number)
{
	struct mesh *mesh = self;

	return mesh_result(knet_handle_crypto_use_config(mesh->handle, (uint8_t)number));
}

static int allow_clear(void *self, bool is_allowed)
{
	struct mesh *mesh = self;

	return mesh_result(knet_handle_crypto_rx_clear_traffic(
		mesh->handle, is_allowed ? KNET_CRYPTO_RX_ALLOW_CLEAR_TRAFFIC : KNET_CRYPTO_RX_DISALLOW_CLEAR_TRAFFIC));
}

static const struct rekey_ops rekey_ops = {
	.holds = holds,
	.is_loaded = is_loaded,
	.load = load,
	.forget = forget,
	.use = use,
	.allow_clear = allow_clear,
};

/* ---- Calls ---------------------------------------------------------------- */

static void tell_refused(const struct mesh *mesh, int rc)
{
	if (rc == -ENOTSUP)
		mesh->host->log(mesh->ctx, LOG_ERR,
			"this executive gives no keys: remove crypto_cipher and crypto_hash, or "
			"use a "
			"newer one");
	else if (rc == -EBUSY)
		mesh->host->log(mesh->ctx, LOG_ERR,
			"the ring's keys still change, and nodes may send with the key that another one would replace: "
			"reload again when the change is over");
	else
		mesh->host->log(mesh->ctx, LOG_ERR,
			"encryption cannot be set up (%s): check crypto_model, crypto_cipher, "
			"crypto_hash and the key, and that libknet has the module",
			strerror(-rc));
}

/* Allocate the slots. A kernel or a limit may refuse the flag or the lock. That is no reason not to start. */
static int take_slots(struct mesh_crypto *crypto)
{
	void *slots = mmap(NULL, SLOTS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (slots == MAP_FAILED)
		return -errno;
	(void)madvise(slots, SLOTS_SIZE, MADV_DONTDUMP);
	(void)!mlock(slots, SLOTS_SIZE);
	crypto->slots = slots;
	for (uint32_t i = 0; i < SLOTS; i++)
		set_clear(&crypto->slots[i]);
	return 0;
}

static void tell(const struct mesh *mesh, const char *what)
{
	const struct knet_handle_crypto_cfg *used = &mesh->crypto.slots[mesh->crypto.rekey.used];

	mesh->host->log(mesh->ctx, LOG_INFO, "%s: %s/%s/%s", what, used->crypto_model, used->crypto_cipher_type,
		used->crypto_hash_type);
}

int mesh_crypto_open(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	struct knet_handle_crypto_cfg wanted;
	int rc = take_slots(crypto);

	if (rc < 0)
		return rc;
	crypto->rekey = (struct rekey){.ops = &rekey_ops, .self = mesh};
	rc = read_wanted(mesh, &wanted);
	if (rc == 0)
		rc = rekey_open(&crypto->rekey, &wanted);
	explicit_bzero(&wanted, sizeof(wanted));
	if (rc < 0)
		tell_refused(mesh, rc);
	else if (crypto->rekey.used != 0)
		tell(mesh, "packets are encrypted");
	return rc;
}

int mesh_crypto_reload(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	struct knet_handle_crypto_cfg wanted;
	int rc = read_wanted(mesh, &wanted);

	if (rc == 0 && !rekey_is_target(&crypto->rekey, &wanted)) {
		/* Avoids a search for the MTU, for which each call of the change would wait. */
		mesh_mtu_apply(mesh, true);
		rc = rekey_begin(&crypto->rekey, &wanted);
	}
	explicit_bzero(&wanted, sizeof(wanted));
	if (rc == COTERIE_RELOAD_REKEY) {
		crypto->quiet_ns = mesh->host->now_ns(mesh->ctx) + STEP_NS;
	} else if (rc < 0) {
		rekey_abandon(&crypto->rekey);
		mesh_mtu_apply(mesh, crypto->rekey.is_changing);
		tell_refused(mesh, rc);
	}
	return rc;
}

int mesh_rekey(void *self, uint32_t phase)
{
	struct mesh *mesh = self;
	struct mesh_crypto *crypto = &mesh->crypto;
	int rc = rekey_step(&crypto->rekey, phase);
	char text[64];

	if (rc < 0)
		return rc;
	crypto->quiet_ns = mesh->host->now_ns(mesh->ctx) + (phase == COTERIE_REKEY_ACTIVATE ? STEP_NS : QUIET_NS);
	if (phase == COTERIE_REKEY_ACTIVATE) {
		snprintf(text, sizeof(text), "kronosnet crypto reconfigured on index %u", crypto->rekey.used);
		tell(mesh, text);
	} else {
		mesh_mtu_apply(mesh, false);
	}
	return 0;
}

void mesh_crypto_close(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;

	if (crypto->slots == NULL)
		return;
	explicit_bzero(crypto->slots, SLOTS_SIZE);
	munmap(crypto->slots, SLOTS_SIZE);
	*crypto = (struct mesh_crypto){.slots = NULL};
}
