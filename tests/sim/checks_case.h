/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of the checkers: a history of three nodes, which a test builds step by step. For each
 * property a history breaks the property, to show that its checker notices.
 */
#ifndef TESTS_SIM_CHECKS_CASE_H
#define TESTS_SIM_CHECKS_CASE_H

#include <stdint.h>

#include <check.h>

#include "exec/totem/engine.h"
#include "tests/sim/check_evs.h"
#include "tests/suite.h"

#define NODES 3u
#define ALL 7u /* sets of nodes are masks by index: nodes 1, 2, 3 are bits 0, 1, 2 */

extern const uint32_t ids[NODES];
extern struct report report;
extern struct history history;
extern struct life *lives[NODES];

TCase *checks_case_add(Suite *suite);

/** Check that this property was reported as broken, and no other one. */
void expect(const char *property);
void expect_nothing(void);

/** Return the ring with this sequence and these members. Create it if it is new. */
struct ring_record *ring(uint64_t members, uint64_t seq);
void transitional(uint32_t node, uint64_t members, uint64_t seq, uint64_t with, uint64_t left);
void regular(uint32_t node, uint64_t members, uint64_t seq, uint64_t joined);
/** Install the ring of `members` at a node. The node comes from its present ring together with the nodes in `with`. */
void install(uint32_t node, uint64_t members, uint64_t seq, uint64_t with);
void install_all(uint64_t seq);

/** Record that a node sends a message of 100 bytes, which has no place in the order yet. */
struct message *send_only(uint32_t node, uint32_t guarantee);
void receive(struct ring_record *on, uint32_t seq, uint64_t nodes);
/** Put the message into frame seq, which has nothing else, and note that `nodes` received the frame. */
void order(struct message *message, struct ring_record *on, uint32_t seq, uint64_t nodes);
/** Send an agreed message and order it at once, as send_only() and order() do. */
struct message *send_ordered(uint32_t node, struct ring_record *on, uint32_t seq, uint64_t nodes);
void deliver(uint64_t nodes, struct message *message);

/** Record a trace event of a node's engine. */
void trace(uint32_t node, enum totem_trace_kind kind, enum totem_state state, const struct ring_record *on,
	uint32_t seq, uint64_t value);

#endif
