/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/plugins/template-transport/unixgram_case.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

const struct coterie_transport *ops;
struct coterie_ctx *hosts[NODES];
void *nodes[NODES];
char root[32], folder[48];
const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

void node_open(uint32_t node)
{
	hosts[node] = mock_host_create(&unixgram_LTX_coterie_plugin);
	hosts[node]->nodeid = node + 1;
	mock_host_option(hosts[node], "directory", folder);
	ck_assert_int_eq(ops->open(&hosts[node]->table, hosts[node], &nodes[node]), 0);
	for (uint32_t i = 0; i < NODES; i++)
		ck_assert_int_eq(ops->peer_add(nodes[node], 0, i + 1, &nowhere), 0);
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
	ck_assert_int_eq(ops->link_up(nodes[node], 0, &nowhere), 0);
	ck_assert_uint_eq(hosts[node]->link_is_up, 1);
}

void advance_ms(uint32_t node, uint64_t ms) { mock_host_advance(hosts[node], ms * MS); }

static void set_up(void)
{
	ops = unixgram_LTX_coterie_plugin.ops;
	snprintf(root, sizeof(root), "/tmp/unixgram.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/sockets", root);
}

static void set_up_ring(void)
{
	set_up();
	for (uint32_t i = 0; i < NODES; i++)
		start(i);
	for (uint32_t i = 0; i < NODES; i++)
		advance_ms(i, PROBE_MS); /* the probe finds nodes that were opened later */
}

static void tear_down(void)
{
	char command[64];

	for (uint32_t i = 0; i < NODES; i++)
		node_close(i);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

bool exists(const char *name) { return access(path_of(name), F_OK) == 0; }

int stranger(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	if (name == NULL)
		return fd;
	ck_assert_uint_lt(strlen(name), sizeof(address.sun_path));
	strcpy(address.sun_path, name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

struct sockaddr_un address_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

struct sockaddr_un address_of(const char *name) { return address_at(path_of(name)); }

ssize_t send_to(int fd, const char *name, const void *bytes, size_t size)
{
	struct sockaddr_un to = address_of(name);

	return sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof(to));
}

void receive(uint32_t node, uint32_t count)
{
	for (int idle = 0; hosts[node]->frames.count < count; idle++) {
		for (uint32_t i = 0; i < NODES; i++) {
			if (nodes[i] != NULL && mock_host_poll(hosts[i], 0) > 0)
				idle = 0;
		}
		ck_assert_msg(idle < 1000, "node %u: %u of %u frames came", node + 1, hosts[node]->frames.count, count);
	}
}

void receive_nothing(uint32_t node)
{
	uint32_t count = hosts[node]->frames.count;

	while (mock_host_poll(hosts[node], 0) > 0)
		;
	ck_assert_uint_eq(hosts[node]->frames.count, count);
}

uint32_t number_of(const struct mock_message *message)
{
	uint32_t number;

	ck_assert_uint_ge(message->size, sizeof(number));
	memcpy(&number, message->data, sizeof(number));
	return number;
}

void multicast(uint32_t node, uint32_t size, uint32_t first, uint32_t count)
{
	static uint8_t bytes[UNIXGRAM_FRAME_MAX];

	for (uint32_t i = 0; i < count;) {
		struct coterie_frame *frames[40];
		uint32_t batch = 0;

		for (; batch < 40 && i < count; batch++, i++) {
			uint32_t number = first + i;

			memcpy(bytes, &number, sizeof(number));
			frames[batch] = mock_frame(hosts[node], bytes, size);
		}
		ck_assert_int_eq(ops->multicast(nodes[node], frames, batch), (int)batch);
		while (batch > 0)
			hosts[node]->table.frame_unref(frames[--batch]);
	}
}

struct coterie_transport_stats stats_of(uint32_t node)
{
	struct coterie_transport_stats stats = {.size = sizeof(stats)};

	ops->stats(nodes[node], &stats);
	return stats;
}

TCase *unixgram_case_add_ring(Suite *suite)
{
	TCase *tcase = tcase_create("ring");

	tcase_add_checked_fixture(tcase, set_up_ring, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}

TCase *unixgram_case_add_alone(Suite *suite)
{
	TCase *tcase = tcase_create("alone");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}
