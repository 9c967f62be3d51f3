/* exec/config/{validate,nodes,links,timers,logging,crypto,publish}.c: what the values mean, spec 07
 * §1.4-§1.11. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <qb/qbipc_common.h>

#include "exec/map.h"
#include "tests/unit/config_case.h"
#include "tests/unit/fail_alloc.h"

#define TOTEM(transport, lines) "totem {\nversion: 2\ntransport: " transport "\n" lines "}\n"
#define NODE(lines) "node {\n" lines "}\n"
#define NODELIST(nodes) "nodelist {\n" nodes "}\n"
#define CF1 NODE("ring0_addr: 10.77.0.1\nnodeid: 1\nname: cf1\n")
#define CF2 NODE("ring0_addr: 10.77.0.2\nnodeid: 2\nname: cf2\n")
#define CF3 NODE("ring0_addr: 10.77.0.3\nnodeid: 3\nname: cf3\n")

static struct config_case one;

static void setup(void) { config_case_init(&one); }

static void teardown(void) { config_case_fini(&one); }

/* --- timers: test vectors of §1.5 --- */

static const struct timers {
	uint32_t nodes;
	const char *lines;
	uint32_t token, retransmit, hold, consensus, ping_timeout, ping_interval;
} timers[] = {
	{1, "", 3000, 714, 561, 3600, 1500, 750},
	{2, "", 3000, 714, 561, 3600, 1500, 750},
	{3, "", 3650, 869, 685, 4380, 1825, 912},
	{3, "token: 5000\n", 5650, 1345, 1066, 6780, 2825, 1412},
	{3, "token_coefficient: 0\n", 3000, 714, 561, 3600, 1500, 750},
	{3, "token: 10\n", 660, 157, 115, 792, 330, 165},
	{3, "token: 0\n", 3650, 869, 685, 4380, 1825, 912},
	{2, "token: 1000\nconsensus: 1300\nhold: 100\ntoken_retransmit: 200\n", 1000, 200, 100,
		1300, 500, 250},
	{1, "token: 4294967295\n", UINT32_MAX, 1022611260, 818088998, UINT32_MAX, 2147483647,
		1073741823},
	{1, "token_retransmits_before_loss_const: 10\n", 3000, 294, 225, 3600, 1500, 750},
	{1, "interface {\nknet_pong_count: 3\n}\n", 3000, 714, 561, 3600, 1000, 500},
	{1, "interface {\nknet_ping_timeout: 77\nknet_ping_interval: 66\n}\n", 3000, 714, 561, 3600,
		77, 66},
};

static void check_number(const char *name, uint32_t want)
{
	char key[128];

	snprintf(key, sizeof(key), "runtime.config.totem.%s", name);
	const char *text = config_case_entry(&one, key);

	ck_assert_msg(text != NULL && strtoul(text, NULL, 10) == want, "%s is %s instead of %u",
		name, text == NULL ? "absent" : text, want);
}

START_TEST(timers_are_computed)
{
	const struct timers *row = &timers[_i];
	char text[2048];

	snprintf(text, sizeof(text),
		"totem {\nversion: 2\ntransport: udpu\n%s}\nnodelist {\n" CF1 "%s%s}\n", row->lines,
		row->nodes > 1 ? CF2 : "", row->nodes > 2 ? CF3 : "");
	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	check_number("token", row->token);
	check_number("token_retransmit", row->retransmit);
	check_number("hold", row->hold);
	check_number("consensus", row->consensus);
	check_number("interface.0.knet_ping_timeout", row->ping_timeout);
	check_number("interface.0.knet_ping_interval", row->ping_interval);
	const struct totem_options *totem = &one.config->totem;

	ck_assert_uint_eq(totem->token_ns, row->token * UINT64_C(1000000));
	ck_assert_uint_eq(totem->token_retransmit_ns, row->retransmit * UINT64_C(1000000));
	ck_assert_uint_eq(totem->hold_ns, row->hold * UINT64_C(1000000));
	ck_assert_uint_eq(totem->consensus_ns, row->consensus * UINT64_C(1000000));
	ck_assert_uint_eq(totem->node_count, row->nodes);
	ck_assert_uint_eq(totem->nodeid, 1);
}
END_TEST

START_TEST(windows_are_bounded)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "window_size: 1000000\nmax_messages: "
							      "4097\n") NODELIST(CF1)),
		0);
	ck_assert_uint_eq(one.config->totem.window_size, 4096);
	ck_assert_uint_eq(one.config->totem.max_messages, 4096);
	ck_assert(
		config_case_has_warning(&one, "c.conf:4: 'window_size' is 1000000: 4096 is taken"));
}
END_TEST

