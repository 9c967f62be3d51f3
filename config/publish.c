/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies the model to the map, and protects the keys that clients may not write (book
 * configuration, "Map").
 */
#include "config/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coterie/plugin.h>

#include "exec/map/map.h"

static const char *const protected_prefixes[] = {
	"internal_configuration.",
	"runtime.services.",
	"runtime.config.",
	"runtime.totem.",
	"uidgid.config.",
	"coterie.access.",
	"system.",
	"nodelist.",
};

static const char *const protected_keys[] = {
	"totem.crypto_cipher",
	"totem.crypto_hash",
	"totem.crypto_model",
	"totem.encryption",
	"totem.keyfile",
	"totem.key",
	"totem.secauth",
	"totem.ip_version",
	"totem.ip_dscp",
	"totem.rrp_mode",
	"totem.transport",
	"totem.cluster_name",
	"totem.netmtu",
	"totem.threads",
	"totem.version",
	"totem.nodeid",
	"totem.clear_node_high_bit",
	"config.reload_in_progress",
	"config.totemconfig_reload_in_progress",
	"nodelist.local_node_pos",
};

/* Prefixes of keys that only the file sets: those that it no longer has are deleted. Keys of other sections stay. */
static const char *const replaced_prefixes[] = {
	"coterie.access.",
	"coterie.totem.",
	"logging.",
	"nodelist.",
	"nozzle.",
	"quorum.",
	"runtime.config.totem.interface.", /* of removed links */
	"runtime.config.totem.ip_dscp",    /* exists only while the option is set */
	"runtime.config.totem.silence",
	"totem.",
	"uidgid.config.",
};

static bool begins(const char *key, const char *prefix) { return strncmp(key, prefix, strlen(prefix)) == 0; }

/*
 * Publish entries that begin with the prefix, but not with the exception. The ring's key is never
 * published.
 */
static int publish_entries(const struct config *config, struct map *map, const char *prefix, const char *exception)
{
	int rc = 0;

	for (uint32_t i = 0; i < config->entry_count && rc == 0; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (begins(entry->key, prefix) && strcmp(entry->key, "totem.key") != 0 &&
			(exception == NULL || !begins(entry->key, exception)))
			rc = map_set(map, entry->key, entry->type, entry->value, entry->size);
	}
	return rc;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Call run for each key of the map that is not in keys (ascending, of the new configuration). */
static int each_missing(struct map *map, const char *prefix, const char *const *keys, size_t count,
	void (*run)(void *arg, const char *key, const struct map_value *value), void *arg)
{
	struct map_iterator *iterator = map_iterator_create(map, prefix);
	struct map_value value;
	const char *key;

	if (iterator == NULL)
		return -ENOMEM;
	while ((key = map_iterator_next(iterator, &value)) != NULL)
		if (bsearch(&key, keys, count, sizeof(*keys), compare_keys) == NULL)
			run(arg, key, &value);
	map_iterator_destroy(iterator);
	return 0;
}

/* Call run for each key of the map that this configuration removes. */
static int each_gone(const struct config *config, struct map *map,
	void (*run)(void *arg, const char *key, const struct map_value *value), void *arg)
{
	size_t count = config->entry_count;
	const char **keys = calloc(count + 1, sizeof(*keys));
	int rc = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		keys[i] = config->entries[i].key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < sizeof(replaced_prefixes) / sizeof(replaced_prefixes[0]) && rc == 0; i++)
		rc = each_missing(map, replaced_prefixes[i], keys, count, run, arg);
	free(keys);
	return rc;
}

static void delete_one(void *arg, const char *key, const struct map_value *value)
{
	(void)value;
	map_delete(arg, key);
}

int config_publish_changes(const struct config *config, struct map *map)
{
	int rc = each_gone(config, map, delete_one, map);

	return rc < 0 ? rc : publish_entries(config, map, "", NULL);
}

/* --- changes that a reload would make --- */

static void value_text(const struct map_value *value, char *text, size_t size)
{
	if (value->type == COTERIE_MAP_STRING)
		snprintf(text, size, "%s", (const char *)value->bytes);
	else if (!config_integer_text(value, text, size))
		snprintf(text, size, "(%u bytes)", value->size);
}

struct listing {
	config_change run;
	void *arg;
};

static void list_gone(void *arg, const char *key, const struct map_value *value)
{
	const struct listing *listing = arg;
	char before[256];

	if (begins(key, "runtime."))
		return;
	value_text(value, before, sizeof(before));
	listing->run(listing->arg, key, NULL, before);
}

int config_each_change(const struct config *config, struct map *map, config_change run, void *arg)
{
	struct listing listing = {run, arg};
	struct map_value value;
	char before[256], now[256];

	for (uint32_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		const struct map_value wanted = {.type = entry->type, .size = entry->size, .bytes = entry->value};

		if (begins(entry->key, "runtime.") || strcmp(entry->key, "totem.key") == 0)
			continue;
		bool has_value = map_get(map, entry->key, &value) == 0;

		if (has_value && value.type == wanted.type && value.size == wanted.size &&
			memcmp(value.bytes, wanted.bytes, wanted.size) == 0)
			continue;
		value_text(&wanted, now, sizeof(now));
		if (has_value)
			value_text(&value, before, sizeof(before));
		run(arg, entry->key, now, has_value ? before : NULL);
	}
	return each_gone(config, map, list_gone, &listing);
}

int config_publish_runtime(const struct config *config, struct map *map)
{
	/* Do not publish ping times of links: they stay until the next reload, as in the reference. */
	return publish_entries(config, map, "runtime.config.totem.", "runtime.config.totem.interface.");
}

int config_publish(const struct config *config, struct map *map)
{
	int rc = publish_entries(config, map, "", NULL);

	for (size_t i = 0; i < sizeof(protected_prefixes) / sizeof(protected_prefixes[0]) && rc == 0; i++)
		rc = map_protect(map, protected_prefixes[i], true);
	for (size_t i = 0; i < sizeof(protected_keys) / sizeof(protected_keys[0]) && rc == 0; i++)
		rc = map_protect(map, protected_keys[i], false);
	return rc;
}
