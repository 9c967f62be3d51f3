/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of agreed reloads, which all nodes apply or none: four nodes of a simulated ring, each with
 * a client.
 */
#ifndef TESTS_UNIT_AGREE_CASE_H
#define TESTS_UNIT_AGREE_CASE_H

#include <check.h>

#include "services/cfg/messages.h"
#include "tests/suite.h"
#include "tests/unit/service_ring.h"

#define MS UINT64_C(1000000)
#define OK 1
#define TRY_AGAIN 6
#define INVALID 7

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

extern struct service_ring ring;
extern struct service_user users[SERVICE_RING_NODES + 1];

TCase *agree_case_add(Suite *suite);

struct coterie_ctx *host(uint32_t nodeid);
void kill_node(uint32_t nodeid);
/** Start over. The nodes in deaf_nodes do not support agreed reloads. */
void begin(const char *deaf_nodes);
void end(void);
void form(const char *rings);
void run(void);
void pass(uint64_t ms);
/**
 * Let enough time pass for a commit, for the return of the commit's own message from the ring, and for a second
 * attempt.
 */
void settle(void);
void ask(uint32_t nodeid);
void ask_report(uint32_t nodeid, uint32_t flags);
/** Return the error of the client's answer, or 0 if there is none yet. */
int32_t answer(uint32_t nodeid);
/**
 * Report that a node's executive has read its file. refusal: the reason why the file is refused. "": the file is valid,
 * and its values are those in use.
 */
void has_read(uint32_t nodeid, const char *refusal);
void all_read(const char *nodes);
/** Return how often each node has applied a file: "1 1 0 0". */
const char *commits(void);
void expect_kept(uint32_t nodeid, bool is_kept);
/** Return the report that a client has received: "1:ready 2:refused why|…". */
const char *report(uint32_t nodeid);

#endif