START_TEST(the_engine_gets_the_rest)
{
	ck_assert_int_eq(
		config_case_load(&one,
			TOTEM("udpu", "send_join: 80\njoin: 60\nmerge: 100\nwindow_size: "
				      "300\nmax_messages: 20\nnetmtu: 9000\n"
				      "miss_count_const: 7\nfail_recv_const: "
				      "9\nseqno_unchanged_const: 8\ntoken_warning: 0\n"
				      "heartbeat_failures_allowed: 3\nmax_network_delay: "
				      "40\nblock_unlisted_ips: no\n"
				      "cancel_token_hold_on_retransmit: yes\n") NODELIST(CF1)),
		0);
	const struct totem_options *totem = &one.config->totem;

	ck_assert_uint_eq(totem->send_join_ns, 80000000);
	ck_assert_uint_eq(totem->join_ns, 60000000);
	ck_assert_uint_eq(totem->merge_ns, 100000000);
	ck_assert_uint_eq(totem->max_network_delay_ns, 40000000);
	ck_assert_uint_eq(totem->window_size, 300);
	ck_assert_uint_eq(totem->max_messages, 20);
	ck_assert_uint_eq(totem->miss_count_const, 7);
	ck_assert_uint_eq(totem->fail_recv_const, 9);
	ck_assert_uint_eq(totem->seqno_unchanged_const, 8);
	ck_assert_uint_eq(totem->token_warning_percent, 0);
	ck_assert_uint_eq(totem->heartbeat_failures_allowed, 3);
	ck_assert(totem->cancel_token_hold_on_retransmit);
	ck_assert_uint_eq(totem->node_count, 0); /* anyone may join */
	ck_assert(one.config->has_payload_max);
	ck_assert_uint_eq(totem->payload_max, 8910);
	ck_assert_uint_eq(one.config->netmtu, 9000);
}
END_TEST

/* --- this node --- */

static const struct local {
	const char *name, *nodes, *node, *instance, *host;
	int want; /* index, or -1: refused */
} locals[] = {
	{"by address", CF2 CF1, NULL, NULL, "vm", 1},
	{"by address, not by name", NODE("ring0_addr: 10.77.0.2\nname: vm\n") CF1, NULL, NULL, "vm",
		1},
	{"by host name", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm\n"), NULL, NULL, "vm", 1},
	{"by address text as host name", CF2 NODE("ring0_addr: both.example\n"), NULL, NULL,
		"both.example", 1},
	{"host name longer than the list's", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm\n"), NULL,
		NULL, "vm.a.example", 1},
	{"list's name longer than host name",
		CF2 NODE("ring0_addr: 10.77.0.3\nname: vm.a.example\n"), NULL, NULL, "vm", 1},
	{"not by a part of a name", CF2 NODE("ring0_addr: 10.77.0.3\nname: vm2\n"), NULL, NULL,
		"vm", -1},
	{"by a resolved address", CF3 NODE("ring0_addr: both.example\n"), NULL, NULL, "vm", 1},
	{"not by another's", CF3 NODE("ring0_addr: four.example\n"), NULL, NULL, "vm", -1},
	{"--node", CF1 CF2, "cf2", NULL, "vm", 1},
	{"--node of nobody", CF1 CF2, "cf9", NULL, "vm", -1},
	{"instance", CF1 CF2, NULL, "cf2", "vm", 1},
	{"instance of another name", CF1 CF2, NULL, "demo", "vm", 0},
	{"--node before instance", CF1 CF2, "cf1", "cf2", "vm", 0},
	{"several addresses are ours",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: b\n"),
		NULL, NULL, "vm", -1},
	{"several addresses, one name",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: vm\n"),
		NULL, NULL, "vm", 1},
	{"several addresses, instance",
		NODE("ring0_addr: 127.0.0.1\nname: a\n") NODE("ring0_addr: 127.0.0.2\nname: b\n"),
		NULL, "b", "vm", 1},
	{"nobody", CF2 CF3, NULL, NULL, "vm", -1},
};

START_TEST(this_node_is_found)
{
	const struct local *row = &locals[_i];
	char text[2048];

	snprintf(text, sizeof(text), TOTEM("udpu", "ip_version: ipv4-6\n") "nodelist {\n%s}\n",
		row->nodes);
	one.environment.local_name = row->node;
	one.environment.instance = row->instance;
	snprintf(one.environment.host_name, sizeof(one.environment.host_name), "%s", row->host);
	config_case_load(&one, text);
	ck_assert_msg((one.rc == 0) == (row->want >= 0), "%s: %d %s", row->name, one.rc,
		config_case_error(&one));
	if (row->want < 0)
		return;
	char position[16];

	snprintf(position, sizeof(position), "%d", row->want);
	ck_assert_msg(
		one.config->local == (uint32_t)row->want, "%s: %u", row->name, one.config->local);
	ck_assert_str_eq(config_case_entry(&one, "nodelist.local_node_pos"), position);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.bindnetaddr"),
		one.config->nodes[row->want].texts[0]);
}
END_TEST

START_TEST(candidates_are_named)
{
	ck_assert_int_eq(config_case_load(&one,
				 TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 127.0.0.1\nname: a\n")
						 CF2 NODE("ring0_addr: 127.0.0.2\n"))),
		-EINVAL);
	ck_assert(config_case_has_error(
		&one, "several nodes of the list are this host (a, 127.0.0.2): say which"));
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
	} rows[] = {{"127.0.0.1", true}, {"127.9.9.9", true}, {"192.0.2.1", false},
		{"2001:db8::1", false}};
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
		ck_assert_msg(environment.is_local(environment.arg,
				      (const struct sockaddr *)&address) == rows[i].is_local,
			"%s", rows[i].address);
	}
}
END_TEST

/* --- addresses --- */

