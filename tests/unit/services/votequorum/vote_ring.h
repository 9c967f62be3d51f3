/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of votequorum services (service_ring.h). Their configuration, and the events and answers that clients get, are
 * written as text.
 */
#ifndef UNIT_VOTE_RING_H
#define UNIT_VOTE_RING_H

#include "services/votequorum/messages.h"
#include "tests/unit/service_ring.h"

/** Make a ring whose nodes have no configuration but that of vote_ring_config(). */
void vote_ring_init(struct service_ring *ring);

/**
 * Set the configuration of nodes that start from now on, borrowed: "nodes=3 two_node=1 device.model=net
 * nodelist.node.0.quorum_votes=2". nodes=N makes a nodelist of nodes 1 .. N. Each other key gets "quorum." in front,
 * unless it begins with "nodelist.".
 */
void vote_ring_config(const char *words);

/** Set a key as the reader of the configuration does. value NULL: delete it. */
void vote_set_key(struct coterie_ctx *host, const char *key, const char *value);

/** Send a request with these fields. @return the error of the answer; 0: there was no answer */
int32_t vote_expected(struct service_user *user, uint32_t expected);
int32_t vote_votes(struct service_user *user, uint32_t nodeid, uint32_t votes);
int32_t vote_track(struct service_user *user, uint64_t context, uint32_t flags);
int32_t vote_track_stop(struct service_user *user);
int32_t vote_register(struct service_user *user, const char *name);
int32_t vote_unregister(struct service_user *user, const char *name);
int32_t vote_update(struct service_user *user, const char *old_name, const char *new_name);
/** Poll as a device does, in the ring with sequence ring_seq. 0: the node's present ring. */
int32_t vote_poll(struct service_user *user, const char *name, uint32_t cast, uint64_t ring_seq);
int32_t vote_master_wins(struct service_user *user, const char *name, uint32_t allow);

/** Set the extra information to size bytes. */
int32_t vote_set_extra(struct service_user *user, const void *bytes, uint32_t size);
/** Return a node's extra information as text: "abc", "" for none, "error 12". Bytes that end with a zero. */
const char *vote_extra(struct service_user *user, uint32_t nodeid);

/** Return what a client is told about a node: "2 of 3, need 2, flags 2, device 0 ''", or "error 12". */
const char *vote_info(struct service_user *user, uint32_t nodeid);

/**
 * Return the next event as text, valid until the next call: "nodes 1.4 [1 2]", "quorum 1 [1:1 2:1 3:2]", "expected 3",
 * "extra 2 [abc]". A context other than 0 follows the first word: "/context". "": there is no event.
 */
const char *vote_event(struct service_user *user);

/** Return what a new client on a node is told about that node, as vote_info() does. The client ends afterwards. */
const char *vote_node_info(struct service_ring *ring, uint32_t nodeid);

/**
 * Return a message that a node has queued but not sent yet: "info 1 votes 1 of 3 flags 8". index: 0 for the oldest one.
 * It stays queued.
 */
const char *vote_queued(struct service_ring *ring, uint32_t nodeid, uint32_t index);

#endif
