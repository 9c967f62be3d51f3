/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/transports/knet/knet_nodes.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/suite.h"

#define DEADLINE_MS 10000
#define FRAME_HEADER 13

/* A static variable, since key_get() gets only the host. */
static struct knet_nodes *all;

/*
 * Replaces libknet's function, whose real one waits for more than half a second at the end. Only one test needs that
 * wait.
 */
int knet_handle_setfwd(knet_handle_t handle, unsigned int is_enabled)
{
	int (*real)(knet_handle_t, unsigned int) = NULL;

	if (!is_enabled && !all->is_flushed)
		return 0;
	*(void **)&real = dlsym(RTLD_NEXT, "knet_handle_setfwd");
	return real(handle, is_enabled);
}

static int get_key(struct coterie_ctx *host, const void **bytes, uint32_t *size)
{
	for (uint32_t i = 0; i < KNET_NODES; i++) {
		struct knet_node *node = &all->list[i];

		if (node->host != host)
			continue;
		*bytes = node->key;
		*size = node->key_size;
		return node->key_size == 0 ? -ENODATA : 0;
	}
	return -ENODATA;
}

/* Choose addresses 127.x.y.NODE with x and y from the process id, so that no other process on this host has them. */
static void choose_addresses(struct knet_nodes *nodes)
{
	uint32_t pid = (uint32_t)getpid();

	for (uint32_t link = 0; link < KNET_LINKS; link++) {
		for (uint32_t i = 0; i < KNET_NODES; i++) {
			struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(5405 + link))};

			in.sin_addr.s_addr = htonl(
				127u << 24 | (1 + pid % 250) << 16 | (pid / 250 % 250) << 8 | (10 * link + i + 1));
			memcpy(&nodes->addresses[link][i], &in, sizeof(in));
		}
	}
}

void knet_set_text(struct knet_nodes *nodes, uint32_t node, const char *key, const char *text)
{
	struct coterie_ctx *host = nodes->list[node].host;

	ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_STRING, text, (uint32_t)strlen(text) + 1), 0);
}

void knet_set_number(struct knet_nodes *nodes, uint32_t node, const char *key, uint32_t number)
{
	struct coterie_ctx *host = nodes->list[node].host;

	ck_assert_int_eq(host->table.map_set(host, key, COTERIE_MAP_U32, &number, sizeof(number)), 0);
}

void knet_set_key(struct knet_nodes *nodes, uint32_t node, const char *model, int value)
{
	knet_set_text(nodes, node, "totem.crypto_model", model);
	knet_set_text(nodes, node, "totem.crypto_cipher", "aes256");
	knet_set_text(nodes, node, "totem.crypto_hash", "sha256");
	nodes->list[node].key_size = 200;
	memset(nodes->list[node].key, value, 200);
}

static void host_create(struct knet_nodes *nodes, uint32_t node)
{
	struct coterie_ctx *host = mock_host_create(&knet_LTX_coterie_plugin);

	nodes->list[node] = (struct knet_node){.host = host};
	host->nodeid = node + 1;
	host->table.key_get = get_key;
	host->member_count = KNET_NODES;
	for (uint32_t i = 0; i < KNET_NODES; i++)
		host->members[i] = i + 1;
	for (uint32_t link = 0; link < KNET_LINKS; link++) {
		char key[96];

		snprintf(key, sizeof(key), "runtime.config.totem.interface.%u.knet_ping_interval", link);
		knet_set_number(nodes, node, key, 200);
		snprintf(key, sizeof(key), "runtime.config.totem.interface.%u.knet_ping_timeout", link);
		knet_set_number(nodes, node, key, 600);
	}
}

void knet_nodes_init(struct knet_nodes *nodes)
{
	memset(nodes, 0, sizeof(*nodes));
	all = nodes;
	nodes->ops = knet_LTX_coterie_plugin.ops;
	choose_addresses(nodes);
	for (uint32_t i = 0; i < KNET_NODES; i++)
		host_create(nodes, i);
}

