/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/compat.h"

#include <stddef.h>
#include <string.h>

#include <coterie/plugin.h>

#include "config/tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct compat_transport transports[] = {
	{.name = "knet", .has_cipher = true, .ping_step_ms = 200},
	{.name = "udp", .has_one_link = true},
	{.name = "udpu", .has_one_link = true},
};

/* Quorum providers whose plugins have another name than in corosync.conf. */
static const struct provider {
	const char *name, *plugin;
} providers[] = {
	{"corosync_votequorum", "votequorum"},
};

/* Names of services, by their ring ids. */
static const char *const services[] = {"cmap", "cfg", "cpg", "quorum", "pload", "votequorum", "mon", "wd"};

static const struct compat_words words[] = {
	{"totem.ip_version", "ipv4 ipv6 ipv4-6 ipv6-4"},
	{"totem.link_mode", "passive active rr"},
	{"totem.crypto_model", "nss openssl"},
	{"totem.crypto_cipher", "none aes256 aes192 aes128"},
	{"totem.crypto_hash", "none md5 sha1 sha256 sha384 sha512"},
	{"totem.encryption", "none aes256-gcm chacha20-poly1305"},
	/* The reference refuses `none` if it is written. Here it is accepted. */
	{"totem.knet_compression_model", "none zlib lz4 lz4hc lzo2 lzma bzip2 zstd"},
	{"system.qb_ipc_type", "native shm socket"},
	{"system.sched_rr", "yes no"},
	{"system.move_to_root_cgroup", "yes no auto"},
	{"system.allow_knet_handle_fallback", "yes no"},
};

const struct compat_words compat_link_protocol = {COMPAT_LINK_PROTOCOL, "udp sctp"};

static const struct compat_default defaults[] = {
	{.name = "knet_pmtud_interval", .type = COTERIE_MAP_U32, .number = 30},
	{.name = "knet_mtu", .type = COTERIE_MAP_U32},
	{.name = "knet_compression_threshold", .type = COTERIE_MAP_U32},
	{.name = "knet_compression_model", .type = COTERIE_MAP_STRING, .text = "none"},
	{.name = "knet_compression_level", .type = COTERIE_MAP_I32},
};

const char compat_subsystems[] =
	"APIDEF CFG CMAP CPG EVS KNET MAIN MON PLOAD QB QDEVICE QUORUM SERV STATS SYNC TOTEM UDP "
	"UDPU VOTEQ WD YKD";

const struct compat_transport *compat_transport(const char *name)
{
	for (size_t i = 0; i < COUNT(transports); i++)
		if (strcmp(transports[i].name, name) == 0)
			return &transports[i];
	return NULL;
}

bool config_transport_is_standard(const char *name) { return compat_transport(name) != NULL; }

bool is_ip_transport(const char *name)
{
	const struct compat_transport *transport = compat_transport(name);

	return transport != NULL && transport->has_one_link;
}

const char *compat_provider_plugin(const char *provider)
{
	for (size_t i = 0; i < COUNT(providers); i++)
		if (strcmp(providers[i].name, provider) == 0)
			return providers[i].plugin;
	return provider;
}

const char *config_provider_name(const char *plugin)
{
	if (plugin == NULL)
		plugin = COMPAT_PROVIDER;
	for (size_t i = 0; i < COUNT(providers); i++)
		if (strcmp(providers[i].plugin, plugin) == 0)
			return providers[i].name;
	return plugin;
}

const char *config_service_at(uint32_t ring_id) { return ring_id < COUNT(services) ? services[ring_id] : NULL; }

const struct compat_words *compat_words_at(uint32_t index) { return index < COUNT(words) ? &words[index] : NULL; }

const struct compat_default *compat_default_at(uint32_t index)
{
	return index < COUNT(defaults) ? &defaults[index] : NULL;
}
