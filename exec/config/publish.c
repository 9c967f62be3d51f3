/* The model into the map, and what clients may not write there (spec 07 §2.1). */
#include "exec/config/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exec/map.h"

static const char *const protected_prefixes[] = {
	"internal_configuration.",
	"runtime.services.",
	"runtime.config.",
	"runtime.totem.",
	"uidgid.config.",
	"system.",
	"nodelist.",
};

static const char *const protected_keys[] = {
	"totem.crypto_cipher",
	"totem.crypto_hash",
	"totem.crypto_model",
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

/* What the file alone decides; other sections keep the keys that it no longer has. */
static const char *const replaced_prefixes[] = {
	"logging.",
	"nodelist.",
	"nozzle.",
	"quorum.",
	"runtime.config.totem.interface.", /* of links that are gone */
	"totem.",
	"uidgid.config.",
};

static bool begins(const char *key, const char *prefix)
{
	return strncmp(key, prefix, strlen(prefix)) == 0;
}

/* Those that begin so but not like the exception. The ring's key is nobody's to read. */
static int publish_entries(
	const struct config *config, struct map *map, const char *prefix, const char *exception)
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

/* keys: count of the new configuration, ascending. */
static int delete_missing(struct map *map, const char *prefix, const char *const *keys, size_t count)
{
	struct map_iterator *iterator = map_iterator_create(map, prefix);
	const char *key;

	if (iterator == NULL)
		return -ENOMEM;
	while ((key = map_iterator_next(iterator, NULL)) != NULL)
		if (bsearch(&key, keys, count, sizeof(*keys), compare_keys) == NULL)
			map_delete(map, key);
	map_iterator_destroy(iterator);
	return 0;
}

int config_publish_changes(const struct config *config, struct map *map)
{
	size_t count = config->entry_count;
	const char **keys = calloc(count + 1, sizeof(*keys));
	int rc = 0;

	if (keys == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		keys[i] = config->entries[i].key;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 0;
		i < sizeof(replaced_prefixes) / sizeof(replaced_prefixes[0]) && rc == 0; i++)
		rc = delete_missing(map, replaced_prefixes[i], keys, count);
	free(keys);
	return rc < 0 ? rc : publish_entries(config, map, "", NULL);
}

int config_publish_runtime(const struct config *config, struct map *map)
{
	/* A link's ping times wait for the next reload, as the reference's do (spec 07 §1.13). */
	return publish_entries(
		config, map, "runtime.config.totem.", "runtime.config.totem.interface.");
}

int config_publish(const struct config *config, struct map *map)
{
	int rc = publish_entries(config, map, "", NULL);

	for (size_t i = 0;
		i < sizeof(protected_prefixes) / sizeof(protected_prefixes[0]) && rc == 0; i++)
		rc = map_protect(map, protected_prefixes[i], true);
	for (size_t i = 0; i < sizeof(protected_keys) / sizeof(protected_keys[0]) && rc == 0; i++)
		rc = map_protect(map, protected_keys[i], false);
	return rc;
}
