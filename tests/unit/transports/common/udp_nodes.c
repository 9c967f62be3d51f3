/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/transports/common/udp_nodes.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/suite.h"

const struct coterie_transport *ops;
struct coterie_ctx *hosts[NODES];
void *nodes[NODES];
int send_room = -1;
int send_error;
char group_text[64];
const char *encryption;
const char *ring_key;

static const struct coterie_plugin *plugin;
static struct sockaddr_storage addresses[NODES];

uint32_t refuses_runs = NODES;
uint32_t runs_sent;

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	if (send_room == 0 || send_error != 0) {
		errno = send_error != 0 ? send_error : EAGAIN;
		return -1;
	}
	if (send_room > 0 && (int)count > send_room)
		count = (unsigned int)send_room;

	for (unsigned int i = 0; i < count; i++) {
		if (messages[i].msg_hdr.msg_controllen == 0)
			continue;
		if (refuses_runs < NODES && memcmp(messages[i].msg_hdr.msg_name, &addresses[refuses_runs],
						    messages[i].msg_hdr.msg_namelen) == 0) {
			count = i;
			break;
		}
		runs_sent++;
	}
	if (count == 0) {
		errno = EMSGSIZE;
		return -1;
	}

	int sent = (int)syscall(SYS_sendmmsg, fd, messages, count, flags);

	if (sent > 0 && send_room > 0)
		send_room -= sent;
	return sent;
}

void choose_addresses(bool is_v6)
{
	uint32_t pid = (uint32_t)getpid();

	snprintf(group_text, sizeof(group_text), is_v6 ? "ff15::%x:%x" : "239.194.%u.%u", pid / 250 % 250, pid % 250);
	for (uint32_t i = 0; i < NODES; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5405)};
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

		memset(&addresses[i], 0, sizeof(addresses[i]));
		in.sin_addr.s_addr = htonl(127u << 24 | (1 + pid % 250) << 16 | (pid / 250 % 250) << 8 | (i + 1));
		/* All nodes have the same IPv6 address, so their ports must differ. */
		in6.sin6_port = htons((uint16_t)(20000 + pid % 13000 * 3 + i));
		if (is_v6)
			memcpy(&addresses[i], &in6, sizeof(in6));
		else
			memcpy(&addresses[i], &in, sizeof(in));
	}
}

const struct sockaddr *address_of(uint32_t node) { return (const struct sockaddr *)&addresses[node]; }

void node_encrypt(uint32_t node)
{
	const char *word = encryption == NULL ? "none" : encryption;

	hosts[node]->table.map_set(
		hosts[node], "totem.encryption", COTERIE_MAP_STRING, word, (uint32_t)strlen(word) + 1);
	mock_key(hosts[node], encryption == NULL ? NULL : ring_key, ring_key == NULL ? 0 : (uint32_t)strlen(ring_key));
}

void nodes_settle(void)
{
	bool is_quiet = false;

	while (!is_quiet) {
		is_quiet = true;
		for (uint32_t i = 0; i < NODES; i++)
			if (nodes[i] != NULL && mock_host_poll(hosts[i], 0) > 0)
				is_quiet = false;
	}
}

void node_open(uint32_t node)
{
	hosts[node] = mock_host_create(plugin);
	hosts[node]->nodeid = node + 1;
	if (group_text[0] != '\0')
		hosts[node]->table.map_set(hosts[node], "totem.interface.0.mcastaddr", COTERIE_MAP_STRING, group_text,
			(uint32_t)strlen(group_text) + 1);
	node_encrypt(node);
	ck_assert_int_eq(ops->open(&hosts[node]->table, hosts[node], &nodes[node]), 0);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(ops->peer_add(nodes[node], 0, i + 1, address_of(i)), 0);
}

void node_close(uint32_t node)
{
	if (nodes[node] == NULL)
		return;
	ops->close(nodes[node]);
	nodes[node] = NULL;
	ck_assert_uint_eq(mock_host_destroy(hosts[node]), 0);
}

void start(uint32_t node)
{
	node_open(node);
	ck_assert_int_eq(ops->link_up(nodes[node], 0, address_of(node)), 0);
}

void nodes_set_up(const struct coterie_plugin *under_test)
{
	plugin = under_test;
	ops = plugin->ops;
	choose_addresses(false);
	for (uint32_t i = 0; i < NODES; i++)
		start(i);
}

void nodes_tear_down(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		node_close(i);
}

void receive(uint32_t node, uint32_t count)
{
	while (hosts[node]->frames.count < count) {
		if (mock_host_poll(hosts[node], 2000) == 0)
			ck_abort_msg("node %u: only %u of %u frames came", node + 1, hosts[node]->frames.count, count);
	}
}

void receive_nothing(uint32_t node)
{
	uint32_t count = hosts[node]->frames.count;

	while (mock_host_poll(hosts[node], 0) > 0)
		;
	ck_assert_uint_eq(hosts[node]->frames.count, count);
}

void multicast(uint32_t node, uint32_t size, uint32_t count)
{
	static uint8_t bytes[65507];
	struct coterie_frame *frames[200] = {NULL};

	for (uint32_t i = 0; i < count; i++) {
		memset(bytes, (int)i, size);
		frames[i] = mock_frame(hosts[node], bytes, size);
	}
	ck_assert_int_eq(ops->multicast(nodes[node], frames, count), (int)count);
	for (uint32_t i = 0; i < count; i++)
		hosts[node]->table.frame_unref(frames[i]);
}

void every_other_node_gets(uint32_t from, uint32_t size)
{
	uint32_t count = size > 9000 ? 5 : 60;

	multicast(from, size, count);
	for (uint32_t node = 0; node < NODES; node++) {
		if (node == from || nodes[node] == NULL)
			continue;
		receive(node, count);
		for (uint32_t i = 0; i < count; i++) {
			ck_assert_uint_eq(hosts[node]->frames.list[i].size, size);
			ck_assert_uint_eq(hosts[node]->frames.list[i].data[size - 1], i);
		}
	}
	receive_nothing(from); /* the executive returns a node's own frames */
}

void token(uint32_t node, uint32_t nodeid, int want)
{
	struct coterie_frame *frame = mock_frame(hosts[node], "token", 5);

	ck_assert_int_eq(ops->token(nodes[node], nodeid, frame), want);
	hosts[node]->table.frame_unref(frame);
}

int stranger_open(const struct sockaddr *local)
{
	int fd = socket(local->sa_family, SOCK_DGRAM, 0);
	struct sockaddr_in in;

	memcpy(&in, local, sizeof(in));
	in.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

void cut_off(uint32_t node)
{
	send_error = EPERM;
	multicast(node, 100, 1);
	mock_host_advance(hosts[node], 400 * MS);
	multicast(node, 100, 1);
	mock_host_advance(hosts[node], 0);
	ck_assert_uint_eq(hosts[node]->link_is_up, 0);
}
