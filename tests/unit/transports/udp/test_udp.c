/* SPDX-License-Identifier: BSD-3-Clause */
/* The udp plugin between mock hosts, with real sockets on loopback addresses that only this test uses. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/unit/transports/common/udp_nodes.h"
#include "transports/udp/udp.h"

extern const struct coterie_plugin udp_LTX_coterie_plugin;

static void set_up(void) { nodes_set_up(&udp_LTX_coterie_plugin); }

static struct udp *udp_of(uint32_t node) { return nodes[node]; }

static void set_text(uint32_t node, const char *key, const char *text)
{
	hosts[node]->table.map_set(hosts[node], key, COTERIE_MAP_STRING, text, (uint32_t)strlen(text) + 1);
}

static void broadcast_instead(void)
{
	nodes_tear_down();
	for (uint32_t i = 0; i < NODES; i++) {
		node_open(i);
		set_text(i, "totem.interface.0.broadcast", "yes");
		ck_assert_int_eq(ops->link_up(nodes[i], 0, address_of(i)), 0);
	}
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static const uint32_t sizes[] = {1, 29, 1455, 1500, 9000, 65507};

START_TEST(a_multicast_reaches_every_other_node_in_order) { every_other_node_gets(0, sizes[_i]); }
END_TEST

START_TEST(a_broadcast_reaches_every_other_node_in_order)
{
	broadcast_instead();
	every_other_node_gets(1, sizes[_i]);
}
END_TEST

START_TEST(a_multicast_is_one_datagram_for_all)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	multicast(0, 100, 7);
	ops->stats(nodes[0], &stats);
	ck_assert_uint_eq(stats.frames_out, 7);
	ck_assert_uint_eq(stats.bytes_out, 700);
}
END_TEST

/* Return whether a socket on the loopback interface is a member of the multicast group. */
static bool is_joined(const struct in6_addr *group)
{
	char line[256];
	char want[33];
	bool is_found = false;
	FILE *file = fopen("/proc/net/igmp6", "r");

	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 16; i++)
		sprintf(want + 2 * i, "%02x", group->s6_addr[i]);
	while (!is_found && fgets(line, sizeof(line), file) != NULL)
		is_found = strstr(line, want) != NULL && strstr(line, " lo ") != NULL;
	fclose(file);
	return is_found;
}

/*
 * The loopback interface has only one IPv6 address, so the peer is a socket on another port. The interface has no route
 * for multicasts: tests/interop/udp.sh tests these in namespaces.
 */
START_TEST(ipv6_joins_its_group_and_carries_tokens)
{
	struct in6_addr group;
	char bytes[16];

	nodes_tear_down();
	choose_addresses(true);
	node_open(0);
	if (ops->link_up(nodes[0], 0, address_of(0)) != 0 || hosts[0]->link_is_up == 0)
		return; /* this host has no IPv6 */
	ck_assert_int_eq(inet_pton(AF_INET6, group_text, &group), 1);
	ck_assert(is_joined(&group));
	ck_assert_int_eq(option_of(udp_of(0)->link.fd, IPPROTO_IPV6, IPV6_MULTICAST_IF), 1);
	ck_assert_int_eq(option_of(udp_of(0)->link.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	ck_assert_int_eq(option_of(udp_of(0)->link.fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 1);

	int peer = socket(AF_INET6, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(peer, address_of(1), sizeof(struct sockaddr_in6)), 0);
	ck_assert_int_eq(sendto(peer, "one", 3, 0, address_of(0), sizeof(struct sockaddr_in6)), 3);
	receive(0, 1);
	token(0, 2, 0);
	ck_assert_int_eq(recv(peer, bytes, sizeof(bytes), 0), 5);
	close(peer);
	node_close(0);
	ck_assert(!is_joined(&group));
}
END_TEST

/* Drain the transport, as the executive does when a batch has a token. */
static void drain_inside(void *arg)
{
	uint32_t *count = arg;

	if (*count != 0)
		return;
	hosts[1]->on_frames = NULL;
	ck_assert_int_eq(ops->drain(nodes[1]), 0);
	*count = hosts[1]->frames.count;
}

START_TEST(draining_brings_all_that_was_sent_before_a_token)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};
	struct sockaddr_storage from;
	uint32_t count = 0;

	multicast(0, 1455, 200);
	multicast(2, 20, 100);
	token(0, 2, 0);
	hosts[1]->on_frames = drain_inside;
	hosts[1]->on_frames_arg = &count;
	/* Read in the worst order: the token first. */
	udp_link_ready(nodes[1], udp_of(1)->link.fd, COTERIE_FD_IN);
	ck_assert_uint_eq(count, 301);
	ck_assert_uint_eq(hosts[1]->frames.count, 301);
	ck_assert_mem_eq(hosts[1]->frames.list[0].data, "token", 5);
	for (uint32_t i = 0; i < 200; i++)
		ck_assert_uint_eq(hosts[1]->frames.list[1 + i].data[0], i);
	memcpy(&from, address_of(0), sizeof(struct sockaddr_in));
	ck_assert(address_equal((struct sockaddr *)&hosts[1]->frames.list[1].from, (struct sockaddr *)&from));
	receive_nothing(1);
	ops->stats(nodes[1], &stats);
	ck_assert_uint_eq(stats.frames_in, 301);
	ck_assert_int_eq(ops->drain(nodes[1]), 0);
	receive(2, 200);
	receive_nothing(2); /* node 3 gets nothing, since the token was sent to node 2 only */
}
END_TEST

static void shout(const struct sockaddr *from, uint32_t count)
{
	int fd = stranger_open(from);
	struct ip_mreqn out = {.imr_ifindex = 1};

	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)), 0);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(sendto(fd, "hello", 5, 0, (struct sockaddr *)&udp_of(0)->link.group.address,
					 sizeof(struct sockaddr_in)),
			5);
	close(fd);
}

