/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys. libknet has two configurations, numbered 1 and 2. It accepts packets of both and sends with one. A change has
 * three steps (book encryption, "Change of the key"): 1 a reload loads the new configuration, and keeps the one in use;
 * 2 when every member of the ring has done so, ACTIVATE sends with the new one; 3 when every member does, CLEANUP
 * removes the old one. Clear traffic counts as configuration 0, which always exists. A separate switch decides whether
 * clear traffic is accepted.
 */
#include "transports/knet/knet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>

#define SLOTS 3u
#define SLOTS_SIZE (SLOTS * sizeof(struct knet_handle_crypto_cfg))

/* Packets that were sent before a change arrive at most this much later. */
#define QUIET_NS UINT64_C(5000000000)

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

static int slot_load(struct mesh *mesh, uint8_t slot, const struct knet_handle_crypto_cfg *config)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	struct knet_handle_crypto_cfg copy = *config;
	/* -2: there is no errno. The reason is in libknet's log. */
	int rc = knet_handle_crypto_set_config(mesh->handle, &copy, slot);
	int error = rc == -2 ? -EINVAL : mesh_result(rc);

	explicit_bzero(&copy, sizeof(copy));
	if (error < 0)
		return error;
	crypto->slots[slot] = *config;
	crypto->is_loaded[slot] = !is_clear(config);
	return 0;
}

static int slot_clear(struct mesh *mesh, uint8_t slot)
{
	struct knet_handle_crypto_cfg none;

	set_clear(&none);
	return mesh->crypto.is_loaded[slot] ? slot_load(mesh, slot, &none) : 0;
}

static int allow_clear(struct mesh *mesh, bool is_allowed)
{
	return mesh_result(knet_handle_crypto_rx_clear_traffic(
		mesh->handle, is_allowed ? KNET_CRYPTO_RX_ALLOW_CLEAR_TRAFFIC : KNET_CRYPTO_RX_DISALLOW_CLEAR_TRAFFIC));
}

/*
 * Return the slot for a new configuration. The slot in use is never replaced. Between ACTIVATE and CLEANUP peers may still
 * send with the old key, or in clear if that was before, so a third key has to wait. 0: there is no free slot now
 */
static uint8_t free_slot(const struct mesh_crypto *crypto)
{
	uint8_t slot = crypto->used != 0 ? (uint8_t)(3 - crypto->used) : crypto->is_loaded[1] ? 2 : 1;

	return crypto->has_old ? 0 : slot;
}

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

int mesh_crypto_open(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	struct knet_handle_crypto_cfg wanted;
	int rc = take_slots(crypto);

	if (rc < 0)
		return rc;
	rc = read_wanted(mesh, &wanted);
	if (rc == 0 && is_clear(&wanted))
		return allow_clear(mesh, true);
	if (rc == 0)
		rc = slot_load(mesh, 1, &wanted);
	if (rc == 0)
		rc = mesh_result(knet_handle_crypto_use_config(mesh->handle, 1));
	if (rc == 0)
		rc = allow_clear(mesh, false);
	explicit_bzero(&wanted, sizeof(wanted));
	if (rc < 0) {
		tell_refused(mesh, rc);
		return rc;
	}
	crypto->used = crypto->target = 1;
	mesh->host->log(mesh->ctx, LOG_INFO, "packets are encrypted: %s/%s/%s", crypto->slots[1].crypto_model,
		crypto->slots[1].crypto_cipher_type, crypto->slots[1].crypto_hash_type);
	return 0;
}

/* Return the slot that has the wanted configuration. 0: it is clear traffic. SLOTS: no slot has it. */
static uint8_t held_slot(const struct mesh_crypto *crypto, const struct knet_handle_crypto_cfg *wanted)
{
	uint8_t slot = 0;

	while (slot < SLOTS && !((slot == 0 || crypto->is_loaded[slot]) && is_same(wanted, &crypto->slots[slot])))
		slot++;
	return slot;
}

