/* SPDX-License-Identifier: BSD-3-Clause */
/* The sockets of the ring, as the kernel shows them. */
#ifndef TOOLS_CTL_DOCTOR_SOCKETS_H
#define TOOLS_CTL_DOCTOR_SOCKETS_H

#include "tools/ctl/doctor/facts.h"

/** Datagrams that the sockets on the ring's ports have dropped so far. DOCTOR_UNKNOWN */
int64_t sockets_drops(const struct doctor_facts *facts);
/** Datagrams that all UDP sockets of this network namespace have got so far, IPv4 and IPv6. DOCTOR_UNKNOWN */
int64_t sockets_datagrams(void);
/** The smallest receive buffer of a socket on the ring's ports, in bytes. DOCTOR_UNKNOWN: the kernel does not tell */
int64_t sockets_receive_buffer(const struct doctor_facts *facts);

#endif