/* Open a node, in a thread: libknet takes long to open and close a handle, so all nodes are opened at the same time. */
static void *node_open(void *arg)
{
	struct knet_node *node = arg;
	void *self;

	if (all->ops->open(&node->host->table, node->host, &self) == 0)
		node->mesh = self;
	return NULL;
}

static void *node_close(void *arg)
{
	struct knet_node *node = arg;

	if (node->mesh != NULL)
		all->ops->close(node->mesh);
	node->mesh = NULL;
	return NULL;
}

static void at_once(struct knet_nodes *nodes, uint32_t count, void *(*run)(void *node))
{
	pthread_t threads[KNET_NODES];

	for (uint32_t i = 0; i < count; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run, &nodes->list[i]), 0);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void host_destroy(struct knet_nodes *nodes, uint32_t node)
{
	ck_assert_uint_eq(mock_host_destroy(nodes->list[node].host), 0);
	nodes->list[node].host = NULL;
}

void knet_nodes_fini(struct knet_nodes *nodes)
{
	at_once(nodes, KNET_NODES, node_close);
	for (uint32_t i = 0; i < KNET_NODES; i++)
		host_destroy(nodes, i);
}

void knet_node_stop(struct knet_nodes *nodes, uint32_t node)
{
	node_close(&nodes->list[node]);
	host_destroy(nodes, node);
	host_create(nodes, node);
}

static void node_join(struct knet_nodes *nodes, uint32_t node, uint32_t links, uint32_t count)
{
	struct mesh *mesh = nodes->list[node].mesh;

	ck_assert_ptr_nonnull(mesh);
	for (uint32_t link = 0; link < links; link++)
		for (uint32_t i = 0; i < count; i++)
			ck_assert_int_eq(
				nodes->ops->peer_add(mesh, link, i + 1, (struct sockaddr *)&nodes->addresses[link][i]),
				0);
	for (uint32_t link = 0; link < links; link++)
		ck_assert_int_eq(nodes->ops->link_up(mesh, link, (struct sockaddr *)&nodes->addresses[link][node]), 0);
}

void knet_node_start(struct knet_nodes *nodes, uint32_t node, uint32_t links, uint32_t count)
{
	node_open(&nodes->list[node]);
	node_join(nodes, node, links, count);
}

void knet_nodes_start(struct knet_nodes *nodes, uint32_t links, uint32_t count)
{
	at_once(nodes, count, node_open);
	for (uint32_t i = 0; i < count; i++)
		node_join(nodes, i, links, count);
}

/* Advance the host's virtual time by at least the real time that has passed, since libknet uses real time. */
static void node_serve(struct knet_node *node, int timeout_ms)
{
	uint64_t passed_ns = (uint64_t)(timeout_ms + 1) * MS;
	uint64_t clock_ns;

	mock_host_poll(node->host, timeout_ms);
	clock_ns = mesh_clock_ns();
	if (node->served_ns != 0 && clock_ns > node->served_ns + passed_ns)
		passed_ns = clock_ns - node->served_ns;
	node->served_ns = clock_ns;
	mock_host_advance(node->host, passed_ns);
}

void knet_serve(struct knet_nodes *nodes, int timeout_ms)
{
	for (uint32_t i = 0; i < KNET_NODES; i++)
		if (nodes->list[i].mesh != NULL)
			node_serve(&nodes->list[i], timeout_ms);
}

bool knet_wait(struct knet_nodes *nodes, bool (*is_done)(struct knet_nodes *nodes, uint32_t number), uint32_t number)
{
	uint64_t until_ns = mesh_clock_ns() + DEADLINE_MS * MS;

	while (!is_done(nodes, number)) {
		if (mesh_clock_ns() > until_ns)
			return false;
		knet_serve(nodes, 5);
	}
	return true;
}

void knet_serve_for(struct knet_nodes *nodes, uint32_t ms)
{
	uint64_t until_ns = mesh_clock_ns() + ms * MS;

	while (mesh_clock_ns() < until_ns)
		knet_serve(nodes, 5);
}

