/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/fixed_keys.h"

#include <string.h>

#define NAMES(array) \
	{ \
		.list = (array), .count = sizeof(array) / sizeof((array)[0]) \
	}

static const char *const keys[] = {
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
const struct fixed_names fixed_keys = NAMES(keys);

static const char *const crypto_keys[] = {
	"totem.secauth",
	"totem.crypto_model",
	"totem.crypto_cipher",
	"totem.crypto_hash",
	"totem.encryption",
	"totem.keyfile",
	"totem.key",
};
const struct fixed_names fixed_crypto_keys = NAMES(crypto_keys);

static const char *const link_keys[] = {"ttl", "mcastaddr", "broadcast"};
const struct fixed_names fixed_link_keys = NAMES(link_keys);

static const char *const refused_link_keys[] = {"knet_transport", "mcastport"};
const struct fixed_names fixed_refused_link_keys = NAMES(refused_link_keys);

bool fixed_names_have(const struct fixed_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i], name) == 0)
			return true;
	return false;
}

const char *fixed_link_name(const char *key)
{
	static const char prefix[] = "totem.interface.";
	const char *at = key + strlen(prefix);

	if (strncmp(key, prefix, strlen(prefix)) != 0)
		return NULL;
	at += strspn(at, "0123456789");
	return *at == '.' ? at + 1 : NULL;
}

bool fixed_is_key(const char *key, bool can_rekey)
{
	const char *name = fixed_link_name(key);

	if (name != NULL)
		return fixed_names_have(&fixed_link_keys, name) || fixed_names_have(&fixed_refused_link_keys, name);
	return fixed_names_have(&fixed_keys, key) || (!can_rekey && fixed_names_have(&fixed_crypto_keys, key));
}
