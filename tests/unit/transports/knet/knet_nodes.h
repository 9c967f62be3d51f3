/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes of the transport knet in one process, between mock hosts. They use real sockets on loopback addresses that no
 * other process uses. libknet has its own threads and real time, so tests have to wait for it.
 */
#ifndef UNIT_KNET_NODES_H
#define UNIT_KNET_NODES_H

#include "tests/unit/mock_host.h"
#include "transports/knet/knet.h"

#define KNET_NODES 3u
#define KNET_LINKS 2
#define MS UINT64_C(1000000)

extern const struct coterie_plugin knet_LTX_coterie_plugin;

/** One node. Node n of the list has id n + 1. */
struct knet_node {
	struct coterie_ctx *host;
	struct mesh *mesh;  /* NULL: not open */
	uint64_t served_ns; /* when the node was last served by knet_serve(), 0: never */
	uint8_t key[4096];  /* result of key_get */
	uint32_t key_size;  /* 0: key_get returns no key */
};

struct knet_nodes {
	const struct coterie_transport *ops;
	struct knet_node list[KNET_NODES];
	bool is_flushed; /* when a node is closed, it waits until its frames are sent */
	struct sockaddr_storage addresses[KNET_LINKS][KNET_NODES];
};

/** Choose addresses and make the hosts, with fast pings and all nodes as members. No node is open yet. */
void knet_nodes_init(struct knet_nodes *nodes);
/** Close all open nodes. Fails the test if a node leaks. */
void knet_nodes_fini(struct knet_nodes *nodes);

/** Set a key of a node's map. */
void knet_set_text(struct knet_nodes *nodes, uint32_t node, const char *key, const char *text);
void knet_set_number(struct knet_nodes *nodes, uint32_t node, const char *key, uint32_t number);
/** Encrypt a node's packets with a key of 200 bytes, each of this value. */
void knet_set_key(struct knet_nodes *nodes, uint32_t node, const char *model, int value);

/** Open the first `count` nodes with their first `links` links to each other. */
void knet_nodes_start(struct knet_nodes *nodes, uint32_t links, uint32_t count);
/** Open a node with its first `links` links to the first `count` nodes. */
void knet_node_start(struct knet_nodes *nodes, uint32_t node, uint32_t links, uint32_t count);
/** Close a node, and create its host again. Fails the test if the node leaks. */
void knet_node_stop(struct knet_nodes *nodes, uint32_t node);

/** Serve all nodes once, and let their timers run. At least as much simulated time passes as real time. */
void knet_serve(struct knet_nodes *nodes, int timeout_ms);
/** Serve until is_done() returns true, for ten seconds at most. @return its last result */
bool knet_wait(struct knet_nodes *nodes, bool (*is_done)(struct knet_nodes *nodes, uint32_t number), uint32_t number);
/** Serve all nodes for `ms` milliseconds. */
void knet_serve_for(struct knet_nodes *nodes, uint32_t ms);
/** Return whether every open node reaches the other open ones over this many links. */
bool knet_is_connected(struct knet_nodes *nodes, uint32_t links);

/**
 * Send `count` frames of `size` bytes. Their last bytes are `first`, `first` + 1 and so on. @return number of accepted
 * frames
 */
int knet_multicast(struct knet_nodes *nodes, uint32_t node, uint32_t size, uint32_t count, uint32_t first);
/** Send one frame to one node. */
int knet_token(struct knet_nodes *nodes, uint32_t node, uint32_t nodeid);
/** Return libknet's interval of a node's pings to another on link 0, in ms. */
uint32_t knet_interval(struct knet_nodes *nodes, uint32_t node, uint32_t nodeid);
/** Make the node's links and paths a minute older, and let the node check them as it does regularly. */
void knet_age(struct knet_nodes *nodes, uint32_t node);
/** Wait until the node has received `count` frames in all. Fails the test if they do not arrive. */
void knet_receive(struct knet_nodes *nodes, uint32_t node, uint32_t count);

#endif
