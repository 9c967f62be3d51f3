/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of the configuration service on one node: a mock host, and clients that are connected before
 * each test.
 */
#ifndef TESTS_UNIT_CFG_CASE_H
#define TESTS_UNIT_CFG_CASE_H

#include <check.h>

#include "services/cfg/messages.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

#define OK 1
#define INVALID 7
#define NO_MEMORY 8
#define BUSY 10
#define ACCESS 11
#define NOT_EXIST 12
#define TOO_LONG 13
#define EXISTS 14
#define NOT_SUPPORTED 19
#define FAILED 21

#define SECOND UINT64_C(1000000000)
#define USERS 5

extern const struct coterie_plugin cfg_LTX_coterie_plugin;

extern const struct coterie_service *ops;
extern struct coterie_ctx *host;
extern void *self;
extern struct coterie_client *users[USERS];

TCase *cfg_case_add(Suite *suite);

void leave(uint32_t i);
/** Send a client's request. @return the result of the handler */
int request(uint32_t i, const void *msg, uint32_t size);
int ask(uint32_t i, int32_t id);
int track(uint32_t i);
int shut_down(uint32_t i, uint32_t flags);
int answer(uint32_t i, uint32_t yes);
/** Check that the client's last reply has this id. @return its error */
int32_t error_of(uint32_t i, uint32_t id);
bool has_answer(uint32_t i);
/** Return how often the client was asked whether it agrees with a shutdown. */
uint32_t questions(uint32_t i);
/** Return how many shutdowns this node has announced on the ring. */
uint32_t announced(void);
void deliver_all(uint32_t nodeid, bool swap);

#endif