static const struct resolved {
	const char *lines, *address, *want;
} resolved[] = {
	{"", "both.example", "fd00::1"}, /* ipv6-4 is the default */
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
		TOTEM("udpu",
			"%s") "nodelist {\nnode {\nname: vm\nnodeid: 5\nring0_addr: %s\n}\n}\n",
		row->lines, row->address);
	config_case_load(&one, text);
	ck_assert_msg((one.rc == 0) == (row->want != NULL), "%s: %s", row->address,
		config_case_error(&one));
	if (row->want == NULL) {
		ck_assert(config_case_has_error(&one, "c.conf:"));
		return;
	}
	const struct sockaddr_storage *storage = &one.config->nodes[0].addresses[0];
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
	const struct sockaddr_in *in = (const struct sockaddr_in *)storage;

	inet_ntop(storage->ss_family,
		storage->ss_family == AF_INET ? (const void *)&in->sin_addr
					      : (const void *)&in6->sin6_addr,
		address, sizeof(address));
	ck_assert_str_eq(address, row->want);
	ck_assert_uint_eq(ntohs(in->sin_port), 5405); /* at the same place in both */
}
END_TEST

START_TEST(ids_are_generated_from_addresses)
{
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\n"))),
		0);
	ck_assert_uint_eq(one.config->nodes[0].nodeid, 172818433);
	ck_assert_str_eq(config_case_entry(&one, "nodelist.node.0.nodeid"), "172818433");
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "clear_node_high_bit: yes\n")
					       NODELIST(CF1 NODE("ring0_addr: 192.168.0.1\n"))),
		0);
	ck_assert_uint_eq(one.config->nodes[1].nodeid, 0x40a80001);
}
END_TEST

START_TEST(ports_follow_the_link)
{
	ck_assert_msg(
		config_case_load(&one,
			TOTEM("knet", "interface {\nlinknumber: 1\nmcastport: 6000\n}\ninterface "
				      "{\nlinknumber: 2\nmcastport: 0\n}\n")
				NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: "
					      "10.78.0.1\nring2_addr: 10.79.0.1\n"
					      "nodeid: 1\nname: a\n"))) == 0,
		"%s", config_case_error(&one));
	const struct config_node *node = &one.config->nodes[0];
	const uint16_t want[] = {5405, 6000, 5407};

	ck_assert_uint_eq(one.config->link_count, 3);
	for (int link = 0; link < 3; link++)
		ck_assert_uint_eq(
			ntohs(((const struct sockaddr_in *)&node->addresses[link])->sin_port),
			want[link]);
}
END_TEST

START_TEST(udp_makes_its_group_from_the_name)
{
	static const struct {
		const char *name, *group;
	} rows[] = {{"lab", "239.192.2.214"}, {"hacluster", "239.192.204.129"},
		{"debian", "239.192.24.204"}, {"corosync", "239.192.105.148"},
		{"my-cluster", "239.192.157.82"}};
	char text[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), TOTEM("udp", "cluster_name: %s\n") NODELIST(CF1),
			rows[i].name);
		ck_assert_int_eq(config_case_load(&one, text), 0);
		ck_assert_str_eq(
			config_case_entry(&one, "totem.interface.0.mcastaddr"), rows[i].group);
		ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastport"), "5405");
	}
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udp", "cluster_name: lab\nip_version: ipv6\n")
					       NODELIST(NODE("ring0_addr: ::1\nnodeid: 1\n"))),
		0);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), "ff15::2d4");
}
END_TEST

/* As the reference shows it: the address in use, unless the file has one, which is not used. */
START_TEST(broadcast_shows_its_address)
{
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udp", "interface {\nbroadcast: yes\n}\n") NODELIST(CF1)),
		0);
	ck_assert_str_eq(
		config_case_entry(&one, "totem.interface.0.mcastaddr"), "255.255.255.255");
	ck_assert_int_eq(config_case_load(&one, TOTEM("udp", "interface {\nbroadcast: yes\n"
							    "mcastaddr: 239.1.1.1\n}\n")
							NODELIST(CF1)),
		0);
	ck_assert_str_eq(config_case_entry(&one, "totem.interface.0.mcastaddr"), "239.1.1.1");
}
END_TEST

/* --- what is refused --- */

