/* SPDX-License-Identifier: BSD-3-Clause */
/* Convert addresses from numbers to text and back. */
#ifndef TOOLS_CTL_DOCTOR_ADDRESS_H
#define TOOLS_CTL_DOCTOR_ADDRESS_H

#include <sys/socket.h>

#include "tools/ctl/doctor/facts.h"

/** Write an address as text, without its port. @return false: the address is neither IPv4 nor IPv6 */
bool address_number(const struct sockaddr *address, char text[DOCTOR_ADDRESS_SIZE]);
/** Parse a numeric address. @return size of *storage that is used; 0: the text is no such address */
socklen_t address_parse(const char *text, uint16_t port, struct sockaddr_storage *address);

#endif
