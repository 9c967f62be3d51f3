/* SPDX-License-Identifier: BSD-3-Clause */
/* The interface of an address, among interfaces that this file makes up. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "tests/suite.h"
#include "transports/common/interface.h"

/* A VLAN has the hardware address of its parent, and so the same link-local address. */
static const struct {
	const char *name, *address;
	unsigned int index, flags;
} interfaces[] = {
	{"eth0", "fe80::1", 2, 0},
	{"eth0.100", "fe80::1", 3, IFF_UP | IFF_RUNNING},
	{"eth1", "fd00::1", 4, IFF_UP},
};
#define COUNT (sizeof(interfaces) / sizeof(interfaces[0]))

static struct ifaddrs list[COUNT];
static struct sockaddr_in6 addresses[COUNT];

static struct sockaddr_in6 at(const char *text, unsigned int scope)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = scope};

	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return in6;
}

int getifaddrs(struct ifaddrs **out)
{
	for (size_t i = 0; i < COUNT; i++) {
		bool is_local = strncmp(interfaces[i].address, "fe80", 4) == 0;

		addresses[i] = at(interfaces[i].address, is_local ? interfaces[i].index : 0);
		list[i] = (struct ifaddrs){.ifa_next = i + 1 < COUNT ? &list[i + 1] : NULL,
			.ifa_name = (char *)(uintptr_t)interfaces[i].name,
			.ifa_flags = interfaces[i].flags,
			.ifa_addr = (struct sockaddr *)&addresses[i]};
	}
	*out = list;
	return 0;
}

void freeifaddrs(struct ifaddrs *of) { ck_assert_ptr_eq(of, list); }

unsigned int if_nametoindex(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(interfaces[i].name, name) == 0)
			return interfaces[i].index;
	return 0;
}

START_TEST(a_link_local_address_is_that_of_its_scope)
{
	static const struct {
		const char *address;
		unsigned int scope, index;
		enum interface_state state;
	} rows[] = {
		{"fe80::1", 2, 2, INTERFACE_DOWN},
		{"fe80::1", 3, 3, INTERFACE_UP},
		{"fe80::1", 0, 2, INTERFACE_DOWN},
		{"fe80::1", 4, 0, INTERFACE_NO_ADDRESS},
		{"fd00::1", 0, 4, INTERFACE_NO_CARRIER},
		{"fd00::1", 7, 4, INTERFACE_NO_CARRIER},
		{"fd00::2", 0, 0, INTERFACE_NO_ADDRESS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_in6 address = at(rows[i].address, rows[i].scope);

		ck_assert_int_eq(interface_state((struct sockaddr *)&address), rows[i].state);
		ck_assert_uint_eq(interface_index((struct sockaddr *)&address), rows[i].index);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interface");
	TCase *tcase = tcase_create("interface");

	tcase_add_test(tcase, a_link_local_address_is_that_of_its_scope);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
