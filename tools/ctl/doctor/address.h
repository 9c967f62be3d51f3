/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as numbers and as text. */
#ifndef TOOLS_CTL_DOCTOR_ADDRESS_H
#define TOOLS_CTL_DOCTOR_ADDRESS_H

#include <sys/socket.h>

#include "tools/ctl/doctor/facts.h"

/** Write an address without its port. @return false: neither IPv4 nor IPv6 */
bool address_number(const struct sockaddr *address, char text[DOCTOR_ADDRESS_SIZE]);
/** Read an address of numbers. @return its size; 0: it is none */
socklen_t address_parse(const char *text, uint16_t port, struct sockaddr_storage *address);

#endif
