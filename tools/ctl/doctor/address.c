/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/ctl/doctor/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool address_number(const struct sockaddr *address, char text[DOCTOR_ADDRESS_SIZE])
{
	const void *bytes = address->sa_family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
			    : address->sa_family == AF_INET6
				    ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				    : NULL;

	text[0] = '\0';
	return bytes != NULL && inet_ntop(address->sa_family, bytes, text, DOCTOR_ADDRESS_SIZE) != NULL;
}

socklen_t address_parse(const char *text, uint16_t port, struct sockaddr_storage *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(address, &v4, sizeof(v4));
		return sizeof(v4);
	}
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		memcpy(address, &v6, sizeof(v6));
		return sizeof(v6);
	}
	return 0;
}
