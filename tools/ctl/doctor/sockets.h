/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets of the ring, from the kernel's tables. */
#ifndef TOOLS_CTL_DOCTOR_SOCKETS_H
#define TOOLS_CTL_DOCTOR_SOCKETS_H

#include "tools/ctl/doctor/facts.h"

/** Return how many datagrams the sockets on the ring's ports have dropped so far. DOCTOR_UNKNOWN: not known. */
int64_t sockets_drops(const struct doctor_facts *facts);
/**
 * Return how many datagrams all UDP sockets of this network namespace have received so far, IPv4 and IPv6.
 * DOCTOR_UNKNOWN: not known.
 */
int64_t sockets_datagrams(void);
/**
 * Return the smallest receive buffer of a socket on the ring's ports, in bytes. DOCTOR_UNKNOWN: the kernel does not
 * report it.
 */
int64_t sockets_receive_buffer(const struct doctor_facts *facts);

#endif
