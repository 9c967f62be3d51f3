/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening the UDP socket of a transport.
 */
#ifndef COMMON_SOCKET_H
#define COMMON_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/**
 * Bytes that the kernel counts for one full frame in a receive buffer (book transports, "Batches").
 */
#define SOCKET_FRAME_COST 2304u

/** The resources that the kernel granted. */
struct socket_grant {
	uint32_t receive_size; /* bytes, as getsockopt(SO_RCVBUF) shows them: twice what was asked */
	uint32_t send_size;
	bool has_gro; /* the socket may hand over several datagrams glued together */
};

/**
 * Open a UDP socket bound to exactly this address and port. It does not block, is closed on exec,
 * and has large buffers, an error queue for ICMP answers and, if the kernel has it, receive
 * offload. It has no SO_REUSEADDR, since two daemons on one address and port would steal each
 * other's tokens.
 *
 * @param local        IPv4 or IPv6; borrowed
 * @param dscp         as socket_mark
 * @param buffer_size  bytes to ask for in each direction; beyond the system's limit when privileged
 * @param has_offload  false: never ask for receive offload
 * @param grant        out
 * @return the socket, caller closes; -EAFNOSUPPORT; -EADDRNOTAVAIL: the address is not on this host
 * now; -EADDRINUSE; other errors of socket(2) and bind(2)
 */
int socket_open(const struct sockaddr *local, uint32_t dscp, uint32_t buffer_size, bool has_offload,
	struct socket_grant *grant);

/**
 * Open a UDP socket that only receives, bound to a group's address and port, which every program of
 * this host that listens to the group may bind too. The rest as socket_open.
 *
 * @param group  multicast or broadcast address; the scope of IPv6 is the interface; borrowed
 */
int socket_open_group(const struct sockaddr *group, uint32_t buffer_size, bool has_offload, struct socket_grant *grant);

/**
 * Set the priority of what a socket sends to that of network control, and its mark for routers: the upper six bits of
 * IPv4's TOS or IPv6's traffic class. A kernel that refuses either changes nothing.
 *
 * @param family  AF_INET or AF_INET6, of the socket
 * @param dscp    1 to 63; 0: the mark stays as it is
 */
void socket_mark(int fd, int family, uint32_t dscp);

/** Set an integer option. @return 0; negative errno */
int socket_set(int fd, int level, int name, int value);

#endif
