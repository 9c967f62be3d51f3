/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of a change of keys in the configuration service: four nodes of a simulated ring. The
 * test controls their transports, clients and messages.
 */
#ifndef TESTS_UNIT_REKEY_CASE_H
#define TESTS_UNIT_REKEY_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

#include "services/cfg/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_ring.h"

#define MS UINT64_C(1000000)

extern struct service_ring ring;
extern struct service_user users[SERVICE_RING_NODES + 1];

/**
 * Reload in two steps. false: each node reloads on its own, as in a ring with nodes of Corosync. Set it before
 * rekey_case_start.
 */
extern bool has_two_steps;

/** Start four nodes. Called before each test of a test case that rekey_case_add or rekey_pair_add has made. */
void rekey_case_start(void);
void rekey_case_stop(void);
TCase *rekey_case_add(Suite *suite);
/** Add a test case as rekey_case_add() does, in which nodes 1 and 2 are in a ring from the start. */
TCase *rekey_pair_add(Suite *suite);

void form(const char *rings);
struct coterie_ctx *host(uint32_t nodeid);
/** Let the transports of these nodes ("1 2 3") load new keys. */
void load(const char *nodes);
/** Load new keys as load() does, and deliver the messages of these nodes to all nodes. */
void load_told(const char *nodes);
/** Let only these nodes load new keys, until all nodes report that the change hangs. */
void hang(const char *nodes);
void pass(uint64_t ms);
/** Return the phases of the change that a node's transport has done: "12" is a whole change. */
const char *phases(uint32_t nodeid);
void expect(const char *nodes, const char *want);
/** Send a message of a Corosync node, or a forged one. */
void say(uint32_t nodeid, uint32_t phase, uint32_t repeated);
void ask_for_reload(uint32_t nodeid);
/** Have a client ask for a reload, and let all nodes begin it. */
void begin_reload(uint32_t nodeid);
/** Report that a node has read its file, and that the file is valid. */
void end_reload(uint32_t nodeid);
bool is_answered(uint32_t nodeid);
uint32_t count_logged(uint32_t nodeid, const char *words);

#endif
