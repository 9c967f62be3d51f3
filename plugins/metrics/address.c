/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses on which the plugin listens, and the addresses from which it accepts clients. */
#include "plugins/metrics/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parse a number of digits only. @return 0; -EINVAL: there are other characters, or the number is above max */
static int parse_number(const char *text, uint32_t max, uint32_t *number)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 5 || text[length] != '\0')
		return -EINVAL;
	*number = (uint32_t)strtoul(text, NULL, 10);
	return *number > max ? -EINVAL : 0;
}

int address_parse(const char *text, uint32_t port, struct sockaddr_storage *address)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *start = text, *end, *colon = strchr(text, ':');
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)address;

	if (*text == '[') {
		start = text + 1;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return -EINVAL;
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		colon = NULL; /* an IPv6 address without a port */
		end = text + strlen(text);
	} else {
		end = colon != NULL ? colon : text + strlen(text);
	}
	if (colon != NULL && parse_number(colon + 1, 65535, &port) < 0)
		return -EINVAL;
	if ((size_t)(end - start) >= sizeof(host))
		return -EINVAL;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1 && *text != '[') {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons((uint16_t)port);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) != 1)
		return -EINVAL;
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons((uint16_t)port);
	return 0;
}

void address_text(const struct sockaddr_storage *address, char text[64])
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	char host[INET6_ADDRSTRLEN] = "";

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof(host));
		snprintf(text, 64, "%s:%u", host, ntohs(ipv4->sin_port));
	} else {
		inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof(host));
		snprintf(text, 64, "[%s]:%u", host, ntohs(ipv6->sin6_port));
	}
}

/* --- allowed addresses --- */

static void set_ipv4(uint8_t bytes[16], const void *ipv4)
{
	memset(bytes, 0, 10);
	memset(bytes + 10, 0xff, 2);
	memcpy(bytes + 12, ipv4, 4);
}

static int parse_one(const char *word, size_t length, struct allowed *allowed)
{
	char text[INET6_ADDRSTRLEN + 8];
	struct in_addr ipv4;

	if (length >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, length);
	text[length] = '\0';
	char *slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		allowed->bits = 32;
		set_ipv4(allowed->bytes, &ipv4);
		if (slash != NULL && parse_number(slash, 32, &allowed->bits) < 0)
			return -EINVAL;
		allowed->bits += 96;
		return 0;
	}
	allowed->bits = 128;
	if (inet_pton(AF_INET6, text, allowed->bytes) != 1 ||
		(slash != NULL && parse_number(slash, 128, &allowed->bits) < 0))
		return -EINVAL;
	return 0;
}

int allow_parse(const char *text, struct allow *allow)
{
	static const char between[] = " \t,";

	*allow = (struct allow){.list = NULL};
	for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
		size_t length = strcspn(text, between);
		struct allowed *list = reallocarray(allow->list, allow->count + 1, sizeof(*list));
		int rc = -ENOMEM;

		if (list != NULL) {
			allow->list = list;
			rc = parse_one(text, length, &list[allow->count]);
		}
		if (rc < 0) {
			allow_fini(allow);
			return rc;
		}
		allow->count++;
		text += length;
	}
	return 0;
}

void allow_fini(struct allow *allow)
{
	free(allow->list);
	*allow = (struct allow){.list = NULL};
}

bool allow_has(const struct allow *allow, const struct sockaddr *address)
{
	uint8_t bytes[16];

	if (allow->count == 0)
		return true;
	if (address->sa_family == AF_INET)
		set_ipv4(bytes, &((const struct sockaddr_in *)address)->sin_addr);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(bytes));
	else
		return false;
	for (uint32_t i = 0; i < allow->count; i++) {
		const struct allowed *allowed = &allow->list[i];
		uint32_t whole = allowed->bits / 8, rest = allowed->bits % 8;

		if (memcmp(bytes, allowed->bytes, whole) == 0 &&
			(rest == 0 || (bytes[whole] ^ allowed->bytes[whole]) >> (8 - rest) == 0))
			return true;
	}
	return false;
}