static const struct refused {
	const char *text, *error;
	int rc;
} refused[] = {
	{TOTEM("iba", "") NODELIST(CF1), "c.conf:3: Invalid transport type 'iba': no plugin 'iba' here", -EINVAL},
	{TOTEM("KNET", "") NODELIST(CF1), "c.conf:3: Invalid transport type 'KNET': choose udpu, udp, knet or the name",
		-EINVAL},
	{TOTEM("", "") NODELIST(CF1), "c.conf:3: Invalid transport type '': choose", -EINVAL},
	{TOTEM("../acme", "") NODELIST(CF1), "c.conf:3: Invalid transport type '../acme': choose", -EINVAL},
	{"totem {\ntransport: udpu\n}\n" NODELIST(CF1), "version 2 configurations", -EINVAL},
	{TOTEM("udpu", ""), "c.conf: no nodes: add 'nodelist {'", -EINVAL},
	{TOTEM("udpu", "token: 29\n") NODELIST(CF1),
		"c.conf:4: 'token' is 29 ms: must be at least 30 ms", -EINVAL},
	{TOTEM("udpu", "token: 100\n") NODELIST(CF1), "'token_retransmit' comes out as 23 ms",
		-EINVAL},
	{TOTEM("udpu", "hold: 13\n") NODELIST(CF1), "c.conf:4: 'hold' is 13 ms", -EINVAL},
	{TOTEM("udpu", "join: 5000\nconsensus: 4000\n") NODELIST(CF1),
		"c.conf:5: 'consensus' is 4000 ms", -EINVAL},
	{TOTEM("udpu", "token_warning: 101\n") NODELIST(CF1), "c.conf:4: 'token_warning' is 101",
		-EINVAL},
	{TOTEM("udpu", "netmtu: 299\n") NODELIST(CF1),
		"c.conf:4: 'netmtu' is 299: must be from 300 to 65536", -EINVAL},
	{TOTEM("udpu", "netmtu: 65537\n") NODELIST(CF1), "'netmtu' is 65537", -EINVAL},
	{TOTEM("udpu", "link_mode: x\n") NODELIST(CF1),
		"c.conf:4: 'x' is not a value of 'totem.link_mode'", -EINVAL},
	{TOTEM("udpu", "crypto_hash: sha256\n") NODELIST(CF1), "only valid for the Knet transport",
		-EINVAL},
	{TOTEM("udpu", "interface {\nttl: 5\n}\n") NODELIST(CF1), "c.conf:5: Can only set ttl",
		-EINVAL},
	{TOTEM("udpu", "interface {\nknet_link_priority: 5\n}\n") NODELIST(CF1),
		"c.conf:5: Can only set link priority", -EINVAL},
	{TOTEM("udpu", "interface {\nlinknumber: 1\nmcastport: 9\n}\n") NODELIST(CF1),
		"Not all nodes have the same number of links", -EINVAL},
	{TOTEM("knet", "interface {\nlinknumber: 8\nmcastport: 9\n}\n") NODELIST(CF1),
		"c.conf:6: link number 8", -EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nring8_addr: 10.77.0.1\n")),
		"c.conf:8: link number 8", -EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring1_addr: 10.77.0.1\nnodeid: 1\n")),
		"transport udpu uses link 0", -EINVAL},
	{TOTEM("udpu", "")
			NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: 10.78.0.1\nname: a\n")),
		"2 is too many configured interfaces", -EINVAL},
	{TOTEM("knet", "")
			NODELIST(NODE("ring0_addr: 10.77.0.1\nring1_addr: 10.78.0.1\nnodeid: 1\n")),
		"must have a 'name' attribute", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("ring0_addr: 10.77.0.1\n")),
		"c.conf:7: node '10.77.0.1' has no id", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("ring0_addr: 10.77.0.1\nnodeid: 65536\n")),
		"knet allows 1 to 65535", -EINVAL},
	{TOTEM("knet", "") NODELIST(NODE("name: vm\nnodeid: 1\n")), "No interfaces defined",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: fe80::1\nnodeid: 2\n")),
		"Nodes for link 0 have different IP families (compared fe80::1 with 10.77.0.1)",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(NODE("ring0_addr: ::1\n")), "add 'nodeid: N'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.9\nnodeid: 1\n")),
		"c.conf:13: Nodeid 1 appears twice", -EINVAL},
	{TOTEM("udpu", "") NODELIST(
		 NODE("ring0_addr: 10.77.0.1\nnodeid: 1\n") NODE("ring0_addr: 0.0.0.1\n")),
		"Nodeid 1 appears twice", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.9\nname: cf1\n")),
		"c.conf:13: two nodes have the name 'cf1'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 10.77.0.1\nnodeid: 7\n")),
		"c.conf:12: two nodes have the address '10.77.0.1'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: nosuchhost\nnodeid: 7\n")),
		"c.conf:12: cannot resolve 'nosuchhost' (no such host)", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: down.example\nnodeid: 7\n")),
		"cannot resolve 'down.example' (the resolver failed)", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1 NODE("ring0_addr: 0.0.0.0\n")),
		"c.conf:12: node '0.0.0.0' has no id", -EINVAL},
	{TOTEM("udpu", "clear_node_high_bit: yes\n") NODELIST(CF1 NODE("ring0_addr: 128.0.0.0\n")),
		"node '128.0.0.0' has no id", -EINVAL},
	{TOTEM("acme", "") "transport {\nname: acme\n}\n" NODELIST(
		 NODE("ring1_addr: 10.77.0.1\nname: x\n")),
		"node 'x' has no id", -EINVAL},
	{TOTEM("udp", "") NODELIST(CF1), "No multicast address specified for interface 0", -EINVAL},
	{TOTEM("udp", "interface {\nmcastaddr: 10.0.0.1\n}\n") NODELIST(CF1),
		"c.conf:5: mcastaddr '10.0.0.1' is not a multicast address", -EINVAL},
	{TOTEM("udp", "interface {\nbroadcast: yes\nmcastaddr: x\n}\n") NODELIST(CF1),
		"c.conf:6: 'x' is not an IP address", -EINVAL},
	{TOTEM("udp", "ip_version: ipv6\ninterface {\nbroadcast: yes\n}\n")
			NODELIST(NODE("ring0_addr: ::1\nnodeid: 1\n")),
		"c.conf:6: IPv6 has no broadcast", -EINVAL},
	{TOTEM("udp", "interface {\nmcastaddr: ff15::1\n}\n") NODELIST(CF1),
		"c.conf:5: mcastaddr 'ff15::1' is IPv6", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "quorum {\nprovider: Foo/x\n}\n", "no quorum provider 'Foo/x'",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\npriority: high\n}\n", "'high' is no priority",
		-EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\nqb_ipc_type: tcp\n}\n",
		"'tcp' is not a value of 'system.qb_ipc_type'", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "system {\nstate_dir: x\n}\n",
		"state directory 'x' is relative", -EINVAL},
	{TOTEM("udpu", "") NODELIST(CF1) "logging {\nto_stderr: maybe\n}\n",
		"'maybe' is not a value of 'to_stderr': choose one of yes, on, no, off", -EBADF},
	{TOTEM("udpu", "") NODELIST(CF1) "logging {\nsyslog_facility: LOCAL3\n}\n",
		"did you mean 'local3'?", -EBADF},
	{TOTEM("iba", "") NODELIST(CF1) "logging {\ndebug: yes\n}\n",
		"'yes' is not a value of 'debug'", -EBADF},
	{TOTEM("knet", "secauth: on\nkeyfile: /nonexistent/key\n") NODELIST(CF1),
		"c.conf:5: Could not open /nonexistent/key: No such file or directory", -EINVAL},
	{TOTEM("knet", "secauth: on\nkeyfile: /\n") NODELIST(CF1), "c.conf:5: Could not read /: Is a dir",
		-EINVAL},
	{TOTEM("knet", "crypto_hash: sha1\nkeyfile: /dev/null\n") NODELIST(CF1),
		"c.conf:5: Could only read 0 bits of minimum 1024 bits from /dev/null", -EINVAL},
	{TOTEM("knet", "crypto_cipher: aes128\n") NODELIST(CF1),
		"c.conf:4: crypto_cipher requires crypto_hash with value other than none", -EINVAL},
	{TOTEM("udp", "secauth: on\n") NODELIST(CF1),
		"c.conf:4: crypto_cipher & crypto_hash are only valid for the Knet transport", -EINVAL},
	{TOTEM("knet", "secauth: on\nkey: short\n") NODELIST(CF1), "c.conf:5: key is too short (6 bytes",
		-EINVAL},
};