START_TEST(the_group_hears_no_strangers_unless_the_config_wants_them)
{
	struct sockaddr_in in;
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	memcpy(&in, address_of(0), sizeof(in));
	in.sin_addr.s_addr = htonl(ntohl(in.sin_addr.s_addr) + 100);
	shout((struct sockaddr *)&in, 50);
	receive_nothing(0);
	ops->stats(nodes[0], &stats);
	ck_assert_uint_eq(stats.rejected, 50);
	mock_host_option(hosts[0], "block_unlisted_ips", "no");
	ck_assert_int_eq(ops->reload(nodes[0]), 0);
	shout((struct sockaddr *)&in, 1);
	receive(0, 1);
	receive_nothing(1);
}
END_TEST

START_TEST(a_peer_is_heard_from_any_port)
{
	shout(address_of(1), 1); /* Corosync sends from the port below that on which it receives */
	receive(0, 1);
	receive(2, 1);
	receive_nothing(1);
}
END_TEST

/* Only a packet to a single closed port causes an ICMP error, so tokens do and multicasts do not. */
START_TEST(a_token_finds_a_dead_daemon)
{
	node_close(1);
	for (uint32_t i = 0; i < 20; i++) {
		multicast(0, 100, 3);
		mock_host_poll(hosts[0], 0);
		mock_host_advance(hosts[0], 2 * MS);
	}
	ck_assert_uint_eq(hosts[0]->refused.count, 0);
	receive(2, 60);
	token(0, 2, 0);
	mock_host_poll(hosts[0], 0);
	mock_host_advance(hosts[0], 2 * MS);
	ck_assert_uint_eq(hosts[0]->refused.count, 1);
	ck_assert_uint_eq(hosts[0]->refused.list[0].id, 2);
}
END_TEST

