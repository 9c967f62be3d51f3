/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of nodes that run one service, without daemons. Each node is a plugin on a mock host.
 * Messages are delivered to all in one order, and the test changes the configuration.
 */
#ifndef UNIT_SERVICE_RING_H
#define UNIT_SERVICE_RING_H

#include "tests/unit/mock_host.h"

#define SERVICE_RING_NODES 8

/** A node. Ids are 1 .. SERVICE_RING_NODES. */
struct service_node {
	struct coterie_ctx *host; /* NULL: not running */
	void *self;
	uint32_t ring_rep; /* representative of its ring, 0 before the first ring */
	uint64_t ring_seq;
};

struct service_ring {
	const struct coterie_plugin *plugin;
	bool is_replacing, is_synchronising; /* is_replacing: see SERVICE_REPLACED in service_ring.c */
	uint32_t replacements;
	const struct coterie_service *ops;
	void (*prepare)(struct coterie_ctx *host); /* called with a node's host before the node starts; may be NULL */
	struct service_node nodes[SERVICE_RING_NODES + 1]; /* by node id */
	uint64_t seq;                                      /* sequence of the newest ring */
	uint32_t first;   /* node whose messages are delivered first in a round, 0: by ascending id */
	bool has_swapped; /* messages between different nodes change byte order on the way */
};

/** One client of a node. */
struct service_user {
	struct service_ring *ring;
	uint32_t nodeid;
	struct coterie_client *client; /* NULL: gone */
	uint32_t seen;                 /* number of events that the test has read */
};

/**
 * Return whether SERVICE_REPLACED is in the environment. Some tests then leave out what a replacement changes, or what
 * would take too long.
 */
bool service_is_replaced(void);

void service_ring_init(struct service_ring *ring, const struct coterie_plugin *plugin);
/** Stop all nodes. Fails the test if a plugin has leaked. */
void service_ring_fini(struct service_ring *ring);

/** Start a node. service_ring_kill() ends it without any message. */
void service_ring_start(struct service_ring *ring, uint32_t nodeid);
void service_ring_kill(struct service_ring *ring, uint32_t nodeid);

/** Deliver the oldest message of a node. @return false: it has none */
bool service_ring_deliver_next(struct service_ring *ring, uint32_t nodeid);
/** Deliver all queued messages, in each ring to all its members in the same order. */
void service_ring_run(struct service_ring *ring);

/**
 * Form rings, and synchronise each of them to its end. "1 2 | 3 4" are two rings. Nodes that are not named keep their
 * ring. Nodes that come from the same ring are each other's transitional members.
 */
void service_ring_form(struct service_ring *ring, const char *rings);
/** Form rings as service_ring_form() does, but in three parts, so that a test can act between them. */
void service_ring_form_start(struct service_ring *ring, const char *rings);
void service_ring_form_steps(struct service_ring *ring);
void service_ring_form_done(struct service_ring *ring);

struct service_user service_user_create(struct service_ring *ring, uint32_t nodeid, uint32_t pid);
/** End the client's connection. */
void service_user_close(struct service_user *user);

/** Send a request. The header is filled in. @return the handler's result */
int service_user_send(struct service_user *user, int32_t id, void *request, uint32_t size);
/** Send a request, and run until it is answered. @return the error of the answer; 0: there was no answer */
int32_t service_user_request(struct service_user *user, int32_t id, void *request, uint32_t size);

/**
 * Return the next event of the client as text.
 *
 * @param text   buffer for the text that write makes: borrowed
 * @param write  writes the event as text; the event begins with a header of 24 bytes, which size includes
 * @return text; "" if there is no event
 */
const char *service_user_event(struct service_user *user, char *text,
	void (*write)(char *text, uint32_t id, const void *event, uint32_t size));

#endif
