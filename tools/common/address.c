/*
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "tools/common/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

cs_error_t node_addresses_get(corosync_cfg_handle_t cfg, unsigned int node_id, struct node_addresses *addresses)
{
	int count = 0;
	cs_error_t rc = corosync_cfg_get_node_addrs(cfg, node_id, CFG_MAX_LINKS, &count, addresses->links);

	if (rc != CS_OK)
		return rc;
	addresses->count = count < 0 ? 0 : (size_t)count;
	if (addresses->count > CFG_MAX_LINKS)
		addresses->count = CFG_MAX_LINKS;
	return CS_OK;
}

/*
 * Call getnameinfo with these flags. libcfg leaves some bytes of the address undefined, so only the used bytes are
 * copied.
 */
static bool lookup(const corosync_cfg_node_address_t *address, int flags, char *text)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} plain = {0}, given;
	socklen_t size;

	text[0] = '\0';
	_Static_assert(sizeof(given) == sizeof(address->address), "an address has room for IPv6");
	memcpy(&given, address->address, sizeof(given));
	switch (given.any.sa_family) {
	case AF_INET:
		size = sizeof(plain.in);
		plain.in.sin_addr = given.in.sin_addr;
		break;
	case AF_INET6:
		size = sizeof(plain.in6);
		plain.in6.sin6_addr = given.in6.sin6_addr;
		break;
	default:
		return false;
	}
	plain.any.sa_family = given.any.sa_family;
	if (getnameinfo(&plain.any, size, text, ADDRESS_TEXT_MAX, NULL, 0, flags) == 0)
		return true;
	text[0] = '\0';
	return false;
}

bool address_text(const corosync_cfg_node_address_t *address, char text[ADDRESS_TEXT_MAX])
{
	return lookup(address, NI_NUMERICHOST, text);
}

bool address_name(const corosync_cfg_node_address_t *address, char text[ADDRESS_TEXT_MAX])
{
	return lookup(address, 0, text);
}