START_TEST(only_the_group_is_shared_with_other_programs)
{
	struct udp *udp = udp_of(0);
	struct coterie_ctx *host = mock_host_create(&udp_LTX_coterie_plugin);
	void *node;

	ck_assert_int_eq(option_of(udp->link.fd, SOL_SOCKET, SO_REUSEADDR), 0);
	ck_assert_int_eq(option_of(udp->link.group_fd, SOL_SOCKET, SO_REUSEADDR), 1);
	ck_assert_int_eq(option_of(udp->link.group_fd, IPPROTO_IP, IP_MULTICAST_ALL), 0);
	ck_assert_int_eq(ops->open(&host->table, host, &node), 0);
	host->table.map_set(
		host, "totem.interface.0.mcastaddr", COTERIE_MAP_STRING, group_text, (uint32_t)strlen(group_text) + 1);
	ck_assert_int_eq(ops->link_up(node, 0, address_of(0)), -EADDRINUSE);
	ops->close(node);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

/*
 * The sender decides whether other sockets of its host get its multicasts. It enables this while a peer is on this
 * host.
 */
START_TEST(multicasts_loop_back_while_a_peer_lives_on_this_host)
{
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(5405)};
	int fd = udp_of(0)->link.fd;

	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	ops->peer_del(nodes[0], 0, 2);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	ops->peer_del(nodes[0], 0, 3);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.77", &far.sin_addr), 1); /* RFC 5737 */
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 4, (struct sockaddr *)&far), 0);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), 0);
	ck_assert_int_eq(option_of(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	ck_assert_int_eq(ops->peer_add(nodes[0], 0, 2, address_of(1)), -EEXIST);
}
END_TEST

START_TEST(the_ttl_is_that_of_the_config)
{
	uint8_t ttl = 7;

	ck_assert_int_eq(option_of(udp_of(0)->link.fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	node_close(0);
	node_open(0);
	hosts[0]->table.map_set(hosts[0], "totem.interface.0.ttl", COTERIE_MAP_U8, &ttl, sizeof(ttl));
	ck_assert_int_eq(ops->link_up(nodes[0], 0, address_of(0)), 0);
	ck_assert_int_eq(option_of(udp_of(0)->link.fd, IPPROTO_IP, IP_MULTICAST_TTL), 7);
}
END_TEST

static const struct {
	const char *name, *group, *broadcast;
	bool is_v6;
	int want;
	const char *log;
} groups[] = {
	{"no address", "", "no", false, -EINVAL, "no mcastaddr is set"},
	{"a name", "cluster", "no", false, -EINVAL, "'cluster': it is not an IP address"},
	{"too much", "239.1.1.1.1", "no", false, -EINVAL, "it is not an IP address"},
	{"the other family", "ff15::1", "no", false, -EAFNOSUPPORT, "the other IP family"},
	{"broadcast over IPv6", "ff15::1", "yes", true, -EAFNOSUPPORT, "the other IP family"},
};

START_TEST(a_group_that_cannot_be_is_refused)
{
	choose_addresses(groups[_i].is_v6);
	strcpy(group_text, groups[_i].group);
	node_close(0);
	node_open(0);
	set_text(0, "totem.interface.0.broadcast", groups[_i].broadcast);
	ck_assert_msg(ops->link_up(nodes[0], 0, address_of(0)) == groups[_i].want, "%s", groups[_i].name);
	ck_assert_msg(mock_host_has_logged(hosts[0], groups[_i].log), "%s", groups[_i].name);
	ck_assert_uint_eq(hosts[0]->link_reports, 0);
}
END_TEST

START_TEST(a_second_link_is_refused)
{
	ck_assert_int_eq(ops->link_up(nodes[0], 1, address_of(0)), -EINVAL);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, address_of(0)), -EEXIST);
	every_other_node_gets(0, 100);
}
END_TEST

START_TEST(an_address_that_is_not_there_is_waited_for)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5405)};

	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.77", &in.sin_addr), 1);
	node_close(0);
	node_open(0);
	ck_assert_int_eq(ops->link_up(nodes[0], 0, (struct sockaddr *)&in), 0);
	ck_assert_uint_eq(hosts[0]->link_is_up, 0);
	ck_assert_str_eq(hosts[0]->link_text, "the address is not on this host");
	multicast(0, 100, 2);
	ck_assert_int_eq(ops->drain(nodes[0]), 0);
	mock_host_advance(hosts[0], 5000 * MS);
	ck_assert_uint_eq(hosts[0]->link_reports, 1);
	receive_nothing(1); /* nothing is sent from another address */
}
END_TEST

/*
 * A node without its address must neither send nor receive: receiving only a part of the packets would be worse than
 * being down.
 */
START_TEST(without_its_address_a_node_neither_speaks_nor_hears)
{
	struct sockaddr_storage address = udp_of(0)->link.local;
	struct sockaddr_in other;

	memcpy(&other, &address, sizeof(other));
	ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.77", &other.sin_addr), 1);
	memcpy(&udp_of(0)->link.local, &other, sizeof(other));
	cut_off(0); /* the failing sends make the node check its interface */
	ck_assert_str_eq(hosts[0]->link_text, "the address is not on this host");
	send_error = 0;
	multicast(0, 100, 3);
	token(0, 2, 0);
	receive_nothing(1);
	multicast(1, 100, 3);
	token(1, 1, 0);
	receive_nothing(0);

	udp_of(0)->link.local = address;
	mock_host_advance(hosts[0], 1100 * MS); /* the node checks its interface again */
	token(0, 3, 0);
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	multicast(1, 100, 3);
	receive(0, 3);
}
END_TEST