START_TEST(errors_say_what_to_do)
{
	const struct refused *row = &refused[_i];

	ck_assert_int_eq(config_case_load(&one, row->text), row->rc);
	ck_assert_msg(config_case_has_error(&one, row->error), "'%s' instead of '%s'",
		config_case_error(&one), row->error);
}
END_TEST

START_TEST(a_list_has_at_most_384_nodes)
{
	static char text[65536];

	for (int count = 384; count <= 385; count++) {
		size_t used = (size_t)sprintf(text, TOTEM("udpu", "") "nodelist {\n");

		for (int i = 0; i < count; i++)
			used += (size_t)sprintf(text + used, "node {\nring0_addr: 10.77.%d.%d\n}\n",
				i / 250, i % 250 + 1);
		strcpy(text + used, "}\n");
		ck_assert_int_eq(config_case_load(&one, text), count <= 384 ? 0 : -EINVAL);
	}
	ck_assert(config_case_has_error(&one, "more than 384 nodes"));
	/* Positions come from the file's sections, but a bare key can name any. */
	ck_assert_int_eq(config_case_load(&one, "nodelist.node.4000000000.name: x\n" TOTEM(
							"udpu", "") NODELIST(CF1)),
		-EINVAL);
}
END_TEST

/* --- the key: spec 07 §1.6 --- */

static void write_key(int fd, size_t size)
{
	char bytes[8192];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
}

static const struct {
	size_t size, want; /* 0: refused */
} key_sizes[] = {{127, 0}, {128, 128}, {129, 129}, {4095, 4095}, {4096, 4096}, {4097, 4096}, {8192, 4096}};

START_TEST(a_key_file_has_128_bytes_and_4096_count)
{
	char path[] = "/tmp/test_validate.XXXXXX", text[512], want[64];
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	write_key(fd, key_sizes[_i].size);
	snprintf(text, sizeof(text), TOTEM("knet", "crypto_hash: md5\nkeyfile: %s\n") NODELIST(CF1), path);
	ck_assert_int_eq(config_case_load(&one, text), key_sizes[_i].want == 0 ? -EINVAL : 0);
	if (key_sizes[_i].want == 0) {
		ck_assert(config_case_has_error(&one, "Could only read 1016 bits of minimum 1024 bits"));
	} else {
		ck_assert_uint_eq(one.config->key_size, key_sizes[_i].want);
		ck_assert_int_eq(one.config->key[0], 'a');
		ck_assert_int_eq(one.config->key[key_sizes[_i].want - 1],
			(int)('a' + (key_sizes[_i].want - 1) % 26));
		ck_assert(!config_case_has_warning(&one, "can be read by others"));
		ck_assert_int_eq(fchmod(fd, 0640), 0);
		ck_assert_int_eq(config_case_load(&one, text), 0);
		snprintf(want, sizeof(want), "'%s' can be read by others", path);
		ck_assert(config_case_has_warning(&one, want));
	}
	close(fd);
	unlink(path);
}
END_TEST

