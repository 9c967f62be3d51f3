/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "transports/common/peers.h"

static bool is_loopback_v4(const struct sockaddr *address)
{
	struct sockaddr_in in;

	if (address->sa_family != AF_INET)
		return false;
	memcpy(&in, address, sizeof(in));
	return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Return whether two addresses, which are equal, may be on one interface: link-local ones have the same scope. */
static bool has_scope(const struct sockaddr *one, const struct sockaddr *other)
{
	struct sockaddr_in6 a, b;

	if (one->sa_family != AF_INET6)
		return true;
	memcpy(&a, one, sizeof(a));
	memcpy(&b, other, sizeof(b));
	return a.sin6_scope_id == 0 || b.sin6_scope_id == 0 || a.sin6_scope_id == b.sin6_scope_id;
}

/* Return the entry of the interface that has the address, or NULL. */
static const struct ifaddrs *find(const struct ifaddrs *list, const struct sockaddr *address)
{
	for (const struct ifaddrs *one = list; one != NULL; one = one->ifa_next) {
		if (one->ifa_addr == NULL)
			continue;
		if ((address_equal(one->ifa_addr, address) && has_scope(one->ifa_addr, address)) ||
			(is_loopback_v4(address) && is_loopback_v4(one->ifa_addr)))
			return one;
	}
	return NULL;
}

enum interface_state interface_state(const struct sockaddr *address)
{
	enum interface_state state = INTERFACE_UP;
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return INTERFACE_UP;

	const struct ifaddrs *found = find(list, address);

	if (found == NULL)
		state = INTERFACE_NO_ADDRESS;
	else if ((found->ifa_flags & IFF_UP) == 0)
		state = INTERFACE_DOWN;
	else if ((found->ifa_flags & IFF_RUNNING) == 0)
		state = INTERFACE_NO_CARRIER;
	freeifaddrs(list);
	return state;
}

unsigned int interface_index(const struct sockaddr *address)
{
	unsigned int index = 0;
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return 0;

	const struct ifaddrs *found = find(list, address);

	if (found != NULL)
		index = if_nametoindex(found->ifa_name);
	freeifaddrs(list);
	return index;
}

bool interface_has_neighbour(const struct peers *peers)
{
	bool is_found = false;
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return true; /* not known, so assume that there is one: that only costs a copy of each multicast */
	for (uint32_t i = 0; i < peers->count && !is_found; i++) {
		const struct peer *peer = &peers->list[i];

		is_found = !peer->is_local && find(list, (const struct sockaddr *)&peer->address) != NULL;
	}
	freeifaddrs(list);
	return is_found;
}

const char *interface_state_text(enum interface_state state)
{
	switch (state) {
	case INTERFACE_UP:
		return "the interface is up";
	case INTERFACE_NO_ADDRESS:
		return "the address is not on this host";
	case INTERFACE_DOWN:
		return "the interface is down";
	case INTERFACE_NO_CARRIER:
		return "the interface has no carrier";
	}
	return "unknown";
}

int interface_watch_open(void)
{
	struct sockaddr_nl name = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

bool interface_watch_read(int fd)
{
	uint8_t buffer[8192]; /* the contents do not matter, only that there was a change */
	bool has_any = false;

	for (;;) {
		ssize_t size = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		/* ENOBUFS: the kernel has dropped changes because this process was slow. So there was a change. */
		if (size < 0 && errno != ENOBUFS && errno != EINTR)
			return has_any;
		has_any = true;
	}
}