/* Load the wanted configuration, and keep the one in use. */
static int load_wanted(struct mesh *mesh, const struct knet_handle_crypto_cfg *wanted)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	uint8_t slot = held_slot(crypto, wanted);
	bool is_back = slot == crypto->used; /* the change goes back to the configuration in use */
	int rc = 0;

	if (slot == SLOTS) {
		slot = free_slot(crypto);
		rc = slot == 0 ? -EBUSY : slot_load(mesh, slot, wanted);
	}
	/* Clear packets are accepted while members send them, and only then: an earlier change may not have ended. */
	if (rc == 0 && !is_back)
		rc = allow_clear(mesh, slot == 0 || crypto->used == 0);
	if (rc < 0)
		return rc;
	crypto->target = slot;
	crypto->is_changing = true;
	crypto->is_activated = false;
	crypto->quiet_ns = UINT64_MAX;
	return COTERIE_RELOAD_REKEY;
}

/*
 * Forget a change that has not been activated, since the files have other keys now that cannot be loaded. Otherwise a
 * later reload of the keys of that change would find them loaded, and begin nothing. A change that goes back to the old
 * keys stays: peers may still send with them.
 */
static void abandon(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;

	if (!crypto->is_changing || crypto->is_activated || crypto->has_old)
		return;
	/* There may be two, where the ring sends in clear. */
	for (uint8_t slot = 1; slot < SLOTS; slot++)
		if (slot != crypto->used)
			slot_clear(mesh, slot);
	allow_clear(mesh, crypto->used == 0);
	crypto->target = crypto->used;
	crypto->is_changing = false;
}

int mesh_crypto_reload(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	struct knet_handle_crypto_cfg wanted;
	int rc = read_wanted(mesh, &wanted);

	if (rc == 0 && !is_same(&wanted, &crypto->slots[crypto->target])) {
		/* Avoids a search for the MTU, for which each call of the change would wait. */
		mesh_mtu_apply(mesh, true);
		rc = load_wanted(mesh, &wanted);
	}
	explicit_bzero(&wanted, sizeof(wanted));
	if (rc < 0) {
		abandon(mesh);
		mesh_mtu_apply(mesh, crypto->is_changing);
		tell_refused(mesh, rc);
	}
	return rc;
}

static int activate(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	int rc = mesh_result(knet_handle_crypto_use_config(mesh->handle, crypto->target));

	if (rc < 0)
		return rc;
	crypto->used = crypto->target;
	crypto->is_activated = crypto->has_old = true;
	mesh->host->log(mesh->ctx, LOG_INFO, "kronosnet crypto reconfigured on index %u: %s/%s/%s", crypto->used,
		crypto->slots[crypto->used].crypto_model, crypto->slots[crypto->used].crypto_cipher_type,
		crypto->slots[crypto->used].crypto_hash_type);
	return 0;
}

static int clean_up(struct mesh *mesh)
{
	struct mesh_crypto *crypto = &mesh->crypto;
	int rc = 0;

	for (uint8_t slot = 1; slot <= 2 && rc == 0; slot++)
		if (slot != crypto->used)
			rc = slot_clear(mesh, slot);
	if (rc == 0 && crypto->used != 0)
		rc = allow_clear(mesh, false);
	if (rc < 0)
		return rc;
	crypto->is_changing = crypto->has_old = false;
	mesh_mtu_apply(mesh, false);
	crypto->quiet_ns = mesh->host->now_ns(mesh->ctx) + QUIET_NS;
	return 0;
}

int mesh_rekey(void *self, uint32_t phase)
{
	struct mesh *mesh = self;
	struct mesh_crypto *crypto = &mesh->crypto;

	if (!crypto->is_changing)
		return -EINVAL;
	if (phase == COTERIE_REKEY_ACTIVATE && !crypto->is_activated)
		return activate(mesh);
	if (phase == COTERIE_REKEY_CLEANUP && crypto->is_activated)
		return clean_up(mesh);
	return -EINVAL;
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