static const struct {
	int length, size; /* 0: refused */
	const char *error;
} key_texts[] = {{126, 0, "key is too short"}, {127, 128, NULL}, {500, 501, NULL}};

START_TEST(a_key_in_the_file_counts_with_its_end)
{
	char text[8192], key[5000];

	memset(key, 'k', sizeof(key));
	snprintf(text, sizeof(text), TOTEM("knet", "crypto_hash: md5\nkey: %.*s\n") NODELIST(CF1),
		key_texts[_i].length, key);
	ck_assert_int_eq(config_case_load(&one, text), key_texts[_i].size == 0 ? -EINVAL : 0);
	if (key_texts[_i].size == 0) {
		ck_assert_msg(config_case_has_error(&one, key_texts[_i].error), "%s",
			config_case_error(&one));
		return;
	}
	ck_assert_uint_eq(one.config->key_size, key_texts[_i].size);
	ck_assert_int_eq(one.config->key[key_texts[_i].length - 1], 'k');
	ck_assert_int_eq(one.config->key[key_texts[_i].length], '\0');
}
END_TEST

START_TEST(no_key_is_read_without_need)
{
	ck_assert_int_eq(
		config_case_load(&one, TOTEM("knet", "keyfile: /nonexistent\nkey: short\n") NODELIST(CF1)), 0);
	ck_assert_ptr_null(one.config->key);
	ck_assert_str_eq(one.config->cipher, "none");
	ck_assert_str_eq(one.config->hash, "none");
}
END_TEST

/* --- the other sections --- */

START_TEST(services_are_limited)
{
	static char text[65536];

	for (int count = 256; count <= 257; count++) {
		size_t used = (size_t)sprintf(text, "%s", TOTEM("udpu", "") NODELIST(CF1));

		for (int i = 0; i < count; i++)
			used += (size_t)sprintf(text + used, "service {\nname: s%d\n}\n", i);
		ck_assert_int_eq(config_case_load(&one, text), count <= 256 ? 0 : -EINVAL);
	}
	ck_assert(config_case_has_error(&one, "more than 256 services"));
}
END_TEST

START_TEST(logging_inherits)
{
	ck_assert_int_eq(
		config_case_load(&one,
			TOTEM("udpu", "") NODELIST(
				CF1) "logging {\nto_stderr: no\nto_syslog: yes\nto_logfile: "
				     "on\nlogfile: /var/log/x\ndebug: on\n"
				     "logfile_priority: ERR\nsyslog_priority: "
				     "warning\nsyslog_facility: local3\ntimestamp: on\n"
				     "logger_subsys {\nsubsys: CPG\ndebug: trace\n}\n"
				     "logger_subsys {\nsubsys: TOTEM\nlogfile: "
				     "/var/log/t\nto_syslog: no\n}\n}\n"),
		0);
	const struct config_log *log = &one.config->log;

	ck_assert_uint_eq(log->subsystem_count, 3);
	ck_assert_int_eq(log->facility, LOG_LOCAL3);
	ck_assert_int_eq(log->timestamp, 1);
	const struct config_log_subsystem *top = &log->subsystems[0], *cpg = &log->subsystems[1],
					  *totem = &log->subsystems[2];

	ck_assert_ptr_null(top->name);
	ck_assert(!top->to_stderr && top->to_syslog && top->to_file);
	ck_assert_str_eq(top->file, "/var/log/x");
	ck_assert_int_eq(top->file_priority, LOG_ERR);
	ck_assert_int_eq(top->syslog_priority, LOG_WARNING);
	ck_assert_int_eq(top->debug, 1);
	ck_assert_str_eq(cpg->name, "CPG");
	ck_assert_int_eq(cpg->debug, 2);
	ck_assert_str_eq(cpg->file, "/var/log/x");
	ck_assert_str_eq(totem->file, "/var/log/t");
	ck_assert_int_eq(totem->debug, 1); /* inherited, unlike the reference: spec 07 §7, 13 */
	ck_assert(!totem->to_syslog);
}
END_TEST

