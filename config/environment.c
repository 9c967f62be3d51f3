/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts about the machine: resolver, own addresses, host name. These calls block, so they run
 * before the ring.
 */
#include "config/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/lookup.h"

static int resolve(void *arg, const char *name, int family, struct sockaddr_storage *address)
{
	const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;
	int64_t *left_ms = arg, begin_ms = lookup_now_ms();

	memset(address, 0, sizeof(*address));
	int rc = left_ms != NULL ? lookup_name(name, &hints, *left_ms, &found)
				 : getaddrinfo(name, NULL, &hints, &found);

	if (left_ms != NULL)
		*left_ms -= lookup_now_ms() - begin_ms;
	if (rc == EAI_INPROGRESS)
		return -ETIMEDOUT;
	if (rc == EAI_MEMORY)
		return -ENOMEM;
	if (rc == EAI_AGAIN || rc == EAI_SYSTEM || rc == EAI_FAIL)
		return -EAGAIN;
	if (rc != 0)
		return -ENOENT;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static bool is_equal(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
		       sizeof(struct in6_addr)) == 0;
}

static bool is_local(void *arg, const struct sockaddr *address)
{
	struct ifaddrs *interfaces;
	bool is_found = false;

	(void)arg;
	/* Linux accepts all of 127/8 as its own, which getifaddrs does not show. */
	if (address->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127)
		return true;
	if (getifaddrs(&interfaces) < 0)
		return false;
	for (const struct ifaddrs *at = interfaces; at != NULL && !is_found; at = at->ifa_next)
		is_found = at->ifa_addr != NULL && is_equal(at->ifa_addr, address);
	freeifaddrs(interfaces);
	return is_found;
}

static void list_addresses(void *arg, char *text, size_t size)
{
	struct ifaddrs *interfaces;

	(void)arg;
	text[0] = '\0';
	if (getifaddrs(&interfaces) < 0)
		return;
	for (const struct ifaddrs *at = interfaces; at != NULL; at = at->ifa_next) {
		const struct sockaddr *address = at->ifa_addr;
		char one[INET6_ADDRSTRLEN] = "";
		size_t used = strlen(text);

		if (address == NULL || (at->ifa_flags & IFF_LOOPBACK) != 0)
			continue;
		if (address->sa_family == AF_INET)
			inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, one, sizeof(one));
		else if (address->sa_family == AF_INET6)
			inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, one, sizeof(one));
		if (*one != '\0' && used + strlen(one) + 3 < size)
			snprintf(text + used, size - used, "%s%s", used == 0 ? "" : ", ", one);
	}
	freeifaddrs(interfaces);
}

void config_environment_system(struct config_environment *environment)
{
	struct utsname names;

	memset(environment, 0, sizeof(*environment));
	environment->resolve = resolve;
	environment->is_local = is_local;
	environment->list_addresses = list_addresses;
	if (uname(&names) == 0)
		snprintf(environment->host_name, sizeof(environment->host_name), "%.64s", names.nodename);
}

void config_environment_limit(struct config_environment *environment, int64_t *left_ms) { environment->arg = left_ms; }
