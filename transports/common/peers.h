/* SPDX-License-Identifier: BSD-3-Clause */
/* The peers of one link: their ids and addresses, and the search for the peer that has an address. */
#ifndef COMMON_PEERS_H
#define COMMON_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "transports/common/batch.h"

/** Size of an address as text with port: "[v6%scope]:port". */
#define ADDRESS_TEXT_SIZE 80

/** One node on the link. */
struct peer {
	uint32_t nodeid;
	bool is_local;
	socklen_t address_size;
	struct sockaddr_storage address;
	uint64_t heard_ns; /* arrival of the last datagram; 0: never */
	/* when its host last reported that no process listens, or 0: no such report since its last datagram */
	uint64_t refused_ns;
	uint64_t away_ns; /* when a frame was last sent to it in spite of that report */
	uint64_t send_errors;
	struct batch_offload offload; /* limits of the path to it */
	uint64_t stranger_ns;         /* arrival of the last datagram with another key, or without one; 0: never */
	const char *stranger_word;    /* "key", "clear" or "sealed" */
};

/** The table of peers: ascending by node id, each id once. */
struct peers {
	struct peer *list; /* count elements */
	uint32_t count, capacity;
	uint32_t hit; /* index at which the last address was found: bursts come from one node */
};

void peers_init(struct peers *peers);
void peers_fini(struct peers *peers);

/**
 * Add a node.
 *
 * @param address  IPv4 or IPv6 with port; copied
 * @return 0; -EAFNOSUPPORT: another family; -EEXIST: the node is there already; -ENOMEM
 */
int peers_add(struct peers *peers, uint32_t nodeid, bool is_local, const struct sockaddr *address);

/** Delete a node. @return 0; -ENOENT */
int peers_del(struct peers *peers, uint32_t nodeid);

/** Return the node's entry, borrowed until the next add or del, or NULL: no such node. */
struct peer *peers_find(struct peers *peers, uint32_t nodeid);

/**
 * Find the peer that has this source address. The port is ignored, since peers may send from any port
 * (book transports, "udpu"). If several nodes share the address, return the node that also has this port. Otherwise
 * prefer another node to the local one.
 *
 * @return borrowed until the next add or del; NULL: the address is not listed
 */
struct peer *peers_find_address(struct peers *peers, const struct sockaddr *from);

/**
 * Return the node at position `index` of the order in which a batch is sent. The order is by ascending ids, and begins
 * behind the local node. The ring's token takes the same way, and the successor needs the frames first.
 *
 * @param index  0 .. count - 1
 * @return borrowed until the next add or del; may be the local node
 */
struct peer *peers_in_ring_order(struct peers *peers, uint32_t index);

/** Return the size of this address, bytes, or 0: neither IPv4 nor IPv6. */
socklen_t address_size(const struct sockaddr *address);

/** Return whether family and address bytes are equal. Port and scope are ignored. */
bool address_equal(const struct sockaddr *a, const struct sockaddr *b);

/** Return the port in host order, or 0: the family has no ports. */
uint16_t address_port(const struct sockaddr *address);

/** Write an address as text: "10.0.0.1:5405", "[fd00::1]:5405". Return text. */
const char *address_text(const struct sockaddr *address, char text[ADDRESS_TEXT_SIZE]);

#endif
