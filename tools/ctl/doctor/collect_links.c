/* SPDX-License-Identifier: BSD-3-Clause */
/* Collect the addresses of the nodes, and the interfaces of this host that carry the ring. */
#include "tools/ctl/doctor/collect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/lookup.h"
#include "tools/ctl/doctor/address.h"

/* --- names --- */

/*
 * Resolve one name. left_ms: time that is left for all names together. When it is used up, only numeric addresses are
 * accepted.
 */
static void resolve(const struct doctor_facts *facts, struct doctor_member *member, int link, int64_t *left_ms)
{
	const char *version = doctor_text(&facts->config, "totem.ip_version");
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
	int64_t begin = lookup_now_ms();

	if (version != NULL && (strcmp(version, "ipv4") == 0 || strcmp(version, "ipv6") == 0))
		hints.ai_family = version[3] == '4' ? AF_INET : AF_INET6;
	int rc = lookup_name(member->addresses[link], &hints, *left_ms, &found);

	if (rc == EAI_INPROGRESS) {
		member->is_not_looked_up[link] = *left_ms <= 0;
		hints.ai_flags = AI_NUMERICHOST;
		rc = getaddrinfo(member->addresses[link], NULL, &hints, &found);
	}
	if (rc == 0) {
		member->is_not_looked_up[link] = false;
		address_number(found->ai_addr, member->resolved[link]);
		freeaddrinfo(found);
	}
	member->resolve_ms[link] = lookup_now_ms() - begin;
	*left_ms -= member->resolve_ms[link];
}

static bool is_local_address(const struct ifaddrs *list, const char *address)
{
	char text[DOCTOR_ADDRESS_SIZE];

	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next)
		if (one->ifa_addr != NULL && address_number(one->ifa_addr, text) && strcmp(text, address) == 0)
			return true;
	return false;
}

void collect_names(struct doctor_facts *facts)
{
	struct ifaddrs *list = NULL;
	int64_t left_ms = LOOKUP_LIMIT_MS;

	if (getifaddrs(&list) < 0)
		list = NULL;
	for (size_t i = 0; i < facts->member_count; i++) {
		struct doctor_member *member = &facts->members[i];

		for (int link = 0; link < DOCTOR_LINKS_MAX; link++) {
			if (member->addresses[link][0] != '\0')
				resolve(facts, member, link, &left_ms);
			if (facts->self == 0 && member->resolved[link][0] != '\0' &&
				is_local_address(list, member->resolved[link]))
				facts->self = member->id;
		}
	}
	freeifaddrs(list);
}

/* --- interfaces --- */

static void ask_interface(struct doctor_link *link)
{
	struct ifreq request = {.ifr_flags = 0};
	struct ethtool_link_settings settings = {.cmd = ETHTOOL_GLINKSETTINGS};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(request.ifr_name, IFNAMSIZ, "%.15s", link->interface);
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		link->mtu = request.ifr_mtu;
	/*
	 * The first request has no room for the link modes. The kernel then returns the room that it needs, and the
	 * second request returns the speed.
	 */
	union {
		struct ethtool_link_settings settings;
		uint8_t bytes[sizeof(settings) + 3 * 128 * sizeof(uint32_t)];
	} answer = {.settings = settings};

	request.ifr_data = (void *)&answer;
	if (ioctl(fd, SIOCETHTOOL, &request) == 0 && answer.settings.link_mode_masks_nwords < 0) {
		answer.settings.cmd = ETHTOOL_GLINKSETTINGS;
		answer.settings.link_mode_masks_nwords = (int8_t)-answer.settings.link_mode_masks_nwords;
		if (ioctl(fd, SIOCETHTOOL, &request) == 0 && answer.settings.speed != (uint32_t)SPEED_UNKNOWN &&
			answer.settings.speed > 0)
			link->speed_mbit = answer.settings.speed;
	}
	close(fd);
}

static void find_interface(const struct ifaddrs *list, struct doctor_link *link)
{
	char text[DOCTOR_ADDRESS_SIZE];

	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
		if (one->ifa_addr == NULL || !address_number(one->ifa_addr, text) || strcmp(text, link->address) != 0)
			continue;
		snprintf(link->interface, sizeof(link->interface), "%s", one->ifa_name);
		link->is_up = (one->ifa_flags & IFF_UP) != 0;
		link->has_carrier = (one->ifa_flags & IFF_RUNNING) != 0;
	}
}

/* Read the counters of an interface. They have 32 bits and wrap around, so only differences have a meaning. */
static void read_counters(const struct ifaddrs *list, const struct doctor_link *link, uint32_t *rx, uint32_t *tx)
{
	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_PACKET || one->ifa_data == NULL ||
			strcmp(one->ifa_name, link->interface) != 0)
			continue;
		const struct rtnl_link_stats *stats = one->ifa_data;

		*rx = stats->rx_bytes;
		*tx = stats->tx_bytes;
	}
}

static void try_port(const struct doctor_facts *facts, struct doctor_link *link)
{
	struct sockaddr_storage local;
	socklen_t size = address_parse(link->address, doctor_port(facts, link->number), &local);
	int fd = size != 0 ? socket(local.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0)
		return;
	link->is_port_taken = bind(fd, (struct sockaddr *)&local, size) < 0 && errno == EADDRINUSE;
	close(fd);
}

void collect_links_begin(struct doctor_facts *facts)
{
	const struct doctor_member *self = facts->self != 0 ? doctor_member(facts, facts->self) : NULL;
	struct ifaddrs *list = NULL;

	if (self == NULL || getifaddrs(&list) < 0)
		return;
	for (uint32_t number = 0; number < DOCTOR_LINKS_MAX; number++) {
		struct doctor_link *link = &facts->links[facts->link_count];
		uint32_t rx = 0, tx = 0;

		if (self->addresses[number][0] == '\0')
			continue;
		*link = (struct doctor_link){.number = number, .mtu = DOCTOR_UNKNOWN, .speed_mbit = DOCTOR_UNKNOWN};
		memcpy(link->address, self->resolved[number], sizeof(link->address));
		find_interface(list, link);
		if (link->interface[0] != '\0')
			ask_interface(link);
		read_counters(list, link, &rx, &tx);
		link->rx_bytes = rx;
		link->tx_bytes = tx;
		if (!facts->is_running)
			try_port(facts, link);
		facts->link_count++;
	}
	freeifaddrs(list);
}

void collect_links_end(struct doctor_facts *facts)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (uint32_t i = 0; i < facts->link_count; i++) {
		struct doctor_link *link = &facts->links[i];
		uint32_t rx = (uint32_t)link->rx_bytes, tx = (uint32_t)link->tx_bytes;

		read_counters(list, link, &rx, &tx);
		link->rx_bytes = (uint32_t)(rx - (uint32_t)link->rx_bytes);
		link->tx_bytes = (uint32_t)(tx - (uint32_t)link->tx_bytes);
	}
	freeifaddrs(list);
}
