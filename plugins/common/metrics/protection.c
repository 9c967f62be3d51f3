/* SPDX-License-Identifier: BSD-3-Clause */
/* Determine whether other hosts on the network can read or forge the ring's packets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "plugins/common/metrics/metrics.h"

static void read_word(
	const struct metrics_source *source, const char *key, const char *otherwise, char word[METRICS_VALUE_MAX])
{
	char bytes[METRICS_VALUE_MAX + 1] = "";
	uint32_t type;

	if (!source->read(source->arg, COTERIE_MAP_CONFIG, key, &type, bytes) || type != COTERIE_MAP_STRING)
		snprintf(bytes, sizeof(bytes), "%s", otherwise);
	memcpy(word, bytes, METRICS_VALUE_MAX);
	word[METRICS_VALUE_MAX - 1] = '\0';
}

static bool is_word(const struct metrics_source *source, const char *key, const char *otherwise, const char *want)
{
	char word[METRICS_VALUE_MAX];

	read_word(source, key, otherwise, word);
	return strcmp(word, want) == 0;
}

/*
 * Return whether an address is of the loopback. Of host names only localhost counts, since others may have any address.
 */
static bool is_loopback(const char *text)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, text, &four) == 1)
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, text, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == IN_LOOPBACKNET);
	return strcmp(text, "localhost") == 0;
}

struct walk {
	const struct metrics_source *source;
	const char *end; /* ending of the names of those keys that have an address */
	uint32_t count, loopback_count;
};

static bool see_address(void *arg, const char *key)
{
	struct walk *walk = arg;
	size_t length = strlen(key), end = strlen(walk->end);
	char address[METRICS_VALUE_MAX];

	if (length < end || strcmp(key + length - end, walk->end) != 0)
		return true;
	read_word(walk->source, key, "", address);
	walk->count++;
	walk->loopback_count += is_loopback(address);
	return true;
}

enum metrics_protection metrics_protection(const struct metrics_source *source)
{
	const bool is_secure = is_word(source, "totem.secauth", "off", "on");
	struct walk walk = {.source = source, .end = "_addr"};

	if (!is_word(source, "totem.crypto_cipher", is_secure ? "aes256" : "none", "none") ||
		!is_word(source, "totem.encryption", "none", "none"))
		return METRICS_PROTECTION_ENCRYPTED;
	if (!is_word(source, "totem.transport", "knet", "knet") && !is_word(source, "totem.transport", "", "udp") &&
		!is_word(source, "totem.transport", "", "udpu"))
		return METRICS_PROTECTION_UNKNOWN;
	source->each(source->arg, COTERIE_MAP_CONFIG, "nodelist.node.", see_address, &walk);
	if (walk.count == 0) {
		walk.end = ".bindnetaddr";
		source->each(source->arg, COTERIE_MAP_CONFIG, "totem.interface.", see_address, &walk);
	}
	if (walk.count == 0)
		return METRICS_PROTECTION_UNKNOWN;
	if (walk.loopback_count == walk.count)
		return METRICS_PROTECTION_LOOPBACK;
	return is_word(source, "totem.crypto_hash", is_secure ? "sha256" : "none", "none")
		       ? METRICS_PROTECTION_NONE
		       : METRICS_PROTECTION_AUTHENTICATED;
}