bool knet_is_connected(struct knet_nodes *nodes, uint32_t links)
{
	for (uint32_t from = 0; from < KNET_NODES; from++) {
		for (uint32_t to = 0; to < KNET_NODES; to++) {
			struct coterie_node_status status = {.size = sizeof(status)};
			uint32_t connected = 0;

			if (from == to || nodes->list[from].mesh == NULL || nodes->list[to].mesh == NULL)
				continue;
			if (nodes->ops->node_status(nodes->list[from].mesh, to + 1, &status) < 0)
				return false;
			for (uint32_t i = 0; i < COTERIE_LINKS_MAX; i++)
				connected += status.links[i].is_connected;
			if (!status.is_reachable || connected != links)
				return false;
		}
	}
	return true;
}

static struct coterie_frame *make_frame(struct coterie_ctx *host, uint32_t target, uint32_t size, uint8_t last)
{
	static uint8_t bytes[65537];
	uint16_t magic = 0xC070;
	uint32_t from = host->nodeid;

	memset(bytes, 0, FRAME_HEADER);
	memcpy(bytes, &magic, sizeof(magic));
	memcpy(bytes + 5, &from, sizeof(from));
	memcpy(bytes + 9, &target, sizeof(target));
	if (size > FRAME_HEADER)
		memset(bytes + FRAME_HEADER, last, size - FRAME_HEADER);
	return mock_frame(host, bytes, size);
}

int knet_multicast(struct knet_nodes *nodes, uint32_t node, uint32_t size, uint32_t count, uint32_t first)
{
	struct coterie_frame *frames[256] = {NULL};
	struct coterie_ctx *host = nodes->list[node].host;
	int rc;

	for (uint32_t i = 0; i < count; i++)
		frames[i] = make_frame(host, 0, size, (uint8_t)(first + i));
	rc = nodes->ops->multicast(nodes->list[node].mesh, frames, count);
	for (uint32_t i = 0; i < count; i++)
		host->table.frame_unref(frames[i]);
	return rc;
}

int knet_token(struct knet_nodes *nodes, uint32_t node, uint32_t nodeid)
{
	struct coterie_ctx *host = nodes->list[node].host;
	struct coterie_frame *frame = make_frame(host, nodeid, 57, 'T');
	int rc;

	rc = nodes->ops->token(nodes->list[node].mesh, nodeid, frame);
	host->table.frame_unref(frame);
	return rc;
}

uint32_t knet_interval(struct knet_nodes *nodes, uint32_t node, uint32_t nodeid)
{
	time_t interval = 0, timeout;
	unsigned int precision;

	knet_link_get_ping_timers(
		nodes->list[node].mesh->handle, (knet_node_id_t)nodeid, 0, &interval, &timeout, &precision);
	return (uint32_t)interval;
}

void knet_age(struct knet_nodes *nodes, uint32_t node)
{
	struct mesh *mesh = nodes->list[node].mesh;

	for (uint32_t link = 0; link < KNET_LINKS; link++) {
		mesh->links[link].opened_ns -= 60000 * MS;
		for (uint32_t i = 0; i < mesh->peer_count; i++) {
			struct mesh_path *path = &mesh->peers[i]->paths[link];

			path->opened_ns -= 60000 * MS;
			if (path->heard_ns != 0)
				path->heard_ns -= 60000 * MS;
		}
	}
	if (mesh->mtu_held_ns != 0)
		mesh->mtu_held_ns -= 60000 * MS;
	mock_host_advance(nodes->list[node].host, 1000 * MS);
}

void knet_receive(struct knet_nodes *nodes, uint32_t node, uint32_t count)
{
	uint64_t until_ns = mesh_clock_ns() + DEADLINE_MS * MS;

	while (nodes->list[node].host->frames.count < count) {
		if (mesh_clock_ns() > until_ns)
			ck_abort_msg("node %u: only %u of %u frames came", node + 1,
				nodes->list[node].host->frames.count, count);
		knet_serve(nodes, 2);
	}
}
