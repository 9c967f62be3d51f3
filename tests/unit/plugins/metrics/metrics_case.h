/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixture of the tests of the plugin metrics: it runs on a mock host, with real sockets on the loopback. */
#ifndef TESTS_UNIT_METRICS_CASE_H
#define TESTS_UNIT_METRICS_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include <check.h>

#include "plugins/metrics/metrics.h"
#include "tests/suite.h"
#include "tests/unit/mock_host.h"

#define MS UINT64_C(1000000)
#define ANSWER_MAX (64u << 10)

extern const struct coterie_service *ops; /* operations of the plugin */
extern struct coterie_ctx *host;
extern void *metrics;
extern uint16_t port;
extern char answer[ANSWER_MAX + 1]; /* last answer that a client received */
extern uint32_t copies;             /* how often the statistics were copied */

/** Add a test case in which the plugin is started before each test. */
TCase *metrics_case_add(Suite *suite);

/** Create the plugin's host. Options can be set afterwards. */
void make_host(void);
void start(void);
void finish(void);
/** Return the port on which the plugin serves, taken from its log line; 0: none yet. */
uint16_t port_of(void);

/** Return the text to which arg points: a reader of the statistics map. */
uint32_t read_text(void *arg, void *value);
void set_u32(const char *key, uint32_t value);
void set_text(const char *key, const char *value);

int dial(void);
void say(int fd, const char *words);
/**
 * Run the loop until the client is disconnected. The received bytes are in the variable answer. @return false: it was
 * not disconnected in time
 */
bool listen_to(int fd);
/** Send a whole request and wait for its answer. @return answer */
const char *ask(const char *request);
const char *get(const char *path);
/** Check that the answer contains these words. */
void has(const char *words);

#endif
