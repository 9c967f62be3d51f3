/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of the transport: its state, and the calls between them. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "transports/common/udp_link.h"

struct udp {
	struct udp_link link; /* first: the shared operations take it for the whole */
	unsigned int index;   /* of the interface that is used; 0: none yet */
	int joined_rc;        /* how the last attempt ended */
	uint8_t ttl;          /* of multicasts: networks they may pass */
	bool is_broadcast;    /* the group is the broadcast address */
	bool has_neighbours;  /* peers live on this host too */
};

/* --- group.c --- */

/**
 * Read which group to use from the map: totem.interface.0.mcastaddr, broadcast and ttl.
 *
 * @param local  this node's address, whose port is that of the group; borrowed
 * @return 0; -EINVAL: no such address, or a broadcast without IPv4; -EAFNOSUPPORT: of another
 * family than local. All are logged.
 */
int udp_group_configure(struct udp *udp, const struct sockaddr *local);

/** Hook attach of the link: joined on the interface of the link's address, sending there too. */
int udp_group_attach(struct udp_link *link);
/** Call this after peers were added or removed: multicasts are looped back on this host if a peer runs here. */
void udp_group_neighbours(struct udp *udp);

#endif