static ino_t inode_of(int fd)
{
	struct stat stat;

	ck_assert_int_eq(fstat(fd, &stat), 0);
	return stat.st_ino;
}

static void forget_group(int fd)
{
	struct ip_mreqn group = {.imr_ifindex = 1};

	ck_assert_int_eq(inet_pton(AF_INET, group_text, &group.imr_multiaddr), 1);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof(group)), 0);
}

/*
 * Join the group again when the link comes back: memberships are lost with an interface, and switches forget them while
 * it is down.
 */
START_TEST(the_group_is_joined_anew_when_the_link_comes_back)
{
	ino_t inode = inode_of(udp_of(0)->link.group_fd);
	bool is_other = _i == 0;

	cut_off(0);
	if (is_other)
		udp_of(0)->index = 4711; /* as if the interface were another one now */
	else if (_i == 1)
		forget_group(udp_of(0)->link.group_fd);
	send_error = 0;
	token(0, 3, 0);
	mock_host_advance(hosts[0], 0);
	ck_assert_uint_eq(hosts[0]->link_is_up, 1);
	ck_assert_uint_eq(udp_of(0)->index, 1);
	ck_assert(is_other == (inode_of(udp_of(0)->link.group_fd) != inode));
	receive(2, 1);
	mock_queue_clear(&hosts[2]->frames);
	every_other_node_gets(1, 100);
}
END_TEST

START_TEST(a_full_socket_keeps_the_order_of_frames_and_token)
{
	send_room = 0;
	multicast(0, 100, 3);
	token(0, 2, 0);
	send_room = -1;
	mock_host_poll(hosts[0], 2000);
	ck_assert_uint_eq(hosts[0]->writable_count, 1);
	receive(1, 4);
	receive(2, 3);
	receive_nothing(2);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(hosts[2]->frames.list[i].data[0], i);
}
END_TEST

START_TEST(what_fails_is_told_of_all_nodes)
{
	cut_off(0);
	ck_assert(mock_host_has_logged(hosts[0], "cannot send to all nodes at 239.194."));
	send_error = 0;
}
END_TEST

START_TEST(open_passes_on_a_lack_of_memory)
{
	struct coterie_ctx *host = mock_host_create(&udp_LTX_coterie_plugin);
	void *node;

	host->frames_max = 12; /* enough for one set of buffers, not for both */
	ck_assert_int_eq(ops->open(&host->table, host, &node), -ENOMEM);
	ck_assert_uint_eq(mock_host_destroy(host), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp");
	TCase *tcase = tcase_create("udp");
	int count = sizeof(sizes) / sizeof(sizes[0]);

	tcase_add_checked_fixture(tcase, set_up, nodes_tear_down);
	tcase_add_loop_test(tcase, a_multicast_reaches_every_other_node_in_order, 0, count);
	tcase_add_loop_test(tcase, a_broadcast_reaches_every_other_node_in_order, 0, count);
	tcase_add_test(tcase, a_multicast_is_one_datagram_for_all);
	tcase_add_test(tcase, ipv6_joins_its_group_and_carries_tokens);
	tcase_add_test(tcase, draining_brings_all_that_was_sent_before_a_token);
	tcase_add_test(tcase, the_group_hears_no_strangers_unless_the_config_wants_them);
	tcase_add_test(tcase, a_peer_is_heard_from_any_port);
	tcase_add_test(tcase, a_token_finds_a_dead_daemon);
	tcase_add_test(tcase, only_the_group_is_shared_with_other_programs);
	tcase_add_test(tcase, multicasts_loop_back_while_a_peer_lives_on_this_host);
	tcase_add_test(tcase, the_ttl_is_that_of_the_config);
	tcase_add_loop_test(tcase, a_group_that_cannot_be_is_refused, 0, (int)(sizeof(groups) / sizeof(groups[0])));
	tcase_add_test(tcase, a_second_link_is_refused);
	tcase_add_test(tcase, an_address_that_is_not_there_is_waited_for);
	tcase_add_test(tcase, without_its_address_a_node_neither_speaks_nor_hears);
	tcase_add_loop_test(tcase, the_group_is_joined_anew_when_the_link_comes_back, 0, 3);
	tcase_add_test(tcase, a_full_socket_keeps_the_order_of_frames_and_token);
	tcase_add_test(tcase, what_fails_is_told_of_all_nodes);
	tcase_add_test(tcase, open_passes_on_a_lack_of_memory);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
