/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of votequorum services (service_ring.h): their configuration in words, their clients, and
 * what these see, in words.
 */
#ifndef UNIT_VOTE_RING_H
#define UNIT_VOTE_RING_H

#include "services/votequorum/messages.h"
#include "tests/unit/service_ring.h"

/** Nodes that start from now on have no configuration but that of vote_ring_config. */
void vote_ring_init(struct service_ring *ring);

/**
 * The configuration of nodes that start from now on, borrowed: "nodes=3 two_node=1 device.model=net
 * nodelist.node.0.quorum_votes=2". Without a dot in front of the first word of a key, quorum. is
 * put there; nodes=N makes a nodelist of the nodes 1 .. N.
 */
void vote_ring_config(const char *words);

/** Set a key as the parser of the configuration would. value NULL: delete it. */
void vote_set_key(struct coterie_ctx *host, const char *key, const char *value);

/** Send a request with these fields behind its header. @return the error of the answer; 0: none
 * came */
int32_t vote_expected(struct service_user *user, uint32_t expected);
int32_t vote_votes(struct service_user *user, uint32_t nodeid, uint32_t votes);
int32_t vote_track(struct service_user *user, uint64_t context, uint32_t flags);
int32_t vote_track_stop(struct service_user *user);
int32_t vote_register(struct service_user *user, const char *name);
int32_t vote_unregister(struct service_user *user, const char *name);
int32_t vote_update(struct service_user *user, const char *old_name, const char *new_name);
/** ring_seq 0: that of the node's ring. */
int32_t vote_poll(struct service_user *user, const char *name, uint32_t cast, uint64_t ring_seq);
int32_t vote_master_wins(struct service_user *user, const char *name, uint32_t allow);

/** size bytes of it. */
int32_t vote_set_extra(struct service_user *user, const void *bytes, uint32_t size);
/** "abc"; "" for none; "error 12". Bytes that end with a zero. */
const char *vote_extra(struct service_user *user, uint32_t nodeid);

/** "2 of 3, need 2, flags 2, device 0 ''": what a client is told of a node; "error 12". */
const char *vote_info(struct service_user *user, uint32_t nodeid);

/**
 * The next event, valid until the next call: "nodes 1.4 [1 2]", "quorum 1 [1:1 2:1 3:2]", "expected
 * 3", "extra 2 [abc]", each with "/context" behind its first word if that is not 0; "" when there is none.
 */
const char *vote_event(struct service_user *user);

/** The same of a fresh client on a node: asked for and gone again. */
const char *vote_node_info(struct service_ring *ring, uint32_t nodeid);

/** The next message that a node queued, not sent yet: "info 1 votes 1 of 3 flags 8". It stays
 * there. */
const char *vote_queued(struct service_ring *ring, uint32_t nodeid, uint32_t index);

#endif