START_TEST(defaults_are_the_documented_ones)
{
	ck_assert_int_eq(config_case_load(&one, TOTEM("udpu", "") NODELIST(CF1)), 0);
	const struct config_log *log = &one.config->log;

	ck_assert(log->subsystems[0].to_stderr && log->subsystems[0].to_syslog &&
		  !log->subsystems[0].to_file);
	ck_assert_int_eq(log->subsystems[0].file_priority, LOG_INFO);
	ck_assert_int_eq(log->timestamp, 2);
	ck_assert_int_eq(log->facility, LOG_DAEMON);
	ck_assert(log->blackbox && !log->fileline);
	ck_assert(one.config->sched_rr && !one.config->has_priority);
	ck_assert_int_eq(one.config->move_to_root_cgroup, 2);
	ck_assert_int_eq(one.config->ipc_type, QB_IPC_NATIVE);
	ck_assert_ptr_null(one.config->state_dir);
	ck_assert(!one.config->has_payload_max);
	ck_assert_int_eq(config_case_load(&one, "totem {\nversion: 2\n}\n" NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "knet");
	ck_assert_int_eq(
		config_case_load(&one,
			TOTEM("udpu", "") NODELIST(CF1) "system {\nsched_rr: no\npriority: "
							"-5\nqb_ipc_type: socket\nstate_dir: /tmp\n"
							"move_to_root_cgroup: yes\n}\n"),
		0);
	ck_assert(!one.config->sched_rr && one.config->has_priority);
	ck_assert_int_eq(one.config->priority, -5);
	ck_assert_int_eq(one.config->ipc_type, QB_IPC_SOCKET);
	ck_assert_int_eq(one.config->move_to_root_cgroup, 1);
	ck_assert_str_eq(one.config->state_dir, "/tmp");
}
END_TEST

/* "cmap cfg! …": names in order, an exclamation mark behind a required one. */
static void list_services(char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < one.config->service_count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s%s", i == 0 ? "" : " ",
			one.config->services[i].name,
			one.config->services[i].is_required ? "!" : "");
}

