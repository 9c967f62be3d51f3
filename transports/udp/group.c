/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The group: its address, the socket on which its packets arrive, and the options that the sending socket needs for it
 * (book transports, "udp").
 */
#include "transports/udp/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "transports/common/interface.h"

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

#define KEY(name) "totem.interface.0." name

static bool udp_is_v6(const struct udp *udp) { return udp->link.local.ss_family == AF_INET6; }

/* ---- The options of the group -------------------------------------------- */

static const char *udp_text(struct udp *udp, const char *key)
{
	uint32_t type, size;
	const void *value;

	if (udp->link.host->map_get(udp->link.ctx, key, &type, &value, &size) < 0 || type != COTERIE_MAP_STRING)
		return NULL;
	return value;
}

static uint8_t udp_ttl(struct udp *udp)
{
	uint32_t type, size;
	const void *value;

	if (udp->link.host->map_get(udp->link.ctx, KEY("ttl"), &type, &value, &size) < 0 || type != COTERIE_MAP_U8)
		return 1;
	return *(const uint8_t *)value;
}

static int udp_refuse(struct udp *udp, int rc, const char *text, const char *why)
{
	udp->link.host->log(udp->link.ctx, LOG_ERR, "cannot multicast to '%s': %s", text, why);
	return rc;
}

/* Read the address of the group. port is that of the local address, which the executive has set from mcastport. */
static int udp_parse_group(struct udp *udp, const char *text, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct peer *group = &udp->link.group;

	memset(&group->address, 0, sizeof(group->address));
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&group->address, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&group->address, &in6, sizeof(in6));
	else
		return -EINVAL;
	group->address_size = address_size((struct sockaddr *)&group->address);
	return 0;
}

int udp_group_configure(struct udp *udp, const struct sockaddr *local)
{
	const char *broadcast = udp_text(udp, KEY("broadcast"));
	const char *text = udp_text(udp, KEY("mcastaddr"));

	udp->is_broadcast = broadcast != NULL && strcmp(broadcast, "yes") == 0;
	udp->ttl = udp_ttl(udp);
	if (udp->is_broadcast)
		text = "255.255.255.255";
	if (text == NULL)
		return udp_refuse(udp, -EINVAL, "", "no mcastaddr is set");
	if (udp_parse_group(udp, text, address_port(local)) < 0)
		return udp_refuse(udp, -EINVAL, text, "it is not an IP address");
	if (udp->link.group.address.ss_family != local->sa_family)
		return udp_refuse(udp, -EAFNOSUPPORT, text, "this node's address is of the other IP family");
	return 0;
}

/* ---- The sockets --------------------------------------------------------- */

void udp_group_neighbours(struct udp *udp)
{
	struct udp_link *link = &udp->link;

	if (link->fd < 0 || udp->is_broadcast)
		return; /* without a socket attach will be called again, and broadcasts are looped back in any case */
	udp->has_neighbours = interface_has_neighbour(&link->peers);
	if (udp_is_v6(udp))
		socket_set(link->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, udp->has_neighbours);
	else
		socket_set(link->fd, IPPROTO_IP, IP_MULTICAST_LOOP, udp->has_neighbours);
}

/* Set the interface and the hop limit of the sending socket. */
static int udp_aim(struct udp *udp)
{
	int fd = udp->link.fd;
	struct ip_mreqn out = {.imr_ifindex = (int)udp->index};
	int rc;

	if (udp->is_broadcast)
		return socket_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (udp_is_v6(udp)) {
		rc = socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)udp->index);
		return rc < 0 ? rc : socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, udp->ttl);
	}
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) < 0)
		return -errno;
	return socket_set(fd, IPPROTO_IP, IP_MULTICAST_TTL, udp->ttl);
}

/* Join the group on the interface in use, or leave it. */
static int udp_join(const struct udp *udp, int fd, bool is_joining)
{
	const struct sockaddr_storage *group = &udp->link.group.address;
	struct ip_mreqn v4 = {.imr_ifindex = (int)udp->index};
	struct ipv6_mreq v6 = {.ipv6mr_interface = udp->index};
	int rc;

	if (udp_is_v6(udp)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, group, sizeof(in6));
		v6.ipv6mr_multiaddr = in6.sin6_addr;
		rc = setsockopt(fd, IPPROTO_IPV6, is_joining ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &v6, sizeof(v6));
	} else {
		struct sockaddr_in in;

		memcpy(&in, group, sizeof(in));
		v4.imr_multiaddr = in.sin_addr;
		rc = setsockopt(fd, IPPROTO_IP, is_joining ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &v4, sizeof(v4));
	}
	return rc < 0 ? -errno : 0;
}

static int udp_join_anew(const struct udp *udp)
{
	if (udp->is_broadcast)
		return 0;
	udp_join(udp, udp->link.group_fd, false);
	return udp_join(udp, udp->link.group_fd, true);
}

/* Receive only from groups that this socket has joined, not from those that other sockets of this host have joined. */
static void udp_only_joined(const struct udp *udp, int fd)
{
	if (udp_is_v6(udp))
		socket_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	else
		socket_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

static void udp_group_close(struct udp *udp)
{
	struct udp_link *link = &udp->link;

	if (link->group_fd < 0)
		return;
	link->host->fd_del(link->ctx, link->group_fd);
	close(link->group_fd);
	link->group_fd = -1;
}

static int udp_group_open(struct udp *udp)
{
	struct udp_link *link = &udp->link;
	struct sockaddr_storage address = link->group.address;
	struct socket_grant grant;

	if (udp_is_v6(udp))
		((struct sockaddr_in6 *)&address)->sin6_scope_id = udp->index;

	int fd = socket_open_group((struct sockaddr *)&address, link->buffer_size, link->has_offload, &grant);
	int rc = fd;

	if (fd >= 0 && !udp->is_broadcast) {
		rc = udp_join(udp, fd, true);
		udp_only_joined(udp, fd);
	}
	if (rc >= 0)
		rc = link->host->fd_add(link->ctx, fd, COTERIE_FD_IN, 1, udp_link_ready, link);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	link->group_fd = fd;
	udp_link_note_buffer(link, &grant);
	return 0;
}

/*
 * Join the group again if the interface has changed, or is up again. A membership of the group ends when an interface
 * is removed, and a switch drops the membership of an interface that was down. Without such a change do nothing.
 */
int udp_group_attach(struct udp_link *link)
{
	struct udp *udp = (struct udp *)link;
	unsigned int index = interface_index((struct sockaddr *)&link->local);
	char text[ADDRESS_TEXT_SIZE];

	if (index == 0)
		return -EADDRNOTAVAIL;
	if (index != udp->index) {
		udp_group_close(udp);
		udp->index = index;
	} else if (link->group_fd >= 0 && link->is_up) {
		udp_group_neighbours(udp);
		return 0;
	}

	int rc = udp_aim(udp);

	udp_group_neighbours(udp);
	if (rc == 0)
		rc = link->group_fd < 0 ? udp_group_open(udp) : udp_join_anew(udp);
	if (rc < 0)
		udp_group_close(udp);
	if (link->is_reported && rc == udp->joined_rc)
		return rc; /* this result was logged already */
	udp->joined_rc = rc;
	link->host->log(link->ctx, rc < 0 ? LOG_WARNING : LOG_INFO, "%s %s on interface %u: %s",
		udp->is_broadcast ? "broadcasting to" : "multicasting to",
		address_text((struct sockaddr *)&link->group.address, text), index, rc < 0 ? strerror(-rc) : "ready");
	return rc;
}
