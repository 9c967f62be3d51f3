/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface that has an address: whether it exists, whether it is up, and when this changes. */
#ifndef COMMON_INTERFACE_H
#define COMMON_INTERFACE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "transports/common/peers.h"

/** State of an address on this host. */
enum interface_state {
	INTERFACE_UP,
	INTERFACE_NO_ADDRESS, /* no interface has the address */
	INTERFACE_DOWN,       /* the interface is switched off */
	INTERFACE_NO_CARRIER, /* the interface is switched on, but the cable or the switch is not connected */
};

/**
 * Return the state of an address. Every address of 127.0.0.0/8 counts as one of the loopback interface.
 *
 * @param address  IPv4 or IPv6; the port is ignored; borrowed
 * @return the state; INTERFACE_UP if the system does not give it: then bind and send will show errors
 */
enum interface_state interface_state(const struct sockaddr *address);

/** Return the index of the interface that has the address, or 0: none has it. */
unsigned int interface_index(const struct sockaddr *address);

/** Return whether this host has the address of a peer other than the local node. */
bool interface_has_neighbour(const struct peers *peers);

/** Return the state in words, for the log, for example "the address is not on this host". */
const char *interface_state_text(enum interface_state state);

/**
 * Open a socket that becomes readable when an interface or an address changes.
 *
 * @return the socket, not blocking, caller closes; -errno: the system has no such socket, so the caller must poll
 */
int interface_watch_open(void);

/** Read and drop all messages that wait on the socket. @return whether there were any */
bool interface_watch_read(int fd);

#endif
