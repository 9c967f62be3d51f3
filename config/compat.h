/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts about Corosync's file: names, words, defaults and texts that files, tools and
 * operators know. These are tables for the code of config/, which names no plugin. Rules of a
 * plugin are in its own check. Private to config/.
 */
#ifndef CONFIG_COMPAT_H
#define CONFIG_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

/** The transport of a file that names none. */
#define COMPAT_TRANSPORT "knet"
/** The plugin that is the quorum provider of a coterie.conf that names none. */
#define COMPAT_PROVIDER "votequorum"

/** Keys of links: totem.interface.N.NAME. */
#define COMPAT_LINK_PRIORITY "knet_link_priority"
#define COMPAT_LINK_PROTOCOL "knet_transport"
#define COMPAT_LINK_PING_INTERVAL "knet_ping_interval"
#define COMPAT_LINK_PING_TIMEOUT "knet_ping_timeout"
#define COMPAT_LINK_PONG_COUNT "knet_pong_count"

/** Texts of the reference about transports with one link. */
#define COMPAT_TEXT_LINKS \
	"%u is too many configured interfaces for non-Knet transport: keep one link, or use " \
	"'transport: knet'"
#define COMPAT_TEXT_PRIORITY \
	"Can only set link priority on knet transport type for interface %u: remove it or use " \
	"'transport: knet'"
#define COMPAT_TEXT_CRYPTO \
	"crypto_cipher & crypto_hash are only valid for the Knet transport: remove them or use " \
	"'transport: knet'"
#define COMPAT_TEXT_LINK_PROTOCOL \
	"New config has different knet transport for link %u (%s instead of %s): remove the " \
	"link, reload, then add it again"

/** A transport of the reference. */
struct compat_transport {
	const char *name;
	bool has_one_link;     /* it has only link 0, and node ids may be derived from IPv4 addresses */
	bool has_cipher;       /* it has crypto_cipher and crypto_hash. Otherwise it has `encryption` */
	uint32_t ping_step_ms; /* pings are sent at multiples of this, milliseconds, or 0: its links have no pings */
};
/** Find a transport of the reference. NULL: another plugin. */
const struct compat_transport *compat_transport(const char *name);

/** Return the plugin of a name in quorum.provider. */
const char *compat_provider_plugin(const char *provider);

/** A key that takes fixed words. */
struct compat_words {
	const char *key;   /* or NAME of totem.interface.N.NAME */
	const char *words; /* words that the key takes, separated by spaces */
};
/** Return an entry of the list of keys with fixed words. NULL: after the last one. */
const struct compat_words *compat_words_at(uint32_t index);
/** The words of LINK_PROTOCOL. The first is the default. */
extern const struct compat_words compat_link_protocol;

/** A default that the map shows below runtime.config.totem., whether the transport uses it or not.
 */
struct compat_default {
	const char *name;
	uint32_t type;    /* COTERIE_MAP_* */
	const char *text; /* value, if the type is a text */
	uint64_t number;  /* value, if the type is an integer */
};
/** Return an entry of the list of defaults. NULL: after the last one. */
const struct compat_default *compat_default_at(uint32_t index);

/** Subsystems under which this daemon logs, or existing libraries and tools do: sorted, separated by blanks. */
extern const char compat_subsystems[];

#endif
