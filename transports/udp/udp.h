/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the files of the transport udp: its state, and functions that more than one file calls. */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include <stdbool.h>
#include <stdint.h>

#include "transports/common/udp_link.h"

struct udp {
	struct udp_link link; /* first member: the shared operations get a pointer to it */
	unsigned int index;   /* of the interface that is used; 0: none yet */
	int joined_rc;        /* result of the last attempt to join the group */
	uint8_t ttl;          /* of multicasts: how many networks they may pass */
	bool is_broadcast;    /* the group is the broadcast address */
	bool has_neighbours;  /* this host has other peers too */
};

/* --- group.c --- */

/**
 * Read the group from the map: totem.interface.0.mcastaddr, broadcast and ttl.
 *
 * @param local  this node's address, whose port is that of the group; borrowed
 * @return 0; -EINVAL: no such address, or a broadcast without IPv4; -EAFNOSUPPORT: the family is not that of local. All
 *     errors are logged.
 */
int udp_group_configure(struct udp *udp, const struct sockaddr *local);

/** Hook `attach` of the link: join the group on the interface of the link's address, and send there too. */
int udp_group_attach(struct udp_link *link);
/** Loop multicasts back on this host if a peer runs here. Call this after peers were added or removed. */
void udp_group_neighbours(struct udp *udp);

#endif
