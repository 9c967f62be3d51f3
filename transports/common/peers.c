/* SPDX-License-Identifier: BSD-3-Clause */
#include "transports/common/peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies are made, since neither type may be read by a pointer to the other one, or at an unaligned address. */
static struct sockaddr_in as_v4(const struct sockaddr *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof(in));
	return in;
}

static struct sockaddr_in6 as_v6(const struct sockaddr *address)
{
	struct sockaddr_in6 in6;

	memcpy(&in6, address, sizeof(in6));
	return in6;
}

socklen_t address_size(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	if (address->sa_family == AF_INET6)
		return sizeof(struct sockaddr_in6);
	return 0;
}

bool address_equal(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return as_v4(a).sin_addr.s_addr == as_v4(b).sin_addr.s_addr;
	if (a->sa_family == AF_INET6) {
		struct sockaddr_in6 left = as_v6(a);
		struct sockaddr_in6 right = as_v6(b);

		return memcmp(&left.sin6_addr, &right.sin6_addr, sizeof(left.sin6_addr)) == 0;
	}
	return false;
}

uint16_t address_port(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohs(as_v4(address).sin_port);
	if (address->sa_family == AF_INET6)
		return ntohs(as_v6(address).sin6_port);
	return 0;
}

const char *address_text(const struct sockaddr *address, char text[ADDRESS_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->sa_family == AF_INET) {
		struct sockaddr_in in = as_v4(address);

		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(in.sin_port));
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6 = as_v6(address);

		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(in6.sin6_port));
	} else {
		snprintf(text, ADDRESS_TEXT_SIZE, "address of family %d", address->sa_family);
	}
	return text;
}

void peers_init(struct peers *peers) { memset(peers, 0, sizeof(*peers)); }

void peers_fini(struct peers *peers)
{
	free(peers->list);
	peers_init(peers);
}

/* Return the index of the node, or the index at which it must be inserted. */
static uint32_t position(const struct peers *peers, uint32_t nodeid)
{
	uint32_t low = 0;
	uint32_t high = peers->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (peers->list[middle].nodeid < nodeid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int peers_add(struct peers *peers, uint32_t nodeid, bool is_local, const struct sockaddr *address)
{
	socklen_t size = address_size(address);
	uint32_t at = position(peers, nodeid);

	if (size == 0)
		return -EAFNOSUPPORT;
	if (at < peers->count && peers->list[at].nodeid == nodeid)
		return -EEXIST;
	if (peers->count == peers->capacity) {
		uint32_t capacity = peers->capacity == 0 ? 8 : 2 * peers->capacity;
		struct peer *list = reallocarray(peers->list, capacity, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		peers->list = list;
		peers->capacity = capacity;
	}
	memmove(&peers->list[at + 1], &peers->list[at], (peers->count - at) * sizeof(*peers->list));
	peers->count++;

	struct peer *peer = &peers->list[at];

	memset(peer, 0, sizeof(*peer));
	peer->nodeid = nodeid;
	peer->is_local = is_local;
	peer->address_size = size;
	memcpy(&peer->address, address, size);
	return 0;
}

int peers_del(struct peers *peers, uint32_t nodeid)
{
	uint32_t at = position(peers, nodeid);

	if (at == peers->count || peers->list[at].nodeid != nodeid)
		return -ENOENT;
	peers->count--;
	memmove(&peers->list[at], &peers->list[at + 1], (peers->count - at) * sizeof(*peers->list));
	peers->hit = 0;
	return 0;
}

struct peer *peers_find(struct peers *peers, uint32_t nodeid)
{
	uint32_t at = position(peers, nodeid);

	return at < peers->count && peers->list[at].nodeid == nodeid ? &peers->list[at] : NULL;
}

struct peer *peers_find_address(struct peers *peers, const struct sockaddr *from)
{
	struct peer *found = NULL;
	int found_rank = 0;
	uint32_t first = peers->hit;

	for (uint32_t i = 0; i < peers->count; i++) {
		uint32_t at = (first + i) % peers->count;
		struct peer *peer = &peers->list[at];
		const struct sockaddr *address = (const struct sockaddr *)&peer->address;

		if (!address_equal(address, from))
			continue;

		bool has_port = address_port(address) == address_port(from);
		int rank = (has_port ? 3 : 1) + (peer->is_local ? 0 : 1);

		if (rank <= found_rank)
			continue;
		found = peer;
		found_rank = rank;
		peers->hit = at;
		if (rank == 4)
			break;
	}
	return found;
}

struct peer *peers_in_ring_order(struct peers *peers, uint32_t index)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < peers->count; i++) {
		if (peers->list[i].is_local)
			first = i + 1;
	}
	return &peers->list[(first + index) % peers->count];
}
