/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening the UDP socket of a transport.
 */
#ifndef COMMON_SOCKET_H
#define COMMON_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** Bytes of a receive buffer that the kernel counts for one full frame (book transports, "Batches"). */
#define SOCKET_FRAME_COST 2304u

/** The sizes and features that the kernel granted. */
struct socket_grant {
	uint32_t receive_size; /* bytes, as getsockopt(SO_RCVBUF) returns them: twice the size that was asked for */
	uint32_t send_size;
	bool has_gro; /* one read of the socket may return several datagrams in one piece */
};

/**
 * Open a UDP socket that is bound to exactly this address and port. It does not block, is closed on exec, and has large
 * buffers, an error queue for ICMP answers and, if the kernel has it, receive offload. It does not have SO_REUSEADDR,
 * since two daemons on one address and port would take each other's tokens.
 *
 * @param local        IPv4 or IPv6; borrowed
 * @param dscp         as for socket_mark
 * @param buffer_size  bytes to ask for in each direction; a privileged process gets more than the system's limit
 * @param has_offload  false: do not ask for receive offload
 * @param grant        out
 * @return the socket, caller closes; -EAFNOSUPPORT; -EADDRNOTAVAIL: the address is not on this host now; -EADDRINUSE;
 *     other errors of socket(2) and bind(2)
 */
int socket_open(const struct sockaddr *local, uint32_t dscp, uint32_t buffer_size, bool has_offload,
	struct socket_grant *grant);

/**
 * Open a UDP socket that only receives, bound to a group's address and port. Every program of this host that listens to
 * the group may bind these, too. Otherwise this is like socket_open.
 *
 * @param group  multicast or broadcast address; the scope of IPv6 is the interface; borrowed
 */
int socket_open_group(const struct sockaddr *group, uint32_t buffer_size, bool has_offload, struct socket_grant *grant);

/**
 * Give the packets of a socket the priority of network control, and the mark for routers: the upper six bits of IPv4's
 * TOS or IPv6's traffic class. If the kernel refuses one of the two, that one stays as it is.
 *
 * @param family  AF_INET or AF_INET6, of the socket
 * @param dscp    1 to 63; 0: the mark stays as it is
 */
void socket_mark(int fd, int family, uint32_t dscp);

/** Set an integer option. @return 0; negative errno */
int socket_set(int fd, int level, int name, int value);

#endif
