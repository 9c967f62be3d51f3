/* SPDX-License-Identifier: BSD-3-Clause */
/* config/{nodes,links}.c: the local node, and the addresses of all nodes. */
#include "tests/unit/config/validate_case.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* --- this node --- */

static const struct local {
	const char *name, *nodes, *node, *instance, *host;
	int want; /* index of this node, or -1: refused */
} locals[] = {
	{"by address", CF2 CF1, NULL, NULL, "vm", 1},
	{"by address, not by name", NODE("ring0_addr: 10.77.0.2\nname: vm\n") CF1, NULL, NULL, "vm", 1},
	{"by host name", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm\n"), NULL, NULL, "vm", 1},
	{"by address text as host name", CF2 NODE("ring0_addr: both.example\n"), NULL, NULL, "both.example", 1},
	{"host name longer than the list's", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm\n"), NULL, NULL, "vm.a.example",
		1},
	{"list's name longer than host name", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm.a.example\n"), NULL, NULL, "vm",
		1},
	{"not by a part of a name", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm2\n"), NULL, NULL, "vm", -1},
	{"by a resolved address", CF3 NODE("ring0_addr: both.example\n"), NULL, NULL, "vm", 1},
	{"not by another's", CF3 NODE("ring0_addr: four.example\n"), NULL, NULL, "vm", -1},
	{"--node", CF1 CF2, "cf2", NULL, "vm", 1},
	{"--node of nobody", CF1 CF2, "cf9", NULL, "vm", -1},
	{"instance", CF1 CF2, NULL, "cf2", "vm", 1},
	{"instance of another name", CF1 CF2, NULL, "demo", "vm", 0},
	{"--node before instance", CF1 CF2, "cf1", "cf2", "vm", 0},
	{"several addresses are ours",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: b\n"), NULL, NULL, "vm",
		-1},
	{"several addresses, one name",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: vm\n"), NULL, NULL, "vm",
		1},
	{"several addresses, instance",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: b\n"), NULL, "b", "vm", 1},
	{"nobody", CF2 CF3, NULL, NULL, "vm", -1},
};

START_TEST(this_node_is_found)
{
	const struct local *row = &locals[_i];
	char text[2048];

	snprintf(text, sizeof(text), TOTEM("udpu", "ip_version: ipv4-6\n") "nodelist {\n%s}\n", row->nodes);
	one.environment.local_name = row->node;
	one.environment.instance = row->instance;
	snprintf(one.environment.host_name, sizeof(one.environment.host_name), "%s", row->host);
	config_case_load(&one, text);
	ck_assert_msg((one.rc == 0) == (row->want >= 0), "%s: %d %s", row->name, one.rc, config_case_error(&one));
	if (row->want < 0)
		return;
	char position[16];

	snprintf(position, sizeof(position), "%d", row->want);
	ck_assert_msg(one.config->local == (uint32_t)row->want, "%s: %u", row->name, one.config->local);
	ck_assert_str_eq(config_case_entry(&one, "nodelist.local_node_pos"), position);
	ck_assert_str_eq(
		config_case_entry(&one, "totem.interface.0.bindnetaddr"), one.config->nodes[row->want].texts[0]);
}
END_TEST

START_TEST(candidates_are_named)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 127.0.0.1\nname: a\n")
								CF2 NODE("ring0_addr: 127.0.0.2\n"))),
		-EINVAL);
	ck_assert(config_case_has_error(&one, "several nodes of the list are this host (a, 127.0.0.2): say which"));
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF2)), -EINVAL);
	ck_assert(config_case_has_error(&one, "no node is this host (host name 'vm'"));
}
END_TEST

START_TEST(numeric_addresses_ask_no_resolver)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1 CF2 CF3)), 0);
	ck_assert_uint_eq(one.resolved, 0);
}
END_TEST

