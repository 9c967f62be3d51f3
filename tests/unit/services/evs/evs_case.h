/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fixture of the tests of the EVS service on a mock host. The events that a client receives are written as text,
 * one line for each.
 */
#ifndef TESTS_UNIT_EVS_CASE_H
#define TESTS_UNIT_EVS_CASE_H

#include <check.h>

#include "services/evs/messages.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

extern const struct coterie_plugin evs_LTX_coterie_plugin;

enum { OK = 1, TRY_AGAIN = 6, INVALID_PARAM = 7, NO_MEMORY = 8, NOT_EXIST = 12, TOO_BIG = 26, TOO_MANY_GROUPS = 30 };
enum { UNORDERED, FIFO, AGREED, SAFE };

#define USERS 4

extern const struct coterie_service *ops;
extern struct coterie_ctx *host;
extern void *self;
extern struct coterie_client *users[USERS];
extern uint32_t read_events[USERS];

TCase *evs_case_add(Suite *suite);

struct coterie_client *connect_user(uint32_t i);
void disconnect_user(uint32_t i);
/** Check the next event of a user. "": there is none. */
void expect(uint32_t i, const char *want);
struct evs_wire_group named(const char *name);
/** Send a request and check that it is answered with this id. @return the error of the answer */
int32_t request(uint32_t i, const void *bytes, size_t size, uint32_t response);
/**
 * Send a request about groups: each letter is the name of a group. `claimed`: number of groups that the request's
 * header says.
 */
int32_t groups_request(uint32_t i, int32_t id, const char *letters, uint32_t claimed);
int32_t join(uint32_t i, const char *letters);
int32_t leave(uint32_t i, const char *letters);
int32_t mcast_joined(uint32_t i, uint32_t guarantee, const char *text);
int32_t mcast_groups(uint32_t i, uint32_t guarantee, const char *letters, const void *bytes, size_t length);
/** Deliver all messages that were sent. */
void run_ring(void);

#endif
