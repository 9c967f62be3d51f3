/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host names that a browser may use in a request. A foreign web page can let its own name point to this address
 * (DNS rebinding). Then its scripts could read the documents, as if they came from the page's own host. A numeric
 * address is always accepted, and so are the names of this host.
 */
#include "plugins/metrics/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 255u

/* Cut the port and a last dot off a name. @return false: no name is left, or it is too long */
static bool cut_name(const char *host, char name[NAME_MAX_LENGTH + 1])
{
	size_t length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (length > NAME_MAX_LENGTH || length > strlen(host) || (host[length] != '\0' && host[length] != ':'))
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	if (length > 0 && name[length - 1] == '.')
		name[--length] = '\0';
	return length > 0;
}

static bool is_address(const char *name)
{
	char digits[INET6_ADDRSTRLEN + 1];
	struct in6_addr address;
	size_t length = strlen(name);

	if (*name != '[')
		return inet_pton(AF_INET, name, &address) == 1;
	if (length < 2 || length - 2 >= sizeof(digits))
		return false;
	memcpy(digits, name + 1, length - 2);
	digits[length - 2] = '\0';
	return inet_pton(AF_INET6, digits, &address) == 1;
}

static bool is_listed(const char *names, const char *name)
{
	static const char between[] = " \t,";

	for (names += strspn(names, between); *names != '\0'; names += strspn(names, between)) {
		size_t length = strcspn(names, between);

		if (length == strlen(name) && strncasecmp(names, name, length) == 0)
			return true;
		names += length;
	}
	return false;
}

bool names_have(const char *names, const char *host)
{
	char name[NAME_MAX_LENGTH + 1], own[NAME_MAX_LENGTH + 1] = "";

	if (!cut_name(host, name))
		return false;
	if (is_address(name) || strcasecmp(name, "localhost") == 0)
		return true;
	if (gethostname(own, sizeof(own) - 1) == 0 && strcasecmp(name, own) == 0)
		return true;
	return is_listed(names, name);
}
