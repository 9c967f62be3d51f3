/* The model into the map, and what clients may not write there (spec 07 §2.1). */
#include "exec/config/model.h"

#include <errno.h>

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

int config_publish(const struct config *config, struct map *map)
{
	int rc = 0;

	for (uint32_t i = 0; i < config->entry_count && rc == 0; i++) {
		const struct config_entry *entry = &config->entries[i];

		rc = map_set(map, entry->key, entry->type, entry->value, entry->size);
	}
	for (size_t i = 0;
		i < sizeof(protected_prefixes) / sizeof(protected_prefixes[0]) && rc == 0; i++)
		rc = map_protect(map, protected_prefixes[i], true);
	for (size_t i = 0; i < sizeof(protected_keys) / sizeof(protected_keys[0]) && rc == 0; i++)
		rc = map_protect(map, protected_keys[i], false);
	return rc;
}
