/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interface that carries an address: is it there, is it up, and when does that change.
 */
#ifndef COMMON_INTERFACE_H
#define COMMON_INTERFACE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "transports/common/peers.h"

/** State of an address on this host. */
enum interface_state {
	INTERFACE_UP,
	INTERFACE_NO_ADDRESS, /* no interface has it */
	INTERFACE_DOWN,       /* its interface is switched off */
	INTERFACE_NO_CARRIER, /* its interface is on, the cable or the switch is not */
};

/**
 * Look an address up. Every address of 127.0.0.0/8 counts as being on the loopback interface.
 *
 * @param address  IPv4 or IPv6; the port is ignored; borrowed
 * @return the state; INTERFACE_UP if the system cannot be asked: then bind and send show errors
 */
enum interface_state interface_state(const struct sockaddr *address);

/** @return index of the interface that has the address; 0: none has */
unsigned int interface_index(const struct sockaddr *address);

/** True when an address of a peer, other than the local node, is on this host. */
bool interface_has_neighbour(const struct peers *peers);

/** @return the state in words, for the log: "the address is not on this host" */
const char *interface_state_text(enum interface_state state);

/**
 * Open a socket that becomes readable when an interface or an address changes.
 *
 * @return the socket, not blocking, caller closes; negative errno: not available, poll instead
 */
int interface_watch_open(void);

/** Read and forget everything that waits on the socket. @return true when there was anything */
bool interface_watch_read(int fd);

#endif
