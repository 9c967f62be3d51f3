/* SPDX-License-Identifier: BSD-3-Clause */
/* corosync-notifyd: the lines of its log, and the keys that it reads. */
#include <check.h>
#include <string.h>

#include "tests/suite.h"
#include "tools/notifyd/event.h"

static const struct {
	struct event event;
	const char *text, *state;
} lines[] = {
	{{.kind = EVENT_MEMBER, .is_good = true, .nodeid = 2, .name = "two", .address = "10.0.0.2"},
		"two[2] ip:10.0.0.2 joined", "joined"},
	{{.kind = EVENT_MEMBER, .nodeid = 4294967295u, .name = "10.0.0.2", .address = "10.0.0.2"},
		"10.0.0.2[4294967295] ip:10.0.0.2 left", "left"},
	{{.kind = EVENT_QUORUM, .is_good = true, .host = "vm", .local_id = 1}, "vm[1] is now quorate", "quorate"},
	{{.kind = EVENT_QUORUM, .host = "vm", .local_id = 1}, "vm[1] has lost quorum", "not quorate"},
	{{.kind = EVENT_CLIENT, .is_good = true, .host = "vm", .local_id = 1, .name = "0x1.2.prog"},
		"vm[1] 0x1.2.prog is now connected to corosync", "connected"},
	{{.kind = EVENT_CLIENT, .host = "vm", .local_id = 1, .name = "0x1.2.prog"},
		"vm[1] 0x1.2.prog is now disconnected from corosync", "disconnected"},
	{{.kind = EVENT_LINK, .is_good = true, .host = "vm", .local_id = 1, .nodeid = 3, .link = 7},
		"vm[1] link 7 to node 3 is now operational", "operational"},
	{{.kind = EVENT_LINK, .host = "vm", .local_id = 1, .nodeid = 3, .link = 0},
		"vm[1] link 0 to node 3 is now disconnected", "disconnected"},
};

START_TEST(text_of_events)
{
	char text[200];

	event_text(&lines[_i].event, text, sizeof(text));
	ck_assert_str_eq(text, lines[_i].text);
	ck_assert_str_eq(event_state(&lines[_i].event), lines[_i].state);
	event_text(&lines[_i].event, text, 5);
	ck_assert_uint_eq(strlen(text), 4);
}
END_TEST

static const struct {
	const char *key;
	bool is_member;
	uint32_t nodeid;
} members[] = {{"runtime.members.1.status", true, 1}, {"runtime.members.4294967295.status", true, 4294967295u},
	{"runtime.members.4294967296.status", false, 0}, {"runtime.members..status", false, 0},
	{"runtime.members.-1.status", false, 0}, {"runtime.members.1.status2", false, 0},
	{"runtime.members.1.ip", false, 0}, {"runtime.members.1.", false, 0}, {"runtime.members.1", false, 0},
	{"runtime.members. 1.status", false, 0}, {"", false, 0}};

START_TEST(keys_of_members)
{
	uint32_t nodeid = 0;

	ck_assert_msg(parse_member(members[_i].key, &nodeid) == members[_i].is_member, "'%s'", members[_i].key);
	if (members[_i].is_member)
		ck_assert_uint_eq(nodeid, members[_i].nodeid);
}
END_TEST

static const struct {
	const char *value, *address;
} addresses[] = {{"r(0) ip(10.0.0.1) ", "10.0.0.1"}, {"r(0) ip(10.0.0.1) r(1) ip(fd00::1) ", "fd00::1"},
	{"r(0) ip()", ""}, {"r(0) ip(10.0.0.1", ""}, {"", ""}, {")", ""}, {"(", ""}, {"10.0.0.1", ""}};

START_TEST(addresses_of_members)
{
	char address[NI_MAXHOST];
	char longest[3000] = "(";

	parse_address(addresses[_i].value, address);
	ck_assert_str_eq(address, addresses[_i].address);
	memset(longest + 1, 'x', 2000);
	strcat(longest, ")");
	parse_address(longest, address);
	ck_assert_str_eq(address, "");
}
END_TEST

static const struct {
	const char *key, *procname, *client;
} clients[] = {{"stats.ipcs.service0.77.0x55aa.procname", "cmapctl", "0x55aa.77.cmapctl"},
	{"stats.ipcs.service5.77.12.procname", "", "12.77."}, {"stats.ipcs.service0.77.0x55aa.sent", "x", NULL},
	{"stats.ipcs.global.active", "x", NULL}, {"stats.ipcs.service.77.0x1.procname", "x", NULL},
	{"stats.ipcs.service0.77..procname", "x", NULL}, {"stats.ipcs.service0..0x1.procname", "x", NULL},
	{"stats.ipcs.service0.77.0x1.y.procname", "x", NULL}, {"", "x", NULL}};

START_TEST(keys_of_clients)
{
	char client[64];
	bool is_client = parse_client(clients[_i].key, clients[_i].procname, client, sizeof(client));

	ck_assert_msg(is_client == (clients[_i].client != NULL), "'%s'", clients[_i].key);
	if (is_client)
		ck_assert_str_eq(client, clients[_i].client);
}
END_TEST

static const struct {
	const char *key;
	bool is_link;
	uint32_t nodeid, link;
} links[] = {{"stats.knet.node2.link7.connected", true, 2, 7},
	{"stats.knet.node4294967295.link0.connected", true, 4294967295u, 0},
	{"stats.knet.node2.link7.enabled", false, 0, 0}, {"stats.knet.node.link7.connected", false, 0, 0},
	{"stats.knet.node2.link.connected", false, 0, 0}, {"stats.knet.node2.link7.connected.x", false, 0, 0},
	{"stats.knet.handle.tx_crypt_packets", false, 0, 0}};

START_TEST(keys_of_links)
{
	uint32_t nodeid, link;

	ck_assert_msg(parse_link(links[_i].key, &nodeid, &link) == links[_i].is_link, "'%s'", links[_i].key);
	if (links[_i].is_link) {
		ck_assert_uint_eq(nodeid, links[_i].nodeid);
		ck_assert_uint_eq(link, links[_i].link);
	}
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

int main(void)
{
	Suite *suite = suite_create("notifyd");
	TCase *tests = tcase_create("notifyd");

	tcase_add_loop_test(tests, text_of_events, 0, COUNT(lines));
	tcase_add_loop_test(tests, keys_of_members, 0, COUNT(members));
	tcase_add_loop_test(tests, addresses_of_members, 0, COUNT(addresses));
	tcase_add_loop_test(tests, keys_of_clients, 0, COUNT(clients));
	tcase_add_loop_test(tests, keys_of_links, 0, COUNT(links));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