START_TEST(the_machine_answers)
{
	static const struct {
		const char *address;
		bool is_local;
	} rows[] = {{"127.0.0.1", true}, {"127.9.9.9", true}, {"192.0.2.1", false}, {"2001:db8::1", false}};
	struct config_environment environment;

	config_environment_system(&environment);
	ck_assert_str_ne(environment.host_name, "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage address = {.ss_family = AF_INET};
		struct sockaddr_in *in = (struct sockaddr_in *)&address;
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

		if (inet_pton(AF_INET, rows[i].address, &in->sin_addr) != 1) {
			address.ss_family = AF_INET6;
			ck_assert_int_eq(inet_pton(AF_INET6, rows[i].address, &in6->sin6_addr), 1);
		}
		ck_assert_msg(
			environment.is_local(environment.arg, (const struct sockaddr *)&address) == rows[i].is_local,
			"%s", rows[i].address);
	}
}
END_TEST

/* --- addresses --- */

static const struct resolved {
	const char *lines, *address, *want;
} resolved[] = {
	{"", "both.example", "fd00::1"}, /* as with ipv6-4, the default */
	{"ip_version: ipv4-6\n", "both.example", "10.77.0.1"},
	{"ip_version: ipv4\n", "both.example", "10.77.0.1"},
	{"ip_version: ipv6\n", "both.example", "fd00::1"},
	{"", "four.example", "10.77.0.2"},
	{"ip_version: ipv4-6\n", "six.example", "fd00::2"},
	{"ip_version: ipv6\n", "four.example", NULL},
	{"ip_version: ipv4\n", "six.example", NULL},
	{"ip_version: ipv4\n", "fd00::7", NULL},
	{"ip_version: ipv6\n", "10.77.0.1", NULL},
	{"", "fd00::7", "fd00::7"},
	{"", "nosuchhost", NULL},
	{"", "down.example", NULL},
	{"", "", NULL},
};

START_TEST(addresses_are_resolved_by_family)
{
	const struct resolved *row = &resolved[_i];
	char text[1024], address[INET6_ADDRSTRLEN] = "";

	snprintf(text, sizeof(text),
		TOTEM("udpu", "%s") "nodelist {\nnode {\nname: vm\nnodeid: 5\nring0_addr: %s\n}\n}\n", row->lines,
		row->address);
	config_case_load(&one, text);
	ck_assert_msg((one.rc == 0) == (row->want != NULL), "%s: %s", row->address, config_case_error(&one));
	if (row->want == NULL) {
		ck_assert(config_case_has_error(&one, "c.conf:"));
		return;
	}
	const struct sockaddr_storage *storage = &one.config->nodes[0].addresses[0];
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
	const struct sockaddr_in *in = (const struct sockaddr_in *)storage;

	inet_ntop(storage->ss_family,
		storage->ss_family == AF_INET ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, address,
		sizeof(address));
	ck_assert_str_eq(address, row->want);
	ck_assert_uint_eq(ntohs(in->sin_port), 5405); /* IPv4 and IPv6 addresses have the port at the same offset */
}
END_TEST

START_TEST(ids_are_generated_from_addresses)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\n"))), 0);
	ck_assert_uint_eq(one.config->nodes[0].nodeid, 172818433);
	ck_assert_str_eq(config_case_entry(&one, "nodelist.node.0.nodeid"), "172818433");
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "clear_node_high_bit: yes\n")
							NODELIST(CF1 NODE("ring0_addr: 192.168.0.1\n"))),
		0);
	ck_assert_uint_eq(one.config->nodes[1].nodeid, 0x40a80001);
}
END_TEST

START_TEST(ports_follow_the_link)
{
	ck_assert_msg(config_case_load(&one, TOTEM("knet", "interface {\nlinknumber: 1\nmcastport: 6000\n}\ninterface "
							   "{\nlinknumber: 2\nmcastport: 0\n}\n")
						     NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: "
								   "10.78.0.1\nring2_addr: 10.79.0.1\n"
								   "nodeid: 1\nname: a\n"))) == 0,
		"%s", config_case_error(&one));
	const struct config_node *node = &one.config->nodes[0];
	const uint16_t want[] = {5405, 6000, 5407};

	ck_assert_uint_eq(one.config->link_count, 3);
	for (int link = 0; link < 3; link++)
		ck_assert_uint_eq(ntohs(((const struct sockaddr_in *)&node->addresses[link])->sin_port), want[link]);
}
END_TEST