START_TEST(plugins_are_asked_for)
{
	char text[256];
	const char *file;
	uint32_t line;

	ck_assert_int_eq(
		config_case_load(&one,
			TOTEM("udpu", "block_unlisted_ips: maybe\nnetmtu: +01500\n") NODELIST(CF1)),
		0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg evs control quorum");
	/* What plugins see is normalised. */
	ck_assert_str_eq(
		config_option(one.config, "udpu", "block_unlisted_ips", NULL, NULL), "yes");
	ck_assert_str_eq(config_option(one.config, "udpu", "netmtu", NULL, NULL), "1500");
	ck_assert_ptr_null(config_option(one.config, "cpg", "netmtu", NULL, NULL));
	ck_assert_ptr_null(config_option(one.config, "udpu", "offload", NULL, NULL));

	ck_assert_int_eq(config_case_load(&one,
				 TOTEM("udpu", "") NODELIST(
					 CF1) "quorum {\nprovider: corosync_votequorum\n}\nservice "
					      "{\nname: corosync_cpg\nmax: 5\nver: 0\n}\n"
					      "service {\nname: tally\nstep: 1\nstep: 2\n}\n"),
		0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg! evs control votequorum quorum tally!");
	ck_assert_uint_eq(one.config->option_count, 3);
	ck_assert_str_eq(config_option(one.config, "cpg", "max", &file, &line), "5");
	ck_assert_str_eq(file, "c.conf");
	ck_assert_uint_eq(line, 17);
	ck_assert_str_eq(config_option(one.config, "tally", "step", NULL, NULL), "2");

	ck_assert_str_eq(one.config->quorum_provider, "votequorum");

	ck_assert_int_eq(config_case_load(&one,
				 TOTEM("udpu", "") NODELIST(CF1) "quorum {\nprovider: acme_votes\n}\n"
					 "resources {\nwatchdog_device: off\n}\n"),
		0);
	list_services(text, sizeof(text));
	ck_assert_str_eq(text, "cmap cfg cpg evs control mon wd acme_votes quorum");
	ck_assert_str_eq(one.config->quorum_provider, "acme_votes");

	ck_assert_int_eq(
		config_case_load(&one, TOTEM("udpu", "") NODELIST(
					       CF1) "transport {\nname: acme_rdma\nqueue: 5\n}\n"),
		0);
	ck_assert_str_eq(one.config->transport, "acme_rdma");
	ck_assert_str_eq(config_option(one.config, "acme_rdma", "queue", NULL, NULL), "5");

	ck_assert_int_eq(config_case_load(&one, TOTEM("acme", "") NODELIST(CF1) "transport {\nname: acme\n}\n"), 0);
	ck_assert_uint_eq(one.messages.warning_count, 0);
	ck_assert_int_eq(config_case_load(&one, TOTEM("acme", "") NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "acme");
	/* Who cannot tell leaves it to the loading. */
	one.environment.find_transport = NULL;
	ck_assert_int_eq(config_case_load(&one, TOTEM("iba", "") NODELIST(CF1)), 0);
	ck_assert_str_eq(one.config->transport, "iba");
}
END_TEST

/* --- the map: every key that comes from the configuration, as the reference shows it --- */

static bool is_of_config(const char *key)
{
	static const char *const prefixes[] = {
		"logging.", "nodelist.", "quorum.", "totem.", "runtime.config."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static void show(const char *key, const struct map_value *value, char *text, size_t size)
{
	uint8_t u8;
	uint32_t u32;

	switch (value->type) {
	case 2:
		memcpy(&u8, value->bytes, sizeof(u8));
		snprintf(text, size, "%s (u8) = %u", key, u8);
		break;
	case 5:
		memcpy(&u32, value->bytes, sizeof(u32));
		snprintf(text, size, "%s (i32) = %d", key, (int)u32);
		break;
	case 6:
		memcpy(&u32, value->bytes, sizeof(u32));
		snprintf(text, size, "%s (u32) = %u", key, u32);
		break;
	case 11:
		snprintf(text, size, "%s (str) = %s", key, (const char *)value->bytes);
		break;
	default:
		snprintf(text, size, "%s: type %u", key, value->type);
	}
}

START_TEST(the_map_is_that_of_the_reference)
{
	static const char text[] =
		TOTEM("udpu", "cluster_name: lab\ncrypto_cipher: none\ncrypto_hash: none\n"
			      "keyfile: /etc/corosync/authkey\n")
			NODELIST(CF1 CF2 CF3) "quorum {\nprovider: corosync_votequorum\n}\n"
					      "logging {\nto_stderr: no\nto_logfile: yes\nlogfile: "
					      "/var/log/corosync/corosync.log\n"
					      "to_syslog: no\ndebug: off\ntimestamp: hires\n}\n";
	const char *top = getenv("abs_top_srcdir");
	char path[4096], line[512], shown[512];
	struct map_value value;
	const char *key;

	ck_assert_msg(config_case_load(&one, text) == 0, "%s", config_case_error(&one));
	struct map *map = map_create();

	ck_assert_int_eq(config_publish(one.config, map), 0);
	struct map_iterator *iterator = map_iterator_create(map, NULL);

	snprintf(path, sizeof(path), "%s/tests/unit/vectors/cmap-udpu3.txt",
		top != NULL ? top : ".");
	FILE *file = fopen(path, "r");

	ck_assert_msg(file != NULL, "cannot open %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!is_of_config(line))
			continue;
		key = map_iterator_next(iterator, &value);
		ck_assert_msg(key != NULL, "missing: %s", line);
		show(key, &value, shown, sizeof(shown));
		ck_assert_str_eq(shown, line);
	}
	ck_assert_ptr_null(map_iterator_next(iterator, NULL));
	fclose(file);
	map_iterator_destroy(iterator);

	static const char *const read_only[] = {"totem.transport", "nodelist.node.0.nodeid",
		"system.x", "uidgid.config.uid.0", "runtime.config.totem.token", "totem.key"};
	static const char *const writable[] = {"totem.token", "logging.debug",
		"runtime.members.1.ip", "quorum.expected_votes", "uidgid.uid.0", "totem.keyfil",
		"totem.version2"};

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		ck_assert_msg(map_is_protected(map, read_only[i]), "%s", read_only[i]);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		ck_assert_msg(!map_is_protected(map, writable[i]), "%s", writable[i]);
	map_destroy(map);
}
END_TEST

START_TEST(lack_of_memory_is_an_error)
{
	static const char text[] = TOTEM("udpu", "tokn: 1\ninterface {\nmcastport: 6000\n}\n")
		NODELIST(CF1 CF2 CF3) "logging {\nlogger_subsys {\nsubsys: CPG\ndebug: on\n}\n}\n"
				      "service {\nname: x\na: 1\n}\nuidgid {\nuid: 1\n}\n";
	unsigned int n = 1;

	for (;; n++) {
		fail_alloc_at(n);
		int rc = config_case_load(&one, text);
		if (!fail_alloc_happened())
			break;
		ck_assert_msg(rc == -ENOMEM && one.config == NULL, "allocation %u: %d", n, rc);
	}
	ck_assert_int_eq(one.rc, 0);
	ck_assert_uint_gt(n, 5);
	for (n = 1;; n++) {
		struct map *map = map_create();

		fail_alloc_at(n);
		int rc = config_publish(one.config, map);
		bool has_failed = fail_alloc_happened();

		map_destroy(map);
		if (!has_failed)
			break;
		ck_assert_int_eq(rc, -ENOMEM);
	}
	ck_assert_uint_gt(n, 100);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("validate");
	TCase *tc = tcase_create("validate");
	SRunner *runner;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, timers_are_computed, 0, COUNT(timers));
	tcase_add_test(tc, windows_are_bounded);
	tcase_add_test(tc, the_engine_gets_the_rest);
	tcase_add_loop_test(tc, this_node_is_found, 0, COUNT(locals));
	tcase_add_test(tc, candidates_are_named);
	tcase_add_test(tc, numeric_addresses_ask_no_resolver);
	tcase_add_test(tc, the_machine_answers);
	tcase_add_loop_test(tc, addresses_are_resolved_by_family, 0, COUNT(resolved));
	tcase_add_test(tc, ids_are_generated_from_addresses);
	tcase_add_test(tc, ports_follow_the_link);
	tcase_add_test(tc, udp_makes_its_group_from_the_name);
	tcase_add_test(tc, broadcast_shows_its_address);
	tcase_add_loop_test(tc, errors_say_what_to_do, 0, COUNT(refused));
	tcase_add_test(tc, a_list_has_at_most_384_nodes);
	tcase_add_loop_test(tc, a_key_file_has_128_bytes_and_4096_count, 0, COUNT(key_sizes));
	tcase_add_loop_test(tc, a_key_in_the_file_counts_with_its_end, 0, COUNT(key_texts));
	tcase_add_test(tc, no_key_is_read_without_need);
	tcase_add_test(tc, services_are_limited);
	tcase_add_test(tc, logging_inherits);
	tcase_add_test(tc, defaults_are_the_documented_ones);
	tcase_add_test(tc, plugins_are_asked_for);
	tcase_add_test(tc, the_map_is_that_of_the_reference);
	tcase_add_test(tc, lack_of_memory_is_an_error);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
