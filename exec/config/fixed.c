/*
 * Keys that cannot change while the daemon runs (spec 06c.1 step 4, 07 §1.13): a file that is read
 * again keeps their running values, whatever it says, and the operator is told.
 */
#include "exec/config/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

static const char *const fixed_keys[] = {
	"totem.version",
	"totem.threads",
	"totem.ip_version",
	"totem.ip_dscp",
	"totem.rrp_mode",
	"totem.netmtu",
	"totem.transport",
	"totem.cluster_name",
	"totem.clear_node_high_bit",
	"totem.link_mode",
	"quorum.provider",
	"system.move_to_root_cgroup",
	"system.allow_knet_handle_fallback",
	"system.sched_rr",
	"system.priority",
	"system.qb_ipc_type",
	"system.state_dir",
};

/* Of a link that stays; those of a link that comes or goes come and go with it. */
static const char *const fixed_link_keys[] = {
	"ttl", "mcastaddr", "broadcast", "knet_transport", NULL};

/* Where the transport cannot change its keys under way. */
static const char *const crypto_keys[] = {
	"totem.secauth",
	"totem.crypto_model",
	"totem.crypto_cipher",
	"totem.crypto_hash",
	"totem.keyfile",
	"totem.key",
};

#define FIXED_KEYS (sizeof(fixed_keys) / sizeof(fixed_keys[0]))
#define CRYPTO_KEYS (sizeof(crypto_keys) / sizeof(crypto_keys[0]))

struct fixed_value {
	const char *key;
	uint32_t type;
	const void *value;
	uint32_t size;
};

struct config_fixed {
	struct arena *arena;
	struct fixed_value *values;
	uint32_t count;
	bool has_crypto; /* is among what is fixed */
};

static const char *link_key_name(const char *key)
{
	static const char prefix[] = "totem.interface.";
	const char *at = key + strlen(prefix);

	if (strncmp(key, prefix, strlen(prefix)) != 0)
		return NULL;
	at += strspn(at, "0123456789");
	return *at == '.' ? at + 1 : NULL;
}

static bool is_fixed_link_key(const char *key)
{
	const char *name = link_key_name(key);

	for (size_t i = 0; name != NULL && fixed_link_keys[i] != NULL; i++)
		if (strcmp(fixed_link_keys[i], name) == 0)
			return true;
	return false;
}

static bool is_among(const char *const *keys, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static bool is_fixed_key(const struct config_fixed *fixed, const char *key)
{
	return is_among(fixed_keys, FIXED_KEYS, key) || is_fixed_link_key(key) ||
	       (fixed->has_crypto && is_among(crypto_keys, CRYPTO_KEYS, key));
}

struct config_fixed *config_fixed_create(const struct config *config, bool can_rekey)
{
	struct arena *arena = arena_create();
	struct config_fixed *fixed = arena == NULL ? NULL : arena_take(arena, sizeof(*fixed));

	if (fixed == NULL)
		goto no_memory;
	fixed->arena = arena;
	fixed->has_crypto = !can_rekey;
	fixed->values = arena_take(arena, (config->entry_count + 1) * sizeof(*fixed->values));
	if (fixed->values == NULL)
		goto no_memory;
	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		struct fixed_value *value = &fixed->values[fixed->count];

		if (!is_fixed_key(fixed, entry->key))
			continue;
		value->key = arena_copy(arena, entry->key, strlen(entry->key));
		value->value = arena_copy(arena, entry->value, entry->size);
		if (value->key == NULL || value->value == NULL)
			goto no_memory;
		value->type = entry->type;
		value->size = entry->size;
		fixed->count++;
	}
	return fixed;
no_memory:
	if (arena != NULL)
		arena_destroy(arena);
	return NULL;
}

void config_fixed_destroy(struct config_fixed *fixed)
{
	if (fixed != NULL)
		arena_destroy(fixed->arena);
}

static const struct fixed_value *find_value(const struct config_fixed *fixed, const char *key)
{
	for (uint32_t i = 0; i < fixed->count; i++)
		if (strcmp(fixed->values[i].key, key) == 0)
			return &fixed->values[i];
	return NULL;
}

static void set_value(struct tree *tree, const struct fixed_value *value)
{
	const struct place place = tree_place(tree, value->key);
	uint64_t number = 0;
	uint32_t u32;
	uint16_t u16;

	if (value->type == COTERIE_MAP_STRING) {
		tree_set_string(tree, value->key, value->value, place);
		return;
	}
	if (value->size == sizeof(uint8_t)) {
		number = *(const uint8_t *)value->value;
	} else if (value->size == sizeof(u16)) {
		memcpy(&u16, value->value, sizeof(u16));
		number = u16;
	} else if (value->size == sizeof(u32)) {
		memcpy(&u32, value->value, sizeof(u32));
		number = u32;
	} else {
		memcpy(&number, value->value, sizeof(number));
	}
	tree_set_number(tree, value->key, value->type, number, place);
}

static bool is_same(const struct tree_item *item, const struct fixed_value *value)
{
	return item->type == value->type && item->size == value->size &&
	       memcmp(item->value, value->value, value->size) == 0;
}

static void keep_one(struct tree *tree, const char *key, const struct fixed_value *value)
{
	const struct tree_item *item = tree_find(tree, key);

	if (item == NULL && value == NULL)
		return;
	if (item != NULL && value != NULL && is_same(item, value))
		return;
	tree_notice(
		tree, "Modified entry '%s' in corosync.conf cannot be changed at run-time", key);
	if (value != NULL)
		set_value(tree, value);
	else
		tree_delete(tree, key);
}

void fixed_keep(struct tree *tree, const struct config_fixed *fixed)
{
	for (size_t i = 0; i < FIXED_KEYS; i++)
		keep_one(tree, fixed_keys[i], find_value(fixed, fixed_keys[i]));
	for (size_t i = 0; fixed->has_crypto && i < CRYPTO_KEYS; i++)
		keep_one(tree, crypto_keys[i], find_value(fixed, crypto_keys[i]));
	for (uint32_t i = 0; i < fixed->count; i++)
		if (is_fixed_link_key(fixed->values[i].key) &&
			tree_find(tree, fixed->values[i].key) != NULL)
			keep_one(tree, fixed->values[i].key, &fixed->values[i]);
}
