/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of the tests of the CPG service: nodes 1 to 3 in one ring, and their clients. */
#ifndef TESTS_UNIT_CPG_CASE_H
#define TESTS_UNIT_CPG_CASE_H

#include <check.h>

#include "tests/suite.h"
#include "tests/unit/services/cpg/cpg_ring.h"

/* Codes of answers. */
#define OK 1
#define LIBRARY 2
#define TRY_AGAIN 6
#define INVALID 7
#define NO_MEMORY 8
#define BUSY 10
#define ACCESS 11
#define NOT_EXIST 12
#define TOO_LONG 13
#define EXISTS 14
#define INTERRUPT 16
#define TOO_BIG 26
#define NO_SECTIONS 27

extern struct service_ring ring;
extern struct cpg_user users[8];

#define expect(user, want) ck_assert_str_eq(cpg_user_event(&(user)), want)

TCase *cpg_case_add(Suite *suite);

struct coterie_ctx *host(uint32_t nodeid);
/**
 * Act as a ring with nodes of Corosync: the present ring of nodes 1 to 3 at once, other rings from their next
 * synchronisation on.
 */
void cpg_case_plain(void);
/** Create users[i] on the node nodes[i], join it to "grp" with pid 10 * (i + 1), and read all its events. */
void join_all(const char *nodes);
/** Send a fragment of a message that has `total` bytes. @return the error of the answer */
int32_t send_part(struct cpg_user *user, uint32_t type, uint32_t total, const char *text);

#endif