/* The map has the port of each link, on all transports, as Corosync has since 3.1.10. */
START_TEST(the_map_has_the_port_of_each_link)
{
	static const struct {
		const char *text;
		const char *ports[3];
	} rows[] = {
		{TOTEM("knet", "") NODELIST(CF1), {"5405"}},
		{TOTEM("knet", "interface {\nlinknumber: 2\nmcastport: 6000\n}\n")
				NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: 10.78.0.1\nring2_addr: 10.79.0.1\n"
					      "nodeid: 1\nname: a\n")),
			{"5405", "5406", "6000"}},
		{TOTEM("knet", "") NODELIST(NODE("ring1_addr: 10.78.0.1\nnodeid: 1\nname: a\n")), {NULL, "5406"}},
		{TOTEM("udpu", "interface {\nmcastport: 6000\n}\n") NODELIST(CF1), {"6000"}},
		{TOTEM("udpu", "interface {\nmcastport: 0\n}\n") NODELIST(CF1), {"5405"}},
		{TOTEM("udpu", "ip_version: ipv6\n") NODELIST(NODE("ring0_addr: ::1\nnodeid: 1\n")), {"5405"}},
		{TOTEM("udp", "cluster_name: lab\n") NODELIST(CF1), {"5405"}},
		{TOTEM("udp", "interface {\nbroadcast: yes\nmcastport: 7000\n}\n") NODELIST(CF1), {"7000"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(config_case_load(&one, rows[i].text) == 0, "row %zu: %s", i, config_case_error(&one));
		for (size_t link = 0; link < 3; link++) {
			char key[64];

			snprintf(key, sizeof(key), "runtime.config.totem.interface.%zu.mcastport", link);
			const char *port = config_case_entry(&one, key);

			ck_assert_msg(rows[i].ports[link] == NULL
					      ? port == NULL
					      : port != NULL && strcmp(port, rows[i].ports[link]) == 0,
				"row %zu, link %zu: %s", i, link, port);
		}
	}
}
END_TEST

START_TEST(udp_makes_its_group_from_the_name)
{
	static const struct {
		const char *name, *group;
	} rows[] = {{"lab", "239.192.2.214"}, {"hacluster", "239.192.204.129"}, {"debian", "239.192.24.204"},
		{"corosync", "239.192.105.148"}, {"my-cluster", "239.192.157.82"}};
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), TOTEM("udp", "cluster_name: %s\n") NODELIST(CF1), rows[i].name);
		ck_assert_int_eq(config_case_load(&one, text), 0);
		ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), rows[i].group);
		ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastport"), "5405");
	}
	ck_assert_int_eq(config_case_load(&one, TOTEM("udp", "cluster_name: lab\nip_version: ipv6\n")
							NODELIST(NODE("ring0_addr: ::1\nnodeid: 1\n"))),
		0);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), "ff15::2d4");
}
END_TEST

/*
 * As in Corosync, the map shows the address in use. If the file has an address, the map shows that one, although it is
 * not used.
 */
START_TEST(broadcast_shows_its_address)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udp", "interface {\nbroadcast: yes\n}\n") NODELIST(CF1)), 0);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), "255.255.255.255");
	ck_assert_int_eq(config_case_load(&one, TOTEM("udp", "interface {\nbroadcast: yes\n"
							     "mcastaddr: 239.1.1.1\n}\n") NODELIST(CF1)),
		0);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), "239.1.1.1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("validate_nodes");
	TCase *tc = validate_case_add(suite);

	tcase_add_loop_test(tc, this_node_is_found, 0, COUNT(locals));
	tcase_add_test(tc, candidates_are_named);
	tcase_add_test(tc, numeric_addresses_ask_no_resolver);
	tcase_add_test(tc, the_machine_answers);
	tcase_add_loop_test(tc, addresses_are_resolved_by_family, 0, COUNT(resolved));
	tcase_add_test(tc, ids_are_generated_from_addresses);
	tcase_add_test(tc, ports_follow_the_link);
	tcase_add_test(tc, the_map_has_the_port_of_each_link);
	tcase_add_test(tc, udp_makes_its_group_from_the_name);
	tcase_add_test(tc, broadcast_shows_its_address);
	return suite_run(suite);
}
