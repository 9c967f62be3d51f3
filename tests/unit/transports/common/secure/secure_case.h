/* SPDX-License-Identifier: BSD-3-Clause */

/* Shared by the tests of sealed datagrams: three nodes with one ring key, and no network between them. */
#ifndef UNIT_SECURE_CASE_H
#define UNIT_SECURE_CASE_H

#include "transports/common/secure/secure_private.h"

#define NODES 3u
#define SIZE_MAX_TESTED 65000u

extern const uint8_t ring_key[128], other_key[128];
extern struct secure *nodes[NODES]; /* node ids are one more than the place */
extern uint64_t now_ns;
/** A datagram, as send_one() leaves it when it is opened. */
extern uint8_t datagram[SIZE_MAX_TESTED + SECURE_OVERHEAD];
/** Result of the last secure_open(). */
extern struct secure_opened opened;

/** Fixture: all nodes believe each other's sessions. */
void secure_case_set_up(void);
void secure_case_tear_down(void);

/** Source of random bytes: each call fills in the next number. */
int fill_counting(void *bytes, size_t size);
/** End a node's session and begin a new one, with ring_key as its key 1. */
void node_restart(uint32_t node);

/** Deliver a datagram and all replies to it. @return the result of the first one */
enum secure_result deliver(uint32_t from, uint32_t to, uint8_t *bytes, uint32_t size);
/** Send a question about the session of `to`, and deliver it and its answer. number: of the key, as in secure_ask() */
void ask(uint32_t from, uint32_t to, uint32_t number);
/** Seal a datagram of `size` bytes 0x5a for a node. @return the size of the sealed datagram */
uint32_t seal_for(uint32_t from, uint32_t to, enum secure_lane lane, uint32_t size, uint8_t *out);
/** Seal a datagram for nodes[1], which most tests use. */
uint32_t seal(uint32_t from, enum secure_lane lane, uint32_t size, uint8_t *out);
/** Seal `datagram` for one node, and deliver it. */
enum secure_result send_one(uint32_t from, uint32_t to, uint32_t size);

#endif
